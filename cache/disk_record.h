/* disk_record.h - one piece of an entry, compressed and sealed for the disk.
 *
 * A record:
 *     form u8 (0 stored, 1 zstd) | plain length u32 | sealed bytes | tag (16)
 * Sealed by AES-256-GCM. key = HKDF-SHA256(seal, salt of the entry), nonce = record number,
 * additional data = format, key of the entry, entry id, record number, number of records, form,
 * plain length: a record opens in its own place or nowhere. Big-endian throughout.
 *
 * The check of an entry is the tag of an empty message over what its head says (lengths, times),
 * with the one nonce no record has. The salt is random and new with every put, so no key seals
 * twice.
 *
 * Threads: a codec belongs to one thread at a time (it keeps contexts and scratch memory, so that a
 * record allocates nothing).
 */
#ifndef CACHE_DISK_RECORD_H
#define CACHE_DISK_RECORD_H

#include "cache/store.h"

enum {
    DISK_PIECE_BYTES = 256 * 1024,
    DISK_TAG_BYTES = 16,
    DISK_RECORD_HEADER_BYTES = 5,
    DISK_RECORD_OVERHEAD = DISK_RECORD_HEADER_BYTES + DISK_TAG_BYTES,
    DISK_ID_BYTES = 16,
    DISK_SALT_BYTES = 16,
};

/* Which entry the records belong to. */
struct disk_identity {
    struct key key;
    uint8_t id[DISK_ID_BYTES];
    uint8_t salt[DISK_SALT_BYTES];
    uint32_t records;
};

enum disk_direction { DISK_OPENING = 0, DISK_SEALING = 1 };

struct disk_codec;

/* give; NULL: no memory. */
struct disk_codec *disk_codec_new(void);
void disk_codec_free(struct disk_codec *codec); /* accepts NULL */

/* Derives the entry's key. Ends with disk_codec_end(), also when this fails. -ENOMEM. */
int disk_codec_begin(struct disk_codec *codec, enum disk_direction direction,
                     const struct store_seal *seal, const struct disk_identity *identity);
void disk_codec_end(struct disk_codec *codec); /* wipes the key; accepts an unbegun one */

/* DISK_PIECE_BYTES for the caller to put a piece together in. borrow. */
char *disk_codec_scratch(struct disk_codec *codec);

/* At most DISK_PIECE_BYTES; each number once. *ret_record is borrowed until the next call. -ENOMEM.
 */
int disk_record_seal(struct disk_codec *codec, uint32_t number, const char *plain, size_t len,
                     const char **ret_record, size_t *ret_len);
/* Fills exactly plain_len bytes. -EBADMSG: anything else than that record as it was sealed; plain
 * then holds garbage. */
int disk_record_open(struct disk_codec *codec, uint32_t number, const char *record, size_t len,
                     char *plain, size_t plain_len);

/* Makes or tests the check over what the head says; -EBADMSG when it does not fit. */
int disk_check_make(struct disk_codec *codec, const uint8_t *facts, size_t len,
                    uint8_t ret_check[DISK_TAG_BYTES]);
int disk_check_test(struct disk_codec *codec, const uint8_t *facts, size_t len,
                    const uint8_t check[DISK_TAG_BYTES]);

#endif
