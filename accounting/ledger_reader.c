/* ledger_reader.c - the ledger for export, report and verify: how readers come to it. What they
 * read is in ledger_reader_rows.c and ledger_sums.c.
 *
 * Rows are always read through a RocksDB secondary, which sees a consistent database beside a
 * writer and takes no lock: a server may start while a long export runs. (Opening "read only"
 * beside a writer misses rows without an error.) With no server running, what it would do first is
 * done here: the journals are drained and open holds become rows.
 */
#include "accounting/ledger_reader.h"

#include "accounting/ledger_writer.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CATCH_UP_MS = 5000, RECOVERY_MS = 60 * 1000, NAP_MS = 2 };

/* --- with no server running --- */

static int recover_locked(const char *dir, const char *db_path, char *error, size_t error_size)
{
    struct ledger_db *db;
    int result = ledger_db_open(db_path, true, &db, error, error_size);
    if (result < 0)
        return result;
    result = ledger_recover(dir, db, error, error_size);
    if (result == 0)
        result = ledger_db_flush(db);
    if (result < 0 && error[0] == 0)
        snprintf(error, error_size, "%s: %s", dir, strerror(-result));
    ledger_db_close(db);
    return result;
}

/* Does what a server's start does. *ret_empty: there is no ledger. When a server has the lock, and
 * has recovered itself, that is all right; -EBUSY: it, or another reader, is still at it. */
static int recover_alone(const char *dir, const char *db_path, bool *ret_empty, char *error,
                         size_t error_size)
{
    char current[JOURNAL_PATH_MAX + 16], lock[JOURNAL_PATH_MAX + 16];
    char journal[JOURNAL_PATH_MAX];
    int lock_fd, result = 0;
    snprintf(current, sizeof(current), "%s/CURRENT", db_path);
    snprintf(lock, sizeof(lock), "%s/lock", dir);
    ledger_journal_path(dir, 0, journal);
    result = ledger_db_check(db_path, journal, error, error_size);
    if (result < 0)
        return result;
    if (access(lock, F_OK) != 0 && errno == ENOENT && access(current, F_OK) != 0) {
        *ret_empty = true; /* nothing is made in a directory that is none of ours */
        return 0;
    }
    result = ledger_lock(dir, 0, &lock_fd);
    if (result == -EBUSY)
        return ledger_lock_is_serving(dir) ? 0 : -EBUSY;
    if (result < 0) {
        snprintf(error, error_size, "%s: %s", lock, strerror(-result));
        return result;
    }
    if (access(current, F_OK) == 0)
        result = recover_locked(dir, db_path, error, error_size);
    else
        *ret_empty = true; /* the database is made before any journal is */
    close(lock_fd);
    return result;
}

/* --- the secondary --- */

static int make_scratch(struct ledger_reader *reader)
{
    const char *base = getenv("TMPDIR");
    int len;
    if (base == NULL || base[0] != '/')
        base = "/tmp";
    len = snprintf(reader->scratch, sizeof(reader->scratch), "%s/tollgate-reader.XXXXXX", base);
    if (len < 0 || (size_t)len >= sizeof(reader->scratch) || mkdtemp(reader->scratch) == NULL) {
        bool too_long = len < 0 || (size_t)len >= sizeof(reader->scratch);
        reader->scratch[0] = 0;
        return too_long ? -ENAMETOOLONG : -errno;
    }
    return 0;
}

static void remove_scratch(struct ledger_reader *reader)
{
    char path[JOURNAL_PATH_MAX + 512];
    struct dirent *entry;
    DIR *dir;
    if (reader->scratch[0] == 0)
        return;
    dir = opendir(reader->scratch);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", reader->scratch, entry->d_name);
        unlink(path);
    }
    if (dir != NULL)
        closedir(dir);
    rmdir(reader->scratch);
}

static int read_tails(struct ledger_reader *reader, const char *dir)
{
    char path[JOURNAL_PATH_MAX];
    for (unsigned lane = 0; lane < LEDGER_LANES_MAX; lane++) {
        int result;
        ledger_journal_path(dir, lane, path);
        result = journal_peek_tail(path, &reader->tails[lane]);
        if (result < 0 && result != -ENOENT)
            return result;
    }
    return 0;
}

/* 1 when every lane is drained as far as it had recorded when we came. */
static int has_caught_up(struct ledger_reader *reader)
{
    for (unsigned lane = 0; lane < LEDGER_LANES_MAX; lane++) {
        uint64_t position = 0;
        int64_t created_at_ms;
        int found;
        if (reader->tails[lane] == 0)
            continue;
        found = ledger_db_get_lane(reader->db, lane, &position, &created_at_ms);
        if (found < 0)
            return found;
        if (position < reader->tails[lane])
            return 0;
    }
    return 1;
}

/* One look at the database. 1: it shows all that it must; 0: not yet. A secondary learns of a new
 * month only by being opened again. */
static int look(struct ledger_reader *reader, char *error, size_t error_size)
{
    size_t families;
    int result = 0;
    if (reader->db == NULL)
        result = ledger_db_open_secondary(reader->db_path, reader->scratch, &reader->db, error,
                                          error_size);
    else
        result = ledger_db_catch_up(reader->db);
    if (result == 0)
        result = has_caught_up(reader);
    if (result <= 0)
        return result;
    assert(reader->db != NULL);
    result = ledger_db_families(reader->db_path, &families);
    if (result == 0 && families == reader->db->family_count)
        return 1;
    ledger_db_close(reader->db);
    reader->db = NULL;
    return result;
}

/* Errors are met again until time is up: files come and go under a secondary while its server
 * writes. Only a version that we do not know is final. */
static int catch_up(struct ledger_reader *reader, char *error, size_t error_size)
{
    int timer, result = ledger_deadline(CATCH_UP_MS, &timer);
    if (result < 0)
        return result;
    for (bool over = false;; over = ledger_deadline_nap(timer, NAP_MS)) {
        error[0] = 0;
        result = look(reader, error, error_size);
        if (result == 1 || result == -EPROTO || over)
            break;
        if (result < 0) {
            ledger_db_close(reader->db);
            reader->db = NULL;
        }
    }
    close(timer);
    if (result == 1)
        return 0;
    if (result == 0 || error[0] == 0)
        snprintf(error, error_size,
                 "%s: the running gateway has not written its last rows within %d s: see whether "
                 "its disk is full",
                 reader->db_path, CATCH_UP_MS / 1000);
    return result == 0 ? -ETIMEDOUT : result;
}

/* Waits for whoever is recovering; should it die, it is our turn. */
static int recover_in_turn(struct ledger_reader *reader, const char *dir, bool *ret_empty,
                           char *error, size_t error_size)
{
    int timer, result = ledger_deadline(RECOVERY_MS, &timer);
    if (result < 0)
        return result;
    do
        result = recover_alone(dir, reader->db_path, ret_empty, error, error_size);
    while (result == -EBUSY && !ledger_deadline_nap(timer, NAP_MS));
    close(timer);
    if (result == -EBUSY)
        snprintf(error, error_size, "%s: another process is still recovering it", dir);
    return result;
}

static int open_reader(struct ledger_reader *reader, const char *dir, char *error,
                       size_t error_size)
{
    bool empty = false;
    int result;
    if (strlen(dir) + 32 > sizeof(reader->db_path)) {
        snprintf(error, error_size, "%s: the path is too long", dir);
        return -ENAMETOOLONG;
    }
    ledger_db_path(dir, reader->db_path);
    result = recover_in_turn(reader, dir, &empty, error, error_size);
    if (result < 0 || empty)
        return result;
    result = read_tails(reader, dir);
    if (result == 0)
        result = make_scratch(reader);
    if (result < 0) {
        snprintf(error, error_size, "%s: %s", dir, strerror(-result));
        return result;
    }
    return catch_up(reader, error, error_size);
}

int ledger_reader_open(const char *dir, int64_t now_ms, struct ledger_reader **ret_reader,
                       char *error, size_t error_size)
{
    struct ledger_reader *reader = calloc(1, sizeof(*reader));
    int result;
    (void)now_ms; /* recovered rows keep the time of their holds */
    assert(error_size > 0);
    error[0] = 0;
    if (reader == NULL)
        return -ENOMEM;
    result = open_reader(reader, dir, error, error_size);
    if (result < 0) {
        ledger_reader_close(reader);
        return result;
    }
    *ret_reader = reader;
    return 0;
}

void ledger_reader_close(struct ledger_reader *reader)
{
    if (reader == NULL)
        return;
    ledger_db_close(reader->db);
    remove_scratch(reader);
    free(reader);
}

/* --- beside the writer's thread --- */

int ledger_reader_within(struct ledger *ledger, int64_t wait_ms, const _Atomic bool *stop,
                         struct ledger_reader **ret_reader)
{
    struct ledger_reader *reader;
    int result = ledger_wait_drained(ledger, wait_ms);
    if (result < 0)
        return result;
    reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return -ENOMEM;
    reader->ledger = ledger;
    reader->stop = stop;
    *ret_reader = reader;
    return 0;
}

int ledger_reader_begin(struct ledger_reader *reader, struct ledger_view *ret_view)
{
    if (reader->ledger == NULL) {
        *ret_view = (struct ledger_view){.db = reader->db, .stop = {reader->stop}};
        return 0;
    }
    /* The writer asked for the database, or has it open again soon: either way the call ends. */
    return ledger_view_pin(reader->ledger, reader->stop, ret_view) < 0 ? -ECANCELED : 0;
}
