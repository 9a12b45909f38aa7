/* What holds of any dataset, whatever the rows: sums, order, bounds. */
#include "tests/accounting/focus_fixture.h"

#include "accounting/focus_check.h"
#include "accounting/focus_print.h"
#include "accounting/focus_use.h"
#include "accounting/money_text.h"

static uint32_t random_next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static const char *const texts[] = {"",       "a",     "b,\"",  "zai/glm", "\xff\xfe", "x\ny",
                                    "Vercel", "a@b+c", "a/b/c", "@",       "\xc3\xa9", "{}"};
static const char *const tag_lists[] = {"",
                                        "[]",
                                        "[\"x\",\"y\"]",
                                        "[\"y\",\"x\"]",
                                        "plain",
                                        "[\"\\u0000\",\"\\ud83d\\ude00\"]",
                                        "[\"a/b\",\"a0\",\"a\\n\",\"a\\\"\",\"tollgate/app\"]",
                                        "[1]"};
static const char *const ratings[] = {
    "",
    "1;0:0:3:3000000000;1:1:550:15000000000",
    "1;1:1:550:15000000000",
    "1 x=1100000;0:0:3:3000000000;9:9:1:500",
    "1 x=500000;0:0:3:0",
    "1;0:0:3:0",
    ("1 above=200000 tier=flex;0:0:9:1;2:2:1:1;3:3:1:1;4:4:1:1;5:5:1:1;6:6:1:1;7:7:1:1;8:8:1:1;"
     "10:10:1:1;11:11:1:1;12:12:1:1;13:13:1:1"),
    "1 tier=a%40b above=1",
    "1 above=1234 tier=a%40b flags=8;2:2:1:1",
    "junk",
    "1 flags=1;2:0:7:9",
};
static const char *const places[] = {"1793491199999/7", "1790812800000/7", "5/5", "x",
                                     "1795215111123/1"};

static struct text pick(const char *const *list, size_t count, uint32_t *seed)
{
    return focus_text(list[random_next(seed) % count]);
}
#define PICK(list, seed) pick(list, sizeof(list) / sizeof(list[0]), seed)

static struct ledger_row any_row(uint32_t *seed)
{
    struct ledger_row row = focus_row("m", NULL, 0);
    row.created_at_ms = focus_from_ms;
    row.model = PICK(texts, seed);
    row.model_requested = PICK(texts, seed);
    row.provider = PICK(texts, seed);
    row.upstream = PICK(texts, seed);
    row.project = PICK(texts, seed);
    row.client = PICK(texts, seed);
    row.key_id = PICK(texts, seed);
    row.app = PICK(texts, seed);
    row.environment = PICK(texts, seed);
    row.tags = PICK(tag_lists, seed);
    row.rating = PICK(ratings, seed);
    row.price_hash = PICK(texts, seed);
    row.cache = random_next(seed) % 4 == 0 ? CACHE_HIT : CACHE_MISS;
    row.verdict = 1 + random_next(seed) % (VERDICTS - 1);
    if (row.verdict == VERDICT_PENDING) /* which only a hold can be */
        row.verdict = VERDICT_OVER;
    row.cause = random_next(seed) % 3 == 0 ? CAUSE_SURCHARGE : CAUSE_NONE;
    row.byok = (int)(random_next(seed) % 3) - 1;
    if (random_next(seed) % 12 == 0)
        row.corrects = PICK(places, seed);
    row.billed = fixture_money((int64_t)(random_next(seed) % 1000000));
    row.market = fixture_money((int64_t)(random_next(seed) % 1000000));
    row.upstream_cost = fixture_money((int64_t)(random_next(seed) % 1000000));
    row.estimated = fixture_money((int64_t)(random_next(seed) % 1000000));
    row.booked = fixture_money((int64_t)(random_next(seed) % 1000000) - 1000);
    row.saved = row.difference = row.booked;
    row.billed.known = random_next(seed) % 3 != 0;
    row.market.known = random_next(seed) % 2 == 0;
    row.booked.known = random_next(seed) % 8 != 0;
    row.estimated.known = random_next(seed) % 4 != 0;
    row.saved.known = row.difference.known = random_next(seed) % 3 == 0;
    return row;
}

static struct money billed_of(const char *csv)
{
    struct money sum = {0};
    char cell[FOCUS_CELL_MAX];
    for (csv = focus_skip(csv); *csv != 0; csv = focus_skip(csv)) {
        struct money money;
        assert_true(focus_field(csv, 0, cell)); /* the first column */
        assert_int_equal(money_text_read(cell, strlen(cell), &money), 0);
        assert_int_equal(money_add(sum, money, &sum), 0);
    }
    return sum;
}

/* Whatever the rows are: what is billed adds up to what was booked, in every version and form, with
 * savings and without, and the validator finds nothing. */
static void any_rows_make_a_dataset_that_holds(void **state)
{
    enum { ROWS = 600 };
    struct ledger_row *rows = calloc(ROWS, sizeof(*rows));
    struct money booked = {0};
    uint32_t seed = 42;
    for (unsigned i = 0; i < ROWS; i++) {
        rows[i] = any_row(&seed);
        rows[i].created_at_ms += (int64_t)i * 50000;
        if (rows[i].booked.known)
            booked.femto += rows[i].booked.money.femto;
    }
    focus_close(*state, focus_october_ms, focus_from_ms);
    focus_write(*state, rows, ROWS);
    for (unsigned i = 0; i < 8; i++) {
        struct focus_order order = focus_order();
        struct focus_dataset dataset, again;
        order.profile = (i & 1) != 0 ? FOCUS_1_4 : FOCUS_1_2;
        order.form = (i & 2) != 0 ? FOCUS_JSONL : FOCUS_CSV;
        order.savings = (i & 4) != 0;
        dataset = focus_good(*state, &order);
        again = focus_good(*state, &order);
        assert_string_equal(dataset.text, again.text);
        if (i == 0)
            assert_true(billed_of(dataset.text).femto == booked.femto);
        assert_true(strlen(dataset.text) > 10000);
        focus_free(&dataset);
        focus_free(&again);
    }
    free(rows);
}

/* Rows of one hour in any order are the same lines, but for sums that say nothing of order. */
static void the_order_of_rows_does_not_matter(void **state)
{
    enum { ROWS = 120 };
    const struct fixture *fixture = *state;
    const struct focus_order order = focus_order();
    struct ledger_row rows[ROWS], mixed[ROWS];
    struct focus_dataset one, other;
    uint32_t seed = 7;
    for (unsigned i = 0; i < ROWS; i++)
        mixed[i] = rows[i] = any_row(&seed);
    for (unsigned i = ROWS - 1; i > 0; i--) {
        unsigned j = random_next(&seed) % (i + 1);
        struct ledger_row kept = mixed[i];
        mixed[i] = mixed[j];
        mixed[j] = kept;
    }
    focus_write(fixture, rows, ROWS);
    one = focus_good(fixture, &order);
    fixture_remove(fixture->dir);
    focus_write(fixture, mixed, ROWS);
    other = focus_good(fixture, &order);
    assert_string_equal(one.text, other.text);
    focus_free(&one);
    focus_free(&other);
}

/* One line of a row, made without a ledger, which would cut what is longest. */
static void print_and_check(const struct focus_order *order, const struct ledger_row *row)
{
    const struct focus_frame frame = {order->from_ms,
                                      order->to_ms,
                                      text_of(order->account_id),
                                      text_of(order->account_name),
                                      {NULL, 0},
                                      {NULL, 0},
                                      {NULL, 0}};
    struct focus_book *book = calloc(1, sizeof(*book));
    struct focus_line *const *lines;
    struct focus_printer *printer;
    struct focus_check check;
    FILE *out = tmpfile(), *notes = tmpfile();
    size_t count;
    char *told;
    book->order = order;
    book->lines = focus_lines_new();
    printer = focus_printer_new(out, order->profile, order->form, &frame);
    focus_print_head(printer);
    assert_int_equal(focus_use(book, row, order->from_ms), 0);
    assert_int_equal(focus_lines_sort(book->lines, &lines, &count), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(focus_print_line(printer, lines[i]), 0);
    assert_int_equal(focus_printer_finish(printer), 0);
    rewind(out);
    assert_int_equal(focus_check_file(order, &book->truth, out, notes, &check), 0);
    told = focus_slurp(notes);
    if (check.failed > 0 || check.lines == 0)
        fail_msg("%s", told);
    free(told);
    fclose(out);
    focus_lines_free(book->lines);
    free(book);
}

/* Every text as long as it may be, of what takes most room: the line has a bound, and it holds. */
static void the_longest_line_fits(void **state)
{
    static const char *const fillers[] = {"\x01", "\"", "\xff", "\xc3\xa9", "\\", "@", "a"};
    char name[ROW_NAME_MAX], tags[ROW_TAGS_BYTES_MAX], account[ROW_NAME_MAX + 1];
    (void)state;
    for (size_t i = 0; i < 4 * sizeof(fillers) / sizeof(fillers[0]); i++) {
        const char *filler = fillers[i / 4];
        struct focus_order order = focus_order();
        struct ledger_row row = focus_row("m", "1 tier=%01%01%22%FF%FF flags=8;4:4:3:3", 7);
        for (size_t at = 0; at < sizeof(tags); at++)
            tags[at] = filler[at % strlen(filler)];
        memcpy(name, tags, sizeof(name));
        memcpy(account, tags, sizeof(name));
        account[ROW_NAME_MAX] = 0;
        row.tags = (struct text){tags, sizeof(tags)};
        row.model = row.provider = row.upstream = (struct text){name, sizeof(name)};
        row.project = row.client = row.app = row.environment = row.price_hash = row.model;
        order.gateway = NULL; /* as the upstream is called */
        order.profile = (i & 1) != 0 ? FOCUS_1_4 : FOCUS_1_2;
        order.form = (i & 2) != 0 ? FOCUS_JSONL : FOCUS_CSV;
        if (filler[0] != '\xff') /* which no configuration has */
            order.account_id = order.account_name = account;
        print_and_check(&order, &row);
    }
}

/* An hour whose requests all have tags of their own ends with an error, not with the machine; and
 * the memory serves the hour after. */
static void one_hour_has_a_bound(void **state)
{
    struct focus_lines *lines = focus_lines_new();
    struct focus_shared want = {.model = TEXT("m"), .gateway = TEXT("g")};
    const struct focus_shared *shared = NULL, *again = NULL;
    char tags[4096];
    int64_t count = 0;
    int result = 0;
    (void)state;
    assert_non_null(lines);
    memset(tags, 'x', sizeof(tags));
    want.tags = (struct text){tags, sizeof(tags)};
    for (; result == 0 && count < 100000; count++) {
        snprintf(tags, 9, "%08d", (int)count);
        result = focus_lines_share(lines, &want, &shared);
    }
    assert_int_equal(result, -E2BIG);
    assert_true(count > 50000);
    focus_lines_clear(lines);
    assert_int_equal(focus_lines_share(lines, &want, &shared), 0);
    assert_int_equal(focus_lines_share(lines, &want, &again), 0);
    assert_ptr_equal(shared, again);
    focus_lines_free(lines);
}

static void a_full_disk_is_an_error(void **state)
{
    const struct fixture *fixture = *state;
    const struct focus_order order = focus_order();
    struct ledger_row row = focus_row("zai/glm", "1;0:0:3:3000000000", 7);
    struct ledger_reader *reader;
    char error[256];
    FILE *out = fopen("/dev/full", "w+"), *notes = tmpfile();
    focus_write(fixture, &row, 1);
    assert_int_equal(ledger_reader_open(fixture->dir, 0, &reader, error, sizeof(error)), 0);
    assert_int_equal(focus_export(reader, &order, out, NULL, notes), -EIO);
    ledger_reader_close(reader);
    fclose(out);
    fclose(notes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_rows_make_a_dataset_that_holds),
        TEST(the_order_of_rows_does_not_matter),
        TEST(the_longest_line_fits),
        TEST(one_hour_has_a_bound),
        TEST(a_full_disk_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
