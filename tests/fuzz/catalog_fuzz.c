/* Laws of catalog.h on any bytes, the first of which says whose list it is and the second what is
 * asked of it: nothing crashes; what is printed is JSON in both schemas; every id that was read is
 * found; OpenRouter's prompt and completion are prices or "-1", and unknown is never free; a list
 * that was printed is a list, which prints as the same text; what a filter leaves is part of the
 * whole. */
#include "server/catalog.h"
#include "server/gateway.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const queries[] = {
    "",
    "output_modalities=all&limit=2&offset=1",
    "sort=pricing-low-to-high&min_price=0",
    "sort=newest&context=1&supported_parameters=tools",
    "q=a&zdr=true&region=us&arch=claude",
};
enum { QUERIES = sizeof queries / sizeof *queries };

static struct gateway *gateway_of(void)
{
    static struct config config = {.upstream_count = 2};
    static struct gateway gateway;
    char error[256];

    if (gateway.models == NULL) {
        int opened = model_map_open(NULL, &gateway.models, error, sizeof error);
        assert(opened == 0);
        gateway.config = &config;
    }
    return &gateway;
}

static void print(struct catalogs *catalogs, enum catalog_question question, enum config_dialect to,
                  const char *query, struct out *out)
{
    const char *detail;
    int result;

    out_clear(out);
    result = catalogs_print(catalogs, question, to, (struct text){NULL, 0}, text_of(query), out,
                            &detail);
    assert(result == 0);
}

static void check_price(const struct json_doc *doc, uint32_t pricing, const char *name)
{
    uint32_t token = json_get(doc, pricing, name);
    struct unit_price price;
    int parsed;

    assert(token != JSON_NONE && doc->tokens[token].type == JSON_STRING);
    parsed = unit_price_parse(doc->text + doc->tokens[token].start + 1,
                              doc->tokens[token].end - doc->tokens[token].start - 2, &price, NULL);
    assert(parsed == 0);
    assert(price.femto >= 0 || json_string_is(doc, token, "-1"));
}

/* In a list that was converted every entry is ours, so all of it can be asked for. */
static uint32_t check_list(const struct out *out, bool converted)
{
    struct json_doc doc;
    uint32_t data, count = 0;
    int parsed;

    json_doc_init(&doc);
    parsed = json_parse(&doc, out->bytes, out->len, NULL);
    assert(parsed == 0);
    data = json_get(&doc, 0, "data");
    assert(data != JSON_NONE && doc.tokens[data].type == JSON_ARRAY);
    for (uint32_t at = json_first(&doc, data); at != JSON_NONE; at = json_next(&doc, data, at)) {
        uint32_t pricing = json_get(&doc, at, "pricing");
        count++;
        if (!converted)
            continue;
        check_price(&doc, pricing, "prompt");
        check_price(&doc, pricing, "completion");
    }
    json_doc_release(&doc);
    return count;
}

/* As another gateway in front of this one would read it. */
static void check_again(const struct out *first, enum config_dialect dialect)
{
    static const char all[] = "output_modalities=all";
    struct catalogs *catalogs = catalogs_new(gateway_of());
    struct catalog *catalog = NULL;
    struct out out = OUT_INIT;
    int parsed = catalog_parse(first->bytes, first->len, dialect, &catalog);

    if (parsed == -EBADMSG) { /* it outgrew its maximum on the way */
        assert(first->len > CATALOG_BYTES_MAX);
        catalogs_free(catalogs);
        return;
    }
    assert(parsed == 0 && catalogs != NULL);
    catalogs_put(catalogs, 1, catalog);
    print(catalogs, CATALOG_MODELS, dialect, all, &out);
    assert(out.len == first->len && memcmp(out.bytes, first->bytes, out.len) == 0);
    out_release(&out);
    catalogs_free(catalogs);
}

static void check(struct catalogs *catalogs, enum config_dialect from, const char *query)
{
    static const char all[] = "output_modalities=all";
    struct out out = OUT_INIT;
    uint32_t whole;

    print(catalogs, CATALOG_MODELS, DIALECT_OPENROUTER, all, &out);
    whole = check_list(&out, from == DIALECT_VERCEL);
    check_again(&out, DIALECT_OPENROUTER);
    print(catalogs, CATALOG_MODELS, DIALECT_OPENROUTER, query, &out);
    assert(check_list(&out, from == DIALECT_VERCEL) <= whole);
    print(catalogs, CATALOG_MODELS, DIALECT_VERCEL, query, &out);
    check_list(&out, false);
    check_again(&out, DIALECT_VERCEL);
    print(catalogs, CATALOG_PROVIDERS, DIALECT_OPENROUTER, "", &out);
    assert(check_list(&out, false) <= whole);
    print(catalogs, CATALOG_EMBEDDING_MODELS, DIALECT_OPENROUTER, "", &out);
    assert(check_list(&out, false) <= whole);
    out_release(&out);
}

static void check_ids(const struct catalog *catalog, const char *text, size_t len)
{
    struct json_doc doc;
    char scratch[ROW_NAME_MAX];
    uint32_t data, found = 0;

    json_doc_init(&doc);
    if (json_parse(&doc, text, len, NULL) != 0)
        abort();
    data = json_get(&doc, 0, "data");
    for (uint32_t at = json_first(&doc, data); at != JSON_NONE; at = json_next(&doc, data, at)) {
        struct text id;
        if (json_string(&doc, json_get(&doc, at, "id"), scratch, sizeof scratch, &id.bytes,
                        &id.len) == 0 &&
            catalog_has(catalog, id))
            found++;
    }
    assert(found >= catalog_count(catalog));
    json_doc_release(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const enum config_dialect dialects[] = {DIALECT_VERCEL, DIALECT_OPENROUTER,
                                                   DIALECT_OPENAI};
    struct catalogs *catalogs;
    struct catalog *catalog = NULL;
    enum config_dialect dialect;

    if (len < 2)
        return 0;
    dialect = dialects[data[0] % 3];
    if (catalog_parse((const char *)data + 2, len - 2, dialect, &catalog) != 0)
        return 0;
    check_ids(catalog, (const char *)data + 2, len - 2);
    catalogs = catalogs_new(gateway_of());
    assert(catalogs != NULL);
    catalogs_put(catalogs, 0, catalog);
    check(catalogs, dialect, queries[data[1] % QUERIES]);
    catalogs_free(catalogs);
    return 0;
}
