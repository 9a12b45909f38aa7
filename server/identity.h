/* identity.h - the key-id secret: what turns an API key into the ledger's key_id.
 *
 * data_dir/identity.secret, 32 random bytes, mode 0600. It is not the cache's secret, and it stays
 * when that one rotates, so that months and budgets do not split (design law 5).
 */
#ifndef SERVER_IDENTITY_H
#define SERVER_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

enum { IDENTITY_BYTES = 32, IDENTITY_KEY_ID_LEN = 32 };

/* Reads the secret, or makes it. Wipe it after use. -EIO, -EBADMSG (wrong size) or another negative
 * errno, with text in error. */
int identity_open(const char *data_dir, uint8_t ret_secret[IDENTITY_BYTES], char *error,
                  size_t error_size);

/* The printed form of a key's name: the first 16 bytes in hex, and a NUL. */
void identity_key_id(const uint8_t name[32], char ret_key_id[IDENTITY_KEY_ID_LEN + 1]);

#endif
