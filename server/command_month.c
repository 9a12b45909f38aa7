#include "server/command_month.h"

#include "accounting/ledger_close.h"

#include <stdio.h>

void command_tell_dropped(struct ledger_reader *reader, int64_t from_ms, const char *command)
{
    struct seal seal;

    if (ledger_reader_dropped(reader, from_ms, &seal) != 1)
        return;
    fprintf(stderr,
            "tollgate %s: %s was closed with %llu rows and dropped since (ledger.retention): its "
            "export has them\n",
            command, seal.month, (unsigned long long)seal.rows);
}
