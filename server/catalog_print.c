/* catalog_print.c - one entry of a catalogue in the schema of either vendor.
 *
 * One row per member and schema, in the vendor's order. An entry that is in the schema already is
 * spliced; OpenRouter's gets those members added that its clients insist on and that it lacks.
 */
#include "server/catalog_private.h"

#include <assert.h>
#include <string.h>
#include <time.h>

/* Writes the value of a member; false: there is none, and nothing was written. */
typedef bool writer(const struct catalog_fact *fact, struct out *out);

static const struct json_doc *doc_of(const struct catalog_fact *fact)
{
    return &fact->catalog->doc;
}

static bool splice(const struct catalog_fact *fact, uint32_t value, enum json_type type,
                   struct out *out)
{
    if (value == JSON_NONE || doc_of(fact)->tokens[value].type != type)
        return false;
    out_value(out, doc_of(fact), value);
    return true;
}

static bool null(const struct catalog_fact *fact, struct out *out)
{
    (void)fact;
    out_text(out, "null");
    return true;
}

static bool id(const struct catalog_fact *fact, struct out *out)
{
    out_string(out, text_of(fact->id));
    return true;
}

static bool object(const struct catalog_fact *fact, struct out *out)
{
    (void)fact;
    out_text(out, "\"model\"");
    return true;
}

static bool name(const struct catalog_fact *fact, struct out *out)
{
    return splice(fact, catalog_fact_value(fact, "name", "display_name"), JSON_STRING, out) ||
           id(fact, out);
}

static bool description(const struct catalog_fact *fact, struct out *out)
{
    return splice(fact, catalog_fact_value(fact, "description", NULL), JSON_STRING, out);
}

static bool description_or_empty(const struct catalog_fact *fact, struct out *out)
{
    if (!description(fact, out))
        out_text(out, "\"\"");
    return true;
}

static bool created(const struct catalog_fact *fact, struct out *out)
{
    out_number(out, fact->created_s >= 0 ? fact->created_s : 0);
    return true;
}

static bool released(const struct catalog_fact *fact, struct out *out)
{
    return splice(fact, catalog_fact_value(fact, "released", NULL), JSON_NUMBER, out) ||
           created(fact, out);
}

/* The author that the id names, else what the list says: for bare names there is nothing else. */
static bool owned_by(const struct catalog_fact *fact, struct out *out)
{
    const char *slash = strchr(fact->id, '/');
    const char *from = fact->id[0] == '~' ? fact->id + 1 : fact->id;

    if (slash != NULL && slash > from) {
        out_string(out, (struct text){from, (size_t)(slash - from)});
        return true;
    }
    if (!splice(fact, catalog_fact_value(fact, "owned_by", NULL), JSON_STRING, out))
        out_text(out, "\"\"");
    return true;
}

static bool type(const struct catalog_fact *fact, struct out *out)
{
    out_string(out, text_of(catalog_fact_type(fact)));
    return true;
}

static bool tokens(int64_t count, struct out *out)
{
    if (count >= 0)
        out_number(out, count);
    else
        out_text(out, "null");
    return true;
}

static bool context_length(const struct catalog_fact *fact, struct out *out)
{
    return tokens(fact->context, out);
}

/* Vercel says these of language models only. */
static bool context_window(const struct catalog_fact *fact, struct out *out)
{
    return fact->context >= 0 && (fact->outputs & MODALITY_TEXT) != 0 && tokens(fact->context, out);
}

static bool max_tokens(const struct catalog_fact *fact, struct out *out)
{
    return fact->max_tokens >= 0 && (fact->outputs & MODALITY_TEXT) != 0 &&
           tokens(fact->max_tokens, out);
}

static void words(unsigned set, enum config_dialect to, struct out *out)
{
    out_char(out, '[');
    for (unsigned i = 0; i < MODALITIES; i++) {
        if ((set & 1U << i) == 0)
            continue;
        out_next(out);
        out_string(out, text_of(catalog_modality_name(i, to)));
    }
    out_char(out, ']');
}

static bool modalities(const struct catalog_fact *fact, struct out *out)
{
    out_text(out, "{\"input\":");
    words(fact->inputs, DIALECT_VERCEL, out);
    out_text(out, ",\"output\":");
    words(fact->outputs, DIALECT_VERCEL, out);
    out_char(out, '}');
    return true;
}

/* "text+image->text" */
static void arrow(const struct catalog_fact *fact, struct out *out)
{
    const char *between = "\"";

    for (unsigned side = 0; side < 2; side++) {
        for (unsigned i = 0; i < MODALITIES; i++) {
            if (((side == 0 ? fact->inputs : fact->outputs) & 1U << i) == 0)
                continue;
            out_text(out, between);
            out_text(out, catalog_modality_name(i, DIALECT_OPENROUTER));
            between = "+";
        }
        between = "->";
    }
    out_char(out, '"');
}

static bool architecture(const struct catalog_fact *fact, struct out *out)
{
    out_text(out, "{\"modality\":");
    arrow(fact, out);
    out_text(out, ",\"input_modalities\":");
    words(fact->inputs, DIALECT_OPENROUTER, out);
    out_text(out, ",\"output_modalities\":");
    words(fact->outputs, DIALECT_OPENROUTER, out);
    out_text(out, ",\"tokenizer\":");
    out_string(out, fact->group);
    out_text(out, ",\"instruct_type\":null}");
    return true;
}

static bool pricing_vercel(const struct catalog_fact *fact, struct out *out)
{
    catalog_prices_print(&fact->prices, DIALECT_VERCEL, false, out);
    return true;
}

static bool pricing_openrouter(const struct catalog_fact *fact, struct out *out)
{
    bool no_completion = (fact->outputs & ~(unsigned)(MODALITY_EMBEDDINGS | MODALITY_RERANK)) == 0;

    catalog_prices_print(&fact->prices, DIALECT_OPENROUTER, no_completion, out);
    return true;
}

static bool top_provider(const struct catalog_fact *fact, struct out *out)
{
    out_text(out, "{\"context_length\":");
    tokens(fact->context, out);
    out_text(out, ",\"max_completion_tokens\":");
    tokens(fact->max_tokens, out);
    out_text(out, ",\"is_moderated\":false}");
    return true;
}

/* What either schema says of abilities, as a tag and as the parameters that go with it. */
static const struct {
    const char *tag, *parameter, *second;
} abilities[] = {
    {"tool-use", "tools", "tool_choice"},
    {"reasoning", "reasoning", "include_reasoning"},
};

const char *catalog_tag_of(struct text parameter)
{
    for (size_t i = 0; i < sizeof abilities / sizeof *abilities; i++) {
        struct text first = text_of(abilities[i].parameter), second = text_of(abilities[i].second);
        if ((first.len == parameter.len && memcmp(first.bytes, parameter.bytes, first.len) == 0) ||
            (second.len == parameter.len && memcmp(second.bytes, parameter.bytes, second.len) == 0))
            return abilities[i].tag;
    }
    return NULL;
}

static bool parameters(const struct catalog_fact *fact, struct out *out)
{
    return splice(fact, catalog_fact_value(fact, "supported_parameters", NULL), JSON_ARRAY, out);
}

static bool parameters_or_tags(const struct catalog_fact *fact, struct out *out)
{
    uint32_t temperature = catalog_fact_value(fact, "temperature", NULL);

    if (parameters(fact, out))
        return true;
    out_char(out, '[');
    if (temperature != JSON_NONE && doc_of(fact)->tokens[temperature].type == JSON_TRUE)
        out_text(out, "\"temperature\"");
    for (size_t i = 0; i < sizeof abilities / sizeof *abilities; i++) {
        if (!catalog_fact_lists(fact, "tags", abilities[i].tag))
            continue;
        out_next(out);
        out_string(out, text_of(abilities[i].parameter));
        out_next(out);
        out_string(out, text_of(abilities[i].second));
    }
    out_char(out, ']');
    return true;
}

static void tag(bool has, const char *word, struct out *out)
{
    if (!has)
        return;
    out_next(out);
    out_string(out, text_of(word));
}

static bool tags(const struct catalog_fact *fact, struct out *out)
{
    if (splice(fact, catalog_fact_value(fact, "tags", NULL), JSON_ARRAY, out))
        return true;
    out_char(out, '[');
    for (size_t i = 0; i < sizeof abilities / sizeof *abilities; i++)
        tag(catalog_fact_lists(fact, "supported_parameters", abilities[i].parameter),
            abilities[i].tag, out);
    tag((fact->inputs & MODALITY_IMAGE) != 0, "vision", out);
    tag((fact->inputs & MODALITY_FILE) != 0, "file-input", out);
    tag((fact->outputs & MODALITY_IMAGE) != 0, "image-generation", out);
    tag((fact->outputs & MODALITY_VIDEO) != 0, "video-generation", out);
    tag(fact->prices.bracket[0].cost[COST_WEB_SEARCH].len > 0, "web-search", out);
    out_char(out, ']');
    return true;
}

/* The AI SDK's protocol reaches no model that is not Vercel's. */
static bool specifications(const struct catalog_fact *fact, struct out *out)
{
    (void)fact;
    out_text(out, "[]");
    return true;
}

static bool knowledge(const struct catalog_fact *fact, struct out *out)
{
    return splice(fact, catalog_fact_value(fact, "knowledge", "knowledge_cutoff"), JSON_STRING,
                  out);
}

/* Vercel's deprecated_at, in milliseconds, as a date. */
static bool expiration(const struct catalog_fact *fact, struct out *out)
{
    uint32_t token = catalog_fact_value(fact, "deprecated_at", NULL);
    char date[16];
    int64_t at_ms;
    struct tm day;
    time_t at;

    if (token == JSON_NONE || json_int64(doc_of(fact), token, &at_ms) != 0 || at_ms <= 0 ||
        at_ms > (int64_t)253402300799 * 1000) /* the last second of 9999 */
        return false;
    at = (time_t)(at_ms / 1000);
    if (gmtime_r(&at, &day) == NULL || strftime(date, sizeof date, "%Y-%m-%d", &day) != 10)
        return false;
    out_string(out, text_of(date));
    return true;
}

static bool links(const struct catalog_fact *fact, struct out *out)
{
    out_text(out, "{\"details\":\"/api/v1/models/");
    out_text(out, fact->id); /* holds neither quotes nor backslashes nor controls */
    out_text(out, "/endpoints\"}");
    return true;
}

struct member {
    const char *name;
    writer *write;
    bool required; /* by this vendor's own client library */
};

static const struct member openrouter[] = {
    {"id", id, true},
    {"canonical_slug", id, true},
    {"name", name, true},
    {"created", created, true},
    {"description", description, false},
    {"context_length", context_length, true},
    {"architecture", architecture, true},
    {"pricing", pricing_openrouter, true},
    {"top_provider", top_provider, true},
    {"per_request_limits", null, true},
    {"supported_parameters", parameters_or_tags, true},
    {"default_parameters", null, true},
    {"supported_voices", null, true},
    {"knowledge_cutoff", knowledge, false},
    {"expiration_date", expiration, false},
    {"links", links, true},
};

static const struct member vercel[] = {
    {"id", id, true},
    {"object", object, true},
    {"created", created, true},
    {"released", released, true},
    {"owned_by", owned_by, true},
    {"name", name, true},
    {"description", description_or_empty, true},
    {"context_window", context_window, false},
    {"max_tokens", max_tokens, false},
    {"type", type, true},
    {"tags", tags, true},
    {"modalities", modalities, true},
    {"supported_specifications", specifications, true},
    {"supported_parameters", parameters, false},
    {"knowledge", knowledge, false},
    {"pricing", pricing_vercel, true},
};

static void print_member(const struct catalog_fact *fact, const struct member *member,
                         struct out *out)
{
    size_t before = out->len;

    out_name(out, member->name);
    if (!member->write(fact, out))
        out->len = before;
}

/* As it came, up to its closing brace; then what is missing. */
static void print_native(const struct catalog_fact *fact, enum config_dialect to, struct out *out)
{
    const struct json_token *token = &doc_of(fact)->tokens[fact->entry->token];

    out_span(out, doc_of(fact), token->start, token->end - 1);
    for (size_t i = 0; to == DIALECT_OPENROUTER && i < sizeof openrouter / sizeof *openrouter; i++)
        if (openrouter[i].required &&
            catalog_fact_value(fact, openrouter[i].name, NULL) == JSON_NONE)
            print_member(fact, &openrouter[i], out);
    out_char(out, '}');
}

void catalog_fact_print(const struct catalog_fact *fact, enum config_dialect to, struct out *out)
{
    const struct member *members = to == DIALECT_OPENROUTER ? openrouter : vercel;
    size_t count = to == DIALECT_OPENROUTER ? sizeof openrouter / sizeof *openrouter
                                            : sizeof vercel / sizeof *vercel;

    assert(to != DIALECT_OPENAI);
    if (fact->native) {
        print_native(fact, to, out);
        return;
    }
    out_char(out, '{');
    for (size_t i = 0; i < count; i++)
        print_member(fact, &members[i], out);
    out_char(out, '}');
}
