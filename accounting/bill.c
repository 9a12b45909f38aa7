/* bill.c - the ledger's side of a bill. See bill.h. */
#include "accounting/bill_private.h"

#include "accounting/ledger_rollup.h"
#include "accounting/report_sums.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define ABSENT_TOKENS                                                                              \
    {                                                                                              \
        USAGE_ABSENT, USAGE_ABSENT, USAGE_ABSENT, USAGE_ABSENT, USAGE_ABSENT                       \
    }
const struct bill_line bill_line_empty = {
    .vendor = {.requests = USAGE_ABSENT, .tokens = ABSENT_TOKENS},
    .ledger = {.requests = USAGE_ABSENT, .tokens = ABSENT_TOKENS},
    .day_ms = BILL_NO_DAY,
};
_Static_assert(TALLY_TOKENS == 5, "each of the sums begins as absent");
_Static_assert(USAGE_ABSENT < 0, "a count below 0 is none");

void bill_day_print(int64_t day_ms, char text[BILL_DAY_SIZE])
{
    struct ledger_date date;

    text[0] = '\0';
    if (day_ms == BILL_NO_DAY)
        return;
    date = ledger_date_of(day_ms);
    snprintf(text, BILL_DAY_SIZE, "%04d-%02u-%02u", date.year, date.month, date.day);
}

struct bill_line *bill_line(struct bill *bill, struct text model, int64_t day_ms)
{
    char day[BILL_DAY_SIZE];
    struct text values[2] = {model, {day, 0}};
    struct bill_line *line;

    bill_day_print(day_ms, day);
    values[1].len = strlen(day);
    line = report_table_get(bill->table, values, 2);
    /* Where there are too many lines it is another one, of no day. */
    if (line != NULL && report_table_value(bill->table, line, 1).len == strlen("2026-11-20"))
        line->day_ms = day_ms;
    return line;
}

/* Several vendors' rows against the bill of one are the likeliest mistake. */
static void note_upstream(struct bill *bill, struct text upstream)
{
    size_t len = upstream.len < ROW_NAME_MAX ? upstream.len : ROW_NAME_MAX;

    if (bill->first_upstream[0] == '\0' && len > 0)
        memcpy(bill->first_upstream, upstream.bytes, len); /* the rest is NULs */
    else if (strlen(bill->first_upstream) != len ||
             (len > 0 && memcmp(bill->first_upstream, upstream.bytes, len) != 0))
        bill->several_upstreams = true;
}

static int add_group(struct bill_line *line, const struct rollup_group *group)
{
    bool pending = group->verdict == VERDICT_PENDING;
    struct bill_side *side = &line->ledger;
    int result = report_add_count(&side->requests, group->requests);

    side->present = true;
    for (unsigned i = 0; i < TALLY_TOKENS && result == 0; i++)
        result = report_add_count(&side->tokens[i], group->tokens[i]);
    if (result == 0)
        result = report_add_money(&side->cost, &group->money[TALLY_BILLED]);
    if (result == 0)
        result = report_add_money(&side->market, &group->money[TALLY_MARKET]);
    if (result == 0)
        result = report_add_money(&side->upstream, &group->money[TALLY_UPSTREAM]);
    if (result == 0)
        result = report_add_count(&line->pending, pending ? group->requests : 0);
    if (result == 0)
        result = report_add_count(&line->unreported, pending ? 0 : group->unbilled);
    if (result < 0 || group->byok != 1)
        return result;
    result = report_add_count(&line->byok, group->requests);
    return result < 0 ? result : report_add_money(&line->byok_cost, &group->money[TALLY_BILLED]);
}

static int take_group(void *arg, const struct rollup_group *group)
{
    struct bill *bill = arg;
    struct text wanted = bill->order->upstream, model = {NULL, 0};
    struct bill_line *line;
    int64_t day_ms = BILL_NO_DAY;
    int result;

    if (!report_is_paid(group->verdict)) /* hits and collapsed requests are free */
        return 0;
    if (wanted.len > 0 && (group->upstream.len != wanted.len ||
                           memcmp(group->upstream.bytes, wanted.bytes, wanted.len) != 0))
        return 0;
    note_upstream(bill, group->upstream);
    if (bill->by_day)
        day_ms = group->hour_ms - (group->hour_ms - bill->order->from_ms) % LEDGER_DAY_MS;
    if (bill->by_model) {
        result = bill_name(bill, group->model, &model);
        if (result < 0)
            return result;
    }
    line = bill_line(bill, model, day_ms);
    return line == NULL ? -ENOMEM : add_group(line, group);
}

static int collect(struct ledger_reader *reader, struct bill *bill, char *error, size_t error_size)
{
    int result;

    bill->table = report_table_new(&bill_line_empty, sizeof(bill_line_empty), BILL_LINES_MAX);
    if (bill->table == NULL)
        return -ENOMEM;
    result = bill_read_report(bill, error, error_size);
    if (result == 0)
        result = ledger_reader_sums(reader, bill->order->from_ms, bill->order->to_ms, take_group,
                                    bill, NULL);
    if (result == 0)
        result = bill_settle(bill);
    if (result == -EOVERFLOW)
        snprintf(error, error_size, "its sums and the ledger's are too large for any bill");
    return result;
}

int bill_write(struct ledger_reader *reader, const struct bill_order *order, FILE *out, char *error,
               size_t error_size, bool *ret_agrees)
{
    struct bill bill = {.order = order,
                        .first_day_ms = BILL_NO_DAY,
                        .last_day_ms = BILL_NO_DAY,
                        .total = bill_line_empty};
    int result = collect(reader, &bill, error, error_size);

    if (result == 0 && order->json)
        bill_print_json(&bill, out);
    else if (result == 0)
        result = bill_print_text(&bill, out);
    if (result == 0 && (fflush(out) != 0 || ferror(out) != 0))
        result = -EIO;
    if (result == 0)
        *ret_agrees = bill.differing == 0;
    free(bill.lines);
    report_table_free(bill.table);
    report_table_free(bill.names);
    return result;
}
