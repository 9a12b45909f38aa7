#include "accounting/ledger.h"

#include "tests/accounting/ledger_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>

static void a_post_is_a_row_at_its_holds_time(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_row row = fixture_row("gen-ours");
    struct fixture_rows *rows;
    struct ledger_hold hold;
    struct ledger_ref ref;
    assert_int_equal(ledger_hold(lane, &row, fixture_now_ms + 10, &hold), 0);
    assert_true(hold.open);
    ledger_seen(lane, &hold, "gen_theirs", 10);
    row.id = TEXT("hit");
    row.cache = CACHE_HIT;
    row.verdict = VERDICT_FREE;
    assert_int_equal(ledger_append(lane, &row, fixture_now_ms + 20, &ref), 0);
    row = fixture_row("gen_theirs");
    row.verdict = VERDICT_FAILED;
    ledger_post(lane, &hold, &row);
    assert_false(hold.open);
    ledger_close(ledger);

    rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, 2);
    assert_string_equal(rows->rows[0].id, "gen_theirs");
    assert_int_equal(rows->rows[0].row.created_at_ms, fixture_now_ms + 10);
    assert_int_equal(rows->rows[0].row.verdict, VERDICT_FAILED);
    assert_string_equal(rows->rows[1].id, "hit");
    assert_int_equal(rows->rows[1].row.created_at_ms, ref.created_at_ms);
    assert_int_equal(ref.created_at_ms, fixture_now_ms + 20);
    free(rows);
}

static void time_never_goes_back_in_a_lane(void **state)
{
    static const int64_t clock[] = {100, 50, 200, 199, 0, 300};
    static const int64_t want[] = {100, 100, 200, 200, 200, 300};
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 2);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_row row = fixture_row("x");
    struct ledger_ref ref, last = {0, 0};
    row.verdict = VERDICT_FREE;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(
            ledger_append(ledger_lane(ledger, 0), &row, fixture_now_ms + clock[i], &ref), 0);
        assert_int_equal(ref.created_at_ms, fixture_now_ms + want[i]);
        assert_true(ref.sequence > last.sequence);
        last = ref;
    }
    ledger_close(ledger);
    options.now_ms = 0; /* a clock that was not set yet, and the other lane */
    ledger = fixture_open(&options);
    assert_int_equal(ledger_append(ledger_lane(ledger, 1), &row, 0, &ref), 0);
    assert_int_equal(ref.created_at_ms, fixture_now_ms + 300);
    assert_int_not_equal(ref.sequence, last.sequence);
    ledger_close(ledger);
}

/* A full journal refuses holds; what was promised to those that were taken is kept. */
static void a_full_lane_refuses_holds_and_still_posts(void **state)
{
    enum { MOST = 500 };
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_row row = fixture_row("held"), large = fixture_row("posted");
    struct ledger_hold holds[MOST], extra;
    struct fixture_rows *rows;
    static char text[256];
    size_t count = 0;
    int result;
    memset(text, 'n', sizeof(text));
    large.provider = large.route = large.finish_reason = large.price_hash =
        (struct text){text, sizeof(text)};
    for (unsigned lap = 0; lap < 8; lap++) {
        for (count = 0; count < MOST; count++) {
            result = ledger_hold(lane, &row, fixture_now_ms, &holds[count]);
            if (result != 0)
                break;
        }
        assert_int_equal(result, -ENOSPC);
        assert_true(count > 30);
        extra.open = false;
        assert_int_equal(ledger_hold(lane, &row, fixture_now_ms, &extra), -ENOSPC);
        assert_false(extra.open);
        for (size_t i = 0; i < count; i++) {
            ledger_seen(lane, &holds[i], "an-id-of-their-own", 18);
            ledger_post(lane, &holds[i], &large);
        }
        ledger_kick(lane);
        assert_true(fixture_wait(fixture_drained, ledger));
    }
    ledger_close(ledger);
    rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, 8 * count);
    free(rows);
}

/* A follower's row is known long after it was answered; its room was kept. */
static void a_reserved_row_is_never_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_row row = fixture_row("follower");
    struct fixture_rows *rows;
    static char text[ROW_NAME_MAX] = {'n'};
    size_t count = 0;
    row.user = row.session = row.app = row.model = (struct text){text, sizeof(text)};
    while (ledger_reserve(lane) == 0)
        count++;
    assert_true(count > 20);
    for (size_t i = 0; i < count; i++)
        ledger_append_reserved(lane, &row, fixture_now_ms);
    ledger_close(ledger);
    rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, count);
    free(rows);
}

static void five_thousand_live_streams_fit_one_lane(void **state)
{
    enum { STREAMS = 5000 };
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger_hold *holds = calloc(STREAMS, sizeof(*holds));
    struct ledger_row row = fixture_row("stream");
    struct ledger_lane *lane;
    struct ledger *ledger;
    struct fixture_rows *rows;
    static char tags[ROW_TAGS_BYTES_MAX];
    options.journal_bytes = 0;
    ledger = fixture_open(&options);
    lane = ledger_lane(ledger, 0);
    memset(tags, 't', sizeof(tags));
    tags[0] = '[';
    tags[1] = tags[sizeof(tags) - 2] = '"';
    tags[sizeof(tags) - 1] = ']';
    row.tags = (struct text){tags, sizeof(tags)}; /* requests as large as they come */
    for (unsigned i = 0; i < STREAMS; i++)
        assert_int_equal(ledger_hold(lane, &row, fixture_now_ms, &holds[i]), 0);
    for (unsigned i = 0; i < STREAMS; i++)
        ledger_post(lane, &holds[i], &row);
    ledger_close(ledger);
    rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, STREAMS);
    free(rows);
    free(holds);
}

static char long_text[ROW_NAME_MAX], long_list[ROW_TAGS_BYTES_MAX];

/* As large as a row can be; odd_model: it begins in the middle of a character. */
static struct ledger_row grown_row(const char *id, bool odd_model)
{
    struct ledger_row row = fixture_row(id);
    for (size_t i = 0; i + 1 < sizeof(long_text); i += 2)
        long_text[i] = (char)0xc3, long_text[i + 1] = (char)0xa9; /* a character of two bytes */
    memset(long_list, 't', sizeof(long_list));
    row.client = row.key_id = row.project = row.user = row.session = row.app = row.environment =
        row.model_requested = row.provider = row.route = row.finish_reason =
            (struct text){long_text, sizeof(long_text)};
    row.model = (struct text){long_text + odd_model, sizeof(long_text) - odd_model};
    row.tags = (struct text){long_list, sizeof(long_list)};
    row.attempts = (struct text){long_list, ROW_ATTEMPTS_BYTES_MAX};
    row.rating = (struct text){long_list, ROW_RATING_BYTES_MAX};
    row.observed = TEXT("[{}]");
    return row;
}

static size_t post_and_read(const struct fixture *fixture, const struct ledger_row *row)
{
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_row small;
    struct ledger_hold hold;
    struct fixture_rows *rows;
    size_t model_len;
    row_init(&small);
    assert_int_equal(ledger_hold(ledger_lane(ledger, 0), &small, fixture_now_ms, &hold), 0);
    ledger_post(ledger_lane(ledger, 0), &hold, row);
    ledger_close(ledger);
    rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, 1);
    assert_string_equal(rows->rows[0].id, "grown");
    assert_true(rows->rows[0].row.billed.money.femto == 1000000000000);
    assert_int_equal(rows->rows[0].row.status, 200);
    assert_int_equal(rows->rows[0].row.tags.len, 0);
    assert_int_equal(rows->rows[0].row.attempts.len, 0);
    model_len = rows->rows[0].row.model.len;
    assert_int_equal(rows->rows[0].row.rating.len, model_len > 64 ? ROW_RATING_BYTES_MAX : 0);
    assert_int_equal(rows->rows[0].row.observed.len, model_len > 64 ? 4 : 0);
    free(rows);
    fixture_remove(fixture->dir);
    return model_len;
}

/* A post cannot fail: a row that outgrew its hold gives up lists, then what proves it, then the
 * ends of texts, never money. */
static void a_post_larger_than_its_hold_loses_text_only(void **state)
{
    struct ledger_row row = grown_row("grown", true);
    size_t len;
    assert_int_equal(post_and_read(*state, &row), sizeof(long_text) - 1);
    row.upstream = row.price_hash = row.preset = row.native_finish_reason = row.service_tier =
        row.origin = (struct text){long_text, sizeof(long_text)};
    row.upstream_id = row.source_id = (struct text){long_text, ROW_ID_MAX};
    row.market.known = true;
    row.market.money.femto = (__int128)1 << 100; /* sums take their most room, too */
    row.estimated = row.booked = row.difference = row.saved = row.upstream_cost = row.market;
    row.latency_ms = row.ttft_ms = row.usage.prompt_tokens = row.usage.completion_tokens =
        row.usage.cached_tokens = row.usage.images = INT64_MAX;
    len = post_and_read(*state, &row);
    assert_in_range(len, 60, 64);
    assert_int_equal(len % 2, 1); /* between characters */
}

static void open_holds_become_rows_at_the_next_start(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_row row = fixture_row("ours-1");
    struct fixture_rows *rows;
    struct ledger_hold hold;
    row.estimated = fixture_money(5);
    assert_int_equal(ledger_hold(lane, &row, fixture_now_ms + 1, &hold), 0);
    row.id = TEXT("ours-2");
    assert_int_equal(ledger_hold(lane, &row, fixture_now_ms + 2, &hold), 0);
    ledger_seen(lane, &hold, "theirs-2", 8);
    ledger_seen(lane, &hold, "theirs-2b", 9);
    ledger_close(ledger);
    for (unsigned again = 0; again < 2; again++) { /* once, not at every start */
        ledger_close(fixture_open(&options));
        rows = fixture_read(fixture->dir);
        assert_int_equal(rows->count, 2);
        assert_int_equal(fixture_find(rows, "ours-1")->row.verdict, VERDICT_UNKNOWN);
        assert_int_equal(fixture_find(rows, "ours-1")->row.created_at_ms, fixture_now_ms + 1);
        assert_true(fixture_find(rows, "ours-1")->row.estimated.known);
        assert_int_equal(fixture_find(rows, "theirs-2b")->row.verdict, VERDICT_PENDING);
        assert_int_equal(fixture_find(rows, "theirs-2b")->row.status, 0);
        free(rows);
    }
}

/* --- opening --- */

static void a_second_opener_is_told_to_stay_away(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options), *second = NULL;
    char error[256] = "";
    options.lock_wait_ms = 20;
    assert_int_equal(ledger_open(&options, &second, error, sizeof(error)), -EBUSY);
    assert_null(second);
    assert_non_null(strstr(error, "another process has the ledger"));
    ledger_close(ledger);
    ledger_close(fixture_open(&options));
}

static void *close_later(void *arg)
{
    poll(NULL, 0, 30);
    ledger_close(arg);
    return NULL;
}

static void an_opener_waits_as_long_as_it_was_told(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    pthread_t thread;
    options.lock_wait_ms = FIXTURE_DEADLINE_MS;
    assert_int_equal(pthread_create(&thread, NULL, close_later, ledger), 0);
    ledger_close(fixture_open(&options));
    pthread_join(thread, NULL);
}

enum { FAMILIES = 6 };

static void write_format(const char *dir, const char *value, size_t len)
{
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_writeoptions_t *write = rocksdb_writeoptions_create();
    const char *names[FAMILIES] = {"default", "holds", "pending", "ids", "rollups", "seals"};
    const rocksdb_options_t *each[FAMILIES] = {options, options, options,
                                               options, options, options};
    rocksdb_column_family_handle_t *handles[FAMILIES];
    char path[256], *problem = NULL;
    rocksdb_t *db;
    snprintf(path, sizeof(path), "%s/db", dir);
    db = rocksdb_open_column_families(options, path, FAMILIES, names, each, handles, &problem);
    assert_null(problem);
    rocksdb_put_cf(db, write, handles[0], "format", 6, value, len, &problem);
    assert_null(problem);
    for (unsigned i = 0; i < FAMILIES; i++)
        rocksdb_column_family_handle_destroy(handles[i]);
    rocksdb_close(db);
    rocksdb_writeoptions_destroy(write);
    rocksdb_options_destroy(options);
}

static void write_journal_version(const char *dir, uint32_t version)
{
    char path[256];
    int fd;
    snprintf(path, sizeof(path), "%s/journal.0", dir);
    fd = open(path, O_RDWR);
    assert_int_equal(pwrite(fd, &version, sizeof(version), 8), sizeof(version));
    close(fd);
}

static void an_unknown_format_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger_reader *reader = NULL;
    struct ledger *ledger = NULL;
    char error[256];
    ledger_close(fixture_open(&options));
    write_format(fixture->dir, "\0\0\0\3", 4);
    assert_int_equal(ledger_open(&options, &ledger, error, sizeof(error)), -EPROTO);
    assert_non_null(strstr(error, "format 3"));
    assert_int_equal(ledger_reader_open(fixture->dir, 0, &reader, error, sizeof(error)), -EPROTO);
    assert_non_null(strstr(error, "format 3"));
    write_format(fixture->dir, "\0\0\0\2", 4);
    ledger_close(fixture_open(&options));

    write_journal_version(fixture->dir, 3);
    assert_int_equal(ledger_open(&options, &ledger, error, sizeof(error)), -EPROTO);
    assert_non_null(strstr(error, "journal.0"));
    assert_int_equal(ledger_reader_open(fixture->dir, 0, &reader, error, sizeof(error)), -EPROTO);
    assert_null(ledger);
    assert_null(reader);
}

static void a_ring_of_another_size_is_taken_at_the_next_start(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger_row row = fixture_row("x");
    struct fixture_rows *rows;
    row.verdict = VERDICT_FREE;
    for (unsigned i = 0; i < 4; i++) {
        struct ledger *ledger;
        struct stat info;
        char path[256];
        options.journal_bytes = (size_t)(1 + i % 3) * FIXTURE_RING;
        ledger = fixture_open(&options);
        snprintf(path, sizeof(path), "%s/journal.0", fixture->dir);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_size, options.journal_bytes + 4096);
        for (unsigned k = 0; k < 100; k++)
            assert_int_equal(ledger_append(ledger_lane(ledger, 0), &row, fixture_now_ms, NULL), 0);
        ledger_close(ledger);
    }
    rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, 400);
    free(rows);
}

/* --- durability --- */

static void count_durable(void *arg, unsigned lane)
{
    assert_int_equal(lane, 1);
    atomic_fetch_add((_Atomic unsigned *)arg, 1);
}

struct position {
    struct ledger_lane *lane;
    uint64_t at;
};

static bool is_durable(void *arg)
{
    const struct position *position = arg;
    return ledger_durable(position->lane, position->at);
}

static void power_says_when_a_hold_is_on_disk(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 2);
    struct ledger_row row = fixture_row("x");
    _Atomic unsigned calls = 0;
    struct position position;
    struct ledger_hold hold;
    struct ledger *ledger;
    options.durability = LEDGER_POWER;
    ledger = fixture_open(&options);
    ledger_on_durable(ledger, count_durable, &calls);
    position.lane = ledger_lane(ledger, 1);
    assert_true(ledger_durable(position.lane, ledger_position(position.lane)));
    for (unsigned i = 1; i <= 20; i++) {
        assert_int_equal(ledger_hold(position.lane, &row, fixture_now_ms, &hold), 0);
        position.at = ledger_position(position.lane);
        ledger_kick(position.lane);
        assert_true(fixture_wait(is_durable, &position));
        assert_false(
            ledger_durable(position.lane, position.at + 1)); /* nothing is promised early */
        ledger_post(position.lane, &hold, &row);
        ledger_kick(position.lane);
        position.at = ledger_position(position.lane);
        assert_true(fixture_wait(is_durable, &position));
    }
    assert_true(fixture_wait(fixture_drained, ledger));
    ledger_close(ledger);
    assert_in_range(calls, 40, 80);
}

static void crash_durability_never_waits(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_row row = fixture_row("x");
    struct ledger_hold hold;
    assert_int_equal(ledger_hold(ledger_lane(ledger, 0), &row, fixture_now_ms, &hold), 0);
    assert_true(ledger_durable(ledger_lane(ledger, 0), ledger_position(ledger_lane(ledger, 0))));
    ledger_close(ledger);
}

static void health_counts_rows_and_lag(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_row row = fixture_row("x");
    struct ledger_health health;
    row.verdict = VERDICT_FREE;
    assert_true(fixture_wait(fixture_drained, ledger));
    for (unsigned i = 0; i < 2500; i++) {
        while (ledger_append(lane, &row, fixture_now_ms, NULL) == -ENOSPC)
            poll(NULL, 0, 1);
        ledger_kick(lane);
    }
    assert_true(fixture_wait(fixture_drained, ledger));
    ledger_health(ledger, &health);
    assert_int_equal(health.rows, 2500);
    assert_int_equal(health.error, 0);
    assert_int_equal(health.lag_bytes, 0);
    ledger_close(ledger);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_post_is_a_row_at_its_holds_time),
        TEST(time_never_goes_back_in_a_lane),
        TEST(a_full_lane_refuses_holds_and_still_posts),
        TEST(a_reserved_row_is_never_refused),
        TEST(five_thousand_live_streams_fit_one_lane),
        TEST(a_post_larger_than_its_hold_loses_text_only),
        TEST(open_holds_become_rows_at_the_next_start),
        TEST(a_second_opener_is_told_to_stay_away),
        TEST(an_opener_waits_as_long_as_it_was_told),
        TEST(an_unknown_format_is_refused),
        TEST(a_ring_of_another_size_is_taken_at_the_next_start),
        TEST(power_says_when_a_hold_is_on_disk),
        TEST(crash_durability_never_waits),
        TEST(health_counts_rows_and_lag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
