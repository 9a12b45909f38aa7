/* ledger_reader.h - a reader's insides, for the files that read by way of it. Threads: one. */
#ifndef ACCOUNTING_LEDGER_READER_H
#define ACCOUNTING_LEDGER_READER_H

#include "accounting/ledger_recover.h"
#include "accounting/ledger_view.h"

struct ledger_reader {
    struct ledger *ledger;    /* within its process; else NULL */
    const _Atomic bool *stop; /* borrow; may be NULL */
    struct ledger_db *db;     /* a secondary; NULL: a directory without a ledger */
    char db_path[JOURNAL_PATH_MAX];
    char scratch[JOURNAL_PATH_MAX];   /* a secondary wants a directory of its own; empty: none */
    uint64_t tails[LEDGER_LANES_MAX]; /* what every lane had recorded when we came */
};

/* The database for the length of a call; db is NULL where there is nothing to read. */
int ledger_reader_begin(struct ledger_reader *reader, struct ledger_view *ret_view);

#endif
