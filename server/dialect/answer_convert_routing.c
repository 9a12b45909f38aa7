/* answer_convert_routing.c - how an answer came about: openrouter_metadata (openrouter section 6)
 * out of what we and a Vercel upstream know, gateway.routing (vercel section 3) out of what we and
 * an OpenRouter upstream know. What neither knows (times, request ids, plans) is left out.
 */
#include "server/dialect/answer_convert_private.h"

#include "server/dialect/answer_field.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS_MAX = 32 }; /* of each kind; more are not listed */

struct attempt {
    char provider[ROW_NAME_MAX + 1]; /* in the client's words; of our own attempts: the upstream */
    char model[ROW_NAME_MAX + 1];
    int status;
};

struct attempts {
    struct attempt *item;
    unsigned count;
};

static uint32_t elements(const struct json_doc *doc, uint32_t array)
{
    return answer_field_is(doc, array, JSON_ARRAY) ? json_first(doc, array) : JSON_NONE;
}

static struct attempt *add(struct attempts *attempts)
{
    struct attempt *attempt;

    if (attempts->count == ATTEMPTS_MAX)
        return NULL;
    attempt = &attempts->item[attempts->count++];
    *attempt = (struct attempt){.status = 0};
    return attempt;
}

static int status_of(const struct json_doc *doc, uint32_t token, int otherwise)
{
    int64_t status;

    if (!answer_field_is(doc, token, JSON_NUMBER) || json_int64(doc, token, &status) != 0 ||
        status < 100 || status > 599)
        return otherwise;
    return (int)status;
}

/* --- our own attempts, before this upstream --- */

static int read_ours(const struct answer_conversion *conversion, struct attempts *attempts)
{
    struct json_doc doc;
    int error;

    if (conversion->attempts.len == 0)
        return 0;
    json_doc_init(&doc);
    error = json_parse(&doc, conversion->attempts.bytes, conversion->attempts.len, NULL);
    if (error == 0) {
        for (uint32_t item = elements(&doc, 0); item != JSON_NONE;
             item = json_next(&doc, 0, item)) {
            struct attempt *attempt = add(attempts);

            if (attempt == NULL)
                break;
            answer_field_text(&doc, json_get(&doc, item, "upstream"), attempt->provider,
                              sizeof(attempt->provider));
            answer_field_text(&doc, json_get(&doc, item, "model"), attempt->model,
                              sizeof(attempt->model));
            attempt->status = status_of(&doc, json_get(&doc, item, "status"), 502);
        }
    }
    json_doc_release(&doc);
    return error == -ENOMEM ? error : 0;
}

/* --- the upstream's attempts --- */

/* Sets *attempt->provider from a slug or name as the upstream says it. */
static void set_provider(const struct answer_conversion *conversion, const struct json_doc *doc,
                         uint32_t value, struct attempt *attempt)
{
    char said[ROW_NAME_MAX + 1];

    if (answer_field_text(doc, value, said, sizeof(said)))
        provider_convert(conversion, said, attempt->provider);
}

/* routing.modelAttempts[].providerAttempts[] */
static void read_vercel(const struct answer_conversion *conversion, const struct json_doc *doc,
                        uint32_t routing, struct attempts *attempts)
{
    uint32_t models = json_get(doc, routing, "modelAttempts");

    for (uint32_t model = elements(doc, models); model != JSON_NONE;
         model = json_next(doc, models, model)) {
        uint32_t tries = json_get(doc, model, "providerAttempts");

        for (uint32_t item = elements(doc, tries); item != JSON_NONE;
             item = json_next(doc, tries, item)) {
            bool good = answer_field_bool(doc, json_get(doc, item, "success")) == 1;
            struct attempt *attempt = add(attempts);

            if (attempt == NULL)
                return;
            set_provider(conversion, doc, json_get(doc, item, "provider"), attempt);
            converter_served_model(conversion, doc, json_get(doc, model, "canonicalSlug"),
                                   attempt->model);
            attempt->status = status_of(doc, json_get(doc, item, "statusCode"), good ? 200 : 502);
        }
    }
}

/* openrouter_metadata.attempts[] */
static void read_openrouter(const struct answer_conversion *conversion,
                            struct converter_node router, struct attempts *attempts)
{
    const struct json_doc *doc = router.doc;
    uint32_t tries = router.at == JSON_NONE ? JSON_NONE : json_get(doc, router.at, "attempts");

    if (router.at == JSON_NONE)
        return;
    for (uint32_t item = elements(doc, tries); item != JSON_NONE;
         item = json_next(doc, tries, item)) {
        struct attempt *attempt = add(attempts);

        if (attempt == NULL)
            return;
        set_provider(conversion, doc, json_get(doc, item, "provider"), attempt);
        converter_served_model(conversion, doc, json_get(doc, item, "model"), attempt->model);
        attempt->status = status_of(doc, json_get(doc, item, "status"), 502);
    }
}

/* The model that served, in the client's words; else the one that was asked for. */
static void served_model(const struct rewrite *rewrite, char model[ROW_NAME_MAX + 1])
{
    const struct answer_conversion *conversion = rewrite->conversion;
    size_t len = conversion->model_requested.len < ROW_NAME_MAX ? conversion->model_requested.len
                                                                : ROW_NAME_MAX;

    if (converter_served_model(conversion, rewrite->facts->model.doc, rewrite->facts->model.at,
                               model))
        return;
    if (rewrite->converter->model[0] != '\0') {
        memcpy(model, rewrite->converter->model, sizeof(rewrite->converter->model));
        return;
    }
    if (len > 0)
        memcpy(model, conversion->model_requested.bytes, len);
    model[len] = '\0';
}

/* OpenRouter's clients are told the upstream's name of a provider that nobody names, as in the
 * answer's own `provider`; Vercel's metadata leaves it out. */
static void name_provider(const struct answer_conversion *conversion,
                          char provider[ROW_NAME_MAX + 1])
{
    size_t len = conversion->upstream.len < ROW_NAME_MAX ? conversion->upstream.len : ROW_NAME_MAX;

    if (provider[0] != '\0' || len == 0 || conversion->to != DIALECT_OPENROUTER)
        return;
    memcpy(provider, conversion->upstream.bytes, len);
    provider[len] = '\0';
}

/* In the client's words; empty: not known. */
static void served_provider(const struct rewrite *rewrite, char provider[ROW_NAME_MAX + 1])
{
    const char *known = rewrite->facts->provider;

    if (known[0] == '\0' && rewrite->conversion->to == DIALECT_OPENROUTER)
        known = rewrite->converter->provider;
    memcpy(provider, known, ROW_NAME_MAX + 1);
    name_provider(rewrite->conversion, provider);
}

/* What both writers list. */
struct story {
    struct attempt ours_room[ATTEMPTS_MAX], theirs_room[ATTEMPTS_MAX];
    struct attempts ours, theirs;
    char model[ROW_NAME_MAX + 1], provider[ROW_NAME_MAX + 1];
};

static struct story *read_story(struct rewrite *rewrite)
{
    const struct converter_facts *facts = rewrite->facts;
    struct story *story = malloc(sizeof(*story));

    if (story == NULL)
        return NULL;
    story->ours = (struct attempts){.item = story->ours_room};
    story->theirs = (struct attempts){.item = story->theirs_room};
    served_model(rewrite, story->model);
    served_provider(rewrite, story->provider);
    if (read_ours(rewrite->conversion, &story->ours) != 0) {
        free(story);
        return NULL;
    }
    if (rewrite->conversion->to != DIALECT_OPENROUTER)
        read_openrouter(rewrite->conversion, facts->router, &story->theirs);
    else if (facts->gateway.at != JSON_NONE)
        read_vercel(rewrite->conversion, facts->gateway.doc,
                    json_get(facts->gateway.doc, facts->gateway.at, "routing"), &story->theirs);
    for (unsigned i = 0; i < story->theirs.count; i++) {
        name_provider(rewrite->conversion, story->theirs.item[i].provider);
        if (story->theirs.item[i].model[0] == '\0')
            memcpy(story->theirs.item[i].model, story->model, sizeof(story->model));
    }
    if (story->theirs.count == 0) {
        struct attempt *only = add(&story->theirs);

        memcpy(only->provider, story->provider, sizeof(only->provider));
        memcpy(only->model, story->model, sizeof(only->model));
        only->status = 200;
    }
    return story;
}

/* --- openrouter_metadata --- */

static void write_endpoint(struct out *out, const char *provider, const char *model, bool selected)
{
    out_next(out);
    out_char(out, '{');
    out_name(out, "provider");
    out_string(out, text_of(provider));
    out_name(out, "model");
    out_string(out, text_of(model));
    out_name(out, "selected");
    out_text(out, selected ? "true}" : "false}");
}

/* The providers that would have been next, and those that were before. */
static int64_t write_endpoints(struct rewrite *rewrite, const struct story *story, struct out *out)
{
    const struct converter_facts *facts = rewrite->facts;
    const struct json_doc *doc = facts->gateway.doc;
    int64_t total = 0;
    uint32_t spare = JSON_NONE;

    for (unsigned i = 0; i + 1 < story->theirs.count; i++, total++)
        write_endpoint(out, story->theirs.item[i].provider, story->theirs.item[i].model, false);
    write_endpoint(out, story->provider, story->model, true);
    total++;
    if (facts->gateway.at != JSON_NONE)
        spare = json_get(doc, json_get(doc, facts->gateway.at, "routing"), "fallbacksAvailable");
    for (uint32_t item = elements(doc, spare); item != JSON_NONE && total < ATTEMPTS_MAX;
         item = json_next(doc, spare, item)) {
        struct attempt attempt = {.status = 0};

        set_provider(rewrite->conversion, doc, item, &attempt);
        write_endpoint(out, attempt.provider, story->model, false);
        total++;
    }
    return total;
}

static void write_attempts(struct out *out, const struct attempts *attempts)
{
    for (unsigned i = 0; i < attempts->count; i++) {
        out_next(out);
        out_char(out, '{');
        out_name(out, "provider");
        out_string(out, text_of(attempts->item[i].provider));
        out_name(out, "model");
        out_string(out, text_of(attempts->item[i].model));
        out_name(out, "status");
        out_number(out, attempts->item[i].status);
        out_char(out, '}');
    }
}

static void write_summary(struct out *out, int64_t total, const char *provider)
{
    struct out text = OUT_INIT;

    out_text(&text, "available=");
    out_number(&text, total);
    out_text(&text, ", selected=");
    out_text(&text, provider);
    out_name(out, "summary");
    out_string(out, (struct text){text.bytes, text.len});
    if (text.error != 0)
        out->error = text.error;
    out_release(&text);
}

void rewrite_openrouter_metadata(struct rewrite *rewrite)
{
    const struct converter_facts *facts = rewrite->facts;
    struct out *out = rewrite->out, endpoints = OUT_INIT;
    struct story *story = read_story(rewrite);
    unsigned count;
    int64_t total;

    if (story == NULL) {
        out->error = -ENOMEM;
        return;
    }
    count = story->ours.count + story->theirs.count;
    out_char(&endpoints, '[');
    total = write_endpoints(rewrite, story, &endpoints);
    out_char(out, '{');
    out_name(out, "requested");
    out_string(out, rewrite->conversion->model_requested);
    rewrite_add_string(rewrite, "strategy", count > 1 ? "fallback" : "direct");
    out_text(out, ",\"region\":null");
    write_summary(out, total, story->provider);
    out_name(out, "attempt");
    out_number(out, count);
    out_text(out, facts->byok == 1 ? ",\"is_byok\":true" : ",\"is_byok\":false");
    out_text(out, ",\"endpoints\":{\"total\":");
    out_number(out, total);
    out_name(out, "available");
    out_bytes(out, endpoints.bytes, endpoints.len);
    out_text(out, "]},\"attempts\":[");
    write_attempts(out, &story->ours);
    write_attempts(out, &story->theirs);
    out_text(out, "]}");
    if (endpoints.error != 0)
        out->error = endpoints.error;
    out_release(&endpoints);
    free(story);
}

/* --- gateway.routing --- */

static void write_provider_attempt(struct out *out, const struct attempt *attempt, int byok,
                                   bool success)
{
    out_next(out);
    out_char(out, '{');
    if (attempt->provider[0] != '\0') {
        out_name(out, "provider");
        out_string(out, text_of(attempt->provider));
    }
    if (byok >= 0) {
        out_name(out, "credentialType");
        out_text(out, byok == 1 ? "\"byok\"" : "\"system\"");
    }
    out_name(out, "success");
    out_text(out, success ? "true" : "false");
    out_name(out, "statusCode");
    out_number(out, attempt->status);
    out_char(out, '}');
}

static void write_model_attempt(struct out *out, const char *model, const struct attempts *attempts,
                                int byok, bool success)
{
    out_next(out);
    out_char(out, '{');
    out_name(out, "canonicalSlug");
    out_string(out, text_of(model));
    out_name(out, "success");
    out_text(out, success ? "true" : "false");
    out_name(out, "providerAttemptCount");
    out_number(out, attempts->count);
    out_text(out, ",\"providerAttempts\":[");
    for (unsigned i = 0; i < attempts->count; i++)
        write_provider_attempt(out, &attempts->item[i], byok, success && i + 1 == attempts->count);
    out_text(out, "]}");
}

void rewrite_routing(struct rewrite *rewrite)
{
    const struct converter_facts *facts = rewrite->facts;
    struct out *out = rewrite->out;
    struct story *story = read_story(rewrite);

    if (story == NULL) {
        out->error = -ENOMEM;
        return;
    }
    out_char(out, '{');
    out_name(out, "originalModelId");
    out_string(out, rewrite->conversion->model_requested);
    rewrite_add_string(rewrite, "canonicalSlug", story->model);
    rewrite_add_string(rewrite, "resolvedProvider", facts->provider);
    rewrite_add_string(rewrite, "finalProvider", facts->provider);
    out_text(out, ",\"fallbacksAvailable\":[],\"modelAttemptCount\":");
    out_number(out, story->ours.count + 1);
    out_text(out, ",\"modelAttempts\":[");
    for (unsigned i = 0; i < story->ours.count; i++) {
        struct attempts one = {&story->ours.item[i], 1};

        write_model_attempt(out, one.item->model, &one, -1, false);
    }
    write_model_attempt(out, story->model, &story->theirs, facts->byok, true);
    out_text(out, "],\"totalProviderAttemptCount\":");
    out_number(out, story->ours.count + story->theirs.count);
    out_char(out, '}');
    free(story);
}
