#include "accounting/verify_private.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROWS = 20000 };

/* A month of rows that are made as they are read: row i has the id of row of[i]. */
struct ledger_reader {
    uint32_t of[ROWS];
    unsigned readings;
};

static void make_row(const struct ledger_reader *reader, uint32_t i, char id[32],
                     struct ledger_row *row)
{
    row_init(row);
    row->created_at_ms = i;
    snprintf(id, 32, "gen-1790812800-%08u", reader->of[i]);
    row->id = text_of(id);
    row->verdict = VERDICT_UNKNOWN;
}

int ledger_reader_raw(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                      int (*fn)(void *arg, const struct ledger_ref *ref, const uint8_t *bytes,
                                size_t len),
                      void *arg)
{
    int result = 0;
    (void)from_ms;
    (void)to_ms;
    reader->readings++;
    for (uint32_t i = 0; i < ROWS && result == 0; i++) {
        struct ledger_ref ref = {i, i};
        struct ledger_row row;
        uint8_t bytes[ROW_ENCODED_MAX];
        char id[32];
        size_t len;
        make_row(reader, i, id, &row);
        assert_int_equal(row_encode(&row, bytes, sizeof(bytes), &len), 0);
        result = fn(arg, &ref, bytes, len);
    }
    return result;
}

struct tried {
    struct ledger_reader reader;
    struct verify_order order;
    struct verify_one one;
    struct verify verify;
    struct verify_month month;
    unsigned complaints;
    struct ledger_ref refs[4];
};

/* What verify.c does with a complaint. */
static struct tried *listening;
void verify_complain(struct verify_month *month, const struct ledger_ref *ref, struct text id,
                     const char *format, ...)
{
    (void)month;
    (void)id;
    (void)format;
    assert_non_null(ref);
    if (listening->complaints < 4)
        listening->refs[listening->complaints] = *ref;
    listening->complaints++;
}

static int run(struct tried *tried, size_t room_max)
{
    int result = 0;
    tried->verify.reader = &tried->reader;
    tried->verify.salt[0] = 0x1234567;
    tried->verify.salt[1] = 0x89abcdef;
    tried->month.verify = &tried->verify;
    tried->month.one = &tried->one;
    tried->month.ids.room_max = room_max;
    listening = tried;
    for (uint32_t i = 0; i < ROWS && result == 0; i++) {
        struct ledger_row row;
        char id[32];
        make_row(&tried->reader, i, id, &row);
        result = verify_ids_row(&tried->month, &row);
    }
    if (result == 0)
        result = verify_ids_end(&tried->month);
    verify_ids_release(&tried->month.ids);
    return result;
}

static int set_up(void **state)
{
    struct tried *tried = calloc(1, sizeof(*tried));
    for (uint32_t i = 0; i < ROWS; i++)
        tried->reader.of[i] = i;
    *state = tried;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static void ids_that_differ_are_read_once(void **state)
{
    struct tried *tried = *state;
    assert_int_equal(run(tried, VERIFY_IDS_ROOM), 0);
    assert_int_equal(tried->complaints, 0);
    assert_int_equal(tried->reader.readings, 0);
}

/* With room for a tenth of them the month is read as often as it takes, and nothing is missed. */
static void little_room_means_more_readings(void **state)
{
    struct tried *tried = *state;
    assert_int_equal(run(tried, 2048), 0);
    assert_int_equal(tried->complaints, 0);
    assert_true(tried->reader.readings >= 15);
    assert_true(tried->reader.readings <= 31);
}

static void whatever_comes_twice_is_found(void **state)
{
    static const uint32_t pairs[][2] = {{0, ROWS - 1}, {77, 78}, {500, 15000}, {19000, 19999}};
    struct tried *tried = *state;
    for (size_t i = 0; i < 4; i++)
        for (size_t room = 2048; room <= VERIFY_IDS_ROOM; room *= 64) {
            memset(&tried->month, 0, sizeof(tried->month));
            tried->complaints = 0;
            tried->reader.of[pairs[i][1]] = pairs[i][0];
            assert_int_equal(run(tried, room), 0);
            tried->reader.of[pairs[i][1]] = pairs[i][1];
            assert_int_equal(tried->complaints, 1);
            assert_int_equal(tried->refs[0].created_at_ms, pairs[i][1]);
        }
}

/* A month of one id only would need all of the room for nothing. */
static void the_same_id_in_every_row_takes_no_room(void **state)
{
    struct tried *tried = *state;
    memset(tried->reader.of, 0, sizeof(tried->reader.of));
    assert_int_equal(run(tried, 2048), 0);
    assert_int_equal(tried->complaints, ROWS - 1);
    assert_int_equal(tried->reader.readings, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ids_that_differ_are_read_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(little_room_means_more_readings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whatever_comes_twice_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_id_in_every_row_takes_no_room, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
