/* ledger_view.h - a database that somebody reads for the length of a call: that of an open ledger,
 * which its writer keeps open meanwhile, or a secondary's.
 *
 * Threads: any but the writer's; a view belongs to one.
 */
#ifndef ACCOUNTING_LEDGER_VIEW_H
#define ACCOUNTING_LEDGER_VIEW_H

#include "accounting/ledger_scan.h"

struct ledger_view {
    struct ledger *ledger;       /* pinned; NULL: a secondary */
    struct ledger_db *db;        /* NULL: there is no ledger, and no row */
    const _Atomic bool *stop[2]; /* one becomes true: end with -ECANCELED; NULL: never */
};

/* The writer keeps the database open until ledger_view_release(), but may ask for it back: stop.
 * -EIO: it is closed after an error, and opened again about once a second. stop: the caller's own
 * reason to end, may be NULL. borrow. */
int ledger_view_pin(struct ledger *ledger, const _Atomic bool *stop, struct ledger_view *ret_view);
void ledger_view_release(struct ledger_view *view);
/* True: end with -ECANCELED. */
bool ledger_view_stopped(const struct ledger_view *view);

/* Calls fn for the keys of a family with created_at in [from, to), in order; stops at its first
 * non-zero and returns that. */
struct ledger_entry {
    struct ledger_ref ref;
    char kind;
    const char *key; /* LEDGER_KEY bytes */
    const uint8_t *value;
    size_t len;
};
int ledger_view_each(const struct ledger_view *view, rocksdb_column_family_handle_t *family,
                     int64_t from_ms, int64_t to_ms,
                     int (*fn)(void *arg, const struct ledger_entry *entry), void *arg);
/* The stored row of that place which stands alone, as listed ones do. 1 and a value to be freed
 * with rocksdb_free(), 0 when there is none, or an error. */
int ledger_view_row(const struct ledger_view *view, const struct ledger_ref *ref, char **ret_value,
                    size_t *ret_len);

/* Whether a month that was copied from the list has any. */
int ledger_view_has_rows(const struct ledger_view *view, const struct ledger_month *month,
                         bool *ret_has_rows);

/* Waits until RocksDB has what the lanes have recorded now. -ETIMEDOUT. */
int ledger_wait_drained(struct ledger *ledger, int64_t wait_ms);

/* The last row with this id or upstream id that is no correction; of key_id, where that is not
 * empty. far: also where only its id's time, and that roughly, says where to look. -ENOENT. Texts
 * borrow from buffer. */
int ledger_view_find(const struct ledger_view *view, struct text id, struct text key_id, bool far,
                     uint8_t buffer[ROW_ENCODED_MAX], struct ledger_row *ret_row);

#endif
