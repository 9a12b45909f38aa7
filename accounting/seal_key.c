#include "accounting/seal_key.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, SEED = 32, FILE_BYTES = 2 * SEED + 1 };
static const char file_name[] = "signing-key";

struct seal_signer {
    EVP_PKEY *key;
    uint8_t public_key[SEAL_KEY];
};

/* --- hex --- */

void seal_hex(const uint8_t *bytes, size_t len, char *hex)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int seal_unhex(const char *hex, uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return -EBADMSG;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

/* --- the private key --- */

static int signer_new(const uint8_t seed[SEED], struct seal_signer **ret_signer)
{
    struct seal_signer *signer = calloc(1, sizeof(*signer));
    size_t len = SEAL_KEY;
    if (signer == NULL)
        return -ENOMEM;
    signer->key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SEED);
    if (signer->key == NULL ||
        EVP_PKEY_get_raw_public_key(signer->key, signer->public_key, &len) != 1) {
        seal_signer_free(signer);
        return -EIO;
    }
    assert(len == SEAL_KEY);
    *ret_signer = signer;
    return 0;
}

void seal_signer_free(struct seal_signer *signer)
{
    if (signer == NULL)
        return;
    EVP_PKEY_free(signer->key); /* clears what it held */
    free(signer);
}

void seal_signer_key(const struct seal_signer *signer, uint8_t ret_key[SEAL_KEY])
{
    memcpy(ret_key, signer->public_key, SEAL_KEY);
}

int seal_signer_sign(const struct seal_signer *signer, const char *text, size_t len,
                     uint8_t ret_signature[SEAL_SIGNATURE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t signature[SEAL_SIGNATURE];
    size_t signature_len = sizeof(signature);
    bool done;
    if (context == NULL)
        return -ENOMEM;
    done =
        EVP_DigestSignInit(context, NULL, NULL, NULL, signer->key) == 1 &&
        EVP_DigestSign(context, signature, &signature_len, (const unsigned char *)text, len) == 1 &&
        signature_len == SEAL_SIGNATURE;
    EVP_MD_CTX_free(context);
    if (!done)
        return -EIO;
    memcpy(ret_signature, signature, SEAL_SIGNATURE);
    return 0;
}

/* --- the file --- */

static int make_path(const char *data_dir, const char *suffix, char path[PATH_BYTES], char *error,
                     size_t error_size)
{
    int len = snprintf(path, PATH_BYTES, "%s/%s%s", data_dir, file_name, suffix);
    if (len > 0 && len < PATH_BYTES)
        return 0;
    snprintf(error, error_size, "%s: the path is too long", data_dir);
    return -ENAMETOOLONG;
}

/* Up to size bytes of the file. -EACCES: others than its owner may read it. */
static int read_file(const char *path, char *bytes, size_t size, size_t *ret_len)
{
    struct stat stat;
    size_t len = 0;
    int result = 0, fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &stat) != 0)
        result = -errno;
    else if ((stat.st_mode & 077) != 0)
        result = -EACCES;
    while (result == 0 && len < size) {
        ssize_t got = read(fd, bytes + len, size - len);
        if (got == 0)
            break;
        if (got > 0)
            len += (size_t)got;
        else if (errno != EINTR)
            result = -errno;
    }
    close(fd);
    *ret_len = len;
    return result;
}

int seal_signer_open(const char *data_dir, struct seal_signer **ret_signer, char *error,
                     size_t error_size)
{
    char path[PATH_BYTES], hex[FILE_BYTES + 1];
    uint8_t seed[SEED];
    size_t len = 0;
    int result = make_path(data_dir, "", path, error, error_size);
    if (result < 0)
        return result;
    result = read_file(path, hex, sizeof(hex), &len);
    if (result == 0 &&
        (len != FILE_BYTES || hex[2 * SEED] != '\n' || seal_unhex(hex, seed, SEED) < 0))
        result = -EBADMSG;
    if (result == 0)
        result = signer_new(seed, ret_signer);
    OPENSSL_cleanse(hex, sizeof(hex));
    OPENSSL_cleanse(seed, sizeof(seed));
    if (result == -ENOENT)
        snprintf(error, error_size,
                 "%s: there is no key to sign with: make one with `tollgate keys signing`", path);
    else if (result == -EACCES)
        snprintf(error, error_size,
                 "%s: it cannot be read by its owner alone: see to its owner, and chmod 600", path);
    else if (result == -EBADMSG)
        snprintf(error, error_size,
                 "%s: this is no signing key (64 hex digits and a line end): restore it from a "
                 "backup",
                 path);
    else if (result < 0)
        snprintf(error, error_size, "%s: %s", path, strerror(-result));
    return result;
}

static int sync_directory(const char *path)
{
    int result = 0, fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fsync(fd) != 0)
        result = -errno;
    close(fd);
    return result;
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

/* Under its name the file is there as a whole or not at all, and never in another's place: link()
 * refuses where rename() would replace. */
static int store(const char *data_dir, const char *path, const char *draft, const char *hex)
{
    int result, fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    result = fchmod(fd, 0600) == 0 ? 0 : -errno; /* whatever the umask */
    if (result == 0)
        result = write_all(fd, hex, FILE_BYTES);
    if (close(fd) != 0 && result == 0)
        result = -errno;
    if (result == 0 && link(draft, path) != 0)
        result = -errno;
    unlink(draft);
    return result == 0 ? sync_directory(data_dir) : result;
}

int seal_signer_make(const char *data_dir, uint8_t ret_key[SEAL_KEY], char *error,
                     size_t error_size)
{
    char path[PATH_BYTES], draft[PATH_BYTES], suffix[32], hex[FILE_BYTES];
    struct seal_signer *signer = NULL;
    unsigned long long draft_number;
    uint8_t seed[SEED];
    int result = make_path(data_dir, "", path, error, error_size);
    if (RAND_priv_bytes(seed, SEED) != 1 || RAND_bytes((unsigned char *)&draft_number, 8) != 1)
        return -EIO;
    snprintf(suffix, sizeof(suffix), ".new.%016llx", draft_number);
    if (result == 0)
        result = make_path(data_dir, suffix, draft, error, error_size);
    if (result < 0)
        return result;
    result = signer_new(seed, &signer);
    seal_hex(seed, SEED, hex);
    hex[2 * SEED] = '\n';
    if (result == 0)
        result = store(data_dir, path, draft, hex);
    if (result == 0)
        seal_signer_key(signer, ret_key);
    seal_signer_free(signer);
    OPENSSL_cleanse(hex, sizeof(hex));
    OPENSSL_cleanse(seed, sizeof(seed));
    if (result == -EEXIST)
        snprintf(error, error_size,
                 "%s: there is a key already; heads that it signed could not be told from forged "
                 "ones without it. Move it away to make another",
                 path);
    else if (result < 0)
        snprintf(error, error_size, "%s: %s", path, strerror(-result));
    return result;
}
