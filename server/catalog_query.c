/* catalog_query.c - what is asked of the list of models, and the list that answers.
 *
 * OpenRouter's parameters (openrouter-api.md section 5.2). Those for which a catalogue has no facts
 * (category, providers, distillable, the indices, tool success, the orders by popularity, speed and
 * benchmark) change nothing; zdr and region are promises, so only entries that make them stay.
 */
#include "server/catalog_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    LIMIT_DEFAULT = 500,
    LIMIT_MAX = 1000,
    QUERY_MAX = 8192, /* bytes; libh2o takes no longer ones */
    ITEMS_MAX = 32,   /* of a comma list: each is looked for in every entry */
    TEXT_MAX = 256,   /* of what is searched for, and four times that of what is searched */
    DAY_S = 24 * 3600,
};

enum bound {
    BOUND_PROMPT_MIN,
    BOUND_PROMPT_MAX,
    BOUND_COMPLETION_MIN,
    BOUND_COMPLETION_MAX,
    BOUNDS
};

static const char *const bounds[BOUNDS] = {
    [BOUND_PROMPT_MIN] = "min_price",
    [BOUND_PROMPT_MAX] = "max_price",
    [BOUND_COMPLETION_MIN] = "min_output_price",
    [BOUND_COMPLETION_MAX] = "max_output_price",
};

enum order { ORDER_NONE, ORDER_CHEAP, ORDER_DEAR, ORDER_CONTEXT, ORDER_NEWEST };

struct query {
    bool counted; /* limit or offset was said */
    int64_t offset, limit;
    unsigned outputs, inputs; /* any of; all of */
    struct text parameters, text, group, authors, region;
    bool zdr;
    enum order order;
    int64_t context, age_min_s, age_max_s; /* -1: not asked */
    struct {
        bool asked;
        struct money usd; /* per million tokens */
    } bound[BOUNDS];
    int64_t now_s;
};

/* --- reading --- */

static bool is_word(struct text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.bytes, word, text.len) == 0;
}

/* The next element of a comma list, without spaces around it. */
static bool next_item(struct text *list, struct text *ret_item)
{
    const char *comma;
    struct text item;

    if (list->len == 0)
        return false;
    comma = memchr(list->bytes, ',', list->len);
    item = (struct text){list->bytes, comma != NULL ? (size_t)(comma - list->bytes) : list->len};
    list->bytes += item.len;
    list->len -= item.len;
    if (comma != NULL) {
        list->bytes++;
        list->len--;
    }
    for (; item.len > 0 && item.bytes[0] == ' '; item.bytes++)
        item.len--;
    while (item.len > 0 && item.bytes[item.len - 1] == ' ')
        item.len--;
    *ret_item = item;
    return true;
}

static bool is_too_long(struct text list)
{
    unsigned items = 1;

    for (size_t i = 0; i < list.len && items <= ITEMS_MAX; i++)
        items += list.bytes[i] == ',' ? 1 : 0;
    return items > ITEMS_MAX || list.len > ITEMS_MAX * TEXT_MAX;
}

static int read_number(struct text value, int64_t min, int64_t max, int64_t *ret_number)
{
    int64_t number = 0;

    if (value.len == 0 || value.len > 15)
        return -EINVAL;
    for (size_t i = 0; i < value.len; i++) {
        if (value.bytes[i] < '0' || value.bytes[i] > '9')
            return -EINVAL;
        number = number * 10 + (value.bytes[i] - '0');
    }
    if (number < min || number > max)
        return -EINVAL;
    *ret_number = number;
    return 0;
}

static int read_modalities(struct text list, unsigned *ret_set)
{
    unsigned set = 0;
    struct text item;

    while (next_item(&list, &item)) {
        unsigned found = is_word(item, "all") ? ~0U : catalog_modality_find(item);
        if (found == 0)
            return -EINVAL;
        set |= found;
    }
    *ret_set = set;
    return 0;
}

static int read_order(struct text value, enum order *ret_order)
{
    static const struct {
        const char *name;
        enum order order;
    } orders[] = {
        {"pricing-low-to-high", ORDER_CHEAP},
        {"pricing-high-to-low", ORDER_DEAR},
        {"context-high-to-low", ORDER_CONTEXT},
        {"newest", ORDER_NEWEST},
        {"most-popular", ORDER_NONE},
        {"top-weekly", ORDER_NONE},
        {"throughput-high-to-low", ORDER_NONE},
        {"latency-low-to-high", ORDER_NONE},
        {"intelligence-high-to-low", ORDER_NONE},
        {"coding-high-to-low", ORDER_NONE},
        {"agentic-high-to-low", ORDER_NONE},
        {"design-arena-elo-high-to-low", ORDER_NONE},
    };

    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        if (is_word(value, orders[i].name)) {
            *ret_order = orders[i].order;
            return 0;
        }
    }
    return -EINVAL;
}

/* Dollars. */
static int read_bound(struct text name, struct text value, struct query *query)
{
    for (unsigned i = 0; i < BOUNDS; i++) {
        if (!is_word(name, bounds[i]))
            continue;
        query->bound[i].asked = true;
        return money_parse(value.bytes, value.len, &query->bound[i].usd, NULL) == 0 ? 0 : -EINVAL;
    }
    return 0;
}

static int read_age(struct text value, int64_t *ret_age_s)
{
    int64_t days;

    if (read_number(value, 0, 1000000, &days) != 0)
        return -EINVAL;
    *ret_age_s = days * DAY_S;
    return 0;
}

static int read_page(struct text name, struct text value, struct query *query,
                     const char **ret_detail)
{
    query->counted = true;
    if (is_word(name, "offset")) {
        *ret_detail = "offset must be a whole number, 0 or more";
        return read_number(value, 0, INT64_MAX, &query->offset);
    }
    *ret_detail = "limit must be a whole number from 1 to 1000";
    return read_number(value, 1, LIMIT_MAX, &query->limit);
}

static int read_parameter(struct text name, struct text value, struct query *query,
                          const char **ret_detail)
{
    if (value.len == 0)
        return 0; /* as if it had not been said */
    *ret_detail = "a filter has more than 32 items, or is too long";
    if (is_too_long(value))
        return -EINVAL;
    if (is_word(name, "offset") || is_word(name, "limit"))
        return read_page(name, value, query, ret_detail);
    *ret_detail = "output_modalities must be all, or a comma list of text, image, embeddings, "
                  "audio, video, rerank, speech, transcription and decisions";
    if (is_word(name, "output_modalities"))
        return read_modalities(value, &query->outputs);
    *ret_detail = "input_modalities must be a comma list of text, image, file, audio and video";
    if (is_word(name, "input_modalities"))
        return read_modalities(value, &query->inputs);
    *ret_detail = "sort is none of the orders that there are";
    if (is_word(name, "sort"))
        return read_order(value, &query->order);
    *ret_detail = "context must be a whole number of tokens";
    if (is_word(name, "context"))
        return read_number(value, 0, INT64_MAX, &query->context);
    *ret_detail = "ages must be whole days";
    if (is_word(name, "min_age_days"))
        return read_age(value, &query->age_min_s);
    if (is_word(name, "max_age_days"))
        return read_age(value, &query->age_max_s);
    if (is_word(name, "supported_parameters"))
        query->parameters = value;
    else if (is_word(name, "q"))
        query->text = value;
    else if (is_word(name, "arch"))
        query->group = value;
    else if (is_word(name, "model_authors"))
        query->authors = value;
    else if (is_word(name, "region"))
        query->region = value;
    else if (is_word(name, "zdr"))
        query->zdr = is_word(value, "true");
    *ret_detail = "prices must be decimal numbers of USD per million tokens";
    return read_bound(name, value, query);
}

static int hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

struct text catalog_decode(char *bytes, size_t len, bool plus)
{
    size_t to = 0;

    for (size_t at = 0; at < len; at++, to++) {
        bytes[to] = plus && bytes[at] == '+' ? ' ' : bytes[at];
        if (bytes[at] == '%' && len - at > 2 && hex_digit(bytes[at + 1]) >= 0 &&
            hex_digit(bytes[at + 2]) >= 0) {
            bytes[to] = (char)(hex_digit(bytes[at + 1]) * 16 + hex_digit(bytes[at + 2]));
            at += 2;
        }
    }
    return (struct text){bytes, to};
}

/* copy: the query string, which is decoded in place and borrowed from afterwards. */
static int read_query(char *copy, size_t len, struct query *query, const char **ret_detail)
{
    for (size_t at = 0; at < len;) {
        char *ampersand = memchr(copy + at, '&', len - at);
        size_t end = ampersand != NULL ? (size_t)(ampersand - copy) : len;
        char *equals = memchr(copy + at, '=', end - at);
        size_t name_len = equals != NULL ? (size_t)(equals - copy) - at : end - at;
        struct text name = catalog_decode(copy + at, name_len, true), value = {NULL, 0};

        if (equals != NULL)
            value = catalog_decode(equals + 1, end - at - name_len - 1, true);
        if (read_parameter(name, value, query, ret_detail) != 0)
            return -EINVAL;
        at = end + 1;
    }
    return 0;
}

/* --- matching --- */

static bool contains(struct text text, struct text part)
{
    if (part.len > TEXT_MAX)
        return false;
    if (text.len > 4 * TEXT_MAX)
        text.len = 4 * TEXT_MAX;
    for (size_t i = 0; part.len <= text.len && i <= text.len - part.len; i++)
        if (strncasecmp(text.bytes + i, part.bytes, part.len) == 0)
            return true;
    return false;
}

static struct text string_of(const struct json_doc *doc, uint32_t token)
{
    if (token == JSON_NONE || doc->tokens[token].type != JSON_STRING)
        return (struct text){NULL, 0};
    return (struct text){doc->text + doc->tokens[token].start + 1,
                         doc->tokens[token].end - doc->tokens[token].start - 2};
}

static bool lists(const struct catalog_row *row, const char *member, struct text word)
{
    const struct json_doc *doc = &row->catalog->doc;
    uint32_t list = json_get(doc, row->catalog->entries[row->entry].token, member);

    if (list == JSON_NONE || doc->tokens[list].type != JSON_ARRAY)
        return false;
    for (uint32_t at = json_first(doc, list); at != JSON_NONE; at = json_next(doc, list, at)) {
        struct text item = string_of(doc, at);
        if (item.len == word.len && strncasecmp(item.bytes, word.bytes, word.len) == 0)
            return true;
    }
    return false;
}

/* As the list prints it: Vercel's entries may say it with a tag. */
static bool supports(const struct catalog_row *row, struct text parameter)
{
    const struct json_doc *doc = &row->catalog->doc;
    uint32_t entry = row->catalog->entries[row->entry].token;
    const char *tag;

    if (json_get(doc, entry, "supported_parameters") != JSON_NONE)
        return lists(row, "supported_parameters", parameter);
    tag = catalog_tag_of(parameter);
    return tag != NULL && lists(row, "tags", text_of(tag));
}

static bool has_parameters(const struct catalog_row *row, struct text wanted)
{
    struct text item;

    while (next_item(&wanted, &item))
        if (item.len > 0 && !supports(row, item))
            return false;
    return true;
}

static bool is_by(struct text id, struct text authors)
{
    struct text item;

    if (authors.len == 0)
        return true;
    while (next_item(&authors, &item))
        if (item.len > 0 && id.len > item.len && id.bytes[item.len] == '/' &&
            strncasecmp(id.bytes, item.bytes, item.len) == 0)
            return true;
    return false;
}

static bool is_named(const struct catalog_row *row, struct text id, struct text part)
{
    const struct json_doc *doc = &row->catalog->doc;
    uint32_t name = json_get(doc, row->catalog->entries[row->entry].token, "name");

    return part.len == 0 || contains(id, part) || contains(string_of(doc, name), part);
}

/* Some endpoints are enough: the request's own provider rules choose among them. */
static bool keeps_nothing(const struct catalog_row *row)
{
    const struct json_doc *doc = &row->catalog->doc;
    uint32_t zdr = json_get(doc, row->catalog->entries[row->entry].token, "zdr");

    return zdr != JSON_NONE &&
           (json_string_is(doc, zdr, "all") || json_string_is(doc, zdr, "some"));
}

/* price: USD per token, in 1e-15. Unknown is outside of all bounds. */
static bool is_within(int64_t price, const struct query *query, enum bound min, enum bound max)
{
    struct money million;

    if (!query->bound[min].asked && !query->bound[max].asked)
        return true;
    if (price < 0 || money_multiply((struct unit_price){price}, 1000000, &million) != 0)
        return false;
    return !(query->bound[min].asked && money_compare(million, query->bound[min].usd) < 0) &&
           !(query->bound[max].asked && money_compare(million, query->bound[max].usd) > 0);
}

static bool is_aged(const struct catalog_row *row, const struct query *query)
{
    int64_t age_s = query->now_s - row->created_s;

    if (query->age_min_s < 0 && query->age_max_s < 0)
        return true;
    return row->created_s > 0 && (query->age_min_s < 0 || age_s >= query->age_min_s) &&
           (query->age_max_s < 0 || age_s <= query->age_max_s);
}

static bool matches(const struct catalog_view *view, const struct catalog_row *row,
                    const struct query *query)
{
    struct text id = catalog_row_id(view, row);

    return (row->outputs & query->outputs) != 0 && (row->inputs & query->inputs) == query->inputs &&
           row->context >= query->context && is_by(id, query->authors) && is_aged(row, query) &&
           is_named(row, id, query->text) &&
           (query->group.len == 0 ||
            (query->group.len == row->group.len &&
             strncasecmp(query->group.bytes, row->group.bytes, row->group.len) == 0)) &&
           is_within(row->prompt, query, BOUND_PROMPT_MIN, BOUND_PROMPT_MAX) &&
           is_within(row->completion, query, BOUND_COMPLETION_MIN, BOUND_COMPLETION_MAX) &&
           (!query->zdr || keeps_nothing(row)) &&
           (query->region.len == 0 || lists(row, "regions", query->region)) &&
           has_parameters(row, query->parameters);
}

/* --- ordering --- */

struct sorting {
    const struct catalog_view *view;
    enum order order;
};

/* What a row is sorted by, more first; unknown is last in every order. */
static int compare_rows(const void *a, const void *b, void *arg)
{
    const struct sorting *sorting = arg;
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    const struct catalog_row *rows[2] = {&sorting->view->rows[one], &sorting->view->rows[other]};
    int64_t by[2];
    bool known[2];

    for (unsigned i = 0; i < 2; i++) {
        if (sorting->order == ORDER_CONTEXT)
            by[i] = rows[i]->context;
        else if (sorting->order == ORDER_NEWEST)
            by[i] = rows[i]->created_s;
        else /* the mean of both, halved before so that it fits */
            by[i] = rows[i]->prompt < 0 || rows[i]->completion < 0
                        ? -1
                        : rows[i]->prompt / 2 + rows[i]->completion / 2;
        known[i] = by[i] >= 0;
    }
    if (known[0] != known[1])
        return known[0] ? -1 : 1;
    if (by[0] != by[1])
        return (by[0] < by[1]) == (sorting->order == ORDER_CHEAP) ? -1 : 1;
    return (one > other) - (one < other);
}

/* --- writing --- */

/* The same question from `offset` on. */
static void print_next(enum catalog_question question, struct text query, int64_t offset,
                       int64_t limit, struct out *out)
{
    struct out address = OUT_INIT;
    struct text rest = query;

    out_text(&address, question == CATALOG_EMBEDDING_MODELS ? "/api/v1/embeddings/models?offset="
                                                            : "/api/v1/models?offset=");
    out_number(&address, offset);
    out_text(&address, "&limit=");
    out_number(&address, limit);
    while (rest.len > 0) {
        const char *ampersand = memchr(rest.bytes, '&', rest.len);
        size_t len = ampersand != NULL ? (size_t)(ampersand - rest.bytes) : rest.len;

        if (len > 0 && !(len >= 7 && memcmp(rest.bytes, "offset=", 7) == 0) &&
            !(len >= 6 && memcmp(rest.bytes, "limit=", 6) == 0)) {
            out_char(&address, '&');
            out_bytes(&address, rest.bytes, len);
        }
        len += ampersand != NULL ? 1 : 0;
        rest = (struct text){rest.bytes + len, rest.len - len};
    }
    if (address.error != 0)
        out->error = address.error;
    else
        out_string(out, (struct text){address.bytes, address.len});
    out_release(&address);
}

static void print_rows(const struct catalog_view *view, const uint32_t *rows, size_t count,
                       struct out *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct catalog_row *row = &view->rows[rows[i]];
        out_next(out);
        out_bytes(out, view->text.bytes + row->text_at, row->text_len);
    }
}

static void print_list(const struct catalog_view *view, const uint32_t *rows, unsigned count,
                       enum catalog_question question, struct text text, const struct query *query,
                       struct out *out)
{
    int64_t from = query->offset < count ? query->offset : count;
    int64_t left = (int64_t)count - from;
    int64_t taken = query->counted && query->limit < left ? query->limit : left;

    out_text(out, "{\"data\":[");
    print_rows(view, rows + from, (size_t)taken, out);
    out_text(out, "],\"total_count\":");
    out_number(out, count);
    out_text(out, ",\"links\":{\"next\":");
    if (taken < left)
        print_next(question, text, from + taken, query->limit, out);
    else
        out_text(out, "null");
    out_text(out, "}}");
}

int catalog_query_print(const struct catalog_view *view, enum catalog_question question,
                        enum config_dialect to, struct text query_text, int64_t now_s,
                        struct out *out, const char **ret_detail)
{
    struct query query = {.limit = LIMIT_DEFAULT,
                          .outputs = to == DIALECT_OPENROUTER ? MODALITY_TEXT : ~0U,
                          .context = -1,
                          .age_min_s = -1,
                          .age_max_s = -1,
                          .now_s = now_s};
    struct sorting sorting = {view, ORDER_NONE};
    char copy[QUERY_MAX];
    uint32_t *rows;
    unsigned count = 0;

    if (query_text.len > sizeof copy) {
        *ret_detail = "the query is too long";
        return -EINVAL;
    }
    if (to == DIALECT_OPENROUTER && query_text.len > 0) {
        memcpy(copy, query_text.bytes, query_text.len);
        if (read_query(copy, query_text.len, &query, ret_detail) != 0)
            return -EINVAL;
    }
    if (question == CATALOG_EMBEDDING_MODELS)
        query.outputs = MODALITY_EMBEDDINGS;
    rows = calloc((size_t)view->count + 1, sizeof *rows);
    if (rows == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < view->count; i++)
        if (matches(view, &view->rows[i], &query))
            rows[count++] = i;
    sorting.order = query.order;
    if (query.order != ORDER_NONE)
        qsort_r(rows, count, sizeof *rows, compare_rows, &sorting);
    if (question == CATALOG_COUNT) {
        out_text(out, "{\"data\":{\"count\":");
        out_number(out, count);
        out_text(out, "}}");
    } else if (to == DIALECT_OPENROUTER) {
        print_list(view, rows, count, question, query_text, &query, out);
    } else {
        out_text(out, "{\"object\":\"list\",\"data\":[");
        print_rows(view, rows, count, out);
        out_text(out, "]}");
    }
    free(rows);
    return out->error;
}
