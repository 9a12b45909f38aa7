/* config_print.c - the effective configuration as YAML, and the table as documentation. */
#include "cache/json.h"
#include "server/config_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

static int write_out(void *out, unsigned char *bytes, size_t len)
{
    return fwrite(bytes, 1, len, out) == len;
}

/* built: whether the event was; the emitter frees it either way. */
static bool emit(yaml_emitter_t *emitter, yaml_event_t *event, int built)
{
    return built && yaml_emitter_emit(emitter, event);
}

static bool emit_bytes(yaml_emitter_t *emitter, const char *bytes, size_t len,
                       yaml_scalar_style_t style)
{
    yaml_event_t event;
    return emit(emitter, &event,
                yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)bytes,
                                             (int)len, 1, 1, style));
}

static bool emit_scalar(yaml_emitter_t *emitter, const char *text, yaml_scalar_style_t style)
{
    return emit_bytes(emitter, text, strlen(text), style);
}

static bool emit_mapping(yaml_emitter_t *emitter)
{
    yaml_event_t event;
    return emit(
        emitter, &event,
        yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
}

static bool emit_mapping_end(yaml_emitter_t *emitter)
{
    yaml_event_t event;
    return emit(emitter, &event, yaml_mapping_end_event_initialize(&event));
}

static bool emit_sequence(yaml_emitter_t *emitter, yaml_sequence_style_t style)
{
    yaml_event_t event;
    return emit(emitter, &event,
                yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, style));
}

static bool emit_sequence_end(yaml_emitter_t *emitter)
{
    yaml_event_t event;
    return emit(emitter, &event, yaml_sequence_end_event_initialize(&event));
}

static bool emit_strings(yaml_emitter_t *emitter, const struct config_key *key, const void *base)
{
    const struct config_strings *strings =
        (const struct config_strings *)(const void *)((const char *)base + key->at);
    if (strings->count == 0)
        return true;
    if (!emit_scalar(emitter, key->name, YAML_PLAIN_SCALAR_STYLE) ||
        !emit_sequence(emitter, YAML_FLOW_SEQUENCE_STYLE))
        return false;
    for (unsigned i = 0; i < strings->count; i++) {
        if (!emit_scalar(emitter, strings->item[i], YAML_DOUBLE_QUOTED_SCALAR_STYLE))
            return false;
    }
    return emit_sequence_end(emitter);
}

/* scratch: room for the longest string of the document. */
static bool emit_token(yaml_emitter_t *emitter, const struct json_doc *doc, uint32_t i,
                       char *scratch, size_t size)
{
    const struct json_token *token = &doc->tokens[i];
    const char *bytes = doc->text + token->start;
    size_t len = token->end - token->start;
    if (token->type == JSON_OBJECT)
        return emit_mapping(emitter);
    if (token->type == JSON_ARRAY)
        return emit_sequence(emitter, YAML_BLOCK_SEQUENCE_STYLE);
    if (token->type != JSON_STRING)
        return emit_bytes(emitter, bytes, len, YAML_PLAIN_SCALAR_STYLE);
    return json_string(doc, i, scratch, size, &bytes, &len) == 0 &&
           emit_bytes(emitter, bytes, len, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

/* Tokens stand in the order of the text; what each closes is on a stack. */
static bool emit_tokens(yaml_emitter_t *emitter, const struct json_doc *doc, char *scratch)
{
    uint32_t open[CONFIG_JSON_DEPTH_MAX];
    unsigned depth = 0;
    for (uint32_t i = 0; i < doc->count; i++) {
        if (!emit_token(emitter, doc, i, scratch, doc->len))
            return false;
        if (doc->tokens[i].type == JSON_OBJECT || doc->tokens[i].type == JSON_ARRAY) {
            assert(depth < CONFIG_JSON_DEPTH_MAX);
            open[depth++] = i;
        }
        while (depth > 0 && doc->tokens[open[depth - 1]].next == i + 1) {
            depth--;
            if (!(doc->tokens[open[depth]].type == JSON_OBJECT ? emit_mapping_end(emitter)
                                                               : emit_sequence_end(emitter)))
                return false;
        }
    }
    return depth == 0;
}

static bool emit_json(yaml_emitter_t *emitter, const char *name, const char *json)
{
    char *scratch = malloc(strlen(json) + 1);
    struct json_doc doc;
    bool emitted;
    json_doc_init(&doc);
    emitted = scratch != NULL && json_parse(&doc, json, strlen(json), NULL) == 0 &&
              emit_scalar(emitter, name, YAML_PLAIN_SCALAR_STYLE) &&
              emit_tokens(emitter, &doc, scratch);
    json_doc_release(&doc);
    free(scratch);
    return emitted;
}

/* Text in quotes: a name may be `null`, a path may begin with *. */
static bool emit_key(yaml_emitter_t *emitter, const struct config_key *key, const void *base)
{
    char scratch[CONFIG_HOST_MAX + 16];
    bool quoted = key->type >= CONFIG_ADDRESS;
    const char *text;
    if (key->type == CONFIG_STRINGS)
        return emit_strings(emitter, key, base);
    text = config_key_get(key, base, scratch);
    if (text == NULL)
        return true;
    if (key->type == CONFIG_JSON)
        return emit_json(emitter, key->name, text);
    return emit_scalar(emitter, key->name, YAML_PLAIN_SCALAR_STYLE) &&
           emit_scalar(emitter, text,
                       quoted ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE);
}

static bool emit_keys(yaml_emitter_t *emitter, const struct config *config, enum config_group group,
                      unsigned index)
{
    struct config *unchanged = (struct config *)(uintptr_t)config; /* only read */
    for (unsigned i = 0; i < CONFIG_KEYS; i++) {
        if (config_keys[i].group == group &&
            !emit_key(emitter, &config_keys[i], config_base(unchanged, group, index)))
            return false;
    }
    return true;
}

static bool emit_list(yaml_emitter_t *emitter, const struct config *config, enum config_group group)
{
    struct config *unchanged = (struct config *)(uintptr_t)config; /* only read */
    unsigned count = *config_count(unchanged, group);
    if (!emit_sequence(emitter, YAML_BLOCK_SEQUENCE_STYLE))
        return false;
    for (unsigned n = 0; n < count; n++) {
        if (!emit_mapping(emitter) || !emit_keys(emitter, config, group, n) ||
            !emit_mapping_end(emitter))
            return false;
    }
    return emit_sequence_end(emitter);
}

/* An absent section is effective too: it is left out. */
static bool is_stated(const struct config *config, enum config_group group)
{
    if (group == CONFIG_ADMIN)
        return config->admin.host != NULL;
    if (group == CONFIG_PRICES)
        return config->prices.file != NULL;
    if (group == CONFIG_ROUTES)
        return config->route_count > 0;
    if (group == CONFIG_PRESETS)
        return config->preset_count > 0;
    if (group == CONFIG_CLIENTS)
        return config->client_count > 0;
    return true;
}

static bool emit_group(yaml_emitter_t *emitter, const struct config *config,
                       enum config_group group)
{
    if (!is_stated(config, group))
        return true;
    if (!emit_scalar(emitter, config_group_name(group), YAML_PLAIN_SCALAR_STYLE))
        return false;
    if (config_group_is_list(group))
        return emit_list(emitter, config, group);
    return emit_mapping(emitter) && emit_keys(emitter, config, group, 0) &&
           emit_mapping_end(emitter);
}

/* In the order of the table, where a group stands together. */
static bool emit_config(yaml_emitter_t *emitter, const struct config *config)
{
    yaml_event_t event;
    if (!emit(emitter, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING)) ||
        !emit(emitter, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1)) ||
        !emit_mapping(emitter))
        return false;
    for (unsigned i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->group == CONFIG_TOP && !emit_key(emitter, key, config))
            return false;
        if (key->group != CONFIG_TOP && (i == 0 || config_keys[i - 1].group != key->group) &&
            !emit_group(emitter, config, key->group))
            return false;
    }
    return emit_mapping_end(emitter) &&
           emit(emitter, &event, yaml_document_end_event_initialize(&event, 1)) &&
           emit(emitter, &event, yaml_stream_end_event_initialize(&event));
}

void config_print(const struct config *config, FILE *out)
{
    yaml_emitter_t emitter;
    if (!yaml_emitter_initialize(&emitter))
        return;
    yaml_emitter_set_output(&emitter, write_out, out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    if (!emit_config(&emitter, config)) /* what came so far is out; the rest is not guessed */
        fputs("\n# printing failed here\n", out);
    yaml_emitter_delete(&emitter);
}

void config_print_reference(FILE *out)
{
    for (unsigned i = 0; i < CONFIG_KEYS; i++) {
        char shown[CONFIG_SHOWN_SIZE];
        config_key_show(&config_keys[i], -1, shown);
        fprintf(out, "%s: ", shown);
        config_key_describe(&config_keys[i], out);
        fprintf(out, "\n    %s\n", config_keys[i].about);
    }
}
