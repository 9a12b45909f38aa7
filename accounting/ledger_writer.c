/* ledger_writer.c - the thread that drains all lanes into RocksDB.
 *
 * It sleeps on an eventfd while nothing comes. Woken, it waits GROUP_MS for company, so that a
 * trickle of requests costs a few hundred commits a second and not one each. When RocksDB refuses
 * a write (a full disk), the records stay in the journals; RocksDB does not take writes again by
 * itself after that, so the database is closed and opened anew, until it does.
 */
#include "accounting/ledger_writer.h"

#include "accounting/ledger_recover.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    GROUP_MS = 2,
    RETRY_MS = 50,
    RETRY_MS_MAX = 1000,
    CLOSE_TRIES = 3,            /* how often a closing ledger asks a disk that refuses */
    BACKLOG_BYTES = 256 * 1024, /* as much is not waited for company */
};

static uint64_t backlog(struct ledger *ledger)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < ledger->lane_count; i++)
        bytes += journal_tail(&ledger->lanes[i].journal) - ledger->sources[i].position;
    return bytes;
}

static void publish_durable(struct ledger *ledger, unsigned lane, uint64_t position)
{
    _Atomic uint64_t *durable = &ledger->lanes[lane].durable;
    if (atomic_load_explicit(durable, memory_order_relaxed) >= position)
        return;
    atomic_store_explicit(durable, position, memory_order_release);
    if (ledger->on_durable != NULL)
        ledger->on_durable(ledger->on_durable_arg, lane);
}

/* LEDGER_POWER: the journals reach the disk before anything else is done, because calls wait for
 * it. Where a journal cannot be synced nothing is claimed for it: a second fdatasync() may say yes
 * to pages that the first one lost. The synced commit into RocksDB makes up for it. */
static int sync_lanes(struct ledger *ledger)
{
    int result = 0;
    for (unsigned i = 0; i < ledger->lane_count; i++) {
        struct ledger_lane *lane = &ledger->lanes[i];
        uint64_t tail = journal_tail(&lane->journal);
        if (tail <= atomic_load_explicit(&lane->durable, memory_order_relaxed))
            continue;
        if (fdatasync(lane->journal.fd) == 0)
            publish_durable(ledger, i, tail);
        else
            result = -errno;
    }
    return result;
}

/* Drains what the lanes hold now. */
static int drain_lanes(struct ledger *ledger)
{
    int result, sync_result = ledger->power ? sync_lanes(ledger) : 0;
    bool blocked;
    for (unsigned i = 0; i < ledger->lane_count; i++) {
        result = drain_source(&ledger->drain, &ledger->sources[i],
                              journal_tail(&ledger->lanes[i].journal), &blocked);
        if (result < 0)
            return result == -EILSEQ ? -EBADMSG : result;
    }
    result = drain_commit(&ledger->drain);
    if (result < 0)
        return result;
    for (unsigned i = 0; ledger->power && i < ledger->lane_count; i++)
        publish_durable(ledger, i, ledger->sources[i].committed);
    return sync_result;
}

/* Nobody finds the database any more, and whoever reads it is asked to stop and waited for. */
static void evict_readers(struct ledger *ledger)
{
    pthread_mutex_lock(&ledger->read_lock);
    ledger->readable = NULL;
    atomic_store(&ledger->evicting, true);
    while (ledger->readers > 0)
        pthread_cond_wait(&ledger->unread, &ledger->read_lock);
    atomic_store(&ledger->evicting, false);
    pthread_mutex_unlock(&ledger->read_lock);
}

static void admit_readers(struct ledger *ledger)
{
    pthread_mutex_lock(&ledger->read_lock);
    ledger->readable = ledger->db;
    pthread_mutex_unlock(&ledger->read_lock);
}

/* How far rollups may have come is not forgotten with the database: hours without a rollup, which
 * ledger_rollup_run() has passed, would not be told of their late rows. */
static int reopen(struct ledger *ledger)
{
    char path[JOURNAL_PATH_MAX], text[256];
    int result;
    ledger_db_path(ledger->dir, path);
    evict_readers(ledger);
    if (ledger->db != NULL)
        ledger->rolled_before_ms = ledger->db->rolled_before_ms;
    ledger_db_close(ledger->db);
    ledger->db = NULL;
    result = ledger_db_open(path, ledger->power, &ledger->db, text, sizeof(text));
    if (result == 0 && ledger->db->rolled_before_ms < ledger->rolled_before_ms)
        ledger->db->rolled_before_ms = ledger->rolled_before_ms;
    if (result == 0)
        result = drain_rewind(&ledger->drain, ledger->db);
    if (result == 0)
        admit_readers(ledger);
    return result;
}

/* One round: >= 0 when all is well. After a failure the next round begins with a new database. */
static int round_once(struct ledger *ledger)
{
    int result = 0;
    pthread_mutex_lock(&ledger->lock);
    if (atomic_load(&ledger->error) != 0)
        result = reopen(ledger);
    if (result == 0)
        result = drain_lanes(ledger);
    atomic_store(&ledger->error, result);
    pthread_mutex_unlock(&ledger->lock);
    assert(result <= 0);
    return result;
}

/* Waits for wake_fd, timeout_ms at most; -1: for as long as it takes. */
static void wait_for_wake(struct ledger *ledger, int timeout_ms)
{
    struct pollfd pollfd = {.fd = ledger->wake_fd, .events = POLLIN};
    uint64_t count;
    if (poll(&pollfd, 1, timeout_ms) <= 0)
        return;
    if (read(ledger->wake_fd, &count, sizeof(count)) < 0)
        assert(errno == EAGAIN || errno == EINTR);
}

/* The flag goes up before the lanes are looked at, and a lane publishes its tail before it looks
 * at the flag: one of the two sees the other. */
static void sleep_until_kicked(struct ledger *ledger)
{
    atomic_store(&ledger->sleeping, true);
    if (backlog(ledger) == 0 && !atomic_load(&ledger->stop))
        wait_for_wake(ledger, -1);
    atomic_store(&ledger->sleeping, false);
}

static void *writer_main(void *arg)
{
    struct ledger *ledger = arg;
    int retry_ms = RETRY_MS;
    unsigned tries = 0;
    for (;;) {
        bool stop = atomic_load(&ledger->stop);
        if (round_once(ledger) < 0) {
            if (stop && ++tries >= CLOSE_TRIES)
                break;
            wait_for_wake(ledger, retry_ms);
            retry_ms = 2 * retry_ms < RETRY_MS_MAX ? 2 * retry_ms : RETRY_MS_MAX;
            continue;
        }
        retry_ms = RETRY_MS;
        if (backlog(ledger) >= BACKLOG_BYTES)
            continue;
        if (stop && backlog(ledger) == 0)
            break;
        if (backlog(ledger) == 0)
            sleep_until_kicked(ledger);
        /* A hold that waits for the disk is not made to wait for others besides. */
        if (!ledger->power && !atomic_load(&ledger->stop))
            wait_for_wake(ledger, GROUP_MS);
    }
    return NULL;
}

void ledger_writer_wake(struct ledger *ledger)
{
    atomic_store(&ledger->sleeping, false);
    if (eventfd_write(ledger->wake_fd, 1) != 0)
        assert(errno == EAGAIN); /* its counter is full: it is awake */
}

int ledger_writer_start(struct ledger *ledger)
{
    sigset_t all, before;
    int result;
    ledger->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ledger->wake_fd < 0)
        return -errno;
    admit_readers(ledger);
    /* Signals are for the process's own threads, not for this one. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    result = pthread_create(&ledger->thread, NULL, writer_main, ledger);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0)
        return -result;
    ledger->started = true;
    return 0;
}

void ledger_writer_stop(struct ledger *ledger)
{
    if (!ledger->started)
        return;
    atomic_store(&ledger->stop, true);
    ledger_writer_wake(ledger);
    pthread_join(ledger->thread, NULL);
    ledger->started = false;
}
