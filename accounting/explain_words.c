/* explain_words.c - codes of the ledger in words. */
#include "accounting/explain_story.h"

#include <string.h>

const char *explain_unit(enum price_unit unit)
{
    static const char *const words[PRICE_UNITS] = {
        [PRICE_INPUT] = "input tokens",
        [PRICE_OUTPUT] = "output tokens",
        [PRICE_CACHE_READ] = "cached input tokens",
        [PRICE_CACHE_WRITE] = "cache write tokens (5 minutes)",
        [PRICE_CACHE_WRITE_1H] = "cache write tokens (1 hour)",
        [PRICE_REASONING] = "reasoning tokens",
        [PRICE_INPUT_AUDIO] = "audio input tokens",
        [PRICE_OUTPUT_IMAGE] = "image output tokens",
        [PRICE_WEB_SEARCH] = "web searches",
        [PRICE_REQUEST] = "request",
        [PRICE_OUTPUT_AUDIO] = "audio output tokens",
        [PRICE_INPUT_IMAGE] = "image input tokens",
        [PRICE_INPUT_VIDEO] = "video input tokens",
        [PRICE_IMAGE] = "images",
    };
    return (unsigned)unit < PRICE_UNITS ? words[unit] : "";
}

const char *explain_verdict(enum verdict verdict)
{
    static const char *const words[VERDICTS] = {
        [VERDICT_NONE] = "",
        [VERDICT_MATCHED] = "what was reported and what was estimated agree within the tolerance",
        [VERDICT_OVER] = "more was reported than estimated",
        [VERDICT_UNDER] = "less was reported than estimated",
        [VERDICT_PENDING] = "the reported cost is still to come; until then the estimate is booked",
        [VERDICT_UNREPORTED] = "no cost was ever reported; the estimate is booked",
        [VERDICT_UNPRICED] = "a cost was reported, but no price is known to compare it with",
        [VERDICT_UNKNOWN] = "neither a reported cost nor a price is known",
        [VERDICT_FREE] = "answered without a call of its own",
        [VERDICT_FAILED] = "refused, or never sent; nothing was billed",
    };
    return (unsigned)verdict < VERDICTS ? words[verdict] : "";
}

const char *explain_cause(enum cause cause)
{
    static const char *const words[CAUSES] = {
        [CAUSE_NONE] = "",
        [CAUSE_CACHE_IGNORED] = "cached tokens were billed as ordinary input",
        [CAUSE_TIER_MISSED] = "the rates of another context tier were billed",
        [CAUSE_SERVICE_TIER] = "the rates of another service tier were billed",
        [CAUSE_CACHE_TTL] = "cache writes for an hour and for 5 minutes were taken for one another",
        [CAUSE_SURCHARGE] = "the gateway's fee is in what was reported",
        [CAUSE_DISCOUNT] = "it is less by a plain percentage: a discount",
        [CAUSE_MARKUP] = "it is more by a plain percentage: a markup",
        [CAUSE_BYOK] = "billed under one's own key: a fee, or nothing",
        [CAUSE_SEARCH_FEE] = "web searches were billed otherwise than counted",
        [CAUSE_TOKEN_COUNT] = "the record counts other tokens than the answer",
        [CAUSE_PRICE_VERSION] = "the rates of another version of the price were billed",
        [CAUSE_UNEXPLAINED] = "no known reason gives the reported figure",
    };
    return (unsigned)cause < CAUSES ? words[cause] : "";
}

const char *explain_route(struct text route)
{
    static const struct {
        const char *route, *words;
    } known[] = {
        {"only", "the only upstream that could serve it"},
        {"first", "the first upstream that could serve it"},
        {"forced", "the request named the upstream"},
        {"dialect", "those before it do not speak what was asked for"},
        {"catalog", "those before it do not have the model"},
        {"split", "its share of the route's split"},
        {"health", "those before it were failing or asked to be left alone"},
        {"fallback", "the attempt before it failed"},
        {"retry", "tried again after the upstream asked to wait"},
        {"correction", "corrects a row of a closed month"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (strlen(known[i].route) == route.len &&
            memcmp(known[i].route, route.bytes, route.len) == 0)
            return known[i].words;
    }
    return route.len > 6 && memcmp(route.bytes, "route ", 6) == 0
               ? "the first upstream of this route that could serve it"
               : "";
}

const char *explain_flag(unsigned index, unsigned *ret_flag, const char **ret_words)
{
    static const struct {
        enum estimate_flag flag;
        const char *name, *words;
    } flags[] = {
        {ESTIMATE_FALLBACK_PRICE, "fallback_price",
         "a cache class without a price of its own took another's"},
        {ESTIMATE_USAGE_INCONSISTENT, "usage_inconsistent",
         "the counts exceed their total, which was taken as what is left"},
        {ESTIMATE_WRITES_OUTSIDE, "writes_outside",
         "the prompt was read as excluding cache writes"},
        {ESTIMATE_OFF_PEAK, "off_peak", "off-peak rates"},
        {ESTIMATE_SERVICE_UNKNOWN, "service_unknown",
         "the price has no such service tier; standard rates"},
    };

    if (index >= sizeof(flags) / sizeof(*flags))
        return NULL;
    *ret_flag = flags[index].flag;
    *ret_words = flags[index].words;
    return flags[index].name;
}
