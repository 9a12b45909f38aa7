/* json.h - strict, bounded JSON: a flat token list over the caller's text, and the canonical form
 * that decides cache keys.
 *
 * Accepts RFC 8259 and nothing else, in valid UTF-8 (no overlong forms, no surrogates, no raw
 * control characters in strings; lone surrogate escapes are refused). Our law: what we accept,
 * json-c accepts and reads the same.
 *
 * Tokens are stored in document order. A container's `next` is the index behind its last
 * descendant, so siblings are reached without recursion. Nothing is copied or unescaped: a token
 * is a span of the text, which makes splicing byte-faithful.
 *
 * Memory: a token is 16 bytes and needs at least two bytes of text, so a document's tokens take at
 * most 8 bytes per byte of text (plus 2 KiB), reached by "0,0,0,...": 256 MiB for a 32 MiB body.
 * Prose takes next to nothing. json_canonical() takes at most 20 bytes more per object member while
 * it runs, and only in objects of many members or with duplicates.
 *
 * Threads: a json_doc belongs to one thread; it may be reused for many texts and keeps its memory
 * (json_doc_clear() bounds what an idle one keeps).
 */
#ifndef CACHE_JSON_H
#define CACHE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JSON_DEPTH_MAX = 128,
    JSON_TOKENS_KEPT = 65536, /* what json_doc_clear() leaves allocated at most: 1 MiB */
};
#define JSON_NONE UINT32_MAX /* "no such token" */

/* json-c has an enum of this name too: a file that needs both renames json-c's while including it
 * (tests/fuzz/normalise_fuzz.c). */
enum json_type {
    JSON_OBJECT, /* children: key, value, key, value, ... */
    JSON_ARRAY,
    JSON_STRING, /* also every key; the span includes the quotes */
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
};

struct json_token {
    uint32_t start;  /* byte offset of its first character */
    uint32_t end;    /* behind its last */
    uint32_t next;   /* index of the token behind this value and all its descendants */
    uint8_t type;    /* enum json_type */
    uint8_t escaped; /* strings: contains a backslash */
};

struct json_doc {
    const char *text; /* borrow: must outlive the use of the tokens */
    size_t len;
    struct json_token *tokens;
    uint32_t count, capacity;
};

void json_doc_init(struct json_doc *doc);
void json_doc_release(struct json_doc *doc);

/* Forgets the text and its tokens; gives memory beyond JSON_TOKENS_KEPT back, so that one hostile
 * body does not size a worker for ever. */
void json_doc_clear(struct json_doc *doc);

/* Parses the whole text as one value (token 0). borrow: text, at most UINT32_MAX - 1 bytes.
 * -EBADMSG: not JSON; -E2BIG: deeper than JSON_DEPTH_MAX or too long; -ENOMEM. On failure the
 * document has no tokens, and *ret_error_at (may be NULL) is the byte where reading stopped. */
int json_parse(struct json_doc *doc, const char *text, size_t len, size_t *ret_error_at);

/* The value of the LAST member called key of an object, or JSON_NONE (also when `object` is
 * JSON_NONE or not an object, so lookups chain). Keys are compared by value: "\u0069d" is "id". */
uint32_t json_get(const struct json_doc *doc, uint32_t object, const char *key);

/* First child of a container, JSON_NONE when empty; the sibling behind `token` inside `parent`. */
uint32_t json_first(const struct json_doc *doc, uint32_t parent);
uint32_t json_next(const struct json_doc *doc, uint32_t parent, uint32_t token);

/* True when token is a string whose value is exactly the given ASCII text. */
bool json_string_is(const struct json_doc *doc, uint32_t token, const char *value);

/* The string's value, unescaped, as UTF-8: borrowed from the text when nothing was escaped, else
 * written to scratch. -EINVAL: no string; -ENOBUFS: scratch is too small. NUL bytes may occur. */
int json_string(const struct json_doc *doc, uint32_t token, char *scratch, size_t scratch_size,
                const char **ret_bytes, size_t *ret_len);

/* A number token that is a whole number that fits (1, 1.0 and 1e2 are; 1.5 is not).
 * -EINVAL: not a number or not whole; -ERANGE: does not fit. */
int json_int64(const struct json_doc *doc, uint32_t token, int64_t *ret_value);

/* Receives canonical text piece by piece; returns 0 or a negative errno that ends the writing. */
typedef int json_sink(void *arg, const char *bytes, size_t len);

/* Writes the canonical form of the whole document (or of one value): member order kept, a
 * duplicate member keeps the first place and the last value (at every level), no insignificant
 * white space, strings in one form (only ", \ and control characters escaped, the shortest way,
 * hex in lower case; everything else raw UTF-8), numbers equal when their decimal values are
 * (1 = 1.0 = 1e0, -0 = 0, any length, exponents of any size, no doubles). A fixed point: the
 * canonical form of a canonical form is itself. Time is linear in the text up to a logarithm,
 * hostile objects included. -ENOMEM, or what sink returned. */
int json_canonical(const struct json_doc *doc, uint32_t value, json_sink *sink, void *arg);

#endif
