/* sse_fuzz.c - laws of the event-stream splitter:
 *   1. the concatenation of all pieces is the input;
 *   2. any split of the input gives the same pieces, described alike;
 *   3. every span lies inside its piece, and no piece is over the maximum;
 *   4. pieces together have the data lines of the stream, read in one go by a naive reader.
 *
 * Input: one byte for the maximum, one for the seed of the splits, then the stream. */
#include "server/dialect/sse.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES_MAX = 1 << 16 };

struct seen {
    const uint8_t *stream;
    size_t stream_len, at;
    size_t event_max;
    uint64_t data_lines;
    bool cut_short; /* an event was over the maximum */
    size_t count;
    struct sse_piece piece[PIECES_MAX];
};

static struct seen whole, split;

static int see(void *arg, const struct sse_piece *piece)
{
    struct seen *seen = arg;
    assert(piece->len > 0);
    assert(piece->len <= seen->event_max);
    assert(piece->len <= seen->stream_len - seen->at);
    assert(memcmp(piece->bytes, seen->stream + seen->at, piece->len) == 0);
    assert(piece->data_at <= piece->len);
    assert(piece->data_len <= piece->len - piece->data_at);
    assert(piece->event_at <= piece->len);
    assert(piece->event_len <= piece->len - piece->event_at);
    assert(piece->data_lines == 1 || (piece->data_at == 0 && piece->data_len == 0));
    assert(memchr(piece->bytes + piece->data_at, '\n', piece->data_len) == NULL);
    assert(memchr(piece->bytes + piece->data_at, '\r', piece->data_len) == NULL);
    seen->at += piece->len;
    seen->data_lines += piece->data_lines;
    if (!piece->whole && piece->len == seen->event_max)
        seen->cut_short = true;
    assert(seen->count < PIECES_MAX);
    seen->piece[seen->count] = *piece;
    seen->piece[seen->count++].bytes = NULL; /* dead after this call */
    return 0;
}

static void begin(struct seen *seen, const uint8_t *stream, size_t len, size_t event_max)
{
    seen->stream = stream;
    seen->stream_len = len;
    seen->event_max = event_max;
    seen->at = seen->count = 0;
    seen->data_lines = 0;
    seen->cut_short = false;
}

static uint64_t naive_data_lines(const uint8_t *at, size_t len)
{
    const uint8_t *end = at + len;
    uint64_t lines = 0;
    if (len >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
        at += 3;
    while (at < end) {
        const uint8_t *stop = at;
        while (stop < end && *stop != '\n' && *stop != '\r')
            stop++;
        if (stop - at >= 4 && memcmp(at, "data", 4) == 0 && (stop - at == 4 || at[4] == ':'))
            lines++;
        at = stop + 1;
    }
    return lines;
}

static void feed_split(const uint8_t *stream, size_t len, size_t event_max, uint32_t seed)
{
    struct sse_splitter splitter;
    int error;
    sse_splitter_init(&splitter, event_max);
    while (len > 0) {
        size_t part;
        char *copy;
        seed = seed * 1664525u + 1013904223u;
        part = seed >> 31 ? 1 : (seed >> 20) % 64; /* often single bytes, now and then none */
        part = part < len ? part : len;
        copy = malloc(part + 1); /* a heap copy of the exact size shows a read past the feed */
        assert(copy != NULL);
        memcpy(copy + 1, stream, part);
        error = sse_feed(&splitter, copy + 1, part, see, &split);
        assert(error == 0);
        assert(splitter.held_len <= event_max);
        free(copy);
        stream += part;
        len -= part;
    }
    error = sse_finish(&splitter, see, &split);
    assert(error == 0);
    sse_splitter_release(&splitter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct sse_splitter splitter;
    size_t event_max;
    int error;
    if (len < 2 || len - 2 > PIECES_MAX)
        return 0;
    event_max = data[0] < 128 ? 1 + data[0] : (size_t)1 << 20;
    begin(&whole, data + 2, len - 2, event_max);
    begin(&split, data + 2, len - 2, event_max);

    sse_splitter_init(&splitter, event_max);
    error = sse_feed(&splitter, (const char *)data + 2, len - 2, see, &whole);
    assert(error == 0);
    error = sse_finish(&splitter, see, &whole);
    assert(error == 0);
    sse_splitter_release(&splitter);
    feed_split(data + 2, len - 2, event_max, data[1]);

    assert(whole.at == len - 2);
    assert(split.at == len - 2);
    assert(whole.count == split.count);
    for (size_t i = 0; i < whole.count; i++) {
        const struct sse_piece *a = &whole.piece[i], *b = &split.piece[i];
        assert(a->len == b->len && a->whole == b->whole && a->data_lines == b->data_lines);
        assert(a->data_at == b->data_at && a->data_len == b->data_len);
        assert(a->event_at == b->event_at && a->event_len == b->event_len);
    }
    if (!whole.cut_short)
        assert(whole.data_lines == naive_data_lines(data + 2, len - 2));
    return 0;
}
