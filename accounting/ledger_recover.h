/* ledger_recover.h - what a start does before anybody writes: the lock, the journals that a dead
 * process left, the holds that it left open. Server and reader start alike.
 *
 * Files in the ledger's directory: lock, journal.<lane>, db/.
 *
 * Threads: one.
 */
#ifndef ACCOUNTING_LEDGER_RECOVER_H
#define ACCOUNTING_LEDGER_RECOVER_H

#include "accounting/ledger_db.h"
#include "accounting/ledger_journal.h"

void ledger_journal_path(const char *dir, unsigned lane, char path[JOURNAL_PATH_MAX]);
void ledger_db_path(const char *dir, char path[JOURNAL_PATH_MAX]);

/* Makes a directory and those above it, mode 0700. */
int ledger_make_directory(const char *dir);

/* One process writes a ledger at a time. Waits up to wait_ms; -EBUSY. Close *ret_fd to let go. */
int ledger_lock(const char *dir, int64_t wait_ms, int *ret_fd);
/* The lock file's one byte tells readers what the holder does: from ledger_lock() on it recovers,
 * and rows of a dead process may still be holds; from here on it serves. */
void ledger_lock_serves(int fd);
bool ledger_lock_is_serving(const char *dir);

/* Drains every journal there is, whatever its lane, and makes a row of every open hold: pending
 * when the upstream's id is known, else unknown. The journals are empty afterwards. */
int ledger_recover(const char *dir, struct ledger_db *db, char *error, size_t error_size);

/* A deadline that reads no clock: the kernel's. Poll the descriptor, or ask. */
int ledger_deadline(int64_t wait_ms, int *ret_fd);
/* Sleeps a little; true when the deadline has passed. */
bool ledger_deadline_nap(int fd, int nap_ms);

#endif
