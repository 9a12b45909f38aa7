/* answer_convert_support.h - what the tests of answer_convert.h share: a converter run over a body
 * or a stream, its output as one text. */
#ifndef TESTS_SERVER_ANSWER_CONVERT_SUPPORT_H
#define TESTS_SERVER_ANSWER_CONVERT_SUPPORT_H

#include "server/dialect/answer_convert.h"
#include "server/dialect/sse.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Short, for tables. */
#define V DIALECT_VERCEL
#define O DIALECT_OPENROUTER
#define N DIALECT_OPENAI

static struct model_map *shared_map;

static inline int open_map(void **state)
{
    char error[256];

    (void)state;
    return model_map_open(NULL, &shared_map, error, sizeof(error));
}

static inline int close_map(void **state)
{
    (void)state;
    model_map_free(shared_map);
    return 0;
}

/* give: text with " where it has ', so that tables of JSON can be read. */
static inline char *quoted(const char *text)
{
    char *copy = strdup(text);

    assert(copy != NULL);
    for (char *at = copy; *at != '\0'; at++)
        if (*at == '\'')
            *at = '"';
    return copy;
}

/* Both name the same model: what a client asks for and what its upstream is asked for. */
static inline struct answer_conversion a_conversion(enum row_api api, enum config_dialect from,
                                                    enum config_dialect to)
{
    return (struct answer_conversion){.api = api,
                                      .from = from,
                                      .to = to,
                                      .map = shared_map,
                                      .model_requested = TEXT("asked/model"),
                                      .model_sent = TEXT("sent/model"),
                                      .upstream = TEXT("up"),
                                      .body_max = 1 << 20};
}

/* give: NUL-terminated. */
static inline char *text_from(struct out *out)
{
    char *text;

    out_char(out, '\0');
    assert(out->error == 0);
    text = strdup(out->bytes);
    assert(text != NULL && strlen(text) + 1 == out->len);
    out_release(out);
    return text;
}

/* give; NULL: it was refused. */
static inline char *convert_body(const struct answer_conversion *conversion, const char *body)
{
    struct answer_converter *converter = answer_converter_new(conversion);
    struct out out = OUT_INIT;
    int result;

    assert(converter != NULL);
    result = answer_convert_body(converter, text_of(body), &out);
    answer_converter_free(converter);
    assert((result == 0) == (out.len > 0));
    return result == 0 ? text_from(&out) : NULL;
}

struct streaming {
    struct answer_converter *converter;
    struct out out;
    int result;
};

static inline int take_event(void *arg, const struct answer_event *event)
{
    struct streaming *streaming = arg;

    assert(event->data_at + event->data_len + 2 == event->len);
    out_bytes(&streaming->out, event->bytes, event->len);
    return 0;
}

static inline int take_piece(void *arg, const struct sse_piece *piece)
{
    struct streaming *streaming = arg;

    if (piece->data_lines == 1)
        streaming->result = answer_convert_event(
            streaming->converter, (struct text){piece->bytes + piece->event_at, piece->event_len},
            (struct text){piece->bytes + piece->data_at, piece->data_len}, take_event, streaming);
    return streaming->result;
}

static inline struct streaming run_stream(const struct answer_conversion *conversion,
                                          const char *stream)
{
    struct streaming streaming = {answer_converter_new(conversion), OUT_INIT, 0};
    struct sse_splitter splitter;

    assert(streaming.converter != NULL);
    sse_splitter_init(&splitter, 1 << 20);
    if (sse_feed(&splitter, stream, strlen(stream), take_piece, &streaming) == 0) {
        sse_finish(&splitter, take_piece, &streaming);
        if (streaming.result == 0)
            streaming.result = answer_convert_end(streaming.converter, take_event, &streaming);
    }
    sse_splitter_release(&splitter);
    return streaming;
}

/* give: the client's stream. */
static inline char *convert_stream(const struct answer_conversion *conversion, const char *stream)
{
    struct streaming streaming = run_stream(conversion, stream);

    assert(streaming.result == 0);
    answer_converter_free(streaming.converter);
    return text_from(&streaming.out);
}

/* give: the body or error that the stream became; its result and status. */
static inline char *convert_assembled(struct answer_conversion *conversion, const char *stream,
                                      int *ret_result, int *ret_status)
{
    struct streaming streaming;
    struct out out = OUT_INIT;

    conversion->assemble = true;
    streaming = run_stream(conversion, stream);
    *ret_result = streaming.result;
    *ret_status = 0;
    assert(streaming.out.len == 0);
    if (streaming.result == 0)
        *ret_result = answer_convert_assembled(streaming.converter, &out, ret_status);
    answer_converter_free(streaming.converter);
    return text_from(&out);
}

#endif
