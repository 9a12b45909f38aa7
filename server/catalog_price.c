/* catalog_price.c - prices between the two schemas.
 *
 * Vercel: tiers [{cost, min inclusive, max exclusive}] for each price. OpenRouter: overrides
 * [{min_prompt_tokens (strictly more), prices that change}], in order, later ones win. Both say the
 * same when written out as brackets of the prompt's size, which is what lies between them here.
 *
 * Not carried over: overrides by the hour (Vercel has none), `discount` (whether listed prices hold
 * it already is not known), Vercel's rates for speed, regions and service tiers. Unknown is never
 * free: OpenRouter's schema wants `prompt` and `completion`, so what is not known is "-1" there,
 * the vendor's own word for a price that cannot be told beforehand, and `{}` is Vercel's.
 */
#include "server/catalog_private.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { THRESHOLD_MAX = 1000 * 1000 * 1000 };

static const struct {
    const char *vercel, *openrouter, *tiers;
} names[COSTS] = {
    [COST_PROMPT] = {"input", "prompt", "input_tiers"},
    [COST_COMPLETION] = {"output", "completion", "output_tiers"},
    [COST_CACHE_READ] = {"input_cache_read", "input_cache_read", "input_cache_read_tiers"},
    [COST_CACHE_WRITE] = {"input_cache_write", "input_cache_write", "input_cache_write_tiers"},
    [COST_WEB_SEARCH] = {"web_search", "web_search", NULL},
    /* OpenRouter's `image` is the price of one that is read; Vercel has no such price. */
    [COST_IMAGE_OUTPUT] = {"image", "image_output", NULL},
    [COST_AUDIO] = {"audio_input_token_cost", "audio", NULL},
    [COST_AUDIO_OUTPUT] = {"audio_output_token_cost", "audio_output", NULL},
};

/* --- reading --- */

/* A price as text, from a string or a number. -EINVAL: it is none; "-1" is none either. */
static int read_price(const struct json_doc *doc, uint32_t token, struct text *ret_text)
{
    struct unit_price price;
    struct text text;

    if (token == JSON_NONE)
        return -EINVAL;
    text.bytes = doc->text + doc->tokens[token].start;
    text.len = doc->tokens[token].end - doc->tokens[token].start;
    if (doc->tokens[token].type == JSON_STRING) {
        text.bytes++;
        text.len -= 2;
    } else if (doc->tokens[token].type != JSON_NUMBER) {
        return -EINVAL;
    }
    if (unit_price_parse(text.bytes, text.len, &price, NULL) != 0 || text.bytes[0] == '-')
        return -EINVAL;
    *ret_text = text;
    return 0;
}

/* Whole tokens; fallback when the member is absent. -EINVAL: there, but no number of tokens. */
static int read_tokens(const struct json_doc *doc, uint32_t object, const char *name,
                       int64_t fallback, int64_t *ret_tokens)
{
    uint32_t token = json_get(doc, object, name);
    int64_t value = fallback;

    if (token != JSON_NONE && doc->tokens[token].type != JSON_NULL &&
        (json_int64(doc, token, &value) != 0 || value < 0 || value > THRESHOLD_MAX))
        return -EINVAL;
    *ret_tokens = value;
    return 0;
}

static int add_bracket(struct catalog_prices *prices, int64_t from)
{
    unsigned at = prices->count;

    for (unsigned i = 0; i < prices->count; i++)
        if (prices->bracket[i].from == from)
            return 0;
    if (prices->count == CATALOG_BRACKETS_MAX)
        return -E2BIG;
    for (; at > 0 && prices->bracket[at - 1].from > from; at--)
        prices->bracket[at].from = prices->bracket[at - 1].from;
    prices->bracket[at].from = from;
    prices->count++;
    return 0;
}

static uint32_t list_of(const struct json_doc *doc, uint32_t pricing, const char *name)
{
    uint32_t list = name != NULL ? json_get(doc, pricing, name) : JSON_NONE;

    return list != JSON_NONE && doc->tokens[list].type == JSON_ARRAY ? list : JSON_NONE;
}

static int add_tier_brackets(const struct json_doc *doc, uint32_t list,
                             struct catalog_prices *prices)
{
    int64_t min, max;
    int result = 0;

    for (uint32_t at = json_first(doc, list); at != JSON_NONE && result == 0;
         at = json_next(doc, list, at)) {
        result = read_tokens(doc, at, "min", 0, &min);
        if (result == 0)
            result = read_tokens(doc, at, "max", 0, &max);
        if (result == 0)
            result = add_bracket(prices, min);
        if (result == 0)
            result = add_bracket(prices, max);
    }
    return result;
}

/* Fills one price of every bracket. */
static int read_tiers(const struct json_doc *doc, uint32_t list, enum catalog_cost price,
                      struct catalog_prices *prices)
{
    unsigned count = 0;

    for (uint32_t at = json_first(doc, list); at != JSON_NONE; at = json_next(doc, list, at)) {
        int64_t min = 0, max = 0;
        struct text cost;

        if (++count > 2 * CATALOG_BRACKETS_MAX ||
            read_price(doc, json_get(doc, at, "cost"), &cost) != 0 ||
            read_tokens(doc, at, "min", 0, &min) != 0 ||
            read_tokens(doc, at, "max", INT64_MAX, &max) != 0)
            return -EINVAL;
        for (unsigned i = 0; i < prices->count; i++)
            if (prices->bracket[i].from >= min && prices->bracket[i].from < max)
                prices->bracket[i].cost[price] = cost;
    }
    return 0;
}

static int read_vercel(const struct json_doc *doc, uint32_t pricing, struct catalog_prices *prices)
{
    int result = 0;

    for (unsigned price = 0; price < COSTS && result == 0; price++) {
        uint32_t list = list_of(doc, pricing, names[price].tiers);
        if (list != JSON_NONE)
            result = add_tier_brackets(doc, list, prices);
    }
    for (unsigned price = 0; price < COSTS && result == 0; price++) {
        uint32_t list = list_of(doc, pricing, names[price].tiers);
        struct text cost = {NULL, 0};

        read_price(doc, json_get(doc, pricing, names[price].vercel), &cost);
        for (unsigned i = 0; i < prices->count; i++)
            prices->bracket[i].cost[price] = cost;
        if (list != JSON_NONE)
            result = read_tiers(doc, list, price, prices);
    }
    /* "per call" is what the documentation says; a whole dollar and more is per thousand. */
    if (catalog_price_femto(prices, COST_WEB_SEARCH) >= (int64_t)1000 * 1000 * 1000 * 1000 * 1000)
        for (unsigned i = 0; i < prices->count; i++)
            prices->bracket[i].cost[COST_WEB_SEARCH] = (struct text){NULL, 0};
    return result;
}

static bool is_by_hour(const struct json_doc *doc, uint32_t override)
{
    return json_get(doc, override, "utc_start") != JSON_NONE ||
           json_get(doc, override, "utc_end") != JSON_NONE ||
           json_get(doc, override, "utc_days") != JSON_NONE;
}

/* from: the first size of prompt that it is for. */
static int read_override(const struct json_doc *doc, uint32_t override, int64_t from,
                         struct catalog_prices *prices)
{
    for (unsigned price = 0; price < COSTS; price++) {
        uint32_t token = json_get(doc, override, names[price].openrouter);
        struct text cost;

        if (token == JSON_NONE)
            continue;
        if (read_price(doc, token, &cost) != 0)
            return -EINVAL;
        for (unsigned i = 0; i < prices->count; i++)
            if (prices->bracket[i].from >= from)
                prices->bracket[i].cost[price] = cost;
    }
    return 0;
}

static int read_openrouter(const struct json_doc *doc, uint32_t pricing,
                           struct catalog_prices *prices)
{
    uint32_t list = list_of(doc, pricing, "overrides");
    unsigned count = 0;
    int64_t above = -1;
    int result = 0;

    for (uint32_t at = json_first(doc, list); at != JSON_NONE && result == 0;
         at = json_next(doc, list, at)) {
        if (++count > 2 * CATALOG_BRACKETS_MAX)
            result = -E2BIG;
        else if (!is_by_hour(doc, at))
            result = read_tokens(doc, at, "min_prompt_tokens", -1, &above);
        if (result == 0 && !is_by_hour(doc, at))
            result = add_bracket(prices, above + 1);
    }
    for (unsigned price = 0; price < COSTS && result == 0; price++) {
        struct text cost = {NULL, 0};

        read_price(doc, json_get(doc, pricing, names[price].openrouter), &cost);
        for (unsigned i = 0; i < prices->count; i++)
            prices->bracket[i].cost[price] = cost;
    }
    for (uint32_t at = json_first(doc, list); at != JSON_NONE && result == 0;
         at = json_next(doc, list, at)) {
        if (!is_by_hour(doc, at))
            result = read_tokens(doc, at, "min_prompt_tokens", -1, &above);
        if (result == 0 && !is_by_hour(doc, at))
            result = read_override(doc, at, above + 1, prices);
    }
    return result;
}

void catalog_prices_read(const struct json_doc *doc, uint32_t pricing,
                         struct catalog_prices *ret_prices)
{
    bool openrouter = json_get(doc, pricing, "prompt") != JSON_NONE ||
                      json_get(doc, pricing, "completion") != JSON_NONE;
    int result;

    memset(ret_prices, 0, sizeof *ret_prices);
    ret_prices->count = 1;
    result = openrouter ? read_openrouter(doc, pricing, ret_prices)
                        : read_vercel(doc, pricing, ret_prices);
    if (result != 0) {
        memset(ret_prices, 0, sizeof *ret_prices);
        ret_prices->count = 1;
    }
}

int64_t catalog_price_femto(const struct catalog_prices *prices, enum catalog_cost price)
{
    struct text cost = prices->bracket[0].cost[price];
    struct unit_price parsed;

    if (cost.len == 0 || unit_price_parse(cost.bytes, cost.len, &parsed, NULL) != 0)
        return -1;
    return parsed.femto;
}

/* --- writing --- */

/* The text as it came; only an exponent is written out, the schemas say decimal. */
static void print_price(struct text cost, struct out *out)
{
    struct money money;

    out_char(out, '"');
    if ((memchr(cost.bytes, 'e', cost.len) != NULL || memchr(cost.bytes, 'E', cost.len) != NULL) &&
        money_parse(cost.bytes, cost.len, &money, NULL) == 0)
        out_money(out, money);
    else
        out_bytes(out, cost.bytes, cost.len);
    out_char(out, '"');
}

static bool is_same(struct text a, struct text b)
{
    return catalog_compare_texts(a, b) == 0;
}

static void print_tier(const struct catalog_prices *prices, enum catalog_cost price, unsigned from,
                       unsigned behind, struct out *out)
{
    if (prices->bracket[from].cost[price].len == 0)
        return;
    out_next(out);
    out_char(out, '{');
    out_name(out, "cost");
    print_price(prices->bracket[from].cost[price], out);
    if (from > 0) {
        out_name(out, "min");
        out_number(out, prices->bracket[from].from);
    }
    if (behind < prices->count) {
        out_name(out, "max");
        out_number(out, prices->bracket[behind].from);
    }
    out_char(out, '}');
}

static void print_tiers(const struct catalog_prices *prices, enum catalog_cost price,
                        struct out *out)
{
    unsigned from = 0;

    for (unsigned i = 1; i < prices->count && from == 0; i++)
        from = is_same(prices->bracket[i].cost[price], prices->bracket[0].cost[price]) ? 0 : i;
    if (names[price].tiers == NULL || from == 0)
        return;
    out_name(out, names[price].tiers);
    out_char(out, '[');
    for (from = 0; from < prices->count;) {
        unsigned behind = from + 1;
        while (behind < prices->count &&
               is_same(prices->bracket[behind].cost[price], prices->bracket[from].cost[price]))
            behind++;
        print_tier(prices, price, from, behind, out);
        from = behind;
    }
    out_char(out, ']');
}

static void print_vercel(const struct catalog_prices *prices, struct out *out)
{
    for (unsigned price = 0; price < COSTS; price++) {
        if (prices->bracket[0].cost[price].len > 0) {
            out_name(out, names[price].vercel);
            print_price(prices->bracket[0].cost[price], out);
        }
        print_tiers(prices, price, out);
    }
}

/* Only what changes: an override inherits the rest from those before it. */
static void print_overrides(const struct catalog_prices *prices, struct out *out)
{
    bool any = false;

    for (unsigned i = 1; i < prices->count; i++) {
        bool begun = false;
        for (unsigned price = 0; price < COSTS; price++) {
            struct text cost = prices->bracket[i].cost[price];
            if (cost.len == 0 || is_same(cost, prices->bracket[i - 1].cost[price]))
                continue;
            if (!any)
                out_text(out, ",\"overrides\":[");
            if (!begun) {
                out_next(out);
                out_text(out, "{\"min_prompt_tokens\":");
                out_number(out, prices->bracket[i].from - 1);
            }
            any = begun = true;
            out_name(out, names[price].openrouter);
            print_price(cost, out);
        }
        if (begun)
            out_char(out, '}');
    }
    if (any)
        out_char(out, ']');
}

static void print_openrouter(const struct catalog_prices *prices, bool no_completion,
                             struct out *out)
{
    for (unsigned price = 0; price < COSTS; price++) {
        struct text cost = prices->bracket[0].cost[price];

        if (cost.len == 0 && price == COST_COMPLETION && no_completion &&
            prices->bracket[0].cost[COST_PROMPT].len > 0)
            cost = TEXT("0");
        if (cost.len == 0 && price != COST_PROMPT && price != COST_COMPLETION)
            continue;
        out_name(out, names[price].openrouter);
        print_price(cost.len > 0 ? cost : TEXT("-1"), out);
    }
    print_overrides(prices, out);
}

void catalog_prices_print(const struct catalog_prices *prices, enum config_dialect to,
                          bool no_completion, struct out *out)
{
    assert(prices->count >= 1 && prices->bracket[0].from == 0);
    out_char(out, '{');
    if (to == DIALECT_OPENROUTER)
        print_openrouter(prices, no_completion, out);
    else
        print_vercel(prices, out);
    out_char(out, '}');
}
