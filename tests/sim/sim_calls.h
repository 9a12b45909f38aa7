/* sim_calls.h - what arrived and what became of it: the call log, its totals, generation records.
 *
 * A call is logged before any byte of its answer, so whoever has read a byte finds the line. The
 * last SIM_CALLS_MAX calls are kept; totals count all of them.
 *
 * Threads: any worker; one mutex inside, held for pointer work and for printing one batch.
 */
#ifndef TESTS_SIM_CALLS_H
#define TESTS_SIM_CALLS_H

#include "tests/sim/sim_cost.h"
#include "tests/sim/sim_id.h"
#include "tests/sim/sim_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SIM_CALLS_MAX = 1000000,
    SIM_SHA_BYTES = 32,
};

enum sim_state { SIM_LIVE, SIM_DONE, SIM_ABORTED, SIM_DIED };

/* A POST as it is logged. borrow: every span, copied before return. */
/* How the generation record of a call differs from what was answered. */
struct sim_record {
    int64_t delay_ms;           /* behind the answer's end; negative: never */
    int64_t errors;             /* questions that are answered with 500 before */
    int64_t prompt, completion; /* tokens; negative: as answered */
    __int128 cost;              /* total_cost; negative: as billed */
    bool wrong_id;              /* it is somebody else's */
};

struct sim_arrival {
    int64_t now_ms;                /* unix */
    struct sim_span path, headers; /* headers: a JSON object */
    struct sim_span model, served; /* asked for, in the words of the dialect; that served */
    struct sim_span provider;
    struct sim_span body; /* a JSON string; empty unless bodies are logged */
    struct sim_span key;  /* SHA-256 of the bearer token in hex; empty without one */
    const uint8_t *body_sha256;
    size_t body_bytes;
    enum sim_dialect dialect;
    enum sim_api api;
    int status;
    bool http2, stream, byok;
    const char *finish_reason; /* static; NULL: none */
    struct sim_tokens tokens;
    struct sim_costs costs;
    struct sim_record record;
};

struct sim_calls;

struct sim_calls *sim_calls_new(void);
void sim_calls_free(struct sim_calls *calls);

/* Logs a call as live; returns its serial and writes its id with a NUL. */
uint64_t sim_calls_begin(struct sim_calls *calls, const struct sim_arrival *arrival,
                         char ret_id[SIM_ID_MAX + 1]);
/* Settles a live call; of a call that was forgotten meanwhile nothing is kept. */
void sim_calls_end(struct sim_calls *calls, uint64_t serial, enum sim_state state, int64_t now_ms);

void sim_calls_forget(struct sim_calls *calls);
void sim_calls_connected(struct sim_calls *calls);
void sim_calls_disconnected(struct sim_calls *calls);

/* Appends lines of /sim/calls from *cursor on (0: the oldest) until `most` bytes are reached or the
 * calls of *ret_end at the first batch are through. Returns false when nothing is left. */
bool sim_calls_print(struct sim_calls *calls, struct sim_text *text, size_t most, uint64_t *cursor,
                     uint64_t *end);
void sim_calls_stats(struct sim_calls *calls, struct sim_text *text);
/* What Vercel, and with `openrouter` OpenRouter, says of the account. */
void sim_calls_credits(struct sim_calls *calls, bool openrouter, struct sim_text *text);
/* sim_record.c: the record of one id as that dialect's GET generation gives it: 200, 404 while
 * there is none, or 500. Counts the question. */
int sim_calls_generation(struct sim_calls *calls, enum sim_dialect dialect, struct sim_span id,
                         int64_t now_ms, struct sim_text *text);
/* sim_account.c: OpenRouter's GET key and GET activity (all of the log, whatever the date). */
void sim_calls_key(struct sim_calls *calls, struct sim_text *text);
void sim_calls_activity(struct sim_calls *calls, struct sim_text *text);

#endif
