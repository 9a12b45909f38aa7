#include "server/dialect/answer_field.h"

#include "accounting/usage.h"

#include <assert.h>
#include <string.h>

bool answer_field_is(const struct json_doc *doc, uint32_t token, enum json_type type)
{
    if (token == JSON_NONE)
        return false;
    assert(token < doc->count);
    return doc->tokens[token].type == type;
}

bool answer_field_is_said(const struct json_doc *doc, uint32_t token)
{
    return token != JSON_NONE && !answer_field_is(doc, token, JSON_NULL);
}

bool answer_field_text(const struct json_doc *doc, uint32_t token, char *text, size_t size)
{
    char
        scratch[2048]; /* escapes make a text longer than any maximum we keep; beyond: not a name */
    const char *bytes;
    const char *nul;
    size_t len;

    assert(size > 1);
    if (!answer_field_is(doc, token, JSON_STRING))
        return false;
    if (json_string(doc, token, scratch, sizeof(scratch), &bytes, &len) != 0)
        return false;
    if (len > size - 1) {
        len = size - 1;
        while (len > 0 && ((unsigned char)bytes[len] & 0xc0) == 0x80)
            len--;
    }
    nul = memchr(bytes, '\0', len);
    if (nul != NULL)
        len = (size_t)(nul - bytes);
    if (len == 0)
        return false;
    memcpy(text, bytes, len);
    text[len] = '\0';
    return true;
}

bool answer_field_id_is_sound(const char *id, size_t len, size_t size)
{
    if (len == 0 || len >= size)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (id[i] <= ' ' || id[i] > '~' || id[i] == '"' || id[i] == '\\')
            return false;
    }
    return true;
}

bool answer_field_id(const struct json_doc *doc, uint32_t token, char *id, size_t size)
{
    char scratch[1024];
    const char *bytes;
    size_t len;

    if (!answer_field_is(doc, token, JSON_STRING))
        return false;
    if (json_string(doc, token, scratch, sizeof(scratch), &bytes, &len) != 0)
        return false;
    if (!answer_field_id_is_sound(bytes, len, size))
        return false;
    memcpy(id, bytes, len);
    id[len] = '\0';
    return true;
}

int64_t answer_field_count(const struct json_doc *doc, uint32_t token, bool *odd)
{
    int64_t count;

    if (!answer_field_is_said(doc, token))
        return USAGE_ABSENT;
    if (json_int64(doc, token, &count) != 0 || count < 0) {
        *odd = true;
        return USAGE_ABSENT;
    }
    return count;
}

struct maybe_money answer_field_money(const struct json_doc *doc, uint32_t token, bool *odd)
{
    struct maybe_money unknown = {.known = false};
    struct maybe_money read = {.known = true};
    char scratch[MONEY_DIGITS_MAX];
    const char *bytes = NULL;
    size_t len = 0;

    if (!answer_field_is_said(doc, token))
        return unknown;
    if (answer_field_is(doc, token, JSON_NUMBER)) {
        bytes = doc->text + doc->tokens[token].start;
        len = doc->tokens[token].end - doc->tokens[token].start;
    } else if (json_string(doc, token, scratch, sizeof(scratch), &bytes, &len) != 0) {
        *odd = true;
        return unknown;
    }
    if (money_parse(bytes, len, &read.money, NULL) != 0 || read.money.femto < 0) {
        *odd = true;
        return unknown;
    }
    return read;
}

int answer_field_bool(const struct json_doc *doc, uint32_t token)
{
    if (answer_field_is(doc, token, JSON_TRUE))
        return 1;
    if (answer_field_is(doc, token, JSON_FALSE))
        return 0;
    return -1;
}
