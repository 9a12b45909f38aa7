/* seal_key.h - the key file, what the private key is for, and hex: what seal.c shares.
 *
 * data_dir/signing-key holds the 32 bytes of an Ed25519 seed as 64 lower-case hex digits and LF.
 *
 * Threads: pure functions but for the key file.
 */
#ifndef ACCOUNTING_SEAL_KEY_H
#define ACCOUNTING_SEAL_KEY_H

#include "accounting/seal.h"

int seal_signer_sign(const struct seal_signer *signer, const char *text, size_t len,
                     uint8_t ret_signature[SEAL_SIGNATURE]);

/* Lower case; no NUL. */
void seal_hex(const uint8_t *bytes, size_t len, char *hex);
/* 2 * len digits, lower case only. -EBADMSG. */
int seal_unhex(const char *hex, uint8_t *bytes, size_t len);

#endif
