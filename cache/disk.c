/* disk.c - the calls of the disk tier: put, get, delete, tick.
 *
 * The body's records are written first and the head last, so a head always leads to something. All
 * that a put needs on the disk is reserved before its first byte is written.
 */
#include "cache/disk_state.h"

#include <assert.h>
#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH_BYTES = 1024 * 1024,
    RECORD_KEY_BYTES = DISK_ID_BYTES + 4,
    ID_TIME_BYTES = 6,
    ENTRY_OVERHEAD = 512, /* head, its key, facts, and what RocksDB writes around them */
    RECORD_OVERHEAD = DISK_RECORD_OVERHEAD + 64,
};

/* --- codecs, one per call under way --- */

static struct disk_codec *take_codec(struct disk *disk)
{
    struct disk_codec *codec = NULL;
    pthread_mutex_lock(&disk->codec_lock);
    if (disk->codec_count > 0)
        codec = disk->codecs[--disk->codec_count];
    pthread_mutex_unlock(&disk->codec_lock);
    return codec != NULL ? codec : disk_codec_new();
}

static void return_codec(struct disk *disk, struct disk_codec *codec)
{
    disk_codec_end(codec);
    pthread_mutex_lock(&disk->codec_lock);
    if (disk->codec_count < DISK_CODECS_KEPT) {
        disk->codecs[disk->codec_count++] = codec;
        codec = NULL;
    }
    pthread_mutex_unlock(&disk->codec_lock);
    disk_codec_free(codec);
}

static struct disk_identity identity_of(const struct key *key, const struct disk_head *head)
{
    struct disk_identity identity = {.key = *key, .records = head->records};
    memcpy(identity.id, head->id, DISK_ID_BYTES);
    memcpy(identity.salt, head->salt, DISK_SALT_BYTES);
    return identity;
}

static void record_key(const struct disk_head *head, uint32_t number, char key[RECORD_KEY_BYTES])
{
    memcpy(key, head->id, DISK_ID_BYTES);
    for (int i = 0; i < 4; i++)
        key[DISK_ID_BYTES + i] = (char)(number >> (24 - 8 * i));
}

/* --- put --- */

/* One put on its way to the disk. */
struct writing {
    struct disk *disk;
    struct disk_generation *generation;
    struct disk_codec *codec;
    rocksdb_writebatch_t *batch;
    struct disk_head head;
    uint32_t number;  /* of the next record */
    uint64_t written; /* bytes */
};

static int write_batch(struct writing *writing)
{
    struct disk *disk = writing->disk;
    char *text = NULL;
    size_t len;
    rocksdb_writebatch_data(writing->batch, &len);
    rocksdb_write(disk->db, disk->write_options, writing->batch, &text);
    rocksdb_writebatch_clear(writing->batch);
    atomic_fetch_add(&disk->since, len);
    writing->written += len;
    return text == NULL ? 0 : disk_write_error(disk, text);
}

/* A tape in its flat form: the front, then the body, are cut into pieces as if they were one. */
struct flat {
    void *front;
    size_t front_len;
    const char *body;
    size_t body_len;
};

/* The bytes from `at` on; the one piece that has some of both is put together in scratch. */
static const char *piece_of(const struct flat *flat, size_t at, size_t len, char *scratch)
{
    const char *front = flat->front;
    assert(at + len <= flat->front_len + flat->body_len);
    if (at >= flat->front_len)
        return flat->body + (at - flat->front_len);
    if (at + len <= flat->front_len)
        return front + at;
    size_t of_front = flat->front_len - at;
    memcpy(scratch, front + at, of_front);
    memcpy(scratch + of_front, flat->body, len - of_front);
    return scratch;
}

static size_t piece_len(size_t at, size_t total)
{
    return total - at < DISK_PIECE_BYTES ? total - at : DISK_PIECE_BYTES;
}

static int write_piece(struct writing *writing, const char *bytes, size_t len)
{
    char key[RECORD_KEY_BYTES];
    const char *record;
    size_t record_len, batch_len;
    int error = disk_record_seal(writing->codec, writing->number, bytes, len, &record, &record_len);
    if (error != 0)
        return error;
    record_key(&writing->head, writing->number, key);
    rocksdb_writebatch_put_cf(writing->batch, writing->generation->family, key, sizeof(key), record,
                              record_len);
    writing->number++;
    rocksdb_writebatch_data(writing->batch, &batch_len);
    return batch_len >= BATCH_BYTES ? write_batch(writing) : 0;
}

static int write_pieces(struct writing *writing, const struct flat *flat)
{
    size_t total = flat->front_len + flat->body_len;
    char *scratch = disk_codec_scratch(writing->codec);
    int error = 0;
    for (size_t at = 0; at < total && error == 0;) {
        size_t len = piece_len(at, total);
        error = write_piece(writing, piece_of(flat, at, len, scratch), len);
        at += len;
    }
    return error;
}

static int write_head(struct writing *writing, const struct key *key,
                      const struct disk_facts *facts)
{
    struct disk *disk = writing->disk;
    uint8_t bytes[DISK_HEAD_BYTES_MAX];
    size_t facts_len;
    disk_head_encode(&writing->head, bytes, &facts_len);
    int error = disk_check_make(writing->codec, bytes, facts_len, writing->head.check);
    if (error != 0)
        return error;
    size_t len = disk_head_encode(&writing->head, bytes, NULL);
    rocksdb_writebatch_put_cf(writing->batch, disk->head_family, (const char *)key->bytes,
                              KEY_BYTES, (const char *)bytes, len);
    if (facts != NULL) {
        char facts_key[DISK_NUMBER_KEY_BYTES];
        uint8_t facts_bytes[DISK_FACTS_BYTES_MAX];
        disk_number_key(facts->number, facts_key);
        size_t written = disk_facts_encode(facts, facts_bytes);
        rocksdb_writebatch_put_cf(writing->batch, disk->base_family, facts_key, sizeof(facts_key),
                                  (const char *)facts_bytes, written);
    }
    return write_batch(writing);
}

/* An id begins with the time, so that a generation's tables follow each other in key order and a
 * lookup needs to look into one of them; the rest is random. */
static int make_head(const struct store_entry *entry, int64_t now_ms, size_t front_len,
                     size_t body_len, struct disk_head *ret_head)
{
    struct disk_head head = {
        .stored_at_ms = entry->stored_at_ms,
        .expires_at_ms = entry->expires_at_ms,
        .front_len = front_len,
        .body_len = body_len,
        .records = disk_pieces((uint64_t)front_len + body_len),
    };
    for (int i = 0; i < ID_TIME_BYTES; i++)
        head.id[i] = (uint8_t)(now_ms >> (8 * (ID_TIME_BYTES - 1 - i)));
    if (RAND_bytes(head.id + ID_TIME_BYTES, DISK_ID_BYTES - ID_TIME_BYTES) != 1 ||
        RAND_bytes(head.salt, DISK_SALT_BYTES) != 1)
        return -EIO;
    *ret_head = head;
    return 0;
}

static int write_entry(struct writing *writing, const struct key *key,
                       const struct store_seal *seal, const struct flat *flat,
                       const struct disk_facts *facts)
{
    struct disk_identity identity = identity_of(key, &writing->head);
    int error = disk_codec_begin(writing->codec, DISK_SEALING, seal, &identity);
    if (error == 0)
        error = write_pieces(writing, flat);
    assert(error != 0 || writing->number == writing->head.records);
    return error == 0 ? write_head(writing, key, facts) : error;
}

/* Gate held; room is reserved. */
static int put_flat(struct disk *disk, const struct key *key, const struct store_seal *seal,
                    const struct store_entry *entry, const struct flat *flat, int64_t now_ms)
{
    struct disk_facts facts;
    bool keep = false;
    struct writing writing = {.disk = disk};
    int error = make_head(entry, now_ms, flat->front_len, flat->body_len, &writing.head);
    if (error != 0)
        return error;
    writing.codec = take_codec(disk);
    if (writing.codec == NULL)
        return -ENOMEM;
    error = disk_join(disk, now_ms, entry->expires_at_ms, &writing.generation, &keep, &facts);
    if (error == 0) {
        writing.head.generation = writing.generation->facts.number;
        writing.batch = rocksdb_writebatch_create();
        error = write_entry(&writing, key, seal, flat, keep ? &facts : NULL);
        rocksdb_writebatch_destroy(writing.batch);
        disk_generation_leave(&disk->generations, writing.generation, writing.written);
    }
    return_codec(disk, writing.codec);
    return error;
}

static uint64_t needed(const struct flat *flat)
{
    uint64_t records = disk_pieces((uint64_t)flat->front_len + flat->body_len);
    return flat->front_len + flat->body_len + records * RECORD_OVERHEAD + ENTRY_OVERHEAD;
}

static int put_in_room(struct disk *disk, const struct key *key, const struct store_seal *seal,
                       const struct store_entry *entry, const struct flat *flat, int64_t now_ms)
{
    if (flat->front_len > disk->sizes.entry_max || flat->body_len > disk->sizes.entry_max ||
        needed(flat) > disk->sizes.entry_max)
        return -ENOSPC;
    uint64_t bytes = needed(flat);
    int error = -EIO;
    pthread_rwlock_rdlock(&disk->gate);
    if (disk->db != NULL && !atomic_load(&disk->broken)) {
        atomic_fetch_add(&disk->inflight, bytes);
        error = disk_make_room(disk, now_ms);
        if (error == 0)
            error = put_flat(disk, key, seal, entry, flat, now_ms);
        atomic_fetch_sub(&disk->inflight, bytes);
    }
    pthread_rwlock_unlock(&disk->gate);
    return error;
}

int disk_put(struct disk *disk, const struct key *key, const struct store_seal *seal,
             const struct store_entry *entry, const struct tape *tape, int64_t now_ms)
{
    struct flat flat;
    assert(entry->stored_at_ms <= entry->expires_at_ms);
    atomic_store(&disk->now_ms, now_ms);
    if (entry->expires_at_ms <= now_ms)
        return disk_delete(disk, key);
    int error = tape_export(tape, &flat.front, &flat.front_len, &flat.body, &flat.body_len);
    if (error != 0)
        return error;
    error = put_in_room(disk, key, seal, entry, &flat, now_ms);
    free(flat.front);
    return error;
}

/* --- get --- */

/* One get on its way from the disk. */
struct reading {
    struct disk *disk;
    struct disk_generation *generation;
    struct disk_codec *codec;
    struct disk_head head;
    uint32_t number; /* of the next record */
};

/* A pinned value costs no copy. -ENOENT: none. give: *ret_value. */
static int get_pinned(struct disk *disk, rocksdb_column_family_handle_t *family, const char *key,
                      size_t key_len, rocksdb_pinnableslice_t **ret_value)
{
    char *text = NULL;
    rocksdb_pinnableslice_t *value =
        rocksdb_get_pinned_cf(disk->db, disk->read_options, family, key, key_len, &text);
    if (text != NULL)
        return disk_error(text) == -EBADMSG ? -EBADMSG : -EIO;
    if (value == NULL)
        return -ENOENT;
    *ret_value = value;
    return 0;
}

static int read_head(struct disk *disk, const struct key *key, struct disk_head *ret_head)
{
    rocksdb_pinnableslice_t *value;
    size_t len;
    int error = get_pinned(disk, disk->head_family, (const char *)key->bytes, KEY_BYTES, &value);
    if (error != 0)
        return error;
    const char *bytes = rocksdb_pinnableslice_value(value, &len);
    error = disk_head_decode(bytes, len, ret_head);
    rocksdb_pinnableslice_destroy(value);
    return error;
}

static int read_piece(struct reading *reading, char *bytes, size_t len)
{
    char key[RECORD_KEY_BYTES];
    rocksdb_pinnableslice_t *value;
    size_t record_len;
    record_key(&reading->head, reading->number, key);
    int error = get_pinned(reading->disk, reading->generation->family, key, sizeof(key), &value);
    if (error != 0)
        return error == -ENOENT ? -EBADMSG : error; /* records come before their head */
    const char *record = rocksdb_pinnableslice_value(value, &record_len);
    error = disk_record_open(reading->codec, reading->number, record, record_len, bytes, len);
    rocksdb_pinnableslice_destroy(value);
    reading->number++;
    return error;
}

/* The reverse of write_pieces(). */
static int read_pieces(struct reading *reading, char *front, size_t front_len, char *body,
                       size_t body_len)
{
    size_t total = front_len + body_len;
    char *scratch = disk_codec_scratch(reading->codec);
    int error = 0;
    for (size_t at = 0; at < total && error == 0;) {
        size_t len = piece_len(at, total);
        if (at >= front_len) {
            error = read_piece(reading, body + (at - front_len), len);
        } else if (at + len <= front_len) {
            error = read_piece(reading, front + at, len);
        } else {
            size_t of_front = front_len - at;
            error = read_piece(reading, scratch, len);
            if (error == 0) {
                memcpy(front + at, scratch, of_front);
                memcpy(body, scratch + of_front, len - of_front);
            }
        }
        at += len;
    }
    return error;
}

/* The lengths are believed here because the check was right. */
static int read_tape(struct reading *reading, struct tape **ret_tape)
{
    size_t front_len = reading->head.front_len, body_len = reading->head.body_len;
    char *front = malloc(front_len + 1); /* not even a length of nothing may look like a failure */
    char *body = malloc(body_len + 1);
    int error = front == NULL || body == NULL ? -ENOMEM : 0;
    if (error == 0)
        error = read_pieces(reading, front, front_len, body, body_len);
    if (error == 0) {
        assert(reading->number == reading->head.records);
        error = tape_import(front, front_len, body, body_len, ret_tape);
        body = NULL; /* taken, even on error */
    }
    free(body);
    free(front);
    return error;
}

static int open_entry(struct reading *reading, const struct key *key, const struct store_seal *seal,
                      struct tape **ret_tape)
{
    uint8_t bytes[DISK_HEAD_BYTES_MAX];
    size_t facts_len;
    struct disk_identity identity = identity_of(key, &reading->head);
    int error = disk_codec_begin(reading->codec, DISK_OPENING, seal, &identity);
    if (error != 0)
        return error;
    disk_head_encode(&reading->head, bytes, &facts_len);
    error = disk_check_test(reading->codec, bytes, facts_len, reading->head.check);
    return error == 0 ? read_tape(reading, ret_tape) : error;
}

/* Gate held. */
static int get_entry(struct disk *disk, const struct key *key, const struct store_seal *seal,
                     int64_t now_ms, struct tape **ret_tape, struct store_entry *ret_entry)
{
    struct reading reading = {.disk = disk};
    int error = read_head(disk, key, &reading.head);
    if (error != 0)
        return error;
    if (now_ms < reading.head.stored_at_ms || now_ms >= reading.head.expires_at_ms)
        return -ENOENT;
    reading.generation = disk_generations_find(&disk->generations, reading.head.generation);
    if (reading.generation == NULL)
        return -ENOENT;
    reading.codec = take_codec(disk);
    error = -ENOMEM;
    if (reading.codec != NULL) {
        error = open_entry(&reading, key, seal, ret_tape);
        return_codec(disk, reading.codec);
    }
    disk_generation_leave(&disk->generations, reading.generation, 0);
    if (error == 0)
        *ret_entry = (struct store_entry){
            .stored_at_ms = reading.head.stored_at_ms,
            .expires_at_ms = reading.head.expires_at_ms,
        };
    return error;
}

/* Gate held. */
static int delete_head(struct disk *disk, const struct key *key)
{
    char *text = NULL;
    rocksdb_delete_cf(disk->db, disk->write_options, disk->head_family, (const char *)key->bytes,
                      KEY_BYTES, &text);
    atomic_fetch_add(&disk->since, KEY_BYTES + RECORD_OVERHEAD);
    return text == NULL ? 0 : disk_write_error(disk, text);
}

int disk_get(struct disk *disk, const struct key *key, const struct store_seal *seal,
             int64_t now_ms, struct tape **ret_tape, struct store_entry *ret_entry)
{
    int error = -EIO;
    atomic_store(&disk->now_ms, now_ms);
    pthread_rwlock_rdlock(&disk->gate);
    if (atomic_load(&disk->distrusted))
        error = -ENOENT;
    else if (disk->db != NULL)
        error = get_entry(disk, key, seal, now_ms, ret_tape, ret_entry);
    if (error == -EBADMSG)
        delete_head(disk, key); /* whether or not that works, nothing is served */
    pthread_rwlock_unlock(&disk->gate);
    return error;
}

bool disk_may_have(struct disk *disk, const struct key *key)
{
    bool may = true;
    if (pthread_rwlock_tryrdlock(&disk->gate) != 0)
        return true; /* it is being reopened: who knows */
    if (disk->db == NULL)
        may = true; /* what it held may be back when it has healed */
    else
        may = rocksdb_key_may_exist_cf(disk->db, disk->read_options, disk->head_family,
                                       (const char *)key->bytes, KEY_BYTES, NULL, NULL, NULL, 0,
                                       NULL) != 0;
    pthread_rwlock_unlock(&disk->gate);
    return may;
}

/* --- the rest --- */

int disk_delete(struct disk *disk, const struct key *key)
{
    int error = -EIO;
    pthread_rwlock_rdlock(&disk->gate);
    if (disk->db != NULL)
        error = delete_head(disk, key);
    /* What could not be dropped must not come back when the disk heals: then everything goes. */
    if (error != 0)
        atomic_store(&disk->distrusted, true);
    pthread_rwlock_unlock(&disk->gate);
    return error;
}

void disk_tick(struct disk *disk, int64_t now_ms)
{
    atomic_store(&disk->now_ms, now_ms);
    if (atomic_load(&disk->broken) || atomic_load(&disk->distrusted)) {
        pthread_rwlock_wrlock(&disk->gate);
        disk_heal_locked(disk, now_ms);
        pthread_rwlock_unlock(&disk->gate);
    }
    pthread_rwlock_rdlock(&disk->gate);
    if (disk->db != NULL && !atomic_load(&disk->broken)) {
        pthread_mutex_lock(&disk->keeper);
        disk_keep_locked(disk, now_ms);
        pthread_mutex_unlock(&disk->keeper);
    }
    pthread_rwlock_unlock(&disk->gate);
}

uint64_t disk_bytes(struct disk *disk)
{
    return atomic_load(&disk->measured) + atomic_load(&disk->since);
}
