#include "accounting/focus_json.h"

#include "accounting/focus_text.h"

#include <errno.h>
#include <json-c/json.h>

enum { DEPTH_MAX = 8 /* a line holds cells, a cell holds values */ };

static struct json_object *parse(struct text text)
{
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
    struct json_object *root;
    bool whole;
    if (tokener == NULL)
        return NULL;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    root = json_tokener_parse_ex(tokener, text.bytes, (int)text.len);
    whole = json_tokener_get_error(tokener) == json_tokener_success &&
            json_tokener_get_parse_end(tokener) == text.len;
    json_tokener_free(tokener);
    if (whole && json_object_is_type(root, json_type_object))
        return root;
    json_object_put(root);
    return NULL;
}

/* Members of an object that is known to be JSON: what commas part, outside of strings and of what
 * is inside it. json-c folds a key that stands twice. */
static size_t members(struct text text)
{
    size_t count = 0, depth = 0;
    bool string = false, any = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.bytes[i];
        if (string) {
            i += c == '\\';
            string = c != '"';
            continue;
        }
        string = c == '"';
        any |= string && depth == 1;
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        count += c == ',' && depth == 1;
    }
    return any ? count + 1 : 0;
}

int focus_json_object(struct text text, struct json_object **ret_object)
{
    struct json_object *object = text.len > 0 && text.len <= INT32_MAX ? parse(text) : NULL;
    if (object == NULL)
        return -EBADMSG;
    if ((size_t)json_object_object_length(object) != members(text)) {
        json_object_put(object);
        return -EBADMSG;
    }
    *ret_object = object;
    return 0;
}

/* json-c reads NaN and Infinity, which are no JSON. */
static bool is_scalar(struct json_object *value)
{
    const char *text;
    switch (json_object_get_type(value)) {
    case json_type_null:
    case json_type_boolean:
    case json_type_int:
    case json_type_string:
        return true;
    case json_type_double:
        text = json_object_to_json_string(value);
        text += *text == '-';
        return *text >= '0' && *text <= '9';
    case json_type_object:
    case json_type_array:
        break;
    }
    return false;
}

static bool is_sorted(struct json_object *object)
{
    const char *last = NULL;
    json_object_object_foreach(object, name, value)
    {
        if (!is_scalar(value) || (last != NULL && strcmp(last, name) >= 0))
            return false;
        last = name;
    }
    return true;
}

bool focus_json_is_flat(struct text text)
{
    struct json_object *object;
    struct text again;
    bool flat;
    if (focus_json_object(text, &object) < 0)
        return false;
    again = text_of(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
                                                               JSON_C_TO_STRING_NOSLASHESCAPE));
    flat = is_sorted(object) && focus_compare(text, again) == 0;
    json_object_put(object);
    return flat;
}
