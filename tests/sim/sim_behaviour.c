/* sim_behaviour.c - see sim_behaviour.h. */
#include "tests/sim/sim_behaviour.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum {
    MS_MAX = 24 * 3600 * 1000,
    SIZE_BYTES_MAX = 64 << 20,
    CHUNKS_MAX = 1000000,
};

/* What is being read, for the functions that read one value. */
struct reading {
    struct json_doc *doc;
    h2o_mem_pool_t *pool;
    struct sim_behaviour *behaviour;
};

typedef int read_value(struct reading *reading, uint32_t value, void *field);

/* One key: how it is read, and where to. Words are the spellings of an enum, in its order. */
struct key {
    const char *name;
    read_value *read;
    size_t offset;
    int64_t least, most;
    const char *words[6];
};

struct sim_behaviour sim_behaviour_default(void)
{
    return (struct sim_behaviour){
        .size = SIM_UNSET,
        .delay = SIM_UNSET,
        .chunks = SIM_UNSET,
        .gap = SIM_UNSET,
        .status = SIM_UNSET,
        .error_frame = SIM_UNSET,
        .prompt_tokens = SIM_UNSET,
        .completion_tokens = SIM_UNSET,
        .cached_tokens = SIM_UNSET,
        .cache_write_tokens = SIM_UNSET,
        .reasoning_tokens = SIM_UNSET,
        .comment_ms = SIM_UNSET,
        .generation = SIM_UNSET,
        .write_1h_tokens = SIM_UNSET,
        .web_searches = SIM_UNSET,
        .record_prompt_tokens = SIM_UNSET,
        .record_completion_tokens = SIM_UNSET,
        .record_errors = SIM_UNSET,
        .record_cost = -1,
        .billing = {.factor = 1000000000000000, .market = -1, .billed = -1},
    };
}

static int read_bool(struct reading *reading, uint32_t value, void *field)
{
    uint8_t type = reading->doc->tokens[value].type;
    if (type != JSON_TRUE && type != JSON_FALSE)
        return -EINVAL;
    *(bool *)field = type == JSON_TRUE;
    return 0;
}

/* A string, unescaped, or the text of any other value as it stands. */
static int read_text(struct reading *reading, uint32_t value, void *field)
{
    const struct json_token *token = &reading->doc->tokens[value];
    size_t span = token->end - token->start;
    h2o_iovec_t *text = field;
    const char *bytes;
    size_t len;
    int rc;

    if (token->type != JSON_STRING) {
        *text = h2o_strdup(reading->pool, reading->doc->text + token->start, span);
        return 0;
    }
    text->base = h2o_mem_alloc_pool(reading->pool, span + 1);
    rc = json_string(reading->doc, value, text->base, span, &bytes, &len);
    if (rc < 0)
        return rc;
    memmove(text->base, bytes, len);
    text->base[len] = '\0';
    text->len = len;
    return 0;
}

/* An exact decimal, as a string or as a number. */
static int read_decimal(struct reading *reading, uint32_t value, void *field)
{
    h2o_iovec_t text;
    struct money money;
    enum money_precision precision;
    int rc = read_text(reading, value, &text);

    if (rc == 0)
        rc = money_parse(text.base, text.len, &money, &precision);
    if (rc == 0 && (precision != MONEY_EXACT || money.femto < 0))
        rc = -EINVAL;
    if (rc == 0 && money.femto > (__int128)10 * 1000000000000000)
        rc = -ERANGE;
    if (rc == 0)
        *(__int128 *)field = money.femto;
    return rc;
}

static int read_tool(struct reading *reading, uint32_t value, void *field)
{
    uint32_t name = json_get(reading->doc, value, "name");
    uint32_t arguments = json_get(reading->doc, value, "arguments");
    int rc;

    (void)field;
    if (name == JSON_NONE || reading->doc->tokens[name].type != JSON_STRING)
        return -EINVAL;
    reading->behaviour->tool_arguments = h2o_iovec_init(H2O_STRLIT("{}"));
    rc = read_text(reading, name, &reading->behaviour->tool_name);
    if (rc == 0 && arguments != JSON_NONE)
        rc = read_text(reading, arguments, &reading->behaviour->tool_arguments);
    return rc;
}

static int read_generation(struct reading *reading, uint32_t value, void *field)
{
    int64_t ms;
    if (json_string_is(reading->doc, value, "never")) {
        *(int64_t *)field = SIM_RECORD_NEVER;
        return 0;
    }
    if (json_int64(reading->doc, value, &ms) < 0 || ms < 0 || ms > MS_MAX)
        return -EINVAL;
    *(int64_t *)field = ms;
    return 0;
}

/* The models that failed before one served. */
static int read_tried(struct reading *reading, uint32_t value, void *field)
{
    const struct json_doc *doc = reading->doc;
    struct sim_behaviour *behaviour = reading->behaviour;
    int rc = 0;

    (void)field;
    if (doc->tokens[value].type != JSON_ARRAY)
        return -EINVAL;
    behaviour->tried_count = 0;
    for (uint32_t at = json_first(doc, value); at != JSON_NONE && rc == 0;
         at = json_next(doc, value, at)) {
        if (behaviour->tried_count == SIM_TRIED_MAX || doc->tokens[at].type != JSON_STRING)
            return -EINVAL;
        rc = read_text(reading, at, &behaviour->models_tried[behaviour->tried_count++]);
    }
    return rc;
}

#define FIELD(name) offsetof(struct sim_behaviour, name)
#define NUMBER(name, least, most)                                                                  \
    {                                                                                              \
#name, NULL, FIELD(name), least, most,                                                     \
        {                                                                                          \
            NULL                                                                                   \
        }                                                                                          \
    }
#define OTHER(name, read, field)                                                                   \
    {                                                                                              \
        name, read, FIELD(field), 0, 0,                                                            \
        {                                                                                          \
            NULL                                                                                   \
        }                                                                                          \
    }
#define WORDS(name, ...)                                                                           \
    {                                                                                              \
#name, NULL, FIELD(name), 0, 0,                                                            \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static const struct key keys[] = {
    NUMBER(size, 0, SIZE_BYTES_MAX),
    NUMBER(delay, 0, MS_MAX),
    NUMBER(comment_ms, 1, MS_MAX),
    NUMBER(chunks, 1, CHUNKS_MAX),
    NUMBER(gap, 0, MS_MAX),
    NUMBER(status, 200, 599),
    NUMBER(error_frame, 0, CHUNKS_MAX),
    NUMBER(prompt_tokens, 0, SIM_TOKENS_MAX),
    NUMBER(completion_tokens, 0, SIM_TOKENS_MAX),
    NUMBER(cached_tokens, 0, SIM_TOKENS_MAX),
    NUMBER(cache_write_tokens, 0, SIM_TOKENS_MAX),
    NUMBER(reasoning_tokens, 0, SIM_TOKENS_MAX),
    NUMBER(write_1h_tokens, 0, SIM_TOKENS_MAX),
    NUMBER(web_searches, 0, SIM_TOKENS_MAX),
    NUMBER(record_prompt_tokens, 0, SIM_TOKENS_MAX),
    NUMBER(record_completion_tokens, 0, SIM_TOKENS_MAX),
    NUMBER(record_errors, 0, SIM_TOKENS_MAX),
    WORDS(die, "", "connect", "headers", "middle", "end"),
    WORDS(hang, "", "connect", "headers", "middle"),
    WORDS(cost_format, "number", "exponent", "string"),
    WORDS(metadata, "", "snake", "camel", "none"),
    WORDS(usage, "last", "separate"),
    OTHER("text", read_text, text),
    OTHER("raw", read_text, raw),
    OTHER("content_type", read_text, content_type),
    OTHER("retry_after", read_text, retry_after),
    OTHER("reasoning", read_text, reasoning),
    OTHER("provider", read_text, provider),
    OTHER("served_model", read_text, served_model),
    OTHER("path", read_text, path),
    OTHER("models_tried", read_tried, models_tried),
    OTHER("tool_call", read_tool, tool_name),
    OTHER("generation", read_generation, generation),
    OTHER("surcharge", read_decimal, billing.surcharge),
    OTHER("discount", read_decimal, billing.factor),
    OTHER("market", read_decimal, billing.market),
    OTHER("billed", read_decimal, billing.billed),
    OTHER("record_cost", read_decimal, record_cost),
    OTHER("service_tier", read_text, service_tier),
    OTHER("cost_member", read_text, cost_member),
    OTHER("byok", read_bool, billing.byok),
    OTHER("no_cost", read_bool, no_cost),
    OTHER("no_done", read_bool, no_done),
    OTHER("no_finish", read_bool, no_finish),
    OTHER("endless", read_bool, endless),
    OTHER("gzip", read_bool, gzip),
    OTHER("refuse_html", read_bool, refuse_html),
    OTHER("empty", read_bool, empty),
    OTHER("delta_cost", read_bool, delta_cost),
    OTHER("record_wrong_id", read_bool, record_wrong_id),
};

/* Enums are written through an int; the compiler gives them no other size. */
_Static_assert(sizeof(enum sim_place) == sizeof(int), "die and hang are written as int");
_Static_assert(sizeof(enum sim_cost_format) == sizeof(int), "cost_format is written as int");

static int read_word(struct reading *reading, uint32_t value, const struct key *key, void *field)
{
    for (int i = 0; i < 6 && key->words[i] != NULL; i++) {
        if (json_string_is(reading->doc, value, key->words[i])) {
            *(int *)field = i;
            return 0;
        }
    }
    return -EINVAL;
}

static int read_key(struct reading *reading, const struct key *key, uint32_t value)
{
    void *field = (char *)reading->behaviour + key->offset;
    int64_t number;

    if (key->read != NULL)
        return key->read(reading, value, field);
    if (key->words[0] != NULL)
        return read_word(reading, value, key, field);
    if (json_int64(reading->doc, value, &number) < 0)
        return -EINVAL;
    if (number < key->least || number > key->most)
        return -ERANGE;
    *(int64_t *)field = number;
    return 0;
}

static const struct key *key_find(const struct json_doc *doc, uint32_t name)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (json_string_is(doc, name, keys[i].name))
            return &keys[i];
    }
    return NULL;
}

/* Combinations that contradict each other; NULL when there is none. */
static const char *contradiction(const struct sim_behaviour *b)
{
    if (b->die != SIM_NOWHERE && b->hang != SIM_NOWHERE)
        return "die and hang exclude each other";
    if (b->endless && (b->gzip || b->die != SIM_NOWHERE || b->hang != SIM_NOWHERE))
        return "endless excludes gzip, die and hang";
    if (b->endless && (b->raw.base != NULL || b->tool_name.base != NULL))
        return "endless excludes raw and tool_call";
    if (b->text.base != NULL && b->size != SIM_UNSET)
        return "text and size exclude each other";
    if (b->comment_ms != SIM_UNSET && b->delay == SIM_UNSET)
        return "comment_ms needs a delay to fill";
    if ((b->raw.base != NULL) + b->refuse_html + b->empty > 1)
        return "raw, refuse_html and empty exclude each other";
    if ((b->refuse_html || b->empty) && b->status != SIM_UNSET && b->status < 400)
        return "refuse_html and empty are errors";
    return NULL;
}

int sim_behaviour_read(struct json_doc *doc, h2o_mem_pool_t *pool, const char *json, size_t len,
                       struct sim_behaviour *ret_behaviour, char error[SIM_ERROR_SIZE])
{
    struct sim_behaviour behaviour = sim_behaviour_default();
    struct reading reading = {.doc = doc, .pool = pool, .behaviour = &behaviour};
    const char *wrong;
    size_t at = 0;

    if (json_parse(doc, json, len, &at) < 0 || doc->tokens[0].type != JSON_OBJECT) {
        snprintf(error, SIM_ERROR_SIZE, "sim: not a JSON object (byte %zu)", at);
        return -EINVAL;
    }
    for (uint32_t name = json_first(doc, 0); name != JSON_NONE;) {
        uint32_t value = json_next(doc, 0, name);
        const struct key *key = key_find(doc, name);
        if (key == NULL || read_key(&reading, key, value) < 0) {
            const struct json_token *token = &doc->tokens[name];
            snprintf(error, SIM_ERROR_SIZE, "sim: %s %.*s",
                     key == NULL ? "unknown key" : "bad value of", (int)(token->end - token->start),
                     json + token->start);
            return -EINVAL;
        }
        name = json_next(doc, 0, value);
    }
    wrong = contradiction(&behaviour);
    if (wrong != NULL) {
        snprintf(error, SIM_ERROR_SIZE, "sim: %s", wrong);
        return -EINVAL;
    }
    *ret_behaviour = behaviour;
    return 0;
}

size_t sim_behaviour_span(const char *text, size_t len)
{
    size_t depth = 0;
    bool quoted = false;

    if (len == 0 || text[0] != '{')
        return 0;
    for (size_t i = 0; i < len; i++) {
        if (quoted) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                quoted = false;
        } else if (text[i] == '"') {
            quoted = true;
        } else if (text[i] == '{') {
            depth++;
        } else if (text[i] == '}' && --depth == 0) {
            return i + 1;
        }
    }
    return 0;
}
