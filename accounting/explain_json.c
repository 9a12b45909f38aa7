/* explain_json.c - a request's story as JSON; its shape is in explain.h. */
#include "accounting/explain_story.h"

#include "accounting/export_tags.h"
#include "accounting/report_writer.h"

static void put_byok(struct report_json *json, int byok)
{
    if (byok < 0)
        report_json_null(json, "byok");
    else
        report_json_bool(json, "byok", byok == 1);
}

/* Tags that are no list (nobody should have written them) are one tag. */
static void put_tags(struct report_json *json, struct text tags)
{
    if (tags.len > 0 && export_tags_valid(tags)) {
        report_json_raw(json, "tags", tags);
        return;
    }
    report_json_open(json, "tags", '[');
    if (tags.len > 0)
        report_json_text(json, NULL, tags);
    report_json_close(json, ']');
}

static void put_who(struct report_json *json, const struct explain_story *story)
{
    const struct ledger_row *row = &story->row;

    report_json_text(json, "id", row->id);
    report_json_time(json, "created_at", row->created_at_ms);
    report_json_bool(json, "month_closed", story->closed);
    report_json_word(json, "api", row_api_name(row->api));
    report_json_bool(json, "streamed", row->streamed);
    report_json_text(json, "client", row->client);
    report_json_text(json, "key_id", row->key_id);
    report_json_text(json, "project", row->project);
    report_json_text(json, "user", row->user);
    report_json_text(json, "session", row->session);
    report_json_text(json, "app", row->app);
    report_json_text(json, "origin", row->origin);
    report_json_text(json, "environment", row->environment);
    put_tags(json, row->tags);
    report_json_text(json, "preset", row->preset);
}

static void put_attempts(struct report_json *json, const struct explain_story *story)
{
    report_json_open(json, "attempts", '[');
    for (size_t i = 0; i < story->attempt_count; i++) {
        const struct explain_attempt *attempt = &story->attempts[i];
        report_json_open(json, NULL, '{');
        report_json_text(json, "upstream", attempt->upstream);
        report_json_text(json, "model", attempt->model);
        report_json_count(json, "status", attempt->status);
        report_json_count(json, "ms", attempt->ms);
        report_json_close(json, '}');
    }
    report_json_close(json, ']');
}

static void put_route(struct report_json *json, const struct explain_story *story)
{
    const struct ledger_row *row = &story->row;

    report_json_text(json, "model_requested", row->model_requested);
    report_json_text(json, "model", row->model);
    report_json_text(json, "provider", row->provider);
    report_json_text(json, "upstream", row->upstream);
    report_json_text(json, "upstream_id", row->upstream_id);
    report_json_text(json, "route", row->route);
    report_json_word(json, "route_reason", explain_route(row->route));
    put_attempts(json, story);
    report_json_word(json, "cache", row_cache_name(row->cache));
    report_json_count(json, "status", row->status > 0 ? row->status : -1);
    report_json_text(json, "finish_reason", row->finish_reason);
    report_json_text(json, "native_finish_reason", row->native_finish_reason);
    report_json_count(json, "latency_ms", row->latency_ms);
    report_json_count(json, "ttft_ms", row->ttft_ms);
    put_byok(json, row->byok);
    report_json_text(json, "service_tier", row->service_tier);
}

static void put_usage(struct report_json *json, const struct usage *usage)
{
    report_json_open(json, "usage", '{');
    report_json_count(json, "prompt_tokens", usage->prompt_tokens);
    report_json_count(json, "completion_tokens", usage->completion_tokens);
    report_json_count(json, "cached_tokens", usage->cached_tokens);
    report_json_count(json, "cache_write_tokens", usage->cache_write_tokens);
    report_json_count(json, "cache_write_1h_tokens", usage->cache_write_1h_tokens);
    report_json_count(json, "reasoning_tokens", usage->reasoning_tokens);
    report_json_count(json, "audio_tokens", usage->audio_tokens);
    report_json_count(json, "image_tokens", usage->image_tokens);
    report_json_count(json, "web_searches", usage->web_searches);
    report_json_count(json, "image_input_tokens", usage->image_input_tokens);
    report_json_count(json, "video_input_tokens", usage->video_input_tokens);
    report_json_count(json, "audio_output_tokens", usage->audio_output_tokens);
    report_json_count(json, "images", usage->images);
    report_json_bool(json, "exclusive", usage->exclusive);
    report_json_close(json, '}');
}

/* --- money --- */

static void put_lines(struct report_json *json, const struct estimate *estimate)
{
    report_json_open(json, "lines", '[');
    for (unsigned i = 0; i < estimate->count; i++) {
        const struct estimate_line *line = &estimate->lines[i];
        struct maybe_money price = {true, {line->price.femto}}, cost = {true, line->cost};
        report_json_open(json, NULL, '{');
        report_json_word(json, "class", price_unit_name(line->class));
        report_json_word(json, "billed_as", price_unit_name(line->billed));
        report_json_count(json, "quantity", line->quantity);
        report_json_money(json, "unit_price_usd", &price);
        report_json_money(json, "cost_usd", &cost);
        report_json_close(json, '}');
    }
    report_json_close(json, ']');
}

static void put_pricing(struct report_json *json, const struct explain_story *story)
{
    const struct estimate *estimate = &story->estimate;
    struct maybe_money cost = {true, estimate->cost}, multiplier = {.known = true};
    const char *name, *words;
    unsigned flag;

    if (!story->rated) {
        report_json_null(json, "pricing");
        return;
    }
    multiplier.money.femto = (__int128)estimate->multiplier_ppm * 1000000000; /* ppm of 1e15 */
    report_json_open(json, "pricing", '{');
    put_lines(json, estimate);
    report_json_money(json, "cost_usd", &cost);
    report_json_count(json, "context_above", estimate->above);
    report_json_word(json, "service_tier", estimate->service_tier);
    report_json_money(json, "multiplier", &multiplier);
    report_json_open(json, "flags", '[');
    for (unsigned i = 0; (name = explain_flag(i, &flag, &words)) != NULL; i++) {
        if ((estimate->flags & flag) != 0)
            report_json_word(json, NULL, name);
    }
    report_json_close(json, ']');
    report_json_text(json, "price_table", story->row.price_hash);
    report_json_close(json, '}');
}

static void put_observations(struct report_json *json, const struct explain_story *story)
{
    report_json_open(json, "observations", '[');
    for (size_t i = 0; i < story->observation_count; i++) {
        const struct observation *seen = &story->observations[i];
        report_json_open(json, NULL, '{');
        report_json_word(json, "from", observe_source_name(seen->source));
        report_json_time(json, "at", seen->at_ms);
        report_json_money(json, "billed_usd", &seen->billed);
        report_json_money(json, "upstream_usd", &seen->upstream);
        report_json_money(json, "market_usd", &seen->market);
        put_byok(json, seen->byok);
        report_json_close(json, '}');
    }
    report_json_close(json, ']');
}

static void put_money(struct report_json *json, const struct ledger_row *row)
{
    report_json_money(json, "billed_usd", &row->billed);
    report_json_money(json, "upstream_usd", &row->upstream_cost);
    report_json_money(json, "market_usd", &row->market);
    report_json_money(json, "estimated_usd", &row->estimated);
    report_json_money(json, "difference_usd", &row->difference);
    report_json_money(json, "booked_usd", &row->booked);
    report_json_money(json, "saved_usd", &row->saved);
    report_json_word(json, "verdict", verdict_name(row->verdict));
    report_json_word(json, "verdict_reason", explain_verdict(row->verdict));
    report_json_word(json, "cause", cause_name(row->cause));
    report_json_word(json, "cause_reason", explain_cause(row->cause));
    report_json_count(json, "version", row->version);
}

/* --- the chain --- */

static void put_source(struct report_json *json, const struct explain_story *story)
{
    if (!story->served || story->row.source_id.len == 0) {
        report_json_null(json, "source");
        return;
    }
    report_json_open(json, "source", '{');
    report_json_text(json, "id", story->row.source_id);
    report_json_bool(json, "found", story->source_found);
    if (story->source_found) {
        report_json_time(json, "created_at", story->source.created_at_ms);
        report_json_money(json, "booked_usd", &story->source.booked);
    } else {
        report_json_null(json, "created_at");
        report_json_null(json, "booked_usd");
    }
    report_json_close(json, '}');
}

static void put_serves(struct report_json *json, const struct explain_story *story)
{
    const struct explain_serves *serves = &story->serves;
    bool any = serves->hits + serves->collapsed > 0;
    struct maybe_money saved = serves->saved;

    if (!story->scanned) {
        report_json_null(json, "served_again");
        return;
    }
    saved.known = saved.known || !any;
    report_json_open(json, "served_again", '{');
    report_json_text(json, "source_id", explain_origin(story)->id);
    report_json_count(json, "hits", serves->hits);
    report_json_count(json, "collapsed", serves->collapsed);
    if (any)
        report_json_time(json, "first_at", serves->first_ms);
    else
        report_json_null(json, "first_at");
    report_json_word(json, "first_id", serves->first_id);
    if (any)
        report_json_time(json, "last_at", serves->last_ms);
    else
        report_json_null(json, "last_at");
    report_json_word(json, "last_id", serves->last_id);
    report_json_money(json, "saved_usd", &saved);
    report_json_time(json, "looked_until", story->scanned_to_ms - 1);
    report_json_close(json, '}');
}

static void put_corrections(struct report_json *json, const struct explain_story *story)
{
    report_json_open(json, "corrections", '[');
    for (size_t i = 0; i < story->correction_count && i < EXPLAIN_CORRECTIONS_MAX; i++) {
        const struct explain_correction *correction = &story->corrections[i];
        report_json_open(json, NULL, '{');
        report_json_time(json, "at", correction->at_ms);
        report_json_word(json, "corrects", correction->place);
        report_json_money(json, "booked_usd", &correction->booked);
        report_json_money(json, "difference_usd", &correction->difference);
        report_json_word(json, "verdict", verdict_name(correction->verdict));
        report_json_word(json, "cause", cause_name(correction->cause));
        report_json_close(json, '}');
    }
    report_json_close(json, ']');
    report_json_count(json, "correction_count", (int64_t)story->correction_count);
}

void explain_json(const struct explain_story *story, FILE *out)
{
    struct report_json json = REPORT_JSON(out);

    report_json_open(&json, NULL, '{');
    put_who(&json, story);
    put_route(&json, story);
    put_usage(&json, &story->row.usage);
    put_pricing(&json, story);
    put_observations(&json, story);
    put_money(&json, &story->row);
    put_source(&json, story);
    put_serves(&json, story);
    put_corrections(&json, story);
    report_json_close(&json, '}');
    fputc('\n', out);
}
