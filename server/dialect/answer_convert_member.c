/* answer_convert_member.c - the walk over an object along a table, and the members that every table
 * has. Depth is the tables' own, never the text's. */
#include "server/dialect/answer_convert_private.h"

#include "server/dialect/answer_field.h"

#include <assert.h>
#include <string.h>

/* --- the walk --- */

static const struct rewrite_rule *rule_of(const struct json_doc *doc, uint32_t key,
                                          const struct rewrite_rule *rules)
{
    for (; rules->name != NULL; rules++)
        if (json_string_is(doc, key, rules->name))
            return rules;
    return NULL;
}

static void keep(struct rewrite *rewrite, uint32_t key)
{
    struct out *out = rewrite->out;

    if (out->len > 0 && out->bytes[out->len - 1] != '{')
        out_char(out, ',');
    out_value(out, rewrite->doc, key);
    out_char(out, ':');
    out_value(out, rewrite->doc, key + 1);
}

void rewrite_object(struct rewrite *rewrite, uint32_t object, const struct rewrite_rule *rules,
                    void (*tail)(struct rewrite *rewrite, uint32_t object))
{
    const struct json_doc *doc = rewrite->doc;
    uint32_t seen = 0;

    if (!answer_field_is(doc, object, JSON_OBJECT)) {
        out_value(rewrite->out, doc, object);
        return;
    }
    out_char(rewrite->out, '{');
    for (uint32_t key = json_first(doc, object); key != JSON_NONE;
         key = json_next(doc, object, key + 1)) {
        const struct rewrite_rule *rule = rule_of(doc, key, rules);
        uint32_t bit;

        if (rule == NULL) {
            keep(rewrite, key);
            continue;
        }
        assert(rule - rules < REWRITE_RULES_MAX);
        bit = UINT32_C(1) << (rule - rules);
        if ((seen & bit) == 0 && rule->write != NULL)
            rule->write(rewrite, rule, object, json_get(doc, object, rule->name));
        seen |= bit;
    }
    if (tail != NULL)
        tail(rewrite, object);
    out_char(rewrite->out, '}');
}

void rewrite_array(struct rewrite *rewrite, uint32_t array, const struct rewrite_rule *rules,
                   void (*tail)(struct rewrite *rewrite, uint32_t object))
{
    const struct json_doc *doc = rewrite->doc;

    if (!answer_field_is(doc, array, JSON_ARRAY)) {
        out_value(rewrite->out, doc, array);
        return;
    }
    out_char(rewrite->out, '[');
    for (uint32_t item = json_first(doc, array); item != JSON_NONE;
         item = json_next(doc, array, item)) {
        out_next(rewrite->out);
        rewrite_object(rewrite, item, rules, tail);
    }
    out_char(rewrite->out, ']');
}

/* --- members --- */

void rewrite_keep(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                  uint32_t value)
{
    (void)object;
    out_name(rewrite->out, rule->name);
    out_value(rewrite->out, rewrite->doc, value);
}

void rewrite_unless_null(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                         uint32_t value)
{
    if (answer_field_is_said(rewrite->doc, value))
        rewrite_keep(rewrite, rule, object, value);
}

void rewrite_id(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                uint32_t value)
{
    if (rewrite->conversion->shown_id.len == 0 ||
        !answer_field_is(rewrite->doc, value, JSON_STRING)) {
        rewrite_keep(rewrite, rule, object, value);
        return;
    }
    out_name(rewrite->out, rule->name);
    out_string(rewrite->out, rewrite->conversion->shown_id);
}

static bool is_text(struct text text, const char *bytes, size_t len)
{
    return text.len == len && memcmp(text.bytes, bytes, len) == 0;
}

/* The model that was asked for is called as the client called it; another one, that served in its
 * place, is looked up. */
void rewrite_model_value(const struct answer_conversion *conversion, struct out *out,
                         const struct json_doc *doc, uint32_t value)
{
    char scratch[ROW_NAME_MAX + 1], id[ROW_NAME_MAX + 1];
    const char *model, *sort = NULL;
    size_t len;

    if (json_string(doc, value, scratch, sizeof(scratch), &model, &len) != 0 || len == 0 ||
        len > ROW_NAME_MAX) {
        out_value(out, doc, value);
    } else if (conversion->model_requested.len > 0 && is_text(conversion->model_sent, model, len)) {
        out_string(out, conversion->model_requested);
    } else if (conversion->map != NULL && conversion->from != conversion->to &&
               model_map_model(conversion->map, conversion->from, conversion->to,
                               (struct text){model, len}, false, id, &sort) == MODEL_MAP_MAPPED) {
        out_string(out, text_of(id));
    } else {
        out_value(out, doc, value);
    }
}

bool converter_served_model(const struct answer_conversion *conversion, const struct json_doc *doc,
                            uint32_t value, char model[ROW_NAME_MAX + 1])
{
    struct out text = OUT_INIT;
    struct json_doc name;
    bool found = false;

    if (!answer_field_is(doc, value, JSON_STRING))
        return false;
    rewrite_model_value(conversion, &text, doc, value);
    json_doc_init(&name);
    if (text.error == 0 && json_parse(&name, text.bytes, text.len, NULL) == 0)
        found = answer_field_text(&name, 0, model, ROW_NAME_MAX + 1);
    json_doc_release(&name);
    out_release(&text);
    return found;
}

void rewrite_model(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                   uint32_t value)
{
    (void)object;
    out_name(rewrite->out, rule->name);
    rewrite_model_value(rewrite->conversion, rewrite->out, rewrite->doc, value);
}

/* null says no more than absence: both clients read it as that, but Vercel never writes it. */
void rewrite_reasoning(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                       uint32_t value)
{
    uint32_t alias = json_get(rewrite->doc, object, "reasoning_content");

    if (!answer_field_is_said(rewrite->doc, value) && answer_field_is_said(rewrite->doc, alias))
        value = alias;
    if (rewrite->conversion->to == DIALECT_VERCEL)
        rewrite_unless_null(rewrite, rule, object, value);
    else
        rewrite_keep(rewrite, rule, object, value);
}

void rewrite_reasoning_content(struct rewrite *rewrite, const struct rewrite_rule *rule,
                               uint32_t object, uint32_t value)
{
    static const struct rewrite_rule reasoning = {"reasoning", NULL};

    (void)rule;
    if (json_get(rewrite->doc, object, "reasoning") == JSON_NONE)
        rewrite_unless_null(rewrite, &reasoning, object, value);
}

void rewrite_add_id(struct rewrite *rewrite, const char *name)
{
    const struct converter_node *id = &rewrite->facts->id;

    if (rewrite->conversion->shown_id.len > 0) {
        out_name(rewrite->out, name);
        out_string(rewrite->out, rewrite->conversion->shown_id);
    } else if (id->at != JSON_NONE) {
        out_name(rewrite->out, name);
        out_value(rewrite->out, id->doc, id->at);
    } else {
        rewrite_add_raw(rewrite, name, text_of(rewrite->converter->id));
    }
}

/* When the error is the first that the upstream says, nobody has named the answer: it is ours. */
static void add_error_id(struct rewrite *rewrite)
{
    const struct answer_conversion *conversion = rewrite->conversion;

    if (conversion->shown_id.len > 0 || rewrite->facts->id.at != JSON_NONE ||
        rewrite->converter->id[0] != '\0' || conversion->row_id.len == 0) {
        rewrite_add_id(rewrite, "id");
        return;
    }
    out_name(rewrite->out, "id");
    out_string(rewrite->out, conversion->row_id);
}

static void add_error_time(struct rewrite *rewrite)
{
    const char *created = rewrite->converter->created;

    if (created[0] != '\0') {
        rewrite_add_raw(rewrite, "created", text_of(created));
    } else if (rewrite->conversion->now_s > 0) {
        out_name(rewrite->out, "created");
        out_number(rewrite->out, rewrite->conversion->now_s);
    }
}

void rewrite_complete_error(struct rewrite *rewrite, uint32_t object)
{
    bool text = rewrite->conversion->api == API_COMPLETIONS;

    if (json_get(rewrite->doc, object, "id") == JSON_NONE)
        add_error_id(rewrite);
    if (json_get(rewrite->doc, object, "object") == JSON_NONE)
        rewrite_add_string(rewrite, "object", text ? "text_completion" : "chat.completion.chunk");
    if (json_get(rewrite->doc, object, "created") == JSON_NONE)
        add_error_time(rewrite);
    if (json_get(rewrite->doc, object, "model") == JSON_NONE) {
        out_name(rewrite->out, "model");
        out_string(rewrite->out, rewrite->conversion->model_requested);
    }
}

void rewrite_add_raw(struct rewrite *rewrite, const char *name, struct text raw)
{
    if (raw.len == 0)
        return;
    out_name(rewrite->out, name);
    out_bytes(rewrite->out, raw.bytes, raw.len);
}

void rewrite_add_string(struct rewrite *rewrite, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    out_name(rewrite->out, name);
    out_string(rewrite->out, text_of(value));
}

/* --- the same dialect --- */

static void same_choices(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                         uint32_t value);
static void same_choice_member(struct rewrite *rewrite, const struct rewrite_rule *rule,
                               uint32_t object, uint32_t value);
static void same_metadata(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                          uint32_t value);
static void same_gateway(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                         uint32_t value);
static void same_inner(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                       uint32_t value);

static const struct rewrite_rule same_top[] = {
    {"id", rewrite_id},
    {"generationId", rewrite_id},
    {"model", rewrite_model},
    {"choices", same_choices},
    {"provider_metadata", same_metadata},
    {"providerMetadata", same_metadata},
    {"response", same_inner}, /* of the responses endpoint's events */
    {"message", same_inner},  /* of the messages endpoint's message_start */
    {NULL, NULL},
};
static const struct rewrite_rule same_answer[] = {
    {"id", rewrite_id},
    {"generationId", rewrite_id},
    {"model", rewrite_model},
    {"provider_metadata", same_metadata},
    {"providerMetadata", same_metadata},
    {NULL, NULL},
};
static const struct rewrite_rule same_choice[] = {
    {"message", same_choice_member},
    {"delta", same_choice_member},
    {"provider_metadata", same_metadata},
    {"providerMetadata", same_metadata},
    {NULL, NULL},
};
static const struct rewrite_rule same_message[] = {
    {"provider_metadata", same_metadata},
    {"providerMetadata", same_metadata},
    {NULL, NULL},
};
static const struct rewrite_rule metadata_members[] = {
    {"gateway", same_gateway},
    {NULL, NULL},
};
static const struct rewrite_rule gateway_members[] = {
    {"generationId", rewrite_id},
    {NULL, NULL},
};

static void same_choices(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                         uint32_t value)
{
    (void)object;
    out_name(rewrite->out, rule->name);
    rewrite_array(rewrite, value, same_choice, NULL);
}

static void same_choice_member(struct rewrite *rewrite, const struct rewrite_rule *rule,
                               uint32_t object, uint32_t value)
{
    (void)object;
    out_name(rewrite->out, rule->name);
    rewrite_object(rewrite, value, same_message, NULL);
}

static void same_metadata(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                          uint32_t value)
{
    (void)object;
    out_name(rewrite->out, rule->name);
    rewrite_object(rewrite, value, metadata_members, NULL);
}

static void same_gateway(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                         uint32_t value)
{
    (void)object;
    out_name(rewrite->out, rule->name);
    rewrite_object(rewrite, value, gateway_members, NULL);
}

static void same_inner(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                       uint32_t value)
{
    (void)object;
    out_name(rewrite->out, rule->name);
    rewrite_object(rewrite, value, same_answer, NULL);
}

void rewrite_same(struct rewrite *rewrite)
{
    rewrite_object(rewrite, 0, same_top, NULL);
}
