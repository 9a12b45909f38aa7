#include "accounting/ledger_journal.h"

#include "accounting/ledger_crc.h"
#include "accounting/ledger_month.h"

#include "tests/accounting/ledger_fixture.h"

#include <fcntl.h>

enum { RING = JOURNAL_BYTES_MIN };

static void path_of(void **state, char path[256])
{
    const struct fixture *fixture = *state;
    snprintf(path, 256, "%s/journal", fixture->root);
}

/* A payload that says where it stands: length and content follow from number. */
static size_t payload_of(uint64_t number, uint8_t *payload)
{
    size_t len = (size_t)(number * 7919 % 3000);
    for (size_t i = 0; i < len; i++)
        payload[i] = (uint8_t)(number * 31 + i);
    return len;
}

static void append(struct journal *journal, uint64_t number)
{
    static uint8_t payload[JOURNAL_PAYLOAD_MAX];
    struct ledger_ref ref = {(int64_t)number, number ^ 0xabcdef};
    journal_append(journal, JOURNAL_ROW, (unsigned)number, &ref, payload,
                   payload_of(number, payload));
}

static int try_append(struct journal *journal, uint64_t number)
{
    static uint8_t payload[JOURNAL_PAYLOAD_MAX];
    int result = journal_make_room(journal, journal_record_bytes(payload_of(number, payload)));
    if (result == 0)
        append(journal, number);
    return result;
}

/* Reads records from *position and asserts that they are first, first + 1, ...; returns the number
 * after the last. */
static uint64_t expect_from(const struct journal *journal, uint64_t *position, uint64_t first,
                            size_t most)
{
    static uint8_t payload[JOURNAL_PAYLOAD_MAX];
    struct journal_record record;
    while (most > 0 && journal_read(journal, *position, journal_tail(journal), &record) == 1) {
        *position = record.end;
        if (record.kind == JOURNAL_PAD)
            continue;
        assert_int_equal(record.ref.created_at_ms, first);
        assert_int_equal(record.ref.sequence, first ^ 0xabcdef);
        assert_int_equal(record.flags, (unsigned)first);
        assert_int_equal(record.len, payload_of(first, payload));
        assert_memory_equal(record.payload, payload, record.len);
        first++;
        most--;
    }
    return first;
}

static void the_check_is_crc32c(void **state)
{
    uint8_t bytes[300];
    (void)state;
    assert_int_equal(ledger_crc(0, "123456789", 9), 0xe3069283);
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        uint32_t whole = ledger_crc(0, bytes, len);
        assert_int_equal(whole, ledger_crc_portable(0, bytes, len));
        assert_int_equal(whole,
                         ledger_crc(ledger_crc(0, bytes, len / 3), bytes + len / 3, len - len / 3));
    }
}

static void records_come_back_over_many_laps(void **state)
{
    struct journal journal;
    char path[256];
    uint64_t written = 0, read = 0, position = 0;
    path_of(state, path);
    assert_int_equal(journal_create(path, RING, 0, &journal), 0);
    while (position < 40 * (uint64_t)RING) {
        while (try_append(&journal, written) == 0)
            written++;
        assert_true(written > read);
        read = expect_from(&journal, &position, read, 1 + written % 7);
        journal_set_head(&journal, position);
    }
    read = expect_from(&journal, &position, read, SIZE_MAX);
    assert_int_equal(read, written);
    journal_close(&journal);
}

/* What is reserved can be written, whatever else came before it and wherever the ring ends. */
static void reserved_room_is_never_given_away(void **state)
{
    struct journal journal;
    char path[256];
    path_of(state, path);
    for (uint64_t start = 0; start < RING; start += 1096) {
        static const uint8_t payload[4000];
        const struct ledger_ref ref = {1, 1};
        unsigned reserved = 0;
        start &= ~UINT64_C(7);
        assert_int_equal(journal_create(path, RING, start, &journal), 0);
        while (journal_make_room(&journal, 64 + journal_record_bytes(4000)) == 0) {
            journal.reserved += journal_record_bytes(4000);
            reserved++;
            journal_append(&journal, JOURNAL_HOLD, 0, &ref, payload, 8);
        }
        assert_true(reserved >= 10);
        while (try_append(&journal, 1) == 0)
            continue;
        for (; reserved > 0; reserved--) {
            journal.reserved -= journal_record_bytes(4000);
            journal_append(&journal, JOURNAL_POST, 0, &ref, payload, 4000);
        }
        assert_int_equal(journal.reserved, 0);
        journal_close(&journal);
    }
}

static void a_full_ring_has_room_again_once_drained(void **state)
{
    struct journal journal;
    char path[256];
    uint64_t written = 0, position = 0;
    path_of(state, path);
    assert_int_equal(journal_create(path, RING, 0, &journal), 0);
    while (try_append(&journal, written) == 0)
        written++;
    assert_int_equal(journal_make_room(&journal, 4000), -ENOSPC);
    assert_int_equal(expect_from(&journal, &position, 0, SIZE_MAX), written);
    journal_set_head(&journal, position);
    assert_int_equal(journal_make_room(&journal, 4000), 0);
    journal_close(&journal);
}

/* An idle gateway should not walk through all of a large ring, and back through memory with it. */
static void little_traffic_stays_at_the_start_of_the_ring(void **state)
{
    struct journal journal;
    char path[256];
    uint64_t position = 0;
    path_of(state, path);
    assert_int_equal(journal_create(path, (uint64_t)4 * JOURNAL_LAP_BYTES, 0, &journal), 0);
    for (uint64_t number = 0; number < 20000; number++) {
        assert_int_equal(try_append(&journal, number), 0);
        assert_true(journal.tail % journal.size <= JOURNAL_LAP_BYTES + JOURNAL_RECORD_MAX);
        assert_int_equal(expect_from(&journal, &position, number, SIZE_MAX), number + 1);
        journal_set_head(&journal, position);
    }
    assert_true(position > 8 * (uint64_t)JOURNAL_LAP_BYTES);
    journal_close(&journal);
}

static void what_was_written_is_there_after_opening_again(void **state)
{
    struct journal journal;
    char path[256];
    uint64_t written = 0, position = 0, tail;
    path_of(state, path);
    assert_int_equal(journal_open(path, &journal), -ENOENT);
    assert_int_equal(journal_create(path, RING, 800, &journal), 0);
    position = 800;
    while (try_append(&journal, written) == 0)
        written++;
    tail = journal.tail;
    journal_close(&journal);
    assert_int_equal(journal_peek_tail(path, &position), 0);
    assert_int_equal(position, tail);
    assert_int_equal(journal_open(path, &journal), 0);
    position = 800;
    assert_int_equal(journal_recover(&journal, position), 0);
    assert_int_equal(journal_tail(&journal), tail);
    assert_int_equal(expect_from(&journal, &position, 0, SIZE_MAX), written);
    journal_close(&journal);
}

/* kill -9 between a record and its tail: the record is whole, so it counts. */
static void a_record_without_its_tail_is_found(void **state)
{
    struct journal journal;
    char path[256];
    uint64_t before, position = 0;
    path_of(state, path);
    assert_int_equal(journal_create(path, RING, 0, &journal), 0);
    for (uint64_t number = 0; number < 3; number++)
        append(&journal, number);
    before = journal.tail;
    append(&journal, 3);
    journal.tail = before;
    journal_publish(&journal);
    assert_int_equal(journal_recover(&journal, 0), 0);
    assert_int_equal(expect_from(&journal, &position, 0, SIZE_MAX), 4);
    journal_close(&journal);
}

/* A leftover of an earlier lap is whole too, but stands at another position. */
static void leftovers_of_an_earlier_lap_are_not_taken(void **state)
{
    struct journal journal;
    char path[256];
    uint64_t written = 0, position = 0;
    path_of(state, path);
    assert_int_equal(journal_create(path, RING, 0, &journal), 0);
    while (journal.tail < RING + RING / 2) {
        if (try_append(&journal, written) == 0) {
            written++;
            continue;
        }
        position = journal.tail;
        journal_set_head(&journal, position);
    }
    position = journal.tail;
    assert_int_equal(journal_recover(&journal, position), 0);
    assert_int_equal(journal_tail(&journal), position);
    journal_close(&journal);
}

static void flip(const char *path, off_t at)
{
    unsigned char byte;
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* The whole of a record is covered: no flipped bit goes unseen. */
static void damage_anywhere_in_a_record_is_seen(void **state)
{
    struct journal journal;
    struct journal_record record;
    char path[256];
    path_of(state, path);
    assert_int_equal(journal_create(path, RING, 0, &journal), 0);
    append(&journal, 2);
    for (uint64_t at = 0; at < JOURNAL_RECORD_HEADER + 2 * 7919 % 3000; at++) {
        journal.ring[at] ^= 0x20;
        assert_int_equal(journal_read(&journal, 0, journal_tail(&journal), &record), -EILSEQ);
        journal.ring[at] ^= 0x20;
    }
    assert_int_equal(journal_read(&journal, 0, journal_tail(&journal), &record), 1);
    journal_close(&journal);
}

/* Nothing may be missing while the machine ran on. After a restart without LEDGER_POWER pages may
 * be, and what is whole is kept. */
static void gaps_are_refused_in_one_boot_and_survived_in_the_next(void **state)
{
    enum { HEADER_BOOT = 24 };
    struct journal journal;
    struct journal_record record;
    char path[256];
    uint64_t position = 0, whole = 0;
    int result;
    path_of(state, path);
    assert_int_equal(journal_create(path, RING, 0, &journal), 0);
    for (uint64_t number = 0; number < 10; number++)
        append(&journal, number);
    assert_int_equal(expect_from(&journal, &position, 0, 4), 4);
    journal_close(&journal);
    flip(path, JOURNAL_PAGE + (off_t)position);

    assert_int_equal(journal_open(path, &journal), 0);
    assert_int_equal(journal_recover(&journal, 0), -EBADMSG);
    journal_close(&journal);

    flip(path, HEADER_BOOT); /* as if another boot had written it */
    assert_int_equal(journal_open(path, &journal), 0);
    assert_int_equal(journal_recover(&journal, 0), 0);
    position = 0;
    while ((result = journal_read(&journal, position, journal_tail(&journal), &record)) != 0) {
        whole += result == 1;
        position = result == 1 ? record.end : position + 8;
    }
    assert_int_equal(whole, 9);
    journal_close(&journal);
}

static void unknown_files_are_refused(void **state)
{
    static const struct {
        const char *name;
        off_t at;
        int want;
    } cases[] = {
        {"magic", 0, -EBADMSG},
        {"version", 8, -EPROTO},
        {"byte order", 12, -EPROTO},
        {"size", 17, -EBADMSG},
    };
    struct journal journal;
    char path[256];
    uint64_t tail;
    path_of(state, path);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(journal_create(path, RING, 0, &journal), 0);
        journal_close(&journal);
        flip(path, cases[i].at);
        if (journal_open(path, &journal) != cases[i].want)
            fail_msg("%s", cases[i].name);
        assert_int_equal(journal_peek_tail(path, &tail), cases[i].want);
    }
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(journal_open(path, &journal), -ENOENT); /* never finished */
}

/* Stores must not fault for want of disk blocks. */
static void the_whole_file_is_allocated(void **state)
{
    struct journal journal;
    struct stat info;
    char path[256];
    path_of(state, path);
    assert_int_equal(journal_create(path, 1 << 20, 0, &journal), 0);
    journal_close(&journal);
    assert_int_equal(stat(path, &info), 0);
    assert_true(info.st_blocks * 512 >= (1 << 20) + JOURNAL_PAGE);
}

static void months_begin_and_end_where_the_calendar_says(void **state)
{
    static const struct {
        const char *name;
        int64_t from_ms, to_ms;
    } cases[] = {
        {"1970-01", 0, INT64_C(2678400000)},
        {"2024-02", INT64_C(1706745600000), INT64_C(1709251200000)}, /* a leap day */
        {"2100-02", INT64_C(4105123200000), INT64_C(4107542400000)}, /* none */
        {"2026-11", INT64_C(1793491200000), INT64_C(1796083200000)},
        {"2026-12", INT64_C(1796083200000), INT64_C(1798761600000)},
        {"9999-12", INT64_C(253399622400000), LEDGER_TIME_END_MS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char name[LEDGER_MONTH_NAME];
        int64_t from_ms, to_ms;
        assert_int_equal(ledger_month_parse(cases[i].name, 7, &from_ms, &to_ms), 0);
        assert_int_equal(from_ms, cases[i].from_ms);
        assert_int_equal(to_ms, cases[i].to_ms);
        ledger_month_name(from_ms, name);
        assert_string_equal(name, cases[i].name);
        ledger_month_name(to_ms - 1, name);
        assert_string_equal(name, cases[i].name);
    }
    for (int64_t ms = -62135596800000; ms < LEDGER_TIME_END_MS; ms += LEDGER_DAY_MS)
        assert_true(ledger_date_ms(ledger_date_of(ms)) == ms);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_check_is_crc32c),
        TEST(records_come_back_over_many_laps),
        TEST(reserved_room_is_never_given_away),
        TEST(a_full_ring_has_room_again_once_drained),
        TEST(little_traffic_stays_at_the_start_of_the_ring),
        TEST(what_was_written_is_there_after_opening_again),
        TEST(a_record_without_its_tail_is_found),
        TEST(leftovers_of_an_earlier_lap_are_not_taken),
        TEST(damage_anywhere_in_a_record_is_seen),
        TEST(gaps_are_refused_in_one_boot_and_survived_in_the_next),
        TEST(unknown_files_are_refused),
        TEST(the_whole_file_is_allocated),
        TEST(months_begin_and_end_where_the_calendar_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
