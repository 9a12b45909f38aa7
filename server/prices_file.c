#include "server/prices_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_EVERY_MS = 20, NAMES_TRIED = 8 };

/* --- which file it is --- */

/* A file that is not there yet: its folder is. */
static int find_new(const char *path, char real[PATH_MAX])
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    char folder[PATH_MAX], whole[PATH_MAX];
    struct stat status;
    int len = slash == NULL ? snprintf(folder, sizeof folder, ".")
                            : snprintf(folder, sizeof folder, "%.*s/", (int)(slash - path), path);

    if (len < 0 || (size_t)len >= sizeof folder)
        return -ENAMETOOLONG;
    if (name[0] == '\0')
        return -EISDIR;
    if (lstat(path, &status) == 0 || errno != ENOENT)
        return -ENOENT; /* a link that points to nothing */
    if (realpath(folder, whole) == NULL)
        return -errno;
    len = snprintf(real, PATH_MAX, "%s/%s", strcmp(whole, "/") == 0 ? "" : whole, name);
    return len < 0 || len >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static int find_real(const char *path, struct prices_file *file)
{
    int result = 0;

    file->exists = realpath(path, file->path) != NULL;
    if (!file->exists)
        result = errno == ENOENT ? find_new(path, file->path) : -errno;
    if (result == 0)
        file->name = strrchr(file->path, '/') + 1;
    return result;
}

/* --- the lock --- */

static int wait_for_lock(int folder, const _Atomic bool *stop)
{
    static const struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000L};

    for (int waited_ms = 0; flock(folder, LOCK_EX | LOCK_NB) != 0; waited_ms += LOOK_EVERY_MS) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -errno;
        if (stop != NULL && atomic_load(stop))
            return -ECANCELED;
        if (waited_ms >= PRICES_FILE_WAIT_MS)
            return -EBUSY;
        nanosleep(&pause, NULL);
    }
    return 0;
}

static int open_folder(const struct prices_file *file)
{
    char folder[PATH_MAX];
    size_t len = (size_t)(file->name - file->path);
    int fd;

    memcpy(folder, file->path, len); /* with its slash */
    folder[len] = '\0';
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int prices_file_lock(const char *path, const _Atomic bool *stop, struct prices_file *ret_file)
{
    struct prices_file *file = ret_file;
    int result = find_real(path, file);

    if (result != 0)
        return result;
    file->folder = open_folder(file);
    if (file->folder < 0)
        return file->folder;
    result = wait_for_lock(file->folder, stop);
    if (result != 0) {
        close(file->folder);
        return result;
    }
    file->exists = faccessat(file->folder, file->name, F_OK, 0) == 0; /* it may be there by now */
    return 0;
}

void prices_file_unlock(struct prices_file *file)
{
    close(file->folder);
    file->folder = -1;
}

/* --- writing --- */

/* A new file beside it; its name in beside. A descriptor, or a negative errno. */
static int make_beside(const struct prices_file *file, mode_t mode, char beside[NAME_MAX + 1])
{
    for (int i = 0; i < NAMES_TRIED; i++) {
        uint64_t chance;
        int len, fd;
        if (getrandom(&chance, sizeof chance, 0) != sizeof chance)
            return -EIO;
        len = snprintf(beside, NAME_MAX + 1, ".%s.%016llx", file->name, (unsigned long long)chance);
        if (len < 0 || len > NAME_MAX)
            return -ENAMETOOLONG;
        fd = openat(file->folder, beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                    mode);
        if (fd >= 0 || errno != EEXIST)
            return fd >= 0 ? fd : -errno;
    }
    return -EEXIST;
}

/* Who may read it stays who may read it: a group that we may not give gets nothing. */
static int keep_rights(int fd, const struct stat *old)
{
    mode_t mode = old->st_mode & 0777;
    struct stat now;

    if (fstat(fd, &now) != 0)
        return -errno;
    if (now.st_gid != old->st_gid && fchown(fd, (uid_t)-1, old->st_gid) != 0)
        mode &= (mode_t)~070;
    if (fchmod(fd, mode) != 0)
        return -errno;
    /* Last, since it may not be ours any more then. Only root gives files away: else it is ours
     * from here on. */
    if (now.st_uid != old->st_uid && fchown(fd, old->st_uid, (gid_t)-1) != 0 && errno != EPERM)
        return -errno;
    return 0;
}

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? -errno : -EIO;
        bytes += written;
        len -= (size_t)written;
    }
    return fsync(fd) == 0 ? 0 : -errno;
}

int prices_file_replace(struct prices_file *file, const char *bytes, size_t len)
{
    char beside[NAME_MAX + 1];
    struct stat old;
    int fd, result = 0;

    file->exists = fstatat(file->folder, file->name, &old, AT_SYMLINK_NOFOLLOW) == 0;
    if (file->exists && !S_ISREG(old.st_mode))
        return -EINVAL;
    fd = make_beside(file, file->exists ? 0600 : 0666, beside);
    if (fd < 0)
        return fd;
    if (file->exists)
        result = keep_rights(fd, &old);
    if (result == 0)
        result = write_all(fd, bytes, len);
    if (close(fd) != 0 && result == 0)
        result = -errno;
    if (result == 0 && renameat(file->folder, beside, file->folder, file->name) != 0)
        result = -errno;
    if (result != 0) {
        unlinkat(file->folder, beside, 0);
        return result;
    }
    file->exists = true;
    return fsync(file->folder) == 0 ? 0 : -errno;
}
