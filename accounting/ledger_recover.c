#include "accounting/ledger_recover.h"

#include "accounting/ledger_drain.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { LOCK_NAP_MS = 5 };

void ledger_journal_path(const char *dir, unsigned lane, char path[JOURNAL_PATH_MAX])
{
    int len = snprintf(path, JOURNAL_PATH_MAX, "%s/journal.%u", dir, lane);
    assert(len > 0 && len < JOURNAL_PATH_MAX);
}

void ledger_db_path(const char *dir, char path[JOURNAL_PATH_MAX])
{
    int len = snprintf(path, JOURNAL_PATH_MAX, "%s/db", dir);
    assert(len > 0 && len < JOURNAL_PATH_MAX);
}

int ledger_deadline(int64_t wait_ms, int *ret_fd)
{
    struct itimerspec timer = {.it_value = {wait_ms / 1000, wait_ms % 1000 * 1000000}};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    if (wait_ms <= 0)
        timer.it_value.tv_nsec = 1; /* all zero would never ring */
    if (timerfd_settime(fd, 0, &timer, NULL) != 0) {
        int result = -errno;
        close(fd);
        return result;
    }
    *ret_fd = fd;
    return 0;
}

bool ledger_deadline_nap(int fd, int nap_ms)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};
    return poll(&pollfd, 1, nap_ms) > 0;
}

enum { STATE_RECOVERS = 'r', STATE_SERVES = 's' };

/* A full disk cannot fail this: the byte has its block from the first start on. Should it fail all
 * the same, readers wait, or read beside a server as before. */
static void write_state(int fd, char state)
{
    ssize_t written = pwrite(fd, &state, 1, 0);
    (void)written;
}

int ledger_lock(const char *dir, int64_t wait_ms, int *ret_fd)
{
    char path[JOURNAL_PATH_MAX];
    int fd, result, timer = -1, len = snprintf(path, sizeof(path), "%s/lock", dir);
    if (len < 0 || (size_t)len >= sizeof(path))
        return -ENAMETOOLONG;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    result = ledger_deadline(wait_ms, &timer);
    if (result < 0) {
        close(fd);
        return result;
    }
    for (bool over = wait_ms <= 0;;) {
        result = flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : -errno;
        if (result != -EWOULDBLOCK || over)
            break;
        over = ledger_deadline_nap(timer, LOCK_NAP_MS);
    }
    close(timer);
    if (result < 0) {
        close(fd);
        return result == -EWOULDBLOCK ? -EBUSY : result;
    }
    write_state(fd, STATE_RECOVERS);
    *ret_fd = fd;
    return 0;
}

void ledger_lock_serves(int fd)
{
    write_state(fd, STATE_SERVES);
}

bool ledger_lock_is_serving(const char *dir)
{
    char path[JOURNAL_PATH_MAX], state = STATE_RECOVERS;
    int fd;
    snprintf(path, sizeof(path), "%s/lock", dir);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (pread(fd, &state, 1, 0) != 1)
        state = STATE_RECOVERS;
    close(fd);
    return state == STATE_SERVES;
}

/* --- journals --- */

struct recovery {
    struct ledger_db *db;
    unsigned count;
    struct journal *journals;
    struct drain_source sources[LEDGER_LANES_MAX];
    struct drain drain;
};

static int describe(int result, const char *path, char *error, size_t error_size)
{
    if (result == -EPROTO)
        snprintf(error, error_size,
                 "%s: a journal of another version (this build knows version %d): start the "
                 "tollgate that wrote it once, or use a newer one",
                 path, (int)JOURNAL_VERSION);
    else if (result == -EBADMSG)
        snprintf(error, error_size,
                 "%s: the journal is damaged: restore the ledger from a backup, or move this file "
                 "away and lose what it holds",
                 path);
    else
        snprintf(error, error_size, "%s: %s", path, strerror(-result));
    return result;
}

/* 1 when there is a journal of that lane, 0 when not. */
static int find_journal(struct recovery *recovery, unsigned lane, const char *path)
{
    struct journal *journal = &recovery->journals[recovery->count];
    struct drain_source *source = &recovery->sources[recovery->count];
    uint64_t position;
    int64_t created_at_ms = 0;
    int found, result = journal_open(path, journal);
    if (result == -ENOENT)
        return 0;
    if (result < 0)
        return result;
    found = ledger_db_get_lane(recovery->db, lane, &position, &created_at_ms);
    if (found == 0)
        position = journal_head(journal);
    result = found < 0 ? found : journal_recover(journal, position);
    if (result < 0) {
        journal_close(journal);
        return result;
    }
    *source = (struct drain_source){
        .lane = lane,
        .journal = journal,
        .position = journal_head(journal),
        .committed = journal_head(journal),
        .created_at_ms = created_at_ms,
    };
    recovery->count++;
    return 1;
}

/* A gap in a journal (power was lost) is stepped over; what lies behind it is kept. */
static int drain_with_gaps(struct drain *drain, struct drain_source *source, bool *ret_blocked)
{
    for (;;) {
        int result = drain_source(drain, source, journal_tail(source->journal), ret_blocked);
        if (result != -EILSEQ)
            return result;
        source->position += 8;
        drain->batch_records++; /* the step itself is to be committed */
    }
}

static int drain_all(struct recovery *recovery)
{
    bool blocked, any = true;
    int result;
    while (any) {
        any = false;
        for (unsigned i = 0; i < recovery->count; i++) {
            result = drain_with_gaps(&recovery->drain, &recovery->sources[i], &blocked);
            if (result < 0)
                return result;
            any |= blocked;
        }
    }
    return drain_commit(&recovery->drain);
}

/* --- holds --- */

/* The row of a hold whose process died before it was posted. */
static int close_hold(struct drain *drain, const struct ledger_ref *ref, const char *held,
                      size_t held_len, struct text upstream_id)
{
    struct ledger_row row;
    size_t len;
    int result = row_decode((const uint8_t *)held, held_len, &row);
    if (result < 0)
        return result;
    row.created_at_ms = ref->created_at_ms;
    row.sequence = ref->sequence;
    row.status = 0;
    row.verdict = VERDICT_UNKNOWN;
    if (upstream_id.len > 0) {
        row.id = upstream_id;
        row.upstream_id = upstream_id;
        row.verdict = VERDICT_PENDING;
    }
    result = row_encode(&row, drain->scratch, sizeof(drain->scratch), &len);
    assert(result == 0);
    result = drain_put_row(drain, ref, drain->scratch, len, row.verdict == VERDICT_PENDING);
    if (result < 0)
        return result;
    drain_index(drain, ref, &row);
    drain_drop_hold(drain, ref);
    drain->batch_records++;
    drain->batch_rows++;
    if (drain->batch_rows >= DRAIN_BATCH_ROWS || drain->batch_bytes >= DRAIN_BATCH_BYTES)
        return drain_commit(drain);
    return 0;
}

/* The upstream's id of a hold, copied into buffer. */
static int find_seen(struct ledger_db *db, const struct ledger_ref *ref, char buffer[ROW_ID_MAX],
                     struct text *ret_id)
{
    char key[LEDGER_KEY], *value;
    size_t len;
    int found;
    ledger_db_key(ref, LEDGER_KEY_SEEN, key);
    found = ledger_db_get(db, db->holds, key, sizeof(key), &value, &len);
    if (found <= 0)
        return found;
    if (len > ROW_ID_MAX)
        len = ROW_ID_MAX;
    memcpy(buffer, value, len);
    rocksdb_free(value);
    *ret_id = (struct text){buffer, len};
    return 0;
}

static int close_holds(struct drain *drain, struct ledger_db *db)
{
    rocksdb_iterator_t *iterator = rocksdb_create_iterator_cf(db->db, db->read, db->holds);
    char buffer[ROW_ID_MAX], *problem = NULL;
    int result = 0;
    for (rocksdb_iter_seek_to_first(iterator); result == 0 && rocksdb_iter_valid(iterator);
         rocksdb_iter_next(iterator)) {
        size_t key_len, len;
        const char *key = rocksdb_iter_key(iterator, &key_len);
        const char *held = rocksdb_iter_value(iterator, &len);
        struct text upstream_id = {NULL, 0};
        if (key_len != LEDGER_KEY || key[16] != LEDGER_KEY_HOLD)
            continue;
        struct ledger_ref ref = ledger_db_ref(key);
        result = find_seen(db, &ref, buffer, &upstream_id);
        if (result == 0)
            result = close_hold(drain, &ref, held, len, upstream_id);
    }
    rocksdb_iter_get_error(iterator, &problem);
    rocksdb_iter_destroy(iterator);
    if (problem != NULL) {
        int broken = ledger_db_error(problem, NULL, 0);
        return result < 0 ? result : broken;
    }
    return result < 0 ? result : drain_commit(drain);
}

static int recover(struct recovery *recovery, const char *dir, char *error, size_t error_size)
{
    char path[JOURNAL_PATH_MAX];
    int result;
    for (unsigned lane = 0; lane < LEDGER_LANES_MAX; lane++) {
        ledger_journal_path(dir, lane, path);
        result = find_journal(recovery, lane, path);
        if (result < 0)
            return describe(result, path, error, error_size);
    }
    recovery->drain.count = recovery->count;
    result = drain_all(recovery);
    if (result == 0)
        result = close_holds(&recovery->drain, recovery->db);
    if (result < 0) {
        snprintf(error, error_size, "%s: recovery failed: %s", dir, strerror(-result));
        return result;
    }
    for (unsigned i = 0; i < recovery->count; i++) {
        assert(recovery->sources[i].committed == journal_tail(&recovery->journals[i]));
        journal_reset(&recovery->journals[i], recovery->sources[i].committed);
    }
    return 0;
}

int ledger_recover(const char *dir, struct ledger_db *db, char *error, size_t error_size)
{
    struct recovery *recovery = calloc(1, sizeof(*recovery));
    int result = -ENOMEM;
    if (recovery == NULL)
        return result;
    recovery->journals = aligned_alloc(128, LEDGER_LANES_MAX * sizeof(struct journal));
    if (recovery->journals != NULL) {
        recovery->db = db;
        drain_init(&recovery->drain, db, recovery->sources, 0);
        result = recover(recovery, dir, error, error_size);
        for (unsigned i = 0; i < recovery->count; i++)
            journal_close(&recovery->journals[i]);
        drain_release(&recovery->drain);
    }
    free(recovery->journals);
    free(recovery);
    return result;
}
