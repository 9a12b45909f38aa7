/* genid.h - generation ids of our own: for hits, and for answers whose upstream gave none.
 *
 * Vercel's form is gen_<ULID>: 26 Crockford base-32 characters, 48 bits of unix milliseconds and 80
 * random bits (vercel section 3; ULID is public domain). OpenRouter's is gen-<unix seconds>-<20
 * characters of base 62> (openrouter section 0). The time in front lets a row be found by its id
 * without an index (accounting/ledger_find.h).
 *
 * Threads: one genid per worker; no system call except one for every GENID_POOL_BYTES of
 * randomness.
 */
#ifndef SERVER_GENID_H
#define SERVER_GENID_H

#include <stddef.h>
#include <stdint.h>

enum {
    GENID_POOL_BYTES = 4000,
    GENID_VERCEL_LEN = 30,
    GENID_OPENROUTER_LEN = 35, /* until the year 2286, when seconds take another digit */
    GENID_MAX = GENID_OPENROUTER_LEN,
};

struct genid {
    uint8_t pool[GENID_POOL_BYTES];
    size_t used;
};

void genid_init(struct genid *genid);

/* Writes GENID_VERCEL_LEN characters and a NUL. */
void genid_vercel(struct genid *genid, int64_t now_ms, char id[GENID_VERCEL_LEN + 1]);

/* Writes GENID_OPENROUTER_LEN characters and a NUL; now_ms from 1e12 (2001) on. */
void genid_openrouter(struct genid *genid, int64_t now_ms, char id[GENID_OPENROUTER_LEN + 1]);

#endif
