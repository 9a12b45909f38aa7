/* ledger_rehold_test.c - several attempts, one row. What a kill at any instant leaves of them is in
 * ledger_crash_test.c. */
#include "tests/accounting/ledger_fixture.h"

static struct ledger_row attempt(const char *upstream, const char *attempts)
{
    struct ledger_row row = fixture_row("gen-own");
    row.upstream = text_of(upstream);
    row.attempts = text_of(attempts);
    row.status = 0;
    row.verdict = VERDICT_NONE;
    row.billed.known = false;
    return row;
}

static void the_last_attempt_is_the_row_at_the_first_ones_time(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_row row = attempt("first", ""), other = fixture_row("other");
    struct ledger_hold hold;
    struct fixture_rows *rows;
    assert_int_equal(ledger_hold(lane, &row, fixture_now_ms, &hold), 0);
    ledger_seen(lane, &hold, "up-1", 4);
    other.verdict = VERDICT_FREE;
    assert_int_equal(ledger_append(lane, &other, fixture_now_ms + 10, NULL), 0);
    row = attempt("second", "[{\"upstream\":\"first\"}]");
    assert_int_equal(ledger_rehold(lane, &hold, &row, fixture_now_ms + 20), 0);
    assert_true(hold.open);
    assert_false(hold.seen);
    row = attempt("third", "[{\"upstream\":\"first\"},{\"upstream\":\"second\"}]");
    assert_int_equal(ledger_rehold(lane, &hold, &row, fixture_now_ms + 30), 0);
    ledger_seen(lane, &hold, "up-3", 4);
    row.status = 200;
    row.upstream_id = TEXT("up-3");
    row.verdict = VERDICT_UNPRICED;
    ledger_post(lane, &hold, &row);
    ledger_close(ledger);
    rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, 2);
    assert_string_equal(rows->rows[0].id, "gen-own");
    assert_int_equal(rows->rows[0].row.created_at_ms, fixture_now_ms);
    assert_string_equal(rows->rows[0].upstream_id, "up-3");
    assert_int_equal(rows->rows[0].row.status, 200);
    free(rows);
    ledger_close(fixture_open(&options)); /* no hold was left to be made a row of */
    rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, 2);
    free(rows);
}

/* The id that the first attempt saw would be asked of the wrong upstream. */
static void an_open_attempt_is_unknown_whatever_the_one_before_saw(void **state)
{
    const struct fixture *fixture = *state;
    for (unsigned drained = 0; drained < 2; drained++) {
        struct ledger_options options = fixture_options(fixture, 1);
        struct ledger *ledger;
        struct ledger_lane *lane;
        struct ledger_row row = attempt("first", "");
        struct ledger_hold hold;
        struct fixture_rows *rows;
        fixture_remove(fixture->dir);
        ledger = fixture_open(&options);
        lane = ledger_lane(ledger, 0);
        assert_int_equal(ledger_hold(lane, &row, fixture_now_ms, &hold), 0);
        ledger_seen(lane, &hold, "up-1", 4);
        if (drained) {
            ledger_kick(lane);
            assert_true(fixture_wait(fixture_drained, ledger));
        }
        row = attempt("second", "[{\"upstream\":\"first\"}]");
        row.model = TEXT("m/second");
        assert_int_equal(ledger_rehold(lane, &hold, &row, fixture_now_ms), 0);
        ledger_close(ledger); /* with the hold open, as after a kill */
        rows = fixture_read(fixture->dir);
        assert_int_equal(rows->count, 1);
        assert_int_equal(rows->rows[0].row.verdict, VERDICT_UNKNOWN);
        assert_string_equal(rows->rows[0].id, "gen-own");
        assert_string_equal(rows->rows[0].model, "m/second");
        assert_string_equal(rows->rows[0].upstream_id, "");
        free(rows);
    }
}

static void the_id_of_the_second_attempt_is_looked_up(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_row row = attempt("first", "");
    struct ledger_hold hold;
    struct fixture_rows *rows;
    assert_int_equal(ledger_hold(lane, &row, fixture_now_ms, &hold), 0);
    ledger_seen(lane, &hold, "up-1", 4);
    assert_int_equal(ledger_rehold(lane, &hold, &row, fixture_now_ms), 0);
    ledger_seen(lane, &hold, "up-2", 4);
    ledger_close(ledger);
    rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, 1);
    assert_int_equal(rows->rows[0].row.verdict, VERDICT_PENDING);
    assert_string_equal(rows->rows[0].upstream_id, "up-2");
    free(rows);
}

static bool fill_up(struct ledger_lane *lane, const struct ledger_row *row)
{
    struct ledger_hold hold;
    for (unsigned i = 0; i < FIXTURE_RING / 1024; i++)
        if (ledger_hold(lane, row, fixture_now_ms, &hold) == -ENOSPC)
            return true;
    return false;
}

/* Refused, the first attempt is still held, and its post still fits. */
static void a_full_lane_refuses_another_attempt_and_keeps_the_first(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_row row = attempt("first", ""), late = attempt("second", "");
    struct ledger_hold hold, before;
    struct fixture_rows *rows;
    char session[ROW_NAME_MAX];
    memset(session, 's', sizeof(session));
    late.session = (struct text){session, sizeof(session)};
    row.model = TEXT("m/held");
    assert_int_equal(ledger_hold(lane, &row, fixture_now_ms, &hold), 0);
    assert_true(fill_up(lane, &row));
    before = hold;
    assert_int_equal(ledger_rehold(lane, &hold, &late, fixture_now_ms), -ENOSPC);
    assert_memory_equal(&hold, &before, sizeof(hold));
    row.model = TEXT("m/posted");
    row.status = 200;
    row.verdict = VERDICT_UNPRICED;
    ledger_post(lane, &hold, &row);
    ledger_close(ledger);
    rows = fixture_read(fixture->dir);
    assert_string_equal(rows->rows[0].model, "m/posted");
    for (size_t i = 1; i < rows->count; i++)
        assert_string_equal(rows->rows[i].model, "m/held");
    free(rows);
}

/* A hundred attempts leave no reservation behind: the lane takes as many holds as before. */
static void attempts_give_back_what_they_reserved(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_row row = attempt("first", "");
    struct ledger_hold hold;
    for (unsigned round = 0; round < 200; round++) {
        assert_int_equal(ledger_hold(lane, &row, fixture_now_ms, &hold), 0);
        for (unsigned i = 0; i < 8; i++) {
            int result = ledger_rehold(lane, &hold, &row, fixture_now_ms);
            assert_int_equal(result, 0);
            ledger_seen(lane, &hold, "u", 1);
        }
        row.verdict = VERDICT_UNKNOWN;
        ledger_post(lane, &hold, &row);
        ledger_kick(lane);
        assert_true(fixture_wait(fixture_drained, ledger));
    }
    ledger_close(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(the_last_attempt_is_the_row_at_the_first_ones_time),
        TEST(an_open_attempt_is_unknown_whatever_the_one_before_saw),
        TEST(the_id_of_the_second_attempt_is_looked_up),
        TEST(a_full_lane_refuses_another_attempt_and_keeps_the_first),
        TEST(attempts_give_back_what_they_reserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
