/* store_open.c - the cache's directory: lock, secret, database; opening and closing the store.
 *
 *     dir/lock    held (flock) while a process has the store open
 *     dir/secret  32 random bytes, mode 0600
 *     dir/db      the disk tier's database; made anew when it cannot be read
 */
#include "cache/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES_MAX = 4096 };

/* What went wrong and where, once: the error number goes on to the caller. */
static int fail(int err, const char *path, const char *what, char *error, size_t error_size)
{
    snprintf(error, error_size, "%s: %s: %s", path, what, strerror(-err));
    return err;
}

static int path_in(const char *dir, const char *name, char *path)
{
    int len = snprintf(path, PATH_BYTES_MAX, "%s/%s", dir, name);
    return len < 0 || len >= PATH_BYTES_MAX ? -ENAMETOOLONG : 0;
}

/* Makes the directory and those above it that are missing. */
static int make_dirs(const char *dir)
{
    char path[PATH_BYTES_MAX];
    int len = snprintf(path, sizeof(path), "%s", dir);
    if (len < 0 || (size_t)len >= sizeof(path))
        return -ENAMETOOLONG;
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    return mkdir(path, 0700) != 0 && errno != EEXIST ? -errno : 0;
}

static int lock_dir(struct store *store, const char *dir, char *error, size_t error_size)
{
    char path[PATH_BYTES_MAX];
    int err = make_dirs(dir);
    if (err == 0)
        err = path_in(dir, "lock", path);
    if (err != 0)
        return fail(err, dir, "cannot make the cache's directory", error, error_size);
    store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock_fd < 0)
        return fail(-errno, path, "cannot open", error, error_size);
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    err = errno == EWOULDBLOCK ? -EBUSY : -errno;
    return fail(err, path, "another process has this cache open; stop it first", error, error_size);
}

/* --- secret --- */

static int read_secret(const char *path, uint8_t secret[STORE_SECRET_BYTES])
{
    uint8_t bytes[STORE_SECRET_BYTES + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t len = read(fd, bytes, sizeof(bytes));
    int err = len < 0 ? -errno : len == STORE_SECRET_BYTES ? 0 : -EBADMSG;
    close(fd);
    if (err == 0)
        memcpy(secret, bytes, STORE_SECRET_BYTES);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return err;
}

static int sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int err = fsync(fd) != 0 ? -errno : 0;
    close(fd);
    return err;
}

/* Written beside and renamed: a crash leaves either no secret or a whole one. */
static int make_secret(const char *dir, const char *path)
{
    char draft[PATH_BYTES_MAX];
    uint8_t bytes[STORE_SECRET_BYTES];
    int err = path_in(dir, "secret.new", draft);
    if (err != 0)
        return err;
    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        return -EIO;
    unlink(draft); /* left by a crash; the directory is locked, so nobody else is writing it */
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    errno = 0;
    if (write(fd, bytes, sizeof(bytes)) != sizeof(bytes))
        err = errno != 0 ? -errno : -EIO;
    else if (fsync(fd) != 0)
        err = -errno;
    close(fd);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    if (err == 0 && rename(draft, path) != 0)
        err = -errno;
    if (err == 0)
        err = sync_dir(dir);
    if (err != 0)
        unlink(draft);
    return err;
}

static int load_secret(struct store *store, const char *dir, char *error, size_t error_size)
{
    char path[PATH_BYTES_MAX];
    int err = path_in(dir, "secret", path);
    if (err == 0)
        err = read_secret(path, store->secret);
    if (err == -ENOENT) {
        err = make_secret(dir, path);
        if (err == 0)
            err = read_secret(path, store->secret);
    }
    if (err == -EBADMSG)
        return fail(err, path, "is not 32 bytes; remove it, and the cache starts empty", error,
                    error_size);
    return err == 0 ? 0 : fail(err, path, "cannot read or make the secret", error, error_size);
}

/* --- database --- */

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

static int remove_tree(const char *path)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
        return 0;
    return -errno;
}

/* A database that cannot be read is removed, not kept aside: copies of unknown worth would take
 * disk space that nothing bounds. */
static int open_disk(struct store *store, const struct store_options *options,
                     const char **ret_note, char *error, size_t error_size)
{
    char path[PATH_BYTES_MAX];
    const char *note = NULL;
    int err = path_in(options->dir, "db", path);
    if (err != 0)
        return fail(err, options->dir, "the path is too long", error, error_size);
    /* Time 0: store_tick() drops what has expired, as soon as it is told the time. */
    err = disk_open(path, options->disk_bytes, 0, &store->disk, error, error_size);
    /* An unknown format is refused (design law 9): it may be a newer version's, and worth keeping.
     */
    if (err == -EBADMSG || err == -EIO)
        note = "the disk cache was unreadable: it was removed and starts empty";
    if (note != NULL) {
        err = remove_tree(path);
        if (err != 0)
            return fail(err, path, "cannot remove the unreadable cache", error, error_size);
        err = disk_open(path, options->disk_bytes, 0, &store->disk, error, error_size);
    }
    if (err != 0)
        return err;
    store->pool = pool_new(options->disk_threads > 0 ? options->disk_threads : STORE_DISK_THREADS);
    if (store->pool == NULL)
        return fail(-ENOMEM, path, "cannot start the disk threads", error, error_size);
    if (note != NULL && ret_note != NULL)
        *ret_note = note;
    return 0;
}

/* --- open, close --- */

static int open_parts(struct store *store, const struct store_options *options,
                      const char **ret_note, char *error, size_t error_size)
{
    store->budget = tape_budget_new(options->tape_bytes);
    store->ram = ram_new(options->memory_bytes);
    store->flights = flight_map_new();
    if (store->budget == NULL || store->ram == NULL || store->flights == NULL)
        return fail(-ENOMEM, options->dir, "cannot open the cache", error, error_size);
    int err = lock_dir(store, options->dir, error, error_size);
    if (err == 0)
        err = load_secret(store, options->dir, error, error_size);
    if (err == 0 && options->disk_bytes > 0)
        err = open_disk(store, options, ret_note, error, error_size);
    return err;
}

int store_open(const struct store_options *options, struct store **ret_store, const char **ret_note,
               char *error, size_t error_size)
{
    struct store *store = calloc(1, sizeof(*store));
    if (store == NULL)
        return fail(-ENOMEM, options->dir, "cannot open the cache", error, error_size);
    store->lock_fd = -1;
    store->entry_bytes_max = options->entry_bytes_max;
    memcpy(store->slot_bytes, options->slot_bytes, sizeof(store->slot_bytes));
    int err = open_parts(store, options, ret_note, error, error_size);
    if (err != 0) {
        store_close(store);
        return err;
    }
    *ret_store = store;
    return 0;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    pool_free(store->pool); /* first: its jobs use everything else */
    disk_close(store->disk);
    flight_map_free(store->flights);
    ram_free(store->ram);
    tape_budget_free(store->budget);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    OPENSSL_cleanse(store, sizeof(*store));
    free(store);
}
