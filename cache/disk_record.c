/* disk_record.c - compress, then seal; open, then decompress. Layout in disk_record.h.
 *
 * Nothing is decompressed before its tag was right, and then only into a buffer of the length that
 * the tag covers.
 */
#include "cache/disk_record.h"

#include <assert.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum {
    SEAL_FORMAT = 1,
    ENTRY_KEY_BYTES = 32,
    NONCE_BYTES = 12,
    BOUND_BYTES = 1 + KEY_BYTES + DISK_ID_BYTES + 4 + 4 + DISK_RECORD_HEADER_BYTES,
    ZSTD_LEVEL = 1,
    FORM_STORED = 0,
    FORM_ZSTD = 1,
};
#define NUMBER_OF_CHECK UINT32_MAX /* an entry never has that many records */

static const char derivation_info[] = "tollgate cache entry 1";

struct disk_codec {
    EVP_KDF_CTX *kdf;
    EVP_CIPHER *gcm;
    EVP_CIPHER_CTX *cipher;
    ZSTD_CCtx *compressor;
    ZSTD_DCtx *decompressor;
    char *scratch; /* DISK_PIECE_BYTES, the caller's */
    char *packed;  /* DISK_PIECE_BYTES: a piece, compressed */
    char *record;  /* DISK_PIECE_BYTES + DISK_RECORD_OVERHEAD */
    enum disk_direction direction;
    bool begun;
    struct disk_identity identity;
};

struct disk_codec *disk_codec_new(void)
{
    struct disk_codec *codec = calloc(1, sizeof(*codec));
    if (codec == NULL)
        return NULL;
    EVP_KDF *hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    if (hkdf != NULL)
        codec->kdf = EVP_KDF_CTX_new(hkdf);
    EVP_KDF_free(hkdf); /* the context keeps its own reference */
    codec->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    codec->cipher = EVP_CIPHER_CTX_new();
    codec->compressor = ZSTD_createCCtx();
    codec->decompressor = ZSTD_createDCtx();
    codec->scratch = malloc(DISK_PIECE_BYTES);
    codec->packed = malloc(DISK_PIECE_BYTES);
    codec->record = malloc(DISK_PIECE_BYTES + DISK_RECORD_OVERHEAD);
    if (codec->kdf == NULL || codec->gcm == NULL || codec->cipher == NULL ||
        codec->compressor == NULL || codec->decompressor == NULL || codec->scratch == NULL ||
        codec->packed == NULL || codec->record == NULL) {
        disk_codec_free(codec);
        return NULL;
    }
    return codec;
}

void disk_codec_free(struct disk_codec *codec)
{
    if (codec == NULL)
        return;
    EVP_KDF_CTX_free(codec->kdf);
    EVP_CIPHER_CTX_free(codec->cipher);
    EVP_CIPHER_free(codec->gcm);
    ZSTD_freeCCtx(codec->compressor);
    ZSTD_freeDCtx(codec->decompressor);
    free(codec->scratch);
    free(codec->packed);
    free(codec->record);
    free(codec);
}

char *disk_codec_scratch(struct disk_codec *codec)
{
    return codec->scratch;
}

static void put_u32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int derive(struct disk_codec *codec, const struct store_seal *seal,
                  const struct disk_identity *identity, uint8_t ret_key[ENTRY_KEY_BYTES])
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)seal->bytes,
                                          sizeof(seal->bytes)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)identity->salt,
                                          DISK_SALT_BYTES),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)derivation_info,
                                          sizeof(derivation_info) - 1),
        OSSL_PARAM_construct_end(),
    };
    int ok = EVP_KDF_derive(codec->kdf, ret_key, ENTRY_KEY_BYTES, params);
    EVP_KDF_CTX_reset(codec->kdf); /* it holds a copy of the seal: wiped here */
    return ok == 1 ? 0 : -ENOMEM;
}

int disk_codec_begin(struct disk_codec *codec, enum disk_direction direction,
                     const struct store_seal *seal, const struct disk_identity *identity)
{
    uint8_t key[ENTRY_KEY_BYTES];
    assert(!codec->begun);
    assert(identity->records < NUMBER_OF_CHECK);
    codec->identity = *identity;
    codec->direction = direction;
    codec->begun = true;
    int error = derive(codec, seal, identity, key);
    if (error == 0 &&
        EVP_CipherInit_ex2(codec->cipher, codec->gcm, key, NULL, (int)direction, NULL) != 1)
        error = -ENOMEM;
    OPENSSL_cleanse(key, sizeof(key));
    return error;
}

void disk_codec_end(struct disk_codec *codec)
{
    EVP_CIPHER_CTX_reset(codec->cipher); /* cleanses the key schedule */
    codec->begun = false;
}

/* The nonce, and what is authenticated beside the bytes: which record of which entry this is. */
static bool bind(struct disk_codec *codec, uint32_t number,
                 const uint8_t header[DISK_RECORD_HEADER_BYTES])
{
    uint8_t nonce[NONCE_BYTES] = {0};
    uint8_t bound[BOUND_BYTES];
    uint8_t *at = bound;
    int len;
    *at++ = SEAL_FORMAT;
    memcpy(at, codec->identity.key.bytes, KEY_BYTES);
    at += KEY_BYTES;
    memcpy(at, codec->identity.id, DISK_ID_BYTES);
    at += DISK_ID_BYTES;
    put_u32(at, number);
    put_u32(at + 4, codec->identity.records);
    memcpy(at + 8, header, DISK_RECORD_HEADER_BYTES);
    assert(at + 8 + DISK_RECORD_HEADER_BYTES == bound + sizeof(bound));
    put_u32(nonce + NONCE_BYTES - 4, number);
    return EVP_CipherInit_ex2(codec->cipher, NULL, NULL, nonce, (int)codec->direction, NULL) == 1 &&
           EVP_CipherUpdate(codec->cipher, NULL, &len, bound, sizeof(bound)) == 1;
}

/* Bytes in, as many bytes out, in the direction of the codec. */
static bool run(struct disk_codec *codec, const void *in, size_t len, void *out)
{
    int done = 0;
    assert(len <= DISK_PIECE_BYTES);
    return len == 0 ||
           (EVP_CipherUpdate(codec->cipher, out, &done, in, (int)len) == 1 && (size_t)done == len);
}

static bool make_tag(struct disk_codec *codec, void *ret_tag)
{
    uint8_t none[DISK_TAG_BYTES];
    int len;
    return EVP_CipherFinal_ex(codec->cipher, none, &len) == 1 &&
           EVP_CIPHER_CTX_ctrl(codec->cipher, EVP_CTRL_AEAD_GET_TAG, DISK_TAG_BYTES, ret_tag) == 1;
}

static bool test_tag(struct disk_codec *codec, const void *tag)
{
    uint8_t none[DISK_TAG_BYTES];
    int len;
    return EVP_CIPHER_CTX_ctrl(codec->cipher, EVP_CTRL_AEAD_SET_TAG, DISK_TAG_BYTES, (void *)tag) ==
               1 &&
           EVP_CipherFinal_ex(codec->cipher, none, &len) == 1;
}

/* The compressed piece in codec->packed and its length, or 0: keep it as it is. Less than a
 * sixteenth saved is not worth decompressing for. */
static size_t compress_piece(struct disk_codec *codec, const char *plain, size_t len)
{
    size_t worth = len - len / 16;
    if (len == 0 || worth == len)
        return 0;
    size_t packed =
        ZSTD_compressCCtx(codec->compressor, codec->packed, worth, plain, len, ZSTD_LEVEL);
    return ZSTD_isError(packed) ? 0 : packed;
}

int disk_record_seal(struct disk_codec *codec, uint32_t number, const char *plain, size_t len,
                     const char **ret_record, size_t *ret_len)
{
    assert(codec->begun && codec->direction == DISK_SEALING);
    assert(number < codec->identity.records);
    assert(len <= DISK_PIECE_BYTES);
    uint8_t *header = (uint8_t *)codec->record;
    char *sealed = codec->record + DISK_RECORD_HEADER_BYTES;
    size_t packed = compress_piece(codec, plain, len);
    size_t sealed_len = packed > 0 ? packed : len;
    header[0] = packed > 0 ? FORM_ZSTD : FORM_STORED;
    put_u32(header + 1, (uint32_t)len);
    if (!bind(codec, number, header) ||
        !run(codec, packed > 0 ? codec->packed : plain, sealed_len, sealed) ||
        !make_tag(codec, sealed + sealed_len))
        return -ENOMEM;
    *ret_record = codec->record;
    *ret_len = sealed_len + DISK_RECORD_OVERHEAD;
    return 0;
}

int disk_record_open(struct disk_codec *codec, uint32_t number, const char *record, size_t len,
                     char *plain, size_t plain_len)
{
    assert(codec->begun && codec->direction == DISK_OPENING);
    assert(number < codec->identity.records);
    assert(plain_len <= DISK_PIECE_BYTES);
    const uint8_t *header = (const uint8_t *)record;
    if (len < DISK_RECORD_OVERHEAD || len > DISK_PIECE_BYTES + DISK_RECORD_OVERHEAD)
        return -EBADMSG;
    size_t sealed_len = len - DISK_RECORD_OVERHEAD;
    const char *sealed = record + DISK_RECORD_HEADER_BYTES;
    bool stored = header[0] == FORM_STORED;
    if (header[0] > FORM_ZSTD || get_u32(header + 1) != plain_len ||
        (stored && sealed_len != plain_len))
        return -EBADMSG;
    if (!bind(codec, number, header) ||
        !run(codec, sealed, sealed_len, stored ? plain : codec->packed) ||
        !test_tag(codec, sealed + sealed_len))
        return -EBADMSG;
    if (stored)
        return 0;
    size_t got =
        ZSTD_decompressDCtx(codec->decompressor, plain, plain_len, codec->packed, sealed_len);
    return !ZSTD_isError(got) && got == plain_len ? 0 : -EBADMSG;
}

static const uint8_t check_header[DISK_RECORD_HEADER_BYTES] = {0xFF, 0, 0, 0, 0};

static bool bind_facts(struct disk_codec *codec, const uint8_t *facts, size_t len)
{
    int done;
    assert(codec->begun);
    return bind(codec, NUMBER_OF_CHECK, check_header) &&
           EVP_CipherUpdate(codec->cipher, NULL, &done, facts, (int)len) == 1;
}

int disk_check_make(struct disk_codec *codec, const uint8_t *facts, size_t len,
                    uint8_t ret_check[DISK_TAG_BYTES])
{
    assert(codec->direction == DISK_SEALING);
    return bind_facts(codec, facts, len) && make_tag(codec, ret_check) ? 0 : -ENOMEM;
}

int disk_check_test(struct disk_codec *codec, const uint8_t *facts, size_t len,
                    const uint8_t check[DISK_TAG_BYTES])
{
    assert(codec->direction == DISK_OPENING);
    return bind_facts(codec, facts, len) && test_tag(codec, check) ? 0 : -EBADMSG;
}
