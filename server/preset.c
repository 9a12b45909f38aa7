/* preset.c - which preset a body names. What becomes of the body is in preset_merge.c. */
#include "server/preset.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 1024 }; /* a model or preset that is longer is none */

#define MARK "@preset/"

/* The member's text when it is a string: 1; 0 when it is absent or null; -EINVAL for anything else.
 */
static int read_word(const struct json_doc *doc, const char *name, char scratch[WORD_MAX],
                     struct text *ret_word)
{
    uint32_t value = json_get(doc, 0, name);
    if (value == JSON_NONE || doc->tokens[value].type == JSON_NULL)
        return 0;
    if (json_string(doc, value, scratch, WORD_MAX, &ret_word->bytes, &ret_word->len) != 0 ||
        ret_word->len > WORD_MAX)
        return -EINVAL;
    return 1;
}

static const struct config_preset *find(const struct config *config, struct text name)
{
    for (unsigned i = 0; i < config->preset_count; i++) {
        const struct config_preset *preset = &config->preset[i];
        if (strlen(preset->name) == name.len && memcmp(preset->name, name.bytes, name.len) == 0)
            return preset;
    }
    return NULL;
}

/* Only what could be a preset's name is repeated. */
static void complain_unknown(struct preset_choice *choice, struct text name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_-.";
    bool shown = name.len > 0 && name.len <= 64;
    for (size_t i = 0; shown && i < name.len; i++)
        shown = memchr(letters, name.bytes[i], sizeof(letters) - 1) != NULL;
    if (shown)
        snprintf(choice->detail, sizeof(choice->detail), "There is no preset \"%.*s\".",
                 (int)name.len, name.bytes);
    else
        snprintf(choice->detail, sizeof(choice->detail), "There is no preset of that name.");
}

static void complain(struct preset_choice *choice, const char *detail)
{
    choice->preset = NULL;
    snprintf(choice->detail, sizeof(choice->detail), "%s", detail);
}

static void set_model(struct preset_choice *choice, struct text model)
{
    if (model.len > ROW_NAME_MAX) {
        complain(choice, "model is longer than 256 bytes.");
        return;
    }
    memcpy(choice->model, model.bytes, model.len);
    choice->model[model.len] = '\0';
}

/* "vendor/model@preset/name" in two. */
static bool split_model(struct text *model, struct text *ret_name)
{
    const char *mark = memmem(model->bytes, model->len, MARK, strlen(MARK));
    if (mark == NULL)
        return false;
    ret_name->bytes = mark + strlen(MARK);
    ret_name->len = model->len - (size_t)(ret_name->bytes - model->bytes);
    model->len = (size_t)(mark - model->bytes);
    return true;
}

void preset_choose(const struct config *config, const struct json_doc *doc,
                   struct preset_choice *ret_choice)
{
    char model_scratch[WORD_MAX], name_scratch[WORD_MAX];
    struct text model = {"", 0}, name = {"", 0}, behind = {"", 0};
    int has_name = read_word(doc, "preset", name_scratch, &name);
    bool is_behind;
    *ret_choice = (struct preset_choice){0};
    assert(doc->tokens[0].type == JSON_OBJECT);
    if (read_word(doc, "model", model_scratch, &model) < 0)
        model.len = 0; /* whoever reads the body says so */
    is_behind = model.len > 0 && split_model(&model, &behind);
    if (has_name < 0) {
        complain(ret_choice, "preset must be a string, the name of a preset.");
        return;
    }
    if (has_name > 0 && is_behind &&
        (name.len != behind.len || memcmp(name.bytes, behind.bytes, name.len) != 0)) {
        complain(ret_choice, "model and preset name two different presets; name one.");
        return;
    }
    if (has_name > 0 || is_behind) {
        ret_choice->preset = find(config, has_name > 0 ? name : behind);
        if (ret_choice->preset == NULL) {
            complain_unknown(ret_choice, has_name > 0 ? name : behind);
            return;
        }
        if (model.len == 0 && ret_choice->preset->model != NULL)
            model = text_of(ret_choice->preset->model);
    }
    set_model(ret_choice, model);
}

size_t preset_key_part(const struct config_preset *preset, char text[PRESET_KEY_PART_MAX])
{
    size_t name = strlen(preset->name), version = strlen(preset->version);
    assert(version == sizeof(preset->version) - 1);
    assert(name + 1 + version <= PRESET_KEY_PART_MAX);
    memcpy(text, preset->name, name + 1);
    memcpy(text + name + 1, preset->version, version);
    return name + 1 + version;
}
