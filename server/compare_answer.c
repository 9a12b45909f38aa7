/* compare_answer.c - one streamed answer: its text, its costs, and when what came. */
#include "server/compare.h"

#include "accounting/estimate.h"
#include "server/dialect/answer.h"
#include "server/dialect/sse.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct compare_reader {
    int64_t begun_us, first_us; /* first_us -1: nothing of the answer yet */
    int64_t now_us;             /* of the bytes that are being read */
    size_t seen;                /* bytes */
    bool hit;
    struct maybe_money saved; /* what a hit would have cost */
    struct sse_splitter events;
    struct answer answer;
    struct tape_edit edits[ANSWER_EDITS_MAX];
    struct json_doc doc;
    struct out text; /* of the answer */
    struct out raw;  /* the beginning of what came: an error's body */
};

enum { RAW_MAX = 64 * 1024 };

struct compare_reader *compare_reader_new(int64_t now_us)
{
    struct compare_reader *reader = calloc(1, sizeof(*reader));

    if (reader == NULL)
        return NULL;
    reader->begun_us = now_us;
    reader->first_us = -1;
    sse_splitter_init(&reader->events, COMPARE_ANSWER_BYTES_MAX);
    answer_init(&reader->answer, API_CHAT, reader->edits);
    json_doc_init(&reader->doc);
    return reader;
}

void compare_reader_free(struct compare_reader *reader)
{
    if (reader == NULL)
        return;
    sse_splitter_release(&reader->events);
    answer_release(&reader->answer);
    json_doc_release(&reader->doc);
    out_release(&reader->text);
    out_release(&reader->raw);
    free(reader);
}

static bool is(struct text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.bytes, word, text.len) == 0;
}

void compare_reader_header(struct compare_reader *reader, struct text name, struct text value)
{
    if (is(name, "x-openrouter-cache-status"))
        reader->hit = is(value, "HIT");
    else if (is(name, "x-tollgate-saved-cost"))
        reader->saved.known = money_parse(value.bytes, value.len, &reader->saved.money, NULL) == 0;
}

bool compare_reader_is_hit(const struct compare_reader *reader)
{
    return reader->hit;
}

/* --- text --- */

static bool add_string(struct compare_reader *reader, uint32_t value)
{
    char *scratch;
    const char *bytes;
    size_t len;
    bool added = false;

    if (value == JSON_NONE || reader->doc.tokens[value].type != JSON_STRING)
        return false;
    scratch = malloc(reader->doc.len + 1);
    if (scratch != NULL &&
        json_string(&reader->doc, value, scratch, reader->doc.len + 1, &bytes, &len) == 0) {
        out_bytes(&reader->text, bytes, len);
        added = len > 0;
    }
    free(scratch);
    return added;
}

/* name(arguments), as it comes in pieces. */
static bool add_tool_calls(struct compare_reader *reader, uint32_t calls)
{
    const struct json_doc *doc = &reader->doc;
    bool added = false;

    if (calls == JSON_NONE || doc->tokens[calls].type != JSON_ARRAY)
        return false;
    for (uint32_t i = json_first(doc, calls); i != JSON_NONE; i = json_next(doc, calls, i)) {
        uint32_t function = json_get(doc, i, "function");

        if (add_string(reader, json_get(doc, function, "name"))) {
            out_char(&reader->text, ' ');
            added = true;
        }
        added = add_string(reader, json_get(doc, function, "arguments")) || added;
    }
    return added;
}

static bool is_text(const struct json_doc *doc, uint32_t value)
{
    return value != JSON_NONE && doc->tokens[value].type == JSON_STRING &&
           doc->tokens[value].end - doc->tokens[value].start > 2;
}

/* Reasoning is a token too, but no part of the answer. */
static void read_choice(struct compare_reader *reader, uint32_t choice)
{
    const struct json_doc *doc = &reader->doc;
    uint32_t delta = json_get(doc, choice, "delta");
    bool came = add_string(reader, json_get(doc, delta, "content"));

    came = add_tool_calls(reader, json_get(doc, delta, "tool_calls")) || came;
    came = came || is_text(doc, json_get(doc, delta, "reasoning")) ||
           is_text(doc, json_get(doc, delta, "reasoning_content"));
    if (came && reader->first_us < 0)
        reader->first_us = reader->now_us;
}

static int read_piece(void *arg, const struct sse_piece *piece)
{
    struct compare_reader *reader = arg;
    const char *data = piece->bytes + piece->data_at;
    uint32_t choices;

    if (piece->data_lines != 1)
        return 0;
    answer_learn_event(&reader->answer, data, piece->data_len);
    if (json_parse(&reader->doc, data, piece->data_len, NULL) != 0)
        return 0; /* [DONE] */
    choices = json_get(&reader->doc, 0, "choices");
    if (choices != JSON_NONE && reader->doc.tokens[choices].type == JSON_ARRAY &&
        json_first(&reader->doc, choices) != JSON_NONE)
        read_choice(reader, json_first(&reader->doc, choices));
    json_doc_clear(&reader->doc);
    return reader->text.error;
}

int compare_reader_bytes(struct compare_reader *reader, const char *bytes, size_t len,
                         int64_t now_us)
{
    if (len > COMPARE_ANSWER_BYTES_MAX - reader->seen)
        return -EFBIG;
    reader->seen += len;
    reader->now_us = now_us;
    if (reader->raw.len < RAW_MAX)
        out_bytes(&reader->raw, bytes,
                  len < RAW_MAX - reader->raw.len ? len : RAW_MAX - reader->raw.len);
    return sse_feed(&reader->events, bytes, len, read_piece, reader);
}

/* --- the end --- */

/* The message of either vendor's envelope, else nothing. */
static void read_error(struct compare_reader *reader, char error[COMPARE_ERROR_MAX])
{
    char scratch[COMPARE_ERROR_MAX];
    const char *bytes;
    size_t len;
    uint32_t message;

    if (reader->raw.len == 0 ||
        json_parse(&reader->doc, reader->raw.bytes, reader->raw.len, NULL) != 0)
        return;
    message = json_get(&reader->doc, json_get(&reader->doc, 0, "error"), "message");
    if (json_string(&reader->doc, message == JSON_NONE ? 0 : message, scratch, sizeof(scratch),
                    &bytes, &len) == 0)
        snprintf(error, COMPARE_ERROR_MAX, "%.*s", (int)(len < 200 ? len : 200), bytes);
    json_doc_clear(&reader->doc);
}

static const struct price *price_of(const struct price_table *prices, const char *model,
                                    int64_t now_ms)
{
    return price_find(prices, model, strlen(model), now_ms);
}

static void set_costs(struct compare_reader *reader, const struct price_table *prices,
                      int64_t now_ms, struct compare_result *result)
{
    const struct price *price = NULL;
    struct ledger_row row = {0};
    struct estimate_terms terms = {.service_tier = text_of(reader->answer.service_tier),
                                   .at_ms = now_ms};
    struct estimate estimate;

    if (reader->hit) { /* its own cost is nothing; what it spared is what it once cost */
        result->reported = reader->saved;
        return;
    }
    answer_costs(&reader->answer, &row);
    if (row.market.known)
        terms.market = &row.market.money;
    result->reported = row.billed;
    if (prices != NULL)
        price = price_of(prices, result->model, now_ms);
    if (prices != NULL && price == NULL)
        price = price_of(prices, result->served, now_ms);
    result->estimated.known =
        price != NULL && estimate_cost(price, &reader->answer.usage, &terms, &estimate) == 0;
    if (result->estimated.known)
        result->estimated.money = estimate.cost;
}

void compare_reader_end(struct compare_reader *reader, long status, int64_t now_us,
                        const struct price_table *prices, int64_t now_ms,
                        struct compare_result *result)
{
    const struct answer *answer = &reader->answer;

    reader->now_us = now_us;
    if (sse_finish(&reader->events, read_piece, reader) != 0)
        snprintf(result->error, COMPARE_ERROR_MAX, "out of memory");
    result->status = status;
    result->cached = reader->hit;
    snprintf(result->provider, sizeof(result->provider), "%s", answer->provider);
    snprintf(result->served, sizeof(result->served), "%s", answer->model);
    result->first_us = reader->first_us < 0 ? -1 : reader->first_us - reader->begun_us;
    result->total_us = now_us - reader->begun_us;
    result->usage = answer->usage;
    set_costs(reader, prices, now_ms, result);
    if (status != 200) {
        snprintf(result->error, COMPARE_ERROR_MAX, "status %ld", status);
        read_error(reader, result->error);
    } else if (answer->has_error || !answer->has_end) {
        snprintf(result->error, COMPARE_ERROR_MAX, "the answer broke off");
    }
    result->answer = reader->text;
    reader->text = OUT_INIT;
}
