#include "accounting/focus_class.h"

#include <assert.h>
#include <string.h>

static const struct focus_class classes[PRICE_UNITS] = {
    [PRICE_INPUT] = {"in_text", "Input Tokens", "input tokens", "Tokens", NULL, true},
    [PRICE_OUTPUT] = {"out_text", "Output Tokens", "output tokens", "Tokens", NULL, true},
    [PRICE_CACHE_READ] = {"cache_read", "Cached Input Tokens", "cached input tokens", "Tokens",
                          NULL, true},
    [PRICE_CACHE_WRITE] = {"cache_write_5m", "Cache Write Tokens (5 Minutes)",
                           "tokens written to the prompt cache for 5 minutes", "Tokens", "5m",
                           true},
    [PRICE_CACHE_WRITE_1H] = {"cache_write_1h", "Cache Write Tokens (1 Hour)",
                              "tokens written to the prompt cache for 1 hour", "Tokens", "1h",
                              true},
    [PRICE_REASONING] = {"out_reasoning", "Reasoning Tokens", "reasoning tokens", "Tokens", NULL,
                         true},
    [PRICE_INPUT_AUDIO] = {"in_audio", "Audio Input Tokens", "audio input tokens", "Tokens", NULL,
                           true},
    [PRICE_OUTPUT_IMAGE] = {"out_image", "Image Output Tokens", "image output tokens", "Tokens",
                            NULL, true},
    [PRICE_WEB_SEARCH] = {"web_search", "Web Searches", "web searches", "Requests", NULL, false},
    [PRICE_REQUEST] = {"requests", "Requests", "requests", "Requests", NULL, false},
    [PRICE_OUTPUT_AUDIO] = {"out_audio", "Audio Output Tokens", "audio output tokens", "Tokens",
                            NULL, true},
    [PRICE_INPUT_IMAGE] = {"in_image", "Image Input Tokens", "image input tokens", "Tokens", NULL,
                           true},
    [PRICE_INPUT_VIDEO] = {"in_video", "Video Input Tokens", "video input tokens", "Tokens", NULL,
                           true},
    [PRICE_IMAGE] = {"images", "Images", "images", "Images", NULL, false},
};
_Static_assert(sizeof(classes) / sizeof(classes[0]) == PRICE_UNITS &&
                   PRICE_IMAGE + 1 == PRICE_UNITS,
               "every unit has its words");

static const struct focus_class unpriced = {
    "unpriced", "Unpriced Requests", "requests without a list price", "Requests", NULL, false};
static const struct focus_class surcharge = {
    "surcharge", "Gateway Surcharge", "gateway surcharge", "Requests", NULL, false};

const struct focus_class *focus_class(enum focus_kind kind, enum price_unit class)
{
    if (kind == FOCUS_KIND_UNPRICED)
        return &unpriced;
    if (kind == FOCUS_KIND_SURCHARGE)
        return &surcharge;
    assert((unsigned)class < PRICE_UNITS);
    return &classes[class];
}

enum price_unit focus_class_find(const char *name, size_t len)
{
    unsigned class = 0;
    while (class < PRICE_UNITS &&
           (strlen(classes[class].name) != len || memcmp(classes[class].name, name, len) != 0))
        class ++;
    return (enum price_unit) class;
}
