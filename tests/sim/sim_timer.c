/* sim_timer.c - see sim_timer.h. A binary heap whose members know their place. */
#include "tests/sim/sim_timer.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t sim_monotonic_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

int64_t sim_unix_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

void sim_timers_release(struct sim_timers *timers)
{
    free(timers->heap);
    *timers = (struct sim_timers){0};
}

static void put(struct sim_timers *timers, struct sim_timer *timer, size_t place)
{
    timers->heap[place] = timer;
    timer->place = place;
}

static void rise(struct sim_timers *timers, struct sim_timer *timer)
{
    size_t place = timer->place;

    while (place > 1 && timers->heap[place / 2]->due_ms > timer->due_ms) {
        put(timers, timers->heap[place / 2], place);
        place /= 2;
    }
    put(timers, timer, place);
}

static void sink(struct sim_timers *timers, struct sim_timer *timer)
{
    size_t place = timer->place;

    for (;;) {
        size_t child = place * 2;
        if (child > timers->count)
            break;
        if (child < timers->count && timers->heap[child + 1]->due_ms < timers->heap[child]->due_ms)
            child++;
        if (timers->heap[child]->due_ms >= timer->due_ms)
            break;
        put(timers, timers->heap[child], place);
        place = child;
    }
    put(timers, timer, place);
}

void sim_timer_cancel(struct sim_timers *timers, struct sim_timer *timer)
{
    struct sim_timer *last;
    size_t place = timer->place;

    if (place == 0)
        return;
    assert(timers->heap[place] == timer);
    last = timers->heap[timers->count--];
    timer->place = 0;
    if (last == timer)
        return;
    put(timers, last, place);
    rise(timers, last);
    sink(timers, last);
}

void sim_timer_set(struct sim_timers *timers, struct sim_timer *timer, int64_t due_ms)
{
    sim_timer_cancel(timers, timer);
    if (timers->count + 1 >= timers->capacity) {
        timers->capacity = timers->capacity != 0 ? timers->capacity * 2 : 64;
        timers->heap = realloc(timers->heap, timers->capacity * sizeof(struct sim_timer *));
        if (timers->heap == NULL)
            abort();
    }
    timer->due_ms = due_ms;
    put(timers, timer, ++timers->count);
    rise(timers, timer);
}

void sim_timers_run(struct sim_timers *timers, int64_t now_ms)
{
    while (timers->count > 0 && timers->heap[1]->due_ms <= now_ms) {
        struct sim_timer *timer = timers->heap[1];
        sim_timer_cancel(timers, timer);
        timer->fire(timer);
    }
}

int32_t sim_timers_wait(const struct sim_timers *timers, int64_t now_ms, int32_t most)
{
    int64_t wait;

    if (timers->count == 0)
        return most;
    wait = timers->heap[1]->due_ms - now_ms;
    if (wait <= 0)
        return 0;
    return wait < most ? (int32_t)wait : most;
}
