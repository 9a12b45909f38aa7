/* ledger_drain.h - from journals into RocksDB: what each kind of record does to the database.
 *
 * Records become effects in one write batch, together with the position up to which each lane was
 * read. The batch is atomic, so every record counts exactly once, whenever the process dies.
 * The writer thread uses this while lanes are in use; recovery uses it before.
 *
 * Threads: one.
 */
#ifndef ACCOUNTING_LEDGER_DRAIN_H
#define ACCOUNTING_LEDGER_DRAIN_H

#include "accounting/ledger_block.h"
#include "accounting/ledger_db.h"
#include "accounting/ledger_journal.h"

enum { DRAIN_BATCH_ROWS = 1000, DRAIN_BATCH_BYTES = 1024 * 1024, DRAIN_HOURS = 16 };

/* One lane as the drain sees it. */
struct drain_source {
    unsigned lane;
    struct journal *journal;  /* borrow */
    uint64_t position;        /* read up to here, in the batch or committed */
    uint64_t committed;       /* RocksDB has it up to here */
    int64_t created_at_ms;    /* latest of a hold or row: the floor of the lane's clock */
    struct ledger_ref last;   /* the last place that it gave (ledger_ends.h) */
    bool gave;                /* in this batch */
    uint64_t bytes;           /* of records read */
    _Atomic uint64_t applied; /* of those, committed: any thread reads it */
};

struct drain {
    struct ledger_db *db;         /* borrow */
    struct drain_source *sources; /* borrow */
    unsigned count;
    rocksdb_writebatch_t *batch;
    unsigned batch_records, batch_rows;
    size_t batch_bytes;
    struct ledger_block block;       /* rows that are not in the batch yet */
    int64_t changed_ms[DRAIN_HOURS]; /* hours whose rollups this batch makes stale */
    unsigned changed_count;
    _Atomic uint64_t rows; /* committed */
    uint8_t scratch[ROW_ENCODED_MAX];
};

void drain_init(struct drain *drain, struct ledger_db *db, struct drain_source *sources,
                unsigned count);
void drain_release(struct drain *drain);

/* Applies the records of one lane up to limit, committing as batches fill up. *ret_blocked: a
 * settlement waits for a row that another lane still holds. -EILSEQ: the record at
 * source->position is damaged. Else an error of RocksDB. */
int drain_source(struct drain *drain, struct drain_source *source, uint64_t limit,
                 bool *ret_blocked);
/* Writes what is in the batch. On failure nothing of it counts: drain_rewind(). */
int drain_commit(struct drain *drain);
/* After an error and a new database handle: forgets the batch, and asks the database how far each
 * lane got; the batch that failed may have been written all the same. */
int drain_rewind(struct drain *drain, struct ledger_db *db);

/* A row into its month, and onto the list of those that may still change. In the batch. */
int drain_put_row(struct drain *drain, const struct ledger_ref *ref, const uint8_t *row, size_t len,
                  bool pending);
/* What finds a row by its ids. In the batch. borrow: row. */
void drain_index(struct drain *drain, const struct ledger_ref *ref, const struct ledger_row *row);
/* Takes a hold, and the upstream's id if there is one, off the list. In the batch. */
void drain_drop_hold(struct drain *drain, const struct ledger_ref *ref);

#endif
