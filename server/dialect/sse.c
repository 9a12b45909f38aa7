/* sse.c - incremental event-stream splitter.
 *
 * Two passes over the bytes, both made of memchr: one finds where an event ends, keeping its place
 * between feeds in a single enum; the other reads the fields of an event that is whole. An event
 * that arrives within one feed is never copied.
 */
#include "server/dialect/sse.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    HELD_BYTES_MIN = 512,
    HELD_BYTES_KEPT = 16 * 1024, /* a larger buffer goes back: thousands of streams stay open */
    MARK_BYTES = 3,
};

/* Where the next byte stands. */
enum {
    AT_STREAM,   /* the very first byte: a byte order mark may stand here */
    AT_MARK_1,   /* one byte of the mark was seen */
    AT_MARK_2,   /* two */
    AT_LINE,     /* a line begins */
    IN_LINE,     /* a line has begun */
    AFTER_CR,    /* a line that was not blank ended in CR: an LF still belongs to it */
    AFTER_BLANK, /* a blank line ended in CR: an LF still belongs to it */
};

_Static_assert(AT_STREAM == 0 && AT_MARK_2 == 2 && (int)AT_LINE == (int)MARK_BYTES,
               "the mark's states count its bytes");

static const char mark[MARK_BYTES] = "\xef\xbb\xbf";

/* The next LF and the next CR of a run of bytes. Each is looked for once and remembered until it is
 * passed: a stream of bare CRs must not search the whole run for an LF at every line. */
struct breaks {
    const char *end;
    const char *lf, *cr; /* end: there is none */
};

static const char *find(const char *from, const char *end, char c)
{
    const char *found = from < end ? memchr(from, c, (size_t)(end - from)) : NULL;
    return found != NULL ? found : end;
}

static void breaks_init(struct breaks *breaks, const char *bytes, size_t len)
{
    breaks->end = bytes + len;
    breaks->lf = find(bytes, breaks->end, '\n');
    breaks->cr = find(bytes, breaks->end, '\r');
}

/* The first line end at or after `from`; breaks->end when there is none. */
static const char *breaks_next(struct breaks *breaks, const char *from)
{
    if (breaks->lf < from)
        breaks->lf = find(from, breaks->end, '\n');
    if (breaks->cr < from)
        breaks->cr = find(from, breaks->end, '\r');
    return breaks->lf < breaks->cr ? breaks->lf : breaks->cr;
}

void sse_splitter_init(struct sse_splitter *splitter, size_t event_bytes_max)
{
    assert(event_bytes_max > 0);
    *splitter = (struct sse_splitter){.held_max = event_bytes_max, .at = AT_STREAM};
}

void sse_splitter_release(struct sse_splitter *splitter)
{
    free(splitter->held);
    *splitter = (struct sse_splitter){.held = NULL};
}

/* The value after `name` and its colon, without the one space that may follow. A line that is the
 * name alone is the field with an empty value. */
static bool field(const char *line, size_t len, const char *name, size_t name_len, size_t *ret_at)
{
    size_t at = name_len;
    if (len < name_len || memcmp(line, name, name_len) != 0)
        return false;
    if (len > at) {
        if (line[at] != ':')
            return false;
        at++;
        if (len > at && line[at] == ' ')
            at++;
    }
    *ret_at = at;
    return true;
}

/* The LF of a CRLF counts as an empty line here, which is no field. */
static void read_fields(struct sse_piece *piece, bool may_have_mark)
{
    const char *line = piece->bytes;
    struct breaks breaks;
    if (may_have_mark && piece->len >= MARK_BYTES && memcmp(line, mark, MARK_BYTES) == 0)
        line += MARK_BYTES;
    breaks_init(&breaks, piece->bytes, piece->len);
    while (line < breaks.end) {
        const char *stop = breaks_next(&breaks, line);
        size_t len = (size_t)(stop - line), at = 0;
        if (field(line, len, "data", 4, &at)) {
            piece->data_lines++;
            piece->data_at = (size_t)(line - piece->bytes) + at;
            piece->data_len = len - at;
        } else if (field(line, len, "event", 5, &at)) {
            piece->event_at = (size_t)(line - piece->bytes) + at;
            piece->event_len = len - at;
        }
        line = stop + 1;
    }
    if (piece->data_lines != 1)
        piece->data_at = piece->data_len = 0;
}

static int hand_out(struct sse_splitter *splitter, const char *bytes, size_t len, bool whole,
                    int (*fn)(void *arg, const struct sse_piece *piece), void *arg)
{
    struct sse_piece piece = {.bytes = bytes, .len = len, .whole = whole};
    assert(len > 0);
    assert(len <= splitter->held_max);
    if (!splitter->too_long)
        read_fields(&piece, !splitter->begun);
    splitter->begun = true;
    return fn(arg, &piece);
}

static int hold(struct sse_splitter *splitter, const char *bytes, size_t len)
{
    size_t need = splitter->held_len + len;
    assert(need <= splitter->held_max);
    if (len == 0)
        return 0;
    if (need > splitter->held_size) {
        size_t size = splitter->held_size < HELD_BYTES_MIN ? HELD_BYTES_MIN : splitter->held_size;
        char *grown;
        while (size < need)
            size = size > SIZE_MAX / 2 ? need : size * 2;
        if (size > splitter->held_max)
            size = splitter->held_max;
        grown = realloc(splitter->held, size);
        if (grown == NULL)
            return -ENOMEM;
        splitter->held = grown;
        splitter->held_size = size;
    }
    memcpy(splitter->held + splitter->held_len, bytes, len);
    splitter->held_len = need;
    return 0;
}

static void let_go(struct sse_splitter *splitter)
{
    splitter->held_len = 0;
    if (splitter->held_size > HELD_BYTES_KEPT) {
        free(splitter->held);
        splitter->held = NULL;
        splitter->held_size = 0;
    }
}

/* Hands out held bytes followed by `bytes` as one piece; copies only when something is held. */
static int join(struct sse_splitter *splitter, const char *bytes, size_t len, bool whole,
                int (*fn)(void *arg, const struct sse_piece *piece), void *arg)
{
    int error;
    if (splitter->held_len == 0)
        return hand_out(splitter, bytes, len, whole, fn, arg);
    error = hold(splitter, bytes, len);
    if (error == 0)
        error = hand_out(splitter, splitter->held, splitter->held_len, whole, fn, arg);
    let_go(splitter);
    return error;
}

/* The next len bytes of the open event; ended: they are its last. */
static int take(struct sse_splitter *splitter, const char *bytes, size_t len, bool ended,
                int (*fn)(void *arg, const struct sse_piece *piece), void *arg)
{
    bool whole;
    int error;
    /* A part leaves only when more than it is there: so the cuts depend on the bytes alone. */
    while (len > splitter->held_max - splitter->held_len) {
        size_t part = splitter->held_max - splitter->held_len;
        splitter->too_long = true;
        error = join(splitter, bytes, part, false, fn, arg);
        if (error != 0)
            return error;
        bytes += part;
        len -= part;
    }
    if (!ended)
        return hold(splitter, bytes, len);
    whole = !splitter->too_long;
    error = join(splitter, bytes, len, whole, fn, arg);
    splitter->too_long = false;
    return error;
}

/* One byte that is not inside a line. Says whether the event ends, and before or after the byte. */
static bool step(struct sse_splitter *splitter, char c, bool *ret_after)
{
    int at = splitter->at;
    *ret_after = true;
    splitter->at = AT_LINE;
    if (at == AFTER_BLANK) {
        *ret_after = c == '\n';
        return true;
    }
    if (at <= AT_MARK_2 && c == mark[at]) {
        splitter->at = at + 1;
        return false;
    }
    if (at == AT_MARK_1 || at == AT_MARK_2)
        at = IN_LINE; /* it was no mark, so the line has begun */
    if (c == '\n')
        return at == AT_LINE || at == AT_STREAM;
    if (c == '\r' && at == AFTER_CR)
        return true;
    if (c == '\r')
        splitter->at = at == IN_LINE ? AFTER_CR : AFTER_BLANK;
    else
        splitter->at = IN_LINE;
    return false;
}

/* Looks for the end of the open event from `bytes` on; *ret_stop is where it ends, or the end of
 * the run. */
static bool find_end(struct sse_splitter *splitter, struct breaks *breaks, const char *bytes,
                     const char **ret_stop)
{
    const char *at = bytes;
    while (at < breaks->end) {
        bool after;
        if (splitter->at == IN_LINE) {
            at = breaks_next(breaks, at);
            if (at == breaks->end)
                break;
        }
        if (step(splitter, *at, &after)) {
            *ret_stop = after ? at + 1 : at;
            return true;
        }
        at++;
    }
    *ret_stop = breaks->end;
    return false;
}

int sse_feed(struct sse_splitter *splitter, const char *bytes, size_t len,
             int (*fn)(void *arg, const struct sse_piece *piece), void *arg)
{
    struct breaks breaks;
    assert(splitter->held_max > 0);
    if (len == 0)
        return 0; /* bytes may be NULL then */
    breaks_init(&breaks, bytes, len);
    while (bytes < breaks.end) {
        const char *stop;
        bool ended = find_end(splitter, &breaks, bytes, &stop);
        int error = take(splitter, bytes, (size_t)(stop - bytes), ended, fn, arg);
        if (error != 0)
            return error;
        bytes = stop;
    }
    return 0;
}

int sse_finish(struct sse_splitter *splitter, int (*fn)(void *arg, const struct sse_piece *piece),
               void *arg)
{
    /* A blank line that ended in CR waits for an LF that can no longer come. */
    bool whole = splitter->at == AFTER_BLANK && !splitter->too_long;
    int error = 0;
    if (splitter->held_len > 0)
        error = hand_out(splitter, splitter->held, splitter->held_len, whole, fn, arg);
    splitter->held_len = 0;
    splitter->too_long = false;
    splitter->at = AT_LINE;
    let_go(splitter);
    return error;
}
