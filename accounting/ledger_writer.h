/* ledger_writer.h - the ledger's insides, shared by ledger.c and the writer thread.
 *
 * Threads: `lock` guards db, drain and sources; the writer holds it for a round at a time. What a
 * lane's owner and the writer share without it: the journals' tail and head, `sleeping`, and the
 * atomics below.
 */
#ifndef ACCOUNTING_LEDGER_WRITER_H
#define ACCOUNTING_LEDGER_WRITER_H

#include "accounting/ledger_drain.h"

#include <pthread.h>

struct ledger_lane {
    struct journal journal;
    struct ledger *ledger;
    unsigned index;
    uint64_t boot_and_lane; /* in their places in a sequence */
    uint32_t counter;
    unsigned micros, floor_micros; /* within the millisecond: of now, and of the last row */
    int64_t floor_ms;              /* created_at never goes below */
    uint64_t kicked;               /* tail at the last kick */
    _Alignas(128) _Atomic uint64_t durable;
    uint8_t scratch[ROW_ENCODED_MAX];
};

struct ledger {
    unsigned lane_count;
    bool power; /* LEDGER_POWER */
    uint32_t tolerance_ppm;
    char *dir;
    int lock_fd, wake_fd;
    struct ledger_lane *lanes;
    pthread_t thread;
    bool started;

    _Alignas(128) _Atomic bool sleeping; /* the writer waits for a kick */
    _Atomic bool stop;
    _Atomic int error;

    _Alignas(128) pthread_mutex_t lock;
    struct ledger_db *db; /* NULL while it cannot be opened again after an error */
    struct drain drain;
    struct drain_source sources[LEDGER_LANES_MAX];
    void (*on_durable)(void *arg, unsigned lane);
    void *on_durable_arg;
};

int ledger_writer_start(struct ledger *ledger);
/* Drains what the lanes hold and ends the thread. Where the disk refuses, records stay in the
 * journals for the next start. */
void ledger_writer_stop(struct ledger *ledger);

#endif
