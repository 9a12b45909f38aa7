/* memo.h - a worker's memory of what identical requests led to, so that a byte-identical repeat
 * skips JSON and three keyed hashes.
 *
 * digest (SHA-256 over API key, endpoint, salt and raw body: key_of_bytes()) -> cache key, seal and
 * key_id. The whole digest is compared, nothing shorter ever decides. Two ways, the older leaves.
 *
 * Threads: one per worker. It holds secrets derived from API keys: memo_free() wipes.
 */
#ifndef SERVER_MEMO_H
#define SERVER_MEMO_H

#include "cache/store.h"
#include "server/config.h"
#include "server/identity.h"

enum { MEMO_SETS = 4096, MEMO_WAYS = 2 };

struct memo_value {
    struct key key;
    struct store_seal seal;
    char key_id[IDENTITY_KEY_ID_LEN + 1];
    bool stream;
    const struct config_preset *preset; /* NULL: none */
    const struct config_client *client; /* whose key it is; NULL: none are configured */
};

struct memo;
struct memo *memo_new(void); /* give; NULL: no memory */
void memo_free(struct memo *memo);

/* borrow: until the next memo_put(). NULL: not seen lately. */
const struct memo_value *memo_get(struct memo *memo, const struct key *digest);
void memo_put(struct memo *memo, const struct key *digest, const struct memo_value *value);

#endif
