/* sim_watch.c - see sim_watch.h. */
#include "tests/sim/sim_watch.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* One event at a time: what a callback does may end the watch of another descriptor. */
static void on_ready(h2o_socket_t *socket, const char *error)
{
    struct sim_worker *worker = socket->data;
    struct epoll_event event;

    if (error != NULL)
        return;
    while (epoll_wait(worker->watch_fd, &event, 1, 0) == 1) {
        struct sim_watched *watched = event.data.ptr;
        sim_watch_remove(worker, watched);
        watched->left(watched);
    }
}

void sim_watch_init(struct sim_worker *worker)
{
    worker->watch_fd = epoll_create1(EPOLL_CLOEXEC);
    if (worker->watch_fd < 0)
        abort();
    worker->watch =
        h2o_evloop_socket_create(worker->loop, worker->watch_fd, H2O_SOCKET_FLAG_DONT_READ);
    worker->watch->data = worker;
    h2o_socket_read_start(worker->watch, on_ready);
}

void sim_watch_add(struct sim_worker *worker, struct sim_watched *watched, h2o_req_t *req)
{
    struct epoll_event event = {.events = EPOLLRDHUP, .data = {.ptr = watched}};

    if (watched->fd >= 0 || req->version >= 0x200)
        return;
    watched->fd = h2o_socket_get_fd(req->conn->callbacks->get_socket(req->conn));
    if (epoll_ctl(worker->watch_fd, EPOLL_CTL_ADD, watched->fd, &event) != 0)
        abort();
}

void sim_watch_remove(struct sim_worker *worker, struct sim_watched *watched)
{
    if (watched->fd < 0)
        return;
    /* Where the connection went first, the kernel has removed it already. */
    epoll_ctl(worker->watch_fd, EPOLL_CTL_DEL, watched->fd, NULL);
    watched->fd = -1;
}
