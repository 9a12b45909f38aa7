#include "server/admin_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024, COPY_BYTES_MAX = 64 * 1024 };

/* errno where a call failed: never 0. */
static int failure(void)
{
    return errno != 0 ? -errno : -EIO;
}

/* What is called so is the file that was locked, and nobody else's: -EEXIST. */
static int check_part(int fd, const char *path, bool fresh)
{
    struct stat here, there;
    bool ours = fstat(fd, &here) == 0 && lstat(path, &there) == 0 && here.st_dev == there.st_dev &&
                here.st_ino == there.st_ino;

    if (ours && !fresh)
        ours = S_ISREG(here.st_mode) && here.st_nlink == 1 && here.st_uid == geteuid() &&
               (here.st_mode & 0777) == 0600;
    return ours ? 0 : -EEXIST;
}

/* Gives it locked and empty. */
static int open_part(const char *path, int *ret_fd)
{
    const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int fd = open(path, flags | O_CREAT | O_EXCL, 0600), result = 0;
    bool fresh = fd >= 0, locked;

    if (!fresh && errno != EEXIST)
        return failure();
    if (!fresh)
        fd = open(path, flags);
    if (fd < 0)
        return -EEXIST;
    /* Not every file system has locks: there only what is new is ours for certain. */
    locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (!locked && (!fresh || errno == EWOULDBLOCK))
        result = -EEXIST;
    if (result == 0)
        result = check_part(fd, path, fresh);
    if (result == 0 && !fresh && ftruncate(fd, 0) != 0)
        result = failure();
    if (result == 0)
        *ret_fd = fd;
    else
        close(fd);
    return result;
}

int admin_file_begin(struct admin_file *file, const char *path)
{
    size_t len = strlen(path);
    int fd, result;

    if (len >= sizeof file->path)
        return -ENAMETOOLONG;
    memcpy(file->path, path, len + 1);
    snprintf(file->part, sizeof file->part, "%s.part", path);
    result = open_part(file->part, &fd);
    if (result != 0)
        return result;
    file->stream = fdopen(fd, "w+");
    if (file->stream != NULL)
        return 0;
    unlink(file->part);
    close(fd);
    return -ENOMEM;
}

static int hash_stream(FILE *stream, uint8_t ret_hash[ADMIN_FILE_HASH])
{
    static _Thread_local char bytes[READ_BYTES];
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool good = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;
    size_t got;

    while (good && (got = fread(bytes, 1, sizeof bytes, stream)) > 0)
        good = EVP_DigestUpdate(digest, bytes, got) == 1;
    good = good && !ferror(stream) && EVP_DigestFinal_ex(digest, ret_hash, NULL) == 1;
    EVP_MD_CTX_free(digest);
    return good ? 0 : -EIO;
}

int admin_file_sync(struct admin_file *file, uint8_t ret_hash[ADMIN_FILE_HASH])
{
    errno = 0;
    if (fflush(file->stream) != 0 || fsync(fileno(file->stream)) != 0)
        return failure();
    rewind(file->stream);
    return hash_stream(file->stream, ret_hash);
}

void admin_file_abandon(struct admin_file *file)
{
    if (file->stream == NULL)
        return;
    unlink(file->part); /* while it is locked */
    fclose(file->stream);
    file->stream = NULL;
}

/* Not every file system can rename without replacing: a second name, then, and one less. */
static int give_name(const struct admin_file *file)
{
    if (renameat2(AT_FDCWD, file->part, AT_FDCWD, file->path, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return failure();
    if (link(file->part, file->path) != 0)
        return failure();
    unlink(file->part);
    return 0;
}

/* 1: what has the name already holds the same, durably; else -EEXIST. */
static int take_same(const char *path, const uint8_t hash[ADMIN_FILE_HASH])
{
    uint8_t found[ADMIN_FILE_HASH];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    FILE *stream = fd >= 0 ? fdopen(fd, "r") : NULL;
    struct stat status;
    bool same;

    if (stream == NULL) {
        if (fd >= 0)
            close(fd);
        return -EEXIST;
    }
    same = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && hash_stream(stream, found) == 0 &&
           memcmp(found, hash, ADMIN_FILE_HASH) == 0 && fsync(fd) == 0;
    fclose(stream);
    return same ? 1 : -EEXIST;
}

int admin_file_finish(struct admin_file *file, const uint8_t *hash)
{
    int result = 0, synced;

    assert(file->stream != NULL);
    errno = 0;
    if (fflush(file->stream) != 0)
        result = failure();
    if (result == 0)
        result = give_name(file);
    if (result == -EEXIST && hash != NULL)
        result = take_same(file->path, hash);
    if (result != 0)
        unlink(file->part); /* while it is locked */
    fclose(file->stream);   /* what it held is on the disk */
    file->stream = NULL;
    if (result < 0)
        return result;
    synced = admin_file_sync_folder(file->path);
    return synced == 0 ? result : synced;
}

int admin_file_sync_folder(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t len;
    int fd, result = 0;

    assert(slash != NULL); /* paths are absolute */
    len = slash == path ? 1 : (size_t)(slash - path);
    if (len >= sizeof folder)
        return -ENAMETOOLONG;
    memcpy(folder, path, len);
    folder[len] = '\0';
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return failure();
    if (fsync(fd) != 0)
        result = failure();
    close(fd);
    return result;
}

int admin_file_write(const char *path, const void *bytes, size_t len)
{
    struct admin_file file = {.stream = NULL};
    uint8_t hash[ADMIN_FILE_HASH];
    int result = admin_file_begin(&file, path);

    if (result != 0)
        return result;
    if (fwrite(bytes, 1, len, file.stream) != len)
        result = -EIO;
    if (result == 0)
        result = admin_file_sync(&file, hash);
    if (result == 0)
        return admin_file_finish(&file, NULL);
    admin_file_abandon(&file);
    return result;
}

int admin_file_copy(const char *from, const char *to)
{
    char bytes[COPY_BYTES_MAX + 1];
    ssize_t got;
    int fd = open(from, O_RDONLY | O_CLOEXEC), result;

    if (fd < 0)
        return failure();
    got = read(fd, bytes, sizeof bytes);
    result = got < 0 ? failure() : got > COPY_BYTES_MAX ? -EFBIG : 0;
    close(fd);
    if (result == 0)
        result = admin_file_write(to, bytes, (size_t)got);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return result;
}
