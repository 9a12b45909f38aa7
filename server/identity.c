#include "server/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static int read_secret(int fd, uint8_t secret[IDENTITY_BYTES])
{
    uint8_t bytes[IDENTITY_BYTES + 1]; /* one more tells a file that is too long */
    ssize_t got = read(fd, bytes, sizeof bytes);

    if (got < 0)
        return -errno;
    if (got != IDENTITY_BYTES)
        return -EBADMSG;
    memcpy(secret, bytes, IDENTITY_BYTES);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return 0;
}

/* Written beside and renamed, so that a crash leaves either no secret or a whole one. */
static int make_secret(const char *path, uint8_t secret[IDENTITY_BYTES])
{
    char beside[PATH_BYTES + 8];
    int fd, result = 0;

    if (RAND_bytes(secret, IDENTITY_BYTES) != 1)
        return -EIO;
    snprintf(beside, sizeof beside, "%s.new", path);
    fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    if (write(fd, secret, IDENTITY_BYTES) != IDENTITY_BYTES || fsync(fd) != 0)
        result = errno != 0 ? -errno : -EIO;
    if (close(fd) != 0 && result == 0)
        result = -errno;
    if (result == 0 && rename(beside, path) != 0)
        result = -errno;
    return result;
}

int identity_open(const char *data_dir, uint8_t ret_secret[IDENTITY_BYTES], char *error,
                  size_t error_size)
{
    char path[PATH_BYTES];
    uint8_t secret[IDENTITY_BYTES];
    int fd, result;

    if (snprintf(path, sizeof path, "%s/identity.secret", data_dir) >= (int)sizeof path)
        return -ENAMETOOLONG;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        result = read_secret(fd, secret);
        close(fd);
    } else {
        result = errno == ENOENT ? make_secret(path, secret) : -errno;
    }
    if (result == 0)
        memcpy(ret_secret, secret, IDENTITY_BYTES);
    else
        snprintf(error, error_size,
                 "%s: %s; restore it from a backup, or remove it to begin with "
                 "new key ids",
                 path, result == -EBADMSG ? "must be 32 bytes" : strerror(-result));
    OPENSSL_cleanse(secret, sizeof secret);
    return result;
}

void identity_key_id(const uint8_t name[32], char ret_key_id[IDENTITY_KEY_ID_LEN + 1])
{
    static const char hex[] = "0123456789abcdef";

    for (int i = 0; i < IDENTITY_KEY_ID_LEN / 2; i++) {
        ret_key_id[2 * i] = hex[name[i] >> 4];
        ret_key_id[2 * i + 1] = hex[name[i] & 15];
    }
    ret_key_id[IDENTITY_KEY_ID_LEN] = '\0';
}
