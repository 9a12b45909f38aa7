/* sse_test.c - the event-stream splitter cuts at blank lines, changes no byte and waits for none
 * that it does not need. */
#include "server/dialect/sse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PIECES_MAX = 64, TEXT_MAX = 4096, EVENT_MAX = 1024 };

struct got {
    size_t count;
    struct sse_piece piece[PIECES_MAX];
    char text[TEXT_MAX]; /* every piece's bytes, one after the other */
    size_t at[PIECES_MAX], len;
    size_t stop_at; /* refuse the piece of this number, 0: none */
};

static int collect(void *arg, const struct sse_piece *piece)
{
    struct got *got = arg;
    assert_true(got->count < PIECES_MAX);
    assert_true(got->len + piece->len <= TEXT_MAX);
    memcpy(got->text + got->len, piece->bytes, piece->len);
    got->at[got->count] = got->len;
    got->len += piece->len;
    got->piece[got->count++] = *piece;
    return got->count == got->stop_at ? 77 : 0;
}

static void feed(struct sse_splitter *splitter, const char *text, struct got *got)
{
    assert_int_equal(sse_feed(splitter, text, strlen(text), collect, got), 0);
}

static void assert_piece(const struct got *got, size_t i, const char *bytes)
{
    assert_true(i < got->count);
    assert_int_equal(got->piece[i].len, strlen(bytes));
    assert_memory_equal(got->text + got->at[i], bytes, strlen(bytes));
}

static void assert_span(const struct got *got, size_t i, size_t at, size_t len, const char *want)
{
    assert_int_equal(len, strlen(want));
    assert_memory_equal(got->text + got->at[i] + at, want, len);
}

/* A stream, what the pieces must be, and the payload of each ("" also where there is none). */
static const struct {
    const char *stream;
    struct {
        const char *bytes, *data;
        unsigned data_lines;
        const char *event;
    } piece[6];
} cases[] = {
    {"data: {\"a\":1}\n\ndata: [DONE]\n\n",
     {{"data: {\"a\":1}\n\n", "{\"a\":1}", 1, ""}, {"data: [DONE]\n\n", "[DONE]", 1, ""}}},
    {"data: a\r\n\r\ndata: b\r\n\r\n",
     {{"data: a\r\n\r\n", "a", 1, ""}, {"data: b\r\n\r\n", "b", 1, ""}}},
    {"data: a\r\rdata: b\r\r", {{"data: a\r\r", "a", 1, ""}, {"data: b\r\r", "b", 1, ""}}},
    {"data: a\n\r\ndata: b\r\n\n", {{"data: a\n\r\n", "a", 1, ""}, {"data: b\r\n\n", "b", 1, ""}}},
    {"data: a\n\rdata: b\r\n\rx\n\n",
     {{"data: a\n\r", "a", 1, ""}, {"data: b\r\n\r", "b", 1, ""}, {"x\n\n", "", 0, ""}}},
    {"data: a\r\r\ndata: b\n\n",
     {{"data: a\r\r", "a", 1, ""}, {"\n", "", 0, ""}, {"data: b\n\n", "b", 1, ""}}},
    {": OPENROUTER PROCESSING\n\n:\n\n",
     {{": OPENROUTER PROCESSING\n\n", "", 0, ""}, {":\n\n", "", 0, ""}}},
    {"event: message_start\ndata: {}\n\n",
     {{"event: message_start\ndata: {}\n\n", "{}", 1, "message_start"}}},
    {"event: a\nevent: b\nid: 7\ndata:x\n\n",
     {{"event: a\nevent: b\nid: 7\ndata:x\n\n", "x", 1, "b"}}},
    {"data: a\ndata: b\n\n", {{"data: a\ndata: b\n\n", "", 2, ""}}},
    {"data\n\ndata:\n\ndata:  x\n\n",
     {{"data\n\n", "", 1, ""}, {"data:\n\n", "", 1, ""}, {"data:  x\n\n", " x", 1, ""}}},
    {"database: no\n dataset\nDATA: no\n\n", {{"database: no\n dataset\nDATA: no\n\n", "", 0, ""}}},
    {"\n\r\n\rdata: x\n\n",
     {{"\n", "", 0, ""}, {"\r\n", "", 0, ""}, {"\r", "", 0, ""}, {"data: x\n\n", "x", 1, ""}}},
    {"\xef\xbb\xbf"
     "data: a\n\n\xef\xbb\xbf"
     "data: b\n\n",
     {{"\xef\xbb\xbf"
       "data: a\n\n",
       "a", 1, ""},
      {"\xef\xbb\xbf"
       "data: b\n\n",
       "", 0, ""}}},
    {"\xef\xbb\xbf\n\xef\xbb\n\n", {{"\xef\xbb\xbf\n", "", 0, ""}, {"\xef\xbb\n\n", "", 0, ""}}},
    {"\xef\xbb\n\n", {{"\xef\xbb\n\n", "", 0, ""}}},
    {"data: a\n\ndata: cut", {{"data: a\n\n", "a", 1, ""}, {"data: cut", "cut", 1, ""}}},
    {"data: a\n", {{"data: a\n", "a", 1, ""}}},
    {"", {{NULL, NULL, 0, NULL}}},
};

static void assert_case(size_t i, const struct got *got)
{
    size_t want = 0;
    while (want < 6 && cases[i].piece[want].bytes != NULL)
        want++;
    assert_int_equal(got->count, want);
    for (size_t n = 0; n < want; n++) {
        const struct sse_piece *piece = &got->piece[n];
        assert_piece(got, n, cases[i].piece[n].bytes);
        assert_int_equal(piece->data_lines, cases[i].piece[n].data_lines);
        assert_span(got, n, piece->data_at, piece->data_len, cases[i].piece[n].data);
        assert_span(got, n, piece->event_at, piece->event_len, cases[i].piece[n].event);
    }
}

static void every_split_gives_the_same_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len = strlen(cases[i].stream);
        for (size_t one = 0; one <= len; one++) {
            for (size_t two = one; two <= len; two++) {
                struct sse_splitter splitter;
                struct got got = {.count = 0};
                const char *s = cases[i].stream;
                sse_splitter_init(&splitter, EVENT_MAX);
                assert_int_equal(sse_feed(&splitter, s, one, collect, &got), 0);
                assert_int_equal(sse_feed(&splitter, s + one, two - one, collect, &got), 0);
                assert_int_equal(sse_feed(&splitter, s + two, len - two, collect, &got), 0);
                assert_int_equal(sse_finish(&splitter, collect, &got), 0);
                sse_splitter_release(&splitter);
                assert_case(i, &got);
                assert_int_equal(got.len, len);
                assert_memory_equal(got.text, s, len);
            }
        }
    }
}

static void byte_by_byte_gives_the_same_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sse_splitter splitter;
        struct got got = {.count = 0};
        sse_splitter_init(&splitter, EVENT_MAX);
        for (const char *c = cases[i].stream; *c != '\0'; c++)
            assert_int_equal(sse_feed(&splitter, c, 1, collect, &got), 0);
        assert_int_equal(sse_finish(&splitter, collect, &got), 0);
        sse_splitter_release(&splitter);
        assert_case(i, &got);
    }
}

/* What is live must not wait for the event after it. */
static void an_event_leaves_with_its_last_byte(void **state)
{
    static const char *const events[] = {
        "data: a\n\n", "data: a\r\n\r\n", "data: a\r\r", "data: a\n\r\n", "\n", "\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        struct sse_splitter splitter;
        struct got got = {.count = 0};
        size_t len = strlen(events[i]);
        sse_splitter_init(&splitter, EVENT_MAX);
        for (size_t round = 0; round < 3; round++) {
            assert_int_equal(sse_feed(&splitter, events[i], len - 1, collect, &got), 0);
            assert_int_equal(got.count, round);
            assert_int_equal(sse_feed(&splitter, events[i] + len - 1, 1, collect, &got), 0);
            assert_int_equal(got.count, round + 1);
            assert_true(got.piece[round].whole);
            assert_int_equal(splitter.held_len, 0);
        }
        sse_splitter_release(&splitter);
    }
}

static void a_blank_line_of_one_cr_waits_for_one_byte_only(void **state)
{
    struct sse_splitter splitter;
    struct got got = {.count = 0};
    (void)state;
    sse_splitter_init(&splitter, EVENT_MAX);
    feed(&splitter, "data: a\n\r", &got);
    assert_int_equal(got.count, 0);
    feed(&splitter, "d", &got);
    assert_int_equal(got.count, 1);
    assert_piece(&got, 0, "data: a\n\r");
    assert_true(got.piece[0].whole);
    feed(&splitter, "ata: b\n\r", &got);
    feed(&splitter, "\n", &got);
    assert_int_equal(got.count, 2);
    assert_piece(&got, 1, "data: b\n\r\n");
    feed(&splitter, "data: c\r\n\r", &got);
    assert_int_equal(got.count, 2);
    assert_int_equal(sse_finish(&splitter, collect, &got), 0);
    assert_piece(&got, 2, "data: c\r\n\r");
    assert_true(got.piece[2].whole); /* at the stream's end a CR alone is a line end */
    sse_splitter_release(&splitter);
}

static void what_arrives_whole_is_not_copied(void **state)
{
    const char *stream = "data: a\n\ndata: b\n\ndata: c";
    struct sse_splitter splitter;
    struct got got = {.count = 0};
    (void)state;
    sse_splitter_init(&splitter, EVENT_MAX);
    feed(&splitter, stream, &got);
    assert_int_equal(got.count, 2);
    assert_ptr_equal(got.piece[0].bytes, stream);
    assert_ptr_equal(got.piece[1].bytes, stream + 9);
    assert_int_equal(splitter.held_len, 7);
    sse_splitter_release(&splitter);
}

static void an_end_without_a_blank_line_is_told(void **state)
{
    struct sse_splitter splitter;
    struct got got = {.count = 0};
    (void)state;
    sse_splitter_init(&splitter, EVENT_MAX);
    feed(&splitter, "data: a\n\ndata: [DONE]\n", &got);
    assert_int_equal(sse_finish(&splitter, collect, &got), 0);
    assert_int_equal(got.count, 2);
    assert_true(got.piece[0].whole);
    assert_false(got.piece[1].whole);
    assert_int_equal(got.piece[1].data_lines, 1);
    assert_span(&got, 1, got.piece[1].data_at, got.piece[1].data_len, "[DONE]");
    assert_int_equal(sse_finish(&splitter, collect, &got), 0);
    assert_int_equal(got.count, 2); /* nothing is handed out twice */
    sse_splitter_release(&splitter);
}

/* No peer makes us hold more than the maximum, and no byte is lost over it. */
static void a_too_long_event_leaves_in_parts(void **state)
{
    const char *stream = "data: 0123456789abcdef\n\ndata: x\n\ndata: 012\n\n";
    static const char *const want[] = {"data: 0123",  "456789abcd",  "ef\n\n",
                                       "data: x\n\n", "data: 012\n", "\n"};
    static const bool whole[] = {false, false, false, true, false, false};
    (void)state;
    for (size_t cut = 0; cut <= strlen(stream); cut++) {
        struct sse_splitter splitter;
        struct got got = {.count = 0};
        sse_splitter_init(&splitter, 10);
        assert_int_equal(sse_feed(&splitter, stream, cut, collect, &got), 0);
        assert_true(splitter.held_len <= 10);
        assert_true(splitter.held_size <= 10);
        feed(&splitter, stream + cut, &got);
        assert_int_equal(sse_finish(&splitter, collect, &got), 0);
        assert_int_equal(got.count, 6);
        for (size_t i = 0; i < 6; i++) {
            assert_piece(&got, i, want[i]);
            assert_int_equal(got.piece[i].whole, whole[i]);
            assert_int_equal(got.piece[i].data_lines, whole[i] ? 1 : 0);
        }
        sse_splitter_release(&splitter);
    }
}

static void an_event_of_exactly_the_maximum_is_whole(void **state)
{
    struct sse_splitter splitter;
    struct got got = {.count = 0};
    (void)state;
    sse_splitter_init(&splitter, 10);
    feed(&splitter, "data: 01", &got);
    feed(&splitter, "\n\n", &got);
    assert_int_equal(got.count, 1);
    assert_true(got.piece[0].whole);
    assert_int_equal(got.piece[0].data_lines, 1);
    sse_splitter_release(&splitter);
}

static void a_large_buffer_is_given_back_after_its_event(void **state)
{
    struct sse_splitter splitter;
    char *event = test_malloc(100000);
    struct got got = {.count = 0};
    (void)state;
    memset(event, 'x', 100000);
    sse_splitter_init(&splitter, 1 << 20);
    assert_int_equal(sse_feed(&splitter, event, 100000, collect, &got), 0);
    assert_int_equal(splitter.held_len, 100000);
    got.len = 0;
    splitter.held_len = 4; /* the collector is small; what matters is held_size */
    feed(&splitter, "\n\n", &got);
    assert_int_equal(got.count, 1);
    assert_true(splitter.held_size <= 16 * 1024);
    sse_splitter_release(&splitter);
    sse_splitter_release(&splitter); /* released ones may be released */
    test_free(event);
}

static void the_callers_no_stops_at_once(void **state)
{
    struct sse_splitter splitter;
    struct got got = {.stop_at = 2};
    (void)state;
    sse_splitter_init(&splitter, EVENT_MAX);
    assert_int_equal(sse_feed(&splitter, "a\n\nb\n\nc\n\n", 9, collect, &got), 77);
    assert_int_equal(got.count, 2);
    sse_splitter_release(&splitter);

    got = (struct got){.stop_at = 1};
    sse_splitter_init(&splitter, EVENT_MAX);
    feed(&splitter, "tail", &got);
    assert_int_equal(sse_finish(&splitter, collect, &got), 77);
    sse_splitter_release(&splitter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_gives_the_same_pieces),
        cmocka_unit_test(byte_by_byte_gives_the_same_pieces),
        cmocka_unit_test(an_event_leaves_with_its_last_byte),
        cmocka_unit_test(a_blank_line_of_one_cr_waits_for_one_byte_only),
        cmocka_unit_test(what_arrives_whole_is_not_copied),
        cmocka_unit_test(an_end_without_a_blank_line_is_told),
        cmocka_unit_test(a_too_long_event_leaves_in_parts),
        cmocka_unit_test(an_event_of_exactly_the_maximum_is_whole),
        cmocka_unit_test(a_large_buffer_is_given_back_after_its_event),
        cmocka_unit_test(the_callers_no_stops_at_once),
    };
    return cmocka_run_group_tests_name("sse", tests, NULL, NULL);
}
