/* command_month.h - what commands that read a month say of one that is not there any more.
 * Threads: one per call.
 */
#ifndef SERVER_COMMAND_MONTH_H
#define SERVER_COMMAND_MONTH_H

#include "accounting/ledger.h"

/* Says on standard error when the month of from_ms was closed and dropped (ledger.retention): what
 * follows is about no rows, which are in its export. command: "export", ... */
void command_tell_dropped(struct ledger_reader *reader, int64_t from_ms, const char *command);

#endif
