/* config_print.c - the effective configuration as YAML, and the table as documentation. */
#include "server/config_table.h"

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

static bool emit_scalar(yaml_emitter_t *emitter, const char *text, yaml_scalar_style_t style)
{
    yaml_event_t event;
    return emit(emitter, &event,
                yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
                                             (int)strlen(text), 1, 1, style));
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

/* Text in quotes: a name may be `null`, a path may begin with *. */
static bool emit_key(yaml_emitter_t *emitter, const struct config_key *key, const void *base)
{
    char scratch[CONFIG_HOST_MAX + 16];
    const char *text = config_key_get(key, base, scratch);
    bool quoted = key->type >= CONFIG_ADDRESS;
    if (text == NULL)
        return true;
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
    unsigned count = group == CONFIG_LISTEN ? config->listen_count : config->upstream_count;
    yaml_event_t event;
    if (!emit(
            emitter, &event,
            yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE)))
        return false;
    for (unsigned n = 0; n < count; n++) {
        if (!emit_mapping(emitter) || !emit_keys(emitter, config, group, n) ||
            !emit_mapping_end(emitter))
            return false;
    }
    return emit(emitter, &event, yaml_sequence_end_event_initialize(&event));
}

/* An absent admin or prices section is effective too: it is left out. */
static bool is_stated(const struct config *config, enum config_group group)
{
    if (group == CONFIG_ADMIN)
        return config->admin.host != NULL;
    if (group == CONFIG_PRICES)
        return config->prices.file != NULL;
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
