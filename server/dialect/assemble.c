#include "server/dialect/assemble.h"

#include "server/dialect/answer_field.h"
#include "server/dialect/assemble_tree.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- chat and completions --- */

static const struct tree_rule function_members[] = {
    {.name = "arguments", .merge = TREE_TEXT},
    {.name = NULL},
};
static const struct tree_rule call_members[] = {
    {.name = "index", .merge = TREE_DROP},
    {.name = "id", .merge = TREE_FIRST},
    {.name = "function", .merge = TREE_OBJECT, .members = function_members},
    {.name = NULL},
};
static const struct tree_rule detail_members[] = {
    {.name = "text", .merge = TREE_TEXT},
    {.name = "summary", .merge = TREE_TEXT},
    {.name = NULL},
};
static const struct tree_rule audio_members[] = {
    {.name = "data", .merge = TREE_TEXT},
    {.name = "transcript", .merge = TREE_TEXT},
    {.name = NULL},
};
static const struct tree_rule delta_members[] = {
    {.name = "role", .merge = TREE_FIRST},
    {.name = "content", .merge = TREE_TEXT},
    {.name = "refusal", .merge = TREE_TEXT},
    {.name = "reasoning", .merge = TREE_TEXT},
    {.name = "reasoning_content", .merge = TREE_TEXT},
    {.name = "reasoning_details", .merge = TREE_DETAILS, .members = detail_members},
    {.name = "tool_calls", .merge = TREE_INDEXED, .members = call_members},
    {.name = "function_call", .merge = TREE_OBJECT, .members = function_members},
    {.name = "images", .merge = TREE_LIST},
    {.name = "annotations", .merge = TREE_LIST},
    {.name = "audio", .merge = TREE_OBJECT, .members = audio_members},
    {.name = NULL},
};
static const struct tree_rule logprob_members[] = {
    {.name = "content", .merge = TREE_LIST},
    {.name = "refusal", .merge = TREE_LIST},
    {.name = NULL},
};
static const struct tree_rule choice_members[] = {
    {.name = "delta", .merge = TREE_OBJECT, .members = delta_members, .as = "\"message\""},
    {.name = "text", .merge = TREE_TEXT},
    {.name = "logprobs", .merge = TREE_OBJECT, .members = logprob_members},
    {.name = NULL},
};
static const struct tree_rule chunk_members[] = {
    {.name = "id", .merge = TREE_FIRST},
    {.name = "created", .merge = TREE_FIRST},
    {.name = "object", .merge = TREE_FIXED, .fixed = "\"chat.completion\""},
    {.name = "choices", .merge = TREE_INDEXED, .members = choice_members},
    {.name = NULL},
};
static const struct tree_rule completion_members[] = {
    {.name = "id", .merge = TREE_FIRST},
    {.name = "created", .merge = TREE_FIRST},
    {.name = "object", .merge = TREE_FIXED, .fixed = "\"text_completion\""},
    {.name = "choices", .merge = TREE_INDEXED, .members = choice_members},
    {.name = NULL},
};

/* --- messages --- */

/* Of a block's beginning: what its deltas will go on with. */
static const struct tree_rule block_members[] = {
    {.name = "text", .merge = TREE_TEXT},      {.name = "thinking", .merge = TREE_TEXT},
    {.name = "content", .merge = TREE_TEXT},   {.name = "input", .merge = TREE_JSON},
    {.name = "citations", .merge = TREE_LIST}, {.name = NULL},
};
static const struct tree_rule block_delta_members[] = {
    {.name = "type", .merge = TREE_DROP},
    {.name = "text", .merge = TREE_TEXT},
    {.name = "thinking", .merge = TREE_TEXT},
    {.name = "content", .merge = TREE_TEXT},
    {.name = "partial_json", .merge = TREE_JSON, .as = "\"input\""},
    {.name = "citation", .merge = TREE_ITEM, .as = "\"citations\""},
    {.name = NULL},
};
static const struct tree_rule message_members[] = {
    {.name = "content", .merge = TREE_INDEXED, .members = block_members},
    {.name = "usage", .merge = TREE_OBJECT},
    {.name = NULL},
};
/* What message_delta and message_stop say beside the delta belongs to the message. */
static const struct tree_rule message_event_members[] = {
    {.name = "type", .merge = TREE_DROP},
    {.name = "delta", .merge = TREE_DROP},
    {.name = "usage", .merge = TREE_OBJECT},
    {.name = NULL},
};

struct assembler {
    enum row_api api;
    struct json_doc doc;
    struct assembly_tree tree;
    struct out response; /* responses: the whole object */
    struct out error;    /* an object with a member `error` */
    size_t body_max;
    bool begun;  /* messages: message_start was there */
    bool ended;  /* messages, responses: the event that ends it was there */
    bool broken; /* something could not be read */
};

struct assembler *assembler_new(enum row_api api, size_t body_max)
{
    struct assembler *assembler = calloc(1, sizeof(*assembler));

    if (assembler == NULL)
        return NULL;
    assembler->api = api;
    assembler->body_max = body_max;
    json_doc_init(&assembler->doc);
    if (assembly_tree_init(&assembler->tree, body_max) != 0) {
        free(assembler);
        return NULL;
    }
    return assembler;
}

void assembler_free(struct assembler *assembler)
{
    if (assembler == NULL)
        return;
    json_doc_release(&assembler->doc);
    assembly_tree_release(&assembler->tree);
    out_release(&assembler->response);
    out_release(&assembler->error);
    free(assembler);
}

static bool is_type(const struct json_doc *doc, const char *type)
{
    return json_string_is(doc, json_get(doc, 0, "type"), type);
}

static int keep(struct assembler *assembler, struct out *out, uint32_t value)
{
    const struct json_token *token = &assembler->doc.tokens[value];

    if (token->end - token->start > assembler->body_max)
        return -E2BIG;
    out_clear(out);
    out_value(out, &assembler->doc, value);
    return out->error;
}

/* --- events --- */

static int take_chunk(struct assembler *assembler)
{
    return tree_merge(&assembler->tree, assembler->tree.root,
                      assembler->api == API_CHAT ? chunk_members : completion_members,
                      &assembler->doc, 0);
}

static int take_response(struct assembler *assembler)
{
    const struct json_doc *doc = &assembler->doc;
    uint32_t response = json_get(doc, 0, "response");

    if (!is_type(doc, "response.completed") && !is_type(doc, "response.incomplete") &&
        !is_type(doc, "response.failed"))
        return 0;
    if (!answer_field_is(doc, response, JSON_OBJECT))
        return -EBADMSG;
    if (answer_field_is_said(doc, json_get(doc, response, "error")))
        return keep(assembler, &assembler->error, response);
    assembler->ended = true;
    return keep(assembler, &assembler->response, response);
}

/* content_block_start, content_block_delta */
static int take_block(struct assembler *assembler, const char *member,
                      const struct tree_rule *rules)
{
    const struct json_doc *doc = &assembler->doc;
    struct tree_node *blocks = tree_member(assembler->tree.root, "content"), *block;
    int64_t index;
    int error;

    if (blocks == NULL || json_int64(doc, json_get(doc, 0, "index"), &index) != 0 || index < 0 ||
        index >= TREE_INDEX_MAX)
        return -EBADMSG;
    error = tree_make_element(&assembler->tree, blocks, (size_t)index, &block);
    if (error != 0)
        return error;
    return tree_merge(&assembler->tree, block, rules, doc, json_get(doc, 0, member));
}

static int take_message_delta(struct assembler *assembler)
{
    const struct json_doc *doc = &assembler->doc;
    struct assembly_tree *tree = &assembler->tree;
    uint32_t delta = json_get(doc, 0, "delta");
    int error = tree_merge(tree, tree->root, message_event_members, doc, 0);

    if (error == 0 && answer_field_is(doc, delta, JSON_OBJECT))
        error = tree_merge(tree, tree->root, message_members, doc, delta);
    return error;
}

static int begin_message(struct assembler *assembler)
{
    static const char no_content[] = "{\"content\":[]}";
    struct assembly_tree *tree = &assembler->tree;
    struct json_doc empty;
    int error = tree_merge(tree, tree->root, message_members, &assembler->doc,
                           json_get(&assembler->doc, 0, "message"));

    assembler->begun = true;
    if (error != 0 || tree_member(tree->root, "content") != NULL)
        return error;
    json_doc_init(&empty);
    error = json_parse(&empty, no_content, sizeof(no_content) - 1, NULL);
    if (error == 0)
        error = tree_merge(tree, tree->root, message_members, &empty, 0);
    json_doc_release(&empty);
    return error;
}

static int take_message_event(struct assembler *assembler)
{
    const struct json_doc *doc = &assembler->doc;

    if (is_type(doc, "message_start"))
        return assembler->begun ? -EBADMSG : begin_message(assembler);
    if (is_type(doc, "content_block_start"))
        return take_block(assembler, "content_block", block_members);
    if (is_type(doc, "content_block_delta"))
        return take_block(assembler, "delta", block_delta_members);
    if (is_type(doc, "message_delta"))
        return take_message_delta(assembler);
    if (is_type(doc, "message_stop")) {
        assembler->ended = true;
        return tree_merge(&assembler->tree, assembler->tree.root, message_event_members, doc, 0);
    }
    return 0;
}

/* -EBADMSG: not as its grammar has it. */
static int take_event(struct assembler *assembler)
{
    const struct json_doc *doc = &assembler->doc;

    if (!answer_field_is(doc, 0, JSON_OBJECT))
        return -EBADMSG;
    if (answer_field_is_said(doc, json_get(doc, 0, "error")) || is_type(doc, "error"))
        return assembler->error.len > 0 ? 0 : keep(assembler, &assembler->error, 0);
    switch (assembler->api) {
    case API_RESPONSES:
        return take_response(assembler);
    case API_MESSAGES:
        return take_message_event(assembler);
    default:
        return take_chunk(assembler);
    }
}

static bool is_done(struct text payload)
{
    while (payload.len > 0 &&
           (payload.bytes[payload.len - 1] == ' ' || payload.bytes[payload.len - 1] == '\t'))
        payload.len--;
    return payload.len == 6 && memcmp(payload.bytes, "[DONE]", 6) == 0;
}

int assembler_event(struct assembler *assembler, struct text payload)
{
    int error;

    if (is_done(payload) || assembler->broken)
        return 0;
    error = payload.len > 0 ? json_parse(&assembler->doc, payload.bytes, payload.len, NULL) : 0;
    if (error == 0 && payload.len > 0)
        error = take_event(assembler);
    else if (error == -E2BIG)
        error = -EBADMSG; /* too deep, which is not too large */
    json_doc_clear(&assembler->doc);
    if (error != -EBADMSG)
        return error;
    assembler->broken = true;
    return 0;
}

/* --- the end --- */

/* A message has a role and a content, if only null. */
static int complete_message(struct assembler *assembler, struct tree_node *choice)
{
    static const char least[] = "{\"delta\":{\"role\":\"assistant\",\"content\":null}}";
    struct json_doc doc;
    int error;

    json_doc_init(&doc);
    error = json_parse(&doc, least, sizeof(least) - 1, NULL);
    if (error == 0)
        error = tree_merge(&assembler->tree, choice, choice_members, &doc, 0);
    json_doc_release(&doc);
    return error;
}

/* Every choice that began has its end. */
static int finish_chat(struct assembler *assembler)
{
    struct tree_node *choices = tree_member(assembler->tree.root, "choices");
    size_t found = 0;

    for (size_t i = 0; i < tree_count(choices); i++) {
        struct tree_node *choice = tree_element(choices, i);
        int error;

        if (choice == NULL)
            continue;
        if (!tree_is_said(tree_member(choice, "finish_reason")))
            return -ENODATA;
        error = assembler->api == API_CHAT ? complete_message(assembler, choice) : 0;
        if (error != 0)
            return error;
        found++;
    }
    return found > 0 ? 0 : -ENODATA;
}

static int finish(struct assembler *assembler)
{
    if (assembler->broken)
        return -ENODATA;
    switch (assembler->api) {
    case API_RESPONSES:
        return assembler->ended ? 0 : -ENODATA;
    case API_MESSAGES:
        return assembler->begun && assembler->ended ? 0 : -ENODATA;
    default:
        return finish_chat(assembler);
    }
}

int assembler_finish(struct assembler *assembler, struct out *body, struct out *error)
{
    int result;

    if (assembler->error.len > 0) {
        out_bytes(error, assembler->error.bytes, assembler->error.len);
        return error->error != 0 ? error->error : -ENODATA;
    }
    result = finish(assembler);
    if (result != 0)
        return result;
    if (assembler->api == API_RESPONSES)
        out_bytes(body, assembler->response.bytes, assembler->response.len);
    else
        tree_print(assembler->tree.root, body);
    if (body->error != 0)
        return body->error;
    return body->len > assembler->body_max ? -E2BIG : 0;
}
