/* ledger_writer.h - the ledger's insides, shared by ledger.c and the writer thread.
 *
 * Threads: `lock` guards db, drain and sources; the writer holds it for a round at a time. Who only
 * reads rows (ledger_find.c) does not wait for rounds: `read_lock` guards `readable` and `readers`,
 * and the writer takes it only to close the database after an error. What a lane's owner and the
 * writer share without locks: the journals' tail and head, `sleeping`, and the atomics below.
 *
 * Closing a month (ledger_close.c): `place_floor_ms` moves to the month's end, so that no lane
 * gives a place in it any more; a lane says by `recording` that it has read the floor and not
 * written its record yet. Settlements look at `closing_ms` and `closed_before_ms` and record under
 * `settle_lock`. When both are done and the lanes are drained, the month stands still.
 *
 * `upkeep_lock` is for what works on the database besides the writer (rollups, closing, dropping,
 * copying): one at a time, and it may take long. Lock order: upkeep_lock -> (settle_lock | lock ->
 * read_lock).
 */
#ifndef ACCOUNTING_LEDGER_WRITER_H
#define ACCOUNTING_LEDGER_WRITER_H

#include "accounting/ledger_drain.h"

#include <pthread.h>

/* A sequence: microseconds within created_at's millisecond, so that rows of different lanes stand
 * in the order in which they came; boot counter, lane, counter. The counter may wrap: take_ref()
 * sees to it that no two rows of a lane are ever named alike. */
enum {
    LEDGER_MICROS_BITS = 10,
    LEDGER_BOOT_BITS = 20,
    LEDGER_LANE_BITS = 8,
    LEDGER_COUNTER_BITS = 26,
    LEDGER_MICROS_SHIFT = LEDGER_BOOT_BITS + LEDGER_LANE_BITS + LEDGER_COUNTER_BITS,
};
_Static_assert(LEDGER_MICROS_BITS + (int)LEDGER_MICROS_SHIFT == 64, "a sequence is 64 bits");
_Static_assert(1 << LEDGER_LANE_BITS == (int)LEDGER_LANES_MAX, "every lane has its number");

struct ledger_lane {
    struct journal journal;
    struct ledger *ledger;
    unsigned index;
    uint64_t boot_and_lane; /* in their places in a sequence */
    uint32_t counter;
    _Atomic bool recording;        /* between reading the floor of places and the record */
    unsigned micros, floor_micros; /* within the millisecond: of now, and of the last row */
    int64_t floor_ms;              /* created_at never goes below */
    uint64_t kicked;               /* tail at the last kick */
    _Alignas(128) _Atomic uint64_t durable;
    uint8_t scratch[ROW_ENCODED_MAX];
};

struct ledger {
    unsigned lane_count;
    bool power; /* LEDGER_POWER */
    char *dir;
    int lock_fd, wake_fd;
    struct ledger_lane *lanes;
    pthread_t thread;
    bool started;

    _Alignas(128) _Atomic bool sleeping; /* the writer waits for a kick */
    _Atomic bool stop;
    _Atomic int error;
    _Atomic int64_t place_floor_ms;   /* no place is given before it */
    _Atomic int64_t closed_before_ms; /* months before it are closed; changed under settle_lock */

    _Alignas(128) pthread_mutex_t lock;
    struct ledger_db *db;     /* NULL while it cannot be opened again after an error */
    int64_t rolled_before_ms; /* db's, while it is being opened again */
    struct drain drain;
    struct drain_source sources[LEDGER_LANES_MAX];
    void (*on_durable)(void *arg, unsigned lane);
    void *on_durable_arg;

    _Alignas(128) pthread_mutex_t read_lock;
    pthread_cond_t unread;      /* readers has become 0 */
    struct ledger_db *readable; /* db, or NULL while it is being opened again */
    unsigned readers;           /* who uses it now */
    _Atomic bool evicting;      /* the writer waits for them */

    pthread_mutex_t settle_lock;
    int64_t closing_ms; /* 0, or the end of a month of which it is just being decided */

    pthread_mutex_t upkeep_lock;
    int64_t rolled_ms; /* hours before it have been looked at by ledger_rollup_run() */
};

/* With `lock` held: lets go of months that were dropped, when nobody is reading. */
void ledger_forget_dropped_locked(struct ledger *ledger);

int ledger_writer_start(struct ledger *ledger);
/* Any thread: wakes the writer, whatever it sleeps for. */
void ledger_writer_wake(struct ledger *ledger);
/* Drains what the lanes hold and ends the thread. Where the disk refuses, records stay in the
 * journals for the next start. */
void ledger_writer_stop(struct ledger *ledger);

#endif
