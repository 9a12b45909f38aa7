/* disk_head.h - the small value per entry that says where its records lie and how long it lives.
 *
 * msgpack array: generation, entry id (bin 16), stored_at, expires_at, salt (bin 16), front_len,
 * body_len, records, check (bin 16). The check (disk_record.h) covers all that stands before it.
 * An entry's records are the pieces of its front and body, one behind the other: a short entry is
 * one record.
 */
#ifndef CACHE_DISK_HEAD_H
#define CACHE_DISK_HEAD_H

#include "cache/disk_record.h"

enum { DISK_HEAD_BYTES_MAX = 160 };
#define DISK_BODY_MAX (UINT64_C(1) << 30) /* nothing longer is stored, nor believed */

struct disk_head {
    uint64_t generation;
    uint8_t id[DISK_ID_BYTES];
    int64_t stored_at_ms, expires_at_ms;
    uint8_t salt[DISK_SALT_BYTES];
    uint64_t front_len, body_len;
    uint32_t records;
    uint8_t check[DISK_TAG_BYTES];
};

/* Records that this many bytes take: none for no bytes. */
uint32_t disk_pieces(uint64_t len);

/* *ret_facts_len (may be NULL): how many of the bytes the check covers. Returns the length. */
size_t disk_head_encode(const struct disk_head *head, uint8_t bytes[DISK_HEAD_BYTES_MAX],
                        size_t *ret_facts_len);
/* -EBADMSG: not a head, or one whose numbers contradict each other. -ENOMEM. */
int disk_head_decode(const void *bytes, size_t len, struct disk_head *ret_head);

#endif
