#include "accounting/focus_text.h"

#include "accounting/export_tags.h"
#include "accounting/ledger_month.h"

#include <assert.h>
#include <stdio.h>

/* How many of the bytes at the beginning are plain: ASCII, and no NUL. */
static size_t plain_bytes(const char *bytes, size_t len)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    size_t i = 0;
    for (uint64_t word; i + sizeof(word) <= len; i += sizeof(word)) {
        memcpy(&word, bytes + i, sizeof(word));
        if ((((word - ones) | word) & high) != 0)
            break;
    }
    while (i < len && (unsigned char)bytes[i] - 1u < 0x7f)
        i++;
    return i;
}

size_t focus_clean(char *at, struct text text, size_t len_max)
{
    size_t len = text.len < len_max ? text.len : len_max, written = plain_bytes(text.bytes, len);
    if (written > 0)
        memcpy(at, text.bytes, written);
    for (size_t i = written; i < len;) {
        size_t size = text.bytes[i] == 0 ? 0 : export_utf8(text.bytes + i, len - i);
        if (size == 0) {
            memcpy(at + written, "\xef\xbf\xbd", FOCUS_CLEAN_MAX);
            written += FOCUS_CLEAN_MAX;
            i++;
            continue;
        }
        memcpy(at + written, text.bytes + i, size);
        written += size;
        i += size;
    }
    return written;
}

/* As json-c writes it, so that what is read back and written again sorts alike. */
static size_t put_control(char *at, unsigned char c)
{
    static const char hex[] = "0123456789abcdef", from[] = "\b\f\n\r\t", to[] = "bfnrt";
    const char *found = c == 0 ? NULL : strchr(from, c);
    if (found != NULL) {
        at[0] = '\\';
        at[1] = to[found - from];
        return 2;
    }
    memcpy(at, "\\u00", 4);
    at[4] = hex[c >> 4];
    at[5] = hex[c & 15];
    return FOCUS_ESCAPED_MAX;
}

size_t focus_json_string(char *at, struct text text)
{
    size_t written = 0;
    at[written++] = '"';
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.bytes[i];
        if (c < 0x20) {
            written += put_control(at + written, c);
            continue;
        }
        if (c == '"' || c == '\\')
            at[written++] = '\\';
        at[written++] = (char)c;
    }
    at[written++] = '"';
    return written;
}

size_t focus_print_fine(__int128 value, char text[MONEY_TEXT_MAX])
{
    enum { FINE = 1000000 }; /* of them in 1e-15 USD */
    const uint64_t one = UINT64_C(1000000000000000);
    unsigned __int128 size = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
    unsigned __int128 femto = size / FINE;
    size_t len;
    if (value % FINE == 0)
        return money_print((struct money){.femto = value / FINE}, text);
    assert(femto / one <= UINT64_MAX); /* 2^127 / 1e21 */
    len = (size_t)snprintf(text, MONEY_TEXT_MAX, "%s%llu.%015llu%06u", value < 0 ? "-" : "",
                           (unsigned long long)(femto / one), (unsigned long long)(femto % one),
                           (unsigned)(size % FINE));
    assert(len < MONEY_TEXT_MAX);
    while (text[len - 1] == '0')
        text[--len] = 0;
    return len;
}

void focus_print_time(int64_t ms, char text[FOCUS_TIME_TEXT])
{
    struct ledger_date date = ledger_date_of(ms);
    int seconds = (int)(ms % LEDGER_DAY_MS / 1000);
    char buffer[64];
    assert(ms >= 0 && ms <= LEDGER_TIME_END_MS);
    snprintf(buffer, sizeof(buffer), "%04d-%02u-%02uT%02d:%02d:%02dZ", date.year, date.month,
             date.day, seconds / 3600, seconds / 60 % 60, seconds % 60);
    memcpy(text, buffer, FOCUS_TIME_TEXT);
}

int focus_compare(struct text a, struct text b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common > 0 ? memcmp(a.bytes, b.bytes, common) : 0;
    if (order != 0)
        return order < 0 ? -1 : 1;
    return (a.len > b.len) - (a.len < b.len);
}
