/* price_json.h - strict reading of JSON for the price table and the importers (internal).
 *
 * json-c reads the text. Four of its liberties would let a wrong price in, so they are closed
 * here: it folds a key that stands twice, it takes 'single quotes' and NaN, and it stops at a NUL.
 * What it spends on a text is bounded, too: about 400 MiB for the worst one.
 * Threads: pure functions but for the file that is read.
 */
#ifndef ACCOUNTING_PRICE_JSON_H
#define ACCOUNTING_PRICE_JSON_H

#include <stddef.h>

struct json_object;

enum {
    PRICE_CONTAINERS_MAX = 256 * 1024,  /* of one text; models.dev has 50,000 */
    PRICE_VALUES_MAX = 2 * 1024 * 1024, /* elements and members but the first of each */
};

/* Where the reader is, for messages. borrow: all of it. */
struct price_place {
    const char *path;  /* NULL: the text has no file, and messages begin with the model */
    const char *model; /* NULL: not inside one */
    size_t model_len;
    const char *key; /* NULL: not at one */
    size_t key_len;
    char *error;
    size_t error_size;
};

/* Moves the place to a key of the model it is in; NULL: to the model itself. */
void price_at(struct price_place *place, const char *key);

/* Writes "file: model key: what" to place->error; returns -EINVAL. */
int price_refuse(const struct price_place *place, const char *what);

/* Reads the whole file at place->path: -EFBIG above PRICE_FILE_MAX, else what the system says, with
 * a message. give: *ret_bytes. */
int price_file_read(const struct price_place *place, char **ret_bytes, size_t *ret_len);

/* Parses text as one JSON document in which no key stands twice: -EINVAL with a message, whose
 * place is the way to it ("data[3].pricing.input: stands twice"); -ENOMEM and -EFBIG (above
 * PRICE_FILE_MAX) without. give: *ret_root, a reference for json_object_put(); it is NULL for the
 * document `null`. */
int price_json_parse(struct price_place *place, const char *text, size_t len,
                     struct json_object **ret_root);

#endif
