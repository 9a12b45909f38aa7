/* report_json.c - a collected month as JSON. */
#include "accounting/report_print.h"

static const char *const token_names[TALLY_TOKENS] = {
    [TALLY_PROMPT] = "prompt_tokens",       [TALLY_COMPLETION] = "completion_tokens",
    [TALLY_CACHED] = "cached_tokens",       [TALLY_CACHE_WRITE] = "cache_write_tokens",
    [TALLY_REASONING] = "reasoning_tokens",
};

void report_json_by(struct report_json *json, const enum export_key *by, size_t by_count)
{
    report_json_open(json, "by", '[');
    for (size_t i = 0; i < by_count; i++)
        report_json_word(json, NULL, report_key_name(by[i]));
    report_json_close(json, ']');
    report_json_bool(json, "overlap", export_groups_overlap(by, by_count));
}

void report_json_group(struct report_json *json, const struct report_table *table, const void *sums,
                       const enum export_key *by, size_t by_count)
{
    for (size_t i = 0; i < by_count; i++)
        report_json_text(json, report_key_name(by[i]), report_table_value(table, sums, i));
}

static void put_percent(struct report_json *json, const char *name, __int128 part, __int128 whole)
{
    char text[REPORT_PERCENT_SIZE];

    report_percent(part, whole, text);
    report_json_word(json, name, text);
}

void report_json_sums(struct report_json *json, const struct report_sums *sums)
{
    struct maybe_money spend = report_spend(sums), all = report_saved(sums);
    struct maybe_money collapsed = report_saved_collapsed(sums);
    __int128 saved, whole;

    report_json_count(json, "requests", sums->requests);
    report_json_count(json, "hits", sums->hits);
    report_json_count(json, "collapsed", sums->collapsed);
    put_percent(json, "hit_rate_percent", sums->hits, sums->requests);
    for (unsigned i = 0; i < TALLY_TOKENS; i++)
        report_json_count(json, token_names[i], sums->tokens[i]);
    report_json_money(json, "spend_usd", &spend);
    report_json_money(json, "billed_usd", &sums->billed);
    report_json_money(json, "upstream_usd", &sums->upstream);
    report_json_money(json, "saved_usd", &all);
    report_json_money(json, "saved_by_collapsed_usd", &collapsed);
    if (!report_savings_rate(sums, &saved, &whole))
        saved = whole = -1;
    put_percent(json, "savings_rate_percent", saved, whole);
}

static void put_line(struct report_json *json, const struct report_line *line)
{
    report_json_sums(json, &line->sums);
    report_json_count(json, "ttft_p50_ms", rollup_ttft_percentile(line->ttft, 50));
}

static void put_totals(struct report_json *json, const struct report_month *month)
{
    const struct report_sums *sums = &month->total.sums;

    report_json_open(json, "totals", '{');
    put_line(json, &month->total);
    report_json_money(json, "market_usd", &month->market);
    report_json_money(json, "estimated_usd", &month->estimated);
    report_json_close(json, '}');

    report_json_open(json, "coverage", '{');
    report_json_count(json, "paid_requests", sums->paid);
    report_json_count(json, "estimated_requests", sums->estimated);
    put_percent(json, "percent", sums->estimated, sums->paid);
    report_json_close(json, '}');

    report_json_open(json, "fees", '{');
    report_json_count(json, "requests", month->fees_requests);
    report_json_money(json, "usd", &month->fees);
    report_json_close(json, '}');
}

static void put_verdicts(struct report_json *json, const struct report_month *month)
{
    report_json_open(json, "verdicts", '{');
    for (unsigned i = VERDICT_NONE + 1; i < VERDICTS; i++) {
        struct report_verdict verdict = month->verdicts[i];
        verdict.spend.known =
            verdict.spend.known || verdict.requests == 0 || !report_is_paid((enum verdict)i);
        report_json_open(json, verdict_name((enum verdict)i), '{');
        report_json_count(json, "requests", verdict.requests);
        report_json_money(json, "spend_usd", &verdict.spend);
        report_json_money(json, "difference_usd", &verdict.difference);
        report_json_close(json, '}');
    }
    report_json_close(json, '}');
}

static void put_lines(struct report_json *json, const struct report_month *month)
{
    report_json_by(json, month->by, month->by_count);
    report_json_open(json, "groups", '[');
    for (size_t i = 0; i < month->lines.count; i++) {
        const struct report_line *line = month->lines.sums[i];
        report_json_open(json, NULL, '{');
        report_json_group(json, month->lines.table, line, month->by, month->by_count);
        put_line(json, line);
        report_json_close(json, '}');
    }
    report_json_close(json, ']');
}

static void put_drift(struct report_json *json, const struct report_list *list)
{
    report_json_open(json, "drift", '[');
    for (size_t i = 0; i < list->count; i++) {
        const struct report_drift *drift = list->sums[i];
        report_json_open(json, NULL, '{');
        report_json_text(json, "model", report_table_value(list->table, drift, 0));
        report_json_text(json, "cause", report_table_value(list->table, drift, 1));
        report_json_count(json, "requests", drift->requests);
        report_json_money(json, "difference_usd", &drift->difference);
        report_json_close(json, '}');
    }
    report_json_close(json, ']');
}

static void put_unpriced(struct report_json *json, const struct report_list *list)
{
    report_json_open(json, "without_estimate", '[');
    for (size_t i = 0; i < list->count; i++) {
        const struct report_unpriced *unpriced = list->sums[i];
        report_json_open(json, NULL, '{');
        report_json_text(json, "model", report_table_value(list->table, unpriced, 0));
        report_json_count(json, "requests", unpriced->requests);
        report_json_count(json, "reported", unpriced->reported);
        report_json_money(json, "spend_usd", &unpriced->spend);
        report_json_close(json, '}');
    }
    report_json_close(json, ']');
}

static void put_wasted(struct report_json *json, const struct report_month *month)
{
    const struct report_list *list = &month->wasted;

    report_json_open(json, "wasted_cache_writes", '{');
    report_json_count(json, "tokens", month->waste.tokens > 0 ? month->waste.tokens : 0);
    report_json_money(json, "usd", &month->waste.cost);
    report_json_open(json, "groups", '[');
    for (size_t i = 0; i < list->count; i++) {
        const struct report_waste *waste = list->sums[i];
        report_json_open(json, NULL, '{');
        report_json_text(json, "model", report_table_value(list->table, waste, 0));
        report_json_text(json, "key_id", report_table_value(list->table, waste, 1));
        report_json_count(json, "tokens", waste->tokens);
        report_json_money(json, "usd", &waste->cost);
        report_json_close(json, '}');
    }
    report_json_close(json, ']');
    report_json_close(json, '}');
}

void report_print_json(const struct report_month *month, FILE *out)
{
    struct report_json json = REPORT_JSON(out);

    report_json_open(&json, NULL, '{');
    report_json_word(&json, "month", month->name);
    report_json_bool(&json, "closed", month->closed);
    if (month->closed)
        report_json_time(&json, "closed_at", month->closed_ms);
    else
        report_json_null(&json, "closed_at");
    report_json_count(&json, "rows_read", (int64_t)month->rows_read);
    put_totals(&json, month);
    put_verdicts(&json, month);
    put_lines(&json, month);
    put_drift(&json, &month->drift);
    put_unpriced(&json, &month->unpriced);
    put_wasted(&json, month);
    report_json_close(&json, '}');
    fputc('\n', out);
}
