/* sse.h - incremental event-stream splitter (WHATWG HTML section 9.2.6 framing: LF, CR or CRLF line
 * ends, a blank line ends an event).
 *
 * Cuts a byte stream into pieces at event boundaries without changing a byte: the concatenation of
 * all pieces is the input. For each piece it says where the payload of its `data:` lines is.
 * Law (fuzzed): any split of the input gives the same pieces.
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
    /* The payload: when the event has exactly one data line, its span inside bytes. */
    size_t data_at, data_len;
    unsigned data_lines; /* 0: comment or other fields only */
    size_t event_at, event_len; /* value of the last `event:` line, 0/0 when there is none */
};

struct sse_splitter {
    char *held; /* bytes of an event whose end was not seen yet */
    size_t held_len, held_size, held_max;
    bool pending_cr; /* private: a CR ended the last chunk */
    size_t scan_at;  /* private */
    size_t line_at;  /* private */
};

/* event_bytes_max: an event longer than this is handed out in parts with data_lines = 0, in order,
 * so that no peer can make us hold more. */
void sse_splitter_init(struct sse_splitter *splitter, size_t event_bytes_max);
void sse_splitter_release(struct sse_splitter *splitter);

/* Feeds bytes; calls fn for every finished piece, in order. fn returns 0 to go on; anything else
 * stops and is returned. -ENOMEM. */
int sse_feed(struct sse_splitter *splitter, const char *bytes, size_t len,
             int (*fn)(void *arg, const struct sse_piece *piece), void *arg);

/* The stream ended: hands out what is held as a last, unterminated piece (if any). */
int sse_finish(struct sse_splitter *splitter,
               int (*fn)(void *arg, const struct sse_piece *piece), void *arg);

#endif
