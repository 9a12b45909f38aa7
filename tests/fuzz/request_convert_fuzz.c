/* Laws of request_convert.h on any body, for every pair of dialects and api: what is accepted comes
 * out as a JSON object without twins and without a word that its upstream does not know; converting
 * it again for the same upstream changes no byte and is not needed; where nothing is needed the
 * body goes out as it came; a refusal says why and writes nothing; complaints fit a header.
 *
 * The first two bytes choose the case, the rest is the body. */
#include "server/dialect/request_convert.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const enum row_api apis[] = {API_CHAT,       API_RESPONSES,   API_MESSAGES,
                                    API_EMBEDDINGS, API_COMPLETIONS, API_IMAGES};
enum { APIS_TRIED = sizeof(apis) / sizeof(apis[0]) };

/* What never survives on the way from one dialect to another, whatever its value. */
static const char *const gone_openrouter[] = {"provider",   "plugins", "transforms", "route",
                                              "session_id", "trace",   "debug",      "preset",
                                              "usage",      NULL};
static const char *const gone_vercel[] = {"providerOptions", "cache_anchor_items", "allowed_tools",
                                          NULL};

static void check_gone(const struct json_doc *doc, const char *const *names)
{
    for (; *names != NULL; names++)
        assert(json_get(doc, 0, *names) == JSON_NONE);
}

/* A client of OPENAI speaks OpenRouter's words. */
static bool is_translated(const struct request_conversion *order)
{
    enum config_dialect from = order->from == DIALECT_OPENAI && order->to != DIALECT_OPENAI
                                   ? DIALECT_OPENROUTER
                                   : order->from;

    return order->api != API_IMAGES && from != order->to;
}

static void check_survivors(const struct request_conversion *order, const struct json_doc *doc)
{
    if (!is_translated(order))
        return;
    if (order->from != DIALECT_VERCEL)
        check_gone(doc, gone_openrouter);
    else if (order->to != DIALECT_VERCEL)
        check_gone(doc, gone_vercel);
    if (order->to == DIALECT_OPENAI)
        assert(json_get(doc, 0, "providerOptions") == JSON_NONE);
}

static void check_no_twins(const struct json_doc *doc)
{
    uint32_t count = 0;

    for (uint32_t key = json_first(doc, 0); key != JSON_NONE; key = json_next(doc, 0, key + 1)) {
        char name[REQUEST_NAME_MAX + 1];
        const char *bytes;
        size_t len;
        int error = json_string(doc, key, name, REQUEST_NAME_MAX, &bytes, &len);

        assert(error == 0);
        if (memchr(bytes, '\0', len) != NULL)
            continue;
        memmove(name, bytes, len);
        name[len] = '\0';
        assert(json_get(doc, 0, name) == key + 1);
        count++;
    }
    assert(count <= REQUEST_MEMBERS_MAX + 32);
}

static void check_complaint(const char *text, size_t size)
{
    size_t len = strnlen(text, size);

    assert(len < size);
    for (size_t i = 0; i < len; i++)
        assert(text[i] >= ' ' && text[i] <= '~');
}

static bool is_as_it_came(const struct json_doc *doc, const struct out *out)
{
    size_t len = doc->tokens[0].end - doc->tokens[0].start;

    return out->len == len && memcmp(out->bytes, doc->text + doc->tokens[0].start, len) == 0;
}

/* What was converted, sent by a client that speaks the upstream's words. */
static void check_again(const struct request_conversion *first, const struct out *once)
{
    struct request_conversion order = *first;
    struct json_doc doc;
    struct out twice = OUT_INIT;
    int error;

    json_doc_init(&doc);
    error = json_parse(&doc, once->bytes, once->len, NULL);
    assert(error == 0 && doc.tokens[0].type == JSON_OBJECT);
    check_no_twins(&doc);
    check_survivors(first, &doc);
    if (first->assemble)
        assert(doc.tokens[json_get(&doc, 0, "stream")].type == JSON_TRUE);
    /* Fallbacks that an upstream cannot try were left out, with a warning. */
    if (is_translated(first) && first->to != DIALECT_VERCEL &&
        (first->to == DIALECT_OPENAI || first->api == API_EMBEDDINGS))
        order.model_count = 0;
    order.from = order.to;
    order.doc = &doc;
    assert(request_needs_no_conversion(&order));
    error = request_convert(&order, &twice);
    assert(error == 0);
    assert(!order.assemble);
    assert(is_as_it_came(&doc, &twice));
    out_release(&twice);
    json_doc_release(&doc);
}

static void check(struct request_conversion *order)
{
    struct out out = OUT_INIT;
    bool needless = request_needs_no_conversion(order);
    int error;

    out_text(&out, "x");
    error = request_convert(order, &out);
    check_complaint(order->warning, sizeof(order->warning));
    check_complaint(order->detail, sizeof(order->detail));
    assert(error == 0 || error == -EINVAL);
    if (error != 0) {
        assert(!needless && !order->assemble);
        assert(order->detail[0] != '\0' && out.len == 1);
    } else {
        struct out body = {.bytes = out.bytes + 1, .len = out.len - 1};

        assert(order->detail[0] == '\0');
        if (needless)
            assert(is_as_it_came(order->doc, &body) && !order->assemble);
        check_again(order, &body);
    }
    out_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct model_map *map;
    const struct text models[] = {TEXT("anthropic/claude-sonnet-4.5"), TEXT("openai/gpt-5")};
    struct request_conversion order = {.model = TEXT("anthropic/claude-opus-4.6")};
    struct json_doc doc;
    char error[256];

    if (map == NULL && model_map_open(NULL, &map, error, sizeof(error)) != 0)
        return 0;
    if (len < 2)
        return 0;
    order.map = map;
    order.doc = &doc;
    order.from = (enum config_dialect)(data[0] % 3);
    order.to = (enum config_dialect)(data[0] / 3 % 3);
    order.api = apis[data[0] / 9 % APIS_TRIED];
    order.models = models;
    order.model_count = data[1] % 3;
    order.user = (data[1] & 4) != 0 ? TEXT("somebody") : (struct text){NULL, 0};
    order.sort = (data[1] & 8) != 0 ? "tps" : NULL;
    if ((data[1] & 16) != 0)
        order.model = TEXT("openai/gpt-5");
    json_doc_init(&doc);
    if (json_parse(&doc, (const char *)data + 2, len - 2, NULL) == 0)
        check(&order);
    json_doc_release(&doc);
    return 0;
}
