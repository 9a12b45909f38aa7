/* answer_support.h - what the tests of answer.h share with its fuzzer: a reference renderer of
 * replay edits, as plain as can be, and a reader of recorded exchanges. */
#ifndef TESTS_SERVER_ANSWER_SUPPORT_H
#define TESTS_SERVER_ANSWER_SUPPORT_H

#include "server/dialect/answer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAMP_ID "gen_01M3ZZZZZZZZZZZZZZZZZZZZZZ"
#define STAMP_CREATED "1790999999"

/* give: an answer with its own room for edits; free_answer(). */
static inline struct answer *new_answer_as(enum row_api api)
{
    struct answer *answer = malloc(sizeof(*answer) + ANSWER_EDITS_MAX * sizeof(struct tape_edit));

    assert(answer != NULL);
    answer_init(answer, api, (struct tape_edit *)(answer + 1));
    return answer;
}

static inline struct answer *new_answer(void)
{
    return new_answer_as(API_CHAT);
}

static inline void free_answer(struct answer *answer)
{
    answer_release(answer);
    free(answer);
}

/* give: what a replay of text shows, NUL-terminated. Checks the laws of the edits on the way. */
static inline char *render(const struct answer *answer, const char *text, size_t len,
                           size_t *ret_len)
{
    char *out = malloc(len + answer->edit_count * 64 + 1);
    size_t from = 0, to = 0;

    assert(out != NULL);
    assert(answer->edit_count <= ANSWER_EDITS_MAX);
    for (size_t i = 0; i < answer->edit_count; i++) {
        const struct tape_edit *edit = &answer->edits[i];
        const char *shown = edit->text;
        size_t shown_len = edit->text_len;

        assert(edit->at >= from);
        assert(edit->cut <= len);
        assert(edit->at <= len - edit->cut);
        assert(edit->text_len <= TAPE_EDIT_TEXT_MAX);
        assert(edit->slot <= TAPE_SLOTS);
        if (edit->slot != 0) {
            shown = edit->slot == ANSWER_SLOT_ID ? STAMP_ID : STAMP_CREATED;
            shown_len = strlen(shown);
        }
        memcpy(out + to, text + from, edit->at - from);
        to += edit->at - from;
        memcpy(out + to, shown, shown_len);
        to += shown_len;
        from = edit->at + edit->cut;
    }
    memcpy(out + to, text + from, len - from);
    to += len - from;
    out[to] = '\0';
    *ret_len = to;
    return out;
}

/* give: an answer that read this body. */
static inline struct answer *body_as(enum row_api api, const char *body)
{
    struct answer *answer = new_answer_as(api);

    answer_read_body(answer, body, strlen(body));
    return answer;
}

/* give: an answer that read these events, up to the first NULL. */
static inline struct answer *stream_as(enum row_api api, const char *const *events, size_t count)
{
    struct answer *answer = new_answer_as(api);

    for (size_t i = 0; i < count && events[i] != NULL; i++)
        answer_read_event(answer, events[i], strlen(events[i]));
    return answer;
}

/* give: a body, or an event of a stream, as a replay shows it. */
static inline char *replay_as(enum row_api api, bool event, const char *text)
{
    struct answer *answer = new_answer_as(api);
    size_t len;
    char *out;

    if (event)
        answer_read_event(answer, text, strlen(text));
    else
        answer_read_body(answer, text, strlen(text));
    out = render(answer, text, strlen(text), &len);
    free_answer(answer);
    return out;
}

/* expected NULL: not known. */
static inline bool money_is(struct maybe_money got, const char *expected)
{
    char text[MONEY_TEXT_MAX];

    if (expected == NULL || !got.known)
        return expected == NULL && !got.known;
    money_print(got.money, text);
    return strcmp(text, expected) == 0;
}

/* What the ledger books of it: expected texts as above. */
static inline bool booked_are(const struct answer *answer, const char *billed, const char *upstream,
                              const char *market)
{
    struct ledger_row row;

    memset(&row, 0, sizeof(row));
    answer_costs(answer, &row);
    return row.byok == answer->byok && money_is(row.billed, billed) &&
           money_is(row.upstream_cost, upstream) && money_is(row.market, market);
}

/* give: the file's bytes, NUL-terminated. */
static inline char *read_file(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(1 << 20);
    size_t len;

    assert(file != NULL);
    assert(bytes != NULL);
    len = fread(bytes, 1, (1 << 20) - 1, file);
    assert(feof(file));
    fclose(file);
    bytes[len] = '\0';
    *ret_len = len;
    return bytes;
}

/* Calls fn for the payload of every data line of a recorded stream; returns how many. */
static inline size_t each_event(const char *stream, void (*fn)(void *arg, const char *, size_t),
                                void *arg)
{
    size_t events = 0;

    for (const char *line = stream; *line != '\0';) {
        const char *end = strchr(line, '\n');

        assert(end != NULL);
        if (strncmp(line, "data: ", 6) == 0) {
            fn(arg, line + 6, (size_t)(end - line) - 6);
            events++;
        }
        line = end + 1;
    }
    return events;
}

/* The `body` of a recorded plain exchange: borrowed from text. */
static inline const char *recorded_body(const char *text, size_t len, size_t *ret_len)
{
    struct json_doc doc;
    uint32_t body;
    const char *bytes;

    json_doc_init(&doc);
    if (json_parse(&doc, text, len, NULL) != 0)
        abort();
    body = json_get(&doc, 0, "body");
    assert(body != JSON_NONE);
    bytes = text + doc.tokens[body].start;
    *ret_len = doc.tokens[body].end - doc.tokens[body].start;
    json_doc_release(&doc);
    return bytes;
}

#endif
