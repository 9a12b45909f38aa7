#include "server/dialect/answer.h"
#include "server/dialect/answer_field.h"

#include <string.h>

/* The scan below never decides whether a body is good: it reads what is surely there, and says "not
 * yet" to everything else. */
struct peek {
    const char *text;
    size_t len;
    size_t at;
};

static void skip_space(struct peek *peek)
{
    while (peek->at < peek->len && strchr(" \t\r\n", peek->text[peek->at]) != NULL &&
           peek->text[peek->at] != '\0')
        peek->at++;
}

/* At an opening quote: moves behind the closing one. False when that has not arrived. */
static bool skip_string(struct peek *peek, const char **ret_bytes, size_t *ret_len)
{
    size_t start = peek->at + 1;

    for (size_t i = start; i < peek->len; i++) {
        if (peek->text[i] == '\\') {
            i++; /* whatever is escaped, it does not end the string */
        } else if (peek->text[i] == '"') {
            *ret_bytes = peek->text + start;
            *ret_len = i - start;
            peek->at = i + 1;
            return true;
        }
    }
    return false;
}

enum peek_member { PEEK_ON, PEEK_FOUND, PEEK_OVER };

/* At the quote of a key of the outermost object. */
static enum peek_member peek_member(struct peek *peek, const char **ret_id, size_t *ret_len)
{
    const char *key;
    size_t key_len;

    if (!skip_string(peek, &key, &key_len))
        return PEEK_OVER;
    skip_space(peek);
    if (peek->at == peek->len || peek->text[peek->at] != ':')
        return PEEK_OVER;
    peek->at++;
    skip_space(peek);
    if (key_len != 2 || memcmp(key, "id", 2) != 0)
        return PEEK_ON;
    if (peek->at == peek->len || peek->text[peek->at] != '"')
        return PEEK_ON;
    return skip_string(peek, ret_id, ret_len) ? PEEK_FOUND : PEEK_OVER;
}

static bool find_id(struct peek *peek, const char **ret_id, size_t *ret_len)
{
    const char *ignored;
    size_t ignored_len;
    size_t depth = 0;
    bool at_key = false;

    skip_space(peek);
    if (peek->at == peek->len || peek->text[peek->at] != '{')
        return false;
    while (peek->at < peek->len) {
        char byte = peek->text[peek->at];

        if (byte == '"' && at_key && depth == 1) {
            enum peek_member found = peek_member(peek, ret_id, ret_len);

            if (found != PEEK_ON)
                return found == PEEK_FOUND;
            at_key = false;
            continue;
        }
        if (byte == '"') {
            if (!skip_string(peek, &ignored, &ignored_len))
                return false;
            continue;
        }
        if (byte == '{' || byte == '[')
            depth++;
        if ((byte == '}' || byte == ']') && --depth == 0)
            return false;
        if (byte == '{' || byte == ',')
            at_key = true; /* asked only at depth 1, and there only objects are */
        peek->at++;
    }
    return false;
}

size_t answer_peek_id(const char *body, size_t len, char *id, size_t id_size)
{
    struct peek peek = {body, len < ANSWER_PEEK_MAX ? len : ANSWER_PEEK_MAX, 0};
    size_t size = id_size < ROW_ID_MAX + 1 ? id_size : ROW_ID_MAX + 1;
    const char *found = NULL;
    size_t found_len = 0;

    if (!find_id(&peek, &found, &found_len))
        return 0;
    if (!answer_field_id_is_sound(found, found_len, size))
        return 0;
    memcpy(id, found, found_len);
    id[found_len] = '\0';
    return found_len;
}
