#include "server/admin_requests.h"

#include "cache/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* 2026-11-01T00:00:00Z, and a month of 30 days. */
static const int64_t from_ms = INT64_C(1793491200000);
static const int64_t to_ms = INT64_C(1793491200000) + 30 * INT64_C(86400000);

enum { ROWS_MAX = 3000, BYTES_MAX = 256 };

/* A ledger in memory: rows in the order of their places. */
struct rows {
    size_t count;
    struct {
        struct ledger_ref ref;
        char id[24];
        uint8_t bytes[BYTES_MAX];
        size_t len;
    } row[ROWS_MAX];
    int fails;            /* what raw returns instead of reading */
    unsigned calls;       /* of raw */
    uint64_t read;        /* rows given */
    int64_t last_from_ms; /* windows follow one another without a gap */
    uint64_t weight;      /* each row counts as so many */
};

static int raw(void *arg, int64_t from, int64_t to,
               int (*fn)(void *arg, const struct ledger_ref *ref, const uint8_t *bytes, size_t len),
               void *fn_arg)
{
    struct rows *rows = arg;
    int result = 0;

    assert_true(from < to);
    if (rows->calls++ > 0)
        assert_int_equal(to, rows->last_from_ms);
    rows->last_from_ms = from;
    if (rows->fails != 0)
        return rows->fails;
    for (size_t i = 0; i < rows->count && result == 0; i++) {
        const struct ledger_ref *ref = &rows->row[i].ref;
        if (ref->created_at_ms < from || ref->created_at_ms >= to)
            continue;
        for (uint64_t n = 1; n < rows->weight; n++)
            fn(fn_arg, ref, (const uint8_t *)"", 0); /* bytes that are no row */
        rows->read++;
        result = fn(fn_arg, ref, rows->row[i].bytes, rows->row[i].len);
    }
    return result;
}

static void add_row(struct rows *rows, int64_t ms, uint64_t sequence, const char *user)
{
    struct ledger_row row;

    assert_true(rows->count < ROWS_MAX);
    snprintf(rows->row[rows->count].id, sizeof rows->row->id, "gen_%zu", rows->count);
    row_init(&row);
    row.id = text_of(rows->row[rows->count].id);
    row.created_at_ms = ms;
    row.user = text_of(user);
    row.verdict = VERDICT_MATCHED;
    row.cause = user[0] == 'b' ? CAUSE_SURCHARGE : CAUSE_NONE;
    rows->row[rows->count].ref = (struct ledger_ref){ms, sequence};
    assert_int_equal(
        row_encode(&row, rows->row[rows->count].bytes, BYTES_MAX, &rows->row[rows->count].len), 0);
    rows->count++;
}

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct rows));
    return *state != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static struct admin_query query_of(size_t limit)
{
    return (struct admin_query){
        .from_ms = from_ms, .to_ms = to_ms, .month = "2026-11", .limit = limit};
}

/* One page: the numbers of its ids into ids, and where the next begins. */
static size_t read_page(struct rows *rows, struct admin_query *query, size_t *ids, bool *ret_more)
{
    struct admin_rows source = {.raw = raw, .arg = rows};
    char *bytes = NULL, scratch[64];
    const char *text;
    size_t len = 0, count = 0, text_len;
    FILE *out = open_memstream(&bytes, &len);
    struct json_doc doc;
    uint32_t data;
    struct admin_error error;
    struct admin_query next;
    char after[128];

    rows->calls = 0;
    assert_int_equal(admin_requests_write(&source, query, out), 0);
    fclose(out);
    json_doc_init(&doc);
    if (json_parse(&doc, bytes, len, NULL) != 0)
        fail_msg("no JSON: %s", bytes);
    data = json_get(&doc, 0, "data");
    for (uint32_t row = json_first(&doc, data); row != JSON_NONE;
         row = json_next(&doc, data, row)) {
        assert_int_equal(
            json_string(&doc, json_get(&doc, row, "id"), scratch, sizeof scratch, &text, &text_len),
            0);
        assert_true(json_get(&doc, row, "place") != JSON_NONE);
        ids[count++] = strtoul(text + 4, NULL, 10);
    }
    *ret_more = json_string(&doc, json_get(&doc, 0, "next"), scratch, sizeof scratch, &text,
                            &text_len) == 0;
    if (*ret_more) {
        snprintf(after, sizeof after, "month=2026-11&after=%.*s", (int)text_len, text);
        assert_int_equal(admin_query_parse(ADMIN_REQUESTS, text_of(after), from_ms, &next, &error),
                         0);
        query->after = next.after;
    }
    json_doc_release(&doc);
    free(bytes);
    return count;
}

/* All pages, one after the other; the ids in the order in which they came. */
static size_t read_all(struct rows *rows, struct admin_query query, size_t *ids, size_t *ret_pages)
{
    size_t count = 0;
    bool more = true;

    for (*ret_pages = 0; more; (*ret_pages)++) {
        size_t got = read_page(rows, &query, ids + count, &more);
        assert_true(got <= query.limit);
        count += got;
        assert_true(count <= rows->count && *ret_pages <= ROWS_MAX + 64);
    }
    return count;
}

static void fill(struct rows *rows, size_t count)
{
    int64_t ms = from_ms;

    /* Bursts in one millisecond, quiet hours, and both ends of the month. */
    for (size_t i = 0; i < count; i++) {
        add_row(rows, ms, i, i % 3 == 0 ? "b" : "a");
        if (i % 7 == 6)
            ms += (int64_t)(i * 2654435761u % 20000000u);
        if (ms >= to_ms)
            ms = to_ms - 1;
    }
    add_row(rows, to_ms - 1, count, "a");
}

static void pages_show_every_row_once_newest_first(void **state)
{
    static const size_t limits[] = {1, 2, 7, 100, 1000};
    static size_t ids[ROWS_MAX];
    struct rows *rows = *state;
    size_t pages;

    fill(rows, 500);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        size_t count = read_all(rows, query_of(limits[i]), ids, &pages);
        assert_int_equal(count, rows->count);
        for (size_t n = 0; n < count; n++)
            assert_int_equal(ids[n], rows->count - 1 - n);
        assert_true(pages <= rows->count / limits[i] + 1);
    }
}

static void filters_and_pages_go_together(void **state)
{
    static size_t ids[ROWS_MAX];
    struct rows *rows = *state;
    struct admin_query query = query_of(10);
    size_t pages, wanted = 0, count;

    fill(rows, 500);
    strcpy(query.filter.text[ADMIN_USER], "b");
    for (size_t i = 0; i + 1 < rows->count; i++)
        wanted += i % 3 == 0;
    count = read_all(rows, query, ids, &pages);
    assert_int_equal(count, wanted);
    for (size_t n = 0; n < count; n++)
        assert_int_equal(ids[n] % 3, 0);
    strcpy(query.filter.text[ADMIN_USER], "nobody");
    assert_int_equal(read_all(rows, query, ids, &pages), 0);
    assert_int_equal(pages, 1);
}

static void a_first_page_reads_little(void **state)
{
    struct rows *rows = *state;
    struct admin_query query = query_of(10);
    size_t ids[10];
    bool more;

    for (size_t i = 0; i < 2000; i++) /* one a minute, up to the month's end */
        add_row(rows, to_ms - (int64_t)(2000 - i) * 60000, i, "a");
    assert_int_equal(read_page(rows, &query, ids, &more), 10);
    assert_true(more);
    assert_true(rows->read <= 15);
}

/* A filter that nothing passes must not read a month of ten million rows in one go. */
static void a_page_ends_early_when_it_read_enough(void **state)
{
    static size_t ids[ROWS_MAX];
    struct rows *rows = *state;
    struct admin_query query = query_of(10);
    bool more;
    size_t pages;

    rows->weight = 10000;
    for (size_t i = 0; i < 300; i++)
        add_row(rows, from_ms + (int64_t)i * 8640000, i, i == 3 ? "b" : "a");
    strcpy(query.filter.text[ADMIN_USER], "b");
    assert_int_equal(read_page(rows, &query, ids, &more), 0);
    assert_true(more);
    assert_true(rows->read >= 100 && rows->read < 150);
    query = query_of(10);
    strcpy(query.filter.text[ADMIN_USER], "b");
    assert_int_equal(read_all(rows, query, ids, &pages), 1);
    assert_int_equal(ids[0], 3);
    assert_true(pages >= 3);
}

static void an_id_is_a_place(void **state)
{
    struct rows *rows = *state;
    struct admin_query query = query_of(3);
    size_t ids[3];
    bool more;

    for (size_t i = 0; i < 6; i++)
        add_row(rows, from_ms + 5, i, "a"); /* all in one millisecond */
    query.after = (struct admin_after){.kind = ADMIN_AFTER_ID, .place = {from_ms + 5, 0}};
    strcpy(query.after.id, "gen_4");
    assert_int_equal(read_page(rows, &query, ids, &more), 3);
    assert_int_equal(ids[0], 3);
    assert_int_equal(ids[2], 1);
    assert_true(more);
    query.after = (struct admin_after){.kind = ADMIN_AFTER_PLACE, .place = {from_ms - 1, 0}};
    assert_int_equal(read_page(rows, &query, ids, &more), 0); /* of the month before */
    assert_false(more);
}

static void failures_are_handed_on(void **state)
{
    struct rows *rows = *state;
    struct admin_rows source = {.raw = raw, .arg = rows};
    struct admin_query query = query_of(3);
    FILE *full = fopen("/dev/full", "w"), *null = fopen("/dev/null", "w");

    assert_non_null(full);
    setvbuf(full, NULL, _IONBF, 0);
    fill(rows, 20);
    assert_int_equal(admin_requests_write(&source, &query, full), -EIO);
    rows->fails = -ECANCELED;
    rows->calls = 0;
    assert_int_equal(admin_requests_write(&source, &query, null), -ECANCELED);
    fclose(full);
    fclose(null);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_show_every_row_once_newest_first, setup, teardown),
        cmocka_unit_test_setup_teardown(filters_and_pages_go_together, setup, teardown),
        cmocka_unit_test_setup_teardown(a_first_page_reads_little, setup, teardown),
        cmocka_unit_test_setup_teardown(a_page_ends_early_when_it_read_enough, setup, teardown),
        cmocka_unit_test_setup_teardown(an_id_is_a_place, setup, teardown),
        cmocka_unit_test_setup_teardown(failures_are_handed_on, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
