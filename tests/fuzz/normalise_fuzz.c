/* normalise_fuzz.c - laws of the parser and of the canonical form, checked on arbitrary bytes:
 *
 * - the canonical form is valid and a fixed point;
 * - what we accept json-c accepts, and it reads the same types, members (in order, duplicates
 *   folded), string bytes and numbers.
 *
 * json-c's own limits are left out of the second law, where only acceptance is compared: its member
 * names are C strings, so a NUL in a name cuts it; integers beyond 64 bits saturate; and an escaped
 * pair whose character ends in 16 bits of a surrogate's (U+1D800 to U+1DFFF and so on in each
 * plane) is U+FFFD to it. The last does not hold for the canonical form, which has that character
 * raw.
 */
#include "cache/json.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define json_type json_c_type /* both have an enum of this name */
#include <json-c/json.h>
#undef json_type

struct text {
    char *bytes;
    size_t len, size;
};

static int append(void *arg, const char *bytes, size_t len)
{
    struct text *text = arg;

    if (len > text->size - text->len) {
        text->size = (text->size + len) * 2;
        text->bytes = realloc(text->bytes, text->size);
        assert(text->bytes != NULL);
    }
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    return 0;
}

/* Parsed from a copy of exactly its size, so that a byte read behind the end is found. */
struct parsed {
    struct json_doc doc;
    char *copy;
};

static int parse(struct parsed *parsed, const char *bytes, size_t len)
{
    size_t stopped = SIZE_MAX;

    json_doc_init(&parsed->doc);
    parsed->copy = malloc(len > 0 ? len : 1);
    assert(parsed->copy != NULL);
    if (len > 0)
        memcpy(parsed->copy, bytes, len);
    int error = json_parse(&parsed->doc, parsed->copy, len, &stopped);
    assert(error == 0 ? stopped == SIZE_MAX : stopped <= len);
    assert(error == 0 || parsed->doc.count == 0);
    return error;
}

static void parsed_release(struct parsed *parsed)
{
    json_doc_release(&parsed->doc);
    free(parsed->copy);
}

static bool text_equal(const struct text *a, const struct text *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* Whether the strings of two documents have one value. */
static bool strings_equal(const struct json_doc *doc, uint32_t token, const char *bytes, size_t len)
{
    size_t size = doc->tokens[token].end - doc->tokens[token].start;
    char *scratch = malloc(size);
    const char *got;
    size_t got_len;

    assert(scratch != NULL);
    int error = json_string(doc, token, scratch, size, &got, &got_len);
    assert(error == 0);
    bool equal = got_len == len && memcmp(got, bytes, len) == 0;
    free(scratch);
    return equal;
}

static bool has_nul_in_name(const struct json_doc *doc)
{
    char scratch[4096];
    const char *name;
    size_t len;

    for (uint32_t i = 0; i < doc->count; i++) {
        if (doc->tokens[i].type != JSON_OBJECT)
            continue;
        for (uint32_t at = json_first(doc, i); at != JSON_NONE; at = json_next(doc, i, at + 1)) {
            if (json_string(doc, at, scratch, sizeof(scratch), &name, &len) != 0 ||
                memchr(name, '\0', len) != NULL)
                return true;
        }
    }
    return false;
}

/* In canonical text, so raw. */
static bool has_misread_character(const struct text *text)
{
    for (size_t i = 0; i + 3 < text->len; i++) {
        const uint8_t *at = (const uint8_t *)text->bytes + i;
        if (at[0] >= 0xf0 && (at[1] & 0x0f) == 0x0d && at[2] >= 0xa0)
            return true;
    }
    return false;
}

static void number_is_same(const struct json_doc *doc, uint32_t token, struct json_object *other)
{
    struct text ours = {0}, theirs = {0};
    struct parsed parsed;
    const char *kept = json_object_to_json_string_ext(other, JSON_C_TO_STRING_PLAIN);

    assert(json_object_is_type(other, json_type_int) ||
           json_object_is_type(other, json_type_double));
    /* doc is canonical and may write 1e30 where the text had digits; json-c's type tells. */
    int64_t value;
    if (json_object_is_type(other, json_type_int) && json_int64(doc, token, &value) == -ERANGE)
        return;
    int error = json_canonical(doc, token, append, &ours);
    assert(error == 0);
    error = parse(&parsed, kept, strlen(kept));
    assert(error == 0);
    error = json_canonical(&parsed.doc, 0, append, &theirs);
    assert(error == 0);
    assert(text_equal(&ours, &theirs));
    parsed_release(&parsed);
    free(ours.bytes);
    free(theirs.bytes);
}

static void value_is_same(const struct json_doc *doc, uint32_t token, struct json_object *other);

/* doc is in canonical form here, so its members are folded like json-c's. */
static void object_is_same(const struct json_doc *doc, uint32_t token, struct json_object *other)
{
    uint32_t at = json_first(doc, token);

    assert(json_object_is_type(other, json_type_object));
    json_object_object_foreach(other, name, value)
    {
        assert(at != JSON_NONE);
        assert(strings_equal(doc, at, name, strlen(name)));
        assert(json_get(doc, token, name) == at + 1);
        value_is_same(doc, at + 1, value);
        at = json_next(doc, token, at + 1);
    }
    assert(at == JSON_NONE);
}

static void array_is_same(const struct json_doc *doc, uint32_t token, struct json_object *other)
{
    size_t count = 0;

    assert(json_object_is_type(other, json_type_array));
    for (uint32_t at = json_first(doc, token); at != JSON_NONE; at = json_next(doc, token, at))
        value_is_same(doc, at, json_object_array_get_idx(other, count++));
    assert(count == json_object_array_length(other));
}

/* Recursion is bounded by JSON_DEPTH_MAX. */
static void value_is_same(const struct json_doc *doc, uint32_t token, struct json_object *other)
{
    switch ((enum json_type)doc->tokens[token].type) {
    case JSON_OBJECT:
        object_is_same(doc, token, other);
        break;
    case JSON_ARRAY:
        array_is_same(doc, token, other);
        break;
    case JSON_STRING:
        assert(json_object_is_type(other, json_type_string));
        assert(strings_equal(doc, token, json_object_get_string(other),
                             (size_t)json_object_get_string_len(other)));
        break;
    case JSON_NUMBER:
        number_is_same(doc, token, other);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        assert(json_object_is_type(other, json_type_boolean));
        assert(json_object_get_boolean(other) == (doc->tokens[token].type == JSON_TRUE));
        break;
    case JSON_NULL:
        assert(other == NULL);
        break;
    }
}

/* compare: the values too, not only that json-c accepts. */
static void json_c_agrees(const char *bytes, size_t len, const struct json_doc *canonical,
                          bool compare)
{
    struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX + 2);
    char *text = malloc(len + 1); /* json-c ends a bare number only at a NUL */

    assert(tokener != NULL);
    assert(text != NULL);
    memcpy(text, bytes, len);
    text[len] = '\0';
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    struct json_object *root = json_tokener_parse_ex(tokener, text, (int)len + 1);
    assert(json_tokener_get_error(tokener) == json_tokener_success);
    if (compare)
        value_is_same(canonical, 0, root);
    json_object_put(root);
    json_tokener_free(tokener);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct text once = {0}, twice = {0};
    struct parsed first, second;

    if (parse(&first, (const char *)data, len) == 0) {
        int error = json_canonical(&first.doc, 0, append, &once);
        assert(error == 0);
        error = parse(&second, once.bytes, once.len);
        assert(error == 0);
        error = json_canonical(&second.doc, 0, append, &twice);
        assert(error == 0);
        assert(text_equal(&once, &twice));
        bool nul = has_nul_in_name(&first.doc);
        json_c_agrees((const char *)data, len, &second.doc, !nul && !has_misread_character(&once));
        json_c_agrees(once.bytes, once.len, &second.doc, !nul);
        parsed_release(&second);
    }
    parsed_release(&first);
    free(once.bytes);
    free(twice.bytes);
    return 0;
}
