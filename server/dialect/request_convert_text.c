/* request_convert_text.c - members of the client's objects, words said instead, complaints. See
 * request_convert_private.h. */
#include "server/dialect/request_convert_private.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PATH_MAX_BYTES = 64 }; /* of a path in a warning; a client can size it */

/* --- values --- */

bool convert_is(const struct json_doc *doc, uint32_t token, enum json_type type)
{
    return token != JSON_NONE && doc->tokens[token].type == type;
}

bool convert_is_said(const struct json_doc *doc, uint32_t token)
{
    return token != JSON_NONE && doc->tokens[token].type != JSON_NULL;
}

bool convert_is_nothing(const struct json_doc *doc, uint32_t token)
{
    if (!convert_is_said(doc, token))
        return true;
    switch ((enum json_type)doc->tokens[token].type) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return json_first(doc, token) == JSON_NONE;
    case JSON_STRING:
        return doc->tokens[token].end - doc->tokens[token].start == 2;
    case JSON_FALSE:
        return true;
    case JSON_NUMBER:
    case JSON_TRUE:
    case JSON_NULL:
        break;
    }
    return false;
}

bool convert_is_text(const struct json_doc *doc, uint32_t token, struct text text)
{
    char scratch[ROW_NAME_MAX + 1];
    const char *bytes;
    size_t len;

    if (token == JSON_NONE || json_string(doc, token, scratch, sizeof(scratch), &bytes, &len) != 0)
        return false;
    return len == text.len && memcmp(bytes, text.bytes, len) == 0;
}

/* --- members --- */

/* The name of a member; see convert_fold() for why it always fits. */
static struct text name_of(const struct json_doc *doc, uint32_t key, char scratch[REQUEST_NAME_MAX])
{
    struct text name;
    int error = json_string(doc, key, scratch, REQUEST_NAME_MAX, &name.bytes, &name.len);

    assert(error == 0);
    return name;
}

static bool is_same_name(const struct json_doc *doc, uint32_t a, uint32_t b)
{
    char scratch_a[REQUEST_NAME_MAX], scratch_b[REQUEST_NAME_MAX];
    struct text one = name_of(doc, a, scratch_a), other = name_of(doc, b, scratch_b);

    return one.len == other.len && memcmp(one.bytes, other.bytes, one.len) == 0;
}

/* FNV-1a. Who looks for names that collide gains a few comparisons. */
static uint32_t hash_of(const struct json_doc *doc, uint32_t key)
{
    char scratch[REQUEST_NAME_MAX];
    struct text name = name_of(doc, key, scratch);
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.bytes[i]) * 16777619U;
    return hash;
}

/* The member of that name, or a new one; *ret_new tells. */
static struct convert_member *place_of(const struct json_doc *doc, struct convert_members *members,
                                       uint32_t key, bool *ret_new)
{
    uint32_t hash = hash_of(doc, key);
    uint16_t *chain = &members->chain[hash % CONVERT_CHAINS];
    size_t at;

    for (at = *chain; at != 0; at = members->next[at - 1]) {
        if (members->hash[at - 1] == hash && is_same_name(doc, members->at[at - 1].key, key)) {
            *ret_new = false;
            return &members->at[at - 1];
        }
    }
    at = members->count++;
    assert(at < REQUEST_MEMBERS_MAX);
    members->hash[at] = hash;
    members->next[at] = *chain;
    *chain = (uint16_t)(at + 1);
    members->at[at] = (struct convert_member){.key = key};
    *ret_new = true;
    return &members->at[at];
}

int convert_fold(struct convert *convert, uint32_t object, struct convert_members *ret_members)
{
    const struct json_doc *doc = convert->doc;
    struct convert_members *members = ret_members;
    size_t keys = 0;

    members->count = 0;
    members->folded = false;
    memset(members->chain, 0, sizeof(members->chain));
    for (uint32_t key = json_first(doc, object); key != JSON_NONE;
         key = json_next(doc, object, key + 1)) {
        bool new;

        if (doc->tokens[key].end - doc->tokens[key].start > REQUEST_NAME_MAX)
            return convert_malformed(convert, "the name of a member", "shorter than 255 bytes");
        if (++keys > REQUEST_MEMBERS_MAX)
            return convert_malformed(convert, "an object of the request", "of at most 256 members");
        place_of(doc, members, key, &new)->value = key + 1;
        if (!new)
            members->folded = true;
    }
    return 0;
}

void convert_comma(struct out *out)
{
    if (out->len > 0 && out->bytes[out->len - 1] != '{')
        out_char(out, ',');
}

void convert_splice(const struct convert *convert, const struct convert_member *member,
                    struct out *out)
{
    const struct json_token *tokens = convert->doc->tokens;

    convert_comma(out);
    if (member->value == member->key + 1) {
        out_span(out, convert->doc, tokens[member->key].start, tokens[member->value].end);
        return;
    }
    out_value(out, convert->doc, member->key);
    out_char(out, ':');
    out_value(out, convert->doc, member->value);
}

/* --- our words --- */

struct out *convert_say(struct convert *convert, const char *name)
{
    assert(convert->say_count < CONVERT_SAYS_MAX);
    for (size_t i = 0; i < convert->say_count; i++)
        assert(strcmp(convert->say[i].name, name) != 0);
    convert->say[convert->say_count] =
        (struct convert_say){.name = name, .from = convert->words.len};
    return &convert->words;
}

void convert_said(struct convert *convert)
{
    convert->say[convert->say_count++].to = convert->words.len;
}

void convert_say_text(struct convert *convert, const char *name, struct text text)
{
    out_string(convert_say(convert, name), text);
    convert_said(convert);
}

void convert_say_value(struct convert *convert, const char *name, uint32_t value)
{
    out_value(convert_say(convert, name), convert->doc, value);
    convert_said(convert);
}

bool convert_has(const struct convert *convert, const char *name)
{
    const struct json_doc *doc = convert->doc;

    for (size_t i = 0; i < convert->say_count; i++) {
        if (strcmp(convert->say[i].name, name) == 0)
            return true;
    }
    for (size_t i = 0; i < convert->members.count; i++) {
        const struct convert_member *member = &convert->members.at[i];

        if (!member->gone && json_string_is(doc, member->key, name))
            return convert_is_said(doc, member->value);
    }
    return false;
}

void convert_drop(struct convert *convert, const char *name)
{
    for (size_t i = 0; i < convert->members.count; i++) {
        if (json_string_is(convert->doc, convert->members.at[i].key, name))
            convert->members.at[i].gone = true;
    }
}

void convert_unroute(struct convert *convert, const char *name)
{
    assert(convert->routing_count < CONVERT_ROUTING_MAX);
    convert->routing_name[convert->routing_count++] = name;
}

struct out *convert_route(struct convert *convert, const char *name)
{
    convert_unroute(convert, name);
    out_name(&convert->routing, name);
    return &convert->routing;
}

bool convert_routes(const struct convert *convert, const char *name)
{
    for (size_t i = 0; i < convert->routing_count; i++) {
        if (strcmp(convert->routing_name[i], name) == 0)
            return true;
    }
    return false;
}

/* --- complaints --- */

/* A name that a client chose, fit for a header: visible ASCII without commas. */
static void print_path(char path[PATH_MAX_BYTES], const char *parent, const struct json_doc *doc,
                       uint32_t key)
{
    char scratch[REQUEST_NAME_MAX];
    const char *bytes = "";
    size_t len = 0, at = (size_t)snprintf(path, PATH_MAX_BYTES, "%s", parent);

    if (json_string(doc, key, scratch, sizeof(scratch), &bytes, &len) != 0)
        len = 0;
    for (size_t i = 0; i < len && at + 1 < PATH_MAX_BYTES; i++) {
        bool fit = bytes[i] > ' ' && bytes[i] <= '~' && bytes[i] != ',';

        path[at++] = fit ? bytes[i] : '?';
    }
    path[at] = '\0';
}

void convert_warn(struct convert *convert, const char *path)
{
    static const char more[] = ", ...";
    size_t at = strlen(convert->warning), len = strlen(path);

    if (at + 2 + len + sizeof(more) <= sizeof(convert->warning))
        snprintf(convert->warning + at, sizeof(convert->warning) - at, "%s%s", at > 0 ? ", " : "",
                 path);
    else if (at < sizeof(more) - 1 || strcmp(convert->warning + at - (sizeof(more) - 1), more) != 0)
        snprintf(convert->warning + at, sizeof(convert->warning) - at, "%s", more);
}

void convert_warn_member(struct convert *convert, const char *parent, uint32_t key)
{
    char path[PATH_MAX_BYTES];

    print_path(path, parent, convert->doc, key);
    convert_warn(convert, path);
}

int convert_refuse(struct convert *convert, const char *path, const char *why)
{
    static const char *const names[] = {
        [DIALECT_VERCEL] = "Vercel AI Gateway",
        [DIALECT_OPENROUTER] = "OpenRouter",
        [DIALECT_OPENAI] = "a generic upstream",
    };

    snprintf(convert->detail, sizeof(convert->detail), "%s cannot be sent to %s: %s", path,
             names[convert->to], why);
    return -EINVAL;
}

int convert_refuse_member(struct convert *convert, const char *parent, uint32_t key,
                          const char *why)
{
    char path[PATH_MAX_BYTES];

    print_path(path, parent, convert->doc, key);
    return convert_refuse(convert, path, why);
}

int convert_malformed(struct convert *convert, const char *path, const char *must)
{
    snprintf(convert->detail, sizeof(convert->detail), "%s must be %s", path, must);
    return -EINVAL;
}

/* --- rules --- */

static const struct convert_rule *rule_of(const struct convert *convert,
                                          const struct convert_table *table, uint32_t key)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct convert_rule *rule = &table->rules[i];

        if ((rule->apis & CONVERT_ON(convert->api)) != 0 &&
            json_string_is(convert->doc, key, rule->name))
            return rule;
    }
    return NULL;
}

static int apply(struct convert *convert, const struct convert_table *table,
                 struct convert_member *member)
{
    const struct convert_rule *rule = rule_of(convert, table, member->key);
    enum convert_act act = rule != NULL ? rule->act : table->otherwise;
    bool nothing = convert_is_nothing(convert->doc, member->value);
    int result = CONVERT_GONE;

    if (act == CONVERT_KEEP)
        return 0;
    if (act == CONVERT_TAKE)
        result = rule->take(convert, member->value);
    else if (act == CONVERT_WARN && !nothing)
        convert_warn_member(convert, table->parent, member->key);
    else if (act == CONVERT_REFUSE && !nothing)
        result = convert_refuse_member(convert, table->parent, member->key,
                                       rule != NULL ? rule->why : table->why);
    if (result < 0)
        return result;
    if (result == CONVERT_GONE)
        member->gone = true;
    return 0;
}

int convert_apply(struct convert *convert, const struct convert_table *table,
                  struct convert_members *members)
{
    int error = 0;

    for (size_t i = 0; i < members->count && error == 0; i++)
        error = apply(convert, table, &members->at[i]);
    return error;
}
