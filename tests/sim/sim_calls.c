/* sim_calls.c - keeps the call log; sim_report.c prints it. See sim_calls.h. */
#include "tests/sim/sim_calls_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct sim_calls *sim_calls_new(void)
{
    struct sim_calls *calls = calloc(1, sizeof(*calls));

    if (calls == NULL || pthread_mutex_init(&calls->lock, NULL) != 0 ||
        getrandom(&calls->secret, sizeof(calls->secret), 0) != (ssize_t)sizeof(calls->secret))
        abort();
    sim_intern_init(&calls->intern);
    calls->next = 1;
    calls->first = 1;
    return calls;
}

void sim_calls_free(struct sim_calls *calls)
{
    if (calls == NULL)
        return;
    for (size_t i = 0; i < SIM_SEGMENTS; i++)
        free(calls->segments[i]);
    sim_intern_release(&calls->intern);
    pthread_mutex_destroy(&calls->lock);
    free(calls);
}

static struct sim_call *slot_of(struct sim_calls *calls, uint64_t serial)
{
    size_t at = (size_t)(serial % SIM_RING_CALLS);
    struct sim_call **segment = &calls->segments[at / SIM_SEGMENT_CALLS];

    if (*segment == NULL) {
        *segment = calloc(SIM_SEGMENT_CALLS, sizeof(struct sim_call));
        if (*segment == NULL)
            abort();
    }
    return *segment + at % SIM_SEGMENT_CALLS;
}

struct sim_call *sim_call_locked(struct sim_calls *calls, uint64_t serial)
{
    struct sim_call *call;

    if (serial < calls->first || serial >= calls->next || serial + SIM_RING_CALLS < calls->next)
        return NULL;
    call = slot_of(calls, serial);
    return call->serial == serial ? call : NULL;
}

static void slot_clear(struct sim_calls *calls, struct sim_call *call)
{
    sim_intern_unref(&calls->intern, call->path);
    sim_intern_unref(&calls->intern, call->model);
    sim_intern_unref(&calls->intern, call->served);
    sim_intern_unref(&calls->intern, call->provider);
    sim_intern_unref(&calls->intern, call->body);
    sim_intern_unref(&calls->intern, call->headers);
    sim_intern_unref(&calls->intern, call->key);
    *call = (struct sim_call){0};
}

static struct sim_string *keep(struct sim_calls *calls, struct sim_span span)
{
    return sim_intern_ref(&calls->intern, span.bytes, span.len);
}

static void slot_fill(struct sim_calls *calls, struct sim_call *call,
                      const struct sim_arrival *arrival)
{
    *call = (struct sim_call){
        .serial = calls->next,
        .arrived_ms = arrival->now_ms,
        .record = arrival->record,
        .body_bytes = arrival->body_bytes,
        .path = keep(calls, arrival->path),
        .model = keep(calls, arrival->model),
        .served = keep(calls, arrival->served),
        .provider = keep(calls, arrival->provider),
        .body = keep(calls, arrival->body),
        .headers = keep(calls, arrival->headers),
        .key = keep(calls, arrival->key),
        .finish_reason = arrival->finish_reason,
        .tokens = arrival->tokens,
        .costs = arrival->costs,
        .dialect = arrival->dialect,
        .api = arrival->api,
        .status = arrival->status,
        .state = SIM_LIVE,
        .http2 = arrival->http2,
        .stream = arrival->stream,
        .byok = arrival->byok,
    };
    memcpy(call->body_sha256, arrival->body_sha256, SIM_SHA_BYTES);
    call->id_len = sim_id_write(arrival->dialect, arrival->api, (uint64_t)arrival->now_ms,
                                call->serial, calls->secret, call->id);
}

uint64_t sim_calls_begin(struct sim_calls *calls, const struct sim_arrival *arrival,
                         char ret_id[SIM_ID_MAX + 1])
{
    struct sim_call *call;
    uint64_t serial;

    pthread_mutex_lock(&calls->lock);
    serial = calls->next;
    call = slot_of(calls, serial);
    slot_clear(calls, call);
    slot_fill(calls, call, arrival);
    calls->next++;
    calls->live++;
    memcpy(ret_id, call->id, SIM_ID_MAX + 1);
    pthread_mutex_unlock(&calls->lock);
    return serial;
}

void sim_calls_end(struct sim_calls *calls, uint64_t serial, enum sim_state state, int64_t now_ms)
{
    struct sim_call *call;

    assert(state != SIM_LIVE);
    pthread_mutex_lock(&calls->lock);
    call = sim_call_locked(calls, serial);
    if (serial >= calls->first) {
        assert(calls->live > 0);
        calls->live--;
        calls->aborted += state == SIM_ABORTED ? 1 : 0;
    }
    if (call != NULL) {
        assert(call->state == SIM_LIVE);
        call->state = state;
        call->ended_ms = now_ms;
        calls->spent += call->costs.gateway;
    }
    pthread_mutex_unlock(&calls->lock);
}

void sim_calls_forget(struct sim_calls *calls)
{
    pthread_mutex_lock(&calls->lock);
    for (size_t i = 0; i < SIM_SEGMENTS; i++) {
        free(calls->segments[i]);
        calls->segments[i] = NULL;
    }
    sim_intern_release(&calls->intern);
    sim_intern_init(&calls->intern);
    calls->first = calls->next;
    calls->lookups = calls->connections = calls->live = calls->aborted = 0;
    calls->spent = 0;
    pthread_mutex_unlock(&calls->lock);
}

void sim_calls_connected(struct sim_calls *calls)
{
    pthread_mutex_lock(&calls->lock);
    calls->connections++;
    calls->open++;
    pthread_mutex_unlock(&calls->lock);
}

void sim_calls_disconnected(struct sim_calls *calls)
{
    pthread_mutex_lock(&calls->lock);
    calls->open--;
    assert(calls->open >= 0);
    pthread_mutex_unlock(&calls->lock);
}
