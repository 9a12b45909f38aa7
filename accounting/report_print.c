/* report_print.c - a collected month as text for people. */
#include "accounting/report_print.h"

#include "accounting/report_grid.h"

#include <inttypes.h>

void report_print_more(size_t count, FILE *out)
{
    if (count > 0)
        fprintf(out, "  ... and %zu more; --json has all\n", count);
}

/* Writes the grid and lets go of it. */
static int finish(struct report_grid *grid, FILE *out)
{
    int result = report_grid_print(grid, out);

    report_grid_release(grid);
    return result;
}

/* --- the overview --- */

static void money_line(struct report_grid *grid, const char *name, const struct maybe_money *money,
                       const char *note)
{
    report_grid_word(grid, name);
    report_grid_money(grid, money);
    report_grid_word(grid, note);
}

/* What is left of two sums; unknown where the whole is. */
static struct maybe_money rest_of(struct maybe_money whole, struct maybe_money part)
{
    if (whole.known && part.known && money_subtract(whole.money, part.money, &whole.money) != 0)
        whole.known = false;
    return whole;
}

static int put_sums(const struct report_month *month, FILE *out)
{
    static const enum report_align aligns[] = {REPORT_LEFT, REPORT_POINT, REPORT_LEFT};
    static const char *const names[] = {"", "USD", ""};
    const struct report_sums *sums = &month->total.sums;
    struct maybe_money spend = report_spend(sums), saved = report_saved(sums),
                       collapsed = report_saved_collapsed(sums);
    struct maybe_money by_hits = rest_of(saved, collapsed);
    struct report_grid grid;
    char fees[96], waste[96];

    snprintf(fees, sizeof(fees), "billed + upstream - market, of %" PRId64 " priced requests",
             month->fees_requests);
    snprintf(waste, sizeof(waste), "%" PRId64 " tokens written to a prompt cache, never read",
             month->waste.tokens);
    report_grid_init(&grid, aligns, 3);
    report_grid_headings(&grid, names);
    money_line(&grid, "spend", &spend, "what is booked");
    money_line(&grid, "  billed", &sums->billed, "by gateways");
    if (sums->upstream.known)
        money_line(&grid, "  upstream", &sums->upstream, "by vendors, under one's own key");
    money_line(&grid, "saved", &saved, "what hits and collapsed requests would have cost");
    if (sums->collapsed > 0) {
        money_line(&grid, "  by hits", &by_hits, "");
        money_line(&grid, "  by collapsed", &collapsed, "");
    }
    if (month->fees.known)
        money_line(&grid, "fees and discounts", &month->fees, fees);
    if (month->waste.tokens > 0)
        money_line(&grid, "wasted cache writes", &month->waste.cost, waste);
    return finish(&grid, out);
}

static void put_rate(const char *name, __int128 part, __int128 whole, const char *of, FILE *out)
{
    char text[REPORT_PERCENT_SIZE];

    report_percent(part, whole, text);
    if (text[0] != '\0')
        fprintf(out, "  %-16s  %s %%   %s\n", name, text, of);
}

static void put_rates(const struct report_sums *sums, FILE *out)
{
    __int128 saved, whole;
    char of[128];

    snprintf(of, sizeof(of), "%" PRId64 " of %" PRId64 " requests, %" PRId64 " of them collapsed",
             sums->hits, sums->requests, sums->collapsed);
    put_rate("hit rate", sums->hits, sums->requests, of, out);
    if (report_savings_rate(sums, &saved, &whole))
        put_rate("savings rate", saved, whole, "saved / (saved + spend)", out);
    snprintf(of, sizeof(of), "%" PRId64 " of %" PRId64 " paid requests have an estimate",
             sums->estimated, sums->paid);
    put_rate("pricing coverage", sums->estimated, sums->paid, of, out);
}

static int put_verdicts(const struct report_month *month, FILE *out)
{
    static const enum report_align aligns[] = {REPORT_LEFT, REPORT_RIGHT, REPORT_POINT,
                                               REPORT_LEFT};
    static const char *const names[] = {"verdict", "requests", "booked", ""};
    static const char *const notes[VERDICTS] = {
        [VERDICT_PENDING] = "so far: the reported cost is still to come",
        [VERDICT_UNREPORTED] = "as estimated: no cost was ever reported",
        [VERDICT_UNPRICED] = "as reported: no price is known",
        [VERDICT_UNKNOWN] = "neither a cost nor a price is known",
        [VERDICT_FAILED] = "nothing was billed",
    };
    struct report_grid grid;

    report_grid_init(&grid, aligns, 4);
    report_grid_headings(&grid, names);
    for (unsigned i = VERDICT_NONE + 1; i < VERDICTS; i++) {
        if (month->verdicts[i].requests == 0)
            continue;
        report_grid_word(&grid, verdict_name((enum verdict)i));
        report_grid_count(&grid, month->verdicts[i].requests);
        report_grid_money(&grid, &month->verdicts[i].spend);
        report_grid_word(&grid, notes[i] != NULL ? notes[i] : "");
    }
    fputc('\n', out);
    return finish(&grid, out);
}

/* --- the tables --- */

static size_t shown(const struct report_list *list)
{
    return list->count < REPORT_LINES_MAX ? list->count : REPORT_LINES_MAX;
}

static int end_table(struct report_grid *grid, const struct report_list *list, FILE *out)
{
    int result = finish(grid, out);

    report_print_more(list->count - shown(list), out);
    return result;
}

static void put_line(struct report_grid *grid, const struct report_line *line)
{
    const struct report_sums *sums = &line->sums;
    struct maybe_money spend = report_spend(sums), saved = report_saved(sums);

    report_grid_count(grid, sums->requests);
    report_grid_count(grid, sums->hits);
    report_grid_percent(grid, sums->hits, sums->requests);
    report_grid_count(grid, sums->tokens[TALLY_PROMPT]);
    report_grid_count(grid, sums->tokens[TALLY_CACHED]);
    report_grid_count(grid, sums->tokens[TALLY_COMPLETION]);
    report_grid_money(grid, &spend);
    report_grid_money(grid, &saved);
    report_grid_count(grid, rollup_ttft_percentile(line->ttft, 50));
}

static int put_lines(const struct report_month *month, FILE *out)
{
    static const char *const names[] = {"requests", "hits",  "hit %", "in",         "cached",
                                        "out",      "spend", "saved", "P50 TTFT ms"};
    enum { SUMS = sizeof(names) / sizeof(*names) };
    enum report_align aligns[EXPORT_KEYS + SUMS] = {REPORT_LEFT};
    const struct report_list *list = &month->lines;
    size_t by_count = month->by_count, columns = by_count + SUMS;
    struct report_grid grid;

    if (columns > REPORT_COLUMNS_MAX) /* JSON has them all */
        by_count = REPORT_COLUMNS_MAX - SUMS;
    columns = by_count + SUMS;
    for (size_t i = 0; i < columns; i++)
        aligns[i] = i < by_count ? REPORT_LEFT : REPORT_RIGHT;
    aligns[by_count + 6] = aligns[by_count + 7] = REPORT_POINT;
    report_grid_init(&grid, aligns, columns);
    for (size_t i = 0; i < by_count; i++)
        report_grid_word(&grid, report_key_name(month->by[i]));
    for (size_t i = 0; i < SUMS; i++)
        report_grid_word(&grid, names[i]);
    for (size_t i = 0; i < shown(list); i++) {
        for (size_t k = 0; k < by_count; k++)
            report_grid_name(&grid, report_table_value(list->table, list->sums[i], k));
        put_line(&grid, list->sums[i]);
    }
    fputc('\n', out);
    if (export_groups_overlap(month->by, month->by_count))
        fputs("A request with several tags counts in each of them.\n", out);
    return end_table(&grid, list, out);
}

static int put_drift(const struct report_list *list, FILE *out)
{
    static const enum report_align aligns[] = {REPORT_LEFT, REPORT_LEFT, REPORT_RIGHT,
                                               REPORT_POINT};
    static const char *const names[] = {"model", "cause", "requests", "difference"};
    struct report_grid grid;

    if (list->count == 0)
        return 0;
    report_grid_init(&grid, aligns, 4);
    report_grid_headings(&grid, names);
    for (size_t i = 0; i < shown(list); i++) {
        const struct report_drift *drift = list->sums[i];
        report_grid_name(&grid, report_table_value(list->table, drift, 0));
        report_grid_name(&grid, report_table_value(list->table, drift, 1));
        report_grid_count(&grid, drift->requests);
        report_grid_money(&grid, &drift->difference);
    }
    fputs("\nDrift: reported minus estimated\n", out);
    return end_table(&grid, list, out);
}

static int put_unpriced(const struct report_list *list, FILE *out)
{
    static const enum report_align aligns[] = {REPORT_LEFT, REPORT_RIGHT, REPORT_RIGHT,
                                               REPORT_POINT};
    static const char *const names[] = {"model", "requests", "cost reported", "spend"};
    struct report_grid grid;

    if (list->count == 0)
        return 0;
    report_grid_init(&grid, aligns, 4);
    report_grid_headings(&grid, names);
    for (size_t i = 0; i < shown(list); i++) {
        const struct report_unpriced *unpriced = list->sums[i];
        report_grid_name(&grid, report_table_value(list->table, unpriced, 0));
        report_grid_count(&grid, unpriced->requests);
        report_grid_count(&grid, unpriced->reported);
        report_grid_money(&grid, &unpriced->spend);
    }
    fputs("\nWithout an estimate: no price, or no token counts\n", out);
    return end_table(&grid, list, out);
}

static int put_wasted(const struct report_list *list, FILE *out)
{
    static const enum report_align aligns[] = {REPORT_LEFT, REPORT_LEFT, REPORT_RIGHT,
                                               REPORT_POINT};
    static const char *const names[] = {"model", "key_id", "tokens", "USD"};
    struct report_grid grid;

    if (list->count == 0)
        return 0;
    report_grid_init(&grid, aligns, 4);
    report_grid_headings(&grid, names);
    for (size_t i = 0; i < shown(list); i++) {
        const struct report_waste *waste = list->sums[i];
        report_grid_name(&grid, report_table_value(list->table, waste, 0));
        report_grid_name(&grid, report_table_value(list->table, waste, 1));
        report_grid_count(&grid, waste->tokens);
        report_grid_money(&grid, &waste->cost);
    }
    fputs("\nPrompt-cache writes that nothing was read from in their hour and the next\n", out);
    return end_table(&grid, list, out);
}

static void put_header(const struct report_month *month, FILE *out)
{
    char closed[REPORT_TIME_SIZE];

    fprintf(out, "%s, ", month->name);
    if (month->closed) {
        report_time(month->closed_ms, closed);
        fprintf(out, "closed %s", closed);
    } else {
        fputs("open", out);
    }
    if (report_is_empty(&month->total.sums))
        fputs(": no requests\n", out);
    else
        fprintf(out, ": %" PRId64 " requests, USD\n\n", month->total.sums.requests);
}

int report_print_text(const struct report_month *month, FILE *out)
{
    int result;

    put_header(month, out);
    if (report_is_empty(&month->total.sums))
        return 0;
    result = put_sums(month, out);
    fputc('\n', out);
    put_rates(&month->total.sums, out);
    if (result == 0)
        result = put_verdicts(month, out);
    if (result == 0)
        result = put_lines(month, out);
    if (result == 0)
        result = put_drift(&month->drift, out);
    if (result == 0)
        result = put_unpriced(&month->unpriced, out);
    if (result == 0)
        result = put_wasted(&month->wasted, out);
    return result;
}
