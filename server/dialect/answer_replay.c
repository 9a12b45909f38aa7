#include "server/dialect/answer_replay.h"

#include "accounting/money.h"
#include "server/dialect/answer_field.h"
#include "server/dialect/answer_grammar.h"

#include <assert.h>
#include <string.h>

/* All walks here follow document order and touch no span twice: that alone makes the edits sorted
 * and disjoint, and note_edit() holds us to it. */
static void note_edit(struct answer *answer, struct tape_edit edit)
{
    assert(edit.at + edit.cut <= answer->doc.len);
    if (answer->edit_count > 0) {
        const struct tape_edit *last = &answer->edits[answer->edit_count - 1];

        assert(edit.at >= last->at + last->cut);
    }
    if (answer->edit_count == ANSWER_EDITS_MAX) {
        answer->too_many_edits = true;
        return;
    }
    answer->edits[answer->edit_count++] = edit;
}

static void note_zero(struct answer *answer, uint32_t start, uint32_t end)
{
    struct tape_edit edit = {.at = start, .cut = end - start, .text_len = 1, .text = "0"};

    assert(start < end);
    if (edit.cut == 1 && answer->doc.text[start] == '0')
        return;
    note_edit(answer, edit);
}

/* A stamp between the quotes of a string. */
static void note_id(struct answer *answer, uint32_t value)
{
    const struct json_token *token = &answer->doc.tokens[value];
    struct tape_edit edit = {.at = token->start + 1, .slot = ANSWER_SLOT_ID};

    if (token->type != JSON_STRING)
        return;
    edit.cut = token->end - token->start - 2;
    note_edit(answer, edit);
}

static void note_created(struct answer *answer, uint32_t value)
{
    const struct json_token *token = &answer->doc.tokens[value];
    struct tape_edit edit = {.at = token->start, .slot = ANSWER_SLOT_CREATED};

    if (token->type != JSON_NUMBER)
        return;
    edit.cut = token->end - token->start;
    note_edit(answer, edit);
}

static size_t count_digits(const char *bytes, size_t len, size_t at)
{
    size_t digits = 0;

    while (at + digits < len && bytes[at + digits] >= '0' && bytes[at + digits] <= '9')
        digits++;
    return digits;
}

/* The grammar of money.h, of any size: a number too large to be money must vanish as well. */
static bool is_decimal(const char *bytes, size_t len)
{
    size_t at = 0;
    size_t digits;

    if (at < len && bytes[at] == '-')
        at++;
    digits = count_digits(bytes, len, at);
    if (digits == 0)
        return false;
    at += digits;
    if (at < len && bytes[at] == '.') {
        digits = count_digits(bytes, len, at + 1);
        if (digits == 0)
            return false;
        at += 1 + digits;
    }
    if (at < len && (bytes[at] == 'e' || bytes[at] == 'E')) {
        at++;
        if (at < len && (bytes[at] == '+' || bytes[at] == '-'))
            at++;
        digits = count_digits(bytes, len, at);
        if (digits == 0)
            return false;
        at += digits;
    }
    return at == len;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* In JSON a string is a key if and only if a colon follows; this spares every walk a stack. */
static bool is_key(const struct json_doc *doc, uint32_t token)
{
    size_t at = doc->tokens[token].end;

    if (doc->tokens[token].type != JSON_STRING)
        return false;
    while (at < doc->len && is_space(doc->text[at]))
        at++;
    return at < doc->len && doc->text[at] == ':';
}

/* Every number and decimal string in a value, itself included, becomes zero in its own type. */
static void note_zeros(struct answer *answer, uint32_t value)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t end = doc->tokens[value].next;

    for (uint32_t i = value; i < end; i++) {
        const struct json_token *token = &doc->tokens[i];
        char scratch[MONEY_DIGITS_MAX];
        const char *bytes;
        size_t len;

        if (token->type == JSON_NUMBER) {
            note_zero(answer, token->start, token->end);
            continue;
        }
        if (token->type != JSON_STRING || is_key(doc, i))
            continue;
        if (json_string(doc, i, scratch, sizeof(scratch), &bytes, &len) == 0 &&
            is_decimal(bytes, len))
            note_zero(answer, token->start + 1, token->end - 1);
    }
}

static bool ends_with(const char *bytes, size_t len, const char *end)
{
    size_t end_len = strlen(end);

    return len >= end_len && memcmp(bytes + len - end_len, end, end_len) == 0;
}

static bool is_cost_name(const struct json_doc *doc, uint32_t key)
{
    char scratch[256];
    const char *name;
    size_t len;

    if (json_string(doc, key, scratch, sizeof(scratch), &name, &len) != 0)
        return false;
    return (len == 4 && memcmp(name, "cost", 4) == 0) || ends_with(name, len, "Cost") ||
           ends_with(name, len, "_cost");
}

/* One member of the gateway's metadata and all that is inside it. */
static void note_gateway_member(struct answer *answer, uint32_t key)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t end = doc->tokens[key + 1].next;
    uint32_t i = key;

    while (i < end) {
        bool is_member = is_key(doc, i);

        if (is_member && json_string_is(doc, i, "generationId")) {
            note_id(answer, i + 1);
            i = doc->tokens[i + 1].next;
        } else if (is_member && is_cost_name(doc, i)) {
            note_zeros(answer, i + 1);
            i = doc->tokens[i + 1].next;
        } else {
            i++;
        }
    }
}

static void note_gateway(struct answer *answer, uint32_t gateway)
{
    const struct json_doc *doc = &answer->doc;

    if (!answer_field_is(doc, gateway, JSON_OBJECT))
        return;
    for (uint32_t key = json_first(doc, gateway); key != JSON_NONE;
         key = json_next(doc, gateway, key + 1)) {
        if (!json_string_is(doc, key, "routing"))
            note_gateway_member(answer, key);
    }
}

/* What stands beside the gateway's member is the provider's own, and part of the answer. */
static void note_metadata(struct answer *answer, uint32_t metadata)
{
    const struct json_doc *doc = &answer->doc;

    if (!answer_field_is(doc, metadata, JSON_OBJECT))
        return;
    for (uint32_t key = json_first(doc, metadata); key != JSON_NONE;
         key = json_next(doc, metadata, key + 1)) {
        if (json_string_is(doc, key, "gateway"))
            note_gateway(answer, key + 1);
    }
}

/* Cuts a whole member and one comma: the one before it when a member that stays stands before it,
 * else the one behind it, if any. So any number of cut members leaves a sound object. */
static void note_cut(struct answer *answer, uint32_t key, bool keeps_earlier)
{
    const struct json_doc *doc = &answer->doc;
    size_t start = doc->tokens[key].start;
    size_t end = doc->tokens[key + 1].end;

    if (keeps_earlier) {
        do {
            assert(start > 0);
            start--;
        } while (doc->text[start] != ',');
    } else {
        size_t behind = end;

        while (behind < doc->len && is_space(doc->text[behind]))
            behind++;
        if (behind < doc->len && doc->text[behind] == ',')
            end = behind + 1;
    }
    note_edit(answer, (struct tape_edit){.at = start, .cut = (uint32_t)(end - start)});
}

/* The rule for a member, or NULL; type: of the member's object, looked up once for all its members.
 * Members given twice are each changed: which one counts is the reader's business. */
static const struct answer_rule *find_rule(const struct json_doc *doc, uint32_t type, uint32_t key,
                                           const struct answer_rule *rules)
{
    char scratch[256];
    const char *name;
    size_t len;

    if (json_string(doc, key, scratch, sizeof(scratch), &name, &len) != 0)
        return NULL; /* longer than any name that a rule has */
    for (const struct answer_rule *rule = rules; rule->name != NULL; rule++) {
        if (rule->name_len != len || memcmp(rule->name, name, len) != 0)
            continue;
        if (rule->type == NULL || json_string_is(doc, type, rule->type))
            return rule;
    }
    return NULL;
}

static void note_object(struct answer *answer, uint32_t object, const struct answer_rule *rules);

static void note_array(struct answer *answer, uint32_t array, const struct answer_rule *rules)
{
    const struct json_doc *doc = &answer->doc;

    if (!answer_field_is(doc, array, JSON_ARRAY))
        return;
    for (uint32_t element = json_first(doc, array); element != JSON_NONE;
         element = json_next(doc, array, element))
        note_object(answer, element, rules);
}

static void apply_rule(struct answer *answer, uint32_t value, const struct answer_rule *rule)
{
    switch (rule->change) {
    case ANSWER_NEW_ID:
        note_id(answer, value);
        break;
    case ANSWER_NEW_TIME:
        note_created(answer, value);
        break;
    case ANSWER_ZEROS:
        note_zeros(answer, value);
        break;
    case ANSWER_METADATA:
        note_metadata(answer, value);
        break;
    case ANSWER_IN_OBJECT:
        note_object(answer, value, rule->inside);
        break;
    case ANSWER_IN_ARRAY:
        note_array(answer, value, rule->inside);
        break;
    case ANSWER_CUT: /* of the member, not of its value */
        assert(false);
        break;
    }
}

/* Calls itself no deeper than the tables of rules nest, whatever the text does. */
static void note_object(struct answer *answer, uint32_t object, const struct answer_rule *rules)
{
    const struct json_doc *doc = &answer->doc;
    bool keeps_earlier = false;
    uint32_t type;

    if (!answer_field_is(doc, object, JSON_OBJECT))
        return;
    type = json_get(doc, object, "type");
    for (uint32_t key = json_first(doc, object); key != JSON_NONE;
         key = json_next(doc, object, key + 1)) {
        const struct answer_rule *rule = find_rule(doc, type, key, rules);

        if (rule != NULL && rule->change == ANSWER_CUT) {
            note_cut(answer, key, keeps_earlier);
            continue;
        }
        keeps_earlier = true;
        if (rule != NULL)
            apply_rule(answer, key + 1, rule);
    }
}

void answer_replay_note(struct answer *answer)
{
    assert(answer_field_is(&answer->doc, 0, JSON_OBJECT));
    assert(answer->grammar->rules != NULL);
    answer->edit_count = 0;
    note_object(answer, 0, answer->grammar->rules);
}
