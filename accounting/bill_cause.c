/* bill_cause.c - what the two sides of a bill differ by, and the likely cause. */
#include "accounting/bill_private.h"

#include "accounting/report_sums.h"

#include <errno.h>
#include <stdlib.h>

static const struct money tolerance = {BILL_TOLERANCE};

static struct money amount(const struct maybe_money *money)
{
    return money->known ? money->money : (struct money){0};
}

static bool is_small(struct money money)
{
    return money.femto >= -tolerance.femto && money.femto <= tolerance.femto;
}

/* Whether the difference has the size of this sum, which is some. */
static bool has_size(struct money difference, const struct maybe_money *sum)
{
    struct money size, rest;

    return sum->known && !is_small(sum->money) && money_absolute(difference, &difference) == 0 &&
           money_absolute(sum->money, &size) == 0 && money_subtract(difference, size, &rest) == 0 &&
           is_small(rest);
}

/* --- counts --- */

static bool counts_differ(int64_t a, int64_t b)
{
    return a >= 0 && b >= 0 && a != b;
}

/* The first count that is known. */
static int64_t some(int64_t count, int64_t other)
{
    if (count >= 0)
        return count;
    return other >= 0 ? other : 0;
}

/* A gateway may count what was read from or written to a prompt cache as part of the prompt or
 * beside it (it depends on the endpoint and on when it was asked): both are the same prompt. */
static bool prompts_differ(const struct bill_line *line)
{
    const int64_t *theirs = line->vendor.tokens, *ours = line->ledger.tokens;
    __int128 read = some(theirs[TALLY_CACHED], ours[TALLY_CACHED]);
    __int128 written = some(theirs[TALLY_CACHE_WRITE], ours[TALLY_CACHE_WRITE]);
    __int128 apart = (__int128)theirs[TALLY_PROMPT] - ours[TALLY_PROMPT];

    if (!counts_differ(theirs[TALLY_PROMPT], ours[TALLY_PROMPT]))
        return false;
    if (apart < 0)
        apart = -apart;
    return apart != read && apart != written && apart != read + written;
}

static bool tokens_differ(const struct bill_line *line)
{
    for (unsigned i = TALLY_PROMPT + 1; i < TALLY_TOKENS; i++) {
        if (counts_differ(line->vendor.tokens[i], line->ledger.tokens[i]))
            return true;
    }
    return prompts_differ(line);
}

/* --- causes --- */

/* A gateway bills nothing or a fee under one's own key; whether its report lists the call, and with
 * which of the sums, is not told. */
static bool is_byok(const struct bill_line *line)
{
    bool all = line->byok > 0 && line->byok == line->ledger.requests;

    if (line->byok == 0 && is_small(amount(&line->vendor.upstream)))
        return false;
    return has_size(line->difference, &line->byok_cost) ||
           has_size(line->difference, &line->ledger.upstream) ||
           has_size(line->difference, &line->vendor.upstream) ||
           (all && is_small(amount(&line->vendor.cost)));
}

static enum bill_cause cause_of(const struct bill_line *line)
{
    bool requests = counts_differ(line->vendor.requests, line->ledger.requests);
    bool vendor_more = line->difference.femto > 0;

    if (!line->vendor.present)
        return BILL_NOT_IN_REPORT;
    if (!line->ledger.present)
        return BILL_NOT_IN_LEDGER;
    if (!line->agrees && has_size(line->difference, &line->vendor.surcharge))
        return BILL_SURCHARGE;
    if (!line->agrees && is_byok(line))
        return BILL_BYOK;
    if (line->agrees && requests)
        return BILL_REQUESTS;
    /* What we do not know of cannot make our side the larger one. */
    if (line->pending > 0 && (line->agrees || vendor_more))
        return BILL_PENDING;
    if (line->unreported > 0 && (line->agrees || vendor_more))
        return BILL_UNREPORTED;
    if (requests)
        return BILL_REQUESTS;
    if (tokens_differ(line))
        return BILL_TOKEN_COUNT;
    return line->agrees ? BILL_EQUAL : BILL_UNEXPLAINED;
}

static bool same_text(struct text a, struct text b)
{
    return a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0;
}

/* Lines are in order of model and day. Each day is paired once. */
static bool is_border(const struct bill *bill, const struct bill_line *line,
                      const struct bill_line *next)
{
    struct money sum;

    return line->cause != BILL_DAY_BORDER && !line->agrees && !next->agrees &&
           line->day_ms != BILL_NO_DAY && next->day_ms == line->day_ms + LEDGER_DAY_MS &&
           same_text(report_table_value(bill->table, line, 0),
                     report_table_value(bill->table, next, 0)) &&
           money_add(line->difference, next->difference, &sum) == 0 && is_small(sum);
}

/* --- adding up --- */

int bill_side_add(struct bill_side *sum, const struct bill_side *side)
{
    int result = report_add_count(&sum->requests, side->requests);

    sum->present = sum->present || side->present;
    for (unsigned i = 0; i < TALLY_TOKENS && result == 0; i++)
        result = report_add_count(&sum->tokens[i], side->tokens[i]);
    if (result == 0)
        result = report_add_money(&sum->cost, &side->cost);
    if (result == 0)
        result = report_add_money(&sum->market, &side->market);
    if (result == 0)
        result = report_add_money(&sum->surcharge, &side->surcharge);
    return result < 0 ? result : report_add_money(&sum->upstream, &side->upstream);
}

static int add_line(struct bill_line *sum, const struct bill_line *line)
{
    int result = bill_side_add(&sum->vendor, &line->vendor);

    if (result == 0)
        result = bill_side_add(&sum->ledger, &line->ledger);
    if (result == 0)
        result = report_add_count(&sum->pending, line->pending);
    if (result == 0)
        result = report_add_count(&sum->unreported, line->unreported);
    if (result == 0)
        result = report_add_count(&sum->byok, line->byok);
    if (result == 0)
        result = report_add_money(&sum->byok_cost, &line->byok_cost);
    return result < 0 ? result : money_add(sum->difference, line->difference, &sum->difference);
}

static int by_name(const void *a, const void *b)
{
    (void)a;
    (void)b;
    return 0; /* all are equal, and so stand in the order of their values */
}

static int by_day(const void *a, const void *b)
{
    const struct bill_line *left = *(struct bill_line *const *)a;
    const struct bill_line *right = *(struct bill_line *const *)b;

    if (left->day_ms != right->day_ms)
        return left->day_ms < right->day_ms ? -1 : 1;
    return (left->rank > right->rank) - (left->rank < right->rank);
}

static int list_lines(struct bill *bill)
{
    void *const *sorted = report_table_sort(bill->table, by_name, &bill->count);

    bill->lines = calloc(bill->count + 1, sizeof(*bill->lines));
    if (bill->lines == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < bill->count; i++) {
        struct bill_line *line = sorted[i];
        line->rank = i;
        if (money_subtract(amount(&line->vendor.cost), amount(&line->ledger.cost),
                           &line->difference) < 0)
            return -EOVERFLOW;
        line->agrees = is_small(line->difference);
        bill->lines[i] = line;
    }
    return 0;
}

int bill_settle(struct bill *bill)
{
    int result = list_lines(bill);

    for (size_t i = 0; i < bill->count && result == 0; i++) {
        struct bill_line *line = bill->lines[i];
        struct bill_line *next = i + 1 < bill->count ? bill->lines[i + 1] : NULL;
        if (next != NULL && is_border(bill, line, next))
            line->cause = next->cause = BILL_DAY_BORDER;
        else if (line->cause != BILL_DAY_BORDER)
            line->cause = cause_of(line);
        bill->differing += !line->agrees;
        bill->causes[line->cause].lines++;
        result = money_add(bill->causes[line->cause].difference, line->difference,
                           &bill->causes[line->cause].difference);
        if (result == 0)
            result = add_line(&bill->total, line);
    }
    if (result == 0 && bill->count > 0)
        qsort(bill->lines, bill->count, sizeof(*bill->lines), by_day);
    return result;
}
