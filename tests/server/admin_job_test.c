/* The loop and a job's thread, in an order that the test decides: the code is compiled into the
 * test, so that what the two do between one another can be made to happen. */
#include "server/admin_private.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int hooked_unlock(pthread_mutex_t *mutex);
static void told_health(struct ledger *ledger, struct ledger_health *ret_health);

#define pthread_mutex_unlock(mutex) hooked_unlock(mutex)
#define ledger_health(ledger, ret_health) told_health(ledger, ret_health)
#include "server/admin_job.c"
#undef pthread_mutex_unlock
#undef ledger_health

enum { DEADLINE_MS = 20 * 1000 };

static struct {
    struct gateway gateway;
    struct admin admin;
    h2o_pathconf_t *path;
    h2o_conn_t *conn;
    h2o_req_t req;
    h2o_ostream_t sink;
    char got[16]; /* the bytes that were sent */
    size_t len;
    bool unanswered; /* what was sent last */
    h2o_send_state_t state;
    struct admin_message other;
    unsigned others;
    pthread_t loop_thread;
    void (*after_unlock)(void); /* on the loop, once */
    _Atomic unsigned written;   /* by the thread: chunks that were handed over */
    _Atomic int write_error;    /* it was told */
    _Atomic int ledger_error;
    _Atomic unsigned asked;
} scene;

/* --- between the two --- */

static int hooked_unlock(pthread_mutex_t *mutex)
{
    int result = pthread_mutex_unlock(mutex);
    void (*hook)(void) = NULL;

    if (pthread_equal(pthread_self(), scene.loop_thread)) {
        hook = scene.after_unlock;
        scene.after_unlock = NULL;
    }
    if (hook != NULL)
        hook();
    return result;
}

static void told_health(struct ledger *ledger, struct ledger_health *ret_health)
{
    (void)ledger;
    *ret_health = (struct ledger_health){.error = atomic_load(&scene.ledger_error)};
    atomic_fetch_add(&scene.asked, 1);
}

static void wait_for(const _Atomic unsigned *count, unsigned least)
{
    int64_t deadline = admin_monotonic_ms() + DEADLINE_MS;

    while (atomic_load(count) < least && admin_monotonic_ms() < deadline)
        poll(NULL, 0, 1);
    assert_true(atomic_load(count) >= least);
}

/* --- the loop --- */

static void take_mail(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    (void)receiver;
    while (!h2o_linklist_is_empty(messages)) {
        h2o_linklist_t *first = messages->next;
        struct admin_message *message =
            H2O_STRUCT_FROM_MEMBER(struct admin_message, super.link, first);
        assert_non_null(first->next); /* it is in the list */
        h2o_linklist_unlink(first);
        message->fn(message->arg);
    }
}

static void on_other(void *arg)
{
    ++*(unsigned *)arg;
}

static void on_send(h2o_ostream_t *self, h2o_req_t *req, h2o_iovec_t *bufs, size_t count,
                    h2o_send_state_t state)
{
    (void)self;
    (void)req;
    for (size_t i = 0; i < count; i++) {
        assert_true(scene.len + bufs[i].len < sizeof scene.got);
        memcpy(scene.got + scene.len, bufs[i].base, bufs[i].len);
        scene.len += bufs[i].len;
    }
    scene.state = state;
    scene.unanswered = h2o_send_state_is_in_progress(state);
}

static void turn(void)
{
    h2o_evloop_run(scene.admin.context.loop, 1);
}

static void proceed(void)
{
    assert_true(scene.unanswered);
    scene.unanswered = false;
    h2o_proceed_response(&scene.req);
}

static void turn_until_sent(size_t len)
{
    int64_t deadline = admin_monotonic_ms() + DEADLINE_MS;

    while (scene.len < len && admin_monotonic_ms() < deadline)
        turn();
    assert_int_equal(scene.len, len);
}

static void turn_until_joined(void)
{
    int64_t deadline = admin_monotonic_ms() + DEADLINE_MS;

    while (scene.admin.threads > 0 && admin_monotonic_ms() < deadline)
        turn();
    assert_int_equal(scene.admin.threads, 0);
}

static int setup_loop(void **state)
{
    static const h2o_conn_callbacks_t callbacks = {.get_sockname = NULL};
    struct admin *admin = &scene.admin;
    h2o_hostconf_t *host;

    (void)state;
    scene.loop_thread = pthread_self();
    admin->gateway = &scene.gateway;
    h2o_config_init(&admin->globalconf);
    host = h2o_config_register_host(&admin->globalconf, h2o_iovec_init(H2O_STRLIT("test.invalid")),
                                    65535);
    scene.path = h2o_config_register_path(host, "/", 0);
    h2o_context_init(&admin->context, h2o_evloop_create(), &admin->globalconf);
    h2o_multithread_register_receiver(admin->context.queue, &admin->mailbox, take_mail);
    scene.conn = h2o_create_connection(sizeof *scene.conn, &admin->context, admin->globalconf.hosts,
                                       (struct timeval){0, 0}, &callbacks);
    scene.sink.do_send = on_send;
    return 0;
}

static int teardown_loop(void **state)
{
    (void)state;
    free(scene.conn); /* the rest can be reached as long as the process lives */
    return 0;
}

static void start(admin_work *work)
{
    struct admin_job *job;

    h2o_init_request(&scene.req, scene.conn, NULL);
    scene.req.pathconf = scene.path;
    scene.req.version = 0x200;
    scene.req._ostr_top = &scene.sink;
    scene.len = 0;
    scene.others = 0;
    atomic_store(&scene.written, 0);
    atomic_store(&scene.write_error, 0);
    atomic_store(&scene.asked, 0);
    atomic_store(&scene.ledger_error, 0);
    job = admin_job_new(&scene.admin, &scene.req, ADMIN_EXPORT);
    assert_non_null(job);
    job->work = work;
    admin_job_start(job);
    assert_int_equal(scene.admin.threads, 1);
}

/* --- jobs --- */

static int write_digit(FILE *out, unsigned digit)
{
    fputc('0' + (int)digit, out);
    if (fflush(out) != 0) {
        atomic_store(&scene.write_error, errno);
        return -1;
    }
    atomic_store(&scene.written, digit);
    return 0;
}

static int write_three(struct admin_job *job, FILE *out)
{
    for (unsigned digit = 1; digit <= 3; digit++)
        if (write_digit(out, digit) != 0)
            return admin_error_ledger(&job->error, -EIO, "");
    return 0;
}

/* It does not look at what writing said, until it has nothing more to say. */
static int write_blindly(struct admin_job *job, FILE *out)
{
    (void)job;
    for (unsigned digit = 1; digit <= 3; digit++)
        write_digit(out, digit);
    return 0;
}

/* The second chunk is there before the loop has looked, and so its message is still to come. */
static void let_it_hand_over(void)
{
    wait_for(&scene.written, 2);
    admin_post(&scene.admin, &scene.other, on_other, &scene.others);
}

static void a_message_is_posted_once_until_it_was_taken(void **state)
{
    (void)state;
    start(write_three);
    turn_until_sent(1);
    scene.after_unlock = let_it_hand_over;
    proceed();
    assert_int_equal(scene.len, 2); /* the loop was not turned: the message lies where it was */
    proceed();
    wait_for(&scene.written, 3);
    turn_until_sent(3);
    if (scene.unanswered)
        proceed();
    turn_until_joined();
    assert_int_equal(scene.others, 1); /* nobody else's is lost */
    assert_memory_equal(scene.got, "123", 3);
    assert_int_equal(scene.state, H2O_SEND_STATE_FINAL);
    h2o_dispose_request(&scene.req);
    assert_null(scene.admin.jobs);
}

static void check_a_slow_client_is_cut_off(admin_work *work)
{
    start(work);
    turn_until_sent(1);
    wait_for(&scene.asked, 1); /* while all is well a slow client is waited for */
    assert_int_equal(atomic_load(&scene.written), 1);
    assert_int_equal(scene.admin.threads, 1);
    atomic_store(&scene.ledger_error, -EIO);
    turn_until_joined(); /* it took nothing */
    assert_int_equal(atomic_load(&scene.write_error), EPIPE);
    proceed();
    assert_int_equal(scene.len, 1);
    assert_int_equal(scene.state, H2O_SEND_STATE_ERROR);
    h2o_dispose_request(&scene.req);
    assert_null(scene.admin.jobs);
}

static void a_slow_client_does_not_keep_the_ledger_from_being_opened(void **state)
{
    (void)state;
    check_a_slow_client_is_cut_off(write_three);
    check_a_slow_client_is_cut_off(write_blindly);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_posted_once_until_it_was_taken),
        cmocka_unit_test(a_slow_client_does_not_keep_the_ledger_from_being_opened),
    };
    return cmocka_run_group_tests(tests, setup_loop, teardown_loop);
}
