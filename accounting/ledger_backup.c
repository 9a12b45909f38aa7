/* ledger_backup.c - a consistent copy of the ledger while it is being written.
 *
 * What the lanes had recorded is drained first, so that the copy needs no journals; RocksDB's
 * checkpoint is consistent by itself, and links files where it can. Nothing is held while it is
 * made but the database: the writer goes on.
 */
#include "accounting/ledger_close.h"

#include "accounting/ledger_recover.h"
#include "accounting/ledger_view.h"
#include "accounting/ledger_writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DRAIN_MS = 30 * 1000, FLUSH_ALWAYS = 0 };

static int say(char *error, size_t error_size, const char *path, int result)
{
    snprintf(error, error_size, "%s: %s", path, strerror(-result));
    return result;
}

static int is_empty(const char *path, bool *ret_empty)
{
    struct dirent *entry;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return -errno;
    *ret_empty = true;
    while ((entry = readdir(dir)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            *ret_empty = false;
    closedir(dir);
    return 0;
}

static int sync_path(const char *path, int flags)
{
    int result, fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    if (fd < 0)
        return -errno;
    result = fsync(fd) == 0 ? 0 : -errno;
    close(fd);
    return result;
}

/* The files of a directory, and the directory. */
static int sync_directory(const char *path)
{
    char file[JOURNAL_PATH_MAX + 512];
    struct dirent *entry;
    int result = 0;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return -errno;
    while (result == 0 && (entry = readdir(dir)) != NULL) {
        if (entry->d_type == DT_DIR)
            continue;
        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        result = sync_path(file, 0);
    }
    closedir(dir);
    return result < 0 ? result : sync_path(path, O_DIRECTORY);
}

static int make_checkpoint(struct ledger *ledger, const char *path, char *error, size_t error_size)
{
    rocksdb_checkpoint_t *checkpoint;
    struct ledger_view view;
    char *problem = NULL;
    int result = ledger_wait_drained(ledger, DRAIN_MS);
    if (result == 0)
        result = ledger_view_pin(ledger, NULL, &view);
    if (result < 0) {
        snprintf(error, error_size,
                 "the running gateway has not written its last rows within %d s: see whether its "
                 "disk is full",
                 DRAIN_MS / 1000);
        return result;
    }
    checkpoint = rocksdb_checkpoint_object_create(view.db->db, &problem);
    if (problem == NULL)
        rocksdb_checkpoint_create(checkpoint, path, FLUSH_ALWAYS, &problem);
    if (checkpoint != NULL)
        rocksdb_checkpoint_object_destroy(checkpoint);
    ledger_view_release(&view);
    return problem == NULL ? 0 : ledger_db_error(problem, error, error_size);
}

/* dir/ledger, in a directory that is ours alone. */
static int make_place(const char *dir, const char *ledger_dir, char *error, size_t error_size)
{
    bool empty = false;
    int result = ledger_make_directory(dir);
    if (result == 0)
        result = is_empty(dir, &empty);
    if (result < 0)
        return say(error, error_size, dir, result);
    if (!empty) {
        snprintf(error, error_size, "%s: it is not empty: name a directory that is", dir);
        return -EEXIST;
    }
    return mkdir(ledger_dir, 0700) == 0 ? 0 : say(error, error_size, ledger_dir, -errno);
}

int ledger_backup(struct ledger *ledger, const char *dir, char *error, size_t error_size)
{
    char ledger_dir[JOURNAL_PATH_MAX], path[JOURNAL_PATH_MAX];
    int result, len = snprintf(ledger_dir, sizeof(ledger_dir), "%s/ledger", dir);
    if (len < 0 || len + 32 > (int)sizeof(ledger_dir))
        return say(error, error_size, dir, -ENAMETOOLONG);
    ledger_db_path(ledger_dir, path);
    result = make_place(dir, ledger_dir, error, error_size);
    if (result < 0)
        return result;
    pthread_mutex_lock(&ledger->upkeep_lock);
    result = make_checkpoint(ledger, path, error, error_size);
    pthread_mutex_unlock(&ledger->upkeep_lock);
    if (result == 0) {
        result = sync_directory(path);
        if (result == 0)
            result = sync_path(ledger_dir, O_DIRECTORY);
        if (result == 0)
            result = sync_path(dir, O_DIRECTORY);
        if (result < 0)
            say(error, error_size, path, result);
    } else {
        rmdir(ledger_dir); /* so that the next try finds it empty */
    }
    return result;
}
