#include "server/dialect/out.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_FIRST_BYTES = 512 };

void out_release(struct out *out)
{
    free(out->bytes);
    *out = OUT_INIT;
}

void out_clear(struct out *out)
{
    out->len = 0;
    out->error = 0;
}

/* Room for len more bytes. */
static bool reserve(struct out *out, size_t len)
{
    size_t size = out->size > 0 ? out->size : OUT_FIRST_BYTES;
    char *larger;

    if (out->error != 0)
        return false;
    if (len <= out->size - out->len)
        return true;
    while (size - out->len < len && size <= SIZE_MAX / 2)
        size *= 2;
    larger = size - out->len < len ? NULL : realloc(out->bytes, size);
    if (larger == NULL) {
        out->error = -ENOMEM;
        return false;
    }
    out->bytes = larger;
    out->size = size;
    return true;
}

void out_bytes(struct out *out, const void *bytes, size_t len)
{
    if (len == 0 || !reserve(out, len))
        return;
    memcpy(out->bytes + out->len, bytes, len);
    out->len += len;
}

void out_text(struct out *out, const char *text)
{
    out_bytes(out, text, strlen(text));
}

void out_char(struct out *out, char byte)
{
    out_bytes(out, &byte, 1);
}

void out_number(struct out *out, int64_t value)
{
    char digits[21];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        digits[--at] = '-';
    out_bytes(out, digits + at, sizeof digits - at);
}

void out_money(struct out *out, struct money money)
{
    char text[MONEY_TEXT_MAX];

    out_bytes(out, text, money_print(money, text));
}

/* Length of the UTF-8 character at bytes, 0 when there is none: no overlong form, no surrogate,
 * nothing above U+10FFFF (RFC 3629). */
static size_t character(const unsigned char *bytes, size_t len)
{
    unsigned char first = bytes[0], low = 0x80, high = 0xbf;
    size_t count = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;

    if (count == 1)
        return 1;
    if (first < 0xc2 || first > 0xf4 || count > len)
        return 0;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    if (bytes[1] < low || bytes[1] > high)
        return 0;
    for (size_t i = 2; i < count; i++)
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    return count;
}

static void escaped(struct out *out, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    static const char short_forms[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
    const char *known = byte != 0 ? strchr(short_forms, byte) : NULL;

    out_char(out, '\\');
    if (known != NULL) {
        out_char(out, letters[known - short_forms]);
        return;
    }
    out_text(out, "u00");
    out_char(out, hex[byte >> 4]);
    out_char(out, hex[byte & 15]);
}

void out_string(struct out *out, struct text text)
{
    const unsigned char *bytes = (const unsigned char *)text.bytes;
    size_t at = 0;

    out_char(out, '"');
    while (at < text.len) {
        size_t len = character(bytes + at, text.len - at);

        if (len == 0)
            out_text(out, "\xef\xbf\xbd");
        else if (bytes[at] < 0x20 || bytes[at] == '"' || bytes[at] == '\\')
            escaped(out, bytes[at]);
        else
            out_bytes(out, bytes + at, len);
        at += len == 0 ? 1 : len;
    }
    out_char(out, '"');
}

void out_span(struct out *out, const struct json_doc *doc, size_t from, size_t to)
{
    assert(from <= to && to <= doc->len);
    out_bytes(out, doc->text + from, to - from);
}

void out_value(struct out *out, const struct json_doc *doc, uint32_t value)
{
    assert(value < doc->count);
    out_span(out, doc, doc->tokens[value].start, doc->tokens[value].end);
}

void out_name(struct out *out, const char *name)
{
    if (out->len > 0 && out->bytes[out->len - 1] != '{')
        out_char(out, ',');
    out_char(out, '"');
    out_text(out, name);
    out_text(out, "\":");
}

void out_next(struct out *out)
{
    if (out->len > 0 && out->bytes[out->len - 1] != '[')
        out_char(out, ',');
}
