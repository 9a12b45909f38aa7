/* compare_baseline.c - the lines of an earlier run, to hold a new one against. */
#include "server/compare.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 1000 * 1000, KEY_MAX = COMPARE_ID_MAX + 2 * ROW_NAME_MAX + 2 };

struct entry {
    char *key; /* prompt, model and upstream, each ended by a NUL */
    size_t key_len;
    struct maybe_money cost;
    int64_t first_us, total_us; /* -1: not known */
    bool failed;
    unsigned char answer[SHA256_DIGEST_LENGTH];
};

struct compare_baseline {
    struct entry *entries; /* sorted by key */
    size_t count, size;
};

void compare_baseline_free(struct compare_baseline *baseline)
{
    if (baseline == NULL)
        return;
    for (size_t i = 0; i < baseline->count; i++)
        free(baseline->entries[i].key);
    free(baseline->entries);
    free(baseline);
}

static int compare_keys(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

    return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *one = a, *other = b;

    return compare_keys(one->key, one->key_len, other->key, other->key_len);
}

static int make_key(struct text prompt, struct text model, struct text upstream, char **ret_key,
                    size_t *ret_len)
{
    size_t len = prompt.len + model.len + upstream.len + 3;
    char *key = calloc(1, len);

    if (key == NULL)
        return -ENOMEM;
    memcpy(key, prompt.bytes, prompt.len);
    memcpy(key + prompt.len + 1, model.bytes, model.len);
    memcpy(key + prompt.len + 1 + model.len + 1, upstream.bytes, upstream.len);
    *ret_key = key;
    *ret_len = len;
    return 0;
}

/* A member's text; the scratch is KEY_MAX bytes. */
static bool read_text(const struct json_doc *doc, const char *name, char *scratch,
                      struct text *ret_text)
{
    return json_string(doc, json_get(doc, 0, name), scratch, KEY_MAX, &ret_text->bytes,
                       &ret_text->len) == 0 &&
           ret_text->len <= KEY_MAX;
}

/* Milliseconds with decimals into microseconds, by way of the only decimals we have. */
static int64_t read_ms(const struct json_doc *doc, const char *name)
{
    uint32_t value = json_get(doc, 0, name);
    struct money ms;
    const __int128 femto_of_us = 1000 * 1000 * INT64_C(1000000);

    if (value == JSON_NONE || doc->tokens[value].type != JSON_NUMBER ||
        money_parse(doc->text + doc->tokens[value].start,
                    doc->tokens[value].end - doc->tokens[value].start, &ms, NULL) != 0 ||
        ms.femto < 0 || ms.femto / femto_of_us > INT64_MAX / 2)
        return -1;
    return (int64_t)(ms.femto / femto_of_us);
}

static void read_cost(const struct json_doc *doc, struct maybe_money *cost)
{
    char scratch[MONEY_TEXT_MAX];
    const char *bytes;
    size_t len;

    cost->known = json_string(doc, json_get(doc, 0, "cost_reported"), scratch, sizeof(scratch),
                              &bytes, &len) == 0 &&
                  money_parse(bytes, len, &cost->money, NULL) == 0;
}

static int read_answer(const struct json_doc *doc, unsigned char digest[SHA256_DIGEST_LENGTH])
{
    char *scratch = malloc(doc->len + 1);
    const char *bytes = "";
    size_t len = 0;

    if (scratch == NULL)
        return -ENOMEM;
    if (json_string(doc, json_get(doc, 0, "answer"), scratch, doc->len + 1, &bytes, &len) != 0)
        len = 0;
    SHA256((const unsigned char *)bytes, len, digest);
    free(scratch);
    return 0;
}

static int read_entry(const struct json_doc *doc, struct entry *entry)
{
    char prompt_scratch[KEY_MAX], model_scratch[KEY_MAX], upstream_scratch[KEY_MAX];
    struct text prompt, model, upstream;
    uint32_t error = json_get(doc, 0, "error");

    if (!read_text(doc, "prompt", prompt_scratch, &prompt) ||
        !read_text(doc, "model", model_scratch, &model) ||
        !read_text(doc, "upstream", upstream_scratch, &upstream))
        return -EINVAL;
    *entry = (struct entry){.first_us = read_ms(doc, "first_token_ms"),
                            .total_us = read_ms(doc, "total_ms"),
                            .failed = error != JSON_NONE && doc->tokens[error].type != JSON_NULL};
    read_cost(doc, &entry->cost);
    if (read_answer(doc, entry->answer) != 0)
        return -ENOMEM;
    return make_key(prompt, model, upstream, &entry->key, &entry->key_len);
}

static int add(struct compare_baseline *baseline, const struct json_doc *doc)
{
    int error;

    if (baseline->count == baseline->size) {
        size_t size = baseline->size == 0 ? 64 : baseline->size * 2;
        struct entry *larger = reallocarray(baseline->entries, size, sizeof(*larger));

        if (larger == NULL)
            return -ENOMEM;
        baseline->entries = larger;
        baseline->size = size;
    }
    error = baseline->count < ENTRIES_MAX ? read_entry(doc, &baseline->entries[baseline->count])
                                          : -EINVAL;
    baseline->count += error == 0 ? 1 : 0;
    return error;
}

int compare_baseline_read(const char *text, size_t len, struct compare_baseline **ret_baseline,
                          char *error, size_t error_size)
{
    struct compare_baseline *baseline = calloc(1, sizeof(*baseline));
    int result = baseline == NULL ? -ENOMEM : 0;
    struct json_doc doc;
    unsigned line = 0;

    json_doc_init(&doc);
    for (size_t at = 0; at < len && result == 0;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end != NULL ? (size_t)(end - text) - at : len - at;

        line++;
        if (line_len > 0)
            result =
                json_parse(&doc, text + at, line_len, NULL) == 0 ? add(baseline, &doc) : -EINVAL;
        at += line_len + 1;
    }
    json_doc_release(&doc);
    if (result == -EINVAL)
        snprintf(error, error_size, "line %u: is not what tollgate compare --json writes", line);
    if (result != 0) {
        compare_baseline_free(baseline);
        return result;
    }
    if (baseline->count > 0)
        qsort(baseline->entries, baseline->count, sizeof(baseline->entries[0]), compare_entries);
    *ret_baseline = baseline;
    return 0;
}

static const struct entry *find(const struct compare_baseline *baseline, const char *key,
                                size_t len)
{
    size_t low = 0, high = baseline->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct entry *entry = &baseline->entries[middle];
        int order = compare_keys(entry->key, entry->key_len, key, len);

        if (order == 0)
            return entry;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void compare_baseline_find(const struct compare_baseline *baseline,
                           const struct compare_result *result,
                           struct compare_difference *ret_difference)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    const struct entry *then = NULL;
    char *key;
    size_t len;

    *ret_difference = (struct compare_difference){0};
    if (make_key(text_of(result->prompt), text_of(result->model), text_of(result->upstream), &key,
                 &len) == 0) {
        then = find(baseline, key, len);
        free(key);
    }
    if (then == NULL || then->failed || result->error[0] != '\0')
        return;
    ret_difference->found = true;
    ret_difference->cost.known =
        then->cost.known && result->reported.known &&
        money_subtract(result->reported.money, then->cost.money, &ret_difference->cost.money) == 0;
    ret_difference->first_known = then->first_us >= 0 && result->first_us >= 0;
    ret_difference->first_us = result->first_us - then->first_us;
    ret_difference->total_known = then->total_us >= 0 && result->total_us >= 0;
    ret_difference->total_us = result->total_us - then->total_us;
    SHA256((const unsigned char *)(result->answer.len > 0 ? result->answer.bytes : ""),
           result->answer.len, digest);
    ret_difference->same_answer = memcmp(digest, then->answer, sizeof(digest)) == 0;
}
