/* admin_close.h - closing a month and copying the ledger: what the admin address and the commands
 * share.
 *
 * Closing with an export. A seal names the SHA-256 of the month's export, so the file must hold the
 * very rows that are sealed, and it must be whole on the disk before the seal is. The order:
 *
 *     1  nothing of the month may be open: no call under way, and no cost still to come unless
 *        with_pending
 *     2  the root of the tree over its rows
 *     3  the export, into a file beside, made durable
 *     4  the file gets its name; one that is there already is never replaced, but taken as it is
 *        when it holds the same: an earlier try that was killed before 5 left it
 *     5  ledger_close_month() with the hash of 3 and the root of 2, which makes the month stand
 *        still and seals it when its root is that one; when it refuses, the file goes again, and
 *        when it fails, it stays, for there may be a seal that names it
 *     6  the head is written beside as FILE.head
 *
 * A row may still change between 2 and the moment in which 5 makes the month stand still: listed
 * ones do. Then 5 seals nothing (-ESTALE), and 2 to 5 are done once more, with rows that do not
 * change any more. When that fails, the rows stand still all the same: closing again seals them.
 *
 * Threads: any but the ledger's writer; one closing at a time. Blocks on the disk.
 */
#ifndef SERVER_ADMIN_CLOSE_H
#define SERVER_ADMIN_CLOSE_H

#include "accounting/ledger_close.h"
#include "server/admin_error.h"

#include <stdatomic.h>

struct admin_close_order {
    const char *data_dir;     /* where the signing key is */
    const char *month;        /* "2026-10" */
    int64_t from_ms, to_ms;   /* the same */
    int64_t now_ms;           /* wall clock */
    bool with_pending;        /* also when requests of it still wait for their cost */
    const char *export_path;  /* absolute; NULL or empty: no export */
    const _Atomic bool *stop; /* becomes true: ends before the month is closed; may be NULL */
    /* For tests, may be NULL: called when the first export is whole and nothing is sealed. */
    void (*on_exported)(void *arg);
    void *arg;
};
/* 0 and the signed head; -1 with error: there is no head, unless code is "head_not_written". */
int admin_close(struct ledger *ledger, const struct admin_close_order *order, struct seal *ret_seal,
                struct admin_error *error);
/* {"month",...,"head":"the signed text"} */
void admin_close_print(const struct seal *seal, struct out *out);

/* Copies the ledger and what belongs to it into dir, an absolute path of a folder that is empty or
 * not there: dir/ledger, identity.secret and signing-key (mode 0600), so that the copy continues
 * the same key ids and signs with the same key. Durable when it returns. -1 with error. */
int admin_backup(struct ledger *ledger, const char *data_dir, const char *dir,
                 struct admin_error *error);
void admin_backup_print(const char *dir, struct out *out);

#endif
