/* json_canonical.c - writes the one text that all equal documents share.
 *
 * Numbers: a whole number of up to PLAIN_DIGITS_MAX digits is written out; every other one is
 * d.ddde±x without a plus, a bare point or idle zeros; zero is 0. The exponent is exact at any
 * length: decimal arithmetic on its text where it does not fit an int64_t.
 *
 * Most texts are nearly canonical as they came. So output that equals the source is not copied but
 * only noted as a run of the source, which ends where the two part.
 *
 * An error (the sink's, or -ENOMEM) sticks in the writer and ends the walk at the next value.
 */
#include "cache/json_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE_BYTES = 4096,    /* what is gathered before the sink sees it */
    PLAIN_DIGITS_MAX = 21, /* as JavaScript does it */
};

static const int64_t POWER_18 = 1000000000000000000; /* 10^JSON_EXPONENT_SMALL */

struct frame {
    uint32_t container;
    uint32_t child; /* next token to write; a key in an object; JSON_NONE at the end */
    uint32_t *keys; /* of an object with duplicates, else NULL */
    uint32_t key_count, key_at;
    bool started; /* a child was written, so a comma comes first */
};

struct writer {
    const struct json_doc *doc;
    json_sink *sink;
    void *arg;
    int error;
    uint32_t depth;
    const char *run, *run_end; /* source that comes next, behind what is in piece; may be empty */
    const char *text_end;
    size_t filled;
    struct json_members members;
    struct frame frames[JSON_DEPTH_MAX];
    char piece[PIECE_BYTES];
};

static void flush(struct writer *writer)
{
    if (writer->filled > 0 && writer->error == 0)
        writer->error = writer->sink(writer->arg, writer->piece, writer->filled);
    writer->filled = 0;
}

static void copy(struct writer *writer, const char *bytes, size_t len)
{
    if (len > sizeof(writer->piece) - writer->filled) {
        flush(writer);
        if (len >= sizeof(writer->piece)) {
            if (writer->error == 0)
                writer->error = writer->sink(writer->arg, bytes, len);
            return;
        }
    }
    memcpy(writer->piece + writer->filled, bytes, len);
    writer->filled += len;
}

static inline void end_run(struct writer *writer)
{
    if (writer->run == writer->run_end)
        return;
    copy(writer, writer->run, (size_t)(writer->run_end - writer->run));
    writer->run = writer->run_end = writer->text_end;
}

static void put(struct writer *writer, const char *bytes, size_t len)
{
    end_run(writer);
    copy(writer, bytes, len);
}

/* Puts bytes that stand in the source. */
static inline void put_source(struct writer *writer, const char *at, const char *end)
{
    if (at != writer->run_end) {
        end_run(writer);
        writer->run = at;
    }
    writer->run_end = end;
}

static inline void put_byte(struct writer *writer, char byte)
{
    if (writer->run_end < writer->text_end && *writer->run_end == byte) {
        writer->run_end++;
        return;
    }
    end_run(writer);
    if (writer->filled == sizeof(writer->piece))
        flush(writer);
    writer->piece[writer->filled++] = byte;
}

static void put_escaped(struct writer *writer, uint32_t character)
{
    static const char letters[0x20] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    static const char hex[] = "0123456789abcdef";
    char bytes[6] = {'\\', 'u', '0', '0'};
    size_t len = 2;

    if (character == '"' || character == '\\') {
        bytes[1] = (char)character;
    } else if (character >= 0x20) {
        len = json_put_utf8(character, bytes);
    } else if (letters[character] != 0) {
        bytes[1] = letters[character];
    } else {
        bytes[4] = hex[character >> 4];
        bytes[5] = hex[character & 0xf];
        len = 6;
    }
    put(writer, bytes, len);
}

/* Most escapes of a prompt (\n, \", \\) are canonical already and stay part of the raw run; only
 * \u and \/ are written anew. */
static void put_escaped_string(struct writer *writer, struct json_span span)
{
    const char *run = span.at;

    while (span.at < span.end) {
        const char *escape = memchr(span.at, '\\', (size_t)(span.end - span.at));
        if (escape == NULL)
            break;
        if (escape[1] != 'u' && escape[1] != '/') {
            span.at = escape + 2;
            continue;
        }
        put_source(writer, run, escape);
        span.at = escape;
        put_escaped(writer, json_take_char(&span));
        run = span.at;
    }
    put_source(writer, run, span.end);
}

static void put_token(struct writer *writer, uint32_t token)
{
    const struct json_token *span = &writer->doc->tokens[token];

    put_source(writer, writer->doc->text + span->start, writer->doc->text + span->end);
}

static void put_string(struct writer *writer, uint32_t token)
{
    if (!writer->doc->tokens[token].escaped) {
        put_token(writer, token);
        return;
    }
    put_byte(writer, '"');
    put_escaped_string(writer, json_string_span(writer->doc, token));
    put_byte(writer, '"');
}

/* At least `width` digits, filled up with zeros. */
static void put_integer(struct writer *writer, int64_t value, int width)
{
    char digits[24];
    char *at = digits + sizeof(digits);
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    assert(width < (int)sizeof(digits) - 1);
    for (; left > 0 || width > 0; left /= 10, width--)
        *--at = (char)('0' + left % 10);
    if (value < 0)
        *--at = '-';
    put(writer, at, (size_t)(digits + sizeof(digits) - at));
}

/* Digits in which a point may stand, without it. */
static void put_digits(struct writer *writer, const char *at, const char *end)
{
    const char *point = at < end ? memchr(at, '.', (size_t)(end - at)) : NULL;

    if (point == NULL) {
        put(writer, at, (size_t)(end - at));
        return;
    }
    put(writer, at, (size_t)(point - at));
    put(writer, point + 1, (size_t)(end - point - 1));
}

/* A decimal number of any length plus one, or minus one (then `at` does not begin with 0). Nothing
 * is written when the result is zero, as it always stands before more digits. */
static void put_next_to(struct writer *writer, const char *at, const char *end, bool up)
{
    const char edge = up ? '9' : '0';
    const char *turn = end;

    while (turn > at && turn[-1] == edge)
        turn--;
    const char *kept = turn > at ? turn - 1 : at;
    put(writer, at, (size_t)(kept - at));
    if (turn == at) {
        assert(up); /* all nines: the number grows by a digit */
        put_byte(writer, '1');
    } else {
        char changed = (char)(turn[-1] + (up ? 1 : -1));
        if (changed != '0' || kept > at)
            put_byte(writer, changed);
    }
    for (; turn < end; turn++)
        put_byte(writer, up ? '0' : '9');
}

/* scale + exponent where the exponent has more digits than an int64_t: only its last 18 digits can
 * change, and at most 1 is carried into the rest or borrowed from it. */
static void put_long_exponent(struct writer *writer, const struct json_number *number)
{
    const char *rest_end = number->exponent_end - JSON_EXPONENT_SMALL;
    int64_t low = 0;

    assert(rest_end > number->exponent_at);
    for (const char *at = rest_end; at < number->exponent_end; at++)
        low = low * 10 + (*at - '0');
    low += number->exponent_negative ? -number->scale : number->scale;
    if (number->exponent_negative)
        put_byte(writer, '-');
    if (low < 0) {
        put_next_to(writer, number->exponent_at, rest_end, false);
        low += POWER_18;
    } else if (low >= POWER_18) {
        put_next_to(writer, number->exponent_at, rest_end, true);
        low -= POWER_18;
    } else {
        put(writer, number->exponent_at, (size_t)(rest_end - number->exponent_at));
    }
    assert(low >= 0);
    assert(low < POWER_18);
    put_integer(writer, low, JSON_EXPONENT_SMALL);
}

static void put_scientific(struct writer *writer, const struct json_number *number)
{
    put(writer, number->digits_at, 1);
    if (number->digits > 1) {
        put_byte(writer, '.');
        put_digits(writer, number->digits_at + 1, number->digits_end);
    }
    put_byte(writer, 'e');
    if (number->exponent_end - number->exponent_at > JSON_EXPONENT_SMALL)
        put_long_exponent(writer, number);
    else
        put_integer(writer, json_number_power(number), 1);
}

/* Whether the token, as it stands, is what a whole number is written as. */
static bool is_plain_integer(const char *at, size_t len)
{
    if (len > PLAIN_DIGITS_MAX || (len == 2 && at[0] == '-' && at[1] == '0'))
        return false;
    for (size_t i = at[0] == '-'; i < len; i++) {
        if (at[i] < '0' || at[i] > '9')
            return false;
    }
    return true;
}

static void put_number(struct writer *writer, uint32_t token)
{
    const struct json_token *span = &writer->doc->tokens[token];
    struct json_number number;

    if (is_plain_integer(writer->doc->text + span->start, span->end - span->start)) {
        put_token(writer, token);
        return;
    }
    json_number_split(writer->doc, token, &number);
    if (number.digits == 0) {
        put_byte(writer, '0');
        return;
    }
    if (number.negative)
        put_byte(writer, '-');
    if (number.exponent_end - number.exponent_at <= JSON_EXPONENT_SMALL) {
        int64_t power = json_number_power(&number);
        int64_t zeros = power - ((int64_t)number.digits - 1);
        if (zeros >= 0 && power < PLAIN_DIGITS_MAX) {
            put_digits(writer, number.digits_at, number.digits_end);
            put(writer, "00000000000000000000", (size_t)zeros);
            return;
        }
    }
    put_scientific(writer, &number);
}

/* Writes the opening bracket and gets ready to write the children. */
static void enter(struct writer *writer, uint32_t container)
{
    bool object = writer->doc->tokens[container].type == JSON_OBJECT;
    struct frame *frame = &writer->frames[writer->depth];

    assert(writer->depth < JSON_DEPTH_MAX);
    *frame = (struct frame){.container = container, .child = json_first(writer->doc, container)};
    if (object) {
        int error = json_members_fold(&writer->members, writer->doc, container, &frame->keys,
                                      &frame->key_count);
        if (error != 0) {
            writer->error = error;
            return;
        }
    }
    if (frame->keys != NULL)
        frame->child = frame->keys[0];
    writer->depth++;
    const char *bracket = writer->doc->text + writer->doc->tokens[container].start;
    put_source(writer, bracket, bracket + 1);
}

static void leave(struct writer *writer)
{
    struct frame *frame = &writer->frames[--writer->depth];

    put_byte(writer, writer->doc->tokens[frame->container].type == JSON_OBJECT ? '}' : ']');
    free(frame->keys);
}

/* Writes what stands before the next child, up to the colon, and returns it. */
static uint32_t next_child(struct writer *writer, struct frame *frame)
{
    uint32_t value = frame->child;

    if (frame->started)
        put_byte(writer, ',');
    frame->started = true;
    if (writer->doc->tokens[frame->container].type == JSON_OBJECT) {
        put_string(writer, frame->child);
        put_byte(writer, ':');
        value++;
    }
    if (frame->keys == NULL)
        frame->child = json_next(writer->doc, frame->container, value);
    else
        frame->child = ++frame->key_at < frame->key_count ? frame->keys[frame->key_at] : JSON_NONE;
    return value;
}

static void put_value(struct writer *writer, uint32_t value)
{
    switch ((enum json_type)writer->doc->tokens[value].type) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        enter(writer, value);
        break;
    case JSON_STRING:
        put_string(writer, value);
        break;
    case JSON_NUMBER:
        put_number(writer, value);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        put_token(writer, value);
        break;
    }
}

int json_canonical(const struct json_doc *doc, uint32_t value, json_sink *sink, void *arg)
{
    struct writer writer; /* not cleared: 9 KiB of which a small request uses little */

    assert(value < doc->count);
    writer.doc = doc;
    writer.sink = sink;
    writer.arg = arg;
    writer.error = 0;
    writer.depth = 0;
    writer.text_end = doc->text + doc->len;
    writer.run = writer.run_end = writer.text_end;
    writer.filled = 0;
    json_members_init(&writer.members);

    put_value(&writer, value);
    while (writer.depth > 0 && writer.error == 0) {
        struct frame *frame = &writer.frames[writer.depth - 1];
        if (frame->child == JSON_NONE)
            leave(&writer);
        else
            put_value(&writer, next_child(&writer, frame));
    }
    end_run(&writer);
    flush(&writer);
    while (writer.depth > 0)
        free(writer.frames[--writer.depth].keys);
    json_members_release(&writer.members);
    return writer.error;
}
