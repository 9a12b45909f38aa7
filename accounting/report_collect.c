/* report_collect.c - a month's rows into the sums of a report. */
#include "accounting/report_collect.h"

#include "accounting/export_tags.h"
#include "accounting/ledger_close.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const struct report_waste waste_empty = {
    .tokens = USAGE_ABSENT, .before = {.hour_ms = -1}, .last = {.hour_ms = -1}};

int report_month_open(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                      struct report_month *ret_month)
{
    struct seal seal;
    int result = ledger_reader_seal(reader, from_ms, &seal);

    if (result != 0 && result != -ENOENT)
        return result;
    memset(ret_month, 0, sizeof(*ret_month));
    ret_month->from_ms = from_ms;
    ret_month->to_ms = to_ms;
    ledger_month_name(from_ms, ret_month->name);
    ret_month->closed = result == 0;
    ret_month->closed_ms = result == 0 ? seal.closed_ms : -1;
    ret_month->total.sums = report_sums_empty;
    ret_month->waste = waste_empty;
    return 0;
}

void report_month_release(struct report_month *month)
{
    report_table_free(month->lines.table);
    report_table_free(month->drift.table);
    report_table_free(month->unpriced.table);
    report_table_free(month->wasted.table);
    memset(month, 0, sizeof(*month));
}

static bool make_tables(struct report_month *month)
{
    static const struct report_line line = {
        .sums = {.tokens = {USAGE_ABSENT, USAGE_ABSENT, USAGE_ABSENT, USAGE_ABSENT, USAGE_ABSENT}}};
    static const struct report_drift drift = {0};
    static const struct report_unpriced unpriced = {0};

    month->lines.table = report_table_new(&line, sizeof(line), REPORT_GROUPS_MAX);
    month->drift.table = report_table_new(&drift, sizeof(drift), REPORT_GROUPS_MAX);
    month->unpriced.table = report_table_new(&unpriced, sizeof(unpriced), REPORT_GROUPS_MAX);
    month->wasted.table = report_table_new(&waste_empty, sizeof(waste_empty), REPORT_GROUPS_MAX);
    return month->lines.table != NULL && month->drift.table != NULL &&
           month->unpriced.table != NULL && month->wasted.table != NULL;
}

/* --- which group --- */

void report_group_values(const struct rollup_group *group, const enum export_key *by,
                         size_t by_count, struct text values[EXPORT_KEYS],
                         char day[REPORT_DAY_SIZE])
{
    for (size_t i = 0; i < by_count; i++)
        values[i] = report_group_value(group, by[i], day);
}

/* Whether the first `count` tags of a row hold this one: a row counts once in each. */
static bool tag_seen(struct text tags, struct text tag, size_t count)
{
    struct export_tags_walk walk = export_tags_walk(tags);
    char other[ROW_TAGS_BYTES_MAX];
    size_t len;

    for (; count > 0 && export_tags_next(&walk, other, &len) == 1; count--) {
        if (len == tag.len && memcmp(other, tag.bytes, len) == 0)
            return true;
    }
    return false;
}

int report_row_groups(const struct ledger_row *row, const enum export_key *by, size_t by_count,
                      int (*fn)(void *arg, const struct text *values, const struct ledger_row *row),
                      void *arg)
{
    struct export_tags_walk walk = export_tags_walk(row->tags);
    char buffer[ROW_TAGS_BYTES_MAX], day[REPORT_DAY_SIZE];
    struct text values[EXPORT_KEYS], tag = {NULL, 0};
    bool split = export_groups_overlap(by, by_count) && row->tags.len > 0;
    size_t taken = 0, at = by_count;
    int result;

    assert(by_count > 0 && by_count <= EXPORT_KEYS);
    if (split && !export_tags_valid(row->tags)) { /* no list of tags: it is one, as it stands */
        tag = row->tags;
        split = false;
    }
    for (size_t i = 0; i < by_count; i++) {
        values[i] = report_row_value(row, by[i], tag, day);
        at = by[i] == EXPORT_TAG ? i : at;
    }
    if (!split || export_tags_next(&walk, buffer, &tag.len) != 1)
        return fn(arg, values, row);
    do {
        tag.bytes = buffer;
        values[at] = tag;
        result = tag_seen(row->tags, tag, taken++) ? 0 : fn(arg, values, row);
    } while (result == 0 && taken < ROW_TAGS_MAX && export_tags_next(&walk, buffer, &tag.len) == 1);
    return result;
}

/* --- prompt caches --- */

static int settle_waste(struct report_month *month, struct report_waste *waste)
{
    const struct report_waste_hour *hour = &waste->before;
    bool next_read = waste->last.hour_ms == hour->hour_ms + REPORT_HOUR_MS && waste->last.read;
    int result;

    /* An hour counts when the one behind it is over, too: until then it may still be read. */
    if (hour->hour_ms < 0 || hour->hour_ms >= month->to_ms || hour->read || next_read ||
        hour->hour_ms + 2 * REPORT_HOUR_MS > month->now_ms || hour->tokens <= 0)
        return 0;
    result = report_add_count(&waste->tokens, hour->tokens);
    if (result == 0)
        result = report_add_money(&waste->cost, &hour->cost);
    if (result == 0)
        result = report_add_count(&month->waste.tokens, hour->tokens);
    if (result == 0)
        result = report_add_money(&month->waste.cost, &hour->cost);
    return result;
}

/* Groups come hour by hour; those of one hour in no order. */
static int add_waste(struct report_month *month, const struct rollup_group *group)
{
    struct text values[] = {group->model, group->key_id};
    struct report_waste *waste;
    int result = 0;

    if (group->tokens[TALLY_CACHE_WRITE] <= 0 && group->tokens[TALLY_CACHED] <= 0)
        return 0;
    waste = report_table_get(month->wasted.table, values, 2);
    if (waste == NULL)
        return -ENOMEM;
    if (waste->last.hour_ms != group->hour_ms) {
        result = settle_waste(month, waste);
        waste->before = waste->last;
        waste->last = (struct report_waste_hour){.hour_ms = group->hour_ms, .tokens = USAGE_ABSENT};
    }
    waste->last.read = waste->last.read || group->tokens[TALLY_CACHED] > 0;
    if (result == 0)
        result = report_add_count(&waste->last.tokens, group->tokens[TALLY_CACHE_WRITE]);
    return result < 0 ? result : report_add_money(&waste->last.cost, &group->cache_write_cost);
}

/* The last two hours of a group. */
static int end_waste(void *arg, void *sums)
{
    struct report_month *month = arg;
    struct report_waste *waste = sums;
    int result = settle_waste(month, waste);

    waste->before = waste->last;
    waste->last = (struct report_waste_hour){.hour_ms = -1};
    return result < 0 ? result : settle_waste(month, waste);
}

/* --- everything else --- */

/* difference = (market, else billed + upstream) - estimated, so what is left of booked - estimated
 * - difference is billed + upstream - market, and nothing where no market price is known. Unlike
 * sums of billed and of market this also holds for groups of which some rows know a market price
 * and some do not, and for corrections, which are differences themselves. */
static int add_fees(struct report_month *month, const struct rollup_group *group)
{
    const struct maybe_money *booked = &group->money[TALLY_BOOKED];
    const struct maybe_money *estimated = &group->money[TALLY_ESTIMATED];
    const struct maybe_money *difference = &group->money[TALLY_DIFFERENCE];
    struct maybe_money fees = {.known = true};
    int result = 0;

    if (group->verdict != VERDICT_MATCHED && group->verdict != VERDICT_OVER &&
        group->verdict != VERDICT_UNDER)
        return 0;
    if (booked->known)
        result = money_add(fees.money, booked->money, &fees.money);
    if (result == 0 && estimated->known)
        result = money_subtract(fees.money, estimated->money, &fees.money);
    if (result == 0 && difference->known)
        result = money_subtract(fees.money, difference->money, &fees.money);
    if (result == 0)
        result = report_add_count(&month->fees_requests, group->requests);
    return result < 0 ? result : report_add_money(&month->fees, &fees);
}

static int add_verdict(struct report_month *month, const struct rollup_group *group)
{
    struct report_verdict *verdict = &month->verdicts[(unsigned)group->verdict % VERDICTS];
    int result = report_add_count(&verdict->requests, group->requests);

    if (result == 0)
        result = report_add_money(&verdict->spend, &group->money[TALLY_BOOKED]);
    if (result == 0)
        result = report_add_money(&verdict->difference, &group->money[TALLY_DIFFERENCE]);
    return result;
}

static int add_drift(struct report_month *month, const struct rollup_group *group)
{
    struct text values[] = {group->model, text_of(cause_name(group->cause))};
    struct report_drift *drift;
    int result;

    if (group->verdict != VERDICT_OVER && group->verdict != VERDICT_UNDER)
        return 0;
    drift = report_table_get(month->drift.table, values, 2);
    if (drift == NULL)
        return -ENOMEM;
    result = report_add_count(&drift->requests, group->requests);
    if (result == 0)
        result = report_add_money(&drift->difference, &group->money[TALLY_DIFFERENCE]);
    return result;
}

static int add_unpriced(struct report_month *month, const struct rollup_group *group)
{
    int64_t without = group->requests - group->estimated_requests;
    struct report_unpriced *unpriced;
    int result;

    if (!report_is_paid(group->verdict) || without <= 0)
        return 0;
    unpriced = report_table_get(month->unpriced.table, &group->model, 1);
    if (unpriced == NULL)
        return -ENOMEM;
    result = report_add_count(&unpriced->requests, without);
    if (result == 0 && group->verdict == VERDICT_UNPRICED)
        result = report_add_count(&unpriced->reported, without);
    if (result == 0 && group->verdict == VERDICT_UNPRICED)
        result = report_add_money(&unpriced->spend, &group->money[TALLY_BOOKED]);
    return result;
}

/* Hits come from memory and followers wait for somebody else: neither says how fast a model is. */
static int add_line(struct report_line *line, const struct rollup_group *group)
{
    if (group->cache != CACHE_HIT && group->cache != CACHE_COLLAPSED) {
        for (unsigned i = 0; i < ROLLUP_TTFT_BUCKETS; i++)
            line->ttft[i] += group->ttft[i];
    }
    return report_sums_add_group(&line->sums, group);
}

static int add_lines(struct report_month *month, const struct rollup_group *group)
{
    struct text values[EXPORT_KEYS];
    char day[REPORT_DAY_SIZE];
    struct report_line *line;
    int result = add_line(&month->total, group);

    if (result < 0 || !report_by_kept(month->by, month->by_count))
        return result;
    report_group_values(group, month->by, month->by_count, values, day);
    line = report_table_get(month->lines.table, values, month->by_count);
    return line != NULL ? add_line(line, group) : -ENOMEM;
}

static int take_group(void *arg, const struct rollup_group *group)
{
    static int (*const steps[])(struct report_month *, const struct rollup_group *) = {
        add_lines, add_verdict, add_fees, add_drift, add_unpriced, add_waste};
    struct report_month *month = arg;
    int result = 0;

    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && result == 0; i++)
        result = steps[i](month, group);
    if (result == 0)
        result = report_add_money(&month->market, &group->money[TALLY_MARKET]);
    if (result == 0)
        result = report_add_money(&month->estimated, &group->money[TALLY_ESTIMATED]);
    return result;
}

static int take_reads_after(void *arg, const struct rollup_group *group)
{
    return add_waste(arg, group);
}

static int read_sums(struct ledger_reader *reader, struct report_month *month)
{
    uint64_t rows;
    int result = 0;

    for (int64_t at = month->from_ms; at < month->to_ms && result == 0; at += REPORT_HOUR_MS) {
        rows = 0;
        result = ledger_reader_sums(reader, at, at + REPORT_HOUR_MS, take_group, month, &rows);
        month->rows_read += rows;
    }
    if (result == 0)
        result = ledger_reader_sums(reader, month->to_ms, month->to_ms + REPORT_HOUR_MS,
                                    take_reads_after, month, NULL);
    return result;
}

/* --- rows, where kept sums lack a column --- */

static int count_row(void *arg, const struct text *values, const struct ledger_row *row)
{
    struct report_month *month = arg;
    struct report_line *line = report_table_get(month->lines.table, values, month->by_count);

    if (line == NULL)
        return -ENOMEM;
    if (row->ttft_ms >= 0 && row->corrects.len == 0 && row->cache != CACHE_HIT &&
        row->cache != CACHE_COLLAPSED) {
        unsigned bucket = 0;
        while (bucket + 1 < ROLLUP_TTFT_BUCKETS && row->ttft_ms > rollup_ttft_bound(bucket))
            bucket++;
        line->ttft[bucket]++;
    }
    return report_sums_add_row(&line->sums, row);
}

static int take_row(void *arg, const struct ledger_row *row)
{
    struct report_month *month = arg;

    month->rows_read++;
    return report_row_groups(row, month->by, month->by_count, count_row, month);
}

/* --- the order in which they are shown --- */

int report_compare_money(const struct maybe_money *a, const struct maybe_money *b)
{
    if (a->known != b->known)
        return a->known ? -1 : 1;
    return a->known ? money_compare(b->money, a->money) : 0;
}

int report_compare_sizes(const struct maybe_money *a, const struct maybe_money *b)
{
    struct maybe_money x = *a, y = *b;

    if (x.known && money_absolute(a->money, &x.money) != 0)
        x = *a;
    if (y.known && money_absolute(b->money, &y.money) != 0)
        y = *b;
    return report_compare_money(&x, &y);
}

static int compare_lines(const void *a, const void *b)
{
    const struct report_sums *left = &((const struct report_line *)a)->sums;
    const struct report_sums *right = &((const struct report_line *)b)->sums;
    struct maybe_money x = report_spend(left), y = report_spend(right);
    int order = report_compare_money(&x, &y);

    if (order == 0) {
        x = report_saved(left);
        y = report_saved(right);
        order = report_compare_money(&x, &y);
    }
    return order != 0 ? order
                      : (left->requests < right->requests) - (left->requests > right->requests);
}

static int compare_drift(const void *a, const void *b)
{
    const struct report_drift *left = a, *right = b;

    return report_compare_sizes(&left->difference, &right->difference);
}

static int compare_unpriced(const void *a, const void *b)
{
    const struct report_unpriced *left = a, *right = b;
    int order = report_compare_money(&left->spend, &right->spend);

    return order != 0 ? order
                      : (left->requests < right->requests) - (left->requests > right->requests);
}

static int compare_waste(const void *a, const void *b)
{
    const struct report_waste *left = a, *right = b;
    int order = (left->tokens < 0) - (right->tokens < 0);

    if (order == 0)
        order = report_compare_money(&left->cost, &right->cost);
    return order != 0 ? order : (left->tokens < right->tokens) - (left->tokens > right->tokens);
}

static void sort(struct report_list *list, int (*compare)(const void *a, const void *b))
{
    list->sums = report_table_sort(list->table, compare, &list->count);
}

static void sort_all(struct report_month *month)
{
    sort(&month->lines, compare_lines);
    sort(&month->drift, compare_drift);
    sort(&month->unpriced, compare_unpriced);
    sort(&month->wasted, compare_waste);
    for (size_t i = 0; i < month->wasted.count; i++) {
        const struct report_waste *waste = month->wasted.sums[i];
        if (waste->tokens < 0) /* none from here on */
            month->wasted.count = i;
    }
}

int report_collect(struct ledger_reader *reader, const struct report_order *order,
                   struct report_month *ret_month)
{
    static const enum export_key by_model = EXPORT_MODEL;
    int result = report_month_open(reader, order->from_ms, order->to_ms, ret_month);

    if (result < 0)
        return result;
    ret_month->now_ms = order->now_ms;
    ret_month->by = order->by_count > 0 ? order->by : &by_model;
    ret_month->by_count = order->by_count > 0 ? order->by_count : 1;
    if (!make_tables(ret_month))
        return -ENOMEM;
    result = read_sums(reader, ret_month);
    if (result == 0)
        result = report_table_each(ret_month->wasted.table, end_waste, ret_month);
    if (result == 0 && !report_by_kept(ret_month->by, ret_month->by_count))
        result = ledger_reader_rows(reader, order->from_ms, order->to_ms, take_row, ret_month);
    if (result == 0)
        sort_all(ret_month);
    return result;
}
