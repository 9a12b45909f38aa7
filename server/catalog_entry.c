/* catalog_entry.c - one entry of a catalogue, in either schema, read into facts. */
#include "server/catalog_private.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

/* Words for what goes in and comes out. Bit i of a set is modalities[i]. */
static const struct {
    const char *openrouter, *vercel;
    const char *type; /* Vercel's type of a model whose only output this is; NULL: language */
} modalities[MODALITIES] = {
    {"text", "text", NULL},
    {"image", "image", "image"},
    {"file", "file", NULL},
    {"audio", "audio", "speech"},
    {"video", "video", "video"},
    {"embeddings", "embedding", "embedding"},
    {"rerank", "reranking", "reranking"},
    {"speech", "speech", "speech"},
    {"transcription", "transcription", "transcription"},
    {"decisions", "decisions", "evaluation"},
};
_Static_assert(MODALITY_DECISIONS == 1 << (MODALITIES - 1), "a bit for each word");

/* OpenRouter's families of tokenizers, by what an id contains; the first that fits. */
static const struct {
    const char *part, *group;
} groups[] = {
    {"openrouter/", "Router"}, {"claude", "Claude"},    {"gpt", "GPT"},
    {"gemini", "Gemini"},      {"gemma", "Gemma"},      {"grok", "Grok"},
    {"cohere/", "Cohere"},     {"amazon/nova", "Nova"}, {"qwen3", "Qwen3"},
    {"qwen-3", "Qwen3"},       {"qwen", "Qwen"},        {"01-ai/", "Yi"},
    {"deepseek", "DeepSeek"},  {"mistral", "Mistral"},  {"llama-2", "Llama2"},
    {"llama-3", "Llama3"},     {"llama-4", "Llama4"},   {"openai/", "GPT"},
};

const char *catalog_modality_name(unsigned index, enum config_dialect dialect)
{
    assert(index < MODALITIES);
    return dialect == DIALECT_OPENROUTER ? modalities[index].openrouter : modalities[index].vercel;
}

static bool is_word(struct text text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.bytes, word, text.len) == 0;
}

unsigned catalog_modality_find(struct text word)
{
    for (unsigned i = 0; i < MODALITIES; i++)
        if (is_word(word, modalities[i].openrouter) || is_word(word, modalities[i].vercel))
            return 1U << i;
    return is_word(word, "pdf") ? MODALITY_FILE : 0; /* as some lists say it */
}

static const struct json_doc *doc_of(const struct catalog_fact *fact)
{
    return &fact->catalog->doc;
}

static bool is_type(const struct catalog_fact *fact, uint32_t token, enum json_type type)
{
    return token != JSON_NONE && doc_of(fact)->tokens[token].type == type;
}

uint32_t catalog_fact_value(const struct catalog_fact *fact, const char *name, const char *other)
{
    uint32_t value = json_get(doc_of(fact), fact->entry->token, name);

    if (other != NULL && (value == JSON_NONE || is_type(fact, value, JSON_NULL)))
        value = json_get(doc_of(fact), fact->entry->token, other);
    return value;
}

bool catalog_fact_lists(const struct catalog_fact *fact, const char *name, const char *item)
{
    uint32_t list = catalog_fact_value(fact, name, NULL);

    if (!is_type(fact, list, JSON_ARRAY))
        return false;
    for (uint32_t at = json_first(doc_of(fact), list); at != JSON_NONE;
         at = json_next(doc_of(fact), list, at))
        if (json_string_is(doc_of(fact), at, item))
            return true;
    return false;
}

static int64_t number(const struct catalog_fact *fact, uint32_t token)
{
    int64_t value;

    return token != JSON_NONE && json_int64(doc_of(fact), token, &value) == 0 && value >= 0 ? value
                                                                                            : -1;
}

static unsigned read_words(const struct catalog_fact *fact, uint32_t list)
{
    unsigned set = 0;

    if (!is_type(fact, list, JSON_ARRAY))
        return 0;
    for (uint32_t at = json_first(doc_of(fact), list); at != JSON_NONE;
         at = json_next(doc_of(fact), list, at)) {
        char scratch[32];
        struct text word;
        if (json_string(doc_of(fact), at, scratch, sizeof scratch, &word.bytes, &word.len) == 0)
            set |= catalog_modality_find(word);
    }
    return set;
}

/* What a Vercel entry says by its type and its tags only. */
static void guess_modalities(struct catalog_fact *fact)
{
    uint32_t type = catalog_fact_value(fact, "type", NULL);
    unsigned of_type = 0;

    for (unsigned i = 0; i < MODALITIES && of_type == 0; i++)
        if (modalities[i].type != NULL && json_string_is(doc_of(fact), type, modalities[i].type))
            of_type = 1U << i;
    /* Speech is a word of its own in OpenRouter's list; audio is what a model that talks makes. */
    if (of_type == MODALITY_AUDIO)
        of_type = MODALITY_SPEECH;
    if (fact->outputs == 0)
        fact->outputs = of_type != 0 ? of_type : MODALITY_TEXT;
    else if (of_type == MODALITY_EMBEDDINGS || of_type == MODALITY_RERANK ||
             of_type == MODALITY_SPEECH || of_type == MODALITY_TRANSCRIPTION)
        fact->outputs = of_type; /* their modalities say the form of the answer: text, audio */
    if (fact->inputs != 0)
        return;
    fact->inputs = of_type == MODALITY_TRANSCRIPTION ? MODALITY_AUDIO : MODALITY_TEXT;
    if (catalog_fact_lists(fact, "tags", "vision"))
        fact->inputs |= MODALITY_IMAGE;
    if (catalog_fact_lists(fact, "tags", "file-input"))
        fact->inputs |= MODALITY_FILE;
}

static void read_modalities(struct catalog_fact *fact)
{
    uint32_t vercel = catalog_fact_value(fact, "modalities", NULL);
    uint32_t openrouter = catalog_fact_value(fact, "architecture", NULL);

    fact->inputs = read_words(fact, json_get(doc_of(fact), vercel, "input")) |
                   read_words(fact, json_get(doc_of(fact), openrouter, "input_modalities"));
    fact->outputs = read_words(fact, json_get(doc_of(fact), vercel, "output")) |
                    read_words(fact, json_get(doc_of(fact), openrouter, "output_modalities"));
    guess_modalities(fact);
}

const char *catalog_fact_type(const struct catalog_fact *fact)
{
    for (unsigned i = 0; i < MODALITIES; i++)
        if (fact->outputs == 1U << i && modalities[i].type != NULL)
            return modalities[i].type;
    return "language";
}

static struct text find_group(const struct catalog_fact *fact)
{
    uint32_t architecture = catalog_fact_value(fact, "architecture", NULL);
    uint32_t said = json_get(doc_of(fact), architecture, "tokenizer");

    if (is_type(fact, said, JSON_STRING) && !doc_of(fact)->tokens[said].escaped)
        return (struct text){doc_of(fact)->text + doc_of(fact)->tokens[said].start + 1,
                             doc_of(fact)->tokens[said].end - doc_of(fact)->tokens[said].start - 2};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (strcasestr(fact->id, groups[i].part) != NULL)
            return text_of(groups[i].group);
    return (fact->outputs & MODALITY_TEXT) != 0 ? TEXT("Other") : TEXT("Media");
}

void catalog_entry_name(const struct catalog *catalog, unsigned entry, enum config_dialect to,
                        const struct model_map *map, char ret_id[ROW_NAME_MAX + 1])
{
    enum config_dialect from = catalog->dialect;
    struct text id = catalog->entries[entry].id;
    char words[ROW_NAME_MAX + 1], back[ROW_NAME_MAX + 1];
    const char *sort;

    assert(id.len <= ROW_NAME_MAX);
    memcpy(ret_id, id.bytes, id.len);
    ret_id[id.len] = '\0';
    if (map == NULL || from == DIALECT_OPENAI || from == to ||
        model_map_model(map, from, to, id, false, words, &sort) != MODEL_MAP_MAPPED ||
        sort != NULL || strpbrk(words, " \"\\") != NULL)
        return;
    model_map_model(map, to, from, text_of(words), false, back, &sort);
    if (strcmp(back, ret_id) == 0)
        memcpy(ret_id, words, strlen(words) + 1);
}

/* Whose schema the entry of a list in OpenAI's style has: many say more than OpenAI does. */
static bool is_native(const struct catalog_fact *fact, enum config_dialect to)
{
    uint32_t pricing = catalog_fact_value(fact, "pricing", NULL);

    if (fact->catalog->dialect != DIALECT_OPENAI)
        return fact->catalog->dialect == to;
    if (!is_type(fact, pricing, JSON_OBJECT))
        return false;
    if (to == DIALECT_OPENROUTER)
        return is_type(fact, json_get(doc_of(fact), pricing, "prompt"), JSON_STRING) &&
               is_type(fact, json_get(doc_of(fact), pricing, "completion"), JSON_STRING) &&
               is_type(fact, catalog_fact_value(fact, "architecture", NULL), JSON_OBJECT);
    return is_type(fact, catalog_fact_value(fact, "type", NULL), JSON_STRING) &&
           is_type(fact, catalog_fact_value(fact, "modalities", NULL), JSON_OBJECT) &&
           json_get(doc_of(fact), pricing, "prompt") == JSON_NONE;
}

void catalog_fact_read(const struct catalog *catalog, unsigned entry, enum config_dialect to,
                       const struct model_map *map, struct catalog_fact *ret_fact)
{
    struct catalog_fact *fact = ret_fact;
    uint32_t top;

    assert(entry < catalog->count);
    fact->catalog = catalog;
    fact->entry = &catalog->entries[entry];
    catalog_entry_name(catalog, entry, to, map, fact->id);
    fact->native = is_native(fact, to);
    read_modalities(fact);
    top = catalog_fact_value(fact, "top_provider", NULL);
    fact->created_s = number(fact, catalog_fact_value(fact, "created", NULL));
    fact->context = number(fact, catalog_fact_value(fact, "context_window", "context_length"));
    if (fact->context < 0)
        fact->context = number(fact, json_get(doc_of(fact), top, "context_length"));
    fact->max_tokens = number(fact, catalog_fact_value(fact, "max_tokens", NULL));
    if (fact->max_tokens < 0)
        fact->max_tokens = number(fact, json_get(doc_of(fact), top, "max_completion_tokens"));
    fact->group = find_group(fact);
    catalog_prices_read(doc_of(fact), catalog_fact_value(fact, "pricing", NULL), &fact->prices);
}
