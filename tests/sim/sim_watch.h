/* sim_watch.h - sees HTTP/1.1 clients leave while their answer waits.
 *
 * libh2o does not read a connection whose handler has not answered, so a client that hangs up is
 * not seen. Descriptors of waiting calls go into an epoll set of our own for EPOLLRDHUP, and that
 * set's descriptor is one socket of the worker's loop. HTTP/2 needs none of this.
 *
 * Threads: the worker's own.
 */
#ifndef TESTS_SIM_WATCH_H
#define TESTS_SIM_WATCH_H

#include "tests/sim/sim_worker.h"

struct sim_watched {
    int fd; /* -1: not watched */
    void (*left)(struct sim_watched *watched);
};

void sim_watch_init(struct sim_worker *worker);
/* The client must not leave unseen from here on; a second call does nothing. */
void sim_watch_add(struct sim_worker *worker, struct sim_watched *watched, h2o_req_t *req);
void sim_watch_remove(struct sim_worker *worker, struct sim_watched *watched);

#endif
