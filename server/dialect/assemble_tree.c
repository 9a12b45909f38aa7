#include "server/dialect/assemble_tree.h"

#include "server/dialect/answer_field.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tree_node {
    enum tree_merge merge;
    bool is_null;      /* it was said, but only as null */
    bool is_joined;    /* joined is the value; else raw */
    struct out raw;    /* a whole value */
    struct out joined; /* TEXT: the inside of a string; LIST: elements; JSON: a text */
    struct tree_item *items;
    size_t count, size;
};

/* A member, or an element. */
struct tree_item {
    char *name; /* members: the key with its quotes */
    size_t name_len;
    struct tree_node *node; /* elements: NULL is a hole */
    int64_t index;          /* DETAILS */
    bool joins;             /* DETAILS: more of it may come */
};

static const struct tree_rule any_member = {.name = NULL, .merge = TREE_LAST};

/* --- nodes --- */

static int make_node(struct assembly_tree *tree, enum tree_merge merge, struct tree_node **ret_node)
{
    struct tree_node *node;

    if (tree->nodes == TREE_NODES_MAX)
        return -E2BIG;
    node = calloc(1, sizeof(*node));
    if (node == NULL)
        return -ENOMEM;
    node->merge = merge;
    tree->nodes++;
    *ret_node = node;
    return 0;
}

/* Depth is that of the rules. */
static void free_node(struct tree_node *node)
{
    if (node == NULL)
        return;
    for (size_t i = 0; i < node->count; i++) {
        free(node->items[i].name);
        free_node(node->items[i].node);
    }
    free(node->items);
    out_release(&node->raw);
    out_release(&node->joined);
    free(node);
}

int assembly_tree_init(struct assembly_tree *tree, size_t bytes_max)
{
    *tree = (struct assembly_tree){.bytes_max = bytes_max};
    return make_node(tree, TREE_OBJECT, &tree->root);
}

void assembly_tree_release(struct assembly_tree *tree)
{
    free_node(tree->root);
    free(tree->scratch);
    *tree = (struct assembly_tree){.root = NULL};
}

/* Holes count as well: an index is written faster than what it makes us hold. */
static int add_item(struct assembly_tree *tree, struct tree_node *node, struct tree_item **ret_item)
{
    if (tree->nodes == TREE_NODES_MAX)
        return -E2BIG;
    tree->nodes++;
    if (node->count == node->size) {
        size_t size = node->size > 0 ? node->size * 2 : 8;
        struct tree_item *items = reallocarray(node->items, size, sizeof(*items));

        if (items == NULL)
            return -ENOMEM;
        node->items = items;
        node->size = size;
    }
    *ret_item = &node->items[node->count++];
    **ret_item = (struct tree_item){.name = NULL};
    return 0;
}

static int append(struct assembly_tree *tree, struct out *out, const char *bytes, size_t len)
{
    if (len > tree->bytes_max - tree->bytes)
        return -E2BIG;
    tree->bytes += len;
    out_bytes(out, bytes, len);
    return out->error;
}

static int replace(struct assembly_tree *tree, struct out *out, const char *bytes, size_t len)
{
    assert(tree->bytes >= out->len);
    tree->bytes -= out->len;
    out_clear(out);
    return append(tree, out, bytes, len);
}

/* --- values --- */

static int take_raw(struct assembly_tree *tree, struct tree_node *node, const struct json_doc *doc,
                    uint32_t value)
{
    const struct json_token *token = &doc->tokens[value];

    return replace(tree, &node->raw, doc->text + token->start, token->end - token->start);
}

static int take_string(struct assembly_tree *tree, struct tree_node *node,
                       const struct json_doc *doc, uint32_t value)
{
    const struct json_token *token = &doc->tokens[value];

    node->is_joined = true;
    return append(tree, &node->joined, doc->text + token->start + 1, token->end - token->start - 2);
}

static int take_elements(struct assembly_tree *tree, struct tree_node *node,
                         const struct json_doc *doc, uint32_t from, uint32_t to)
{
    int error = node->joined.len > 0 ? append(tree, &node->joined, ",", 1) : 0;

    if (error != 0)
        return error;
    return append(tree, &node->joined, doc->text + from, to - from);
}

static int take_list(struct assembly_tree *tree, struct tree_node *node, const struct json_doc *doc,
                     uint32_t value)
{
    const struct json_token *token = &doc->tokens[value];

    node->is_joined = true;
    if (json_first(doc, value) == JSON_NONE)
        return 0;
    return take_elements(tree, node, doc, token->start + 1, token->end - 1);
}

static int take_json(struct assembly_tree *tree, struct tree_node *node, const struct json_doc *doc,
                     uint32_t value)
{
    size_t need = doc->tokens[value].end - doc->tokens[value].start, len;
    const char *bytes;
    int error;

    if (need > tree->scratch_size) {
        char *larger = realloc(tree->scratch, need);

        if (larger == NULL)
            return -ENOMEM;
        tree->scratch = larger;
        tree->scratch_size = need;
    }
    error = json_string(doc, value, tree->scratch, tree->scratch_size, &bytes, &len);
    assert(error == 0);
    node->is_joined = true;
    return append(tree, &node->joined, bytes, len);
}

/* --- arrays whose elements grow --- */

int tree_make_element(struct assembly_tree *tree, struct tree_node *node, size_t at,
                      struct tree_node **ret_element)
{
    if (at >= TREE_INDEX_MAX)
        return -EBADMSG;
    while (node->count <= at) {
        struct tree_item *item;
        int error = add_item(tree, node, &item);

        if (error != 0)
            return error;
    }
    if (node->items[at].node == NULL) {
        int error = make_node(tree, TREE_OBJECT, &node->items[at].node);

        if (error != 0)
            return error;
    }
    *ret_element = node->items[at].node;
    return 0;
}

/* Where it says nothing, its place tells. */
static int64_t index_of(const struct json_doc *doc, uint32_t item, int64_t position)
{
    uint32_t token = json_get(doc, item, "index");
    int64_t index;

    if (!answer_field_is_said(doc, token))
        return position;
    return json_int64(doc, token, &index) == 0 && index >= 0 ? index : TREE_INDEX_MAX;
}

static int take_indexed(struct assembly_tree *tree, struct tree_node *node,
                        const struct tree_rule *rule, const struct json_doc *doc, uint32_t array)
{
    int64_t position = 0;

    for (uint32_t item = json_first(doc, array); item != JSON_NONE;
         item = json_next(doc, array, item), position++) {
        int64_t index = index_of(doc, item, position);
        struct tree_node *element;
        int error;

        if (!answer_field_is(doc, item, JSON_OBJECT) || index >= TREE_INDEX_MAX)
            return -EBADMSG;
        error = tree_make_element(tree, node, (size_t)index, &element);
        if (error == 0)
            error = tree_merge(tree, element, rule->members, doc, item);
        if (error != 0)
            return error;
    }
    return 0;
}

static bool is_prose(const struct json_doc *doc, uint32_t item)
{
    uint32_t type = json_get(doc, item, "type");

    return json_string_is(doc, type, "reasoning.text") ||
           json_string_is(doc, type, "reasoning.summary");
}

static bool has_type(const struct tree_node *element, const struct json_doc *doc, uint32_t item)
{
    uint32_t type = json_get(doc, item, "type");
    const struct tree_node *mine = tree_member((struct tree_node *)element, "type");
    size_t len = doc->tokens[type].end - doc->tokens[type].start;

    return mine != NULL && mine->raw.len == len &&
           memcmp(mine->raw.bytes, doc->text + doc->tokens[type].start, len) == 0;
}

/* Texts come in pieces; what is encrypted, or a call, comes whole. */
static struct tree_node *find_detail(struct tree_node *node, const struct json_doc *doc,
                                     uint32_t item, int64_t index)
{
    size_t end = node->count, stop = end > TREE_DETAILS_BACK ? end - TREE_DETAILS_BACK : 0;

    if (!is_prose(doc, item))
        return NULL;
    for (size_t at = end; at > stop; at--) {
        struct tree_item *known = &node->items[at - 1];

        if (known->joins && known->index == index && has_type(known->node, doc, item))
            return known->node;
    }
    return NULL;
}

static int take_detail(struct assembly_tree *tree, struct tree_node *node,
                       const struct tree_rule *rule, const struct json_doc *doc, uint32_t item,
                       int64_t index)
{
    struct tree_node *element = find_detail(node, doc, item, index);

    if (element == NULL) {
        struct tree_item *added;
        int error = add_item(tree, node, &added);

        if (error == 0)
            error = make_node(tree, TREE_OBJECT, &element);
        if (error != 0)
            return error;
        *added = (struct tree_item){.node = element, .index = index, .joins = is_prose(doc, item)};
    }
    return tree_merge(tree, element, rule->members, doc, item);
}

static int take_details(struct assembly_tree *tree, struct tree_node *node,
                        const struct tree_rule *rule, const struct json_doc *doc, uint32_t array)
{
    for (uint32_t item = json_first(doc, array); item != JSON_NONE;
         item = json_next(doc, array, item)) {
        int error;

        if (!answer_field_is(doc, item, JSON_OBJECT))
            return -EBADMSG;
        error = take_detail(tree, node, rule, doc, item, index_of(doc, item, 0));
        if (error != 0)
            return error;
    }
    return 0;
}

/* --- objects --- */

static const struct tree_rule *rule_of(const struct json_doc *doc, uint32_t key,
                                       const struct tree_rule *rules)
{
    for (; rules != NULL && rules->name != NULL; rules++)
        if (json_string_is(doc, key, rules->name))
            return rules;
    return &any_member;
}

static struct tree_node *find(struct tree_node *node, const char *name, size_t len)
{
    for (size_t i = 0; i < node->count; i++)
        if (node->items[i].name_len == len && memcmp(node->items[i].name, name, len) == 0)
            return node->items[i].node;
    return NULL;
}

/* Names are compared as they are written: nobody who streams spells one in two ways. */
static int make_member(struct assembly_tree *tree, struct tree_node *node, enum tree_merge merge,
                       struct text name, struct tree_node **ret_member)
{
    struct tree_item *item;
    int error;

    *ret_member = find(node, name.bytes, name.len);
    if (*ret_member != NULL)
        return 0;
    if (node->count == TREE_MEMBERS_MAX || name.len > tree->bytes_max - tree->bytes)
        return -E2BIG;
    error = add_item(tree, node, &item);
    if (error != 0)
        return error;
    item->name = malloc(name.len);
    if (item->name == NULL)
        return -ENOMEM;
    memcpy(item->name, name.bytes, name.len);
    item->name_len = name.len;
    tree->bytes += name.len;
    error = make_node(tree, merge, &item->node);
    *ret_member = item->node;
    return error;
}

static enum json_type type_for(enum tree_merge merge)
{
    switch (merge) {
    case TREE_TEXT:
    case TREE_JSON:
        return JSON_STRING;
    case TREE_LIST:
    case TREE_INDEXED:
    case TREE_DETAILS:
        return JSON_ARRAY;
    default:
        return JSON_OBJECT;
    }
}

/* A value of the type that the rule joins. */
static int join(struct assembly_tree *tree, struct tree_node *node, const struct tree_rule *rule,
                const struct json_doc *doc, uint32_t value)
{
    switch (rule->merge) {
    case TREE_TEXT:
        return take_string(tree, node, doc, value);
    case TREE_JSON:
        return take_json(tree, node, doc, value);
    case TREE_LIST:
        return take_list(tree, node, doc, value);
    case TREE_INDEXED:
        node->is_joined = true;
        return take_indexed(tree, node, rule, doc, value);
    case TREE_DETAILS:
        node->is_joined = true;
        return take_details(tree, node, rule, doc, value);
    default:
        node->is_joined = true;
        return tree_merge(tree, node, rule->members, doc, value);
    }
}

static int take(struct assembly_tree *tree, struct tree_node *node, const struct tree_rule *rule,
                const struct json_doc *doc, uint32_t value)
{
    const struct json_token *token = &doc->tokens[value];

    if (token->type == JSON_NULL) {
        node->is_null = true;
        return 0;
    }
    switch (rule->merge) {
    case TREE_FIRST:
        return node->raw.len > 0 ? 0 : take_raw(tree, node, doc, value);
    case TREE_FIXED:
        return replace(tree, &node->raw, rule->fixed, strlen(rule->fixed));
    case TREE_ITEM:
        node->is_joined = true;
        return take_elements(tree, node, doc, token->start, token->end);
    case TREE_LAST:
        return take_raw(tree, node, doc, value);
    default:
        if (token->type == type_for(rule->merge))
            return join(tree, node, rule, doc, value);
        return take_raw(tree, node, doc, value);
    }
}

static int take_member(struct assembly_tree *tree, struct tree_node *node,
                       const struct tree_rule *rule, const struct json_doc *doc, uint32_t key)
{
    struct text name = {doc->text + doc->tokens[key].start,
                        doc->tokens[key].end - doc->tokens[key].start};
    struct tree_node *member;
    int error;

    if (rule->merge == TREE_DROP)
        return 0;
    if (rule->as != NULL)
        name = text_of(rule->as);
    error = make_member(tree, node, rule->merge, name, &member);
    return error != 0 ? error : take(tree, member, rule, doc, key + 1);
}

int tree_merge(struct assembly_tree *tree, struct tree_node *node, const struct tree_rule *rules,
               const struct json_doc *doc, uint32_t object)
{
    if (!answer_field_is(doc, object, JSON_OBJECT))
        return -EBADMSG;
    for (uint32_t key = json_first(doc, object); key != JSON_NONE;
         key = json_next(doc, object, key + 1)) {
        int error = take_member(tree, node, rule_of(doc, key, rules), doc, key);

        if (error != 0)
            return error;
    }
    return 0;
}

/* --- reading it --- */

struct tree_node *tree_member(struct tree_node *node, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; node != NULL && i < node->count; i++) {
        const struct tree_item *item = &node->items[i];

        if (item->name_len == len + 2 && memcmp(item->name + 1, name, len) == 0)
            return item->node;
    }
    return NULL;
}

size_t tree_count(const struct tree_node *node)
{
    return node == NULL ? 0 : node->count;
}

struct tree_node *tree_element(struct tree_node *node, size_t at)
{
    return node == NULL || at >= node->count ? NULL : node->items[at].node;
}

bool tree_is_said(const struct tree_node *node)
{
    return node != NULL && (node->is_joined || node->raw.len > 0 || node->count > 0);
}

/* A JSON text that was cut off (a tool call at the end of the budget) has no value; an empty object
 * is what it began with. */
static void print_json(const struct tree_node *node, struct out *out)
{
    struct json_doc doc;
    bool sound;

    if (node->joined.len == 0) {
        out_text(out, "{}");
        return;
    }
    json_doc_init(&doc);
    sound = json_parse(&doc, node->joined.bytes, node->joined.len, NULL) == 0;
    json_doc_release(&doc);
    if (sound)
        out_bytes(out, node->joined.bytes, node->joined.len);
    else
        out_text(out, "{}");
}

static void print_items(const struct tree_node *node, struct out *out)
{
    bool is_object = node->merge == TREE_OBJECT;

    out_char(out, is_object ? '{' : '[');
    for (size_t i = 0, printed = 0; i < node->count; i++) {
        const struct tree_item *item = &node->items[i];

        if (item->node == NULL)
            continue;
        if (printed++ > 0)
            out_char(out, ',');
        if (is_object) {
            out_bytes(out, item->name, item->name_len);
            out_char(out, ':');
        }
        tree_print(item->node, out);
    }
    out_char(out, is_object ? '}' : ']');
}

static void print_joined(const struct tree_node *node, struct out *out)
{
    bool is_text = node->merge == TREE_TEXT;

    if (node->merge == TREE_JSON) {
        print_json(node, out);
        return;
    }
    if (!is_text && node->merge != TREE_LIST && node->merge != TREE_ITEM) {
        print_items(node, out);
        return;
    }
    out_char(out, is_text ? '"' : '[');
    out_bytes(out, node->joined.bytes, node->joined.len);
    out_char(out, is_text ? '"' : ']');
}

void tree_print(const struct tree_node *node, struct out *out)
{
    if (node->is_joined || node->count > 0)
        print_joined(node, out);
    else if (node->raw.len > 0)
        out_bytes(out, node->raw.bytes, node->raw.len);
    else
        out_text(out, node->merge == TREE_OBJECT && !node->is_null ? "{}" : "null");
}
