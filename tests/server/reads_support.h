/* reads_support.h - what the tests of read endpoints share: a view without files, a row, members of
 * an answer. */
#ifndef TESTS_SERVER_READS_SUPPORT_H
#define TESTS_SERVER_READS_SUPPORT_H

#include "cache/json.h"
#include "server/reads_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct config reads_config;
static struct model_map *reads_map;

static inline int reads_setup(void **state)
{
    static char vercel[] = "vercel", router[] = "router";
    char error[256] = "";

    (void)state;
    reads_config.upstream_count = 2;
    reads_config.upstream[0] = (struct config_upstream){.name = vercel, .dialect = DIALECT_VERCEL};
    reads_config.upstream[1] =
        (struct config_upstream){.name = router, .dialect = DIALECT_OPENROUTER};
    if (model_map_open(NULL, &reads_map, error, sizeof error) != 0) {
        fprintf(stderr, "%s\n", error);
        return -1;
    }
    return 0;
}

static inline int reads_teardown(void **state)
{
    (void)state;
    model_map_free(reads_map);
    return 0;
}

static inline struct reads_view view_of(enum config_dialect to)
{
    return (struct reads_view){.config = &reads_config, .models = reads_map, .to = to};
}

static inline struct maybe_money usd(const char *text)
{
    struct maybe_money money = {.known = true};

    assert_int_equal(money_parse(text, strlen(text), &money.money, NULL), 0);
    return money;
}

/* A chat answer through Vercel, all of it known (vercel section 11's first vector). */
static inline struct ledger_row chat_row(void)
{
    struct ledger_row row;

    row_init(&row);
    row.id = TEXT("gen_01KYEXAMPLE0000000000000AA");
    row.created_at_ms = INT64_C(1795215111123);
    row.api = API_CHAT;
    row.streamed = true;
    row.key_id = TEXT("0123456789abcdef0123456789abcdef");
    row.model_requested = TEXT("z-ai/glm-5.3");
    row.model = TEXT("zai/glm-5.3");
    row.provider = TEXT("zai");
    row.upstream = TEXT("vercel");
    row.upstream_id = TEXT("gen_01KYEXAMPLE0000000000000AA");
    row.cache = CACHE_MISS;
    row.status = 200;
    row.finish_reason = TEXT("stop");
    row.usage.prompt_tokens = 9520;
    row.usage.completion_tokens = 16;
    row.usage.cached_tokens = 9519;
    row.billed = row.market = row.estimated = row.booked = usd("0.00254674");
    row.difference = usd("0");
    row.verdict = VERDICT_MATCHED;
    row.byok = 0;
    row.latency_ms = 1100;
    row.ttft_ms = 300;
    return row;
}

/* An answer that was parsed; the document must be JSON. */
struct printed {
    struct out out;
    struct json_doc doc;
};

static inline void parse_printed(struct printed *printed)
{
    json_doc_init(&printed->doc);
    assert_int_equal(printed->out.error, 0);
    if (json_parse(&printed->doc, printed->out.bytes, printed->out.len, NULL) != 0)
        fail_msg("no JSON: %.*s", (int)printed->out.len, printed->out.bytes);
}

static inline void release_printed(struct printed *printed)
{
    json_doc_release(&printed->doc);
    out_release(&printed->out);
}

/* The raw text of a member must be this. */
static inline void assert_raw(const struct json_doc *doc, uint32_t object, const char *name,
                              const char *raw)
{
    uint32_t value = json_get(doc, object, name);
    size_t len;

    if (value == JSON_NONE)
        fail_msg("%s is missing", name);
    len = doc->tokens[value].end - doc->tokens[value].start;
    if (len != strlen(raw) || memcmp(doc->text + doc->tokens[value].start, raw, len) != 0)
        fail_msg("%s: %.*s, not %s", name, (int)len, doc->text + doc->tokens[value].start, raw);
}

static inline void assert_no_member(const struct json_doc *doc, uint32_t object, const char *name)
{
    if (json_get(doc, object, name) != JSON_NONE)
        fail_msg("%s is there", name);
}

#endif
