/* ledger.h - the ledger: a hold before every paid call, a post or void after it, one row per
 * request, in a RocksDB of its own under data_dir/ledger.
 *
 * Every worker writes into its own lane: a memory-mapped journal (ledger_journal.c) that costs a
 * copy and survives kill -9, because the pages belong to the kernel once they are written. One
 * writer thread drains all lanes into RocksDB in group commits; the position up to which a lane
 * was drained is committed in the same batch, so that every record is applied exactly once.
 *
 * Column families: "default" (format version, lane positions, boot counter, marks), "holds" (open
 * holds), "pending" (listed rows: a later truth may still change them), "ids" (which row has an id;
 * ledger_ids.h), "rollups" (ledger_rollup.h), "seals" (ledger_close.h), and "YYYY-MM" for the rows
 * of a month (UTC). Row key: created_at (8 bytes, big
 * endian ms), sequence (8), kind (1). Rows without a hold that were drained together share a value
 * (ledger_block.h).
 *
 * Threads: open/close by one thread; a lane belongs to one thread at a time; everything else says
 * so. The ledger never logs: failures of the writer thread show in ledger_health().
 */
#ifndef ACCOUNTING_LEDGER_H
#define ACCOUNTING_LEDGER_H

#include "accounting/row.h"

#include <stddef.h>
#include <stdint.h>

struct ledger;
struct ledger_lane;

enum ledger_durability {
    LEDGER_CRASH, /* survives the process */
    LEDGER_POWER, /* survives the machine: a hold is on disk before ledger_durable() says so */
};

struct ledger_options {
    const char *dir;      /* created when absent, mode 0700 */
    unsigned lanes;       /* 1 to 256 */
    size_t journal_bytes; /* per lane; 0: LEDGER_JOURNAL_BYTES */
    enum ledger_durability durability;
    int64_t now_ms;
    int64_t lock_wait_ms; /* how long to wait for another process to let go of the ledger */
};

enum { LEDGER_JOURNAL_BYTES = 64 * 1024 * 1024, LEDGER_LANES_MAX = 256 };

/* Where a row lives: enough to find it again. */
struct ledger_ref {
    int64_t created_at_ms;
    uint64_t sequence;
};

/* A hold that is not settled yet. Plain data, owned by the fetch. */
struct ledger_hold {
    struct ledger_ref ref;
    bool open;
    bool seen;     /* the upstream's id is recorded; its room is used up */
    uint32_t room; /* bytes that the journal keeps for the row of its post */
};

/* Opens, recovers (drains what the journals still hold; turns every hold that a dead process left
 * open into a row: `pending` when the upstream's id is known, else `unknown`), starts the writer.
 * -EBUSY: another process has it; -EPROTO: a format version we do not know; -EIO/-EBADMSG with
 * text in error. give: *ret_ledger. */
int ledger_open(const struct ledger_options *options, struct ledger **ret_ledger, char *error,
                size_t error_size);
/* Drains all lanes, flushes, stops the writer. Lanes must be idle, and nobody may be reading
 * (ledger_find.h). Accepts NULL. */
void ledger_close(struct ledger *ledger);

/* Lane i of options.lanes. borrow: lives as long as the ledger. */
struct ledger_lane *ledger_lane(struct ledger *ledger, unsigned index);

/* Where in its millisecond now_ms of the calls that follow lies, 0 to 999 us: it only decides the
 * order of rows of different lanes with the same created_at. */
void ledger_lane_micros(struct ledger_lane *lane, unsigned micros);

/* Records a hold before a call goes upstream, with all that is known of the request: row->id is
 * our provisional generation id. Room for its post is reserved, so that a post cannot fail.
 * created_at never goes backwards in a lane. -ENOSPC: the journal is full, the disk is behind;
 * nothing was recorded and the call must not be made. borrow: row. */
int ledger_hold(struct ledger_lane *lane, const struct ledger_row *row, int64_t now_ms,
                struct ledger_hold *ret_hold);

/* The upstream's id for the call: from here on it can be looked up after a crash. The first id is
 * always recorded; a later one replaces it where the journal has room. */
void ledger_seen(struct ledger_lane *lane, struct ledger_hold *hold, const char *upstream_id,
                 size_t len);

/* Before another attempt of the same request goes upstream: takes the hold over for it, with all
 * that is known now (row->attempts says what came before; the attempt that is given up must not
 * have been billed). One record does it, so that at any instant either the old attempt is held or
 * the new one, never both, and the request ends as one row. It keeps its place and the created_at
 * of the first hold, whatever now_ms; an upstream id that was seen is forgotten with its attempt.
 * Room for the post is reserved anew. -ENOSPC: nothing was recorded, the hold stands as it was and
 * the attempt must not be made. With LEDGER_POWER the new hold is waited for like the first.
 * borrow: row. */
int ledger_rehold(struct ledger_lane *lane, struct ledger_hold *hold, const struct ledger_row *row,
                  int64_t now_ms);

/* Settles a hold with its row: a post, or a void when row->verdict is VERDICT_FAILED. The row
 * takes the hold's created_at. It cannot fail: a row that outgrew the room that was kept for it
 * (that of the held row and 4.5 KiB) loses its lists and its rating, then the ends of its texts. A
 * row with VERDICT_PENDING stays listed by ledger_pending() until it is settled by ledger_settle().
 * Asserts that the hold is open; closes it. */
void ledger_post(struct ledger_lane *lane, struct ledger_hold *hold, const struct ledger_row *row);
/* The same, and the row is listed by ledger_pending() whatever its verdict: a later truth may still
 * change it. */
void ledger_post_listed(struct ledger_lane *lane, struct ledger_hold *hold,
                        const struct ledger_row *row);

/* A row without a hold: hits, collapsed requests, refusals before any call; never a pending one.
 * -ENOSPC as above.
 * ret_ref may be NULL. */
int ledger_append(struct ledger_lane *lane, const struct ledger_row *row, int64_t now_ms,
                  struct ledger_ref *ret_ref);

/* For a row whose request is answered long before the row is known (a follower's): keeps room for
 * it, -ENOSPC as above; then writes it, which cannot fail (a row over 8.5 KiB loses texts, as with
 * ledger_post()). Every reservation is used exactly once. */
int ledger_reserve(struct ledger_lane *lane);
void ledger_append_reserved(struct ledger_lane *lane, const struct ledger_row *row, int64_t now_ms);

/* Replaces a row that is listed by ledger_pending() with what it has become (settle.h). listed: it
 * goes on being followed, else it leaves the list. A row that is not listed any more is left alone,
 * so that a settlement that comes twice counts once. row keeps the id and created_at of was.
 *
 * A month that is closed keeps its rows: then a correction (settle.h) goes into the open month at
 * now_ms instead, and the row leaves the list, in one record. So it has one correction, and what is
 * not the last word cannot be one: with listed that is -ESTALE, nothing was recorded, and the row
 * stays listed as it was; the last word is then told against that. The last word is never
 * VERDICT_PENDING (asserted).
 *
 * -ENOSPC as above, and for the moment in which it is being decided whether its month is closed:
 * ask again; -EOVERFLOW: the correction's sums do not fit. borrow: was, row. */
int ledger_settle(struct ledger_lane *lane, const struct ledger_ref *ref,
                  const struct ledger_row *was, const struct ledger_row *row, bool listed,
                  int64_t now_ms);

/* One row that waits for a truth to come. Its texts are valid during the callback. */
struct ledger_pending {
    struct ledger_ref ref;
    const struct ledger_row *row; /* borrow; NULL: the stored row cannot be read */
};
/* Calls fn for every listed row that RocksDB holds (rows posted in this process by way of a lane
 * are known to whoever posted them), those that cannot be read included. Call before lanes are in
 * use; fn must not call back. */
int ledger_pending(struct ledger *ledger, void (*fn)(void *arg, const struct ledger_pending *),
                   void *arg);

/* True when everything that this lane recorded so far survives as options.durability promises.
 * With LEDGER_CRASH always true. With LEDGER_POWER: ask for position = ledger_position(lane), and
 * poll or be called: on_durable runs on the writer thread after each sync. */
uint64_t ledger_position(const struct ledger_lane *lane);
bool ledger_durable(const struct ledger_lane *lane, uint64_t position);
/* Any thread. fn must not call back into the ledger except for ledger_durable(). */
void ledger_on_durable(struct ledger *ledger, void (*fn)(void *arg, unsigned lane), void *arg);

/* Wakes the writer when a lane has new records and it sleeps. Call once per loop turn. */
void ledger_kick(struct ledger_lane *lane);

/* Any thread. error is the writer's last failure, 0 when healthy (-ENOSPC, -EIO); lag_bytes what
 * the lanes hold that RocksDB does not yet. */
struct ledger_health {
    int error; /* negative errno */
    uint64_t lag_bytes;
    uint64_t rows; /* committed by this process */
};
void ledger_health(struct ledger *ledger, struct ledger_health *ret_health);

/* --- reading, for export, report and verify: beside a running server or without one --- */

struct ledger_reader;

/* Opens for reading. While a server runs: as a RocksDB secondary, caught up at least to what every
 * lane had recorded when this was called (waits up to 5 s for that). With none running: takes the
 * lock, recovers as ledger_open() does, and reads. A directory without a ledger reads as empty.
 * give: *ret_reader. */
int ledger_reader_open(const char *dir, int64_t now_ms, struct ledger_reader **ret_reader,
                       char *error, size_t error_size);
void ledger_reader_close(struct ledger_reader *reader);

/* Calls fn for every row with from_ms <= created_at < to_ms, oldest first; stops at fn's first
 * non-zero and returns it. Rows and their texts are valid during the callback. Memory is flat. */
int ledger_reader_rows(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                       int (*fn)(void *arg, const struct ledger_row *row), void *arg);

/* The same for rows as they are stored, in the order of their places; bytes that are no row are
 * given all the same. For verify and close. */
int ledger_reader_raw(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                      int (*fn)(void *arg, const struct ledger_ref *ref, const uint8_t *bytes,
                                size_t len),
                      void *arg);

/* A reader within the process that has the ledger open: for the admin address. Rows that lanes had
 * recorded before are waited for (wait_ms; -ETIMEDOUT). It holds no lock between calls, and a call
 * ends with -ECANCELED when the writer must close the database or *stop (may be NULL) becomes true.
 * The ledger must stay open until it is closed. give. */
int ledger_reader_within(struct ledger *ledger, int64_t wait_ms, const _Atomic bool *stop,
                         struct ledger_reader **ret_reader);

/* The row with this id, or upstream id (of several the latest; hits included). Texts borrow from
 * buffer. -ENOENT. */
int ledger_reader_find(struct ledger_reader *reader, struct text id,
                       uint8_t buffer[ROW_ENCODED_MAX], struct ledger_row *ret_row);

/* Open holds and rows that are listed as pending, with created_at in [from, to). row is NULL for
 * one that cannot be read. */
int ledger_reader_open_items(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                             int (*fn)(void *arg, bool is_hold, const struct ledger_ref *ref,
                                       const struct ledger_row *row),
                             void *arg);

/* The months that have rows, or a seal, oldest first: their first milliseconds. At most max are
 * written. */
int ledger_reader_months(struct ledger_reader *reader, int64_t *ret_from_ms, size_t max,
                         size_t *ret_count);

#endif
