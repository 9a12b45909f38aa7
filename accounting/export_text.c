#include "accounting/export_text.h"

#include "accounting/export_tags.h"
#include "accounting/ledger_month.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ESCAPED_MAX = 6 /* bytes that one byte of text may become: \u001f */ };

static const char two_digits[] = "0001020304050607080910111213141516171819"
                                 "2021222324252627282930313233343536373839"
                                 "4041424344454647484950515253545556575859"
                                 "6061626364656667686970717273747576777879"
                                 "8081828384858687888990919293949596979899";
_Static_assert(sizeof(two_digits) == 201, "a hundred pairs");

/* --- the buffer --- */

struct export_buffer *export_buffer_new(FILE *out, enum export_format format)
{
    struct export_buffer *buffer = malloc(sizeof(*buffer));
    if (buffer == NULL)
        return NULL;
    buffer->out = out;
    buffer->format = format;
    buffer->failed = false;
    buffer->at = buffer->bytes;
    buffer->day = INT64_MIN;
    return buffer;
}

static void flush(struct export_buffer *buffer)
{
    size_t len = (size_t)(buffer->at - buffer->bytes);
    if (len > 0 && fwrite(buffer->bytes, 1, len, buffer->out) != len)
        buffer->failed = true;
    buffer->at = buffer->bytes;
}

int export_buffer_finish(struct export_buffer *buffer)
{
    bool failed;
    flush(buffer);
    if (fflush(buffer->out) != 0)
        buffer->failed = true;
    failed = buffer->failed;
    free(buffer);
    return failed ? -EIO : 0;
}

void export_line_begin(struct export_buffer *buffer)
{
    if (buffer->bytes + sizeof(buffer->bytes) - buffer->at < EXPORT_LINE_MAX)
        flush(buffer);
    if (buffer->format == EXPORT_JSONL)
        export_char(buffer, '{');
}

void export_line_end(struct export_buffer *buffer)
{
    if (buffer->format == EXPORT_JSONL)
        export_char(buffer, '}');
    export_char(buffer, '\n');
    assert(buffer->at <= buffer->bytes + sizeof(buffer->bytes));
}

void export_unknown(struct export_buffer *buffer)
{
    if (buffer->format == EXPORT_JSONL)
        export_bytes(buffer, "null", 4);
}

void export_heading(struct export_buffer *buffer, const char *name, size_t name_len, bool first)
{
    assert(buffer->format == EXPORT_CSV);
    if (!first)
        export_char(buffer, ',');
    export_bytes(buffer, name + 1, name_len - 3);
}

/* --- text --- */

enum { CLASS_CSV = 1, CLASS_JSON = 2, CLASS_WIDE = 4 };

/* What a byte asks for: quotes in CSV, an escape in JSON, a look at its character. */
static const uint8_t classes[256] = {
    [0 ... 9] = CLASS_JSON,
    [11 ... 12] = CLASS_JSON,
    [14 ... 31] = CLASS_JSON,
    ['\n'] = CLASS_CSV | CLASS_JSON,
    ['\r'] = CLASS_CSV | CLASS_JSON,
    ['"'] = CLASS_CSV | CLASS_JSON,
    [','] = CLASS_CSV,
    ['\\'] = CLASS_JSON,
    [128 ... 255] = CLASS_WIDE,
};

static unsigned classes_of(const char *bytes, size_t len)
{
    unsigned all = 0;
    for (size_t i = 0; i < len; i++)
        all |= classes[(unsigned char)bytes[i]];
    return all;
}

/* True when eight bytes hold nothing that classes_of() would find: none below '-', no backslash, no
 * high bit. It says no to some that are plain (a space); those are looked at one by one. */
static bool eight_are_plain(const char *bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    uint64_t word, slash;
    memcpy(&word, bytes, sizeof(word));
    slash = word ^ ones * '\\';
    return (((word - ones * '-') | word | (slash - ones)) & high) == 0;
}

static bool is_plain(const char *bytes, size_t len)
{
    if (len < 8)
        return classes_of(bytes, len) == 0;
    for (size_t i = 0; i + 8 < len; i += 8) {
        if (!eight_are_plain(bytes + i))
            return classes_of(bytes, len) == 0;
    }
    return eight_are_plain(bytes + len - 8) || classes_of(bytes, len) == 0;
}

static size_t put_escape(char *at, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    at[0] = '\\';
    switch (c) {
    case '"':
    case '\\':
        at[1] = (char)c;
        return 2;
    case '\n':
        at[1] = 'n';
        return 2;
    case '\r':
        at[1] = 'r';
        return 2;
    case '\t':
        at[1] = 't';
        return 2;
    default:
        at[1] = 'u';
        at[2] = at[3] = '0';
        at[4] = hex[c >> 4];
        at[5] = hex[c & 15];
        return 6;
    }
}

/* One character of bytes to at; *ret_taken: how many bytes it was. */
static size_t put_character(enum export_format format, char *at, const char *bytes, size_t len,
                            size_t *ret_taken)
{
    size_t size = export_utf8(bytes, len);
    *ret_taken = size > 0 ? size : 1;
    if (size == 0) {
        at[0] = (char)0xef; /* U+FFFD */
        at[1] = (char)0xbf;
        at[2] = (char)0xbd;
        return 3;
    }
    if (format == EXPORT_JSONL && (classes[(unsigned char)bytes[0]] & CLASS_JSON) != 0)
        return put_escape(at, (unsigned char)bytes[0]);
    memcpy(at, bytes, size);
    if (format == EXPORT_CSV && bytes[0] == '"')
        at[size++] = '"';
    return size;
}

/* Text between quotes, or without where nothing in it asks for them. Writes at most
 * ESCAPED_MAX x len + 2 bytes. */
static size_t put_text(enum export_format format, char *at, const char *bytes, size_t len)
{
    bool quotes = format == EXPORT_JSONL || (classes_of(bytes, len) & CLASS_CSV) != 0;
    size_t written = 0, taken;
    if (quotes)
        at[written++] = '"';
    for (size_t i = 0; i < len; i += taken)
        written += put_character(format, at + written, bytes + i, len - i, &taken);
    if (quotes)
        at[written++] = '"';
    return written;
}

static void put_plain(struct export_buffer *buffer, const char *bytes, size_t len)
{
    bool quotes = buffer->format == EXPORT_JSONL;
    if (quotes)
        export_char(buffer, '"');
    export_bytes(buffer, bytes, len);
    if (quotes)
        export_char(buffer, '"');
}

void export_text(struct export_buffer *buffer, struct text text)
{
    if (text.len == 0)
        export_unknown(buffer);
    else if (is_plain(text.bytes, text.len))
        put_plain(buffer, text.bytes, text.len);
    else
        buffer->at += put_text(buffer->format, buffer->at, text.bytes, text.len);
}

void export_word(struct export_buffer *buffer, const char *word)
{
    size_t len = strlen(word);
    if (len == 0)
        export_unknown(buffer);
    else
        put_plain(buffer, word, len);
}

/* A JSON array in either format. Tags that are none (nobody should have written them) come out as
 * an array of that one text, so that the line stays what it promises to be. */
void export_tags(struct export_buffer *buffer, struct text tags)
{
    char array[ESCAPED_MAX * ROW_TAGS_BYTES_MAX + 4];
    assert(tags.len <= ROW_TAGS_BYTES_MAX);
    if (tags.len == 0) {
        export_unknown(buffer);
        return;
    }
    if (!export_tags_valid(tags)) {
        size_t len = put_text(EXPORT_JSONL, array + 1, tags.bytes, tags.len);
        array[0] = '[';
        array[len + 1] = ']';
        tags = (struct text){array, len + 2};
    }
    if (buffer->format == EXPORT_JSONL)
        export_bytes(buffer, tags.bytes, tags.len);
    else
        export_text(buffer, tags);
}

/* --- numbers --- */

/* Decimal digits of number, written backwards from end; returns where they start. */
static char *put_digits(char *end, uint64_t number)
{
    while (number >= 100) {
        end -= 2;
        memcpy(end, two_digits + 2 * (number % 100), 2);
        number /= 100;
    }
    if (number >= 10) {
        end -= 2;
        memcpy(end, two_digits + 2 * number, 2);
        return end;
    }
    *--end = (char)('0' + number);
    return end;
}

void export_count(struct export_buffer *buffer, int64_t count)
{
    char digits[20], *end = digits + sizeof(digits), *start;
    if (count < 0) {
        export_unknown(buffer);
        return;
    }
    if (count < 10) {
        export_char(buffer, (char)('0' + count));
        return;
    }
    start = put_digits(end, (uint64_t)count);
    export_bytes(buffer, start, (size_t)(end - start));
}

void export_bool(struct export_buffer *buffer, bool value)
{
    if (value)
        export_bytes(buffer, "true", 4);
    else
        export_bytes(buffer, "false", 5);
}

/* What money_print() writes, for sums that fit into 64 bits: nearly all do, and dividing 128 bits
 * digit by digit is what an export of a million rows would wait for. */
static size_t print_narrow(int64_t femto, char *text)
{
    const uint64_t one = UINT64_C(1000000000000000);
    uint64_t size = femto < 0 ? 0 - (uint64_t)femto : (uint64_t)femto;
    uint64_t fraction = size % one;
    char buffer[MONEY_TEXT_MAX], *end = buffer + sizeof(buffer), *start = end;
    size_t len;
    if (fraction != 0) {
        char *point = end - MONEY_DECIMALS;
        start = put_digits(end, fraction);
        while (start > point)
            *--start = '0';
        while (end[-1] == '0')
            end--;
        *--start = '.';
    }
    start = put_digits(start, size / one);
    if (femto < 0)
        *--start = '-';
    len = (size_t)(end - start);
    memcpy(text, start, len);
    return len;
}

void export_money(struct export_buffer *buffer, const struct maybe_money *money)
{
    bool quotes = buffer->format == EXPORT_JSONL;
    if (!money->known) {
        export_unknown(buffer);
        return;
    }
    if (quotes)
        export_char(buffer, '"');
    if (money->money.femto >= INT64_MIN && money->money.femto <= INT64_MAX)
        buffer->at += print_narrow((int64_t)money->money.femto, buffer->at);
    else
        buffer->at += money_print(money->money, buffer->at);
    if (quotes)
        export_char(buffer, '"');
}

/* --- time --- */

static void put_two(char *at, size_t number)
{
    assert(number < 100);
    memcpy(at, two_digits + 2 * number, 2);
}

const char *export_day(struct export_buffer *buffer, int64_t ms)
{
    int64_t day = ms / LEDGER_DAY_MS;
    char *text = buffer->day_text;
    struct ledger_date date;
    assert(ms >= 0 && ms < LEDGER_TIME_END_MS);
    if (day == buffer->day)
        return text;
    date = ledger_date_of(ms);
    put_two(text, (size_t)date.year / 100);
    put_two(text + 2, (size_t)date.year % 100);
    text[4] = '-';
    put_two(text + 5, date.month);
    text[7] = '-';
    put_two(text + 8, date.day);
    buffer->day = day;
    return text;
}

void export_time(struct export_buffer *buffer, int64_t ms)
{
    const char *day = export_day(buffer, ms);
    unsigned of_day = (unsigned)(ms % LEDGER_DAY_MS), seconds = of_day / 1000;
    unsigned rest = of_day % 1000;
    char text[28] = "\"YYYY-MM-DDTHH:MM:SS.mmmZ\"";
    memcpy(text + 1, day, EXPORT_DAY_TEXT);
    put_two(text + 12, seconds / 3600);
    put_two(text + 15, seconds / 60 % 60);
    put_two(text + 18, seconds % 60);
    text[21] = (char)('0' + rest / 100);
    put_two(text + 22, rest % 100);
    if (buffer->format == EXPORT_JSONL)
        export_bytes(buffer, text, 26);
    else
        export_bytes(buffer, text + 1, 24);
}
