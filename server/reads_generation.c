/* reads_generation.c - GET generation: one row as each vendor's record (openrouter section 5.1,
 * vercel section 10).
 *
 * The two schemas say of costs that they are numbers, so a row whose cost is not known has no
 * record (yet), as it has none with the vendors. Elsewhere unknown is null where the schema allows
 * it. Vercel's wants numbers for every class of tokens: there a class that the upstream's usage
 * does not name is 0, as long as it named any.
 */
#include "server/reads_private.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* What the request cost the client: 0 for one that was refused, because nothing was billed. */
static struct maybe_money total_of(const struct ledger_row *row)
{
    if (row->verdict == VERDICT_FAILED)
        return (struct maybe_money){.known = true};
    return row->billed;
}

static struct maybe_money upstream_of(const struct ledger_row *row)
{
    return row->byok == 1 ? row->upstream_cost : (struct maybe_money){.known = false};
}

/* --- OpenRouter --- */

static struct text api_type(enum row_api api)
{
    switch (api) {
    case API_CHAT:
    case API_RESPONSES:
    case API_MESSAGES:
    case API_COMPLETIONS:
    case API_AI_LANGUAGE:
        return TEXT("completions");
    case API_EMBEDDINGS:
    case API_AI_EMBEDDING:
        return TEXT("embeddings");
    case API_IMAGES:
        return TEXT("image");
    case API_VIDEOS:
        return TEXT("video");
    case API_NONE:
    case API_AUDIO: /* tts or stt: the row does not say which */
    case API_BATCHES:
    case API_FILES:
    case API_AI_OTHER:
    case APIS:
        break;
    }
    return (struct text){NULL, 0};
}

static void copy_member(struct out *out, const char *name, const struct json_doc *doc,
                        uint32_t object, const char *from)
{
    uint32_t value = json_get(doc, object, from);

    if (value == JSON_NONE) {
        reads_null(out, name);
        return;
    }
    out_name(out, name);
    out_value(out, doc, value);
}

/* The attempts that came to nothing, as the ledger has them. */
static void print_attempts(struct out *out, struct text attempts)
{
    struct json_doc doc;

    json_doc_init(&doc);
    if (attempts.len > 0 && json_parse(&doc, attempts.bytes, attempts.len, NULL) == 0) {
        for (uint32_t at = json_first(&doc, 0); at != JSON_NONE; at = json_next(&doc, 0, at)) {
            if (doc.tokens[at].type != JSON_OBJECT)
                continue;
            out_next(out);
            out_char(out, '{');
            copy_member(out, "status", &doc, at, "status");
            copy_member(out, "provider_name", &doc, at, "upstream");
            copy_member(out, "latency", &doc, at, "ms");
            copy_member(out, "model_permaslug", &doc, at, "model");
            out_char(out, '}');
        }
    }
    json_doc_release(&doc);
}

static void print_responses(const struct ledger_row *row, struct text model, struct text provider,
                            struct out *out)
{
    if (row->verdict == VERDICT_FREE) { /* no provider was asked */
        reads_null(out, "provider_responses");
        return;
    }
    out_name(out, "provider_responses");
    out_char(out, '[');
    print_attempts(out, row->attempts);
    out_next(out);
    out_char(out, '{');
    reads_count(out, "status", row->status > 0 ? row->status : -1);
    if (provider.len > 0)
        reads_text(out, "provider_name", provider);
    if (row->upstream_id.len > 0)
        reads_text(out, "id", row->upstream_id);
    if (row->byok >= 0)
        reads_bool(out, "is_byok", row->byok == 1);
    if (row->latency_ms >= 0)
        reads_count(out, "latency", row->latency_ms);
    if (model.len > 0)
        reads_text(out, "model_permaslug", model);
    out_text(out, "}]");
}

static void print_openrouter_tokens(const struct usage *usage, struct out *out)
{
    int64_t prompt = reads_prompt(usage);

    reads_count(out, "tokens_prompt", prompt);
    reads_count(out, "tokens_completion", usage->completion_tokens);
    reads_count(out, "native_tokens_prompt", prompt);
    reads_count(out, "native_tokens_completion", usage->completion_tokens);
    reads_count(out, "native_tokens_completion_images", usage->image_tokens);
    reads_count(out, "native_tokens_reasoning", usage->reasoning_tokens);
    reads_count(out, "native_tokens_cached", usage->cached_tokens);
    reads_null(out, "num_media_prompt");
    reads_null(out, "num_input_audio_prompt");
    reads_null(out, "num_media_completion");
    reads_count(out, "num_search_results", usage->web_searches);
    reads_null(out, "num_fetches");
}

static void print_openrouter(const struct reads_view *view, const struct ledger_row *row,
                             struct out *out)
{
    char model_buffer[ROW_NAME_MAX + 1], provider_buffer[ROW_NAME_MAX + 1];
    struct text model = reads_model(view, row, model_buffer);
    struct text provider = reads_provider(view, row, provider_buffer);
    struct text native =
        row->native_finish_reason.len > 0 ? row->native_finish_reason : row->finish_reason;

    reads_text(out, "id", row->id);
    reads_text(out, "upstream_id", row->upstream_id);
    reads_null(out, "request_id");
    reads_text(out, "session_id", row->session);
    reads_text(out, "response_cache_source_id", row->source_id);
    out_name(out, "created_at");
    reads_print_time(out, row->created_at_ms);
    out_name(out, "model");
    out_string(out, model);
    reads_text(out, "provider_name", provider);
    reads_text(out, "api_type", api_type(row->api));
    reads_null(out, "app_id");
    reads_null(out, "router");
    reads_text(out, "preset_id", row->preset);
    reads_null(out, "workspace_id");
    out_name(out, "data_region");
    out_text(out, "\"global\"");
    print_responses(row, model, provider, out);
    reads_bool(out, "streamed", row->streamed);
    reads_bool(out, "cancelled", row->status == 499);
    reads_text(out, "finish_reason", row->finish_reason);
    reads_text(out, "native_finish_reason", native);
    reads_count(out, "latency", row->ttft_ms);
    reads_null(out, "moderation_latency");
    reads_count(out, "generation_time", row->latency_ms);
    reads_money(out, "total_cost", total_of(row));
    reads_money(out, "usage", total_of(row));
    reads_money(out, "upstream_inference_cost", upstream_of(row));
    reads_null(out, "cache_discount");
    reads_bool(out, "is_byok", row->byok == 1);
    out_name(out, "origin");
    out_string(out, row->origin);
    reads_text(out, "http_referer", row->origin);
    reads_null(out, "user_agent");
    reads_text(out, "external_user", row->user);
    reads_text(out, "service_tier", row->service_tier);
    reads_null(out, "web_search_engine");
    print_openrouter_tokens(&row->usage, out);
}

/* --- Vercel --- */

static bool any_count(const struct usage *usage)
{
    return usage->prompt_tokens >= 0 || usage->completion_tokens >= 0;
}

static void print_class(struct out *out, const char *name, const struct usage *usage, int64_t count)
{
    reads_count(out, name, count < 0 && any_count(usage) ? 0 : count);
}

static void print_vercel_tokens(const struct usage *usage, struct out *out)
{
    int64_t prompt = reads_prompt(usage);
    int64_t cached = usage->cached_tokens > 0 ? usage->cached_tokens : 0;

    print_class(out, "tokens_prompt", usage, prompt >= cached ? prompt - cached : prompt);
    print_class(out, "tokens_completion", usage, usage->completion_tokens);
    print_class(out, "native_tokens_prompt", usage, prompt);
    print_class(out, "native_tokens_completion", usage, usage->completion_tokens);
    print_class(out, "native_tokens_reasoning", usage, usage->reasoning_tokens);
    print_class(out, "native_tokens_cached", usage, usage->cached_tokens);
    print_class(out, "native_tokens_cache_creation", usage, usage->cache_write_tokens);
    print_class(out, "billable_web_search_calls", usage, usage->web_searches);
}

static void print_vercel(const struct reads_view *view, const struct ledger_row *row,
                         struct out *out)
{
    char model[ROW_NAME_MAX + 1], provider[ROW_NAME_MAX + 1];
    struct maybe_money none = {.known = true}; /* no own key, no bill of the vendor's */

    reads_text(out, "id", row->id);
    reads_money(out, "total_cost", total_of(row));
    reads_money(out, "usage", total_of(row));
    reads_money(out, "upstream_inference_cost", row->byok == 1 ? upstream_of(row) : none);
    if (row->market.known)
        reads_money(out, "market_cost", row->market);
    reads_money(out, "gateway_cost", total_of(row));
    out_name(out, "created_at");
    reads_print_time(out, row->created_at_ms);
    out_name(out, "model");
    out_string(out, reads_model(view, row, model));
    reads_bool(out, "is_byok", row->byok == 1);
    out_name(out, "provider_name");
    out_string(out, reads_provider(view, row, provider));
    reads_bool(out, "streamed", row->streamed);
    out_name(out, "finish_reason");
    out_string(out, row->finish_reason);
    reads_count(out, "latency", row->ttft_ms);
    reads_count(out, "generation_time", row->latency_ms);
    print_vercel_tokens(&row->usage, out);
    if (row->source_id.len > 0)
        reads_text(out, "response_cache_source_id", row->source_id);
}

int reads_print_generation(const struct reads_view *view, const struct ledger_row *row,
                           struct out *out)
{
    bool byok_unknown = row->byok == 1 && !row->upstream_cost.known;

    if (!total_of(row).known || (view->to != DIALECT_OPENROUTER && byok_unknown))
        return row->verdict == VERDICT_PENDING ? -EAGAIN : -ENODATA;
    out_text(out, "{\"data\":{");
    if (view->to == DIALECT_OPENROUTER)
        print_openrouter(view, row, out);
    else
        print_vercel(view, row, out);
    out_text(out, "}}");
    return 0;
}

/* --- the question --- */

static const char *why_not(int result)
{
    if (result == -EAGAIN)
        return "Its cost has not been reported yet; ask again later.";
    if (result == -ENODATA)
        return "Its cost was never reported; GET generations shows what is known of it.";
    return "No generation of this API key has this id.";
}

/* Vercel's errors are flat here (vercel section 10). */
static void answer_flat(struct reads_job *job, int result)
{
    struct out *out = &job->reply.body;

    out_text(out, "{\"error\":\"Usage event not found\",\"id\":");
    out_string(out, text_of(job->query.id));
    out_text(out, ",\"message\":");
    out_string(out, text_of(why_not(result)));
    out_char(out, '}');
    job->reply.status = 404;
    job->reply.problem = PROBLEMS;
}

static void answer_absent(struct reads_job *job, int result)
{
    static const char before[] = "Generation ", after[] = " not found";
    char *detail = job->reply.detail;
    size_t len = strlen(job->query.id);

    if (job->route->dialect != DIALECT_OPENROUTER && job->route->read == READ_GENERATION) {
        answer_flat(job, result);
        return;
    }
    reads_problem(&job->reply, PROBLEM_NOT_FOUND, result != -ENOENT ? why_not(result) : NULL);
    if (result != -ENOENT)
        return;
    _Static_assert(sizeof before + sizeof after + ROW_ID_MAX < sizeof job->reply.detail, "room");
    memcpy(detail, before, sizeof before - 1);
    memcpy(detail + sizeof before - 1, job->query.id, len);
    memcpy(detail + sizeof before - 1 + len, after, sizeof after);
}

static int find(struct reads_job *job)
{
    return ledger_find(reads_gateway(job->reads)->ledger, text_of(job->query.id),
                       text_of(job->key_id), READS_WAIT_MS, job->bytes, &job->row);
}

void reads_ask_generation(struct reads_job *job)
{
    int result = find(job);

    if (result != 0 && result != -ENOENT) {
        reads_ledger_error(&job->reply, result);
        return;
    }
    if (result == 0)
        result = reads_print_generation(&job->view, &job->row, &job->reply.body);
    if (result != 0)
        answer_absent(job, result);
}

void reads_ask_record(struct reads_job *job)
{
    int result = find(job);

    if (result == 0)
        job->found = true; /* printed when the logged request has been looked for */
    else if (result == -ENOENT)
        answer_absent(job, result);
    else
        reads_ledger_error(&job->reply, result);
}
