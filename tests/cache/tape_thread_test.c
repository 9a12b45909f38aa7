/* Tapes between threads: nobody sleeps through what it waits for, nobody reads what is not there.
 */
#include "tests/cache/tape_sample.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static const struct tape_stamp stamp = {
    .slot = {{"gen-1763679111-abcdefghij0123456789", 35}, {"1763679111", 10}}};

enum { WORKERS = 3, READERS_EACH = 4, ROUNDS = 40 };

struct mailbox {
    pthread_mutex_t lock;
    pthread_cond_t full;
    bool woken;
};

struct race {
    struct tape *tape;
    const char *expected;
    size_t expected_len;
    struct mailbox mailboxes[WORKERS];
    atomic_int failures;
};

struct race_worker {
    struct race *race;
    unsigned number;
};

static void wake_all(struct race *race, uint64_t workers)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        if ((workers >> i & 1) == 0)
            continue;
        pthread_mutex_lock(&race->mailboxes[i].lock);
        race->mailboxes[i].woken = true;
        pthread_cond_signal(&race->mailboxes[i].full);
        pthread_mutex_unlock(&race->mailboxes[i].lock);
    }
}

/* False when nobody woke this worker within a time in which anybody would have. */
static bool wait_for_mail(struct mailbox *mailbox)
{
    struct timespec deadline;
    int err = 0;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 30;
    pthread_mutex_lock(&mailbox->lock);
    while (!mailbox->woken && err == 0)
        err = pthread_cond_timedwait(&mailbox->full, &mailbox->lock, &deadline);
    mailbox->woken = false;
    pthread_mutex_unlock(&mailbox->lock);
    return err == 0;
}

/* Reads one reader until it waits or ends, checking the bytes. Returns false when it has ended. */
static bool read_on(struct race_worker *worker, struct tape_reader *reader, size_t *done)
{
    struct race *race = worker->race;
    char buffer[97];
    size_t len;
    for (;;) {
        enum tape_read result = tape_read(reader, worker->number, buffer, sizeof(buffer), &len);
        if (result == TAPE_READ_WAIT)
            return true;
        if (result == TAPE_READ_END && *done == race->expected_len)
            return false;
        if (result != TAPE_READ_BYTES || *done + len > race->expected_len ||
            memcmp(buffer, race->expected + *done, len) != 0) {
            atomic_fetch_add(&race->failures, 1);
            return false;
        }
        *done += len;
    }
}

static void *race_reader(void *arg)
{
    struct race_worker *worker = arg;
    struct race *race = worker->race;
    struct tape_reader readers[READERS_EACH];
    size_t done[READERS_EACH] = {0};
    unsigned live = 0;
    for (size_t i = 0; i < READERS_EACH; i++) {
        if (tape_reader_init(&readers[i], race->tape, TAPE_REPLAY, &stamp) != 0)
            atomic_fetch_add(&race->failures, 1);
        else
            live |= 1u << i;
    }
    while (live != 0) {
        for (size_t i = 0; i < READERS_EACH; i++) {
            if ((live >> i & 1) != 0 && !read_on(worker, &readers[i], &done[i])) {
                live &= ~(1u << i);
                tape_reader_release(&readers[i]);
            }
        }
        if (live != 0 && !wait_for_mail(&race->mailboxes[worker->number])) {
            atomic_fetch_add(&race->failures, 1); /* a lost wake-up */
            return NULL;
        }
    }
    return NULL;
}

static void no_wake_up_is_lost_between_threads(void **state)
{
    struct race race = {0};
    (void)state;
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_mutex_init(&race.mailboxes[i].lock, NULL);
        pthread_cond_init(&race.mailboxes[i].full, NULL);
    }
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct tape_budget *budget = tape_budget_new(SIZE_MAX);
        struct sample *sample = sample_new(round, 200, 120);
        struct race_worker workers[WORKERS];
        pthread_t threads[WORKERS];
        char *expected = sample_render(sample, &stamp, &race.expected_len);
        race.expected = expected;
        race.tape = tape_new(budget, SIZE_MAX);
        for (unsigned i = 0; i < WORKERS; i++) {
            race.mailboxes[i].woken = false;
            workers[i] = (struct race_worker){.race = &race, .number = i};
            assert_int_equal(pthread_create(&threads[i], NULL, race_reader, &workers[i]), 0);
        }
        wake_all(&race, tape_begin(race.tape, "h", 1));
        for (size_t i = 0; i < sample->append_count; i++)
            wake_all(&race, sample_append(sample, i, race.tape));
        wake_all(&race, tape_end(race.tape, TAPE_WHOLE, NULL, 0));
        for (unsigned i = 0; i < WORKERS; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(atomic_load(&race.failures), 0);
        tape_unref(race.tape);
        assert_int_equal(tape_budget_used(budget), 0);
        tape_budget_free(budget);
        free(expected);
        sample_free(sample);
    }
}

/* A window slides and forgets under its readers: each gets the true bytes or is told it is lost. */
static void *window_reader(void *arg)
{
    struct race_worker *worker = arg;
    struct race *race = worker->race;
    struct tape_reader reader;
    char buffer[5000];
    size_t len;
    uint64_t at = 0;
    if (tape_reader_init(&reader, race->tape, TAPE_ORIGINAL, NULL) != 0)
        return NULL; /* it came after the tape had become a window */
    for (;;) {
        enum tape_read result = tape_read(&reader, worker->number, buffer, sizeof(buffer), &len);
        if (result == TAPE_READ_END || result == TAPE_READ_LOST)
            break;
        if (result == TAPE_READ_WAIT) {
            if (!wait_for_mail(&race->mailboxes[worker->number]))
                atomic_fetch_add(&race->failures, 1);
            continue;
        }
        for (size_t i = 0; i < len; i++, at++) {
            if (buffer[i] != (char)('a' + at % 23))
                atomic_fetch_add(&race->failures, 1);
        }
    }
    tape_reader_release(&reader);
    return NULL;
}

static void a_window_is_true_or_lost_under_threads(void **state)
{
    struct race race = {0};
    struct race_worker workers[WORKERS];
    pthread_t threads[WORKERS];
    struct tape_budget *budget = tape_budget_new(200 * 1024);
    char bytes[3000];
    uint64_t at = 0, wake = 0;
    (void)state;
    race.tape = tape_new(budget, SIZE_MAX);
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_mutex_init(&race.mailboxes[i].lock, NULL);
        pthread_cond_init(&race.mailboxes[i].full, NULL);
        workers[i] = (struct race_worker){.race = &race, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, window_reader, &workers[i]), 0);
    }
    for (size_t i = 0; i < 3000; i++) {
        size_t len = 1 + i * 37 % sizeof(bytes);
        for (size_t j = 0; j < len; j++, at++)
            bytes[j] = (char)('a' + at % 23);
        assert_int_equal(tape_append(race.tape, bytes, len, NULL, 0, &wake), 0);
        wake_all(&race, wake);
    }
    assert_true(tape_is_window(race.tape));
    wake_all(&race, tape_end(race.tape, TAPE_WHOLE, NULL, 0));
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&race.failures), 0);
    tape_unref(race.tape);
    assert_int_equal(tape_budget_used(budget), 0);
    tape_budget_free(budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_wake_up_is_lost_between_threads),
        cmocka_unit_test(a_window_is_true_or_lost_under_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
