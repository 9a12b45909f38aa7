/* verify_private.h - what the parts of verify share.
 *
 *   verify.c         the months, one after the other
 *   verify_month.c   a month's rows, once, in order
 *   verify_places.c  places, open items, ends
 *   verify_heads.c   seals: each by itself, against its predecessor, against its rows
 *   verify_marks.c   which rows of a closed month are not those that were sealed
 *   verify_hours.c   rollups against rows
 *   verify_ids.c     no id twice
 *   verify_index.c   the index of ids against rows
 *   verify_export.c  an export, read back
 *   verify_row.c     the laws of one row
 *
 * Memory: what is kept by row is bounded (verify_ids.c: 64 MiB); the rest grows with open items,
 * months, hours, boots and lanes.
 */
#ifndef ACCOUNTING_VERIFY_PRIVATE_H
#define ACCOUNTING_VERIFY_PRIVATE_H

#include "accounting/ledger_month.h"
#include "accounting/places.h"
#include "accounting/rollup.h"
#include "accounting/tree_marks.h"
#include "accounting/verify.h"
#include "accounting/verify_row.h"

enum {
    VERIFY_MONTHS_MAX = 4096,
    VERIFY_OPEN_MAX = 1 << 20, /* open holds and listed rows of a month */
    VERIFY_ENDS_MAX = 1 << 22,
    VERIFY_ID_TEXT = 64, /* bytes of an id that a complaint shows */
};
#define VERIFY_HOUR_MS INT64_C(3600000)

/* The columns that exports add up: tokens, then money, each in the order of tally.h. */
enum { VERIFY_COLUMNS = TALLY_TOKENS + TALLY_MONEY };
extern const char *const verify_columns[VERIFY_COLUMNS];

struct verify_sums {
    uint64_t rows;
    uint64_t known[VERIFY_COLUMNS]; /* rows that know it */
    struct money sum[VERIFY_COLUMNS];
};
/* -EOVERFLOW */
int verify_sums_add(struct verify_sums *sums, unsigned column, struct money value);
int verify_sums_row(struct verify_sums *sums, const struct ledger_row *row);

/* --- the months --- */

enum verify_head { HEAD_NONE, HEAD_THERE, HEAD_BROKEN /* it cannot be read */ };

struct verify_end {
    uint32_t boot_and_lane;
    bool met;
    struct ledger_ref ref;
};

/* Fingerprints of the index's entries, and of those that the rows ask for, by hour: equal sets have
 * equal sums. */
struct verify_hour {
    uint64_t a, b;
};
enum { VERIFY_HOURS = 31 * 24 };

struct verify_one {
    int64_t from_ms, to_ms;
    enum verify_head head;
    struct seal seal;
    struct verify_hour *index; /* VERIFY_HOURS; NULL: not verified */
};

struct verify {
    struct ledger_reader *reader;
    const struct verify_order *order;
    FILE *out;
    struct verify_result *result;
    struct verify_one *months; /* all that the ledger has, oldest first; VERIFY_MONTHS_MAX */
    size_t month_count;
    size_t first, end; /* those that are verified */
    int64_t closed_before_ms;
    size_t sealed;         /* months before it have a head, or a later one has */
    uint8_t key[SEAL_KEY]; /* that heads must be signed by */
    bool has_key;
    struct verify_end *ends; /* sorted by boot and lane */
    size_t end_count, end_room;
    bool has_early;       /* there are rows of format 1 (ledger_ends.h): */
    uint32_t early_boot;  /* those of this boot and of older ones */
    struct places places; /* of all months up to here */
    uint64_t salt[2];     /* for hashes that nobody can foresee */
    bool stray;           /* the index names rows outside of all months */
};

/* --- a month --- */

struct verify_open {
    struct ledger_ref ref;
    bool is_hold, met;
};

struct verify_ids {
    uint64_t *hashes; /* open addressing; 0: free */
    size_t count, room, room_max;
    unsigned bits; /* only hashes that begin with `part` in so many bits are looked at */
    uint64_t part;
    uint64_t *twice; /* hashes that came twice */
    size_t twice_count, twice_room;
};

struct verify_marks {
    struct tree_marks sealed; /* as they were stored */
    struct tree part;
    struct ledger_ref first; /* of the part */
    size_t at;
    bool there, found;
};

struct verify_hours {
    int64_t hour_ms; /* the one that rows are in */
    struct rollup *rows, *kept;
    bool fresh, failed;
    uint64_t count, kept_count; /* requests */
    struct ledger_ref first;    /* row of the hour, where there is any */
};

struct verify_month {
    struct verify *verify;
    struct verify_one *one;
    char name[LEDGER_MONTH_NAME];
    uint64_t rows, unreadable, complaints;
    struct ledger_ref first, last;
    struct verify_sums sums;
    bool sums_fit;
    struct tree tree;
    struct places places; /* of this month's rows alone */
    struct verify_marks marks;
    struct verify_open *open; /* sorted by place */
    size_t open_count, open_room, open_at;
    struct verify_hours hours;
    struct verify_ids ids;
    struct ledger_ref worst; /* of the first row that breaks a law */
    char worst_text[sizeof(((struct verify_result *)0)->first)];
};

static inline bool verify_is_sealed(const struct verify_one *one)
{
    return one->head == HEAD_THERE;
}

/* Its rows do not change any more: it has a head, or its closing was interrupted before it got one.
 */
static inline bool verify_is_closed(const struct verify *verify, const struct verify_one *one)
{
    return one->head != HEAD_NONE || one->to_ms <= verify->closed_before_ms;
}

/* One line: the month, the place (NULL: the month as a whole), the id (may be empty), the law. */
__attribute__((format(printf, 4, 5))) void verify_complain(struct verify_month *month,
                                                           const struct ledger_ref *ref,
                                                           struct text id, const char *format, ...);

int verify_ref_compare(const struct ledger_ref *a, const struct ledger_ref *b);

/* One month, with its line. Errors are of reading; complaints are counted. */
int verify_month(struct verify *verify, size_t index);

/* verify_places.c */
int verify_ends_load(struct verify *verify);
/* From before ends were kept, and all that came with them. */
bool verify_is_early(const struct verify *verify, const struct ledger_ref *ref);
int verify_places_begin(struct verify *verify); /* what comes before the first month */
int verify_open_load(struct verify_month *month);
/* The row's place, and the open holds before it. */
int verify_places_row(struct verify_month *month, const struct ledger_ref *ref,
                      const struct ledger_row *row);
int verify_places_end(struct verify_month *month);

/* verify_heads.c */
int verify_heads_load(struct verify *verify);
void verify_head_alone(struct verify_month *month);
void verify_head_rows(struct verify_month *month);
int verify_correction(struct verify_month *month, const struct ledger_ref *ref,
                      const struct ledger_row *row);

/* verify_marks.c */
int verify_marks_begin(struct verify_month *month);
void verify_marks_add(struct verify_month *month, const struct ledger_ref *ref,
                      const uint8_t leaf[TREE_HASH]);
void verify_marks_end(struct verify_month *month);
void verify_marks_release(struct verify_marks *marks);

/* verify_hours.c: row is NULL for one that cannot be read. */
int verify_hours_row(struct verify_month *month, const struct ledger_ref *ref,
                     const struct ledger_row *row);
int verify_hours_end(struct verify_month *month);
void verify_hours_release(struct verify_hours *hours);

/* verify_ids.c */
enum { VERIFY_IDS_ROOM = 1 << 23 /* room_max: 64 MiB */ };
int verify_ids_row(struct verify_month *month, const struct ledger_row *row);
int verify_ids_end(struct verify_month *month);
void verify_ids_release(struct verify_ids *ids);
uint64_t verify_hash(const struct verify *verify, const void *bytes, size_t len);

/* verify_index.c */
int verify_index_load(struct verify *verify);
void verify_index_row(struct verify_month *month, const struct ledger_ref *ref,
                      const struct ledger_row *row);
int verify_index_end(struct verify_month *month);

/* verify_export.c */
int verify_export(struct verify_month *month);

#endif
