/* watch.h - descriptors that libh2o does not know, watched in the same event loop.
 *
 * One epoll set per worker, itself registered in the h2o loop as one readable descriptor: libcurl's
 * sockets, its timer, and the client connections whose departure HTTP/1.1 would hide from us
 * (platform.md) all live in it.
 *
 * Threads: a set belongs to its worker.
 */
#ifndef SERVER_WATCH_H
#define SERVER_WATCH_H

#include <stdint.h>
#include <sys/epoll.h>

typedef struct st_h2o_evloop_t h2o_evloop_t_alias; /* h2o's loop; see watch_set_init() */

struct watch {
    void (*on_events)(struct watch *watch, uint32_t events); /* EPOLL* bits */
    int fd;                                                  /* -1: not watched */
};

enum { WATCH_BATCH = 64 };

struct watch_set {
    int epoll_fd;
    struct st_h2o_socket_t *socket;
    void (*after)(void *arg); /* runs after every batch of events */
    void *after_arg;
    struct epoll_event batch[WATCH_BATCH]; /* what is being dispatched: removal clears it */
    int batch_count;
};

/* loop: struct st_h2o_evloop_t *. A negative errno when the kernel refuses. */
int watch_set_init(struct watch_set *set, void *loop, void (*after)(void *arg), void *after_arg);
void watch_set_release(struct watch_set *set);

/* Adds, changes and removes; events are EPOLL* bits. The watch stays the caller's and may be freed
 * once removed, also from inside a callback of the set. */
int watch_add(struct watch_set *set, struct watch *watch, int fd, uint32_t events);
int watch_change(struct watch_set *set, struct watch *watch, uint32_t events);
void watch_remove(struct watch_set *set, struct watch *watch);

#endif
