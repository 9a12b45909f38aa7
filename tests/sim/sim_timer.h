/* sim_timer.h - one worker's timers of any duration in a heap: libh2o has lists of one fixed
 * duration each, which would not do for delays that tests make up.
 *
 * Threads: the worker's own. A timer is embedded where it is used; zero is "not set".
 */
#ifndef TESTS_SIM_TIMER_H
#define TESTS_SIM_TIMER_H

#include <stddef.h>
#include <stdint.h>

struct sim_timer {
    int64_t due_ms; /* monotonic */
    size_t place;   /* in the heap, from 1; 0: not set */
    void (*fire)(struct sim_timer *timer);
};

struct sim_timers {
    struct sim_timer **heap; /* heap[0] is not used */
    size_t count, capacity;
};

int64_t sim_monotonic_ms(void);
int64_t sim_unix_ms(void);

void sim_timers_release(struct sim_timers *timers);
/* Sets or moves a timer. */
void sim_timer_set(struct sim_timers *timers, struct sim_timer *timer, int64_t due_ms);
void sim_timer_cancel(struct sim_timers *timers, struct sim_timer *timer);
/* Fires what is due, each once; what fires may set and cancel timers. */
void sim_timers_run(struct sim_timers *timers, int64_t now_ms);
/* Milliseconds until the first is due, at most `most`. */
int32_t sim_timers_wait(const struct sim_timers *timers, int64_t now_ms, int32_t most);

#endif
