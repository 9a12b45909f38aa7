#include "tests/accounting/verify_tried.h"

static void sign_again(struct tried *tried, size_t which)
{
    assert_int_equal(seal_sign(&tried->reader->seals[which], base.signer), 0);
}

static void a_changed_head_is_not_signed(void **state)
{
    struct tried *tried = *state;
    struct seal *seal = &tried->reader->seals[1], was = *seal;
    seal->signature[5] ^= 1;
    expect_found(tried, NULL, "the signature of its head does not hold");
    *seal = was;
    seal->closed_ms++;
    expect_found(tried, NULL, "the signature of its head does not hold");
    *seal = was;
    seal->booked.femto++;
    expect_found(tried, NULL, "the signature of its head does not hold");
    expect_said(tried, "its rows have booked_usd");
}

/* Whoever has the key can sign anything: then the rows contradict it. */
static void a_signed_head_must_be_that_of_its_rows(void **state)
{
    struct tried *tried = *state;
    struct seal *seal = &tried->reader->seals[1], was = *seal;
    seal->rows++;
    sign_again(tried, 1);
    tried->reader->marked = false;
    expect_found(tried, NULL, "it has 240 rows, its head says 241");
    *seal = was;
    seal->issued = 9;
    sign_again(tried, 1);
    expect_found(tried, NULL, "it has 240 places, its head says 9");
    *seal = was;
    seal->first.sequence++;
    sign_again(tried, 1);
    expect_found(tried, NULL, "its first row is at");
    *seal = was;
    seal->last.created_at_ms--;
    sign_again(tried, 1);
    expect_found(tried, NULL, "its last row is at");
    *seal = was;
    seal->billed.femto--;
    sign_again(tried, 1);
    expect_found(tried, NULL, "its rows have billed_usd");
    *seal = was;
    seal->saved.femto--;
    sign_again(tried, 1);
    expect_found(tried, NULL, "its rows have saved_usd");
    *seal = was;
    seal->root[0] ^= 1;
    sign_again(tried, 1);
    expect_found(tried, NULL, "its rows are not those that were sealed");
    *seal = was;
    seal->closed_ms = DECEMBER - 1;
    sign_again(tried, 1);
    expect_found(tried, NULL, "it was closed before it was over");
    *seal = was;
    memcpy(seal->month, "2026-10", SEAL_MONTH_MAX);
    sign_again(tried, 1);
    expect_found(tried, NULL, "its head is that of 2026-10");
}

static void heads_are_a_chain(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    reader->seals[0].closed_ms++;
    sign_again(tried, 0);
    expect_found(tried, NULL, "2026-11: its head does not follow the one before it");
    put_seals(&tried->maker);
    memset(reader->seals[1].previous, 0, TREE_HASH);
    sign_again(tried, 1);
    expect_found(tried, NULL, "2026-11: its head does not follow the one before it");
    put_seals(&tried->maker);
    reader->seals[0].previous[0] = 1; /* of a head that is not there */
    sign_again(tried, 0);
    put_seal(&tried->maker, 1, NOVEMBER, DECEMBER);
    expect_found(tried, NULL, "2026-10: its head does not follow the one before it");
}

static void a_head_that_is_gone_leaves_a_hole(void **state)
{
    struct tried *tried = *state;
    tried->reader->seals[0].month[0] = '\0';
    expect_found(tried, NULL, "2026-10: it has no head, though a later month is closed");
    expect_said(tried, "2026-11: its head does not follow the one before it");
}

static void a_head_that_cannot_be_read_is_none(void **state)
{
    struct tried *tried = *state;
    tried->reader->seal_result = -EBADMSG;
    expect_found(tried, NULL, "2026-11: its head cannot be read");
    tried->reader->seal_result = -EIO;
    assert_int_equal(run(tried), -EIO);
}

static void heads_are_signed_by_the_key_that_is_trusted(void **state)
{
    struct tried *tried = *state;
    uint8_t key[SEAL_KEY];
    memcpy(key, tried->reader->seals[0].key, SEAL_KEY);
    tried->order.trusted_key = key;
    assert_int_equal(run(tried), 0);
    key[0] ^= 1;
    expect_found(tried, NULL, "2026-10: its head was signed by another key");
    tried->order.trusted_key = NULL;
    tried->maker.signer = make_signer();
    put_seal(&tried->maker, 1, NOVEMBER, DECEMBER);
    expect_found(tried, NULL, "2026-11: its head was signed by another key");
    seal_signer_free(tried->maker.signer);
}

/* --- rows of a closed month, by its marks --- */

static void drop_row(struct ledger_reader *reader, size_t at)
{
    memmove(&reader->rows[at], &reader->rows[at + 1],
            (reader->row_count - at - 1) * sizeof(*reader->rows));
    reader->row_count--;
}

/* Nothing else would know: no sums, no index. */
static void forget_the_rest(struct ledger_reader *reader)
{
    reader->hour_count = 0;
    reader->id_count = 0;
    put_ids(reader);
}

static void a_dropped_row_is_named_by_the_one_in_its_place(void **state)
{
    struct tried *tried = *state;
    drop_row(tried->reader, 20);
    forget_the_rest(tried->reader);
    expect_found(tried, &tried->reader->rows[20].ref, "is not the row that was sealed here");
    expect_said(tried, "it has 247 rows, its head says 248");
    expect_said(tried, "its rows are not those that were sealed");
}

static void rows_that_are_cut_off_are_missed_behind_the_last(void **state)
{
    struct tried *tried = *state;
    for (unsigned i = 0; i < 10; i++)
        drop_row(tried->reader, 238);
    forget_the_rest(tried->reader);
    expect_found(tried, &tried->reader->rows[237].ref, "rows that were sealed behind it are gone");
    expect_said(tried, "it has 238 rows, its head says 248");
}

/* A text that no other law knows: forged with care, in one place, and with the sums made anew. */
static void a_forged_text_is_named(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    struct made made;
    make_row(&made, 30, reader->rows[30].ref.created_at_ms);
    made.row.user = TEXT("somebody else");
    store(reader, 30, &reader->rows[30].ref, &made.row);
    forget_the_rest(reader);
    expect_found(tried, &reader->rows[30].ref, "is not the row that was sealed here");
    reader->marked = false; /* found all the same, though not named */
    expect_found(tried, NULL, "its rows are not those that were sealed");
}

static void marks_do_not_vouch_for_themselves(void **state)
{
    struct tried *tried = *state;
    tried->reader->marks[0][40] ^= 1;
    expect_found(tried, NULL, "2026-10: the marks of its tree are not those of its head");
}

/* Of a month of many rows a mark stands for several. */
static void wide_marks_name_a_run_of_rows(void **state)
{
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    struct tree_marks marks;
    struct made made;
    assert_int_equal(tree_marks_init(&marks), 0);
    marks.level = 3;
    for (size_t i = 0; i < 248; i++) {
        uint8_t leaf[TREE_HASH];
        tree_leaf(&marks.part, &reader->rows[i].ref, reader->rows[i].bytes, reader->rows[i].len,
                  leaf);
        assert_int_equal(tree_marks_add(&marks, leaf), 0);
    }
    free(reader->marks[0]);
    assert_int_equal(tree_marks_encode(&marks, &reader->marks[0], &reader->marks_len[0]), 0);
    tree_marks_release(&marks);
    assert_int_equal(run(tried), 0);
    make_row(&made, 30, reader->rows[30].ref.created_at_ms);
    made.row.user = TEXT("somebody else");
    store(reader, 30, &reader->rows[30].ref, &made.row);
    expect_found(tried, &reader->rows[24].ref,
                 "it and the 7 rows behind it are not all as they were sealed");
}

/* --- a closing that was interrupted --- */

/* Its mark is durable and its head is not there: what rests on the mark is lawful. */
static void a_month_whose_closing_was_interrupted_says_so_once(void **state)
{
    enum { CORRECTED = 300, PENDING = 303 }; /* of November */
    struct tried *tried = *state;
    struct ledger_reader *reader = tried->reader;
    struct stored *stored = &reader->rows[reader->row_count - 2];
    uint8_t bytes[ROW_ENCODED_MAX];
    char corrects[ROW_PLACE_MAX];
    struct ledger_row row;
    struct made made;
    reader->seals[1].month[0] = '\0';
    reader->closed_before_ms = DECEMBER;
    memcpy(bytes, stored->bytes, stored->len);
    assert_int_equal(row_decode(bytes, stored->len, &row), 0);
    snprintf(corrects, sizeof(corrects), "%" PRId64 "/%" PRIu64,
             reader->rows[CORRECTED].ref.created_at_ms, reader->rows[CORRECTED].ref.sequence);
    row.corrects = text_of(corrects);
    store(reader, reader->row_count - 2, &stored->ref, &row);
    make_row(&made, PENDING, reader->rows[PENDING].ref.created_at_ms);
    made.row.observed = (struct text){NULL, 0};
    made.row.billed = made.row.market = (struct maybe_money){0};
    judge(&made.row, true);
    store(reader, PENDING, &reader->rows[PENDING].ref, &made.row); /* corrected, and off the list */
    forget_the_rest(reader);
    expect_found(tried, NULL,
                 "2026-11: it has no head, though its closing had begun: close it again");
    if (tried->result.complaints != 1)
        fail_msg("%s", tried->said);
    reader->closed_before_ms = NOVEMBER;
    expect_found(tried, &reader->rows[PENDING].ref, "is pending, but nobody looks for its cost");
    expect_said(tried, "corrects a row of a month that is not closed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRIED(a_changed_head_is_not_signed),
        TRIED(a_signed_head_must_be_that_of_its_rows),
        TRIED(heads_are_a_chain),
        TRIED(a_head_that_is_gone_leaves_a_hole),
        TRIED(a_head_that_cannot_be_read_is_none),
        TRIED(heads_are_signed_by_the_key_that_is_trusted),
        TRIED(a_dropped_row_is_named_by_the_one_in_its_place),
        TRIED(rows_that_are_cut_off_are_missed_behind_the_last),
        TRIED(a_forged_text_is_named),
        TRIED(marks_do_not_vouch_for_themselves),
        TRIED(wide_marks_name_a_run_of_rows),
        TRIED(a_month_whose_closing_was_interrupted_says_so_once),
    };
    return cmocka_run_group_tests(tests, make_base, free_base);
}
