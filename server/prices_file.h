/* prices_file.h - the price table's file, changed by one at a time: `tollgate prices import` and
 * the gateway's refresh both read it, merge into it and write it whole, under one lock, so that
 * neither undoes what the other did.
 *
 * The lock is flock(2) on the folder that holds the file: it leaves nothing behind, and holds
 * whichever name the file is known by. A symbolic link is followed: what it points to is replaced.
 *
 * Threads: one at a time for each object; it blocks.
 */
#ifndef SERVER_PRICES_FILE_H
#define SERVER_PRICES_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum { PRICES_FILE_WAIT_MS = 10 * 1000 };

struct prices_file {
    char path[PATH_MAX]; /* the file itself, absolute, no link */
    const char *name;    /* its last part */
    int folder;          /* open, locked */
    bool exists;
};

/* Waits for whoever has it: at most PRICES_FILE_WAIT_MS (-EBUSY), or until *stop (may be NULL)
 * becomes true (-ECANCELED). -ENOENT: there is no such folder, or a link points to nothing;
 * -ENAMETOOLONG, and what open(2) says. */
int prices_file_lock(const char *path, const _Atomic bool *stop, struct prices_file *ret_file);
/* Replaces the file, or makes it: written beside it under a name of its own, on disk, then renamed,
 * so that whoever reads sees all of one or all of the other. Keeps mode and group of the old one,
 * and its owner where we may; a new one has what the umask leaves. A negative errno: the old one is
 * as it was, but for a failure to sync the folder. */
int prices_file_replace(struct prices_file *file, const char *bytes, size_t len);
void prices_file_unlock(struct prices_file *file);

#endif
