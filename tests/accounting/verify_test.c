#include "tests/accounting/verify_tried.h"

/* --- what is whole --- */

static void a_whole_ledger_breaks_no_law(void **state)
{
    struct tried *tried = *state;
    if (run(tried) != 0)
        fail_msg("%s", tried->said);
    assert_int_equal(tried->result.months, 3);
    assert_int_equal(tried->result.rows, tried->reader->row_count);
    assert_string_equal(tried->result.first, "");
    assert_string_equal(tried->said, "2026-10: 248 rows, closed, all laws hold\n"
                                     "2026-11: 240 rows, closed, all laws hold\n"
                                     "2026-12: 162 rows, open, all laws hold\n");
}

static void a_month_is_verified_by_itself(void **state)
{
    struct tried *tried = *state;
    tried->order.from_ms = NOVEMBER;
    tried->order.to_ms = DECEMBER;
    if (run(tried) != 0)
        fail_msg("%s", tried->said);
    assert_string_equal(tried->said, "2026-11: 240 rows, closed, all laws hold\n");
    /* Where the lanes stood the month before says. */
    memmove(&tried->reader->rows[248], &tried->reader->rows[249],
            (tried->reader->row_count - 249) * sizeof(struct stored));
    tried->reader->row_count--;
    assert_int_equal(run(tried), -EBADMSG);
    expect_said(tried, "1 places that lane 0 of boot 1 gave before it are missing");
}

static void an_empty_ledger_is_whole(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *empty = calloc(1, sizeof(*empty)), *full = tried->reader;
    tried->reader = empty;
    assert_int_equal(run(tried), 0);
    assert_int_equal(tried->result.months, 0);
    free(empty);
    tried->reader = full;
}

/* Rows that were dropped by the retention leave a head, which goes on to hold the chain. */
static void dropped_months_leave_their_heads(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    reader->seals[0].has_export = true;
    seal_sign(&reader->seals[0], base.signer);
    put_seal(&tried->maker, 1, NOVEMBER, DECEMBER);
    reader->row_count -= 248;
    memmove(reader->rows, reader->rows + 248, reader->row_count * sizeof(*reader->rows));
    for (size_t i = 0; i < reader->id_count; i++)
        if (reader->ids[i].ref.created_at_ms < NOVEMBER)
            reader->ids[i--] = reader->ids[--reader->id_count];
    reader->hours[0].fresh = false;
    if (run(tried) != 0)
        fail_msg("%s", tried->said);
    expect_said(tried,
                "2026-10: 248 rows, closed, rows dropped after their export, the head holds");
    expect_said(tried, "2026-11: 240 rows, closed, all laws hold");
    reader->seals[0].has_export = false;
    seal_sign(&reader->seals[0], base.signer);
    put_seal(&tried->maker, 1, NOVEMBER, DECEMBER);
    expect_found(tried, NULL, "its rows are gone, though no export was made of them");
}

/* --- rows of the open month, where no head helps --- */

enum { OPEN = 500 };

static void drop_row(struct ledger_reader *reader, size_t at)
{
    memmove(&reader->rows[at], &reader->rows[at + 1],
            (reader->row_count - at - 1) * sizeof(*reader->rows));
    reader->row_count--;
}

/* Only the places tell: no sums, no index. */
static void forget_the_rest(struct ledger_reader *reader)
{
    reader->hour_count = 0;
    reader->id_count = 0;
    put_ids(reader);
}

static void a_dropped_row_leaves_a_gap(void **state)
{
    struct tried *tried = *state;
    struct ledger_ref next = tried->reader->rows[OPEN + 2].ref;
    drop_row(tried->reader, OPEN);
    forget_the_rest(tried->reader);
    expect_found(tried, &next, "1 places that lane 0 of boot 2 gave before it are missing");
}

static void rows_cut_off_the_end_are_missed(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    reader->listed_count = 0;
    reader->row_count -= 40;
    forget_the_rest(reader);
    expect_found(tried, &reader->rows[reader->row_count - 2].ref,
                 "lane 0 of boot 2 gave places behind it");
    expect_said(tried, "lane 1 of boot 2 gave places behind it");
}

static void a_lane_that_is_gone_is_missed(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    struct ledger_ref last = {0};
    for (size_t i = 0; i < reader->row_count; i++)
        if (places_lane(&reader->rows[i].ref) == 1 && places_boot(&reader->rows[i].ref) == 2) {
            last = reader->rows[i].ref;
            drop_row(reader, i--);
        }
    memset(reader->seals, 0, sizeof(reader->seals));
    forget_the_rest(reader);
    expect_found(tried, &last, "is the last place that lane 1 of boot 2 gave: no row is there");
}

static void a_forged_row_is_one_too_many(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    struct made made;
    struct ledger_ref ref = {reader->rows[OPEN].ref.created_at_ms + 7,
                             reader->rows[OPEN].ref.sequence + 1};
    make_row(&made, 5555, ref.created_at_ms);
    memmove(&reader->rows[OPEN + 2], &reader->rows[OPEN + 1],
            (reader->row_count - OPEN - 1) * sizeof(*reader->rows));
    reader->row_count++;
    store(reader, OPEN + 1, &ref, &made.row);
    forget_the_rest(reader);
    expect_found(tried, &reader->rows[OPEN + 3].ref,
                 "had given its number before: it is out of its place, or forged");
}

static void a_row_behind_the_last_is_forged(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    struct ledger_ref ref = make_place(&tried->maker, NOW - 5, 2, 0);
    struct made made;
    make_row(&made, 5555, ref.created_at_ms);
    append(reader, &ref, &made.row);
    forget_the_rest(reader);
    expect_found(tried, &ref, "comes behind the last place that lane 0 of boot 2 gave");
}

static void a_row_of_a_boot_that_never_was_is_forged(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    struct ledger_ref ref = make_place(&tried->maker, NOW - 5, 3, 0);
    struct made made;
    make_row(&made, 5555, ref.created_at_ms);
    append(reader, &ref, &made.row);
    forget_the_rest(reader);
    expect_found(tried, &ref, "comes behind the last place that lane 0 of boot 3 gave");
}

static void a_row_of_a_boot_that_had_ended_is_forged(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    struct ledger_ref ref = make_place(&tried->maker, NOW - 5, 1, 0);
    struct made made;
    make_row(&made, 5555, ref.created_at_ms);
    append(reader, &ref, &made.row);
    forget_the_rest(reader);
    expect_found(tried, &ref, "boot 1 had ended before it");
}

static void swapped_rows_are_out_of_order(void **state)
{
    struct tried *tried = *state;
    struct stored *rows = tried->reader->rows, row = rows[OPEN];
    rows[OPEN] = rows[OPEN + 1];
    rows[OPEN + 1] = row;
    forget_the_rest(tried->reader);
    expect_found(tried, &rows[OPEN + 1].ref, "does not come after the row before it");
}

/* A build of format 1 kept neither ends nor, at first, an index. */
static void early_boots_need_no_ends_and_no_index(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    reader->early_boot = 1;
    for (size_t i = 0; i < reader->end_count; i++)
        if (places_boot(&reader->ends[i]) == 1 && places_lane(&reader->ends[i]) == 0)
            reader->ends[i--] = reader->ends[--reader->end_count];
    for (size_t i = 0; i < reader->id_count; i++)
        if (places_boot(&reader->ids[i].ref) == 1 && i % 2 == 0)
            reader->ids[i--] = reader->ids[--reader->id_count];
    if (run(tried) != 0)
        fail_msg("%s", tried->said);
    reader->early_boot = (1 << 20) - 1; /* the boot before boot 0, which comes before boot 1 */
    assert_int_equal(run(tried), -EBADMSG);
    expect_said(tried, "comes behind the last place that lane 0 of boot 1 gave");
    expect_said(tried, "the index of ids does not name this row");
    reader->early_boot = 0; /* no end at all does not make rows early */
    reader->end_count = 0;
    assert_int_equal(run(tried), -EBADMSG);
    expect_said(tried, "comes behind the last place that lane 1 of boot 2 gave");
}

/* Contents swapped, places kept. */
static void a_row_in_anothers_place_shows(void **state)
{
    struct tried *tried = *state;
    struct stored *rows = tried->reader->rows, row = rows[OPEN];
    memcpy(rows[OPEN].bytes, rows[OPEN + 2].bytes, rows[OPEN + 2].len);
    rows[OPEN].len = rows[OPEN + 2].len;
    memcpy(rows[OPEN + 2].bytes, row.bytes, row.len);
    rows[OPEN + 2].len = row.len;
    expect_found(tried, &rows[OPEN].ref, "has another created_at than its place");
}

/* Any byte of any row: of what a client said (its user), nothing but a closed month's tree can
 * tell; all the rest shows in an open month, too. */
static void any_flipped_byte_of_a_closed_month_is_found_and_named(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    for (size_t at = 0; at < reader->rows[10].len; at += 3) {
        struct stored *row = &reader->rows[10 + at % 5];
        if (at >= row->len)
            continue;
        row->bytes[at] ^= 0x01;
        expect_found(tried, &row->ref, "is not the row that was sealed here");
        row->bytes[at] ^= 0x01;
    }
    assert_int_equal(run(tried), 0);
}

/* --- what is kept beside the rows --- */

static void a_sum_that_is_not_its_rows_shows(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    int64_t hour_ms = reader->rows[OPEN].ref.created_at_ms / HOUR * HOUR;
    struct hour *hour = &reader->hours[(hour_ms - OCTOBER) / HOUR];
    assert_int_equal(hour->hour_ms, hour_ms);
    hour[0].bytes = hour[3].bytes;
    hour[0].len = hour[3].len;
    expect_found(tried, NULL, "are not those of its rows: 1 rows, 1 summed");
    hour->fresh = false; /* then nobody uses it */
    assert_int_equal(run(tried), 0);
    hour[1].bytes = hour[3].bytes;
    hour[1].len = hour[3].len;
    assert_int_equal(run(tried), -EBADMSG);
    expect_said(tried, "(it has no rows) are not those of its rows: 0 rows, 1 summed");
}

static void an_index_that_is_not_the_rows_shows(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    struct named *named = &reader->ids[reader->id_count - 9], was = *named;
    named->hash ^= 1;
    expect_found(tried, &was.ref, "the index of ids does not name this row");
    expect_said(tried, "the index of ids names a row here that has no such id, or is gone");
    *named = was;
    named->ref.sequence++;
    expect_found(tried, &was.ref, "the index of ids does not name this row");
    *named = reader->ids[--reader->id_count];
    assert_int_equal(run(tried), -EBADMSG);
    *named = was;
    named = &reader->ids[reader->id_count++]; /* the last, whole again; then one too many */
    assert_int_equal(run(tried), 0);
    reader->ids[reader->id_count++] = (struct named){{NOW, 5}, 6};
    expect_found(tried, &(struct ledger_ref){NOW, 5}, "names a row here that has no such id");
    reader->ids[reader->id_count - 1].ref.created_at_ms = OCTOBER - 5;
    expect_found(tried, NULL, "the index of ids names rows in months without any");
    tried->order.from_ms = OCTOBER;
    assert_int_equal(run(tried), 0); /* outside of what was asked for */
}

static void lists_must_be_of_rows_that_are_there(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    struct ledger_ref pending = reader->listed[0].ref;
    reader->listed_count = 0;
    expect_found(tried, &pending, "is pending, but nobody looks for its cost");
    reader->listed_count = 2;
    reader->listed[1].ref = (struct ledger_ref){NOW - HOUR, 1};
    expect_found(tried, &reader->listed[1].ref, "no row is there");
    reader->listed[1].ref = reader->rows[OPEN].ref; /* followed, though its cost is known */
    assert_int_equal(run(tried), 0);
    reader->listed[1].is_hold = true;
    expect_found(tried, &reader->rows[OPEN].ref, "is a row, and a hold that is still open");
}

/* A hold keeps a place; one that is open for too long is stuck. */
static void holds_have_places_and_do_not_stay(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    struct ledger_ref ref = reader->rows[reader->row_count - 1].ref;
    reader->row_count--;
    reader->listed[0] = (struct listed){ref, true};
    forget_the_rest(reader);
    if (run(tried) != 0)
        fail_msg("%s", tried->said);
    tried->order.now_ms += 2 * LEDGER_DAY_MS;
    expect_found(tried, &ref, "is a hold that is open for more than a day");
    tried->order.now_ms = NOW;
    reader->listed[1] = (struct listed){{NOVEMBER + 5, 5}, true};
    reader->listed_count = 2;
    expect_found(tried, &reader->listed[1].ref, "is an open hold of a closed month");
}

static void no_generation_stands_for_two_rows(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    struct made made;
    struct ledger_row row;
    assert_int_equal(row_decode(reader->rows[OPEN].bytes, reader->rows[OPEN].len, &row), 0);
    make_row(&made, OPEN + 6, reader->rows[OPEN + 6].ref.created_at_ms);
    made.row.id = row.id;
    store(reader, OPEN + 6, &reader->rows[OPEN + 6].ref, &made.row);
    forget_the_rest(reader);
    expect_found(tried, &reader->rows[OPEN + 6].ref, "has the id of the row at");
    /* Some upstreams call their answers alike. */
    made.row.id = TEXT("chatcmpl-7");
    store(reader, OPEN + 6, &reader->rows[OPEN + 6].ref, &made.row);
    make_row(&made, OPEN + 9, reader->rows[OPEN + 9].ref.created_at_ms);
    made.row.id = TEXT("chatcmpl-7");
    store(reader, OPEN + 9, &reader->rows[OPEN + 9].ref, &made.row);
    forget_the_rest(reader);
    assert_int_equal(run(tried), 0);
}

static void an_export_that_leaves_rows_out_shows(void **state)
{
    struct tried *tried = *state;
    tried->reader->exports = 1;
    expect_found(tried, NULL, "it has 248 rows, its export 247");
    expect_said(tried, "its rows and its export differ in prompt_tokens");
    expect_said(tried, "its rows and its export differ in booked_usd");
}

static void corrections_point_at_rows_of_closed_months(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    struct stored *stored = &reader->rows[reader->row_count - 2];
    struct ledger_row row;
    uint8_t bytes[ROW_ENCODED_MAX];
    char corrects[ROW_PLACE_MAX];
    memcpy(bytes, stored->bytes, stored->len);
    assert_int_equal(row_decode(bytes, stored->len, &row), 0);
    assert_true(row.corrects.len > 0);
    snprintf(corrects, sizeof(corrects), "%" PRId64 "/1", reader->rows[3].ref.created_at_ms);
    row.corrects = text_of(corrects);
    store(reader, reader->row_count - 2, &stored->ref, &row);
    expect_found(tried, &stored->ref, "corrects a row that is not there");
    snprintf(corrects, sizeof(corrects), "%" PRId64 "/%" PRIu64,
             reader->rows[OPEN].ref.created_at_ms, reader->rows[OPEN].ref.sequence);
    row.corrects = text_of(corrects);
    store(reader, reader->row_count - 2, &stored->ref, &row);
    expect_found(tried, &stored->ref, "corrects a row of a month that is not closed");
    row.corrects = TEXT("12-4");
    store(reader, reader->row_count - 2, &stored->ref, &row);
    expect_found(tried, &stored->ref, "corrects something that is no place");
}

/* Complaints are counted, but not all are said. */
static void complaints_are_bounded(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    size_t lines = 0;
    tried->order.complaints_max = 3;
    reader->hour_count = 0;
    for (size_t i = OPEN; i < OPEN + 50; i++)
        reader->rows[i].len = 2;
    assert_int_equal(run(tried), -EBADMSG);
    assert_true(tried->result.complaints > 50);
    for (const char *at = tried->said; *at != '\0'; at++)
        lines += *at == '\n';
    assert_int_equal(lines, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRIED(a_whole_ledger_breaks_no_law),
        TRIED(a_month_is_verified_by_itself),
        TRIED(an_empty_ledger_is_whole),
        TRIED(dropped_months_leave_their_heads),
        TRIED(a_dropped_row_leaves_a_gap),
        TRIED(rows_cut_off_the_end_are_missed),
        TRIED(a_lane_that_is_gone_is_missed),
        TRIED(a_forged_row_is_one_too_many),
        TRIED(a_row_behind_the_last_is_forged),
        TRIED(a_row_of_a_boot_that_never_was_is_forged),
        TRIED(a_row_of_a_boot_that_had_ended_is_forged),
        TRIED(swapped_rows_are_out_of_order),
        TRIED(early_boots_need_no_ends_and_no_index),
        TRIED(a_row_in_anothers_place_shows),
        TRIED(any_flipped_byte_of_a_closed_month_is_found_and_named),
        TRIED(a_sum_that_is_not_its_rows_shows),
        TRIED(an_index_that_is_not_the_rows_shows),
        TRIED(lists_must_be_of_rows_that_are_there),
        TRIED(holds_have_places_and_do_not_stay),
        TRIED(no_generation_stands_for_two_rows),
        TRIED(an_export_that_leaves_rows_out_shows),
        TRIED(corrections_point_at_rows_of_closed_months),
        TRIED(complaints_are_bounded),
    };
    return cmocka_run_group_tests(tests, make_base, free_base);
}
