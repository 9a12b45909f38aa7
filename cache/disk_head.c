/* disk_head.c - heads to bytes and back. Layout in disk_head.h. */
#include "cache/disk_head.h"

#include <assert.h>
#include <errno.h>
#include <msgpack.h>
#include <string.h>

enum { HEAD_FIELDS = 9 };

uint32_t disk_pieces(uint64_t len)
{
    assert(len <= 2 * DISK_BODY_MAX);
    return (uint32_t)((len + DISK_PIECE_BYTES - 1) / DISK_PIECE_BYTES);
}

struct cursor {
    uint8_t *bytes;
    size_t len;
};

static int append(void *data, const char *bytes, size_t len)
{
    struct cursor *cursor = data;
    assert(cursor->len + len <= DISK_HEAD_BYTES_MAX);
    memcpy(cursor->bytes + cursor->len, bytes, len);
    cursor->len += len;
    return 0;
}

size_t disk_head_encode(const struct disk_head *head, uint8_t bytes[DISK_HEAD_BYTES_MAX],
                        size_t *ret_facts_len)
{
    struct cursor cursor = {.bytes = bytes};
    msgpack_packer packer;
    msgpack_packer_init(&packer, &cursor, append);
    msgpack_pack_array(&packer, HEAD_FIELDS);
    msgpack_pack_uint64(&packer, head->generation);
    msgpack_pack_bin_with_body(&packer, head->id, DISK_ID_BYTES);
    msgpack_pack_int64(&packer, head->stored_at_ms);
    msgpack_pack_int64(&packer, head->expires_at_ms);
    msgpack_pack_bin_with_body(&packer, head->salt, DISK_SALT_BYTES);
    msgpack_pack_uint64(&packer, head->front_len);
    msgpack_pack_uint64(&packer, head->body_len);
    msgpack_pack_uint32(&packer, head->records);
    if (ret_facts_len != NULL)
        *ret_facts_len = cursor.len;
    msgpack_pack_bin_with_body(&packer, head->check, DISK_TAG_BYTES);
    return cursor.len;
}

static bool read_u64(const msgpack_object *object, uint64_t max, uint64_t *ret_value)
{
    if (object->type != MSGPACK_OBJECT_POSITIVE_INTEGER || object->via.u64 > max)
        return false;
    *ret_value = object->via.u64;
    return true;
}

static bool read_i64(const msgpack_object *object, int64_t *ret_value)
{
    if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER) {
        *ret_value = object->via.i64;
        return true;
    }
    uint64_t value;
    if (!read_u64(object, INT64_MAX, &value))
        return false;
    *ret_value = (int64_t)value;
    return true;
}

static bool read_bytes(const msgpack_object *object, uint8_t *ret_bytes, size_t len)
{
    if (object->type != MSGPACK_OBJECT_BIN || object->via.bin.size != len)
        return false;
    memcpy(ret_bytes, object->via.bin.ptr, len);
    return true;
}

static bool read_head(const msgpack_object *object, struct disk_head *head)
{
    uint64_t records;
    if (object->type != MSGPACK_OBJECT_ARRAY || object->via.array.size != HEAD_FIELDS)
        return false;
    const msgpack_object *field = object->via.array.ptr;
    if (!read_u64(&field[0], UINT64_MAX, &head->generation) ||
        !read_bytes(&field[1], head->id, DISK_ID_BYTES) ||
        !read_i64(&field[2], &head->stored_at_ms) || !read_i64(&field[3], &head->expires_at_ms) ||
        !read_bytes(&field[4], head->salt, DISK_SALT_BYTES) ||
        !read_u64(&field[5], DISK_BODY_MAX, &head->front_len) ||
        !read_u64(&field[6], DISK_BODY_MAX, &head->body_len) ||
        !read_u64(&field[7], UINT32_MAX, &records) ||
        !read_bytes(&field[8], head->check, DISK_TAG_BYTES))
        return false;
    head->records = (uint32_t)records;
    return records == disk_pieces(head->front_len + head->body_len);
}

int disk_head_decode(const void *bytes, size_t len, struct disk_head *ret_head)
{
    struct disk_head head;
    msgpack_unpacked unpacked;
    size_t end = 0;
    msgpack_unpacked_init(&unpacked);
    msgpack_unpack_return got = msgpack_unpack_next(&unpacked, bytes, len, &end);
    int error = got == MSGPACK_UNPACK_NOMEM_ERROR ? -ENOMEM : -EBADMSG;
    if (got == MSGPACK_UNPACK_SUCCESS && end == len && read_head(&unpacked.data, &head)) {
        *ret_head = head;
        error = 0;
    }
    msgpack_unpacked_destroy(&unpacked);
    return error;
}
