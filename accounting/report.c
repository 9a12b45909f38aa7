/* report.c - the door of the reports: which one is asked for. */
#include "accounting/report.h"

#include "accounting/report_collect.h"
#include "accounting/report_compare.h"
#include "accounting/report_print.h"

#include <errno.h>

static bool keys_valid(const enum export_key *by, size_t by_count)
{
    uint32_t seen = 0;

    for (size_t i = 0; i < by_count; i++) {
        if ((unsigned)by[i] >= EXPORT_KEYS || (seen & 1u << by[i]) != 0)
            return false;
        seen |= 1u << by[i];
    }
    return true;
}

static int write_month(struct ledger_reader *reader, const struct report_order *order, FILE *out)
{
    struct report_month month = {0};
    int result = report_collect(reader, order, &month);

    if (result == 0 && order->json)
        report_print_json(&month, out);
    else if (result == 0)
        result = report_print_text(&month, out);
    report_month_release(&month);
    return result;
}

int report_write(struct ledger_reader *reader, const struct report_order *order, FILE *out)
{
    bool compared = order->against_from_ms != 0 || order->against_to_ms != 0;
    int result;

    if (!keys_valid(order->by, order->by_count))
        return -EINVAL;
    result = compared ? report_compare(reader, order, out) : write_month(reader, order, out);
    if (result == 0 && (fflush(out) != 0 || ferror(out) != 0))
        result = -EIO;
    return result;
}
