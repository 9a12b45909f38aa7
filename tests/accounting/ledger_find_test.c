#include "accounting/ledger_db.h"
#include "accounting/ledger_find.h"
#include "accounting/ledger_month.h"
#include "accounting/ledger_writer.h"

#include "tests/accounting/ledger_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

enum { WAIT_MS = 5000 };

struct found {
    int result;
    struct ledger_row row;
    uint8_t buffer[ROW_ENCODED_MAX];
};

static const struct found *find(struct ledger *ledger, const char *id, const char *key_id)
{
    static struct found found;
    found.result =
        ledger_find(ledger, text_of(id), text_of(key_id), WAIT_MS, found.buffer, &found.row);
    return &found;
}

static void assert_found(struct ledger *ledger, const char *id, const char *model)
{
    const struct found *found = find(ledger, id, "k1");
    if (found->result != 0)
        fail_msg("%s: %d", id, found->result);
    assert_int_equal(found->row.model.len, strlen(model));
    assert_memory_equal(found->row.model.bytes, model, strlen(model));
}

static void assert_absent(struct ledger *ledger, const char *id, const char *key_id)
{
    assert_int_equal(find(ledger, id, key_id)->result, -ENOENT);
}

static void append(struct ledger *ledger, unsigned lane, const char *id, enum row_cache cache,
                   const char *model, int64_t now_ms)
{
    struct ledger_row row = fixture_row(id);
    row.cache = cache;
    row.model = text_of(model);
    row.verdict = VERDICT_FREE;
    assert_int_equal(ledger_append(ledger_lane(ledger, lane), &row, now_ms, NULL), 0);
}

static void post(struct ledger *ledger, const char *id, const char *upstream_id, const char *model,
                 int64_t now_ms)
{
    struct ledger_row row = fixture_row(id);
    struct ledger_hold hold;
    row.upstream_id = text_of(upstream_id);
    row.model = text_of(model);
    assert_int_equal(ledger_hold(ledger_lane(ledger, 0), &row, now_ms, &hold), 0);
    ledger_post(ledger_lane(ledger, 0), &hold, &row);
}

static void ids_say_their_time(void **state)
{
    static const struct {
        const char *id;
        bool has;
        int64_t from_ms, span_ms;
    } cases[] = {
        {"gen_01ARYZ6S41AAAAAAAAAAAAAAAA", true, 1469918176385, 1},
        {"gen_7ZZZZZZZZZAAAAAAAAAAAAAAAA", false, 0, 0}, /* beyond the year 9999 */
        {"gen_01ARYZ6SU1AAAAAAAAAAAAAAAA", false, 0, 0}, /* no letter of Crockford's */
        {"gen_01ARYZ6S41AAAAAAAAAAAAAAA", false, 0, 0},
        {"gen-1779358422-LrEwL8SmYSWNlAzrHKq2", true, 1779358422000, 1000},
        {"gen-emb-1779358422-LrEwL8SmYSWNlAzrHKq2", true, 1779358422000, 1000},
        {"gen-1779358422", false, 0, 0},
        {"gen-177935842-LrEwL8SmYSWNlAzrHKq2", false, 0, 0},
        {"gen-17793584221-LrEwL8SmYSWNlAzrHKq2", false, 0, 0},
        {"gen--1779358422-LrEwL8SmYSWNlAzrHKq2", false, 0, 0},
        {"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", false, 0, 0},
        {"gen-", false, 0, 0},
        {"", false, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t from_ms = 0, span_ms = 0;
        bool has = ledger_id_time(text_of(cases[i].id), &from_ms, &span_ms);
        if (has != cases[i].has || from_ms != cases[i].from_ms || span_ms != cases[i].span_ms)
            fail_msg("%s: %d %lld", cases[i].id, has, (long long)from_ms);
    }
}

/* Whatever the id looks like, whether it was drained or not, alone or among others in a block. */
static void every_row_but_hits_is_in_the_index(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 2);
    struct ledger *ledger = fixture_open(&options);
    post(ledger, "gen-own", "chatcmpl-upstream", "m/posted", fixture_now_ms);
    for (unsigned i = 0; i < 300; i++)
        append(ledger, i % 2, "msg-other", CACHE_OFF, "m/other", fixture_now_ms);
    append(ledger, 1, "resp-collapsed", CACHE_COLLAPSED, "m/collapsed", fixture_now_ms);
    append(ledger, 1, "msg-other", CACHE_OFF, "m/last", fixture_now_ms + 1);
    for (unsigned restart = 0; restart < 2; restart++) {
        assert_found(ledger, "gen-own", "m/posted");
        assert_found(ledger, "chatcmpl-upstream", "m/posted");
        assert_found(ledger, "resp-collapsed", "m/collapsed");
        assert_found(ledger, "msg-other", "m/last"); /* of several, the latest */
        assert_absent(ledger, "gen-own", "k2");
        assert_absent(ledger, "gen-ow", "k1");
        assert_absent(ledger, "", "k1");
        assert_int_equal(find(ledger, "gen-own", "")->result, 0);
        ledger_close(ledger);
        ledger = fixture_open(&options);
    }
    ledger_close(ledger);
}

static void ids_count(const struct fixture *fixture, size_t want)
{
    struct ledger_db *db;
    rocksdb_iterator_t *iterator;
    char path[256], error[256];
    size_t count = 0;
    snprintf(path, sizeof(path), "%s/db", fixture->dir);
    assert_int_equal(ledger_db_open(path, false, &db, error, sizeof(error)), 0);
    iterator = rocksdb_create_iterator_cf(db->db, db->read, db->ids);
    for (rocksdb_iter_seek_to_first(iterator); rocksdb_iter_valid(iterator);
         rocksdb_iter_next(iterator))
        count++;
    rocksdb_iter_destroy(iterator);
    ledger_db_close(db);
    assert_int_equal(count, want);
}

static void hits_are_found_by_their_time_and_cost_no_entry(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 2);
    struct ledger *ledger = fixture_open(&options);
    char id[40];
    for (unsigned i = 0; i < 500; i++) {
        snprintf(id, sizeof(id), "gen-1795215111-%020u", i);
        append(ledger, i % 2, id, CACHE_HIT, i == 321 ? "m/321" : "m/x", fixture_now_ms + i);
    }
    append(ledger, 0, "gen-1795215105-late", CACHE_HIT, "m/late", fixture_now_ms + 600);
    append(ledger, 0, "gen-1795219999-clock", CACHE_HIT, "m/far", fixture_now_ms + 700);
    assert_found(ledger, "gen-1795215111-00000000000000000321", "m/321");
    assert_found(ledger, "gen-1795215105-late", "m/late"); /* seconds after its id was made */
    assert_absent(ledger, "gen-1795219999-clock", "k1");   /* hours beside it */
    assert_absent(ledger, "gen-1795215111-00000000000000000999", "k1");
    assert_absent(ledger, "gen-1795215111-00000000000000000321", "k2");
    ledger_close(ledger);
    ids_count(fixture, 0);
}

/* Over the end of a month, where a row stands in another family than its id's second. */
static void a_hit_at_midnight_is_found(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    int64_t midnight_ms = 1796083200000; /* 2026-12-01 */
    append(ledger, 0, "gen-1796083199-a", CACHE_HIT, "m/before", midnight_ms - 1);
    append(ledger, 0, "gen-1796083199-b", CACHE_HIT, "m/after", midnight_ms);
    assert_found(ledger, "gen-1796083199-a", "m/before");
    assert_found(ledger, "gen-1796083199-b", "m/after");
    ledger_close(ledger);
}

/* A settled row is found as it is now, by both its ids. */
static void a_settled_row_is_found_as_it_is_now(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_row row = fixture_row("gen-own"), late = row;
    struct ledger_hold hold;
    late.upstream_id = TEXT("up-1");
    late.billed = fixture_money(77);
    row.verdict = VERDICT_PENDING;
    row.billed.known = false;
    row.upstream_id = TEXT("up-1");
    assert_int_equal(ledger_hold(ledger_lane(ledger, 0), &row, fixture_now_ms, &hold), 0);
    ledger_post(ledger_lane(ledger, 0), &hold, &row);
    assert_int_equal(find(ledger, "up-1", "k1")->row.verdict, VERDICT_PENDING);
    assert_int_equal(
        ledger_settle(ledger_lane(ledger, 0), &hold.ref, &row, &late, false, fixture_now_ms), 0);
    ledger_kick(ledger_lane(ledger, 0));
    assert_true(fixture_wait(fixture_drained, ledger));
    assert_true(find(ledger, "up-1", "k1")->row.billed.money.femto == 77);
    assert_true(find(ledger, "gen-own", "k1")->row.billed.money.femto == 77);
    ledger_close(ledger);
    ids_count(fixture, 2);
}

/* What a dead process left is found by the id that its client was shown, or the upstream's. */
static void a_recovered_row_is_in_the_index(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_row row = fixture_row("msg-open");
    struct ledger_hold hold;
    assert_int_equal(ledger_hold(ledger_lane(ledger, 0), &row, fixture_now_ms, &hold), 0);
    row = fixture_row("msg-seen");
    assert_int_equal(ledger_hold(ledger_lane(ledger, 0), &row, fixture_now_ms, &hold), 0);
    ledger_seen(ledger_lane(ledger, 0), &hold, "up-2", 4);
    assert_absent(ledger, "msg-open", "k1"); /* a hold is no row */
    ledger_close(ledger);
    ledger = fixture_open(&options);
    assert_int_equal(find(ledger, "msg-open", "k1")->row.verdict, VERDICT_UNKNOWN);
    assert_int_equal(find(ledger, "up-2", "k1")->row.verdict, VERDICT_PENDING);
    ledger_close(ledger);
}

/* A ledger from before there was an index opens; what carries its time is found in it. */
static void a_ledger_without_an_index_gets_one(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_db *db;
    struct fixture_rows *rows;
    char path[256], error[256], *problem = NULL;
    post(ledger, "gen-1795215140-old", "", "m/old", fixture_now_ms); /* the id came 29 s later */
    post(ledger, "chatcmpl-old", "", "m/lost", fixture_now_ms);
    ledger_close(ledger);
    snprintf(path, sizeof(path), "%s/db", fixture->dir);
    assert_int_equal(ledger_db_open(path, false, &db, error, sizeof(error)), 0);
    rocksdb_drop_column_family(db->db, db->ids, &problem);
    assert_null(problem);
    ledger_db_close(db);
    rows = fixture_read(fixture->dir); /* an export needs no index */
    assert_int_equal(rows->count, 2);
    free(rows);
    ledger = fixture_open(&options);
    assert_found(ledger, "gen-1795215140-old", "m/old");
    assert_absent(ledger, "chatcmpl-old", "k1");
    post(ledger, "chatcmpl-new", "", "m/new", fixture_now_ms);
    assert_found(ledger, "chatcmpl-new", "m/new");
    ledger_close(ledger);
}

struct counted {
    size_t rows;
    int64_t last_ms;
    int stop_at;
};

static int count(void *arg, const struct ledger_row *row)
{
    struct counted *counted = arg;
    assert_true(row->created_at_ms >= counted->last_ms);
    counted->last_ms = row->created_at_ms;
    counted->rows++;
    return counted->stop_at > 0 && (int)counted->rows == counted->stop_at ? 7 : 0;
}

static void a_range_has_the_rows_of_one_key_in_order(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 2);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_range range = {
        .key_id = TEXT("k2"), .from_ms = 0, .to_ms = INT64_MAX, .wait_ms = WAIT_MS};
    struct counted counted = {0};
    _Atomic bool stop = true;
    for (unsigned i = 0; i < 400; i++) {
        struct ledger_row row = fixture_row("x");
        row.key_id = i % 4 == 0 ? TEXT("k2") : TEXT("k1");
        row.verdict = VERDICT_FREE;
        assert_int_equal(ledger_append(ledger_lane(ledger, i % 2), &row,
                                       fixture_now_ms + i * (LEDGER_DAY_MS / 4), NULL),
                         0);
    }
    assert_int_equal(ledger_scan_range(ledger, &range, count, &counted), 0);
    assert_int_equal(counted.rows, 100);
    counted = (struct counted){0};
    range.from_ms = fixture_now_ms + 4 * (LEDGER_DAY_MS / 4);
    range.to_ms = fixture_now_ms + 8 * (LEDGER_DAY_MS / 4);
    assert_int_equal(ledger_scan_range(ledger, &range, count, &counted), 0);
    assert_int_equal(counted.rows, 1); /* [from, to) */
    range.key_id = (struct text){NULL, 0};
    counted = (struct counted){0};
    assert_int_equal(ledger_scan_range(ledger, &range, count, &counted), 0);
    assert_int_equal(counted.rows, 4);
    counted = (struct counted){.stop_at = 2};
    assert_int_equal(ledger_scan_range(ledger, &range, count, &counted), 7);
    assert_int_equal(counted.rows, 2);
    range.stop = &stop;
    assert_int_equal(ledger_scan_range(ledger, &range, count, &counted), -ECANCELED);
    range.to_ms = range.from_ms;
    assert_int_equal(ledger_scan_range(ledger, &range, count, &counted), 0);
    ledger_close(ledger);
}

/* A sum over the rows before this time need never be made again. */
static void what_is_final_ends_before_what_is_open(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_row row = fixture_row("a"), late = row;
    struct ledger_hold pending, open;
    int64_t now_ms = fixture_now_ms + 3600 * 1000, ms = 0;
    assert_int_equal(ledger_settled_before(ledger, now_ms, &ms), 0);
    assert_int_equal(ms, now_ms - LEDGER_LATE_MS);
    assert_int_equal(ledger_hold(lane, &row, fixture_now_ms, &pending), 0);
    assert_int_equal(ledger_hold(lane, &row, fixture_now_ms + 1000, &open), 0);
    row.verdict = VERDICT_PENDING;
    ledger_post(lane, &pending, &row);
    ledger_kick(lane);
    assert_true(fixture_wait(fixture_drained, ledger));
    assert_int_equal(ledger_settled_before(ledger, now_ms, &ms), 0);
    assert_int_equal(ms, fixture_now_ms);
    assert_int_equal(ledger_settled_before(ledger, now_ms + LEDGER_STUCK_MS, &ms), 0);
    assert_int_equal(ms, now_ms); /* a row that nobody will ever settle holds nothing up */
    assert_int_equal(ledger_settle(lane, &pending.ref, &row, &late, false, now_ms), 0);
    ledger_kick(lane);
    assert_true(fixture_wait(fixture_drained, ledger));
    assert_int_equal(ledger_settled_before(ledger, now_ms, &ms), 0);
    assert_int_equal(ms, fixture_now_ms + 1000);
    row.verdict = VERDICT_MATCHED;
    ledger_post(lane, &open, &row);
    ledger_kick(lane);
    assert_true(fixture_wait(fixture_drained, ledger));
    assert_int_equal(ledger_settled_before(ledger, now_ms, &ms), 0);
    assert_int_equal(ms, now_ms - LEDGER_LATE_MS);
    ledger_close(ledger);
}

struct busy {
    struct ledger *ledger;
    _Atomic bool stop;
    _Atomic uint32_t written;
};

static void *write_on(void *arg)
{
    struct busy *busy = arg;
    for (uint32_t i = 0; !atomic_load(&busy->stop); i++) {
        char id[32];
        struct ledger_row row;
        struct ledger_hold hold;
        snprintf(id, sizeof(id), "msg-%08u", i);
        row = fixture_row(id);
        /* A month every three thousand rows: the list of families grows under the reader. */
        while (ledger_hold(ledger_lane(busy->ledger, 0), &row,
                           fixture_now_ms + (int64_t)i * LEDGER_DAY_MS / 100, &hold) < 0)
            poll(NULL, 0, 1);
        ledger_post(ledger_lane(busy->ledger, 0), &hold, &row);
        atomic_store(&busy->written, i + 1);
        ledger_kick(ledger_lane(busy->ledger, 0));
        if (i % 8 == 0)
            poll(NULL, 0, 1);
    }
    return NULL;
}

/* Read your own writes, from another thread, while the writer works. */
static void a_row_is_found_as_soon_as_it_was_posted(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct busy busy = {.ledger = fixture_open(&options)};
    struct ledger_range range = {.to_ms = INT64_MAX, .wait_ms = WAIT_MS};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_on, &busy), 0);
    for (unsigned round = 0; round < 150; round++) {
        uint32_t written = atomic_load(&busy.written);
        struct counted counted = {0};
        char id[32];
        if (written == 0)
            continue;
        snprintf(id, sizeof(id), "msg-%08u", written - 1);
        assert_int_equal(find(busy.ledger, id, "k1")->result, 0);
        if (round % 10 != 0)
            continue;
        assert_int_equal(ledger_scan_range(busy.ledger, &range, count, &counted), 0);
        assert_true(counted.rows >= written);
    }
    atomic_store(&busy.stop, true);
    pthread_join(thread, NULL);
    ledger_close(busy.ledger);
}

/* After an error the writer closes the database and opens it anew, under whoever reads: they are
 * told to stop, or to come again, and find everything afterwards. */
static void readers_make_way_when_the_database_is_opened_again(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct busy busy = {.ledger = fixture_open(&options)};
    struct ledger_range range = {.to_ms = INT64_MAX, .wait_ms = -1};
    unsigned whole = 0;
    char id[32];
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_on, &busy), 0);
    for (unsigned round = 0; round < 60 || whole < 20 || atomic_load(&busy.written) < 100;
         round++) {
        struct counted counted = {0};
        int result;
        if (round % 3 == 0 && round < 60)
            atomic_store(&busy.ledger->error, -EIO); /* as if a write had failed */
        result = ledger_scan_range(busy.ledger, &range, count, &counted);
        if (result != -ECANCELED && result != -EIO)
            assert_int_equal(result, 0);
        whole += result == 0;
        if (atomic_load(&busy.written) > 0)
            find(busy.ledger, "msg-00000000", "k1");
    }
    atomic_store(&busy.stop, true);
    pthread_join(thread, NULL);
    assert_true(fixture_wait(fixture_drained, busy.ledger));
    snprintf(id, sizeof(id), "msg-%08u", atomic_load(&busy.written) - 1);
    assert_int_equal(find(busy.ledger, id, "k1")->result, 0);
    ledger_close(busy.ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        cmocka_unit_test(ids_say_their_time),
        TEST(every_row_but_hits_is_in_the_index),
        TEST(hits_are_found_by_their_time_and_cost_no_entry),
        TEST(a_hit_at_midnight_is_found),
        TEST(a_settled_row_is_found_as_it_is_now),
        TEST(a_recovered_row_is_in_the_index),
        TEST(a_ledger_without_an_index_gets_one),
        TEST(a_range_has_the_rows_of_one_key_in_order),
        TEST(what_is_final_ends_before_what_is_open),
        TEST(a_row_is_found_as_soon_as_it_was_posted),
        TEST(readers_make_way_when_the_database_is_opened_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
