/* catalog_support.h - lists of models as the vendors have them, and what is printed from them. */
#ifndef TESTS_SERVER_CATALOG_SUPPORT_H
#define TESTS_SERVER_CATALOG_SUPPORT_H

#include "cache/json.h"
#include "server/catalog.h"
#include "server/gateway.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Entries as both vendors list them (vercel-ai-gateway-api.md section 9, openrouter-api.md section
 * 5.2). */
#define HAIKU                                                                                      \
    "{\"id\":\"anthropic/claude-haiku-4.5\",\"object\":\"model\",\"created\":1755815280,"          \
    "\"released\":1760486400,\"owned_by\":\"anthropic\",\"name\":\"Claude Haiku 4.5\","            \
    "\"description\":\"Fast \\u00e9t\\u00e9\",\"context_window\":200000,\"max_tokens\":64000,"     \
    "\"type\":\"language\",\"tags\":[\"reasoning\",\"tool-use\",\"vision\",\"explicit-caching\"]," \
    "\"modalities\":{\"input\":[\"text\",\"image\"],\"output\":[\"text\"]},"                       \
    "\"supported_specifications\":[\"v2\",\"v3\",\"v4\"],\"zdr\":\"some\",\"regions\":[\"us\"],"   \
    "\"knowledge\":\"2025-02\",\"deprecated_at\":1798761600000,"                                   \
    "\"pricing\":{\"input\":\"0.0000010\",\"output\":\"0.000005\","                                \
    "\"input_cache_read\":\"0.0000001\",\"input_cache_write\":\"0.00000125\"}}"
#define TIERED                                                                                     \
    "{\"id\":\"google/gemini-2.5-pro\",\"object\":\"model\",\"created\":1,"                        \
    "\"owned_by\":\"google\",\"name\":\"Gemini\",\"type\":\"language\",\"pricing\":{"              \
    "\"input\":\"0.00000125\",\"output\":\"0.00001\",\"input_cache_read\":\"0.000000125\","        \
    "\"input_tiers\":[{\"cost\":\"0.00000125\",\"min\":0,\"max\":200001},"                         \
    "{\"cost\":\"0.0000025\",\"min\":200001}],"                                                    \
    "\"output_tiers\":[{\"cost\":\"0.00001\",\"min\":0,\"max\":128001},"                           \
    "{\"cost\":\"0.000015\",\"min\":128001}]}}"
#define SONAR                                                                                      \
    "{\"id\":\"perplexity/sonar\",\"object\":\"model\",\"created\":2,\"owned_by\":\"perplexity\"," \
    "\"name\":\"Sonar\",\"type\":\"language\",\"pricing\":{}}"
#define EMBED                                                                                      \
    "{\"id\":\"mistral/mistral-embed\",\"object\":\"model\",\"created\":3,\"owned_by\":"           \
    "\"mistral\",\"name\":\"Mistral Embed\",\"type\":\"embedding\",\"pricing\":{\"input\":"        \
    "\"0.0000001\"}}"
#define GROK                                                                                       \
    "{\"id\":\"xai/grok-4-fast-reasoning\",\"object\":\"model\",\"created\":4,\"owned_by\":"       \
    "\"xai\",\"name\":\"Grok 4 Fast\",\"type\":\"language\",\"pricing\":{\"input\":\"2e-7\","      \
    "\"output\":0.0000005}},"                                                                      \
    "{\"id\":\"xai/grok-4-fast-non-reasoning\",\"object\":\"model\",\"created\":5,\"owned_by\":"   \
    "\"xai\",\"name\":\"Grok 4 Fast\",\"type\":\"language\",\"pricing\":{}}"
#define LIST(entries) "{\"object\":\"list\",\"data\":[" entries "]}"
#define VERCEL LIST(HAIKU "," TIERED "," SONAR "," EMBED "," GROK)

#define ACME                                                                                       \
    "{\"id\":\"acme/m-1\",\"canonical_slug\":\"acme/m-1-20260420\",\"name\":\"Acme: M 1\","        \
    "\"created\":1776643200,\"context_length\":200000,\"architecture\":{\"modality\":"             \
    "\"text+image->text\",\"input_modalities\":[\"text\",\"image\"],\"output_modalities\":"        \
    "[\"text\"],\"tokenizer\":\"Other\",\"instruct_type\":null},\"pricing\":{\"prompt\":"          \
    "\"0.000003\",\"completion\":\"0.000015\",\"input_cache_read\":\"0.0000003\",\"web_search\":"  \
    "\"0.01\",\"overrides\":[{\"min_prompt_tokens\":200000,\"prompt\":\"0.000006\","               \
    "\"completion\":\"0.0000225\"},{\"utc_start\":1800,\"utc_end\":600,\"prompt\":\"0.000001\"}]}" \
    ","                                                                                            \
    "\"top_provider\":{\"context_length\":200000,\"max_completion_tokens\":64000,"                 \
    "\"is_moderated\":false},\"per_request_limits\":null,\"supported_parameters\":[\"max_"         \
    "tokens\","                                                                                    \
    "\"tools\",\"reasoning\"],\"default_parameters\":null,\"supported_voices\":null,\"links\":"    \
    "{\"details\":\"/api/v1/models/acme/m-1-20260420/endpoints\"}}"
#define ROUTER                                                                                     \
    "{\"id\":\"openrouter/auto\",\"canonical_slug\":\"openrouter/auto\",\"name\":\"Auto\","        \
    "\"created\":7,\"pricing\":{\"prompt\":\"-1\",\"completion\":\"-1\"}}"
#define MISTRAL                                                                                    \
    "{\"id\":\"mistralai/mistral-medium-3.1\",\"name\":\"Mistral\",\"created\":8,\"pricing\":"     \
    "{\"prompt\":\"0.0000004\",\"completion\":\"0.000002\"}}"
#define OPENROUTER LIST(ACME "," ROUTER "," MISTRAL)

static struct config config;
static struct gateway gateway;

static inline int open_map(void **state)
{
    char error[256];

    (void)state;
    config.upstream_count = 3;
    gateway.config = &config;
    return model_map_open(NULL, &gateway.models, error, sizeof error);
}

static inline int close_map(void **state)
{
    (void)state;
    model_map_free(gateway.models);
    return 0;
}

static inline struct catalog *parse(const char *text, enum config_dialect dialect)
{
    struct catalog *catalog = NULL;

    assert_int_equal(catalog_parse(text, strlen(text), dialect, &catalog), 0);
    return catalog;
}

static inline struct catalogs *catalogs_of(const char *text, enum config_dialect dialect)
{
    struct catalogs *catalogs = catalogs_new(&gateway);

    assert_non_null(catalogs);
    catalogs_put(catalogs, 0, parse(text, dialect));
    return catalogs;
}

/* What is printed, as text; valid until the next call. */
static inline const char *print(struct catalogs *catalogs, enum catalog_question question,
                                enum config_dialect to, const char *model, const char *query)
{
    static struct out out;
    const char *detail = NULL;
    struct json_doc doc;

    out_release(&out);
    assert_int_equal(
        catalogs_print(catalogs, question, to, text_of(model), text_of(query), &out, &detail), 0);
    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, out.bytes, out.len, NULL), 0);
    json_doc_release(&doc);
    out_char(&out, '\0');
    assert_int_equal(out.error, 0);
    return out.bytes;
}

static inline int failure(struct catalogs *catalogs, enum catalog_question question,
                          const char *model, const char *query, const char **ret_detail)
{
    struct out out = OUT_INIT;
    const char *detail = NULL;
    int result = catalogs_print(catalogs, question, DIALECT_OPENROUTER, text_of(model),
                                text_of(query), &out, &detail);

    out_release(&out);
    if (ret_detail != NULL)
        *ret_detail = detail;
    return result;
}

static inline void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("%s\nis not in\n%s", part, text);
}

/* The ids of a printed list, in order, with spaces between. */
static inline const char *ids(const char *text)
{
    static char list[1024];
    struct json_doc doc;
    uint32_t data;
    size_t len = 0;

    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, text, strlen(text), NULL), 0);
    data = json_get(&doc, 0, "data");
    list[0] = '\0';
    for (uint32_t at = json_first(&doc, data); at != JSON_NONE; at = json_next(&doc, data, at)) {
        uint32_t id = json_get(&doc, at, "id");
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%.*s", len > 0 ? " " : "",
                                (int)(doc.tokens[id].end - doc.tokens[id].start - 2),
                                doc.text + doc.tokens[id].start + 1);
    }
    json_doc_release(&doc);
    return list;
}

#endif
