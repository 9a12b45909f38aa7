/* verify_index.c - the index that finds rows by their ids has an entry for each id of each row that
 * is no hit and no correction, and no other.
 *
 * The index is in the order of hashes, rows are in that of time, and neither fits memory: so both
 * are added up by the hour, as sums of salted hashes of their entries. Equal sets have equal sums,
 * and others do not but by a chance of one in 2^128. An hour whose sums differ is read again, entry
 * by entry. Rows of format 1 are left out, and so is what names their places: they may be older
 * than the index.
 */
#include "accounting/verify_private.h"

#include "accounting/ledger_proof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 1 << 22 /* of an hour that is looked into */, HOURS_MAX = 3 /* of a month */ };

static const struct text no_id;

struct entry {
    struct ledger_ref ref;
    uint64_t hash;
};

static struct verify_hour fingerprint(const struct verify *verify, const struct entry *entry)
{
    uint64_t a = verify_hash(verify, entry, sizeof(*entry));
    return (struct verify_hour){a, (a ^ verify->salt[1] ^ entry->hash) * verify->salt[0] ^
                                       verify_hash(verify, &entry->ref, sizeof(entry->ref))};
}
_Static_assert(sizeof(struct entry) == 24, "no padding is hashed");

static struct verify_one *month_of(struct verify *verify, int64_t ms)
{
    size_t from = 0, to = verify->month_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (verify->months[middle].to_ms <= ms)
            from = middle + 1;
        else
            to = middle;
    }
    if (from == verify->month_count || verify->months[from].from_ms > ms)
        return NULL;
    return &verify->months[from];
}

static int add_entry(void *arg, uint64_t hash, const struct ledger_ref *ref)
{
    struct verify *verify = arg;
    struct verify_one *one = month_of(verify, ref->created_at_ms);
    struct entry entry = {*ref, hash};
    struct verify_hour print, *hour;
    if (one == NULL) {
        verify->stray = true;
        return 0;
    }
    if (one->index == NULL || verify_is_early(verify, ref))
        return 0; /* not asked for */
    print = fingerprint(verify, &entry);
    hour = &one->index[(ref->created_at_ms - one->from_ms) / VERIFY_HOUR_MS];
    hour->a += print.a;
    hour->b += print.b;
    return 0;
}

int verify_index_load(struct verify *verify)
{
    if (verify->first == verify->end)
        return 0;
    for (size_t i = verify->first; i < verify->end; i++) {
        verify->months[i].index = calloc(VERIFY_HOURS, sizeof(*verify->months[i].index));
        if (verify->months[i].index == NULL)
            return -ENOMEM;
    }
    return ledger_reader_ids(verify->reader, verify->order->from_ms, verify->order->to_ms,
                             add_entry, verify);
}

/* The entries that a row asks for: none, one or two. */
static size_t entries_of(const struct verify *verify, const struct ledger_ref *ref,
                         const struct ledger_row *row, struct entry entries[2])
{
    size_t count = 0;
    bool same =
        row->id.len == row->upstream_id.len &&
        (row->id.len == 0 || memcmp(row->id.bytes, row->upstream_id.bytes, row->id.len) == 0);
    if (row->cache == CACHE_HIT || row->corrects.len > 0 || verify_is_early(verify, ref))
        return 0;
    if (row->id.len > 0)
        entries[count++] = (struct entry){*ref, ledger_ids_hash(row->id)};
    if (row->upstream_id.len > 0 && !same)
        entries[count++] = (struct entry){*ref, ledger_ids_hash(row->upstream_id)};
    return count;
}

void verify_index_row(struct verify_month *month, const struct ledger_ref *ref,
                      const struct ledger_row *row)
{
    struct verify_one *one = month->one;
    struct verify_hour *hour = &one->index[(ref->created_at_ms - one->from_ms) / VERIFY_HOUR_MS];
    struct entry entries[2];
    size_t count = entries_of(month->verify, ref, row, entries);
    for (size_t i = 0; i < count; i++) {
        struct verify_hour print = fingerprint(month->verify, &entries[i]);
        hour->a -= print.a;
        hour->b -= print.b;
    }
}

/* --- an hour that differs --- */

struct list {
    const struct verify *verify;
    struct entry *entries;
    size_t count, room;
};

static int add(struct list *list, const struct entry *entry)
{
    if (list->count == list->room) {
        size_t room = list->room == 0 ? 1024 : 2 * list->room;
        struct entry *entries;
        if (room > ENTRIES_MAX)
            return -E2BIG;
        entries = realloc(list->entries, room * sizeof(*entries));
        if (entries == NULL)
            return -ENOMEM;
        list->entries = entries;
        list->room = room;
    }
    list->entries[list->count++] = *entry;
    return 0;
}

static int list_index(void *arg, uint64_t hash, const struct ledger_ref *ref)
{
    struct list *list = arg;
    struct entry entry = {*ref, hash};
    return verify_is_early(list->verify, ref) ? 0 : add(list, &entry);
}

static int list_row(void *arg, const struct ledger_ref *ref, const uint8_t *bytes, size_t len)
{
    struct list *list = arg;
    struct ledger_row row;
    struct entry entries[2];
    size_t count = 0;
    int result = 0;
    if (row_decode(bytes, len, &row) == 0)
        count = entries_of(list->verify, ref, &row, entries);
    for (size_t i = 0; i < count && result == 0; i++)
        result = add(list, &entries[i]);
    return result;
}

static int compare(const void *a, const void *b)
{
    const struct entry *one = a, *other = b;
    int order = verify_ref_compare(&one->ref, &other->ref);
    return order != 0 ? order : (one->hash > other->hash) - (one->hash < other->hash);
}

static void sort(struct list *list)
{
    if (list->count > 0)
        qsort(list->entries, list->count, sizeof(*list->entries), compare);
}

static void name_differences(struct verify_month *month, const struct list *index,
                             const struct list *rows)
{
    size_t i = 0, j = 0;
    while (i < index->count || j < rows->count) {
        int order = i == index->count  ? 1
                    : j == rows->count ? -1
                                       : compare(&index->entries[i], &rows->entries[j]);
        if (order < 0)
            verify_complain(month, &index->entries[i].ref, no_id,
                            "the index of ids names a row here that has no such id, or is gone");
        else if (order > 0)
            verify_complain(month, &rows->entries[j].ref, no_id,
                            "the index of ids does not name this row");
        i += order <= 0;
        j += order >= 0;
    }
}

static int look_into(struct verify_month *month, int64_t hour_ms)
{
    struct ledger_reader *reader = month->verify->reader;
    struct ledger_ref begin = {hour_ms, 0};
    struct list index = {.verify = month->verify}, rows = {.verify = month->verify};
    int result = ledger_reader_ids(reader, hour_ms, hour_ms + VERIFY_HOUR_MS, list_index, &index);
    if (result == 0)
        result = ledger_reader_raw(reader, hour_ms, hour_ms + VERIFY_HOUR_MS, list_row, &rows);
    sort(&index);
    sort(&rows);
    if (result == 0)
        name_differences(month, &index, &rows);
    free(index.entries);
    free(rows.entries);
    if (result == -E2BIG || result == -EBADMSG) {
        verify_complain(month, &begin, no_id,
                        "the index of ids does not name the rows of the hour behind this time");
        return 0;
    }
    return result;
}

int verify_index_end(struct verify_month *month)
{
    const struct verify_one *one = month->one;
    unsigned different = 0;
    int result = 0;
    for (int64_t i = 0; result == 0 && i < VERIFY_HOURS; i++) {
        if (one->index[i].a == 0 && one->index[i].b == 0)
            continue;
        if (different++ < HOURS_MAX)
            result = look_into(month, one->from_ms + i * VERIFY_HOUR_MS);
    }
    if (result == 0 && different > HOURS_MAX)
        verify_complain(month, NULL, no_id,
                        "the index of ids does not name the rows of %u more of its hours",
                        different - HOURS_MAX);
    return result;
}
