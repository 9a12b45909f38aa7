/* sim_ulid.h - ids gen_<ULID> that carry their call's serial, so that looking one up needs no
 * index. Threads: pure functions.
 */
#ifndef TESTS_SIM_ULID_H
#define TESTS_SIM_ULID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIM_ULID_ID_LEN = 30 };

/* secret makes serials look random and one process's ids differ from the next one's. */
void sim_ulid_write(uint64_t unix_ms, uint64_t serial, uint64_t secret,
                    char ret_id[SIM_ULID_ID_LEN + 1]);
/* False: not of the form. The serial of a foreign id is some number; compare the whole id then. */
bool sim_ulid_serial(const char *id, size_t len, uint64_t secret, uint64_t *ret_serial);

#endif
