/* sim_id.h - ids that carry their call's serial, so that looking one up needs no index.
 *
 *     gen_<ULID>                   Vercel
 *     gen-<unix s>-<20 base62>     OpenRouter; gen-emb-<...> for embeddings
 *     chatcmpl-<20 base62>         OpenAI; cmpl-, resp_ and emb- likewise
 *
 * Threads: pure functions.
 */
#ifndef TESTS_SIM_ID_H
#define TESTS_SIM_ID_H

#include "tests/sim/sim_route.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIM_ID_MAX = 48 };

/* Writes the id of an answer with a NUL; returns its length. secret makes serials look random and
 * one process's ids differ from the next one's. */
size_t sim_id_write(enum sim_dialect dialect, enum sim_api api, uint64_t unix_ms, uint64_t serial,
                    uint64_t secret, char ret_id[SIM_ID_MAX + 1]);

/* False: of none of the forms. The serial of a foreign id is some number; compare the whole id
 * then. */
bool sim_id_serial(const char *id, size_t len, uint64_t secret, uint64_t *ret_serial);

#endif
