/* disk_generation.c - the list of generations and its order of leaving. */
#include "cache/disk_generation.h"

#include <assert.h>
#include <errno.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

enum { FACTS_FIELDS = 7 };

/* The longest life in each class. The last one takes whatever lives longer, too. */
static const int64_t class_span_ms[DISK_CLASSES] = {
    INT64_C(2) * 60 * 1000,
    INT64_C(15) * 60 * 1000,
    INT64_C(2) * 60 * 60 * 1000,
    INT64_C(24) * 60 * 60 * 1000,
    /* Beyond what answers live; a log of requests does. */
    INT64_C(7) * 24 * 60 * 60 * 1000,
    INT64_C(31) * 24 * 60 * 60 * 1000,
    INT64_C(90) * 24 * 60 * 60 * 1000,
};

void disk_generations_init(struct disk_generations *generations)
{
    *generations = (struct disk_generations){0};
    int error = pthread_mutex_init(&generations->lock, NULL);
    assert(error == 0);
    error = pthread_cond_init(&generations->unused, NULL);
    assert(error == 0);
}

void disk_generations_release(struct disk_generations *generations)
{
    for (size_t i = 0; i < generations->count; i++) {
        assert(generations->items[i]->users == 0);
        assert(generations->items[i]->family == NULL);
        free(generations->items[i]);
    }
    free(generations->items);
    pthread_cond_destroy(&generations->unused);
    pthread_mutex_destroy(&generations->lock);
}

unsigned disk_class(int64_t ttl_ms)
{
    unsigned class = 0;
    while (class < DISK_CLASSES - 1 && ttl_ms > class_span_ms[class])
        class ++;
    return class;
}

struct cursor {
    uint8_t *bytes;
    size_t len;
};

static int append(void *data, const char *bytes, size_t len)
{
    struct cursor *cursor = data;
    assert(cursor->len + len <= DISK_FACTS_BYTES_MAX);
    memcpy(cursor->bytes + cursor->len, bytes, len);
    cursor->len += len;
    return 0;
}

size_t disk_facts_encode(const struct disk_facts *facts, uint8_t bytes[DISK_FACTS_BYTES_MAX])
{
    struct cursor cursor = {.bytes = bytes};
    msgpack_packer packer;
    msgpack_packer_init(&packer, &cursor, append);
    msgpack_pack_array(&packer, FACTS_FIELDS);
    msgpack_pack_uint64(&packer, facts->number);
    msgpack_pack_uint64(&packer, facts->class);
    msgpack_pack_uint64(&packer, facts->closed ? 1 : 0);
    msgpack_pack_int64(&packer, facts->opened_at_ms);
    msgpack_pack_int64(&packer, facts->expires_at_ms);
    msgpack_pack_uint64(&packer, facts->bytes);
    msgpack_pack_uint64(&packer, facts->entries);
    return cursor.len;
}

/* All numbers of the array as 64 bits, whatever their sign. */
static bool read_numbers(const msgpack_object *object, uint64_t numbers[FACTS_FIELDS])
{
    if (object->type != MSGPACK_OBJECT_ARRAY || object->via.array.size != FACTS_FIELDS)
        return false;
    for (size_t i = 0; i < FACTS_FIELDS; i++) {
        const msgpack_object *field = &object->via.array.ptr[i];
        if (field->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
            numbers[i] = field->via.u64;
        else if (field->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
            numbers[i] = (uint64_t)field->via.i64;
        else
            return false;
    }
    return true;
}

int disk_facts_decode(const void *bytes, size_t len, struct disk_facts *ret_facts)
{
    uint64_t numbers[FACTS_FIELDS];
    msgpack_unpacked unpacked;
    size_t end = 0;
    msgpack_unpacked_init(&unpacked);
    msgpack_unpack_return got = msgpack_unpack_next(&unpacked, bytes, len, &end);
    int error = got == MSGPACK_UNPACK_NOMEM_ERROR ? -ENOMEM : -EBADMSG;
    if (got == MSGPACK_UNPACK_SUCCESS && end == len && read_numbers(&unpacked.data, numbers) &&
        numbers[1] < DISK_CLASSES && numbers[2] <= 1) {
        *ret_facts = (struct disk_facts){
            .number = numbers[0],
            .class = (unsigned)numbers[1],
            .closed = numbers[2] == 1,
            .opened_at_ms = (int64_t)numbers[3],
            .expires_at_ms = (int64_t)numbers[4],
            .bytes = numbers[5],
            .entries = numbers[6],
        };
        error = 0;
    }
    msgpack_unpacked_destroy(&unpacked);
    return error;
}

static int grow_locked(struct disk_generations *generations)
{
    if (generations->count < generations->capacity)
        return 0;
    size_t capacity = generations->capacity == 0 ? 32 : generations->capacity * 2;
    struct disk_generation **items =
        realloc(generations->items, capacity * sizeof(struct disk_generation *));
    if (items == NULL)
        return -ENOMEM;
    generations->items = items;
    generations->capacity = capacity;
    return 0;
}

int disk_generations_add(struct disk_generations *generations, const struct disk_facts *facts,
                         rocksdb_column_family_handle_t *family)
{
    struct disk_generation *generation = calloc(1, sizeof(*generation));
    if (generation == NULL)
        return -ENOMEM;
    generation->facts = *facts;
    generation->kept_expires_at_ms = facts->expires_at_ms;
    generation->family = family;
    pthread_mutex_lock(&generations->lock);
    int error = grow_locked(generations);
    if (error == 0) {
        assert(generations->count == 0 ||
               generations->items[generations->count - 1]->facts.number < facts->number);
        generations->items[generations->count++] = generation;
        generations->entries += facts->entries;
        struct disk_generation **open = &generations->open[facts->class];
        if (!facts->closed) {
            if (*open != NULL)
                (*open)->facts.closed = true;
            *open = generation;
        }
    }
    pthread_mutex_unlock(&generations->lock);
    if (error != 0)
        free(generation);
    return error;
}

static bool is_full(const struct disk_facts *facts, int64_t now_ms, uint64_t bytes_max)
{
    int64_t age_max = class_span_ms[facts->class] / 4;
    return facts->bytes > bytes_max || now_ms - facts->opened_at_ms > age_max;
}

struct disk_generation *disk_generations_join(struct disk_generations *generations, unsigned class,
                                              int64_t now_ms, int64_t expires_at_ms,
                                              uint64_t bytes_max, bool *ret_keep,
                                              struct disk_facts *ret_facts)
{
    assert(class < DISK_CLASSES);
    pthread_mutex_lock(&generations->lock);
    struct disk_generation *generation = generations->open[class];
    if (generation != NULL && is_full(&generation->facts, now_ms, bytes_max)) {
        generation->facts.closed = true;
        generations->open[class] = NULL;
        generation = NULL;
    }
    if (generation != NULL) {
        generation->users++;
        generation->facts.entries++;
        generations->entries++;
        if (expires_at_ms > generation->facts.expires_at_ms)
            generation->facts.expires_at_ms = expires_at_ms;
        *ret_keep = expires_at_ms > generation->kept_expires_at_ms;
        if (*ret_keep)
            generation->kept_expires_at_ms = expires_at_ms + class_span_ms[class] / 16;
        *ret_facts = generation->facts;
        ret_facts->expires_at_ms = generation->kept_expires_at_ms;
    }
    pthread_mutex_unlock(&generations->lock);
    return generation;
}

static struct disk_generation *find_locked(struct disk_generations *generations, uint64_t number)
{
    size_t low = 0, high = generations->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (generations->items[middle]->facts.number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < generations->count && generations->items[low]->facts.number == number
               ? generations->items[low]
               : NULL;
}

struct disk_generation *disk_generations_find(struct disk_generations *generations, uint64_t number)
{
    pthread_mutex_lock(&generations->lock);
    struct disk_generation *generation = find_locked(generations, number);
    if (generation != NULL)
        generation->users++;
    pthread_mutex_unlock(&generations->lock);
    return generation;
}

void disk_generation_leave(struct disk_generations *generations, struct disk_generation *generation,
                           uint64_t bytes_written)
{
    pthread_mutex_lock(&generations->lock);
    assert(generation->users > 0);
    generation->facts.bytes += bytes_written;
    if (--generation->users == 0)
        pthread_cond_broadcast(&generations->unused);
    pthread_mutex_unlock(&generations->lock);
}

bool disk_generations_have(struct disk_generations *generations, uint64_t number)
{
    pthread_mutex_lock(&generations->lock);
    bool have = find_locked(generations, number) != NULL;
    pthread_mutex_unlock(&generations->lock);
    return have;
}

struct disk_generation *disk_generations_remove(struct disk_generations *generations,
                                                int64_t until_ms)
{
    pthread_mutex_lock(&generations->lock);
    size_t first = generations->count;
    for (size_t i = 0; i < generations->count; i++) {
        int64_t expires_at_ms = generations->items[i]->facts.expires_at_ms;
        if (expires_at_ms <= until_ms &&
            (first == generations->count ||
             expires_at_ms < generations->items[first]->facts.expires_at_ms))
            first = i;
    }
    struct disk_generation *generation = NULL;
    if (first < generations->count) {
        generation = generations->items[first];
        generations->count--;
        memmove(&generations->items[first], &generations->items[first + 1],
                (generations->count - first) * sizeof(struct disk_generation *));
        if (generations->open[generation->facts.class] == generation)
            generations->open[generation->facts.class] = NULL;
        assert(generations->entries >= generation->facts.entries);
        generations->entries -= generation->facts.entries;
        while (generation->users > 0)
            pthread_cond_wait(&generations->unused, &generations->lock);
    }
    pthread_mutex_unlock(&generations->lock);
    return generation;
}
