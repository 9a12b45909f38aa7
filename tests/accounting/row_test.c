#include "accounting/row.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const __int128 wide = ((__int128)1 << 100) + 12345;

static struct maybe_money money(__int128 femto)
{
    return (struct maybe_money){true, {femto}};
}

static void fill(struct ledger_row *row)
{
    row_init(row);
    row->id = TEXT("gen-1");
    row->created_at_ms = INT64_C(1795215111123);
    row->api = API_AI_OTHER;
    row->streamed = true;
    row->client = TEXT("client-a");
    row->key_id = TEXT("key-b");
    row->project = TEXT("project-c");
    row->user = TEXT("us\xc3\xa9r");
    row->session = TEXT("session-d");
    row->app = TEXT("app-e");
    row->environment = TEXT("production");
    row->tags = TEXT("[\"x\",\"y,z\"]");
    row->model_requested = TEXT("zai/glm");
    row->model = TEXT("zai/glm-5.3");
    row->provider = TEXT("zai");
    row->upstream = TEXT("vercel");
    row->upstream_id = TEXT("gen_01ABC");
    row->route = TEXT("first");
    row->cache = CACHE_REFRESH;
    row->source_id = TEXT("gen-0");
    row->status = 200;
    row->finish_reason = TEXT("stop");
    row->usage = (struct usage){9520, 16, 9519, 0, 1, 2, 3, INT64_MAX, 4, 5, 6, 7, 8, true};
    row->billed = money(INT64_C(2546740000000));
    row->upstream_cost = money(0);
    row->market = money(wide);
    row->estimated = money(-wide);
    row->booked = money(INT64_MAX);
    row->difference = money(INT64_MIN);
    row->verdict = VERDICT_FAILED;
    row->saved = money((__int128)INT64_MAX + 1);
    row->byok = 0;
    row->latency_ms = 1234;
    row->ttft_ms = 0;
    row->price_hash = TEXT("abcdef");
    row->attempts = TEXT("[{\"upstream\":\"a\",\"status\":503,\"ms\":12}]");
    row->preset = TEXT("support@1f2e");
    row->native_finish_reason = TEXT("end_turn");
    row->service_tier = TEXT("flex");
    row->origin = TEXT("https://example.com/");
    row->rating = TEXT("1;0:0:120:1400000000");
    row->observed = TEXT("[{\"from\":\"usage\",\"at\":1,\"billed\":\"0.1\"}]");
    row->held = money(77);
    row->version = 70000;
    row->cause = CAUSE_PRICE_VERSION;
    row->corrects = TEXT("1763679111123/18014398509481984");
    row->usage.image_input_tokens = 21;
    row->usage.video_input_tokens = 22;
    row->usage.audio_output_tokens = 23;
    row->usage.images = 24;
}

static void assert_text(struct text a, struct text b)
{
    assert_int_equal(a.len, b.len);
    if (a.len > 0)
        assert_memory_equal(a.bytes, b.bytes, a.len);
    else
        assert_null(b.bytes);
}

static void assert_money(struct maybe_money a, struct maybe_money b)
{
    assert_int_equal(a.known, b.known);
    assert_true(a.money.femto == b.money.femto);
}

static void assert_texts(const struct ledger_row *a, const struct ledger_row *b)
{
    assert_text(a->id, b->id);
    assert_text(a->client, b->client);
    assert_text(a->key_id, b->key_id);
    assert_text(a->project, b->project);
    assert_text(a->user, b->user);
    assert_text(a->session, b->session);
    assert_text(a->app, b->app);
    assert_text(a->environment, b->environment);
    assert_text(a->tags, b->tags);
    assert_text(a->model_requested, b->model_requested);
    assert_text(a->model, b->model);
    assert_text(a->provider, b->provider);
    assert_text(a->upstream, b->upstream);
    assert_text(a->upstream_id, b->upstream_id);
    assert_text(a->route, b->route);
    assert_text(a->source_id, b->source_id);
    assert_text(a->finish_reason, b->finish_reason);
    assert_text(a->price_hash, b->price_hash);
    assert_text(a->attempts, b->attempts);
    assert_text(a->preset, b->preset);
    assert_text(a->native_finish_reason, b->native_finish_reason);
    assert_text(a->service_tier, b->service_tier);
    assert_text(a->origin, b->origin);
    assert_text(a->rating, b->rating);
    assert_text(a->observed, b->observed);
    assert_text(a->corrects, b->corrects);
}

static void assert_rows(const struct ledger_row *a, const struct ledger_row *b)
{
    assert_texts(a, b);
    assert_int_equal(a->created_at_ms, b->created_at_ms);
    assert_int_equal(a->api, b->api);
    assert_int_equal(a->streamed, b->streamed);
    assert_int_equal(a->cache, b->cache);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->usage.prompt_tokens, b->usage.prompt_tokens);
    assert_int_equal(a->usage.completion_tokens, b->usage.completion_tokens);
    assert_int_equal(a->usage.cached_tokens, b->usage.cached_tokens);
    assert_int_equal(a->usage.cache_write_tokens, b->usage.cache_write_tokens);
    assert_int_equal(a->usage.cache_write_1h_tokens, b->usage.cache_write_1h_tokens);
    assert_int_equal(a->usage.reasoning_tokens, b->usage.reasoning_tokens);
    assert_int_equal(a->usage.audio_tokens, b->usage.audio_tokens);
    assert_int_equal(a->usage.image_tokens, b->usage.image_tokens);
    assert_int_equal(a->usage.web_searches, b->usage.web_searches);
    assert_int_equal(a->usage.image_input_tokens, b->usage.image_input_tokens);
    assert_int_equal(a->usage.video_input_tokens, b->usage.video_input_tokens);
    assert_int_equal(a->usage.audio_output_tokens, b->usage.audio_output_tokens);
    assert_int_equal(a->usage.images, b->usage.images);
    assert_int_equal(a->usage.exclusive, b->usage.exclusive);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->cause, b->cause);
    assert_money(a->billed, b->billed);
    assert_money(a->upstream_cost, b->upstream_cost);
    assert_money(a->market, b->market);
    assert_money(a->estimated, b->estimated);
    assert_money(a->booked, b->booked);
    assert_money(a->difference, b->difference);
    assert_money(a->saved, b->saved);
    assert_money(a->held, b->held);
    assert_int_equal(a->verdict, b->verdict);
    assert_int_equal(a->byok, b->byok);
    assert_int_equal(a->latency_ms, b->latency_ms);
    assert_int_equal(a->ttft_ms, b->ttft_ms);
}

static void every_field_survives(void **state)
{
    struct ledger_row row, got;
    uint8_t bytes[ROW_ENCODED_MAX];
    size_t len;
    (void)state;
    fill(&row);
    assert_int_equal(row_encode(&row, bytes, sizeof(bytes), &len), 0);
    assert_int_equal(row_decode(bytes, len, &got), 0);
    assert_rows(&row, &got);
}

/* Unknown is left out, and comes back as unknown: never as 0. */
static void unknown_stays_unknown(void **state)
{
    struct ledger_row row, got;
    uint8_t bytes[ROW_ENCODED_MAX];
    size_t len;
    (void)state;
    row_init(&row);
    assert_int_equal(row_encode(&row, bytes, sizeof(bytes), &len), 0);
    assert_true(len <= 5 + ROW_CHECK_BYTES);
    assert_int_equal(row_decode(bytes, len, &got), 0);
    assert_rows(&row, &got);
    assert_int_equal(got.usage.prompt_tokens, USAGE_ABSENT);
    assert_false(got.billed.known);
    assert_int_equal(got.byok, -1);
    assert_int_equal(got.latency_ms, -1);
}

static void every_amount_is_exact(void **state)
{
    const __int128 amounts[] = {
        0,
        1,
        -1,
        127,
        128,
        -32,
        -33,
        255,
        256,
        65535,
        65536,
        INT32_MAX,
        INT32_MIN,
        INT64_MAX,
        INT64_MIN,
        wide,
        -wide,
        (__int128)INT64_MIN - 1,
        ~((__int128)1 << 126),
        (__int128)1 << 126,
    };
    (void)state;
    for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
        struct ledger_row row, got;
        uint8_t bytes[64];
        size_t len;
        row_init(&row);
        row.billed = money(amounts[i]);
        assert_int_equal(row_encode(&row, bytes, sizeof(bytes), &len), 0);
        assert_int_equal(row_decode(bytes, len, &got), 0);
        assert_money(row.billed, got.billed);
    }
}

static void text_is_cut_between_characters(void **state)
{
    static const struct {
        const char *name;
        unsigned char fill[4];
        size_t fill_len, lead, want; /* lead: plain bytes before */
    } cases[] = {
        {"plain", {'a'}, 1, 0, 128},
        {"two bytes, even", {0xc3, 0xa9}, 2, 0, 128},
        {"two bytes, odd", {0xc3, 0xa9}, 2, 1, 127},
        {"three bytes", {0xe2, 0x82, 0xac}, 3, 0, 126},
        {"four bytes", {0xf0, 0x9f, 0x98, 0x80}, 4, 3, 127},
        {"no UTF-8 at all", {0x80}, 1, 0, 128},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ledger_row row, got;
        uint8_t bytes[ROW_ENCODED_MAX];
        char text[300];
        size_t len, at = cases[i].lead;
        memset(text, 'x', at);
        for (; at + cases[i].fill_len <= sizeof(text); at += cases[i].fill_len)
            memcpy(text + at, cases[i].fill, cases[i].fill_len);
        row_init(&row);
        row.id = (struct text){text, at};
        assert_int_equal(row_encode(&row, bytes, sizeof(bytes), &len), 0);
        assert_int_equal(row_decode(bytes, len, &got), 0);
        if (got.id.len != cases[i].want)
            fail_msg("%s: %zu bytes", cases[i].name, got.id.len);
        assert_memory_equal(got.id.bytes, text, got.id.len);
    }
}

/* A cut in the middle of a tag would leave something that is no JSON. */
static void tags_are_cut_between_tags(void **state)
{
    struct ledger_row row, got;
    uint8_t bytes[ROW_ENCODED_MAX];
    char tags[6000] = "[";
    size_t at = 1, len;
    (void)state;
    while (at + 20 < sizeof(tags))
        at += (size_t)snprintf(tags + at, sizeof(tags) - at, "%s\"a,]\\\"%06zu\"",
                               at > 1 ? "," : "", at);
    tags[at++] = ']';
    row_init(&row);
    row.tags = (struct text){tags, at};
    assert_int_equal(row_encode(&row, bytes, sizeof(bytes), &len), 0);
    assert_int_equal(row_decode(bytes, len, &got), 0);
    assert_in_range(got.tags.len, ROW_TAGS_BYTES_MAX - 20, ROW_TAGS_BYTES_MAX);
    assert_memory_equal(got.tags.bytes, tags, got.tags.len - 1);
    assert_memory_equal(got.tags.bytes + got.tags.len - 2, "\"]", 2);
    assert_int_equal(tags[got.tags.len - 1], ','); /* it was cut where an element ended */
}

/* Commas and brackets inside an attempt are no place to cut at. */
static void attempts_are_cut_between_attempts(void **state)
{
    struct ledger_row row, got;
    uint8_t bytes[ROW_ENCODED_MAX];
    char attempts[4000] = "[";
    size_t at = 1, len;
    (void)state;
    while (at + 60 < sizeof(attempts))
        at +=
            (size_t)snprintf(attempts + at, sizeof(attempts) - at,
                             "%s{\"a\":[1,{}],\"b\":\"},{[\",\"ms\":%06zu}", at > 1 ? "," : "", at);
    attempts[at++] = ']';
    row_init(&row);
    row.attempts = (struct text){attempts, at};
    assert_int_equal(row_encode(&row, bytes, sizeof(bytes), &len), 0);
    assert_int_equal(row_decode(bytes, len, &got), 0);
    assert_in_range(got.attempts.len, ROW_ATTEMPTS_BYTES_MAX - 45, ROW_ATTEMPTS_BYTES_MAX);
    assert_memory_equal(got.attempts.bytes, attempts, got.attempts.len - 1);
    assert_memory_equal(got.attempts.bytes + got.attempts.len - 2, "}]", 2);
    assert_memory_equal(attempts + got.attempts.len - 1, ",{\"a\"", 5);
}

/* A scan that skips by this must never skip what it looks for. */
static void a_row_is_matched_without_decoding(void **state)
{
    struct ledger_row row;
    uint8_t bytes[ROW_ENCODED_MAX];
    size_t len;
    (void)state;
    fill(&row);
    assert_int_equal(row_encode(&row, bytes, sizeof(bytes), &len), 0);
    assert_true(row_may_match(bytes, len, TEXT(""), TEXT("")));
    assert_true(row_may_match(bytes, len, TEXT("gen-1"), TEXT("")));
    assert_true(row_may_match(bytes, len, TEXT(""), TEXT("key-b")));
    assert_true(row_may_match(bytes, len, TEXT("gen-1"), TEXT("key-b")));
    assert_false(row_may_match(bytes, len, TEXT("gen-2"), TEXT("")));
    assert_false(row_may_match(bytes, len, TEXT("gen-1"), TEXT("key-c")));
    assert_false(row_may_match(bytes, len, TEXT("gen-11"), TEXT("key-b")));
    row_init(&row);
    row.session = TEXT("s");
    assert_int_equal(row_encode(&row, bytes, sizeof(bytes), &len), 0);
    assert_true(row_may_match(bytes, len, TEXT(""), TEXT("")));
    assert_false(row_may_match(bytes, len, TEXT("x"), TEXT("")));
    assert_false(row_may_match(bytes, len, TEXT(""), TEXT("x")));
    assert_true(row_may_match(bytes, 2, TEXT("x"), TEXT(""))); /* torn: for the decoder to refuse */
}

static void the_largest_row_fits_its_bound(void **state)
{
    static char text[8192];
    struct ledger_row row;
    struct text *texts[] = {
        &row.id,           &row.client,        &row.key_id,
        &row.project,      &row.user,          &row.session,
        &row.app,          &row.tags,          &row.environment,
        &row.model,        &row.provider,      &row.model_requested,
        &row.upstream,     &row.upstream_id,   &row.route,
        &row.source_id,    &row.finish_reason, &row.price_hash,
        &row.attempts,     &row.preset,        &row.native_finish_reason,
        &row.service_tier, &row.origin,        &row.rating,
        &row.observed,     &row.corrects,
    };
    uint8_t bytes[ROW_ENCODED_MAX];
    size_t len;
    (void)state;
    fill(&row);
    memset(text, 'a', sizeof(text));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = (struct text){text, sizeof(text)};
    row.tags.len = ROW_TAGS_BYTES_MAX;
    row.attempts.len = ROW_ATTEMPTS_BYTES_MAX;
    row.observed.len = ROW_OBSERVED_BYTES_MAX;
    row.version = UINT32_MAX;
    row.cause = CAUSE_UNEXPLAINED;
    row.created_at_ms = INT64_MIN;
    row.usage =
        (struct usage){INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX,
                       INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, true};
    row.latency_ms = row.ttft_ms = INT64_MAX;
    row.billed = row.upstream_cost = row.booked = row.difference = money(wide);
    assert_int_equal(row_encode(&row, bytes, sizeof(bytes), &len), 0);
    assert_true(len > 11000);
}

static void a_small_buffer_is_refused_at_every_size(void **state)
{
    struct ledger_row row;
    uint8_t bytes[ROW_ENCODED_MAX];
    size_t full, len = 7;
    (void)state;
    fill(&row);
    assert_int_equal(row_encode(&row, bytes, sizeof(bytes), &full), 0);
    for (size_t size = 0; size < full; size++) {
        uint8_t *small = malloc(size == 0 ? 1 : size);
        assert_int_equal(row_encode(&row, small, size, &len), -ENOBUFS);
        assert_int_equal(len, 7);
        free(small);
    }
}

static void every_torn_row_is_refused(void **state)
{
    struct ledger_row row, got;
    uint8_t bytes[ROW_ENCODED_MAX];
    size_t full;
    (void)state;
    fill(&row);
    assert_int_equal(row_encode(&row, bytes, sizeof(bytes), &full), 0);
    for (size_t len = 0; len < full; len++) {
        uint8_t *torn = malloc(len == 0 ? 1 : len);
        memcpy(torn, bytes, len);
        assert_int_equal(row_decode(torn, len, &got), -EBADMSG);
        free(torn);
    }
    bytes[full] = 0xc0;
    assert_int_equal(row_decode(bytes, full + 1, &got), -EBADMSG);
}

static void broken_encodings_are_refused(void **state)
{
    static const struct {
        const char *name;
        const char *bytes;
        size_t len;
    } cases[] = {
        {"not a map", "\x91\x01", 2},
        {"a key that is text", "\x81\xa1k\x01", 4},
        {"an id that is a number", "\x81\x01\x05", 3},
        {"negative tokens", "\x81\x17\xff", 3},
        {"a status of four digits", "\x81\x15\xcd\x03\xe8", 5},
        {"money of 15 bytes",
         "\x81\x18\x21\xc4\x0f"
         "123456789012345",
         20},
        {"streamed that is no bool", "\x81\x04\x01", 3},
        {"a count beyond 63 bits", "\x81\x17\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 11},
        {"a reserved byte", "\x81\x7f\xc1", 3},
        {"a map that promises 2^32 pairs", "\xdf\xff\xff\xff\xff\x01", 6},
        {"an array that promises 2^32 values", "\x81\x7f\xdd\xff\xff\xff\xff", 7},
        {"text longer than what follows", "\x81\x01\xdb\xff\xff\xff\xff", 7},
    };
    struct ledger_row got;
    (void)state;
    memset(&got, 0x5a, sizeof(got));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (row_decode((const uint8_t *)cases[i].bytes, cases[i].len, &got) != -EBADMSG)
            fail_msg("%s was accepted", cases[i].name);
        assert_int_equal(got.status, 0x5a5a5a5a); /* a refused output keeps its value */
    }
}

/* A row that a newer version wrote: what we do not know is stepped over, whatever it is. */
static void fields_of_a_newer_version_do_not_hurt(void **state)
{
    static const char bytes[] = "\x88"
                                "\x01\xa2id"
                                "\x70\x93\x01\x81\xa1k\xcb\x3f\xf0\0\0\0\0\0\0\x92\xc0\xc3"
                                "\xcd\x01\x00\xc7\x02\x05zz"
                                "\x71\xd8\x01"
                                "0123456789abcdef"
                                "\xff\xc4\x01z"
                                "\x72\xca\0\0\0\0"
                                "\x03\x7f" /* an api of a later time */
                                "\x15\xcc\xc8";
    struct ledger_row got;
    (void)state;
    assert_int_equal(row_decode((const uint8_t *)bytes, sizeof(bytes) - 1, &got), 0);
    assert_text(got.id, TEXT("id"));
    assert_int_equal(got.status, 200);
    assert_int_equal(got.api, API_NONE);
}

static void codes_have_the_names_of_the_export(void **state)
{
    (void)state;
    assert_string_equal(row_api_name(API_NONE), "");
    assert_string_equal(row_api_name(API_CHAT), "chat");
    assert_string_equal(row_api_name(API_FILES), "files");
    assert_string_equal(row_api_name(API_AI_LANGUAGE), "ai-language");
    assert_string_equal(row_api_name(API_AI_OTHER), "ai-other");
    assert_string_equal(row_cache_name(CACHE_NONE), "");
    assert_string_equal(row_cache_name(CACHE_HIT), "hit");
    assert_string_equal(row_cache_name(CACHE_COLLAPSED), "collapsed");
    assert_string_equal(row_cache_name(CACHE_REFRESH), "refresh");
    for (unsigned i = 1; i < APIS; i++)
        assert_true(row_api_name((enum row_api)i)[0] != 0);
    for (unsigned i = 1; i < CACHES; i++)
        assert_true(row_cache_name((enum row_cache)i)[0] != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_survives),
        cmocka_unit_test(unknown_stays_unknown),
        cmocka_unit_test(every_amount_is_exact),
        cmocka_unit_test(text_is_cut_between_characters),
        cmocka_unit_test(tags_are_cut_between_tags),
        cmocka_unit_test(attempts_are_cut_between_attempts),
        cmocka_unit_test(a_row_is_matched_without_decoding),
        cmocka_unit_test(the_largest_row_fits_its_bound),
        cmocka_unit_test(a_small_buffer_is_refused_at_every_size),
        cmocka_unit_test(every_torn_row_is_refused),
        cmocka_unit_test(broken_encodings_are_refused),
        cmocka_unit_test(fields_of_a_newer_version_do_not_hurt),
        cmocka_unit_test(codes_have_the_names_of_the_export),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
