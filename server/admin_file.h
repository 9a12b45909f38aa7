/* admin_file.h - files that are there whole or not at all. Threads: any. */
#ifndef SERVER_ADMIN_FILE_H
#define SERVER_ADMIN_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { ADMIN_FILE_HASH = 32 };

/* A file that is being written beside the place where it is to be: path and ".part", mode 0600, and
 * locked, so that one which a dead process left behind is told from one that is being written. */
struct admin_file {
    FILE *stream; /* "w+" */
    char path[4096], part[4096 + 8];
};
/* Replaces what a dead process left. -EEXIST: it is being written, or what is called so is not
 * ours. Other errnos. */
int admin_file_begin(struct admin_file *file, const char *path);
/* Flushes it to the disk and reads it back: SHA-256 of what it holds. */
int admin_file_sync(struct admin_file *file, uint8_t ret_hash[ADMIN_FILE_HASH]);
/* Gives it its name, durably; never replaces: -EEXIST. 1: the file that is there holds the same
 * (hash; NULL: is not asked) and is taken as it is. Either way the file is closed, and where it did
 * not get its name, gone. */
int admin_file_finish(struct admin_file *file, const uint8_t *hash);
/* Closes and removes what is not finished. */
void admin_file_abandon(struct admin_file *file);

/* Writes a small file in one go; -EEXIST. */
int admin_file_write(const char *path, const void *bytes, size_t len);
/* Copies a small secret file (64 KiB at most: -EFBIG). -ENOENT: there is no `from`. */
int admin_file_copy(const char *from, const char *to);
/* Makes the names in the folder of path durable. */
int admin_file_sync_folder(const char *path);

#endif
