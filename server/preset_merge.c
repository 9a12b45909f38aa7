/* preset_merge.c - a body and its preset as one body.
 *
 * The request's members come first, in their order and byte for byte, apart from `model`, `preset`,
 * `tools` and the place of the system prompt; then what the preset adds, in its order. What a
 * member is called differs between the APIs and over the years: a request that says it under one
 * name has said it, and the preset's is written under the name that the API has (table `kin`).
 */
#include "server/preset.h"

#include "server/preset_tools.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KIN = 4, KIN_NAMES = 3 };

/* Names of one thing. */
static const char *const kin[KIN][KIN_NAMES] = {
    {"max_tokens", "max_completion_tokens", "max_output_tokens"},
    {"stop", "stop_sequences", NULL},
    {"reasoning", "reasoning_effort", "thinking"},
    {"models", "fallbacks", NULL},
};
enum { KIN_MAX_TOKENS, KIN_STOP };

/* Of the preset. */
struct member {
    struct text name; /* without escapes */
    uint32_t key;
    bool said; /* the request has it */
};

struct merge {
    enum row_api api;
    const struct json_doc *doc, *parameters;
    struct member *members, **sorted;
    size_t count;
    char *names;   /* those that were escaped; room for all */
    char *scratch; /* for a name of the request: one that does not fit is none of the preset's */
    size_t scratch_size;
    bool kin_said[KIN];
    const char *model, *prompt; /* prompt NULL: none */
    const char *prompt_place;   /* the member that it goes into */
    struct out *out;
    const char *detail; /* of an -EINVAL */
};

/* --- what the request says --- */

static int kin_of(struct text name)
{
    for (int i = 0; i < KIN; i++) {
        for (int j = 0; j < KIN_NAMES && kin[i][j] != NULL; j++) {
            if (strlen(kin[i][j]) == name.len && memcmp(kin[i][j], name.bytes, name.len) == 0)
                return i;
        }
    }
    return -1;
}

static int compare_names(struct text a, struct text b)
{
    if (a.len != b.len)
        return a.len > b.len ? 1 : -1;
    return memcmp(a.bytes, b.bytes, a.len);
}

static int compare_members(const void *a, const void *b)
{
    return compare_names((*(struct member *const *)a)->name, (*(struct member *const *)b)->name);
}

/* The request says this name: the preset's member of it is out, and what is kin to it. */
static void mark(struct merge *merge, struct text name)
{
    size_t low = 0, high = merge->count;
    int kinship = kin_of(name);
    while (low < high) { /* the first that is not below it */
        size_t middle = low + (high - low) / 2;
        if (compare_names(merge->sorted[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < merge->count && compare_names(merge->sorted[low]->name, name) == 0; low++) {
        if (merge->sorted[low]->said)
            break;
        merge->sorted[low]->said = true;
    }
    if (kinship >= 0)
        merge->kin_said[kinship] = true;
}

static void mark_all(struct merge *merge)
{
    const struct json_doc *doc = merge->doc;
    for (uint32_t key = json_first(doc, 0); key != JSON_NONE; key = json_next(doc, 0, key + 1)) {
        struct text name;
        if (json_string(doc, key, merge->scratch, merge->scratch_size, &name.bytes, &name.len) == 0)
            mark(merge, name);
    }
    mark(merge, TEXT("model"));
    mark(merge, TEXT("preset"));
    if (merge->prompt == NULL)
        return;
    assert(merge->prompt_place != NULL); /* preset_merge() refused it */
    mark(merge, text_of(merge->prompt_place));
}

static int make_room(struct merge *merge)
{
    const struct json_doc *doc = merge->parameters;
    merge->scratch_size = 1;
    for (uint32_t key = json_first(doc, 0); key != JSON_NONE; key = json_next(doc, 0, key + 1)) {
        size_t len = doc->tokens[key].end - doc->tokens[key].start;
        merge->count++;
        if (len > merge->scratch_size)
            merge->scratch_size = len;
    }
    for (int i = 0; i < KIN; i++) {
        for (int j = 0; j < KIN_NAMES && kin[i][j] != NULL; j++) {
            if (strlen(kin[i][j]) > merge->scratch_size)
                merge->scratch_size = strlen(kin[i][j]);
        }
    }
    merge->members = calloc(merge->count + 1, sizeof(merge->members[0]));
    merge->sorted = calloc(merge->count + 1, sizeof(struct member *));
    merge->names = malloc(doc->len + 1);
    merge->scratch = malloc(merge->scratch_size);
    return merge->members == NULL || merge->sorted == NULL || merge->names == NULL ||
                   merge->scratch == NULL
               ? -ENOMEM
               : 0;
}

/* The preset's members, sorted by name so that each of the request's finds its own. */
static int list_members(struct merge *merge)
{
    const struct json_doc *doc = merge->parameters;
    char *names;
    size_t at = 0;
    if (make_room(merge) < 0)
        return -ENOMEM;
    names = merge->names;
    for (uint32_t key = json_first(doc, 0); key != JSON_NONE;
         key = json_next(doc, 0, key + 1), at++) {
        struct member *member = &merge->members[at];
        size_t room = doc->len - (size_t)(names - merge->names);
        int error = json_string(doc, key, names, room, &member->name.bytes, &member->name.len);
        assert(error == 0); /* together they are shorter than the text they stand in */
        if (member->name.bytes == names)
            names += member->name.len;
        member->key = key;
        merge->sorted[at] = member;
    }
    qsort(merge->sorted, merge->count, sizeof(merge->sorted[0]), compare_members);
    return 0;
}

/* --- the system prompt --- */

static const char *prompt_place(enum row_api api)
{
    switch (api) {
    case API_CHAT:
        return "messages";
    case API_MESSAGES:
        return "system";
    case API_RESPONSES:
        return "instructions";
    default:
        return NULL;
    }
}

/* A new first element of an array that the request brings. */
static void put_before(struct merge *merge, uint32_t array, const char *before, const char *behind)
{
    const struct json_token *token = &merge->doc->tokens[array];
    out_char(merge->out, '[');
    out_text(merge->out, before);
    out_string(merge->out, text_of(merge->prompt));
    out_text(merge->out, behind);
    if (json_first(merge->doc, array) != JSON_NONE)
        out_char(merge->out, ',');
    out_span(merge->out, merge->doc, token->start + 1, token->end);
}

/* Two texts in one string: the prompt, an empty line, the request's own as it is written. */
static void put_in_front(struct merge *merge, uint32_t string)
{
    const struct json_token *token = &merge->doc->tokens[string];
    out_string(merge->out, text_of(merge->prompt));
    if (merge->out->error != 0)
        return;
    merge->out->len--; /* its closing quote */
    out_text(merge->out, "\\n\\n");
    out_span(merge->out, merge->doc, token->start + 1, token->end);
}

/* value: of the prompt's place, as the request has it. */
static int write_prompt(struct merge *merge, uint32_t value)
{
    uint8_t type = merge->doc->tokens[value].type;
    assert(merge->prompt != NULL);
    out_name(merge->out, merge->prompt_place);
    if (merge->api == API_CHAT) {
        merge->detail = "messages must be an array.";
        if (type != JSON_ARRAY)
            return -EINVAL;
        put_before(merge, value, "{\"role\":\"system\",\"content\":", "}");
    } else if (type == JSON_STRING) {
        put_in_front(merge, value);
    } else if (type == JSON_NULL) {
        out_string(merge->out, text_of(merge->prompt));
    } else if (type == JSON_ARRAY && merge->api == API_MESSAGES) {
        put_before(merge, value, "{\"type\":\"text\",\"text\":", "}");
    } else {
        merge->detail = merge->api == API_MESSAGES
                            ? "system must be a string or an array of text blocks."
                            : "instructions must be a string.";
        return -EINVAL;
    }
    return 0;
}

/* --- the request's members --- */

static void separate(struct out *out)
{
    if (out->len > 1) /* behind the brace */
        out_char(out, ',');
}

/* Once: where the request has it, else behind its members. */
static void write_model(struct merge *merge)
{
    if (merge->model == NULL)
        return;
    out_name(merge->out, "model");
    out_string(merge->out, text_of(merge->model));
    merge->model = NULL;
}

static int write_tools(struct merge *merge, uint32_t own, uint32_t preset)
{
    out_name(merge->out, "tools");
    if (merge->doc->tokens[own].type == JSON_NULL) {
        out_value(merge->out, merge->doc, own); /* said: none */
        return 0;
    }
    merge->detail = "tools must be an array.";
    if (merge->doc->tokens[own].type != JSON_ARRAY ||
        merge->parameters->tokens[preset].type != JSON_ARRAY)
        return -EINVAL;
    return preset_tools_unite(merge->api, merge->doc, own, merge->parameters, preset, merge->out);
}

/* One member of the request that is not the system prompt's place. */
static int write_member(struct merge *merge, uint32_t key, uint32_t tools, uint32_t preset_tools)
{
    const struct json_doc *doc = merge->doc;
    if (json_string_is(doc, key, "preset"))
        return 0;
    if (json_string_is(doc, key, "model")) {
        write_model(merge);
        return 0;
    }
    if (key + 1 == tools && preset_tools != JSON_NONE)
        return write_tools(merge, tools, preset_tools);
    separate(merge->out);
    out_span(merge->out, doc, doc->tokens[key].start, doc->tokens[key + 1].end);
    return 0;
}

/* Chat that says `prompt` has no messages to put a system prompt before. */
static bool says_prompt(const struct merge *merge)
{
    const struct json_doc *doc = merge->doc;
    uint32_t prompt = json_get(doc, 0, "prompt");
    if (prompt == JSON_NONE) {
        doc = merge->parameters;
        prompt = json_get(doc, 0, "prompt");
    }
    return prompt != JSON_NONE && doc->tokens[prompt].type != JSON_NULL;
}

static int write_own(struct merge *merge)
{
    const struct json_doc *doc = merge->doc;
    uint32_t tools = json_get(doc, 0, "tools"), place = JSON_NONE;
    uint32_t preset_tools = json_get(merge->parameters, 0, "tools");
    int error = 0;
    if (merge->prompt != NULL)
        place = json_get(doc, 0, merge->prompt_place);
    for (uint32_t key = json_first(doc, 0); key != JSON_NONE && error == 0;
         key = json_next(doc, 0, key + 1))
        error = key + 1 == place ? write_prompt(merge, place)
                                 : write_member(merge, key, tools, preset_tools);
    write_model(merge);
    if (error < 0 || merge->prompt == NULL || place != JSON_NONE)
        return error;
    if (merge->api != API_CHAT) {
        out_name(merge->out, merge->prompt_place);
        out_string(merge->out, text_of(merge->prompt));
        return 0;
    }
    merge->detail = "The preset's system prompt needs `messages`.";
    /* Neither is the request's mistake, which the upstream tells better. */
    return says_prompt(merge) ? -EINVAL : 0;
}

/* --- the preset's --- */

static const char *name_here(enum row_api api, const char *name, int kinship)
{
    if (kinship == KIN_MAX_TOKENS && api == API_RESPONSES)
        return "max_output_tokens";
    if (kinship == KIN_MAX_TOKENS &&
        (api == API_MESSAGES || strcmp(name, "max_output_tokens") == 0))
        return "max_tokens";
    if (kinship == KIN_STOP)
        return api == API_MESSAGES ? "stop_sequences" : "stop";
    return name;
}

/* A member that has another name here, or none of its own: 0 tells that it is to be written as it
 * is. */
static bool write_renamed(struct merge *merge, const struct member *member, int kinship)
{
    const struct json_doc *doc = merge->parameters;
    const char *name = NULL, *here;
    uint32_t value = member->key + 1;
    bool wrap;
    for (int j = 0; kinship >= 0 && j < KIN_NAMES && kin[kinship][j] != NULL; j++) {
        if (compare_names(text_of(kin[kinship][j]), member->name) == 0)
            name = kin[kinship][j];
    }
    if (name == NULL)
        return false;
    here = name_here(merge->api, name, kinship);
    if (strcmp(here, name) == 0)
        return false;
    wrap = kinship == KIN_STOP && merge->api == API_MESSAGES &&
           doc->tokens[value].type == JSON_STRING; /* there only a list will do */
    out_name(merge->out, here);
    out_text(merge->out, wrap ? "[" : "");
    out_value(merge->out, doc, value);
    out_text(merge->out, wrap ? "]" : "");
    return true;
}

static void write_preset(struct merge *merge)
{
    const struct json_doc *doc = merge->parameters;
    for (size_t i = 0; i < merge->count; i++) {
        const struct member *member = &merge->members[i];
        int kinship = kin_of(member->name);
        if (member->said || (kinship >= 0 && merge->kin_said[kinship]))
            continue;
        /* Two names for one limit would become one name twice. */
        if (kinship == KIN_MAX_TOKENS || kinship == KIN_STOP)
            merge->kin_said[kinship] = true;
        if (write_renamed(merge, member, kinship))
            continue;
        separate(merge->out);
        out_span(merge->out, doc, doc->tokens[member->key].start, doc->tokens[member->key + 1].end);
    }
}

static int write_all(struct merge *merge)
{
    int error = list_members(merge);
    if (error < 0)
        return error;
    mark_all(merge);
    out_char(merge->out, '{');
    error = write_own(merge);
    if (error < 0)
        return error;
    write_preset(merge);
    out_char(merge->out, '}');
    return merge->out->error;
}

int preset_merge(const struct config_preset *preset, enum row_api api, const struct json_doc *doc,
                 const char *model, struct out *out, const char **ret_detail)
{
    const char *json = preset->parameters != NULL ? preset->parameters : "{}";
    struct json_doc parameters;
    struct merge merge = {
        .api = api,
        .doc = doc,
        .parameters = &parameters,
        .model = model[0] != '\0' ? model : NULL,
        .prompt = preset->system_prompt,
        .prompt_place = prompt_place(api),
        .out = out,
    };
    int error;
    assert(doc->tokens[0].type == JSON_OBJECT);
    assert(out->len == 0);
    if (merge.prompt != NULL && merge.prompt_place == NULL) {
        *ret_detail = "The preset has a system prompt, which has no place in this endpoint.";
        return -EINVAL;
    }
    json_doc_init(&parameters);
    error = json_parse(&parameters, json, strlen(json), NULL);
    assert(error == 0 || error == -ENOMEM); /* config_json.c wrote it */
    if (error == 0)
        error = write_all(&merge);
    if (error == -EINVAL)
        *ret_detail = merge.detail;
    free(merge.members);
    free(merge.sorted);
    free(merge.names);
    free(merge.scratch);
    json_doc_release(&parameters);
    return error;
}
