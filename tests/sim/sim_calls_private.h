/* sim_calls_private.h - the call log's inside, for sim_calls.c (keeps it) and those that print
 * it: sim_report.c, sim_record.c, sim_account.c. Nobody else includes this.
 */
#ifndef TESTS_SIM_CALLS_PRIVATE_H
#define TESTS_SIM_CALLS_PRIVATE_H

#include "tests/sim/sim_calls.h"
#include "tests/sim/sim_intern.h"

#include <pthread.h>

struct sim_call {
    uint64_t serial; /* 0: the slot is empty */
    int64_t arrived_ms, ended_ms;
    struct sim_record record;
    char id[SIM_ID_MAX + 1];
    size_t id_len;
    uint8_t body_sha256[SIM_SHA_BYTES];
    size_t body_bytes;
    struct sim_string *path, *model, *served, *provider, *headers, *key, *body;
    const char *finish_reason;
    struct sim_tokens tokens;
    struct sim_costs costs;
    enum sim_dialect dialect;
    enum sim_api api;
    int status;
    enum sim_state state;
    bool http2, stream, byok;
};

enum {
    SIM_SEGMENT_CALLS = 4096,
    SIM_SEGMENTS = (SIM_CALLS_MAX + SIM_SEGMENT_CALLS - 1) / SIM_SEGMENT_CALLS,
    SIM_RING_CALLS = SIM_SEGMENTS * SIM_SEGMENT_CALLS,
};

struct sim_calls {
    pthread_mutex_t lock; /* guards everything below */
    uint64_t secret;
    uint64_t next;  /* serial of the next call; serials are never used twice */
    uint64_t first; /* serial of the first call since the last reset */
    struct sim_intern intern;
    uint64_t lookups, connections, live, aborted;
    int64_t open; /* connections */
    __int128 spent;
    struct sim_call *segments[SIM_SEGMENTS]; /* a ring of slots, allocated as it is reached */
};

/* The call, or NULL when it was forgotten or fell off the ring. The lock is held. */
struct sim_call *sim_call_locked(struct sim_calls *calls, uint64_t serial);

/* sim_report.c: members with their leading comma. */
void sim_member_int(struct sim_text *text, const char *name, int64_t value);
void sim_member_string(struct sim_text *text, const char *name, const char *bytes, size_t len);
void sim_member_number(struct sim_text *text, const char *name, __int128 femto);

#endif
