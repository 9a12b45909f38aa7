/* explain_text.c - a request's story for people. What is not known is left out. */
#include "accounting/explain_story.h"

#include "accounting/export_tags.h"
#include "accounting/report_grid.h"

#include <inttypes.h>

enum { NAME_WIDTH = 16 };

static void put_name(FILE *out, const char *name)
{
    fprintf(out, "  %-*s", NAME_WIDTH, name);
}

static void put_text(FILE *out, const char *name, struct text text)
{
    if (text.len == 0)
        return;
    put_name(out, name);
    report_put_text(out, text);
    fputc('\n', out);
}

static void put_word(FILE *out, const char *name, const char *word)
{
    put_text(out, name, text_of(word));
}

static void put_reason(FILE *out, const char *name, struct text text, const char *reason)
{
    if (text.len == 0)
        return;
    put_name(out, name);
    report_put_text(out, text);
    if (reason[0] != '\0') {
        fputs(": ", out);
        report_put_text(out, text_of(reason));
    }
    fputc('\n', out);
}

static void put_tags(FILE *out, struct text tags)
{
    struct export_tags_walk walk = export_tags_walk(tags);
    char tag[ROW_TAGS_BYTES_MAX];
    size_t len;
    bool first = true;

    if (!export_tags_valid(tags)) {
        put_text(out, "tags", tags);
        return;
    }
    while (export_tags_next(&walk, tag, &len) == 1) {
        if (first)
            put_name(out, "tags");
        else
            fputs(", ", out);
        report_put_text(out, (struct text){tag, len});
        first = false;
    }
    if (!first)
        fputc('\n', out);
}

static void put_request(const struct ledger_row *row, FILE *out)
{
    fprintf(out, "\nRequest\n");
    put_name(out, "api");
    fprintf(out, "%s%s\n", row_api_name(row->api), row->streamed ? ", streamed" : "");
    put_text(out, "client", row->client);
    put_text(out, "key", row->key_id);
    put_text(out, "project", row->project);
    put_text(out, "user", row->user);
    put_text(out, "session", row->session);
    put_text(out, "app", row->app);
    put_text(out, "origin", row->origin);
    put_text(out, "environment", row->environment);
    put_tags(out, row->tags);
    put_text(out, "preset", row->preset);
}

static void put_attempt(const struct explain_attempt *attempt, FILE *out)
{
    put_name(out, "attempt before");
    report_put_text(out, attempt->upstream);
    fputs(", ", out);
    report_put_text(out, attempt->model);
    if (attempt->status >= 0)
        fprintf(out, ": status %" PRId64, attempt->status);
    else
        fputs(": no answer", out);
    if (attempt->ms >= 0)
        fprintf(out, " after %" PRId64 " ms", attempt->ms);
    fputc('\n', out);
}

static void put_route(const struct explain_story *story, FILE *out)
{
    const struct ledger_row *row = &story->row;

    fprintf(out, "\nRoute%s\n", story->served ? " of its source" : "");
    put_text(out, "asked for", row->model_requested);
    put_text(out, "served", row->model);
    put_text(out, "provider", row->provider);
    put_text(out, "upstream", row->upstream);
    put_text(out, "id there", row->upstream_id);
    put_reason(out, "why", row->route, explain_route(row->route));
    for (size_t i = 0; i < story->attempt_count; i++)
        put_attempt(&story->attempts[i], out);
}

static void put_answer(const struct ledger_row *row, FILE *out)
{
    fprintf(out, "\nAnswer\n");
    if (row->status > 0) {
        put_name(out, "status");
        fprintf(out, "%d%s\n", row->status,
                row->status == 499 ? ": the client left before anything was sent" : "");
    }
    put_text(out, "finish reason", row->finish_reason);
    put_text(out, "native reason", row->native_finish_reason);
    put_word(out, "cache", row_cache_name(row->cache));
    if (row->latency_ms >= 0) {
        put_name(out, "time");
        fprintf(out, "%" PRId64 " ms", row->latency_ms);
        if (row->ttft_ms >= 0)
            fprintf(out, ", first byte after %" PRId64 " ms", row->ttft_ms);
        fputc('\n', out);
    }
    put_text(out, "service tier", row->service_tier);
    if (row->byok >= 0)
        put_word(out, "own key", row->byok == 1 ? "yes: the vendor bills it" : "no");
}

static void put_count(FILE *out, const char *name, int64_t count)
{
    if (count < 0)
        return;
    put_name(out, name);
    fprintf(out, "%" PRId64 "\n", count);
}

static void put_usage(const struct usage *usage, FILE *out)
{
    fprintf(out, "\nTokens, as reported\n");
    if (usage->prompt_tokens >= 0) {
        put_name(out, "prompt");
        fprintf(out, "%" PRId64 "%s\n", usage->prompt_tokens,
                usage->exclusive ? ", without cache reads and writes" : "");
    }
    put_count(out, "cached", usage->cached_tokens);
    put_count(out, "cache writes", usage->cache_write_tokens);
    put_count(out, "  for an hour", usage->cache_write_1h_tokens);
    put_count(out, "audio in", usage->audio_tokens);
    put_count(out, "images in", usage->image_input_tokens);
    put_count(out, "video in", usage->video_input_tokens);
    put_count(out, "completion", usage->completion_tokens);
    put_count(out, "reasoning", usage->reasoning_tokens);
    put_count(out, "images out", usage->image_tokens);
    put_count(out, "audio out", usage->audio_output_tokens);
    put_count(out, "web searches", usage->web_searches);
    put_count(out, "pictures", usage->images);
}

/* --- money --- */

static int finish(struct report_grid *grid, FILE *out)
{
    int result = report_grid_print(grid, out);

    report_grid_release(grid);
    return result;
}

/* "1200   input tokens   x   0.0000014   =   0.00168" */
static int put_lines(const struct estimate *estimate, FILE *out)
{
    static const enum report_align aligns[] = {REPORT_RIGHT, REPORT_LEFT, REPORT_LEFT,
                                               REPORT_POINT, REPORT_LEFT, REPORT_POINT,
                                               REPORT_LEFT};
    static const char *const names[] = {"quantity", "of", "", "unit price", "", "USD", ""};
    struct report_grid grid;

    report_grid_init(&grid, aligns, 7);
    report_grid_headings(&grid, names);
    for (unsigned i = 0; i < estimate->count; i++) {
        const struct estimate_line *line = &estimate->lines[i];
        struct maybe_money price = {true, {line->price.femto}}, cost = {true, line->cost};
        char note[96] = "";
        if (line->billed != line->class)
            snprintf(note, sizeof(note), "at the price of %s", explain_unit(line->billed));
        report_grid_count(&grid, line->quantity);
        report_grid_word(&grid, explain_unit(line->class));
        report_grid_word(&grid, "x");
        report_grid_money(&grid, &price);
        report_grid_word(&grid, "=");
        report_grid_money(&grid, &cost);
        report_grid_word(&grid, note);
    }
    return finish(&grid, out);
}

static void put_terms(const struct explain_story *story, FILE *out)
{
    const struct estimate *estimate = &story->estimate;
    char sum[MONEY_TEXT_MAX], times[MONEY_TEXT_MAX];
    const char *words;
    unsigned flag;

    money_print(estimate->cost, sum);
    put_name(out, "sum");
    fputs(sum, out);
    if (estimate->multiplier_ppm != PRICE_MULTIPLIER_NONE) {
        money_print((struct money){(__int128)estimate->multiplier_ppm * 1000000000}, times);
        fprintf(out, ", after a multiplier of %s", times);
    }
    fputc('\n', out);
    if (estimate->above > 0) {
        put_name(out, "context tier");
        fprintf(out, "above %" PRId64 " input tokens\n", estimate->above);
    }
    put_word(out, "service tier", estimate->service_tier);
    for (unsigned i = 0; explain_flag(i, &flag, &words) != NULL; i++) {
        if ((estimate->flags & flag) != 0)
            put_word(out, "note", words);
    }
    put_text(out, "price table", story->row.price_hash);
}

static int put_pricing(const struct explain_story *story, FILE *out)
{
    int result;

    fprintf(out, "\nPricing%s\n", story->served ? " of what was avoided" : "");
    if (!story->rated) {
        fputs("  nothing was rated: no price is known, or no token counts\n", out);
        return 0;
    }
    result = put_lines(&story->estimate, out);
    put_terms(story, out);
    return result;
}

static int put_observations(const struct explain_story *story, FILE *out)
{
    static const enum report_align aligns[] = {REPORT_LEFT,  REPORT_LEFT,  REPORT_POINT,
                                               REPORT_POINT, REPORT_POINT, REPORT_LEFT};
    static const char *const names[] = {"at", "from", "billed", "upstream", "market", "own key"};
    struct report_grid grid;

    if (story->observation_count == 0)
        return 0;
    fprintf(out, "\nCosts reported%s, USD\n", story->served ? " of its source" : "");
    report_grid_init(&grid, aligns, 6);
    report_grid_headings(&grid, names);
    for (size_t i = 0; i < story->observation_count; i++) {
        const struct observation *seen = &story->observations[i];
        char time[REPORT_TIME_SIZE];
        report_time(seen->at_ms, time);
        report_grid_word(&grid, time);
        report_grid_word(&grid, observe_source_name(seen->source));
        report_grid_money(&grid, &seen->billed);
        report_grid_money(&grid, &seen->upstream);
        report_grid_money(&grid, &seen->market);
        report_grid_word(&grid, seen->byok < 0 ? "-" : seen->byok == 1 ? "yes" : "no");
    }
    return finish(&grid, out);
}

static void money_line(struct report_grid *grid, const char *name, const struct maybe_money *money,
                       const char *note)
{
    if (!money->known)
        return;
    report_grid_word(grid, name);
    report_grid_money(grid, money);
    report_grid_word(grid, note);
}

static int put_money(const struct ledger_row *row, FILE *out)
{
    static const enum report_align aligns[] = {REPORT_LEFT, REPORT_POINT, REPORT_LEFT};
    static const char *const names[] = {"", "USD", ""};
    const char *minus = row->market.known ? "market - estimated" : "billed + upstream - estimated";
    struct report_grid grid;
    int result;

    fprintf(out, "\nMoney\n");
    report_grid_init(&grid, aligns, 3);
    report_grid_headings(&grid, names);
    money_line(&grid, "billed", &row->billed, "by the gateway");
    money_line(&grid, "upstream", &row->upstream_cost, "by the vendor, under one's own key");
    money_line(&grid, "market", &row->market, "list price, as reported");
    money_line(&grid, "estimated", &row->estimated, "prices x tokens");
    money_line(&grid, "difference", &row->difference, minus);
    money_line(&grid, "booked", &row->booked, "");
    money_line(&grid, "saved", &row->saved, "what its source cost");
    result = finish(&grid, out);
    put_reason(out, "verdict", text_of(verdict_name(row->verdict)), explain_verdict(row->verdict));
    put_reason(out, "cause", text_of(cause_name(row->cause)), explain_cause(row->cause));
    if (row->version > 0) {
        put_name(out, "version");
        fprintf(out, "%u: later observations changed it\n", row->version);
    }
    return result;
}

/* --- the chain --- */

static void put_source(const struct explain_story *story, FILE *out)
{
    char time[REPORT_TIME_SIZE], booked[MONEY_TEXT_MAX];

    if (!story->served)
        return;
    fprintf(out, "\nSource\n");
    if (story->row.source_id.len == 0) {
        fputs("  not known: its leader had not ended, or left nothing\n", out);
        return;
    }
    put_text(out, "id", story->row.source_id);
    if (!story->source_found) {
        put_word(out, "row", "not in the ledger any more");
        return;
    }
    report_time(story->source.created_at_ms, time);
    report_money(&story->source.booked, "not known", booked);
    put_word(out, "created", time);
    put_word(out, "booked", booked);
}

static void put_serves(const struct explain_story *story, FILE *out)
{
    const struct explain_serves *serves = &story->serves;
    char time[REPORT_TIME_SIZE], saved[MONEY_TEXT_MAX];

    if (!story->scanned)
        return;
    fprintf(out, "\n%s\n",
            story->served ? "Served again, like the answers of its source" : "Served again");
    report_time(story->scanned_to_ms - 1, time);
    if (serves->hits + serves->collapsed == 0) {
        fprintf(out, "  never, until %s\n", time);
        return;
    }
    put_name(out, "times");
    fprintf(out, "%" PRId64 " hits, %" PRId64 " collapsed, until %s\n", serves->hits,
            serves->collapsed, time);
    report_time(serves->first_ms, time);
    put_reason(out, "first", text_of(time), serves->first_id);
    report_time(serves->last_ms, time);
    put_reason(out, "last", text_of(time), serves->last_id);
    report_money(&serves->saved, "not known", saved);
    put_word(out, "saved", saved);
}

static int put_corrections(const struct explain_story *story, FILE *out)
{
    static const enum report_align aligns[] = {REPORT_LEFT,  REPORT_LEFT, REPORT_POINT,
                                               REPORT_POINT, REPORT_LEFT, REPORT_LEFT};
    static const char *const names[] = {"at",         "corrects", "booked",
                                        "difference", "verdict",  "cause"};
    struct report_grid grid;

    if (story->correction_count == 0)
        return 0;
    fprintf(out, "\nCorrected since its month was closed (%zu), USD by which it changed\n",
            story->correction_count);
    report_grid_init(&grid, aligns, 6);
    report_grid_headings(&grid, names);
    for (size_t i = 0; i < story->correction_count && i < EXPLAIN_CORRECTIONS_MAX; i++) {
        const struct explain_correction *correction = &story->corrections[i];
        char time[REPORT_TIME_SIZE];
        report_time(correction->at_ms, time);
        report_grid_word(&grid, time);
        report_grid_name(&grid, text_of(correction->place));
        report_grid_money(&grid, &correction->booked);
        report_grid_money(&grid, &correction->difference);
        report_grid_word(&grid, verdict_name(correction->verdict));
        report_grid_word(&grid, cause_name(correction->cause));
    }
    return finish(&grid, out);
}

int explain_text(const struct explain_story *story, FILE *out)
{
    char time[REPORT_TIME_SIZE];
    int result;

    report_time(story->row.created_at_ms, time);
    report_put_text(out, story->row.id);
    fprintf(out, "   %s, of a month that is %s\n", time, story->closed ? "closed" : "open");
    put_request(&story->row, out);
    put_route(story, out);
    put_answer(&story->row, out);
    put_usage(&story->row.usage, out);
    result = put_pricing(story, out);
    if (result == 0)
        result = put_observations(story, out);
    if (result == 0)
        result = put_money(&story->row, out);
    put_source(story, out);
    put_serves(story, out);
    return result == 0 ? put_corrections(story, out) : result;
}
