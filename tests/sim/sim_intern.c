/* sim_intern.c - see sim_intern.h. Chained buckets, doubled when they fill. */
#include "tests/sim/sim_intern.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { INTERN_FIRST_BUCKETS = 256 };

static struct sim_string **buckets_new(size_t count)
{
    struct sim_string **buckets = calloc(count, sizeof(struct sim_string *));
    if (buckets == NULL)
        abort();
    return buckets;
}

void sim_intern_init(struct sim_intern *intern)
{
    *intern = (struct sim_intern){
        .buckets = buckets_new(INTERN_FIRST_BUCKETS),
        .bucket_count = INTERN_FIRST_BUCKETS,
    };
}

void sim_intern_release(struct sim_intern *intern)
{
    for (size_t i = 0; i < intern->bucket_count; i++) {
        for (struct sim_string *string = intern->buckets[i]; string != NULL;) {
            struct sim_string *next = string->next;
            free(string);
            string = next;
        }
    }
    free(intern->buckets);
    *intern = (struct sim_intern){0};
}

/* Eight bytes at a time: header lists of half a kilobyte are hashed for every call. */
static uint64_t hash_of(const char *bytes, size_t len)
{
    uint64_t hash = 0x9e3779b97f4a7c15u ^ len;

    while (len > 0) {
        uint64_t word = 0;
        size_t take = len < sizeof(word) ? len : sizeof(word);
        memcpy(&word, bytes, take);
        hash = (hash ^ word) * 0xff51afd7ed558ccdu;
        hash ^= hash >> 32;
        bytes += take;
        len -= take;
    }
    return hash;
}

static void grow(struct sim_intern *intern)
{
    size_t count = intern->bucket_count * 2;
    struct sim_string **buckets = buckets_new(count);

    for (size_t i = 0; i < intern->bucket_count; i++) {
        for (struct sim_string *string = intern->buckets[i]; string != NULL;) {
            struct sim_string *next = string->next;
            string->next = buckets[string->hash & (count - 1)];
            buckets[string->hash & (count - 1)] = string;
            string = next;
        }
    }
    free(intern->buckets);
    intern->buckets = buckets;
    intern->bucket_count = count;
}

struct sim_string *sim_intern_ref(struct sim_intern *intern, const char *bytes, size_t len)
{
    uint64_t hash = hash_of(bytes, len);
    struct sim_string **bucket = &intern->buckets[hash & (intern->bucket_count - 1)];
    struct sim_string *string;

    for (string = *bucket; string != NULL; string = string->next) {
        if (string->hash == hash && string->len == len &&
            (len == 0 || memcmp(string->bytes, bytes, len) == 0)) {
            string->references++;
            return string;
        }
    }
    string = malloc(sizeof(*string) + len + 1);
    if (string == NULL)
        abort();
    *string = (struct sim_string){.next = *bucket, .hash = hash, .references = 1, .len = len};
    if (len > 0)
        memcpy(string->bytes, bytes, len);
    string->bytes[len] = '\0';
    *bucket = string;
    if (++intern->count > intern->bucket_count)
        grow(intern);
    return string;
}

void sim_intern_unref(struct sim_intern *intern, struct sim_string *string)
{
    struct sim_string **link;

    if (string == NULL)
        return;
    assert(string->references > 0);
    if (--string->references > 0)
        return;
    link = &intern->buckets[string->hash & (intern->bucket_count - 1)];
    while (*link != string)
        link = &(*link)->next;
    *link = string->next;
    intern->count--;
    free(string);
}
