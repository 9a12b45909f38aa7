/* Laws of preset.h on any body and any preset. The first byte chooses the API and whether there is
 * a system prompt, the rest of the first line is the preset's parameters, what follows is the body:
 *   1. what comes out is one JSON object, without `preset`, with the model that was given;
 *   2. every member of the request except model, preset, tools and the prompt's place is in it, in
 *      its order and byte for byte, before anything of the preset's;
 *   3. a member that the request has is not overridden: the last of its name is the request's. */
#include "server/preset.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MODEL "vendor/\"model\""

static const char *place_of(enum row_api api, bool prompt)
{
    if (!prompt)
        return "tools"; /* which moves anyhow */
    return api == API_CHAT ? "messages" : api == API_MESSAGES ? "system" : "instructions";
}

static bool is_changed(const struct json_doc *doc, uint32_t key, const char *place)
{
    return json_string_is(doc, key, "model") || json_string_is(doc, key, "preset") ||
           json_string_is(doc, key, "tools") || json_string_is(doc, key, place);
}

static bool same(const struct json_doc *a, uint32_t from, uint32_t to, const struct json_doc *b,
                 uint32_t other_from, uint32_t other_to)
{
    size_t len = a->tokens[to].end - a->tokens[from].start;
    return len == b->tokens[other_to].end - b->tokens[other_from].start &&
           memcmp(a->text + a->tokens[from].start, b->text + b->tokens[other_from].start, len) == 0;
}

static void check_members(const struct json_doc *body, const struct json_doc *merged,
                          const char *place)
{
    uint32_t other = json_first(merged, 0);
    for (uint32_t key = json_first(body, 0); key != JSON_NONE; key = json_next(body, 0, key + 1)) {
        if (is_changed(body, key, place))
            continue;
        while (other != JSON_NONE && is_changed(merged, other, place))
            other = json_next(merged, 0, other + 1);
        assert(other != JSON_NONE);
        assert(same(body, key, key + 1, merged, other, other + 1));
        other = json_next(merged, 0, other + 1);
    }
}

/* Names that C strings can ask for. */
static void check_overrides(const struct json_doc *body, const struct json_doc *merged,
                            const char *place)
{
    for (uint32_t key = json_first(body, 0); key != JSON_NONE; key = json_next(body, 0, key + 1)) {
        char scratch[512], name[512];
        const char *bytes;
        size_t len;
        if (is_changed(body, key, place) ||
            json_string(body, key, scratch, sizeof(scratch), &bytes, &len) != 0 ||
            len >= sizeof(name) || memchr(bytes, '\0', len) != NULL)
            continue;
        memcpy(name, bytes, len);
        name[len] = '\0';
        assert(same(body, json_get(body, 0, name), json_get(body, 0, name), merged,
                    json_get(merged, 0, name), json_get(merged, 0, name)));
    }
}

static void check_merged(const struct json_doc *body, const struct out *out, const char *place)
{
    struct json_doc merged;
    json_doc_init(&merged);
    if (json_parse(&merged, out->bytes, out->len, NULL) != 0)
        abort();
    assert(merged.tokens[0].type == JSON_OBJECT);
    assert(json_get(&merged, 0, "preset") == JSON_NONE);
    assert(json_string_is(&merged, json_get(&merged, 0, "model"), MODEL));
    check_members(body, &merged, place);
    check_overrides(body, &merged, place);
    json_doc_release(&merged);
}

static void check_choice(const struct config_preset *preset, const struct json_doc *body)
{
    struct config *config = calloc(1, sizeof(*config));
    struct preset_choice choice;
    assert(config != NULL);
    config->preset[0] = *preset;
    config->preset_count = 1;
    preset_choose(config, body, &choice);
    assert(choice.preset == NULL || choice.preset == &config->preset[0]);
    assert(choice.preset == NULL || choice.detail[0] == '\0');
    assert(strlen(choice.model) <= ROW_NAME_MAX);
    free(config);
}

static void merge(struct config_preset *preset, enum row_api api, const char *text, size_t len)
{
    struct out out = OUT_INIT;
    const char *detail = NULL;
    struct json_doc body;
    int error;
    json_doc_init(&body);
    if (json_parse(&body, text, len, NULL) == 0 && body.tokens[0].type == JSON_OBJECT) {
        check_choice(preset, &body);
        error = preset_merge(preset, api, &body, MODEL, &out, &detail);
        assert(error == 0 || error == -EINVAL);
        assert((error == 0) == (detail == NULL));
        if (error == 0)
            check_merged(&body, &out, place_of(api, preset->system_prompt != NULL));
    }
    out_release(&out);
    json_doc_release(&body);
}

static bool is_object(const char *text, size_t len)
{
    struct json_doc doc;
    bool good;
    json_doc_init(&doc);
    good = json_parse(&doc, text, len, NULL) == 0 && doc.tokens[0].type == JSON_OBJECT;
    json_doc_release(&doc);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const enum row_api apis[] = {API_CHAT, API_RESPONSES, API_MESSAGES, API_EMBEDDINGS};
    static char prompt[] = "Be \"kind\".";
    struct config_preset preset = {.name = (char[]){"p"}, .version = "0123456789abcdef"};
    const char *text = (const char *)data, *end = memchr(text, '\n', len);
    if (end == NULL || end == text)
        return 0;
    preset.parameters = strndup(text + 1, (size_t)(end - text - 1));
    assert(preset.parameters != NULL);
    if ((data[0] & 4) != 0)
        preset.system_prompt = prompt;
    if (is_object(preset.parameters, strlen(preset.parameters)))
        merge(&preset, apis[data[0] & 3], end + 1, len - (size_t)(end + 1 - text));
    free(preset.parameters);
    return 0;
}
