/* sse.h - incremental event-stream splitter (WHATWG HTML section 9.2.6 framing: LF, CR or CRLF line
 * ends, a blank line ends an event).
 *
 * Cuts a byte stream into pieces at event boundaries without changing a byte: the concatenation of
 * all pieces is the input. For each piece it says where the payload of its `data:` lines is.
 * Law (fuzzed): any split of the input gives the same pieces.
 *
 * When a piece is handed out: with the byte that ends its blank line. A blank line that ends in CR
 * waits for one byte more, because an LF there still belongs to it; only CR CR is cut at once, so
 * that a live stream of bare CRs never runs one event behind. (CR CR LF therefore gives the LF as a
 * piece of its own: an empty line between events, which means nothing to any reader.)
 * A byte order mark at the very start is no part of the first line, but stays in the bytes.
 *
 * Threads: one splitter, one thread.
 */
#ifndef SERVER_SSE_H
#define SERVER_SSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One event, comment block or blank line: raw bytes with their terminator. */
struct sse_piece {
    const char *bytes; /* borrow: valid during the callback */
    size_t len;
    bool whole; /* false: a part of an event over event_bytes_max, or an end without a blank line */
    /* The payload: when the event has exactly one data line, its span inside bytes, else 0/0. */
    size_t data_at, data_len;
    unsigned data_lines;        /* 0: comment or other fields only, or part of a too long event */
    size_t event_at, event_len; /* value of the last `event:` line, 0/0 when there is none */
};

struct sse_splitter {
    char *held; /* bytes of an event whose end was not seen yet */
    size_t held_len, held_size, held_max;
    int at;        /* private: where in the framing the next byte stands */
    bool too_long; /* private: parts of the open event are already out */
    bool begun;    /* private: a piece is out, so no byte order mark can follow */
};

/* event_bytes_max (at least 1): an event longer than this is handed out in parts of that size with
 * data_lines = 0, in order, so that no peer can make us hold more. */
void sse_splitter_init(struct sse_splitter *splitter, size_t event_bytes_max);
void sse_splitter_release(struct sse_splitter *splitter); /* accepts a zeroed or released one */

/* Feeds bytes; calls fn for every finished piece, in order. fn returns 0 to go on; anything else
 * stops and is returned. -ENOMEM. After a stop or an error the rest of the bytes is lost: the
 * splitter can only be released. */
int sse_feed(struct sse_splitter *splitter, const char *bytes, size_t len,
             int (*fn)(void *arg, const struct sse_piece *piece), void *arg);

/* The stream ended: hands out what is held as a last, unterminated piece (if any). Its data lines
 * are told like those of any other. */
int sse_finish(struct sse_splitter *splitter, int (*fn)(void *arg, const struct sse_piece *piece),
               void *arg);

#endif
