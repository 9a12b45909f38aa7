/* ledger_fixture.h - what the ledger's tests share: a directory, a ledger in it, its rows. */
#ifndef TESTS_ACCOUNTING_LEDGER_FIXTURE_H
#define TESTS_ACCOUNTING_LEDGER_FIXTURE_H

#include "accounting/ledger.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* 2026-11-20T22:51:51.123Z */
static const int64_t fixture_now_ms = INT64_C(1795215111123);
enum { FIXTURE_RING = 256 * 1024, FIXTURE_ROWS = 65536, FIXTURE_DEADLINE_MS = 20000 };

struct fixture {
    char root[64], dir[128];
};

/* One row as it was read, with the texts that tests look at. */
struct fixture_row {
    struct ledger_row row;
    char id[ROW_ID_MAX + 1], upstream_id[ROW_ID_MAX + 1], model[ROW_NAME_MAX + 1];
};

struct fixture_rows {
    size_t count;
    struct fixture_row rows[];
};

static inline void fixture_remove(const char *path)
{
    struct dirent *entry;
    DIR *dir = opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct stat child_stat;
        char *child;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (asprintf(&child, "%s/%s", path, entry->d_name) < 0)
            abort();
        if (lstat(child, &child_stat) == 0 && S_ISDIR(child_stat.st_mode))
            fixture_remove(child);
        else
            unlink(child);
        free(child);
    }
    if (dir != NULL)
        closedir(dir);
    rmdir(path);
}

static inline int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    const char *base = getenv("TMPDIR");
    snprintf(fixture->root, sizeof(fixture->root), "%.30s/tollgate-ledger.XXXXXX",
             base != NULL && strlen(base) <= 30 ? base : "/tmp");
    if (mkdtemp(fixture->root) == NULL)
        return -1;
    snprintf(fixture->dir, sizeof(fixture->dir), "%s/data/ledger", fixture->root);
    *state = fixture;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    fixture_remove(fixture->root);
    free(fixture);
    return 0;
}

static inline struct ledger_options fixture_options(const struct fixture *fixture, unsigned lanes)
{
    return (struct ledger_options){
        .dir = fixture->dir,
        .lanes = lanes,
        .journal_bytes = FIXTURE_RING,
        .now_ms = fixture_now_ms,
    };
}

static inline struct ledger *fixture_open(const struct ledger_options *options)
{
    struct ledger *ledger = NULL;
    char error[256] = "";
    int result = ledger_open(options, &ledger, error, sizeof(error));
    if (result != 0)
        fail_msg("ledger_open: %d: %s", result, error);
    return ledger;
}

static inline struct maybe_money fixture_money(int64_t femto)
{
    return (struct maybe_money){true, {femto}};
}

/* A row of a finished paid call. id must outlive it. */
static inline struct ledger_row fixture_row(const char *id)
{
    struct ledger_row row;
    row_init(&row);
    row.id = (struct text){id, strlen(id)};
    row.api = API_CHAT;
    row.model = TEXT("zai/glm-5.3");
    row.upstream = TEXT("vercel");
    row.key_id = TEXT("k1");
    row.cache = CACHE_MISS;
    row.status = 200;
    row.usage.prompt_tokens = 10;
    row.billed = fixture_money(1000000000000);
    row.verdict = VERDICT_UNPRICED;
    return row;
}

static inline void fixture_copy(char *to, size_t size, struct text text)
{
    assert_true(text.len < size);
    if (text.len > 0)
        memcpy(to, text.bytes, text.len);
    to[text.len] = 0;
}

static inline int fixture_take(void *arg, const struct ledger_row *row)
{
    struct fixture_rows *rows = arg;
    struct fixture_row *at = &rows->rows[rows->count++];
    assert_true(rows->count <= FIXTURE_ROWS);
    at->row = *row;
    fixture_copy(at->id, sizeof(at->id), row->id);
    fixture_copy(at->upstream_id, sizeof(at->upstream_id), row->upstream_id);
    fixture_copy(at->model, sizeof(at->model), row->model);
    return 0;
}

static inline struct fixture_rows *fixture_read_range(const char *dir, int64_t from_ms,
                                                      int64_t to_ms)
{
    struct fixture_rows *rows =
        calloc(1, sizeof(*rows) + FIXTURE_ROWS * sizeof(struct fixture_row));
    struct ledger_reader *reader = NULL;
    char error[256] = "";
    int result = ledger_reader_open(dir, fixture_now_ms, &reader, error, sizeof(error));
    if (result != 0)
        fail_msg("ledger_reader_open: %d: %s", result, error);
    assert_int_equal(ledger_reader_rows(reader, from_ms, to_ms, fixture_take, rows), 0);
    ledger_reader_close(reader);
    return rows;
}

/* All rows there are; free() them. */
static inline struct fixture_rows *fixture_read(const char *dir)
{
    return fixture_read_range(dir, 0, INT64_MAX);
}

/* The one row of that id. */
static inline const struct fixture_row *fixture_find(const struct fixture_rows *rows,
                                                     const char *id)
{
    const struct fixture_row *found = NULL;
    for (size_t i = 0; i < rows->count; i++) {
        if (strcmp(rows->rows[i].id, id) != 0)
            continue;
        if (found != NULL)
            fail_msg("%s is there twice", id);
        found = &rows->rows[i];
    }
    if (found == NULL)
        fail_msg("%s is not there", id);
    return found;
}

/* Waits for the writer: true when done() within the deadline. */
static inline bool fixture_wait(bool (*done)(void *arg), void *arg)
{
    for (int waited = 0; waited < FIXTURE_DEADLINE_MS; waited++) {
        if (done(arg))
            return true;
        poll(NULL, 0, 1);
    }
    return false;
}

static inline bool fixture_drained(void *arg)
{
    struct ledger_health health;
    ledger_health(arg, &health);
    return health.lag_bytes == 0;
}

#endif
