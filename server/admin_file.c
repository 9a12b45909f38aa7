#include "server/admin_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024, COPY_BYTES_MAX = 64 * 1024 };

/* errno where a call failed: never 0. */
static int failure(void)
{
    return errno != 0 ? -errno : -EIO;
}

int admin_file_begin(struct admin_file *file, const char *path)
{
    size_t len = strlen(path);
    int fd;

    if (len >= sizeof file->path)
        return -ENAMETOOLONG;
    memcpy(file->path, path, len + 1);
    snprintf(file->part, sizeof file->part, "%s.part", path);
    if (access(path, F_OK) == 0)
        return -EEXIST;
    fd = open(file->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return failure();
    file->stream = fdopen(fd, "w+");
    if (file->stream != NULL)
        return 0;
    close(fd);
    unlink(file->part);
    return -ENOMEM;
}

int admin_file_restart(struct admin_file *file)
{
    rewind(file->stream);
    return ftruncate(fileno(file->stream), 0) == 0 ? 0 : failure();
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
    fclose(file->stream);
    file->stream = NULL;
    unlink(file->part);
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

int admin_file_finish(struct admin_file *file)
{
    int result = 0;

    assert(file->stream != NULL);
    errno = 0;
    if (fclose(file->stream) != 0)
        result = failure();
    file->stream = NULL;
    if (result == 0)
        result = give_name(file);
    if (result != 0)
        unlink(file->part);
    return result == 0 ? admin_file_sync_folder(file->path) : result;
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
        return admin_file_finish(&file);
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
