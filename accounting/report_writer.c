#include "accounting/report_writer.h"

#include "accounting/export_tags.h"
#include "accounting/ledger_month.h"

#include <assert.h>
#include <inttypes.h>

/* --- JSON --- */

static void begin(struct report_json *json, const char *name)
{
    if (json->comma)
        fputc(',', json->out);
    json->comma = true;
    if (name != NULL)
        fprintf(json->out, "\"%s\":", name);
}

void report_json_open(struct report_json *json, const char *name, char bracket)
{
    begin(json, name);
    fputc(bracket, json->out);
    json->comma = false;
}

void report_json_close(struct report_json *json, char bracket)
{
    fputc(bracket, json->out);
    json->comma = true;
}

void report_json_raw(struct report_json *json, const char *name, struct text value)
{
    begin(json, name);
    fwrite(value.bytes, 1, value.len, json->out);
}

void report_json_null(struct report_json *json, const char *name)
{
    report_json_raw(json, name, TEXT("null"));
}

static void put_json_character(FILE *out, const char *bytes, size_t size)
{
    unsigned char c = (unsigned char)bytes[0];

    if (size == 0)
        fputs("\xef\xbf\xbd", out);
    else if (c == '"' || c == '\\')
        fprintf(out, "\\%c", c);
    else if (c < 0x20)
        fprintf(out, "\\u%04x", c);
    else
        fwrite(bytes, 1, size, out);
}

void report_json_text(struct report_json *json, const char *name, struct text text)
{
    if (text.len == 0) {
        report_json_null(json, name);
        return;
    }
    begin(json, name);
    fputc('"', json->out);
    for (size_t i = 0, size; i<text.len; i += size> 0 ? size : 1) {
        size = export_utf8(text.bytes + i, text.len - i);
        put_json_character(json->out, text.bytes + i, size);
    }
    fputc('"', json->out);
}

void report_json_word(struct report_json *json, const char *name, const char *word)
{
    report_json_text(json, name, text_of(word));
}

void report_json_bool(struct report_json *json, const char *name, bool value)
{
    report_json_raw(json, name, value ? TEXT("true") : TEXT("false"));
}

void report_json_count(struct report_json *json, const char *name, int64_t count)
{
    if (count < 0) {
        report_json_null(json, name);
        return;
    }
    begin(json, name);
    fprintf(json->out, "%" PRId64, count);
}

void report_json_money(struct report_json *json, const char *name, const struct maybe_money *money)
{
    char text[MONEY_TEXT_MAX];

    report_money(money, "", text);
    report_json_word(json, name, text);
}

void report_json_time(struct report_json *json, const char *name, int64_t ms)
{
    char text[REPORT_TIME_SIZE];

    report_time(ms, text);
    report_json_word(json, name, text);
}

/* --- text for a terminal --- */

/* The code point of a character that export_utf8() has found to be one. */
static uint32_t code_of(const char *bytes, size_t size)
{
    static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = (unsigned char)bytes[0] & first[size];

    for (size_t i = 1; i < size; i++)
        code = code << 6 | ((unsigned char)bytes[i] & 0x3f);
    return code;
}

/* What moves a cursor, ends a line or turns the direction of writing. A backslash, too: else a name
 * could pose as an escaped one. */
static bool unsafe(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == '\\' ||
           (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

/* One character to `to`, of six bytes at least; returns its length. */
static size_t plain_character(const char *bytes, size_t size, char to[8])
{
    uint32_t code = size > 0 ? code_of(bytes, size) : 0xfffd;

    if (size == 0) {
        memcpy(to, "\xef\xbf\xbd", 3);
        return 3;
    }
    if (code == '\\') {
        memcpy(to, "\\\\", 2);
        return 2;
    }
    if (unsafe(code))
        return (size_t)snprintf(to, 8, "\\u%04x", code & 0xffffU);
    memcpy(to, bytes, size);
    return size;
}

size_t report_plain(struct text text, char *to, size_t size)
{
    size_t len = 0;

    assert(size > 0);
    for (size_t i = 0, taken; i<text.len; i += taken> 0 ? taken : 1) {
        char character[8];
        size_t count;
        taken = export_utf8(text.bytes + i, text.len - i);
        count = plain_character(text.bytes + i, taken, character);
        if (count >= size - len)
            break;
        memcpy(to + len, character, count);
        len += count;
    }
    to[len] = '\0';
    return len;
}

void report_put_text(FILE *out, struct text text)
{
    for (size_t i = 0, taken; i<text.len; i += taken> 0 ? taken : 1) {
        char character[8];
        taken = export_utf8(text.bytes + i, text.len - i);
        fwrite(character, 1, plain_character(text.bytes + i, taken, character), out);
    }
}

size_t report_width(const char *plain, size_t len)
{
    size_t width = 0;

    for (size_t i = 0; i < len; i++)
        width += ((unsigned char)plain[i] & 0xc0) != 0x80;
    return width;
}

/* --- values in both --- */

void report_time(int64_t ms, char text[REPORT_TIME_SIZE])
{
    struct ledger_date date;
    unsigned of_day;

    /* Text of a row may hold any number: what no calendar has comes out as its nearest end. */
    if (ms < 0)
        ms = 0;
    if (ms >= LEDGER_TIME_END_MS)
        ms = LEDGER_TIME_END_MS - 1;
    date = ledger_date_of(ms);
    of_day = (unsigned)(ms - ledger_date_ms(date));
    snprintf(text, REPORT_TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned)date.year % 10000, date.month % 100, date.day % 100, of_day / 3600000 % 100,
             of_day / 60000 % 60, of_day / 1000 % 60, of_day % 1000);
}

void report_percent(__int128 part, __int128 whole, char text[REPORT_PERCENT_SIZE])
{
    const __int128 wide = (__int128)1 << 100;
    int64_t hundredths;

    text[0] = '\0';
    if (whole <= 0 || part < 0)
        return;
    while (part > wide || whole > wide) { /* 128 bits must hold part x 10000 */
        part /= 2;
        whole /= 2;
    }
    if (whole == 0 || part / whole > INT64_MAX / 10000)
        return;
    hundredths = (int64_t)(part * 10000 / whole);
    snprintf(text, REPORT_PERCENT_SIZE, "%" PRId64 ".%02d", hundredths / 100,
             (int)(hundredths % 100));
}

void report_money(const struct maybe_money *money, const char *unknown, char text[MONEY_TEXT_MAX])
{
    if (money->known)
        money_print(money->money, text);
    else
        snprintf(text, MONEY_TEXT_MAX, "%s", unknown);
}
