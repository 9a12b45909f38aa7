/* verify_support.h - a ledger that lies in memory, for tests of what proves one: three months of
 * two boots with two lanes, of which two are closed, with everything that the real one keeps beside
 * its rows. A test changes one thing and asks whether it shows. */
#ifndef TESTS_ACCOUNTING_VERIFY_SUPPORT_H
#define TESTS_ACCOUNTING_VERIFY_SUPPORT_H

#include "accounting/ledger_close.h"
#include "accounting/ledger_ends.h"
#include "accounting/ledger_month.h"
#include "accounting/ledger_proof.h"
#include "accounting/ledger_rollup.h"
#include "accounting/places.h"
#include "accounting/settle.h"
#include "accounting/tree_marks.h"
#include "accounting/verify.h"

#include "tests/accounting/verify_rows.h"

enum { STORED_MAX = 1024, ITEMS_MAX = 2 * STORED_MAX, HOURS_KEPT = 2400 };

struct stored {
    struct ledger_ref ref;
    size_t len;
    uint8_t bytes[ROW_ENCODED_MAX];
};
struct listed {
    struct ledger_ref ref;
    bool is_hold;
};
struct named {
    struct ledger_ref ref;
    uint64_t hash;
};
struct hour {
    int64_t hour_ms;
    bool fresh;
    uint8_t *bytes;
    size_t len;
};
struct ledger_reader {
    struct stored *rows;
    size_t row_count;
    struct listed listed[16];
    size_t listed_count;
    struct named ids[ITEMS_MAX];
    size_t id_count;
    struct ledger_ref ends[16];
    size_t end_count;
    struct hour hours[HOURS_KEPT];
    size_t hour_count;
    struct seal seals[2]; /* October, November; no month: none */
    uint8_t *marks[2];
    size_t marks_len[2];
    bool marked;
    int64_t closed_before_ms;
    uint32_t early_boot; /* 0: there is none */
    int seal_result;     /* of November's, when not 0 */
    unsigned exports;    /* what export_rows() leaves out, for tests of it */
};

/* --- the reader's functions --- */

int ledger_reader_raw(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                      int (*fn)(void *arg, const struct ledger_ref *ref, const uint8_t *bytes,
                                size_t len),
                      void *arg)
{
    int result = 0;
    for (size_t i = 0; i < reader->row_count && result == 0; i++) {
        const struct stored *row = &reader->rows[i];
        if (row->ref.created_at_ms >= from_ms && row->ref.created_at_ms < to_ms)
            result = fn(arg, &row->ref, row->bytes, row->len);
    }
    return result;
}

int ledger_reader_rows(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                       int (*fn)(void *arg, const struct ledger_row *row), void *arg)
{
    int result = 0;
    for (size_t i = reader->exports; i < reader->row_count && result == 0; i++) {
        const struct stored *stored = &reader->rows[i];
        struct ledger_row row;
        if (stored->ref.created_at_ms < from_ms || stored->ref.created_at_ms >= to_ms)
            continue;
        result = row_decode(stored->bytes, stored->len, &row);
        if (result == 0)
            result = fn(arg, &row);
    }
    return result;
}

int ledger_reader_months(struct ledger_reader *reader, int64_t *ret_from_ms, size_t max,
                         size_t *ret_count)
{
    static const int64_t months[] = {OCTOBER, NOVEMBER, DECEMBER, JANUARY};
    size_t count = 0;
    for (size_t i = 0; i < 3 && count < max; i++) {
        bool there = i < 2 && reader->seals[i].month[0] != '\0';
        for (size_t j = 0; j < reader->row_count && !there; j++)
            there = reader->rows[j].ref.created_at_ms >= months[i] &&
                    reader->rows[j].ref.created_at_ms < months[i + 1];
        if (there)
            ret_from_ms[count++] = months[i];
    }
    *ret_count = count;
    return 0;
}

int ledger_reader_seal(struct ledger_reader *reader, int64_t month_from_ms, struct seal *ret_seal)
{
    size_t i = month_from_ms == OCTOBER ? 0 : 1;
    if (month_from_ms > NOVEMBER)
        return -ENOENT;
    if (i == 1 && reader->seal_result != 0)
        return reader->seal_result;
    if (reader->seals[i].month[0] == '\0')
        return -ENOENT;
    *ret_seal = reader->seals[i];
    return 0;
}

int ledger_reader_closed_before(struct ledger_reader *reader, int64_t *ret_ms)
{
    *ret_ms = reader->closed_before_ms;
    return 0;
}

int ledger_reader_marks(struct ledger_reader *reader, int64_t month_from_ms, uint8_t **ret_bytes,
                        size_t *ret_len)
{
    size_t i = month_from_ms == OCTOBER ? 0 : 1;
    if (!reader->marked || month_from_ms > NOVEMBER)
        return -ENOENT;
    *ret_bytes = malloc(reader->marks_len[i]);
    assert_non_null(*ret_bytes);
    memcpy(*ret_bytes, reader->marks[i], reader->marks_len[i]);
    *ret_len = reader->marks_len[i];
    return 0;
}

int ledger_reader_open_items(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                             int (*fn)(void *arg, bool is_hold, const struct ledger_ref *ref,
                                       const struct ledger_row *row),
                             void *arg)
{
    int result = 0;
    for (size_t i = 0; i < reader->listed_count && result == 0; i++) {
        const struct listed *listed = &reader->listed[i];
        if (listed->ref.created_at_ms >= from_ms && listed->ref.created_at_ms < to_ms)
            result = fn(arg, listed->is_hold, &listed->ref, NULL);
    }
    return result;
}

int ledger_reader_ends(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                       int (*fn)(void *arg, const struct ledger_ref *last), void *arg)
{
    int result = 0;
    for (size_t i = 0; i < reader->end_count && result == 0; i++)
        if (reader->ends[i].created_at_ms >= from_ms && reader->ends[i].created_at_ms < to_ms)
            result = fn(arg, &reader->ends[i]);
    return result;
}

int ledger_reader_early(struct ledger_reader *reader, uint32_t *ret_boot)
{
    *ret_boot = reader->early_boot;
    return reader->early_boot > 0;
}

int ledger_reader_ids(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                      int (*fn)(void *arg, uint64_t hash, const struct ledger_ref *ref), void *arg)
{
    int result = 0;
    for (size_t i = 0; i < reader->id_count && result == 0; i++) {
        const struct named *named = &reader->ids[i];
        if (named->ref.created_at_ms >= from_ms && named->ref.created_at_ms < to_ms)
            result = fn(arg, named->hash, &named->ref);
    }
    return result;
}

uint64_t ledger_ids_hash(struct text id)
{
    uint64_t hash = 5381;
    for (size_t i = 0; i < id.len; i++)
        hash = hash * 33 + (unsigned char)id.bytes[i];
    return hash;
}

int ledger_reader_rollup(struct ledger_reader *reader, int64_t hour_ms, bool *ret_fresh,
                         int (*fn)(void *arg, const struct rollup_group *group), void *arg)
{
    for (size_t i = 0; i < reader->hour_count; i++) {
        const struct hour *hour = &reader->hours[i];
        if (hour->hour_ms != hour_ms)
            continue;
        *ret_fresh = hour->fresh;
        return rollup_decode(hour->bytes, hour->len, fn, arg);
    }
    return -ENOENT;
}

/* --- making one --- */

struct maker {
    struct ledger_reader *reader;
    struct seal_signer *signer;
    uint32_t counters[4][2]; /* of boots and lanes */
};

static inline struct ledger_ref make_place(struct maker *maker, int64_t ms, uint32_t boot,
                                           unsigned lane)
{
    uint64_t micros = maker->reader->row_count % 1000;
    return (struct ledger_ref){ms, micros << 54 | (uint64_t)boot << 34 | (uint64_t)lane << 26 |
                                       maker->counters[boot][lane]++};
}

static inline void store(struct ledger_reader *reader, size_t at, const struct ledger_ref *ref,
                         const struct ledger_row *row)
{
    struct ledger_row stamped = *row;
    struct stored *stored = &reader->rows[at];
    stamped.created_at_ms = ref->created_at_ms;
    stamped.sequence = ref->sequence;
    stored->ref = *ref;
    assert_int_equal(row_encode(&stamped, stored->bytes, sizeof(stored->bytes), &stored->len), 0);
}

static inline void append(struct ledger_reader *reader, const struct ledger_ref *ref,
                          const struct ledger_row *row)
{
    assert_true(reader->row_count < STORED_MAX);
    store(reader, reader->row_count++, ref, row);
}

static inline void put_ids(struct ledger_reader *reader)
{
    for (size_t i = 0; i < reader->row_count; i++) {
        struct ledger_row row;
        assert_int_equal(row_decode(reader->rows[i].bytes, reader->rows[i].len, &row), 0);
        if (row.cache == CACHE_HIT || row.corrects.len > 0)
            continue;
        reader->ids[reader->id_count++] =
            (struct named){reader->rows[i].ref, ledger_ids_hash(row.id)};
        if (row.upstream_id.len > 0)
            reader->ids[reader->id_count++] =
                (struct named){reader->rows[i].ref, ledger_ids_hash(row.upstream_id)};
    }
}

static inline void put_ends(struct ledger_reader *reader)
{
    for (size_t i = 0; i < reader->row_count; i++) {
        const struct ledger_ref *ref = &reader->rows[i].ref;
        size_t at = 0;
        while (at < reader->end_count && (places_boot(&reader->ends[at]) != places_boot(ref) ||
                                          places_lane(&reader->ends[at]) != places_lane(ref)))
            at++;
        reader->ends[at] = *ref;
        reader->end_count += at == reader->end_count;
    }
}

static inline void put_hours(struct ledger_reader *reader)
{
    for (int64_t ms = OCTOBER; ms < NOW - 2 * LEDGER_DAY_MS; ms += HOUR) {
        struct hour *hour = &reader->hours[reader->hour_count++];
        struct rollup *rollup = rollup_new();
        for (size_t i = 0; i < reader->row_count; i++) {
            const struct stored *stored = &reader->rows[i];
            struct ledger_row row;
            if (stored->ref.created_at_ms < ms || stored->ref.created_at_ms >= ms + HOUR)
                continue;
            assert_int_equal(row_decode(stored->bytes, stored->len, &row), 0);
            assert_int_equal(rollup_add(rollup, &row), 0);
        }
        hour->hour_ms = ms;
        hour->fresh = true;
        assert_int_equal(rollup_encode(rollup, &hour->bytes, &hour->len), 0);
        rollup_free(rollup);
    }
}

static inline void add_known(struct money *sum, struct maybe_money money)
{
    if (money.known)
        assert_int_equal(money_add(*sum, money.money, sum), 0);
}

/* As closing does it. */
static inline void put_seal(struct maker *maker, size_t which, int64_t from_ms, int64_t to_ms)
{
    struct ledger_reader *reader = maker->reader;
    struct seal *seal = &reader->seals[which];
    struct tree_marks marks;
    struct places places;
    struct tree tree;
    uint64_t missing;
    memset(seal, 0, sizeof(*seal));
    assert_int_equal(tree_init(&tree), 0);
    assert_int_equal(tree_marks_init(&marks), 0);
    places_init(&places, true);
    ledger_month_name(from_ms, seal->month);
    for (size_t i = 0; i < reader->row_count; i++) {
        const struct stored *stored = &reader->rows[i];
        struct ledger_row row;
        uint8_t leaf[TREE_HASH];
        if (stored->ref.created_at_ms < from_ms || stored->ref.created_at_ms >= to_ms)
            continue;
        if (seal->rows++ == 0)
            seal->first = stored->ref;
        seal->last = stored->ref;
        tree_leaf(&tree, &stored->ref, stored->bytes, stored->len, leaf);
        tree_add_leaf(&tree, leaf);
        assert_int_equal(tree_marks_add(&marks, leaf), 0);
        assert_true(places_add(&places, &stored->ref, &missing) >= 0);
        assert_int_equal(row_decode(stored->bytes, stored->len, &row), 0);
        add_known(&seal->booked, row.booked);
        add_known(&seal->billed, row.billed);
        add_known(&seal->saved, row.saved);
    }
    seal->issued = places_issued(&places);
    tree_root(&tree, seal->root);
    seal->closed_ms = to_ms + 9999;
    if (which > 0 && reader->seals[0].month[0] != '\0')
        seal_hash(&reader->seals[0], seal->previous);
    assert_int_equal(seal_sign(seal, maker->signer), 0);
    free(reader->marks[which]);
    assert_int_equal(tree_marks_encode(&marks, &reader->marks[which], &reader->marks_len[which]),
                     0);
    tree_marks_release(&marks);
    tree_release(&tree);
    places_release(&places);
}

static inline void put_seals(struct maker *maker)
{
    put_seal(maker, 0, OCTOBER, NOVEMBER);
    put_seal(maker, 1, NOVEMBER, DECEMBER);
}

/* Boot 1 in October and half of November, boot 2 from then on; every three hours a row or two. */
static inline void fill(struct maker *maker)
{
    size_t number = 0;
    for (int64_t ms = OCTOBER + HOUR; ms < NOW - HOUR; ms += 3 * HOUR, number++) {
        uint32_t boot = ms < NOVEMBER + 15 * LEDGER_DAY_MS ? 1 : 2;
        struct made made;
        struct ledger_ref ref = make_place(maker, ms, boot, number % 2);
        make_row(&made, number, ms);
        append(maker->reader, &ref, &made.row);
    }
}

/* The last row waits for its cost; what one of October waited for came in December. */
static inline void add_late_truths(struct maker *maker)
{
    struct ledger_reader *reader = maker->reader;
    struct ledger_row was, is, row;
    struct ledger_ref ref = make_place(maker, NOW - HOUR, 2, 1);
    struct made made;
    char corrects[64];
    make_row(&made, 0, ref.created_at_ms);
    assert_true(row_decode(reader->rows[3].bytes, reader->rows[3].len, &was) == 0);
    is = was;
    is.billed = femto(5);
    snprintf(corrects, sizeof(corrects), "%" PRId64 "/%" PRIu64, reader->rows[3].ref.created_at_ms,
             reader->rows[3].ref.sequence);
    assert_int_equal(settle_correction(&was, &is, corrects, &row), 0);
    append(reader, &ref, &row);
    ref = make_place(maker, NOW - HOUR / 2, 2, 0);
    make_row(&made, 0, ref.created_at_ms);
    made.row.observed = (struct text){NULL, 0};
    made.row.billed = made.row.market = (struct maybe_money){0};
    judge(&made.row, true);
    append(reader, &ref, &made.row);
    reader->listed[reader->listed_count++] = (struct listed){ref, false};
}

static inline void release_reader(struct ledger_reader *reader)
{
    for (size_t i = 0; i < reader->hour_count; i++)
        free(reader->hours[i].bytes);
    free(reader->marks[0]);
    free(reader->marks[1]);
    free(reader->rows);
    free(reader);
}

#endif
