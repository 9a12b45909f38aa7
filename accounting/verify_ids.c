/* verify_ids.c - no generation twice.
 *
 * Ids that name a generation ("gen-...", "gen_...": ours, and those of the gateways, by which they
 * bill) stand for one row each. What other upstreams call their answers they may call twice (some
 * count to a thousand), and a correction has the id of what it corrects.
 *
 * A salted hash of each id goes into a table of at most VERIFY_IDS_ROOM places, 64 MiB. A month
 * with more ids than fit is read several times, each time for the hashes that begin with other
 * bits. Two equal hashes only say where to look: the ids themselves are compared when the month is
 * read once more for them.
 */
#include "accounting/verify_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { IDS_ROOM_MIN = 1024, TWICE_MAX = 64, BITS_MAX = 16 };

uint64_t verify_hash(const struct verify *verify, const void *bytes, size_t len)
{
    const uint64_t prime = UINT64_C(0x9e3779b97f4a7c15);
    const unsigned char *at = bytes;
    uint64_t hash = verify->salt[0] ^ len, word;
    for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        hash = (hash ^ word) * prime;
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, at, len);
    hash = (hash ^ word) * prime;
    hash = (hash ^ hash >> 29 ^ verify->salt[1]) * prime;
    return hash ^ hash >> 32;
}

static bool is_generation(const struct ledger_row *row)
{
    return row->corrects.len == 0 && row->id.len > 4 && memcmp(row->id.bytes, "gen", 3) == 0 &&
           (row->id.bytes[3] == '-' || row->id.bytes[3] == '_');
}

static uint64_t hash_of(const struct verify *verify, const struct ledger_row *row)
{
    uint64_t hash = verify_hash(verify, row->id.bytes, row->id.len);
    return hash != 0 ? hash : 1;
}

static bool is_in_part(const struct verify_ids *ids, uint64_t hash)
{
    return ids->bits == 0 || hash >> (64 - ids->bits) == ids->part;
}

/* True: it was there already. There must be a free place. */
static bool put(uint64_t *hashes, size_t room, uint64_t hash)
{
    size_t at = hash & (room - 1);
    for (; hashes[at] != 0; at = (at + 1) & (room - 1))
        if (hashes[at] == hash)
            return true;
    hashes[at] = hash;
    return false;
}

/* Anew, with so much room, and only what is in the part that is looked at. */
static int move(struct verify_ids *ids, size_t room)
{
    uint64_t *hashes = calloc(room, sizeof(*hashes));
    if (hashes == NULL)
        return -ENOMEM;
    ids->count = 0;
    for (size_t i = 0; i < ids->room; i++) {
        if (ids->hashes[i] == 0 || !is_in_part(ids, ids->hashes[i]))
            continue;
        put(hashes, room, ids->hashes[i]);
        ids->count++;
    }
    free(ids->hashes);
    ids->hashes = hashes;
    ids->room = room;
    return 0;
}

/* In the first reading the part becomes smaller where there is no more room; in later ones it
 * cannot, and the parts are as even as the hash is. */
static int make_room(struct verify_ids *ids)
{
    if (ids->room > 0 && ids->count < ids->room / 4 * 3)
        return 0;
    if (ids->room < ids->room_max)
        return move(ids, ids->room == 0 ? IDS_ROOM_MIN : 2 * ids->room);
    if (ids->part > 0)
        return ids->count < ids->room - 1 ? 0 : -E2BIG;
    if (ids->bits == BITS_MAX)
        return -E2BIG;
    ids->bits++;
    return move(ids, ids->room);
}

static bool came_twice(const struct verify_ids *ids, uint64_t hash)
{
    for (size_t i = 0; i < ids->twice_count; i++)
        if (ids->twice[i] == hash)
            return true;
    return false;
}

static int note_twice(struct verify_ids *ids, uint64_t hash)
{
    if (ids->twice_count == TWICE_MAX || came_twice(ids, hash))
        return 0; /* that many are enough to be shown */
    if (ids->twice == NULL)
        ids->twice = malloc(TWICE_MAX * sizeof(*ids->twice));
    if (ids->twice == NULL)
        return -ENOMEM;
    ids->twice[ids->twice_count++] = hash;
    return 0;
}

int verify_ids_row(struct verify_month *month, const struct ledger_row *row)
{
    struct verify_ids *ids = &month->ids;
    uint64_t hash;
    int result;
    if (!is_generation(row))
        return 0;
    hash = hash_of(month->verify, row);
    if (!is_in_part(ids, hash))
        return 0;
    result = make_room(ids);
    if (result < 0 || !is_in_part(ids, hash))
        return result;
    if (put(ids->hashes, ids->room, hash))
        return note_twice(ids, hash);
    ids->count++;
    return 0;
}

/* --- the other parts --- */

static int read_again(void *arg, const struct ledger_ref *ref, const uint8_t *bytes, size_t len)
{
    struct ledger_row row;
    (void)ref;
    return row_decode(bytes, len, &row) < 0 ? 0 : verify_ids_row(arg, &row);
}

static int read_parts(struct verify_month *month)
{
    struct verify_ids *ids = &month->ids;
    int result = 0;
    for (ids->part = 1; result == 0 && ids->part < UINT64_C(1) << ids->bits; ids->part++) {
        memset(ids->hashes, 0, ids->room * sizeof(*ids->hashes));
        ids->count = 0;
        result = ledger_reader_raw(month->verify->reader, month->one->from_ms, month->one->to_ms,
                                   read_again, month);
    }
    return result;
}

/* --- those that may have come twice --- */

struct seen {
    uint64_t hash;
    struct ledger_ref ref; /* of the first with this hash */
    char id[ROW_ID_MAX];
    size_t len;
};

struct confirm {
    struct verify_month *month;
    struct seen *seen; /* as many as ids.twice */
};

/* Of ids that only share a hash the later ones are not compared with each other: what is left is a
 * chance of one in 2^64, twice. */
static int look(void *arg, const struct ledger_ref *ref, const uint8_t *bytes, size_t len)
{
    struct confirm *confirm = arg;
    const struct verify_ids *ids = &confirm->month->ids;
    struct ledger_row row;
    uint64_t hash;
    if (row_decode(bytes, len, &row) < 0 || !is_generation(&row))
        return 0;
    hash = hash_of(confirm->month->verify, &row);
    for (size_t i = 0; i < ids->twice_count; i++) {
        struct seen *seen = &confirm->seen[i];
        if (ids->twice[i] != hash)
            continue;
        if (seen->hash == 0) {
            *seen = (struct seen){.hash = hash, .ref = *ref, .len = row.id.len};
            memcpy(seen->id, row.id.bytes, row.id.len);
        } else if (seen->len == row.id.len && memcmp(seen->id, row.id.bytes, seen->len) == 0) {
            verify_complain(confirm->month, ref, row.id, "has the id of the row at %lld/%llu",
                            (long long)seen->ref.created_at_ms,
                            (unsigned long long)seen->ref.sequence);
        }
        break;
    }
    return 0;
}

int verify_ids_end(struct verify_month *month)
{
    struct verify_ids *ids = &month->ids;
    struct confirm confirm = {.month = month};
    int result = read_parts(month);
    if (result < 0 || ids->twice_count == 0)
        return result;
    confirm.seen = calloc(ids->twice_count, sizeof(*confirm.seen));
    if (confirm.seen == NULL)
        return -ENOMEM;
    result = ledger_reader_raw(month->verify->reader, month->one->from_ms, month->one->to_ms, look,
                               &confirm);
    free(confirm.seen);
    return result;
}

void verify_ids_release(struct verify_ids *ids)
{
    free(ids->hashes);
    free(ids->twice);
}
