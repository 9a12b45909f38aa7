#include "server/watch.h"

#include <assert.h>
#include <errno.h>
#include <h2o.h>
#include <unistd.h>

static void on_readable(h2o_socket_t *socket, const char *error)
{
    struct watch_set *set = socket->data;

    if (error != NULL)
        return;
    /* One batch a turn: clients are served between two of them, however busy the upstreams are. */
    set->batch_count = epoll_wait(set->epoll_fd, set->batch, WATCH_BATCH, 0);
    for (int i = 0; i < set->batch_count; i++) {
        struct watch *watch = set->batch[i].data.ptr;
        if (watch != NULL)
            watch->on_events(watch, set->batch[i].events);
    }
    set->batch_count = 0;
    set->after(set->after_arg);
}

int watch_set_init(struct watch_set *set, void *loop, void (*after)(void *arg), void *after_arg)
{
    set->after = after;
    set->after_arg = after_arg;
    set->batch_count = 0;
    set->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (set->epoll_fd < 0)
        return -errno;
    set->socket = h2o_evloop_socket_create(loop, set->epoll_fd, H2O_SOCKET_FLAG_DONT_READ);
    set->socket->data = set;
    h2o_socket_read_start(set->socket, on_readable);
    return 0;
}

void watch_set_release(struct watch_set *set)
{
    if (set->socket != NULL)
        h2o_socket_close(set->socket); /* closes the epoll descriptor with it */
    set->socket = NULL;
}

int watch_add(struct watch_set *set, struct watch *watch, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};

    assert(fd >= 0);
    if (epoll_ctl(set->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        return -errno;
    watch->fd = fd;
    return 0;
}

int watch_change(struct watch_set *set, struct watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};

    assert(watch->fd >= 0);
    return epoll_ctl(set->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) == 0 ? 0 : -errno;
}

void watch_remove(struct watch_set *set, struct watch *watch)
{
    if (watch->fd < 0)
        return;
    epoll_ctl(set->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->fd = -1;
    /* An event of this watch may be waiting later in the batch that is being dispatched. */
    for (int i = 0; i < set->batch_count; i++)
        if (set->batch[i].data.ptr == watch)
            set->batch[i].data.ptr = NULL;
}
