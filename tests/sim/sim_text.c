/* sim_text.c - see sim_text.h. */
#include "tests/sim/sim_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEXT_FIRST_BYTES = 4096 };

static const char hex_digits[] = "0123456789abcdef";

void sim_text_release(struct sim_text *text)
{
    if (text == NULL)
        return;
    free(text->bytes);
    *text = (struct sim_text){0};
}

void sim_text_reserve(struct sim_text *text, size_t more)
{
    size_t capacity = text->capacity != 0 ? text->capacity : TEXT_FIRST_BYTES;
    if (more <= text->capacity - text->len)
        return;
    while (capacity - text->len < more)
        capacity *= 2;
    text->bytes = realloc(text->bytes, capacity);
    if (text->bytes == NULL)
        abort();
    text->capacity = capacity;
}

void sim_text_add(struct sim_text *text, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    if (len > text->capacity - text->len)
        sim_text_reserve(text, len);
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
}

void sim_text_str(struct sim_text *text, const char *string)
{
    sim_text_add(text, string, strlen(string));
}

void sim_text_span(struct sim_text *text, struct sim_span span)
{
    sim_text_add(text, span.bytes, span.len);
}

void sim_text_int(struct sim_text *text, int64_t value)
{
    char digits[24];
    size_t at = sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (value < 0)
        digits[--at] = '-';
    sim_text_add(text, digits + at, sizeof(digits) - at);
}

void sim_text_hex(struct sim_text *text, const uint8_t *bytes, size_t len)
{
    sim_text_reserve(text, len * 2);
    for (size_t i = 0; i < len; i++) {
        text->bytes[text->len++] = hex_digits[bytes[i] >> 4];
        text->bytes[text->len++] = hex_digits[bytes[i] & 15];
    }
}

static bool must_escape(unsigned char byte)
{
    return byte < 0x20 || byte == '"' || byte == '\\';
}

/* How many bytes from bytes[at] on need no escape, found eight at a time: a byte that does sets its
 * top bit in one of the three terms, and one that does not may, which only costs a closer look. */
static size_t plain_run(const char *bytes, size_t len, size_t at)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    size_t start = at;

    for (; at + 8 <= len; at += 8) {
        uint64_t word, quote, backslash;
        memcpy(&word, bytes + at, sizeof(word));
        quote = word ^ ones * '"';
        backslash = word ^ ones * '\\';
        if ((((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) |
             ((backslash - ones) & ~backslash)) &
            tops)
            break;
    }
    while (at < len && !must_escape((unsigned char)bytes[at]))
        at++;
    return at - start;
}

static void escape_byte(struct sim_text *text, unsigned char byte)
{
    static const char names[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    char code[6] = {'\\', 'u', '0', '0', hex_digits[byte >> 4], hex_digits[byte & 15]};

    for (size_t i = 0; i + 1 < sizeof(names) - 1; i += 2) {
        if ((unsigned char)names[i] == byte) {
            code[1] = names[i + 1];
            sim_text_add(text, code, 2);
            return;
        }
    }
    sim_text_add(text, code, sizeof(code));
}

void sim_text_escaped(struct sim_text *text, const char *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t run = plain_run(bytes, len, at);
        sim_text_add(text, bytes + at, run);
        at += run;
        if (at < len)
            escape_byte(text, (unsigned char)bytes[at++]);
    }
}

void sim_text_json(struct sim_text *text, const char *bytes, size_t len)
{
    sim_text_add(text, "\"", 1);
    sim_text_escaped(text, bytes, len);
    sim_text_add(text, "\"", 1);
}

void sim_text_json_str(struct sim_text *text, const char *string)
{
    sim_text_json(text, string, strlen(string));
}

void sim_text_json_latin1(struct sim_text *text, const char *bytes, size_t len)
{
    size_t plain = 0;

    sim_text_add(text, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)bytes[i];
        if (byte < 0x80)
            continue;
        sim_text_escaped(text, bytes + plain, i - plain);
        sim_text_str(text, "\\u00");
        sim_text_hex(text, &byte, 1);
        plain = i + 1;
    }
    sim_text_escaped(text, bytes + plain, len - plain);
    sim_text_add(text, "\"", 1);
}

/* Bytes of the character that `at` begins with; 0: none is well-formed there. */
static size_t character_len(const uint8_t *at, size_t left)
{
    size_t len = at[0] < 0x80                    ? 1
                 : at[0] >= 0xc2 && at[0] < 0xe0 ? 2
                 : at[0] >= 0xe0 && at[0] < 0xf0 ? 3
                 : at[0] >= 0xf0 && at[0] < 0xf5 ? 4
                                                 : 0;

    if (len > left)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    if (len > 2 && ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
                    (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f)))
        return 0; /* overlong, a surrogate, or beyond Unicode */
    return len;
}

bool sim_text_is_utf8(const char *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t step = character_len((const uint8_t *)bytes + at, len - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

void sim_text_time(struct sim_text *text, int64_t unix_ms)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    char day[32], whole[48];
    struct tm utc;

    gmtime_r(&seconds, &utc);
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(whole, sizeof(whole), "%s.%03dZ", day, (int)(unix_ms % 1000));
    sim_text_json_str(text, whole);
}

void sim_text_base64(struct sim_text *text, const void *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *at = bytes;

    sim_text_reserve(text, (len + 2) / 3 * 4);
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t three = (uint32_t)at[i] << 16 | (left > 1 ? (uint32_t)at[i + 1] << 8 : 0) |
                         (left > 2 ? (uint32_t)at[i + 2] : 0);
        text->bytes[text->len++] = digits[three >> 18];
        text->bytes[text->len++] = digits[three >> 12 & 63];
        text->bytes[text->len++] = left > 1 ? digits[three >> 6 & 63] : '=';
        text->bytes[text->len++] = left > 2 ? digits[three & 63] : '=';
    }
}
