/* request_spend.c - what a request may use at most, and what must not be kept of it.
 *
 * A bound may be far above what is used: that is held for a while and given back. It must never be
 * below. So nothing here asks whether the upstream will understand a member: what may count does,
 * wherever it stands and however it is escaped.
 */
#include "server/request.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static int64_t add(int64_t a, int64_t b)
{
    int64_t sum;

    assert(a >= 0 && b >= 0);
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t times(int64_t a, int64_t b)
{
    int64_t product;

    assert(a >= 0 && b >= 0);
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* --- words --- */

enum { WORD_MAX = 256 };

/* A string as names and links are compared: unescaped, in lower case, without spaces before it and
 * control characters anywhere, which readers of links leave out. */
struct word {
    char bytes[WORD_MAX];
    size_t len;
    bool spaced, cut; /* it had spaces; there is more of it */
};

/* What is no ASCII takes part in no word of ours. */
static char read_escape(const char **at)
{
    static const char hex[] = "0123456789abcdef0123456789ABCDEF";
    const char *digits = *at + 2;
    unsigned code = 0;

    if ((*at)[1] != 'u') {
        char byte = (*at)[1];
        *at += 2;
        return strchr("bfnrt", byte) != NULL ? '\t' : byte;
    }
    for (int i = 0; i < 4; i++)
        code = code << 4 | ((unsigned)(strchr(hex, digits[i]) - hex) & 15);
    *at += 6;
    return code < 0x80 ? (char)code : '\x7f';
}

static void read_word(const struct json_doc *doc, uint32_t token, struct word *word)
{
    const char *at = doc->text + doc->tokens[token].start + 1;
    const char *end = doc->text + doc->tokens[token].end - 1;

    word->len = 0;
    word->spaced = false;
    while (at < end && word->len < WORD_MAX) {
        char byte = *at == '\\' ? read_escape(&at) : *at++;
        if (byte >= 'A' && byte <= 'Z')
            byte = (char)(byte - 'A' + 'a');
        word->spaced |= (unsigned char)byte <= ' ';
        if ((unsigned char)byte > ' ' || (byte == ' ' && word->len > 0))
            word->bytes[word->len++] = byte;
    }
    word->cut = at < end;
}

/* A text that is no token. */
static void read_letters(struct text text, struct word *word)
{
    word->len = text.len < WORD_MAX ? text.len : WORD_MAX;
    word->spaced = false;
    word->cut = word->len < text.len;
    for (size_t i = 0; i < word->len; i++)
        word->bytes[i] =
            (char)(text.bytes[i] | (text.bytes[i] >= 'A' && text.bytes[i] <= 'Z') << 5);
}

static bool is(const struct word *word, const char *name)
{
    return word->len == strlen(name) && memcmp(word->bytes, name, word->len) == 0;
}

static bool has(const struct word *word, const char *part)
{
    return memmem(word->bytes, word->len, part, strlen(part)) != NULL;
}

static bool begins(const struct word *word, const char *part)
{
    size_t len = strlen(part);

    return word->len >= len && memcmp(word->bytes, part, len) == 0;
}

static bool ends(const struct word *word, const char *part)
{
    size_t len = strlen(part);

    return word->len >= len && memcmp(word->bytes + word->len - len, part, len) == 0;
}

/* --- one walk over the body --- */

/* What a body may bring in beside its own bytes. */
struct extent {
    int64_t pictures, links, stored;
    int64_t reasoning, candidates, uses;
    bool searches;
};

/* Members that matter, wherever they stand. In lower case. */
enum member {
    MEMBER_OTHER,
    MEMBER_REASONING, /* tokens to think with, beside the answer's */
    MEMBER_THINKING,  /* an object that may say how many */
    MEMBER_EFFORT,    /* OpenRouter's: max_tokens are for thinking */
    MEMBER_CANDIDATES,
    MEMBER_USES, /* of a tool */
    MEMBER_STORED,
    MEMBER_FILE,
    MEMBER_PROMPT,
    MEMBER_SEARCH, /* an option that is there for searches only */
    MEMBER_KIND,   /* of a tool or a plugin */
    MEMBER_MODEL,
    MEMBER_MEDIA,
};

static const struct {
    const char *name;
    enum member member;
} members[] = {
    {"budget_tokens", MEMBER_REASONING},
    {"budgettokens", MEMBER_REASONING},
    {"thinkingbudget", MEMBER_REASONING},
    {"thinking_budget", MEMBER_REASONING},
    {"thinking", MEMBER_THINKING},
    {"reasoning", MEMBER_EFFORT},
    {"candidatecount", MEMBER_CANDIDATES},
    {"candidate_count", MEMBER_CANDIDATES},
    {"max_uses", MEMBER_USES},
    {"maxuses", MEMBER_USES},
    {"file_id", MEMBER_STORED},
    {"fileid", MEMBER_STORED},
    {"file_ids", MEMBER_STORED},
    {"fileids", MEMBER_STORED},
    {"vector_store_ids", MEMBER_STORED},
    {"vectorstoreids", MEMBER_STORED},
    {"previous_response_id", MEMBER_STORED},
    {"previousresponseid", MEMBER_STORED},
    {"conversation", MEMBER_STORED},
    {"container", MEMBER_STORED},
    {"cached_content", MEMBER_STORED},
    {"cachedcontent", MEMBER_STORED},
    {"file", MEMBER_FILE},
    {"prompt", MEMBER_PROMPT},
    {"web_search", MEMBER_SEARCH},
    {"web_search_options", MEMBER_SEARCH},
    {"search_parameters", MEMBER_SEARCH},
    {"searchparameters", MEMBER_SEARCH},
    {"google_search", MEMBER_SEARCH},
    {"googlesearch", MEMBER_SEARCH},
    {"google_search_retrieval", MEMBER_SEARCH},
    {"googlesearchretrieval", MEMBER_SEARCH},
    {"enterprise_web_search", MEMBER_SEARCH},
    {"enterprisewebsearch", MEMBER_SEARCH},
    {"usesearchgrounding", MEMBER_SEARCH},
    {"type", MEMBER_KIND},
    {"id", MEMBER_KIND},
    {"model", MEMBER_MODEL},
    {"media_type", MEMBER_MEDIA},
    {"mediatype", MEMBER_MEDIA},
    {"mime_type", MEMBER_MEDIA},
    {"mimetype", MEMBER_MEDIA},
};

static enum member member_of(const struct word *word)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (word->bytes[0] == members[i].name[0] && is(word, members[i].name))
            return members[i].member;
    return MEMBER_OTHER;
}

/* -1: it is no number from 0. */
static int64_t read_number(const struct json_doc *doc, uint32_t token)
{
    int64_t number;
    int result = token == JSON_NONE ? -EINVAL : json_int64(doc, token, &number);

    if (result == -ERANGE)
        return doc->text[doc->tokens[token].start] == '-' ? -1 : INT64_MAX;
    return result == 0 && number >= 0 ? number : -1;
}

/* null, false, "", [] and {} say nothing. */
static bool says(const struct json_doc *doc, uint32_t token)
{
    switch ((enum json_type)doc->tokens[token].type) {
    case JSON_NULL:
    case JSON_FALSE:
        return false;
    case JSON_STRING:
        return doc->tokens[token].end - doc->tokens[token].start > 2;
    case JSON_ARRAY:
    case JSON_OBJECT:
        return json_first(doc, token) != JSON_NONE;
    default:
        return true;
    }
}

static int64_t count_items(const struct json_doc *doc, uint32_t token)
{
    int64_t count = 0;

    if (doc->tokens[token].type != JSON_ARRAY)
        return says(doc, token) ? 1 : 0;
    for (uint32_t item = json_first(doc, token); item != JSON_NONE;
         item = json_next(doc, token, item))
        count++;
    return count;
}

/* Some models search whether they are told to or not. */
static bool model_searches(const struct word *word)
{
    return has(word, "search") || has(word, "sonar") || has(word, ":online") ||
           has(word, "deep-research") || ends(word, "fusion");
}

/* What is in the object itself is counted there. */
static bool is_elsewhere(const struct json_doc *doc, uint32_t file)
{
    return says(doc, file) && (doc->tokens[file].type != JSON_OBJECT ||
                               (json_get(doc, file, "file_data") == JSON_NONE &&
                                json_get(doc, file, "data") == JSON_NONE &&
                                json_get(doc, file, "file_id") == JSON_NONE));
}

static void count_media(const struct word *word, struct extent *extent)
{
    if (begins(word, "image"))
        extent->pictures++;
    else if (!begins(word, "text/"))
        extent->links++;
}

/* A member whose value is a name. */
static void read_named(const struct json_doc *doc, enum member member, uint32_t value,
                       struct extent *extent)
{
    struct word word;

    if (doc->tokens[value].type != JSON_STRING)
        return;
    read_word(doc, value, &word);
    if (member == MEMBER_MEDIA)
        count_media(&word, extent);
    else if (member == MEMBER_MODEL)
        extent->searches |= model_searches(&word);
    else
        extent->searches |= has(&word, "search") || has(&word, "fetch");
}

static void read_member(const struct json_doc *doc, uint32_t key, struct extent *extent)
{
    uint32_t value = key + 1;
    struct word word;

    read_word(doc, key, &word);
    if (word.len == 0)
        return;
    switch (member_of(&word)) {
    case MEMBER_OTHER:
        break;
    case MEMBER_REASONING:
        extent->reasoning = larger(extent->reasoning, read_number(doc, value));
        break;
    case MEMBER_THINKING:
        if (doc->tokens[value].type == JSON_OBJECT)
            extent->reasoning = larger(extent->reasoning, REQUEST_THINKING_TOKENS);
        break;
    case MEMBER_EFFORT:
        extent->reasoning =
            larger(extent->reasoning, read_number(doc, json_get(doc, value, "max_tokens")));
        break;
    case MEMBER_CANDIDATES:
        extent->candidates = larger(extent->candidates, read_number(doc, value));
        break;
    case MEMBER_USES:
        extent->uses = add(extent->uses, larger(0, read_number(doc, value)));
        break;
    case MEMBER_STORED:
        extent->stored += count_items(doc, value);
        break;
    case MEMBER_FILE:
        extent->stored += is_elsewhere(doc, value);
        break;
    case MEMBER_PROMPT:
        extent->stored += json_get(doc, value, "id") != JSON_NONE;
        break;
    case MEMBER_SEARCH:
        /* An empty object asks for it, too. */
        extent->searches |=
            doc->tokens[value].type != JSON_NULL && doc->tokens[value].type != JSON_FALSE;
        break;
    case MEMBER_KIND:
    case MEMBER_MODEL:
    case MEMBER_MEDIA:
        read_named(doc, member_of(&word), value, extent);
        break;
    }
}

/* Any scheme: what the upstream fetches, and what it does not, is for it to say. */
static bool is_link(const struct word *word)
{
    size_t len = 0;

    while (len < word->len && ((word->bytes[len] >= 'a' && word->bytes[len] <= 'z') ||
                               (word->bytes[len] >= '0' && word->bytes[len] <= '9') ||
                               memchr("+-.", word->bytes[len], 3) != NULL))
        len++;
    return begins(word, "http:") || begins(word, "https:") ||
           (word->len - len >= 3 && memcmp(word->bytes + len, "://", 3) == 0);
}

/* "data:image/png;base64,...": prose that begins so has no type behind it. */
static bool is_data(const struct word *word)
{
    size_t near = word->len < 64 ? word->len : 64;

    return begins(word, "data:") && (memchr(word->bytes, '/', near) != NULL ||
                                     memmem(word->bytes, near, ";base64", 7) != NULL);
}

/* Tools, plugins and models: names have no spaces. */
static bool names_search(const struct word *word)
{
    static const char *const names[] = {
        "web_search",    "websearch",      "web-search",     "google_search", "googlesearch",
        "google-search", "perplexity_sea", "parallel_searc", "exa_search",    "tako_search",
        "live_search",   "maps_search",    "x_search",       "file_search",
    };

    if (word->spaced || word->cut || word->len < 3)
        return false;
    if (is(word, "web") || is(word, "fusion") || ends(word, ":fusion") || ends(word, "/fusion") ||
        has(word, ":online"))
        return true;
    for (size_t i = 0; has(word, "search") && i < sizeof names / sizeof *names; i++)
        if (has(word, names[i]))
            return true;
    return false;
}

static void read_value(const struct json_doc *doc, uint32_t token, struct extent *extent)
{
    struct word word;

    if (doc->tokens[token].end - doc->tokens[token].start < 2 + 3)
        return;
    read_word(doc, token, &word);
    if (is_data(&word)) {
        struct word type = word;
        type.len -= 5;
        memmove(type.bytes, word.bytes + 5, type.len);
        count_media(&type, extent);
    } else if (is_link(&word)) {
        extent->links++;
    } else if (is(&word, "item_reference")) {
        extent->stored++;
    }
    extent->searches = extent->searches || names_search(&word);
}

/* Only behind a key stands a colon. */
static bool is_key(const struct json_doc *doc, uint32_t token)
{
    const char *at = doc->text + doc->tokens[token].end, *end = doc->text + doc->len;

    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at < end && *at == ':';
}

static struct extent walk(const struct json_doc *doc)
{
    struct extent extent = {0};

    for (uint32_t i = 0; i < doc->count; i++) {
        if (doc->tokens[i].type != JSON_STRING)
            continue;
        if (is_key(doc, i))
            read_member(doc, i, &extent);
        else
            read_value(doc, i, &extent);
    }
    return extent;
}

/* --- bounds --- */

/* Each text, or list of tokens, of `prompt` gets answers of its own. */
static int64_t count_prompts(const struct json_doc *doc)
{
    uint32_t prompt = json_get(doc, 0, "prompt");
    int64_t count = 0;

    if (prompt == JSON_NONE || doc->tokens[prompt].type != JSON_ARRAY)
        return 1;
    for (uint32_t item = json_first(doc, prompt); item != JSON_NONE;
         item = json_next(doc, prompt, item))
        count += doc->tokens[item].type == JSON_STRING || doc->tokens[item].type == JSON_ARRAY;
    return larger(count, 1);
}

/* Tokens of one answer, in its API's own words: others' are not heard. What says 0 says nothing to
 * many. */
static int64_t read_output(const struct request_extent *request)
{
    static const char *const names[APIS][2] = {
        [API_CHAT] = {"max_completion_tokens", "max_tokens"},
        [API_RESPONSES] = {"max_output_tokens"},
        [API_MESSAGES] = {"max_tokens"},
        [API_COMPLETIONS] = {"max_tokens"},
        [API_AI_LANGUAGE] = {"maxOutputTokens"},
    };
    int64_t most = 0;

    for (size_t i = 0; i < 2 && names[request->api][i] != NULL; i++)
        most = larger(most,
                      read_number(request->doc, json_get(request->doc, 0, names[request->api][i])));
    return most > 0 ? most : request->output_tokens;
}

static struct estimate_bounds bound_json(const struct request_extent *request)
{
    const struct json_doc *doc = request->doc;
    struct extent extent = walk(doc);
    int64_t choices = larger(read_number(doc, json_get(doc, 0, "n")),
                             read_number(doc, json_get(doc, 0, "best_of")));
    struct estimate_bounds bounds = {.prompt_tokens_max = (int64_t)request->body.len};
    struct word model;

    read_letters(request->model, &model);
    choices = times(larger(larger(choices, extent.candidates), 1), count_prompts(doc));
    bounds.output_tokens_max = times(add(read_output(request), extent.reasoning), choices);
    bounds.images_max = times(REQUEST_PICTURES, choices);
    bounds.prompt_tokens_max += extent.pictures * REQUEST_PICTURE_TOKENS +
                                extent.links * REQUEST_LINK_TOKENS +
                                extent.stored * REQUEST_STORED_TOKENS;
    if (extent.searches || extent.uses > 0 || model_searches(&model)) {
        bounds.searches_max = larger(REQUEST_SEARCHES, extent.uses);
        bounds.prompt_tokens_max += REQUEST_SEARCHED_TOKENS;
    }
    return bounds;
}

/* Forms, and what nobody but the upstream can read. */
static struct estimate_bounds bound_other(const struct request_extent *request)
{
    struct estimate_bounds bounds = {.prompt_tokens_max = (int64_t)request->body.len};
    int64_t parts, choices;

    request_measure_form(request->content_type, request->body, &parts, &choices);
    choices = larger(choices, 1);
    bounds.prompt_tokens_max += larger(parts, 1) * REQUEST_PICTURE_TOKENS;
    bounds.output_tokens_max = times(request->output_tokens, choices);
    bounds.images_max = times(REQUEST_PICTURES, choices);
    return bounds;
}

struct estimate_bounds request_bound(const struct request_extent *request)
{
    struct estimate_bounds bounds = {0};

    /* What a batch costs is known, and billed, when it has run. */
    if (request->api == API_FILES || request->api == API_BATCHES)
        return bounds;
    bounds = request->doc != NULL ? bound_json(request) : bound_other(request);
    if (request->api == API_EMBEDDINGS || request->api == API_AI_EMBEDDING)
        bounds.output_tokens_max = bounds.images_max = 0;
    return bounds;
}

/* --- zero data retention --- */

/* path[0] of object becomes an object in which path[1..] holds; the last one is true. */
static int write_with(struct out *out, const struct json_doc *doc, uint32_t object,
                      const char *const *path)
{
    uint32_t inner = object == JSON_NONE ? JSON_NONE : json_get(doc, object, path[0]);
    bool first = true;
    int result = 0;

    if (inner != JSON_NONE && doc->tokens[inner].type == JSON_NULL)
        inner = JSON_NONE;
    if (path[1] != NULL && inner != JSON_NONE && doc->tokens[inner].type != JSON_OBJECT)
        return -EINVAL;
    out_char(out, '{');
    for (uint32_t key = object == JSON_NONE ? JSON_NONE : json_first(doc, object); key != JSON_NONE;
         key = json_next(doc, object, key + 1)) {
        if (json_string_is(doc, key, path[0]))
            continue;
        if (!first)
            out_char(out, ',');
        first = false;
        out_value(out, doc, key);
        out_char(out, ':');
        out_value(out, doc, key + 1);
    }
    out_name(out, path[0]);
    if (path[1] == NULL)
        out_text(out, "true");
    else
        result = write_with(out, doc, inner, path + 1); /* as deep as path is long */
    out_char(out, '}');
    return result;
}

int request_ask_zdr(const struct json_doc *doc, enum config_dialect dialect, struct out *out)
{
    static const char *const openrouter[] = {"provider", "zdr", NULL};
    static const char *const vercel[] = {"providerOptions", "gateway", "zeroDataRetention", NULL};
    int result = write_with(out, doc, 0, dialect == DIALECT_OPENROUTER ? openrouter : vercel);

    return result != 0 ? result : out->error;
}
