/* json_internal.h - what the JSON files share below their public header.
 *
 * Everything here reads tokens that json_parse() accepted, so the text is trusted to be well
 * formed: no function below checks it again.
 */
#ifndef CACHE_JSON_INTERNAL_H
#define CACHE_JSON_INTERNAL_H

#include "cache/json.h"

/* The text of a string between its quotes. */
struct json_span {
    const char *at, *end;
    bool escaped;
};
struct json_span json_string_span(const struct json_doc *doc, uint32_t token);

/* Takes one character (an escape counts as the character it stands for) off a non-empty span. */
uint32_t json_take_char(struct json_span *span);

/* Writes a character as UTF-8 and returns the length, 1 to 4. */
size_t json_put_utf8(uint32_t character, char ret_bytes[4]);

/* Orders two strings by their values; in byte order of their UTF-8, which is also the order of
 * their characters. */
int json_compare(const struct json_doc *doc, uint32_t a, uint32_t b);

/* A number taken apart: its digits from the first to the last that is not zero, as
 * d.ddd * 10^(scale + exponent). The exponent stays text because it may have any length. */
struct json_number {
    bool negative;
    bool exponent_negative;
    const char *digits_at, *digits_end;     /* empty for zero; the point may stand inside */
    size_t digits;                          /* how many, the point not counted */
    int64_t scale;                          /* power of ten of the first digit, |scale| < 2^32 */
    const char *exponent_at, *exponent_end; /* no sign, no leading zeros; empty for 0 */
};
void json_number_split(const struct json_doc *doc, uint32_t token, struct json_number *ret_number);

enum {
    JSON_EXPONENT_SMALL = 18, /* so many digits, plus a scale, fit an int64_t */
};

/* scale + exponent of a number whose exponent has at most JSON_EXPONENT_SMALL digits. */
int64_t json_number_power(const struct json_number *number);

/* Which members of an object count: duplicates folded into the first place and the last value. */
struct json_members {
    struct json_member *memory; /* scratch of the sort, kept for the next object */
    uint32_t capacity;
    uint64_t work; /* bytes of names compared so far: what the tests bound */
};
void json_members_init(struct json_members *members);
void json_members_release(struct json_members *members);

/* give: *ret_keys, for free(): the key tokens in the order they count in (the value is the token
 * behind each); NULL with a count of 0 when no name occurs twice and the object may be read as it
 * stands. Work is O(n log n) in the bytes of its names, whatever they are. -ENOMEM. */
int json_members_fold(struct json_members *members, const struct json_doc *doc, uint32_t object,
                      uint32_t **ret_keys, uint32_t *ret_count);

#endif
