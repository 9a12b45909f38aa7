#include "server/health.h"
#include "server/config.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

/* A window in one word, so that its counts change together: number of the window since 1970 (32
 * bits), calls (16), failed ones among them (16). */
struct window {
    uint32_t number;
    uint16_t calls, failed;
};
enum { COUNT_MAX = UINT16_MAX };

struct upstream_health {
    atomic_uint_fast64_t window[2]; /* by the number's last bit: the current one and the last */
    atomic_uint run;                /* successes since the last failure */
    atomic_uint asked;              /* how often it was asked for while failing */
    /* By the model's hash; two that share a slot replace each other, which costs a call at most. */
    struct {
        atomic_uint_fast64_t model;
        atomic_int_fast64_t until_ms;
    } rest[HEALTH_RESTS];
};

struct health {
    struct upstream_health upstream[CONFIG_UPSTREAMS_MAX];
};

struct health *health_new(void)
{
    return calloc(1, sizeof(struct health));
}

void health_free(struct health *health)
{
    free(health);
}

static uint64_t pack(struct window window)
{
    return (uint64_t)window.number << 32 | (uint64_t)window.calls << 16 | window.failed;
}

static struct window unpack(uint64_t word)
{
    return (struct window){.number = (uint32_t)(word >> 32),
                           .calls = (uint16_t)(word >> 16),
                           .failed = (uint16_t)word};
}

static uint32_t number_of(int64_t now_ms)
{
    return now_ms < 0 ? 0 : (uint32_t)(now_ms / HEALTH_WINDOW_MS);
}

static void count(atomic_uint_fast64_t *slot, uint32_t number, bool failed)
{
    uint_fast64_t was = atomic_load_explicit(slot, memory_order_relaxed), is;

    do {
        struct window window = unpack(was);
        if (window.number != number)
            window = (struct window){.number = number};
        if (window.calls == COUNT_MAX) { /* the ratio is what counts */
            window.calls /= 2;
            window.failed /= 2;
        }
        window.calls++;
        window.failed = (uint16_t)(window.failed + (failed ? 1 : 0));
        assert(window.failed <= window.calls);
        is = pack(window);
    } while (!atomic_compare_exchange_weak_explicit(slot, &was, is, memory_order_relaxed,
                                                    memory_order_relaxed));
}

static bool is_failing(struct upstream_health *upstream, int64_t now_ms)
{
    uint32_t number = number_of(now_ms);
    unsigned calls = 0, failed = 0;

    for (uint32_t back = 0; back < 2 && back <= number; back++) {
        uint_fast64_t word =
            atomic_load_explicit(&upstream->window[(number - back) & 1], memory_order_relaxed);
        struct window window = unpack(word);
        if (window.number != number - back)
            continue;
        calls += window.calls;
        failed += window.failed;
    }
    return calls >= HEALTH_CALLS_MIN && failed > calls - failed;
}

void health_note(struct health *health, unsigned upstream, bool failed, int64_t now_ms)
{
    struct upstream_health *one = &health->upstream[upstream];
    uint32_t number = number_of(now_ms);

    assert(upstream < CONFIG_UPSTREAMS_MAX);
    count(&one->window[number & 1], number, failed);
    if (failed) {
        atomic_store_explicit(&one->run, 0, memory_order_relaxed);
        return;
    }
    if (atomic_fetch_add_explicit(&one->run, 1, memory_order_relaxed) + 1 < HEALTH_RECOVERED ||
        !is_failing(one, now_ms))
        return;
    for (unsigned i = 0; i < 2; i++)
        atomic_store_explicit(&one->window[i], 0, memory_order_relaxed);
}

/* FNV-1a, 64 bits. */
static uint64_t hash_of(struct text model)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < model.len; i++)
        hash = (hash ^ (unsigned char)model.bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

void health_rest(struct health *health, unsigned upstream, struct text model, int64_t for_ms,
                 int64_t now_ms)
{
    struct upstream_health *one = &health->upstream[upstream];
    int64_t until = now_ms + (for_ms < HEALTH_REST_MAX_MS ? for_ms : HEALTH_REST_MAX_MS);
    uint64_t hash = hash_of(model);

    assert(upstream < CONFIG_UPSTREAMS_MAX);
    /* A shorter word does not take back a longer one: they speak of different limits. */
    if (for_ms <= 0 || until <= health_resting_until(health, upstream, model, now_ms))
        return;
    atomic_store_explicit(&one->rest[hash % HEALTH_RESTS].model, hash, memory_order_relaxed);
    atomic_store_explicit(&one->rest[hash % HEALTH_RESTS].until_ms, until, memory_order_relaxed);
}

int64_t health_resting_until(const struct health *health, unsigned upstream, struct text model,
                             int64_t now_ms)
{
    const struct upstream_health *one = &health->upstream[upstream];
    uint64_t hash = hash_of(model);
    int64_t until;

    assert(upstream < CONFIG_UPSTREAMS_MAX);
    if (atomic_load_explicit(&one->rest[hash % HEALTH_RESTS].model, memory_order_relaxed) != hash)
        return 0;
    until = atomic_load_explicit(&one->rest[hash % HEALTH_RESTS].until_ms, memory_order_relaxed);
    return until > now_ms && until - now_ms <= HEALTH_REST_MAX_MS ? until : 0;
}

bool health_should_avoid(struct health *health, unsigned upstream, struct text model,
                         int64_t now_ms)
{
    struct upstream_health *one = &health->upstream[upstream];
    unsigned asked;

    assert(upstream < CONFIG_UPSTREAMS_MAX);
    if (health_resting_until(health, upstream, model, now_ms) != 0)
        return true;
    if (!is_failing(one, now_ms))
        return false;
    asked = atomic_fetch_add_explicit(&one->asked, 1, memory_order_relaxed) + 1;
    return asked % HEALTH_PROBE_EVERY != 0;
}
