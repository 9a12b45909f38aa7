/* seal.h - the signed head of a closed month.
 *
 * Text of the head, as it is signed (UTF-8, LF, in this order, nothing else):
 *
 *     tollgate ledger head 1
 *     month 2026-11
 *     rows 1234
 *     first 1763679111123/18014398509481984
 *     last 1764547199999/...
 *     issued 1234
 *     root 64 hex
 *     previous 64 hex               SHA-256 of the previous head's signed text; 64 zeroes: none
 *     export 64 hex                 SHA-256 of the month's CSV export, or "-"
 *     booked 12.3456                sum of booked_usd; likewise billed, saved
 *     billed 12.3
 *     saved 4.5
 *     closed 2026-12-01T00:12:13.123Z
 *     key 64 hex                    the Ed25519 public key
 *
 * followed by "signature " and 128 hex, over all lines before it (with their LF). Without rows,
 * first and last are 0/0. issued equals rows in a month that is complete.
 *
 * The key pair lives in data_dir/signing-key (mode 0600: 32 bytes of seed as hex), made by
 * `tollgate keys signing`. Made once: seal_signer_make() does not replace it. Verify trusts one key
 * for all heads: that of the first, or the one it is given.
 *
 * Threads: pure functions but for the key file.
 */
#ifndef ACCOUNTING_SEAL_H
#define ACCOUNTING_SEAL_H

#include "accounting/tree.h"

enum {
    SEAL_TEXT_MAX = 2048,
    SEAL_KEY = 32,
    SEAL_SIGNATURE = 64,
    SEAL_MONTH_MAX = 8,
};

struct seal {
    char month[SEAL_MONTH_MAX];    /* "2026-11" */
    uint64_t rows, issued;         /* issued: places given in the month (places.h) */
    struct ledger_ref first, last; /* zero: no rows */
    uint8_t root[TREE_HASH], previous[TREE_HASH], export_hash[TREE_HASH];
    bool has_export;
    struct money booked, billed, saved;
    int64_t closed_ms;
    uint8_t key[SEAL_KEY], signature[SEAL_SIGNATURE];
};

/* Length, without NUL. with_signature: the last line, too. */
size_t seal_print(const struct seal *seal, bool with_signature, char text[SEAL_TEXT_MAX]);
/* -EBADMSG for anything seal_print() does not write. The signature is not checked. */
int seal_parse(const char *text, size_t len, struct seal *ret_seal);
/* SHA-256 of the signed text: what the next head calls `previous`. */
void seal_hash(const struct seal *seal, uint8_t ret_hash[TREE_HASH]);

struct seal_signer; /* the private key, in memory; wiped when freed */
/* Reads data_dir/signing-key. -ENOENT with text in error: how to make one. give. */
int seal_signer_open(const char *data_dir, struct seal_signer **ret_signer, char *error,
                     size_t error_size);
/* Makes it where there is none (-EEXIST), durably, 0600. */
int seal_signer_make(const char *data_dir, uint8_t ret_key[SEAL_KEY], char *error,
                     size_t error_size);
void seal_signer_key(const struct seal_signer *signer, uint8_t ret_key[SEAL_KEY]);
void seal_signer_free(struct seal_signer *signer);
/* Fills key and signature. */
int seal_sign(struct seal *seal, const struct seal_signer *signer);
/* By the key that it names itself; false: it was not signed by that. */
bool seal_verify(const struct seal *seal);

#endif
