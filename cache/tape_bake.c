/* tape_bake.c - the form of a tape that caches keep: bake, export, import.
 *
 * A baked tape is two allocations: the body in one block, and the tape itself with its block table,
 * edits, head and info behind it. Its edits are slot edits only, so a reader whose stamps have the
 * baked lengths gets body, stamp, body, ... without a byte moving.
 *
 * Front, format version 1, little-endian, nothing between the parts and nothing behind them:
 *     "TGT" 0x01 | head_len u32 | info_len u32 | edit_count u32 | body_len u64
 *     head | info | edit_count x (at u64, cut u32, slot u8)
 * Every baked tape has exactly one front, so import and export are each other's inverse.
 */
#include "cache/tape_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRONT_HEADER_BYTES = 24,
    FRONT_EDIT_BYTES = 13,
    FILLER = '0',
};
static const uint8_t front_magic[4] = {'T', 'G', 'T', 1};

struct baked_sizes {
    size_t head_len, info_len, edit_count, body_len;
};

static size_t align8(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

/* Carves a blob out of the allocation behind a baked tape. */
static struct tape_blob *place_blob(char **at, size_t len)
{
    struct tape_blob *blob = (struct tape_blob *)(void *)*at;
    blob->len = len;
    *at += align8(sizeof(*blob) + len);
    return blob;
}

/* A WHOLE tape with the body in place; head, info and edits are for the caller to fill. take: body,
 * on success only. NULL: no memory. */
static struct tape *baked_new(const struct baked_sizes *sizes, char *body, char **ret_head,
                              char **ret_info)
{
    size_t bytes = align8(sizeof(struct tape)) + align8(sizeof(struct tape_block)) +
                   sizes->edit_count * sizeof(struct tape_edit) +
                   align8(sizeof(struct tape_blob) + sizes->head_len) +
                   (sizes->info_len > 0 ? align8(sizeof(struct tape_blob) + sizes->info_len) : 0);
    struct tape *tape = calloc(1, bytes);
    if (tape == NULL)
        return NULL;
    char *at = (char *)tape + align8(sizeof(*tape));
    atomic_init(&tape->refs, 1);
    atomic_init(&tape->state, TAPE_WHOLE);
    atomic_init(&tape->length, sizes->body_len);
    tape->baked = true;
    pthread_mutex_init(&tape->lock, NULL);
    tape->blocks = (struct tape_block *)(void *)at;
    at += align8(sizeof(struct tape_block));
    tape->edits = (struct tape_edit *)(void *)at;
    at += sizes->edit_count * sizeof(struct tape_edit);
    tape->edit_count = sizes->edit_count;
    tape_charge(tape, tape_heap_bytes(bytes));
    if (sizes->body_len > 0) {
        tape->blocks[0] =
            (struct tape_block){.len = sizes->body_len, .size = sizes->body_len, .bytes = body};
        tape->block_count = 1;
        tape_charge(tape, tape_heap_bytes(sizes->body_len));
    } else {
        free(body);
    }
    struct tape_blob *head = place_blob(&at, sizes->head_len);
    *ret_head = head->bytes;
    atomic_init(&tape->head, head);
    *ret_info = NULL;
    if (sizes->info_len > 0) {
        struct tape_blob *info = place_blob(&at, sizes->info_len);
        *ret_info = info->bytes;
        tape->info = info;
    }
    assert(at == (char *)tape + bytes);
    return tape;
}

/* --- bake --- */

/* Counts the slot edits and gives them, where asked, their place in the baked body. */
static size_t bake_edits(const struct tape *tape, const size_t slot_bytes[TAPE_SLOTS],
                         struct tape_edit *edits)
{
    uint64_t grown = 0, shrunk = 0; /* what the edits so far added and took away */
    size_t count = 0;
    for (size_t i = 0; i < tape->edit_count; i++) {
        const struct tape_edit *edit = &tape->edits[i];
        uint32_t shown = edit->slot == 0 ? edit->text_len : (uint32_t)slot_bytes[edit->slot - 1];
        if (edit->slot != 0) {
            if (edits != NULL)
                edits[count] = (struct tape_edit){
                    .at = edit->at + grown - shrunk, .cut = shown, .slot = edit->slot};
            count++;
        }
        grown += shown;
        shrunk += edit->cut;
    }
    return count;
}

/* Renders the whole view into one block. give: *ret_body. */
static int render(struct tape_reader *reader, char **ret_body, size_t *ret_len)
{
    size_t size = (size_t)tape_remaining(reader);
    size_t done = 0, len = 0;
    char *body = malloc(size > 0 ? size : 1);
    if (body == NULL)
        return -ENOMEM;
    while (done < size) {
        enum tape_read result = tape_read(reader, 0, body + done, size - done, &len);
        assert(result == TAPE_READ_BYTES);
        done += len;
    }
    *ret_body = body;
    *ret_len = size;
    return 0;
}

static int render_baked(const struct tape *tape, const size_t slot_bytes[TAPE_SLOTS],
                        char **ret_body, size_t *ret_len)
{
    size_t widest = 1;
    for (size_t i = 0; i < TAPE_SLOTS; i++)
        widest = slot_bytes[i] > widest ? slot_bytes[i] : widest;
    char *filler = malloc(widest);
    if (filler == NULL)
        return -ENOMEM;
    memset(filler, FILLER, widest);
    struct tape_stamp stamp;
    for (size_t i = 0; i < TAPE_SLOTS; i++) {
        stamp.slot[i].bytes = filler;
        stamp.slot[i].len = slot_bytes[i];
    }
    struct tape_reader reader;
    /* Only the count of references changes, and that is never const. */
    int err = tape_reader_init(&reader, (struct tape *)(uintptr_t)tape, TAPE_REPLAY, &stamp);
    if (err == 0) {
        err = render(&reader, ret_body, ret_len);
        tape_reader_release(&reader);
    }
    free(filler);
    return err;
}

struct tape *tape_bake(const struct tape *tape, const size_t slot_bytes[TAPE_SLOTS],
                       const void *info, size_t info_len)
{
    char *body, *head_copy, *info_copy;
    struct baked_sizes sizes = {.info_len = info_len};
    for (size_t i = 0; i < TAPE_SLOTS; i++)
        assert(slot_bytes[i] <= UINT32_MAX);
    if (tape_state(tape) != TAPE_WHOLE || tape_is_window(tape))
        return NULL;
    const void *head = tape_head(tape, &sizes.head_len);
    if (sizes.head_len > UINT32_MAX || info_len > UINT32_MAX || tape->edit_count > UINT32_MAX)
        return NULL; /* the front could not say it */
    if (render_baked(tape, slot_bytes, &body, &sizes.body_len) != 0)
        return NULL;
    sizes.edit_count = bake_edits(tape, slot_bytes, NULL);
    struct tape *baked = baked_new(&sizes, body, &head_copy, &info_copy);
    if (baked == NULL) {
        free(body);
        return NULL;
    }
    if (sizes.head_len > 0)
        memcpy(head_copy, head, sizes.head_len);
    if (info_copy != NULL)
        memcpy(info_copy, info, info_len);
    bake_edits(tape, slot_bytes, baked->edits);
    return baked;
}

/* --- flat form --- */

static uint8_t *put_uint(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        *at++ = (uint8_t)(value >> (8 * i));
    return at;
}

static uint64_t get_uint(const uint8_t **at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t) * (*at)++ << (8 * i);
    return value;
}

int tape_export(const struct tape *tape, void **ret_front, size_t *ret_front_len,
                const char **ret_body, size_t *ret_body_len)
{
    size_t head_len, info_len;
    assert(tape->baked);
    const void *head = tape_head(tape, &head_len);
    const void *info = tape_info(tape, &info_len);
    size_t len = FRONT_HEADER_BYTES + head_len + info_len + tape->edit_count * FRONT_EDIT_BYTES;
    uint8_t *front = malloc(len);
    if (front == NULL)
        return -ENOMEM;
    memcpy(front, front_magic, sizeof(front_magic));
    uint8_t *at = front + sizeof(front_magic);
    at = put_uint(at, head_len, 4);
    at = put_uint(at, info_len, 4);
    at = put_uint(at, tape->edit_count, 4);
    at = put_uint(at, tape_length(tape), 8);
    memcpy(at, head, head_len);
    at += head_len;
    if (info_len > 0)
        memcpy(at, info, info_len);
    at += info_len;
    for (size_t i = 0; i < tape->edit_count; i++) {
        at = put_uint(at, tape->edits[i].at, 8);
        at = put_uint(at, tape->edits[i].cut, 4);
        at = put_uint(at, tape->edits[i].slot, 1);
    }
    assert(at == front + len);
    *ret_front = front;
    *ret_front_len = len;
    *ret_body = tape->block_count > 0 ? tape->blocks[0].bytes : "";
    *ret_body_len = (size_t)tape_length(tape);
    return 0;
}

static int read_front_header(const uint8_t *front, size_t front_len, size_t body_len,
                             struct baked_sizes *ret_sizes)
{
    if (front_len < FRONT_HEADER_BYTES || memcmp(front, front_magic, sizeof(front_magic)) != 0)
        return -EBADMSG;
    const uint8_t *at = front + sizeof(front_magic);
    uint64_t head_len = get_uint(&at, 4);
    uint64_t info_len = get_uint(&at, 4);
    uint64_t edit_count = get_uint(&at, 4);
    uint64_t says_body_len = get_uint(&at, 8);
    /* Three 32-bit numbers: the sum cannot wrap, and matching it bounds every allocation below. */
    uint64_t len = FRONT_HEADER_BYTES + head_len + info_len + edit_count * FRONT_EDIT_BYTES;
    if (len != front_len || says_body_len != body_len)
        return -EBADMSG;
    *ret_sizes = (struct baked_sizes){.head_len = (size_t)head_len,
                                      .info_len = (size_t)info_len,
                                      .edit_count = (size_t)edit_count,
                                      .body_len = body_len};
    return 0;
}

/* What tape_append() asserts of its caller, here asked of bytes from a disk. */
static int read_front_edits(const uint8_t *at, const struct baked_sizes *sizes,
                            struct tape_edit *edits)
{
    uint64_t free_from = 0;
    for (size_t i = 0; i < sizes->edit_count; i++) {
        struct tape_edit edit = {0};
        edit.at = get_uint(&at, 8);
        edit.cut = (uint32_t)get_uint(&at, 4);
        edit.slot = (uint8_t)get_uint(&at, 1);
        if (edit.slot < 1 || edit.slot > TAPE_SLOTS)
            return -EBADMSG;
        if (edit.at < free_from || edit.at > sizes->body_len)
            return -EBADMSG;
        if (edit.cut > sizes->body_len - edit.at)
            return -EBADMSG;
        free_from = edit.at + edit.cut;
        edits[i] = edit;
    }
    return 0;
}

int tape_import(const void *front, size_t front_len, char *body, size_t body_len,
                struct tape **ret_tape)
{
    struct baked_sizes sizes;
    char *head, *info;
    const uint8_t *at = front;
    int err = read_front_header(at, front_len, body_len, &sizes);
    if (err != 0) {
        free(body);
        return err;
    }
    struct tape *tape = baked_new(&sizes, body, &head, &info);
    if (tape == NULL) {
        free(body);
        return -ENOMEM;
    }
    at += FRONT_HEADER_BYTES;
    memcpy(head, at, sizes.head_len);
    at += sizes.head_len;
    if (sizes.info_len > 0)
        memcpy(info, at, sizes.info_len);
    at += sizes.info_len;
    err = read_front_edits(at, &sizes, tape->edits);
    if (err != 0) {
        tape_unref(tape);
        return err;
    }
    *ret_tape = tape;
    return 0;
}
