/* json_lookup.c - reads values out of a parsed document: members, strings, whole numbers. */
#include "cache/json_internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static bool token_is(const struct json_doc *doc, uint32_t token, enum json_type type)
{
    return token < doc->count && doc->tokens[token].type == type;
}

uint32_t json_first(const struct json_doc *doc, uint32_t parent)
{
    if (parent >= doc->count || doc->tokens[parent].next == parent + 1)
        return JSON_NONE;
    return parent + 1;
}

uint32_t json_next(const struct json_doc *doc, uint32_t parent, uint32_t token)
{
    if (parent >= doc->count || token >= doc->count)
        return JSON_NONE;
    assert(token > parent);
    uint32_t next = doc->tokens[token].next;
    return next < doc->tokens[parent].next ? next : JSON_NONE;
}

struct json_span json_string_span(const struct json_doc *doc, uint32_t token)
{
    const struct json_token *string = &doc->tokens[token];

    assert(string->type == JSON_STRING);
    return (struct json_span){
        .at = doc->text + string->start + 1,
        .end = doc->text + string->end - 1,
        .escaped = string->escaped,
    };
}

static uint32_t take_hex(struct json_span *span)
{
    uint32_t unit = 0;

    for (int i = 0; i < 4; i++) {
        uint32_t digit = (uint8_t)*span->at++;
        unit = unit * 16 + (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    return unit;
}

/* `at` is behind the backslash. */
static uint32_t take_escape(struct json_span *span)
{
    uint8_t byte = (uint8_t)*span->at++;

    switch (byte) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'u':
        break;
    default:
        return byte;
    }
    uint32_t unit = take_hex(span);
    if (unit < 0xd800 || unit > 0xdfff)
        return unit;
    span->at += 2; /* the parser saw to it that \u and the low surrogate follow */
    return 0x10000 + ((unit - 0xd800) << 10) + (take_hex(span) - 0xdc00);
}

uint32_t json_take_char(struct json_span *span)
{
    uint32_t lead = (uint8_t)*span->at++;

    if (lead == '\\')
        return take_escape(span);
    if (lead < 0x80)
        return lead;
    int more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    uint32_t character = lead & (0x3fu >> more);
    while (more-- > 0)
        character = character << 6 | ((uint8_t)*span->at++ & 0x3fu);
    return character;
}

size_t json_put_utf8(uint32_t character, char ret_bytes[4])
{
    if (character < 0x80) {
        ret_bytes[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        ret_bytes[0] = (char)(0xc0 | character >> 6);
        ret_bytes[1] = (char)(0x80 | (character & 0x3f));
        return 2;
    }
    if (character < 0x10000) {
        ret_bytes[0] = (char)(0xe0 | character >> 12);
        ret_bytes[1] = (char)(0x80 | (character >> 6 & 0x3f));
        ret_bytes[2] = (char)(0x80 | (character & 0x3f));
        return 3;
    }
    ret_bytes[0] = (char)(0xf0 | character >> 18);
    ret_bytes[1] = (char)(0x80 | (character >> 12 & 0x3f));
    ret_bytes[2] = (char)(0x80 | (character >> 6 & 0x3f));
    ret_bytes[3] = (char)(0x80 | (character & 0x3f));
    return 4;
}

/* memcmp wants the order of UTF-8 bytes, the loop compares characters: UTF-8 was made so that both
 * agree, and the sort of the members relies on it. */
static int compare_spans(struct json_span a, struct json_span b)
{
    if (!a.escaped && !b.escaped) {
        size_t a_len = (size_t)(a.end - a.at), b_len = (size_t)(b.end - b.at);
        int order = memcmp(a.at, b.at, a_len < b_len ? a_len : b_len);
        if (order != 0)
            return order;
        return (a_len > b_len) - (a_len < b_len);
    }
    while (a.at < a.end && b.at < b.end) {
        uint32_t of_a = json_take_char(&a), of_b = json_take_char(&b);
        if (of_a != of_b)
            return of_a < of_b ? -1 : 1;
    }
    return (a.at < a.end) - (b.at < b.end);
}

int json_compare(const struct json_doc *doc, uint32_t a, uint32_t b)
{
    return compare_spans(json_string_span(doc, a), json_string_span(doc, b));
}

/* value: UTF-8 as it is, in which a backslash is only a backslash. */
static bool span_is(struct json_span span, const char *value, size_t len)
{
    if (!span.escaped)
        return (size_t)(span.end - span.at) == len && memcmp(span.at, value, len) == 0;
    while (span.at < span.end) {
        char bytes[4];
        size_t length = json_put_utf8(json_take_char(&span), bytes);
        if (length > len || memcmp(bytes, value, length) != 0)
            return false;
        value += length;
        len -= length;
    }
    return len == 0;
}

bool json_string_is(const struct json_doc *doc, uint32_t token, const char *value)
{
    return token_is(doc, token, JSON_STRING) &&
           span_is(json_string_span(doc, token), value, strlen(value));
}

uint32_t json_get(const struct json_doc *doc, uint32_t object, const char *key)
{
    uint32_t found = JSON_NONE;

    if (!token_is(doc, object, JSON_OBJECT))
        return JSON_NONE;
    size_t len = strlen(key);
    uint32_t end = doc->tokens[object].next;
    for (uint32_t at = object + 1; at < end; at = doc->tokens[at + 1].next) {
        if (span_is(json_string_span(doc, at), key, len))
            found = at + 1;
    }
    return found;
}

int json_string(const struct json_doc *doc, uint32_t token, char *scratch, size_t scratch_size,
                const char **ret_bytes, size_t *ret_len)
{
    size_t len = 0;

    if (!token_is(doc, token, JSON_STRING))
        return -EINVAL;
    struct json_span span = json_string_span(doc, token);
    if (!span.escaped) {
        *ret_bytes = span.at;
        *ret_len = (size_t)(span.end - span.at);
        return 0;
    }
    while (span.at < span.end) {
        char bytes[4];
        size_t length = json_put_utf8(json_take_char(&span), bytes);
        if (length > scratch_size - len)
            return -ENOBUFS;
        memcpy(scratch + len, bytes, length);
        len += length;
    }
    *ret_bytes = scratch;
    *ret_len = len;
    return 0;
}

/* Reads the exponent part behind the e. */
static void split_exponent(const char *at, const char *end, struct json_number *number)
{
    if (at < end && (*at == '+' || *at == '-'))
        number->exponent_negative = *at++ == '-';
    while (at < end && *at == '0')
        at++;
    number->exponent_at = at;
    number->exponent_end = end;
}

void json_number_split(const struct json_doc *doc, uint32_t token, struct json_number *ret_number)
{
    const char *at = doc->text + doc->tokens[token].start;
    const char *end = doc->text + doc->tokens[token].end;
    struct json_number number = {.exponent_at = end, .exponent_end = end};
    const char *first = NULL, *last = NULL; /* digits that are not zero */
    int64_t before_point = 0, first_place = 0;
    bool point = false;

    assert(doc->tokens[token].type == JSON_NUMBER);
    if (*at == '-') {
        number.negative = true;
        at++;
    }
    int64_t place = 0; /* how many digits were passed */
    int64_t last_place = 0;
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            point = true;
            before_point = place;
            continue;
        }
        if (*at != '0') {
            if (first == NULL) {
                first = at;
                first_place = place;
            }
            last = at;
            last_place = place;
        }
        place++;
    }
    if (at < end)
        split_exponent(at + 1, end, &number);
    if (first != NULL) {
        number.digits_at = first;
        number.digits_end = last + 1;
        number.digits = (size_t)(last_place - first_place) + 1;
        number.scale = (point ? before_point : place) - first_place - 1;
    }
    *ret_number = number;
}

int64_t json_number_power(const struct json_number *number)
{
    int64_t exponent = 0;

    assert(number->exponent_end - number->exponent_at <= JSON_EXPONENT_SMALL);
    for (const char *at = number->exponent_at; at < number->exponent_end; at++)
        exponent = exponent * 10 + (*at - '0');
    return number->scale + (number->exponent_negative ? -exponent : exponent);
}

int json_int64(const struct json_doc *doc, uint32_t token, int64_t *ret_value)
{
    struct json_number number;
    uint64_t magnitude = 0;

    if (!token_is(doc, token, JSON_NUMBER))
        return -EINVAL;
    json_number_split(doc, token, &number);
    if (number.digits == 0) {
        *ret_value = 0;
        return 0;
    }
    /* Such an exponent outweighs all the digits that a text can hold. */
    if (number.exponent_end - number.exponent_at > JSON_EXPONENT_SMALL)
        return number.exponent_negative ? -EINVAL : -ERANGE;
    int64_t power = json_number_power(&number);
    if (power < (int64_t)number.digits - 1)
        return -EINVAL;
    if (power > 18)
        return -ERANGE;
    int64_t zeros = power - ((int64_t)number.digits - 1);
    for (const char *at = number.digits_at; at < number.digits_end; at++) {
        if (*at != '.')
            magnitude = magnitude * 10 + (uint64_t)(*at - '0');
    }
    while (zeros-- > 0)
        magnitude *= 10;
    if (magnitude > (uint64_t)INT64_MAX + number.negative)
        return -ERANGE;
    *ret_value = number.negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return 0;
}
