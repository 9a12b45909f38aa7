#include "accounting/export_tags.h"

#include <errno.h>
#include <string.h>

size_t export_utf8(const char *bytes, size_t len)
{
    const unsigned char *at = (const unsigned char *)bytes;
    unsigned char low = 0x80, high = 0xbf; /* of the second byte: no overlong, no surrogate */
    size_t size;
    if (len == 0)
        return 0;
    if (at[0] < 0x80)
        return 1;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    size = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (at[0] == 0xe0)
        low = 0xa0;
    else if (at[0] == 0xed)
        high = 0x9f;
    else if (at[0] == 0xf0)
        low = 0x90;
    else if (at[0] == 0xf4)
        high = 0x8f;
    if (len < size || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    return size;
}

static void skip_space(struct export_tags_walk *walk)
{
    while (walk->at < walk->end && (*walk->at == ' ' || *walk->at == '\t'))
        walk->at++;
}

static bool take(struct export_tags_walk *walk, char c)
{
    skip_space(walk);
    if (walk->at == walk->end || *walk->at != c)
        return false;
    walk->at++;
    return true;
}

static size_t put_utf8(char *at, uint32_t code)
{
    if (code < 0x80) {
        at[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        at[0] = (char)(0xc0 | code >> 6);
        at[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        at[0] = (char)(0xe0 | code >> 12);
        at[1] = (char)(0x80 | (code >> 6 & 0x3f));
        at[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    at[0] = (char)(0xf0 | code >> 18);
    at[1] = (char)(0x80 | (code >> 12 & 0x3f));
    at[2] = (char)(0x80 | (code >> 6 & 0x3f));
    at[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

static bool read_hex(struct export_tags_walk *walk, uint32_t *ret_code)
{
    uint32_t code = 0;
    if (walk->end - walk->at < 4)
        return false;
    for (unsigned i = 0; i < 4; i++) {
        char c = walk->at[i], lower = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            code = code << 4 | (uint32_t)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            code = code << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return false;
    }
    walk->at += 4;
    *ret_code = code;
    return true;
}

/* \uXXXX, and its second half where it is the first half of a pair. Half a pair is U+FFFD. */
static bool read_unicode(struct export_tags_walk *walk, uint32_t *ret_code)
{
    struct export_tags_walk ahead;
    uint32_t code, low;
    if (!read_hex(walk, &code))
        return false;
    *ret_code = code >= 0xd800 && code < 0xe000 ? 0xfffd : code;
    if (code < 0xd800 || code >= 0xdc00)
        return true;
    ahead = *walk;
    if (ahead.end - ahead.at < 6 || ahead.at[0] != '\\' || ahead.at[1] != 'u')
        return true;
    ahead.at += 2;
    if (!read_hex(&ahead, &low))
        return false;
    if (low >= 0xdc00 && low < 0xe000) {
        *ret_code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        *walk = ahead;
    }
    return true;
}

static bool read_escape(struct export_tags_walk *walk, uint32_t *ret_code)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;
    if (walk->at == walk->end)
        return false;
    if (*walk->at == 'u') {
        walk->at++;
        return read_unicode(walk, ret_code);
    }
    found = *walk->at == 0 ? NULL : strchr(from, *walk->at);
    if (found == NULL)
        return false;
    walk->at++;
    *ret_code = (unsigned char)to[found - from];
    return true;
}

/* What follows the opening quote, up to and with the closing one. */
static int read_string(struct export_tags_walk *walk, char *buffer, size_t *ret_len)
{
    char spare[4];
    size_t len = 0;
    while (walk->at < walk->end) {
        size_t size;
        uint32_t code;
        if (*walk->at == '"') {
            walk->at++;
            *ret_len = len;
            return 1;
        }
        if ((unsigned char)*walk->at < 0x20)
            return -EINVAL;
        if (*walk->at == '\\') {
            walk->at++;
            if (!read_escape(walk, &code))
                return -EINVAL;
            len += put_utf8(buffer != NULL ? buffer + len : spare, code);
            continue;
        }
        size = export_utf8(walk->at, (size_t)(walk->end - walk->at));
        if (size == 0)
            return -EINVAL;
        if (buffer != NULL)
            memcpy(buffer + len, walk->at, size);
        len += size;
        walk->at += size;
    }
    return -EINVAL;
}

struct export_tags_walk export_tags_walk(struct text tags)
{
    return (struct export_tags_walk){tags.bytes, tags.bytes + tags.len, false};
}

int export_tags_next(struct export_tags_walk *walk, char *buffer, size_t *ret_len)
{
    bool first = !walk->begun;
    if (first && !take(walk, '['))
        return -EINVAL;
    walk->begun = true;
    if (take(walk, ']')) {
        skip_space(walk);
        return walk->at == walk->end ? 0 : -EINVAL;
    }
    if (!first && !take(walk, ','))
        return -EINVAL;
    if (!take(walk, '"'))
        return -EINVAL;
    return read_string(walk, buffer, ret_len);
}

bool export_tags_valid(struct text tags)
{
    struct export_tags_walk walk = export_tags_walk(tags);
    size_t len;
    int result;
    while ((result = export_tags_next(&walk, NULL, &len)) == 1)
        continue;
    return result == 0;
}
