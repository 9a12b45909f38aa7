/* ledger.c - opening and closing, and what any thread may ask. Lanes are in ledger_lane.c. */
#include "accounting/ledger.h"

#include "accounting/ledger_month.h"
#include "accounting/ledger_recover.h"
#include "accounting/ledger_view.h"
#include "accounting/ledger_writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- opening --- */

int ledger_make_directory(const char *dir)
{
    char path[JOURNAL_PATH_MAX];
    size_t len = strlen(dir);
    struct stat stat_;
    if (len == 0 || len >= sizeof(path) - 32)
        return -ENAMETOOLONG;
    memcpy(path, dir, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        path[i] = 0;
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return -errno;
        path[i] = dir[i];
    }
    if (stat(dir, &stat_) != 0)
        return -errno;
    return S_ISDIR(stat_.st_mode) ? 0 : -ENOTDIR;
}

/* The latest created_at that any lane ever gave. */
static int read_floor(struct ledger_db *db, int64_t *ret_floor_ms)
{
    int64_t floor_ms = 0;
    for (unsigned lane = 0; lane < LEDGER_LANES_MAX; lane++) {
        uint64_t position;
        int64_t created_at_ms;
        int found = ledger_db_get_lane(db, lane, &position, &created_at_ms);
        if (found < 0)
            return found;
        if (found == 1 && created_at_ms > floor_ms)
            floor_ms = created_at_ms;
    }
    *ret_floor_ms = floor_ms;
    return 0;
}

static int open_journal(const char *path, uint64_t size, uint64_t position,
                        struct journal *ret_journal)
{
    int result = journal_open(path, ret_journal);
    if (result == 0 && ret_journal->size != size)
        journal_close(ret_journal); /* drained by recovery; the next one has the wanted size */
    else if (result != -ENOENT)
        return result;
    return journal_create(path, size, position, ret_journal);
}

static int open_lane(struct ledger *ledger, unsigned index, uint64_t size, uint64_t boot,
                     int64_t floor_ms, rocksdb_writebatch_t *batch)
{
    struct ledger_lane *lane = &ledger->lanes[index];
    char path[JOURNAL_PATH_MAX];
    uint64_t position = 0;
    int64_t created_at_ms = 0;
    int result = ledger_db_get_lane(ledger->db, index, &position, &created_at_ms);
    if (result < 0)
        return result;
    ledger_journal_path(ledger->dir, index, path);
    result = open_journal(path, size, position, &lane->journal);
    if (result < 0)
        return result;
    position = journal_tail(&lane->journal);
    assert(position == journal_head(&lane->journal));
    lane->ledger = ledger;
    lane->index = index;
    lane->boot_and_lane =
        boot << (LEDGER_LANE_BITS + LEDGER_COUNTER_BITS) | (uint64_t)index << LEDGER_COUNTER_BITS;
    lane->floor_ms = floor_ms;
    lane->kicked = position;
    atomic_store(&lane->durable, position);
    ledger->sources[index] = (struct drain_source){
        .lane = index,
        .journal = &lane->journal,
        .position = position,
        .committed = position,
        .created_at_ms = floor_ms,
    };
    ledger_db_put_lane(ledger->db, batch, index, position, floor_ms);
    return 0;
}

/* A ledger with fewer lanes than before: recovery has emptied the others. Then the directory is
 * synced, for the new journals too. */
static int remove_spare_journals(const struct ledger *ledger)
{
    char path[JOURNAL_PATH_MAX];
    int fd, result;
    for (unsigned lane = ledger->lane_count; lane < LEDGER_LANES_MAX; lane++) {
        ledger_journal_path(ledger->dir, lane, path);
        if (unlink(path) != 0 && errno != ENOENT)
            return -errno;
    }
    fd = open(ledger->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    result = fsync(fd) == 0 ? 0 : -errno;
    close(fd);
    return result;
}

static int open_lanes(struct ledger *ledger, const struct ledger_options *options)
{
    uint64_t boot = 0, size = options->journal_bytes;
    int64_t floor_ms;
    rocksdb_writebatch_t *batch;
    int result = ledger_db_get_boot(ledger->db, &boot);
    if (result >= 0)
        result = read_floor(ledger->db, &floor_ms);
    if (result < 0)
        return result;
    boot = (boot + 1) & ((UINT64_C(1) << LEDGER_BOOT_BITS) - 1);
    if (size == 0)
        size = LEDGER_JOURNAL_BYTES;
    size = (size + JOURNAL_PAGE - 1) / JOURNAL_PAGE * JOURNAL_PAGE;
    batch = rocksdb_writebatch_create();
    ledger_db_put_boot(ledger->db, batch, boot);
    for (unsigned i = 0; i < ledger->lane_count && result >= 0; i++)
        result = open_lane(ledger, i, size, boot, floor_ms, batch);
    if (result >= 0)
        result = ledger_db_write(ledger->db, batch);
    if (result >= 0)
        result = ledger_db_sync(ledger->db); /* before what it stands for is removed */
    if (result >= 0)
        result = remove_spare_journals(ledger);
    rocksdb_writebatch_destroy(batch);
    return result;
}

static int open_all(struct ledger *ledger, const struct ledger_options *options, char *error,
                    size_t error_size)
{
    char path[JOURNAL_PATH_MAX], journal[JOURNAL_PATH_MAX];
    int result = ledger_make_directory(options->dir);
    if (result == 0)
        result = ledger_lock(options->dir, options->lock_wait_ms, &ledger->lock_fd);
    if (result == -EBUSY)
        snprintf(error, error_size,
                 "%s: another process has the ledger: stop it, or give this one a data_dir of "
                 "its own",
                 options->dir);
    else if (result < 0)
        snprintf(error, error_size, "%s: %s", options->dir, strerror(-result));
    if (result < 0)
        return result;
    ledger_db_path(options->dir, path);
    ledger_journal_path(options->dir, 0, journal);
    result = ledger_db_check(path, journal, error, error_size);
    if (result == 0)
        result = ledger_db_open(path, ledger->power, &ledger->db, error, error_size);
    if (result == 0)
        result = ledger_recover(options->dir, ledger->db, error, error_size);
    if (result < 0)
        return result;
    atomic_store(&ledger->place_floor_ms, ledger->db->closed_before_ms);
    atomic_store(&ledger->closed_before_ms, ledger->db->closed_before_ms);
    ledger_lock_serves(ledger->lock_fd);
    drain_init(&ledger->drain, ledger->db, ledger->sources, ledger->lane_count);
    result = open_lanes(ledger, options);
    if (result == 0)
        result = ledger_writer_start(ledger);
    if (result < 0)
        snprintf(error, error_size, "%s: %s", options->dir, strerror(-result));
    return result;
}

int ledger_open(const struct ledger_options *options, struct ledger **ret_ledger, char *error,
                size_t error_size)
{
    struct ledger *ledger = aligned_alloc(128, sizeof(*ledger));
    int result = -ENOMEM;
    assert(options->lanes >= 1 && options->lanes <= LEDGER_LANES_MAX);
    assert(options->journal_bytes == 0 || options->journal_bytes >= JOURNAL_BYTES_MIN);
    assert(options->journal_bytes <= JOURNAL_BYTES_MAX);
    if (error_size > 0)
        error[0] = 0;
    if (ledger == NULL)
        return result;
    memset(ledger, 0, sizeof(*ledger));
    ledger->lock_fd = ledger->wake_fd = -1;
    ledger->power = options->durability == LEDGER_POWER;
    ledger->lane_count = options->lanes;
    pthread_mutex_init(&ledger->lock, NULL);
    pthread_mutex_init(&ledger->settle_lock, NULL);
    pthread_mutex_init(&ledger->upkeep_lock, NULL);
    pthread_mutex_init(&ledger->read_lock, NULL);
    pthread_cond_init(&ledger->unread, NULL);
    ledger->dir = strdup(options->dir);
    ledger->lanes = aligned_alloc(128, options->lanes * sizeof(*ledger->lanes));
    if (ledger->lanes != NULL)
        memset(ledger->lanes, 0, options->lanes * sizeof(*ledger->lanes));
    if (ledger->dir != NULL && ledger->lanes != NULL)
        result = open_all(ledger, options, error, error_size);
    if (result < 0) {
        ledger_close(ledger);
        return result;
    }
    *ret_ledger = ledger;
    return 0;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger == NULL)
        return;
    assert(ledger->readers == 0);
    if (ledger->started) {
        ledger_writer_stop(ledger);
        if (ledger->db != NULL && atomic_load(&ledger->error) == 0)
            ledger_db_flush(ledger->db); /* where it fails, the next start replays instead */
    }
    drain_release(&ledger->drain);
    ledger_db_close(ledger->db);
    for (unsigned i = 0; ledger->lanes != NULL && i < ledger->lane_count; i++)
        journal_close(&ledger->lanes[i].journal);
    if (ledger->wake_fd >= 0)
        close(ledger->wake_fd);
    if (ledger->lock_fd >= 0)
        close(ledger->lock_fd);
    pthread_cond_destroy(&ledger->unread);
    pthread_mutex_destroy(&ledger->read_lock);
    pthread_mutex_destroy(&ledger->lock);
    pthread_mutex_destroy(&ledger->settle_lock);
    pthread_mutex_destroy(&ledger->upkeep_lock);
    free(ledger->lanes);
    free(ledger->dir);
    free(ledger);
}

/* --- any thread --- */

void ledger_health(struct ledger *ledger, struct ledger_health *ret_health)
{
    uint64_t lag = 0;
    for (unsigned i = 0; i < ledger->lane_count; i++) {
        uint64_t applied = atomic_load_explicit(&ledger->sources[i].applied, memory_order_relaxed);
        uint64_t recorded =
            atomic_load_explicit(&ledger->lanes[i].journal.recorded, memory_order_relaxed);
        lag += recorded > applied ? recorded - applied : 0;
    }
    *ret_health = (struct ledger_health){
        .error = atomic_load(&ledger->error),
        .lag_bytes = lag,
        .rows = atomic_load_explicit(&ledger->drain.rows, memory_order_relaxed),
    };
}

struct listing {
    const struct ledger_view *view;
    void (*fn)(void *arg, const struct ledger_pending *);
    void *arg;
};

/* A row that cannot be read is listed without it: it must not hide the others. */
static int list_pending(void *arg, const struct ledger_entry *entry)
{
    const struct listing *listing = arg;
    struct ledger_pending pending = {.ref = entry->ref};
    struct ledger_row row;
    char *value = NULL;
    size_t len = 0;
    int found = ledger_view_row(listing->view, &entry->ref, &value, &len);
    if (found < 0 && found != -EBADMSG)
        return found;
    if (found == 1 && row_decode((const uint8_t *)value, len, &row) == 0)
        pending.row = &row;
    listing->fn(listing->arg, &pending);
    if (found == 1)
        rocksdb_free(value);
    return 0;
}

int ledger_pending(struct ledger *ledger, void (*fn)(void *arg, const struct ledger_pending *),
                   void *arg)
{
    struct ledger_view view;
    struct listing listing = {&view, fn, arg};
    int result = ledger_view_pin(ledger, NULL, &view);
    if (result < 0)
        return result;
    result = ledger_view_each(&view, view.db->pending, 0, INT64_MAX, list_pending, &listing);
    ledger_view_release(&view);
    return result;
}
