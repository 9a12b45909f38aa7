/* answer_convert_fuzz.c - laws of the answer converter on any bytes, for every pair of dialects:
 *   1. a body that is a JSON object becomes a JSON object, any other is refused and left alone;
 *   2. every event that leaves is one data line and a blank line, and JSON wherever its payload
 * was;
 *   3. any split of the stream gives the same bytes;
 *   4. what leaves is bounded by what came (ANSWER_GROWTH_FACTOR, ANSWER_GROWTH_BYTES);
 *   5. what a stream is assembled to is JSON of at most body_max before it is converted;
 *   6. an error of any shape becomes a JSON object with `error`, and is then left alone.
 *
 * Input: a byte for api and mode, one for the dialects, one for options, one for the splits' seed,
 * then the text. */
#include "server/dialect/answer_convert.h"
#include "server/dialect/sse.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 4096, EVENT_MAX = 1 << 16 };

struct stream {
    struct answer_converter *converter;
    struct out bytes;
    size_t in, events_in, events_out;
    bool json; /* the payload in hand is a JSON object */
    int result;
};

static struct model_map *map;

static bool is_object(const char *text, size_t len)
{
    struct json_doc doc;
    bool is;

    json_doc_init(&doc);
    is = len > 0 && json_parse(&doc, text, len, NULL) == 0 && doc.tokens[0].type == JSON_OBJECT;
    json_doc_release(&doc);
    return is;
}

static bool has_error(const struct out *out)
{
    struct json_doc doc;
    bool has;

    json_doc_init(&doc);
    has = json_parse(&doc, out->bytes, out->len, NULL) == 0 &&
          json_get(&doc, 0, "error") != JSON_NONE;
    json_doc_release(&doc);
    return has;
}

static int on_event(void *arg, const struct answer_event *event)
{
    struct stream *stream = arg;
    const char *data = event->bytes + event->data_at;

    assert(event->data_at >= 6 && memcmp(data - 6, "data: ", 6) == 0);
    assert(event->data_at + event->data_len + 2 == event->len);
    assert(memcmp(data + event->data_len, "\n\n", 2) == 0);
    assert(memchr(data, '\n', event->data_len) == NULL);
    if (stream->json)
        assert(is_object(data, event->data_len));
    out_bytes(&stream->bytes, event->bytes, event->len);
    stream->events_out++;
    return 0;
}

static int on_piece(void *arg, const struct sse_piece *piece)
{
    struct stream *stream = arg;
    struct text payload = {piece->bytes + piece->data_at, piece->data_len};
    struct text event = {piece->bytes + piece->event_at, piece->event_len};

    if (piece->data_lines != 1)
        return 0;
    stream->in += piece->len;
    stream->events_in++;
    stream->json = is_object(payload.bytes, payload.len);
    stream->result = answer_convert_event(stream->converter, event, payload, on_event, stream);
    assert(stream->result == 0 || stream->result == -E2BIG);
    return stream->result;
}

static void run(const struct answer_conversion *conversion, const char *text, size_t len,
                uint32_t seed, struct stream *stream)
{
    struct sse_splitter splitter;
    size_t at = 0;

    *stream = (struct stream){.converter = answer_converter_new(conversion), .bytes = OUT_INIT};
    assert(stream->converter != NULL);
    sse_splitter_init(&splitter, EVENT_MAX);
    while (at < len && stream->result == 0) {
        size_t piece = seed == 0 ? len : 1 + (seed >> 8) % 37;

        if (piece > len - at)
            piece = len - at;
        sse_feed(&splitter, text + at, piece, on_piece, stream);
        at += piece;
        seed = seed == 0 ? 0 : seed * 1103515245 + 12345;
    }
    if (stream->result == 0)
        sse_finish(&splitter, on_piece, stream);
    stream->json = false; /* [DONE] may follow */
    if (stream->result == 0)
        assert(answer_convert_end(stream->converter, on_event, stream) == 0);
    sse_splitter_release(&splitter);
}

static void check_assembled(const struct answer_conversion *conversion, struct stream *stream)
{
    struct out out = OUT_INIT;
    int status = 0, result = 0;

    assert(stream->bytes.len == 0);
    if (stream->result == 0)
        result = answer_convert_assembled(stream->converter, &out, &status);
    assert(result == 0 || result == -ENODATA || result == -E2BIG);
    if (stream->result == 0 && result == 0) {
        assert(is_object(out.bytes, out.len));
        assert(out.len <= ANSWER_GROWTH_FACTOR * BODY_MAX + ANSWER_GROWTH_BYTES);
    } else if (result == -ENODATA && out.len > 0) {
        assert(status >= 400 && status <= 599);
        assert(has_error(&out));
    }
    (void)conversion;
    out_release(&out);
}

static void check_stream(const struct answer_conversion *conversion, const char *text, size_t len,
                         uint32_t seed)
{
    struct stream whole, split;

    run(conversion, text, len, 0, &whole);
    run(conversion, text, len, seed | 256, &split);
    assert(whole.result == split.result);
    assert(whole.bytes.len == split.bytes.len);
    assert(whole.bytes.len == 0 ||
           memcmp(whole.bytes.bytes, split.bytes.bytes, whole.bytes.len) == 0);
    assert(whole.bytes.len <=
           ANSWER_GROWTH_FACTOR * whole.in + (whole.events_in + 1) * ANSWER_GROWTH_BYTES);
    if (conversion->assemble)
        check_assembled(conversion, &whole);
    answer_converter_free(whole.converter);
    answer_converter_free(split.converter);
    out_release(&whole.bytes);
    out_release(&split.bytes);
}

static void check_body(const struct answer_conversion *conversion, const char *text, size_t len)
{
    struct answer_converter *converter = answer_converter_new(conversion);
    struct out out = OUT_INIT;
    int result;

    assert(converter != NULL);
    result = answer_convert_body(converter, (struct text){text, len}, &out);
    assert((result == 0) == is_object(text, len));
    assert(result == 0 || (result == -EBADMSG && out.len == 0));
    if (result == 0)
        assert(is_object(out.bytes, out.len));
    assert(out.len <= ANSWER_GROWTH_FACTOR * len + ANSWER_GROWTH_BYTES);
    out_release(&out);
    answer_converter_free(converter);
}

static void check_error(const struct answer_conversion *conversion, const char *text, size_t len,
                        int status)
{
    struct out out = OUT_INIT, again = OUT_INIT;
    int result = answer_convert_error(conversion, status, (struct text){text, len}, &out);

    assert(result == 0);
    assert(out.len <= ANSWER_GROWTH_FACTOR * len + ANSWER_GROWTH_BYTES);
    if (out.len > 0) {
        assert(is_object(out.bytes, out.len) && has_error(&out));
        assert(answer_convert_error(conversion, status, (struct text){out.bytes, out.len},
                                    &again) == 0);
        assert(again.len == 0);
    }
    out_release(&again);
    out_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const enum row_api apis[] = {API_CHAT, API_COMPLETIONS, API_RESPONSES, API_MESSAGES,
                                        API_EMBEDDINGS};
    struct answer_conversion conversion = {.model_requested = TEXT("client/model"),
                                           .model_sent = TEXT("upstream/model"),
                                           .upstream = TEXT("up"),
                                           .body_max = BODY_MAX};
    const char *text;
    char *copy;

    if (len < 4)
        return 0;
    if (map == NULL && model_map_open(NULL, &map, (char[256]){0}, 256) != 0)
        abort();
    conversion.map = map;
    conversion.api = apis[data[0] % 5];
    conversion.from = (enum config_dialect)(data[1] % 3);
    conversion.to = data[1] / 3 % 2 == 0 ? DIALECT_VERCEL : DIALECT_OPENROUTER;
    conversion.metadata = (data[2] & 1) != 0;
    conversion.assemble = (data[2] & 2) != 0 && conversion.api != API_EMBEDDINGS;
    if ((data[2] & 4) != 0)
        conversion.shown_id = TEXT("gen-shown");
    if ((data[2] & 8) != 0)
        conversion.attempts = TEXT("[{\"upstream\":\"a\",\"model\":\"b\",\"status\":503}]");
    if ((data[2] & 16) != 0) {
        conversion.row_id = TEXT("gen-row");
        conversion.now_s = 1785600000;
    }
    len -= 4;
    copy = malloc(len > 0 ? len : 1); /* exactly the text, so that a byte read beyond it is seen */
    if (copy == NULL)
        return 0;
    memcpy(copy, data + 4, len);
    text = copy;
    if (data[0] / 5 % 3 == 0)
        check_body(&conversion, text, len);
    else if (data[0] / 5 % 3 == 1)
        check_stream(&conversion, text, len, data[3]);
    else
        check_error(&conversion, text, len, 400 + data[3] % 200);
    free(copy);
    return 0;
}
