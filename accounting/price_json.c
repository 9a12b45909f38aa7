/* price_json.c - strict reading of JSON files. See price_json.h. */
#include "accounting/price_json.h"

#include "accounting/price.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    JSON_DEPTH_MAX = 32,    /* our own file uses 9 */
    READ_CHUNK = 64 * 1024, /* first buffer for what does not tell its size */
    PATH_SIZE = 2 * PRICE_MODEL_MAX,
};

static int shown(size_t len)
{
    return len < PRICE_MODEL_MAX ? (int)len : PRICE_MODEL_MAX;
}

int price_refuse(const struct price_place *place, const char *what)
{
    bool named = place->model != NULL || place->key != NULL;

    snprintf(place->error, place->error_size, "%s%s%.*s%s%.*s%s%s",
             place->path != NULL ? place->path : "", place->path != NULL ? ": " : "",
             place->model != NULL ? shown(place->model_len) : 0,
             place->model != NULL ? place->model : "",
             place->model != NULL && place->key != NULL ? " " : "",
             place->key != NULL ? shown(place->key_len) : 0, place->key != NULL ? place->key : "",
             named ? ": " : "", what);
    return -EINVAL;
}

void price_at(struct price_place *place, const char *key)
{
    place->key = key;
    place->key_len = key != NULL ? strlen(key) : 0;
}

/* ---- the file's bytes ---- */

static int grow(char **bytes, size_t *size, size_t wanted)
{
    char *grown = realloc(*bytes, wanted);

    if (grown == NULL)
        return -ENOMEM;
    *bytes = grown;
    *size = wanted;
    return 0;
}

/* Reads to the end of the file or one byte past the maximum, whichever comes first. The size that
 * stat() tells is only a hint: pipes tell none, and files grow. */
static int read_stream(FILE *file, char **ret_bytes, size_t *ret_len)
{
    size_t size = 0, len = 0;
    char *bytes = NULL;
    struct stat info;
    int rc;

    if (fstat(fileno(file), &info) == 0 && info.st_size > 0 && info.st_size < PRICE_FILE_MAX)
        rc = grow(&bytes, &size, (size_t)info.st_size + 1);
    else
        rc = grow(&bytes, &size, READ_CHUNK);
    while (rc == 0) {
        size_t got;

        errno = 0;
        got = fread(bytes + len, 1, size - len, file);
        len += got;
        if (len > PRICE_FILE_MAX)
            rc = -EFBIG;
        else if (ferror(file) != 0)
            rc = errno > 0 ? -errno : -EIO;
        else if (got == 0)
            break;
        else if (len == size)
            rc = grow(&bytes, &size, size * 2);
    }
    if (rc < 0) {
        free(bytes);
        return rc;
    }
    *ret_bytes = bytes;
    *ret_len = len;
    return 0;
}

int price_file_read(const struct price_place *place, char **ret_bytes, size_t *ret_len)
{
    FILE *file = fopen(place->path, "rbe");
    int rc = file != NULL ? read_stream(file, ret_bytes, ret_len) : -errno;

    if (file != NULL)
        fclose(file);
    if (rc == -EFBIG)
        price_refuse(place, "is larger than 128 MiB, the most a price file may have");
    else if (rc < 0)
        price_refuse(place, strerror(-rc));
    return rc;
}

/* ---- what json-c lets through ---- */

struct span {
    const char *text;
    size_t len;
};

/* The keys of all objects that are open, those of the innermost last. */
struct key_scan {
    struct span *keys;
    size_t count, size;
    struct {
        size_t first; /* its first key */
        size_t index; /* of the element it is at, in a list */
        bool list;
    } level[JSON_DEPTH_MAX + 1]; /* from 1 */
    unsigned depth;
};

static int compare_spans(const void *left, const void *right)
{
    const struct span *a = left, *b = right;
    int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);

    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static int push_key(struct key_scan *scan, const char *text, size_t len)
{
    if (scan->count == scan->size) {
        size_t size = scan->size > 0 ? scan->size * 2 : 64;
        struct span *keys = realloc(scan->keys, size * sizeof(*keys));
        if (keys == NULL)
            return -ENOMEM;
        scan->keys = keys;
        scan->size = size;
    }
    scan->keys[scan->count++] = (struct span){text, len};
    return 0;
}

/* The last key of an open object; what closed behind it has taken its keys along. */
static struct span last_key(const struct key_scan *scan, unsigned level)
{
    size_t end = level < scan->depth ? scan->level[level + 1].first : scan->count;

    return end > scan->level[level].first ? scan->keys[end - 1] : (struct span){"", 0};
}

/* Refuses with the way to where the scan is: "data[3].pricing.input". key: instead of the innermost
 * object's last one, or NULL. */
static int refuse_here(const struct price_place *place, const struct key_scan *scan,
                       const struct span *key, const char *what)
{
    struct price_place here = *place;
    char path[PATH_SIZE] = "";
    size_t len = 0;

    for (unsigned i = 1; i <= scan->depth && len < sizeof(path); i++) {
        struct span name = key != NULL && i == scan->depth ? *key : last_key(scan, i);
        if (scan->level[i].list)
            len += (size_t)snprintf(path + len, sizeof(path) - len, "[%zu]", scan->level[i].index);
        else if (name.len > 0)
            len += (size_t)snprintf(path + len, sizeof(path) - len, "%s%.*s", len > 0 ? "." : "",
                                    shown(name.len), name.text);
    }
    here.model = NULL;
    price_at(&here, path[0] != '\0' ? path : NULL);
    return price_refuse(&here, what);
}

static int open_level(struct key_scan *scan, const struct price_place *place, bool list)
{
    if (scan->depth == JSON_DEPTH_MAX)
        return refuse_here(place, scan, NULL, "is nested too deeply");
    scan->depth++;
    scan->level[scan->depth].first = scan->count;
    scan->level[scan->depth].index = 0;
    scan->level[scan->depth].list = list;
    return 0;
}

/* The innermost object or array ends: none of its keys may stand twice. */
static int close_level(struct key_scan *scan, const struct price_place *place)
{
    size_t first, count;

    if (scan->depth == 0)
        return price_refuse(place, "is not JSON");
    first = scan->level[scan->depth].first;
    count = scan->count - first;
    if (count > 1)
        qsort(scan->keys + first, count, sizeof(*scan->keys), compare_spans);
    for (size_t i = first + 1; i < first + count; i++) {
        if (compare_spans(&scan->keys[i - 1], &scan->keys[i]) == 0)
            return refuse_here(place, scan, &scan->keys[i], "stands twice; keep one");
    }
    scan->count = first;
    scan->depth--;
    return 0;
}

/* A string begins behind the quote at `at`. Only a key is followed by a colon. */
static int scan_string(struct key_scan *scan, const struct price_place *place, struct span file,
                       size_t *at)
{
    size_t start = *at + 1, end = start, next;
    bool plain = true;

    for (; end < file.len && file.text[end] != '"'; end++) {
        plain = plain && (unsigned char)file.text[end] >= 0x20 && file.text[end] != '\\';
        if (file.text[end] == '\\')
            end++;
    }
    if (end >= file.len)
        return price_refuse(place, "is not JSON");
    *at = end;
    for (next = end + 1; next < file.len && strchr(" \t\r\n", file.text[next]) != NULL; next++)
        ;
    if (next == file.len || file.text[next] != ':')
        return 0;
    if (!plain || end == start)
        return refuse_here(place, scan, NULL,
                           "a key is empty or has a backslash or a control character");
    return push_key(scan, file.text + start, end - start);
}

/* Walks the text, which json-c has accepted; file holds no NUL. */
static int scan_text(struct key_scan *scan, const struct price_place *place, struct span file)
{
    int rc = 0;

    for (size_t at = 0; at < file.len && rc == 0; at++) {
        char c = file.text[at];
        if (c == '{' || c == '[')
            rc = open_level(scan, place, c == '[');
        else if (c == '}' || c == ']')
            rc = close_level(scan, place);
        else if (c == '"')
            rc = scan_string(scan, place, file, &at);
        else if (c == ',')
            scan->level[scan->depth].index++;
        else if (c == '\'')
            return refuse_here(place, scan, NULL,
                               "strings stand between quotation marks (\"), not apostrophes");
        else if (c == 'N' || c == 'I')
            return refuse_here(place, scan, NULL, "NaN and Infinity are no numbers in JSON");
    }
    return rc;
}

static int check_text(const struct price_place *place, struct span file)
{
    struct key_scan scan = {0};
    int rc = scan_text(&scan, place, file);

    free(scan.keys);
    return rc;
}

/* json-c spends up to 800 bytes on an object of two. The text is not known to be JSON yet. */
static int check_size(const struct price_place *place, struct span file)
{
    size_t containers = 0, values = 0;
    bool quoted = false;

    for (size_t at = 0; at < file.len; at++) {
        char c = file.text[at];
        if (c == '"')
            quoted = !quoted;
        else if (quoted && c == '\\')
            at++;
        else if (!quoted && (c == '{' || c == '['))
            containers++;
        else if (!quoted && c == ',')
            values++;
    }
    if (containers > PRICE_CONTAINERS_MAX)
        return price_refuse(place, "has more than 262144 objects and lists");
    if (values > PRICE_VALUES_MAX)
        return price_refuse(place, "has more than 2097152 values");
    return 0;
}

/* Says in which line json-c stopped, and why. */
static int refuse_syntax(const struct price_place *place, const char *text, size_t end,
                         enum json_tokener_error why)
{
    size_t line = 1;

    for (size_t i = 0; i < end; i++)
        line += text[i] == '\n';
    snprintf(place->error, place->error_size, "%s%s%zu: is not JSON: %s",
             place->path != NULL ? place->path : "line", place->path != NULL ? ":" : " ", line,
             why == json_tokener_success    ? "something follows its end"
             : why == json_tokener_continue ? "it ends too early"
                                            : json_tokener_error_desc(why));
    return -EINVAL;
}

/* Parses the text as one JSON document. give: *ret_root. */
static int parse_text(const struct price_place *place, struct span file,
                      struct json_object **ret_root)
{
    struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
    struct json_object *root;
    enum json_tokener_error why;
    size_t end;

    if (tokener == NULL)
        return -ENOMEM;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    root = json_tokener_parse_ex(tokener, file.text, (int)file.len);
    why = json_tokener_get_error(tokener);
    end = json_tokener_get_parse_end(tokener);
    json_tokener_free(tokener);
    if (why == json_tokener_success && end == file.len) {
        *ret_root = root;
        return 0;
    }
    json_object_put(root);
    return refuse_syntax(place, file.text, end < file.len ? end : file.len, why);
}

int price_json_parse(struct price_place *place, const char *text, size_t len,
                     struct json_object **ret_root)
{
    struct json_object *root = NULL;
    int rc;

    if (len > PRICE_FILE_MAX)
        return -EFBIG;
    if (len == 0 || memchr(text, '\0', len) != NULL)
        return price_refuse(place, len == 0 ? "is empty" : "has a NUL byte: is not JSON");
    rc = check_size(place, (struct span){text, len});
    if (rc == 0)
        rc = parse_text(place, (struct span){text, len}, &root);
    if (rc == 0)
        rc = check_text(place, (struct span){text, len});
    if (rc < 0) {
        json_object_put(root);
        return rc;
    }
    *ret_root = root;
    return 0;
}
