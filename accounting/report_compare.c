/* report_compare.c - two months side by side. */
#include "accounting/report_compare.h"

#include "accounting/report_grid.h"
#include "accounting/report_print.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* A group in both months. */
struct pair {
    struct report_sums now, then;
};

struct comparison {
    struct report_month now, then; /* names and states */
    struct pair total;
    const enum export_key *by; /* borrow */
    size_t by_count;
    struct report_list list; /* struct pair: largest change of spend first */
    bool in_then;            /* rows that come are of the month before */
};

/* --- collecting --- */

static int take_total(struct comparison *comparison, const struct rollup_group *group)
{
    struct pair *total = &comparison->total;

    return report_sums_add_group(comparison->in_then ? &total->then : &total->now, group);
}

static int take_group(void *arg, const struct rollup_group *group)
{
    struct comparison *comparison = arg;
    struct text values[EXPORT_KEYS];
    char day[REPORT_DAY_SIZE];
    struct pair *pair;
    int result = take_total(comparison, group);

    if (result < 0 || !report_by_kept(comparison->by, comparison->by_count))
        return result;
    report_group_values(group, comparison->by, comparison->by_count, values, day);
    pair = report_table_get(comparison->list.table, values, comparison->by_count);
    if (pair == NULL)
        return -ENOMEM;
    return report_sums_add_group(comparison->in_then ? &pair->then : &pair->now, group);
}

static int count_row(void *arg, const struct text *values, const struct ledger_row *row)
{
    struct comparison *comparison = arg;
    struct pair *pair = report_table_get(comparison->list.table, values, comparison->by_count);

    if (pair == NULL)
        return -ENOMEM;
    return report_sums_add_row(comparison->in_then ? &pair->then : &pair->now, row);
}

static int take_row(void *arg, const struct ledger_row *row)
{
    const struct comparison *comparison = arg;

    return report_row_groups(row, comparison->by, comparison->by_count, count_row, arg);
}

static int read_month(struct ledger_reader *reader, const struct report_month *month,
                      struct comparison *comparison)
{
    int result =
        ledger_reader_sums(reader, month->from_ms, month->to_ms, take_group, comparison, NULL);

    if (result == 0 && !report_by_kept(comparison->by, comparison->by_count))
        result = ledger_reader_rows(reader, month->from_ms, month->to_ms, take_row, comparison);
    return result;
}

/* --- differences --- */

/* now - then; unknown where one of them is. */
static struct maybe_money change_of(struct maybe_money now, struct maybe_money then)
{
    struct maybe_money change = {.known = false};

    if (now.known && then.known)
        change.known = money_subtract(now.money, then.money, &change.money) == 0;
    return change;
}

static struct maybe_money spend_change(const struct pair *pair)
{
    return change_of(report_spend(&pair->now), report_spend(&pair->then));
}

static struct maybe_money saved_change(const struct pair *pair)
{
    return change_of(report_saved(&pair->now), report_saved(&pair->then));
}

static const char *state_of(const struct pair *pair)
{
    if (report_is_empty(&pair->then))
        return "new";
    return report_is_empty(&pair->now) ? "gone" : "";
}

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *left = a, *right = b;
    struct maybe_money x = spend_change(left), y = spend_change(right);
    int order = report_compare_sizes(&x, &y);

    if (order == 0) {
        x = saved_change(left);
        y = saved_change(right);
        order = report_compare_sizes(&x, &y);
    }
    return order;
}

/* --- JSON --- */

static void put_side(struct report_json *json, const char *name, const struct report_sums *sums)
{
    report_json_open(json, name, '{');
    report_json_sums(json, sums);
    report_json_close(json, '}');
}

/* Requests can be fewer: a count below 0 is no unknown one here. */
static void put_pair(struct report_json *json, const struct pair *pair)
{
    struct maybe_money spend = spend_change(pair), saved = saved_change(pair);
    char requests[24];
    int len =
        snprintf(requests, sizeof(requests), "%" PRId64, pair->now.requests - pair->then.requests);

    put_side(json, "now", &pair->now);
    put_side(json, "then", &pair->then);
    report_json_open(json, "change", '{');
    report_json_raw(json, "requests", (struct text){requests, (size_t)len});
    report_json_money(json, "spend_usd", &spend);
    report_json_money(json, "saved_usd", &saved);
    report_json_close(json, '}');
}

static void put_json(const struct comparison *comparison, FILE *out)
{
    struct report_json json = REPORT_JSON(out);
    const struct report_list *list = &comparison->list;

    report_json_open(&json, NULL, '{');
    report_json_word(&json, "month", comparison->now.name);
    report_json_bool(&json, "closed", comparison->now.closed);
    report_json_word(&json, "against", comparison->then.name);
    report_json_bool(&json, "against_closed", comparison->then.closed);
    report_json_open(&json, "totals", '{');
    put_pair(&json, &comparison->total);
    report_json_close(&json, '}');
    report_json_by(&json, comparison->by, comparison->by_count);
    report_json_open(&json, "groups", '[');
    for (size_t i = 0; i < list->count; i++) {
        const struct pair *pair = list->sums[i];
        report_json_open(&json, NULL, '{');
        report_json_group(&json, list->table, pair, comparison->by, comparison->by_count);
        report_json_word(&json, "state", state_of(pair));
        put_pair(&json, pair);
        report_json_close(&json, '}');
    }
    report_json_close(&json, ']');
    report_json_close(&json, '}');
    fputc('\n', out);
}

/* --- text --- */

enum { PAIR_COLUMNS = 9 };

static void put_change(struct report_grid *grid, int64_t change)
{
    char text[24];

    snprintf(text, sizeof(text), "%+" PRId64, change);
    report_grid_word(grid, change != 0 ? text : "0");
}

static void put_sums(struct report_grid *grid, struct maybe_money then, struct maybe_money now,
                     struct maybe_money change)
{
    report_grid_money(grid, &then);
    report_grid_money(grid, &now);
    report_grid_money(grid, &change);
}

static void put_cells(struct report_grid *grid, const struct pair *pair)
{
    report_grid_count(grid, pair->then.requests);
    report_grid_count(grid, pair->now.requests);
    put_change(grid, pair->now.requests - pair->then.requests);
    put_sums(grid, report_spend(&pair->then), report_spend(&pair->now), spend_change(pair));
    put_sums(grid, report_saved(&pair->then), report_saved(&pair->now), saved_change(pair));
}

static void begin_grid(struct report_grid *grid, const struct comparison *comparison,
                       size_t by_count)
{
    static const char *const names[PAIR_COLUMNS] = {"requests then", "now", "change",
                                                    "spend then",    "now", "change",
                                                    "saved then",    "now", "change"};
    enum report_align aligns[REPORT_COLUMNS_MAX];
    size_t columns = 0;

    aligns[columns++] = REPORT_LEFT;
    for (size_t i = 0; i < by_count; i++)
        aligns[columns++] = REPORT_LEFT;
    for (size_t i = 0; i < PAIR_COLUMNS; i++)
        aligns[columns++] = i < 3 ? REPORT_RIGHT : REPORT_POINT;
    report_grid_init(grid, aligns, columns);
    report_grid_word(grid, "");
    for (size_t i = 0; i < by_count; i++)
        report_grid_word(grid, report_key_name(comparison->by[i]));
    for (size_t i = 0; i < PAIR_COLUMNS; i++)
        report_grid_word(grid, names[i]);
}

static int put_text(const struct comparison *comparison, FILE *out)
{
    const struct report_list *list = &comparison->list;
    size_t shown = list->count < REPORT_LINES_MAX ? list->count : REPORT_LINES_MAX;
    size_t by_count = comparison->by_count;
    struct report_grid grid;
    int result;

    fprintf(out, "%s (%s) against %s (%s), USD\n", comparison->now.name,
            comparison->now.closed ? "closed" : "open", comparison->then.name,
            comparison->then.closed ? "closed" : "open");
    if (list->count == 0) {
        fputs("no requests in either\n", out);
        return 0;
    }
    if (export_groups_overlap(comparison->by, by_count))
        fputs("A request with several tags counts in each of them.\n", out);
    if (by_count > REPORT_COLUMNS_MAX - PAIR_COLUMNS - 1) /* JSON has them all */
        by_count = REPORT_COLUMNS_MAX - PAIR_COLUMNS - 1;
    begin_grid(&grid, comparison, by_count);
    report_grid_word(&grid, "all");
    for (size_t i = 0; i < by_count; i++)
        report_grid_word(&grid, "");
    put_cells(&grid, &comparison->total);
    for (size_t i = 0; i < shown; i++) {
        const struct pair *pair = list->sums[i];
        report_grid_word(&grid, state_of(pair));
        for (size_t k = 0; k < by_count; k++)
            report_grid_name(&grid, report_table_value(list->table, pair, k));
        put_cells(&grid, pair);
    }
    fputc('\n', out);
    result = report_grid_print(&grid, out);
    report_grid_release(&grid);
    report_print_more(list->count - shown, out);
    return result;
}

int report_compare(struct ledger_reader *reader, const struct report_order *order, FILE *out)
{
    static const enum export_key by_model = EXPORT_MODEL;
    struct pair empty = {report_sums_empty, report_sums_empty};
    struct comparison comparison = {
        .total = empty,
        .by = order->by_count > 0 ? order->by : &by_model,
        .by_count = order->by_count > 0 ? order->by_count : 1,
        .list = {.table = report_table_new(&empty, sizeof(empty), REPORT_GROUPS_MAX)},
    };
    int result = comparison.list.table != NULL ? 0 : -ENOMEM;

    if (result == 0)
        result = report_month_open(reader, order->from_ms, order->to_ms, &comparison.now);
    if (result == 0)
        result = report_month_open(reader, order->against_from_ms, order->against_to_ms,
                                   &comparison.then);
    if (result == 0)
        result = read_month(reader, &comparison.now, &comparison);
    comparison.in_then = true;
    if (result == 0)
        result = read_month(reader, &comparison.then, &comparison);
    if (result == 0) {
        comparison.list.sums =
            report_table_sort(comparison.list.table, compare_pairs, &comparison.list.count);
        if (order->json)
            put_json(&comparison, out);
        else
            result = put_text(&comparison, out);
    }
    report_table_free(comparison.list.table);
    return result;
}
