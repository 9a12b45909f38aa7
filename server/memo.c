#include "server/memo.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

struct memo_entry {
    bool used;
    struct key digest;
    struct memo_value value;
};

struct memo {
    struct memo_entry entry[MEMO_SETS][MEMO_WAYS]; /* way 0 is the more recent one */
};

struct memo *memo_new(void)
{
    return calloc(1, sizeof(struct memo));
}

void memo_free(struct memo *memo)
{
    if (memo != NULL)
        OPENSSL_cleanse(memo, sizeof *memo);
    free(memo);
}

static struct memo_entry *set_of(struct memo *memo, const struct key *digest)
{
    uint32_t index;

    memcpy(&index, digest->bytes, sizeof index);
    return memo->entry[index % MEMO_SETS];
}

const struct memo_value *memo_get(struct memo *memo, const struct key *digest)
{
    struct memo_entry *set = set_of(memo, digest);

    for (int way = 0; way < MEMO_WAYS; way++)
        if (set[way].used && key_equal(&set[way].digest, digest))
            return &set[way].value;
    return NULL;
}

void memo_put(struct memo *memo, const struct key *digest, const struct memo_value *value)
{
    struct memo_entry *set = set_of(memo, digest);

    set[1] = set[0];
    set[0] = (struct memo_entry){.used = true, .digest = *digest, .value = *value};
}
