/* rerate.c - a month's rows under another price table. */
#include "accounting/rerate.h"

#include "accounting/estimate.h"
#include "accounting/ledger_month.h"
#include "accounting/rating.h"
#include "accounting/report_collect.h"
#include "accounting/report_grid.h"
#include "accounting/report_print.h"

#include <errno.h>
#include <inttypes.h>

struct sums {
    int64_t requests, prompt, completion, cached;
    int64_t rated; /* then and now */
    struct maybe_money then, now;
    int64_t lost; /* not priced by the table, or without tokens */
    struct maybe_money lost_then;
    int64_t gained; /* without an estimate then */
    struct maybe_money gained_now;
    int64_t hits; /* rated then and now */
    struct maybe_money avoided_then, avoided_now;
};
static const struct sums sums_empty = {
    .prompt = USAGE_ABSENT, .completion = USAGE_ABSENT, .cached = USAGE_ABSENT};

struct rerate {
    const struct rerate_order *order;
    struct report_list list; /* struct sums, by model */
    struct sums total;
};

/* What one row adds. */
struct part {
    bool hit;
    struct usage usage;
    struct maybe_money then, now;
};

/* --- rating --- */

static int64_t quantity(const struct estimate *estimate, enum price_unit class)
{
    for (unsigned i = 0; i < estimate->count; i++) {
        if (estimate->lines[i].class == class)
            return estimate->lines[i].quantity;
    }
    return 0;
}

/* The sum of quantities; USAGE_ABSENT when it does not fit. */
static int64_t together(const struct estimate *estimate, const enum price_unit *classes,
                        size_t count)
{
    int64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        if (__builtin_add_overflow(sum, quantity(estimate, classes[i]), &sum))
            return USAGE_ABSENT;
    }
    return sum;
}

/* The usage that these lines were made from, as a dialect that counts reads and writes apart would
 * say it. Tokens that had no price of their own then stay input and output. */
static struct usage usage_of(const struct estimate *estimate)
{
    static const enum price_unit input[] = {PRICE_INPUT, PRICE_INPUT_AUDIO, PRICE_INPUT_IMAGE,
                                            PRICE_INPUT_VIDEO};
    static const enum price_unit output[] = {PRICE_OUTPUT, PRICE_REASONING, PRICE_OUTPUT_IMAGE,
                                             PRICE_OUTPUT_AUDIO};
    static const enum price_unit writes[] = {PRICE_CACHE_WRITE, PRICE_CACHE_WRITE_1H};

    return (struct usage){
        .prompt_tokens = together(estimate, input, 4),
        .completion_tokens = together(estimate, output, 4),
        .cached_tokens = quantity(estimate, PRICE_CACHE_READ),
        .cache_write_tokens = together(estimate, writes, 2),
        .cache_write_1h_tokens = quantity(estimate, PRICE_CACHE_WRITE_1H),
        .reasoning_tokens = quantity(estimate, PRICE_REASONING),
        .audio_tokens = quantity(estimate, PRICE_INPUT_AUDIO),
        .image_tokens = quantity(estimate, PRICE_OUTPUT_IMAGE),
        .web_searches = quantity(estimate, PRICE_WEB_SEARCH),
        .image_input_tokens = quantity(estimate, PRICE_INPUT_IMAGE),
        .video_input_tokens = quantity(estimate, PRICE_INPUT_VIDEO),
        .audio_output_tokens = quantity(estimate, PRICE_OUTPUT_AUDIO),
        .images = quantity(estimate, PRICE_IMAGE),
        .exclusive = true,
    };
}

/* Where the prompt was found to leave out cache writes they are put in: no list cost of the
 * upstream can tell the readings apart under other prices. */
static struct usage usage_as_read(const struct ledger_row *row, const struct estimate *then)
{
    struct usage usage = row->usage;
    int64_t writes =
        usage.cache_write_tokens >= 0 ? usage.cache_write_tokens : usage.cache_write_1h_tokens;

    if (then == NULL || (then->flags & ESTIMATE_WRITES_OUTSIDE) == 0 || usage.exclusive)
        return usage;
    if (usage.prompt_tokens < 0 || writes < 0 ||
        __builtin_add_overflow(usage.prompt_tokens, writes, &usage.prompt_tokens))
        return row->usage;
    return usage;
}

/* A dated name begins with the model that was asked for. */
static const struct price *price_of(const struct price_table *table, const struct ledger_row *row)
{
    struct text model = row->model, asked = row->model_requested;
    const struct price *price =
        model.len > 0 ? price_find(table, model.bytes, model.len, row->created_at_ms) : NULL;

    if (price != NULL || asked.len == 0 || asked.len > model.len ||
        memcmp(model.bytes, asked.bytes, asked.len) != 0)
        return price;
    return price_find(table, asked.bytes, asked.len, row->created_at_ms);
}

/* A row that cannot be rated, be it for want of a price or because it claims too many tokens for
 * any sum, stays without a figure. */
static void rate(const struct rerate_order *order, const struct ledger_row *row, struct part *part)
{
    struct estimate then, now;
    bool rated = row->rating.len > 0 && rating_parse(row->rating, &then) == 0;
    struct estimate_terms terms = {.service_tier = row->service_tier, .at_ms = row->created_at_ms};
    const struct price *price = price_of(order->prices, row);

    if (price == NULL && order->find != NULL)
        price = order->find(order->find_arg, order->prices, row);
    part->hit = row->cache == CACHE_HIT || row->cache == CACHE_COLLAPSED;
    part->then = row->estimated;
    part->usage = usage_as_read(row, rated ? &then : NULL);
    if (part->hit) { /* its own figures are 0 */
        part->then.known = rated;
        if (!rated)
            return;
        part->then.money = then.cost;
        part->usage = usage_of(&then);
    }
    if (price != NULL && estimate_cost(price, &part->usage, &terms, &now) == 0)
        part->now = (struct maybe_money){true, now.cost};
}

/* --- adding up --- */

static int add_both(int64_t *count, struct maybe_money *then_sum, struct maybe_money *now_sum,
                    const struct part *part)
{
    int result = report_add_count(count, 1);

    if (result == 0)
        result = report_add_money(then_sum, &part->then);
    return result < 0 ? result : report_add_money(now_sum, &part->now);
}

static int add_tokens(struct sums *sums, const struct usage *usage)
{
    int result = report_add_count(&sums->requests, 1);

    if (result == 0)
        result = report_add_count(&sums->prompt, usage->prompt_tokens);
    if (result == 0)
        result = report_add_count(&sums->completion, usage->completion_tokens);
    return result < 0 ? result : report_add_count(&sums->cached, usage->cached_tokens);
}

static int add_part(struct sums *sums, const struct ledger_row *row, const struct part *part)
{
    static const struct maybe_money none = {.known = false};
    struct part only_now = {.then = none, .now = part->now};
    bool both = part->then.known && part->now.known;
    int result;

    if (part->hit)
        return both ? add_both(&sums->hits, &sums->avoided_then, &sums->avoided_now, part) : 0;
    result = add_tokens(sums, &row->usage);
    if (result < 0)
        return result;
    if (both)
        return add_both(&sums->rated, &sums->then, &sums->now, part);
    if (part->now.known)
        return add_both(&sums->gained, &only_now.then, &sums->gained_now, part);
    return add_both(&sums->lost, &sums->lost_then, &only_now.now, part);
}

static int take_row(void *arg, const struct ledger_row *row)
{
    struct rerate *rerate = arg;
    struct part part = {.hit = false};
    struct sums *sums;
    int result;

    if ((!report_is_paid(row->verdict) && row->verdict != VERDICT_FREE) || row->corrects.len > 0)
        return 0;
    sums = report_table_get(rerate->list.table, &row->model, 1);
    if (sums == NULL)
        return -ENOMEM;
    rate(rerate->order, row, &part);
    result = add_part(sums, row, &part);
    return result < 0 ? result : add_part(&rerate->total, row, &part);
}

/* --- writing --- */

static struct maybe_money difference_of(const struct sums *sums)
{
    struct maybe_money difference = {.known = false};

    if (sums->then.known && sums->now.known)
        difference.known =
            money_subtract(sums->now.money, sums->then.money, &difference.money) == 0;
    return difference;
}

static int compare_sums(const void *a, const void *b)
{
    struct maybe_money left = difference_of(a), right = difference_of(b);

    return report_compare_sizes(&left, &right);
}

static void put_members(struct report_json *json, const struct sums *sums)
{
    struct maybe_money difference = difference_of(sums);

    report_json_count(json, "requests", sums->requests);
    report_json_count(json, "prompt_tokens", sums->prompt);
    report_json_count(json, "completion_tokens", sums->completion);
    report_json_count(json, "cached_tokens", sums->cached);
    report_json_count(json, "rated", sums->rated);
    report_json_money(json, "then_usd", &sums->then);
    report_json_money(json, "now_usd", &sums->now);
    report_json_money(json, "difference_usd", &difference);
    report_json_count(json, "not_priced", sums->lost);
    report_json_money(json, "not_priced_then_usd", &sums->lost_then);
    report_json_count(json, "newly_priced", sums->gained);
    report_json_money(json, "newly_priced_usd", &sums->gained_now);
    report_json_count(json, "hits", sums->hits);
    report_json_money(json, "avoided_then_usd", &sums->avoided_then);
    report_json_money(json, "avoided_now_usd", &sums->avoided_now);
}

static void put_json(const struct rerate *rerate, const char *month, FILE *out)
{
    struct report_json json = REPORT_JSON(out);
    const struct report_list *list = &rerate->list;

    report_json_open(&json, NULL, '{');
    report_json_word(&json, "month", month);
    report_json_word(&json, "price_table", price_table_hash(rerate->order->prices));
    report_json_open(&json, "totals", '{');
    put_members(&json, &rerate->total);
    report_json_close(&json, '}');
    report_json_open(&json, "models", '[');
    for (size_t i = 0; i < list->count; i++) {
        report_json_open(&json, NULL, '{');
        report_json_text(&json, "model", report_table_value(list->table, list->sums[i], 0));
        put_members(&json, list->sums[i]);
        report_json_close(&json, '}');
    }
    report_json_close(&json, ']');
    report_json_close(&json, '}');
    fputc('\n', out);
}

enum { COLUMNS = 12 };

static void put_cells(struct report_grid *grid, const struct sums *sums)
{
    struct maybe_money difference = difference_of(sums);

    report_grid_count(grid, sums->requests);
    report_grid_count(grid, sums->prompt);
    report_grid_count(grid, sums->cached);
    report_grid_count(grid, sums->completion);
    report_grid_money(grid, &sums->then);
    report_grid_money(grid, &sums->now);
    report_grid_money(grid, &difference);
    report_grid_count(grid, sums->lost);
    report_grid_count(grid, sums->gained);
    report_grid_money(grid, &sums->avoided_then);
    report_grid_money(grid, &sums->avoided_now);
}

static int put_text(const struct rerate *rerate, const char *month, FILE *out)
{
    static const enum report_align aligns[COLUMNS] = {
        REPORT_LEFT,  REPORT_RIGHT, REPORT_RIGHT, REPORT_RIGHT, REPORT_RIGHT, REPORT_POINT,
        REPORT_POINT, REPORT_POINT, REPORT_RIGHT, REPORT_RIGHT, REPORT_POINT, REPORT_POINT};
    static const char *const names[COLUMNS] = {
        "model", "requests", "in",         "cached",    "out",          "then",
        "now",   "change",   "not priced", "new price", "avoided then", "avoided now"};
    const struct report_list *list = &rerate->list;
    size_t shown = list->count < REPORT_LINES_MAX ? list->count : REPORT_LINES_MAX;
    struct report_grid grid;
    int result;

    fprintf(out, "%s under price table %s, USD: estimated then and now, of what both price\n\n",
            month, price_table_hash(rerate->order->prices));
    if (list->count == 0) {
        fputs("  no requests\n", out);
        return 0;
    }
    report_grid_init(&grid, aligns, COLUMNS);
    report_grid_headings(&grid, names);
    report_grid_word(&grid, "all");
    put_cells(&grid, &rerate->total);
    for (size_t i = 0; i < shown; i++) {
        report_grid_name(&grid, report_table_value(list->table, list->sums[i], 0));
        put_cells(&grid, list->sums[i]);
    }
    result = report_grid_print(&grid, out);
    report_grid_release(&grid);
    report_print_more(list->count - shown, out);
    return result;
}

int rerate_write(struct ledger_reader *reader, const struct rerate_order *order, FILE *out)
{
    struct rerate rerate = {
        .order = order,
        .list = {.table = report_table_new(&sums_empty, sizeof(sums_empty), REPORT_GROUPS_MAX)},
        .total = sums_empty,
    };
    char month[LEDGER_MONTH_NAME];
    int result = -ENOMEM;

    if (rerate.list.table == NULL)
        return result;
    ledger_month_name(order->from_ms, month);
    result = ledger_reader_rows(reader, order->from_ms, order->to_ms, take_row, &rerate);
    if (result == 0) {
        rerate.list.sums = report_table_sort(rerate.list.table, compare_sums, &rerate.list.count);
        if (order->json)
            put_json(&rerate, month, out);
        else
            result = put_text(&rerate, month, out);
    }
    report_table_free(rerate.list.table);
    if (result == 0 && (fflush(out) != 0 || ferror(out) != 0))
        result = -EIO;
    return result;
}
