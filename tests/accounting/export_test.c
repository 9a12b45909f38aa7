#include "accounting/export.h"

#include "accounting/export_tags.h"
#include "accounting/export_text.h"
#include "accounting/ledger_month.h"

#include "tests/accounting/ledger_fixture.h"

#include <json-c/json.h>

static const char header[] =
    "id,created_at,api,streamed,client,key_id,project,user,session,app,environment,tags,"
    "model_requested,model,provider,upstream,upstream_id,route,cache,source_id,status,"
    "finish_reason,prompt_tokens,completion_tokens,cached_tokens,cache_write_tokens,"
    "reasoning_tokens,billed_usd,upstream_usd,market_usd,estimated_usd,booked_usd,"
    "difference_usd,verdict,saved_usd,byok,latency_ms,ttft_ms\n";

static const char group_tail[] =
    "requests,hits,prompt_tokens,completion_tokens,cached_tokens,cache_write_tokens,"
    "reasoning_tokens,billed_usd,upstream_usd,market_usd,estimated_usd,booked_usd,"
    "difference_usd,saved_usd\n";

static void write_rows(const struct fixture *fixture, const struct ledger_row *rows, size_t count)
{
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    for (size_t i = 0; i < count; i++) {
        int64_t at_ms = rows[i].created_at_ms != 0 ? rows[i].created_at_ms : fixture_now_ms;
        assert_int_equal(ledger_append(ledger_lane(ledger, 0), &rows[i], at_ms, NULL), 0);
    }
    ledger_close(ledger);
}

/* by == NULL: rows. free() the text. */
static char *export_with(const struct fixture *fixture, const enum export_key *by, size_t by_count,
                         enum export_format format)
{
    struct ledger_reader *reader;
    char error[256], *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    int result;
    assert_int_equal(ledger_reader_open(fixture->dir, 0, &reader, error, sizeof(error)), 0);
    if (by == NULL)
        result = export_rows(reader, 0, LEDGER_TIME_END_MS, format, out);
    else
        result = export_groups(reader, 0, LEDGER_TIME_END_MS, by, by_count, format, out);
    assert_int_equal(result, 0);
    ledger_reader_close(reader);
    fclose(out);
    return text;
}

static void assert_export(const struct fixture *fixture, enum export_format format,
                          const char *want)
{
    char *got = export_with(fixture, NULL, 0, format);
    assert_string_equal(got, want);
    free(got);
}

static struct maybe_money wide_money(void)
{
    return (struct maybe_money){true, {(__int128)INT64_MAX * 1000}};
}

static struct ledger_row full_row(void)
{
    struct ledger_row row;
    row_init(&row);
    row.id = TEXT("gen-1");
    row.api = API_AI_LANGUAGE;
    row.streamed = true;
    row.client = TEXT("a");
    row.key_id = TEXT("b");
    row.project = TEXT("c");
    row.user = TEXT("d");
    row.session = TEXT("e");
    row.app = TEXT("f");
    row.environment = TEXT("g");
    row.tags = TEXT("[\"x\",\"y\"]");
    row.model_requested = TEXT("h");
    row.model = TEXT("i");
    row.provider = TEXT("j");
    row.upstream = TEXT("k");
    row.upstream_id = TEXT("l");
    row.route = TEXT("m");
    row.cache = CACHE_REFRESH;
    row.source_id = TEXT("n");
    row.status = 499;
    row.finish_reason = TEXT("o");
    row.usage = (struct usage){1, 0, 22, 333, 5, 4444, 6, 7, 8, 9, 10, 11, 12, true};
    row.billed = fixture_money(1);
    row.upstream_cost = fixture_money(0);
    row.market = fixture_money(INT64_C(-1200000000000000));
    row.estimated = fixture_money(INT64_C(900000000));
    row.booked = wide_money();
    row.difference = fixture_money(INT64_MIN);
    row.verdict = VERDICT_UNREPORTED;
    row.saved = fixture_money(INT64_MAX);
    row.byok = 0;
    row.latency_ms = 1234567;
    row.ttft_ms = 0;
    return row;
}

static void every_column_is_in_its_place(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_row row = full_row();
    char want[4096];
    write_rows(fixture, &row, 1);
    snprintf(
        want, sizeof(want),
        "%sgen-1,2026-11-20T22:51:51.123Z,ai-language,true,a,b,c,d,e,f,g,\"[\"\"x\"\",\"\"y\"\"]\","
        "h,i,j,k,l,m,refresh,n,499,o,1,0,22,333,4444,0.000000000000001,0,-1.2,0.0000009,"
        "9223372.036854775807,-9223.372036854775808,unreported,9223.372036854775807,false,"
        "1234567,0\n",
        header);
    /* INT64_MAX x 1000 femto */
    assert_non_null(strstr(want, "9223372.036854775807"));
    assert_export(fixture, EXPORT_CSV, want);
}

static void json_lines_have_the_same_names_and_types(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_row row = full_row();
    write_rows(fixture, &row, 1);
    assert_export(
        fixture, EXPORT_JSONL,
        "{\"id\":\"gen-1\",\"created_at\":\"2026-11-20T22:51:51.123Z\",\"api\":\"ai-language\","
        "\"streamed\":true,\"client\":\"a\",\"key_id\":\"b\",\"project\":\"c\",\"user\":\"d\","
        "\"session\":\"e\",\"app\":\"f\",\"environment\":\"g\",\"tags\":[\"x\",\"y\"],"
        "\"model_requested\":\"h\",\"model\":\"i\",\"provider\":\"j\",\"upstream\":\"k\","
        "\"upstream_id\":\"l\",\"route\":\"m\",\"cache\":\"refresh\",\"source_id\":\"n\","
        "\"status\":499,\"finish_reason\":\"o\",\"prompt_tokens\":1,\"completion_tokens\":0,"
        "\"cached_tokens\":22,\"cache_write_tokens\":333,\"reasoning_tokens\":4444,"
        "\"billed_usd\":\"0.000000000000001\",\"upstream_usd\":\"0\",\"market_usd\":\"-1.2\","
        "\"estimated_usd\":\"0.0000009\",\"booked_usd\":\"9223372.036854775807\","
        "\"difference_usd\":\"-9223.372036854775808\",\"verdict\":\"unreported\","
        "\"saved_usd\":\"9223.372036854775807\",\"byok\":false,\"latency_ms\":1234567,"
        "\"ttft_ms\":0}\n");
}

static void unknown_is_empty_and_never_zero(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_row row;
    char want[2048];
    row_init(&row);
    write_rows(fixture, &row, 1);
    snprintf(want, sizeof(want), "%s,2026-11-20T22:51:51.123Z,,false%.34s\n", header,
             ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,");
    assert_export(fixture, EXPORT_CSV, want);
}

static void unknown_is_null_in_json(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_row row;
    struct json_object *json;
    unsigned known = 0, fields = 0;
    char *text;
    row_init(&row);
    write_rows(fixture, &row, 1);
    text = export_with(fixture, NULL, 0, EXPORT_JSONL);
    json = json_tokener_parse(text);
    assert_non_null(json);
    json_object_object_foreach(json, name, value)
    {
        fields++;
        known += value != NULL;
        if (value != NULL)
            assert_true(strcmp(name, "created_at") == 0 || strcmp(name, "streamed") == 0);
    }
    assert_int_equal(fields, 38);
    assert_int_equal(known, 2);
    json_object_put(json);
    free(text);
}

/* What a field looks like, alone: project in CSV and in JSON. */
static void text_is_quoted_as_each_format_wants(void **state)
{
    static const struct {
        struct text text;
        const char *csv, *json;
    } cases[] = {
        {{"plain text", 10}, "plain text", "\"plain text\""},
        {{"a,b", 3}, "\"a,b\"", "\"a,b\""},
        {{"say \"hi\"", 8}, "\"say \"\"hi\"\"\"", "\"say \\\"hi\\\"\""},
        {{"two\nlines", 9}, "\"two\nlines\"", "\"two\\nlines\""},
        {{"cr\rlf", 5}, "\"cr\rlf\"", "\"cr\\rlf\""},
        {{"tab\there", 8}, "tab\there", "\"tab\\there\""},
        {{"\x01\x1f", 2}, "\x01\x1f", "\"\\u0001\\u001f\""},
        {{"back\\slash", 10}, "back\\slash", "\"back\\\\slash\""},
        {{"=1+1", 4}, "=1+1", "\"=1+1\""}, /* a formula stays what was recorded */
        {{" spaces ", 8}, " spaces ", "\" spaces \""},
        {{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9},
         "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
         "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {{"bad\xff!", 5}, "bad\xef\xbf\xbd!", "\"bad\xef\xbf\xbd!\""},
        {{"\xc0\x80", 2}, "\xef\xbf\xbd\xef\xbf\xbd", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {{"\xed\xa0\x80,", 4},
         "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd,\"",
         "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd,\""},
        {{"cut \xe2\x82", 6}, "cut \xef\xbf\xbd\xef\xbf\xbd", "\"cut \xef\xbf\xbd\xef\xbf\xbd\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (unsigned format = EXPORT_CSV; format <= EXPORT_JSONL; format++) {
            char *text = NULL;
            size_t len = 0;
            FILE *out = open_memstream(&text, &len);
            struct export_buffer *buffer = export_buffer_new(out, (enum export_format)format);
            export_text(buffer, cases[i].text);
            assert_int_equal(export_buffer_finish(buffer), 0);
            fclose(out);
            assert_string_equal(text, format == EXPORT_CSV ? cases[i].csv : cases[i].json);
            free(text);
        }
    }
}

static void sums_print_like_money_print(void **state)
{
    static const int64_t amounts[] = {0,
                                      1,
                                      -1,
                                      10,
                                      999999999999999,
                                      1000000000000000,
                                      1000000000000001,
                                      -1500000000000000,
                                      INT64_MAX,
                                      INT64_MIN,
                                      INT64_MIN + 1,
                                      120000000000000000,
                                      9};
    uint64_t random = 1;
    (void)state;
    for (size_t i = 0; i < 20000; i++) {
        char want[MONEY_TEXT_MAX], *text = NULL;
        struct maybe_money money;
        struct export_buffer *buffer;
        size_t len = 0;
        FILE *out;
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        money = fixture_money(i < 13 ? amounts[i] : (int64_t)random >> (random >> 58));
        want[money_print(money.money, want)] = 0;
        out = open_memstream(&text, &len);
        buffer = export_buffer_new(out, EXPORT_CSV);
        export_money(buffer, &money);
        assert_int_equal(export_buffer_finish(buffer), 0);
        fclose(out);
        assert_string_equal(text, want);
        free(text);
    }
}

static void tags_are_always_a_json_array(void **state)
{
    static const struct {
        const char *tags;
        bool valid;
        const char *csv;
    } cases[] = {
        {"[]", true, "[]"},
        {"[\"a\"]", true, "\"[\"\"a\"\"]\""},
        {"[\"a\", \"b\\u00e9\\n\"]", true, "\"[\"\"a\"\", \"\"b\\u00e9\\n\"\"]\""},
        {"[\"a\",]", false, NULL},
        {"[\"a\"", false, NULL},
        {"[1]", false, NULL},
        {"[\"\\x\"]", false, NULL},
        {"[\"\\ud83d\\u00\"]", false, NULL},
        {"[\"a\"] x", false, NULL},
        {"[\n\"a\"]", false, NULL},
        {"[\"\xff\"]", false, NULL},
        {"[\"\x01\"]", false, NULL},
        {"plain", false, "\"[\"\"plain\"\"]\""},
        {"{\"a\":1}", false, "\"[\"\"{\\\"\"a\\\"\":1}\"\"]\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct text tags = {cases[i].tags, strlen(cases[i].tags)};
        char *text = NULL;
        size_t len = 0;
        FILE *out = open_memstream(&text, &len);
        struct export_buffer *buffer = export_buffer_new(out, EXPORT_JSONL);
        struct json_object *json;
        if (export_tags_valid(tags) != cases[i].valid)
            fail_msg("%s", cases[i].tags);
        export_tags(buffer, tags);
        assert_int_equal(export_buffer_finish(buffer), 0);
        fclose(out);
        json = json_tokener_parse(text);
        if (json == NULL || !json_object_is_type(json, json_type_array))
            fail_msg("%s became %s", cases[i].tags, text);
        json_object_put(json);
        free(text);
        if (cases[i].csv == NULL)
            continue;
        out = open_memstream(&text, &len);
        buffer = export_buffer_new(out, EXPORT_CSV);
        export_tags(buffer, tags);
        assert_int_equal(export_buffer_finish(buffer), 0);
        fclose(out);
        assert_string_equal(text, cases[i].csv);
        free(text);
    }
}

static void tags_are_decoded(void **state)
{
    static const char tags[] = "[\"\",\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u0041\\u00e9\\u20ac\","
                               "\"\\ud83d\\ude00\",\"\\ud83dx\",\"\\ude00\"]";
    static const char *const want[] = {
        "",
        "a\"\\/\b\f\n\r\t",
        "A\xc3\xa9\xe2\x82\xac",
        "\xf0\x9f\x98\x80",
        "\xef\xbf\xbdx",
        "\xef\xbf\xbd",
    };
    struct export_tags_walk walk = export_tags_walk((struct text){tags, sizeof(tags) - 1});
    char tag[sizeof(tags)];
    size_t len;
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(export_tags_next(&walk, tag, &len), 1);
        assert_int_equal(len, strlen(want[i]));
        assert_memory_equal(tag, want[i], len);
    }
    assert_int_equal(export_tags_next(&walk, tag, &len), 0);
}

/* What an answer holds of a row is what the export says of it, to the byte. */
static void one_row_is_the_object_of_its_line(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_row row = full_row();
    char *line, *object = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&object, &len), *full = fopen("/dev/full", "w");
    row.created_at_ms = fixture_now_ms;
    write_rows(fixture, &row, 1);
    line = export_with(fixture, NULL, 0, EXPORT_JSONL);
    assert_int_equal(export_row_json(&row, out), 0);
    fclose(out);
    assert_int_equal(strlen(line), len + 1);
    assert_memory_equal(line, object, len);
    assert_int_equal(line[len], '\n');
    assert_int_equal(export_row_json(&row, full), -EIO);
    fclose(full);
    free(object);
    free(line);
}

static void an_empty_month_is_its_header(void **state)
{
    static const enum export_key by[] = {EXPORT_MODEL};
    const struct fixture *fixture = *state;
    char want[512], *text;
    assert_export(fixture, EXPORT_CSV, header);
    assert_export(fixture, EXPORT_JSONL, "");
    text = export_with(fixture, by, 1, EXPORT_CSV);
    snprintf(want, sizeof(want), "model,%s", group_tail);
    assert_string_equal(text, want);
    free(text);
    text = export_with(fixture, by, 1, EXPORT_JSONL);
    assert_string_equal(text, "");
    free(text);
}

static void bad_months_and_keys_are_refused(void **state)
{
    static const char *const months[] = {"",        "2026",     "2026-13", "2026-00", "0000-01",
                                         "2026-1",  "2026-011", "26-11",   "2026/11", "2026-1a",
                                         " 2026-1", "-026-11",  "2026-1 "};
    static const char *const keys[] = {"", "key_id", "Model", "models", "tags", "month"};
    int64_t from_ms = 1, to_ms = 2;
    enum export_key key = EXPORT_DAY;
    (void)state;
    for (size_t i = 0; i < sizeof(months) / sizeof(months[0]); i++)
        assert_int_equal(export_month_parse(months[i], strlen(months[i]), &from_ms, &to_ms),
                         -EINVAL);
    assert_true(from_ms == 1 && to_ms == 2);
    assert_int_equal(export_month_parse("2026-11xx", 7, &from_ms, &to_ms), 0);
    assert_int_equal(from_ms, INT64_C(1793491200000));
    assert_int_equal(to_ms, INT64_C(1796083200000));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        assert_int_equal(export_key_parse(keys[i], strlen(keys[i]), &key), -EINVAL);
    assert_int_equal(key, EXPORT_DAY);
    assert_int_equal(export_key_parse("key,app", 3, &key), 0);
    assert_int_equal(key, EXPORT_KEY);
    assert_int_equal(export_key_parse("api", 3, &key), 0);
    assert_int_equal(key, EXPORT_API);
}

/* --- groups --- */

static const struct {
    const char *model, *tags;
    int day;
    enum row_cache cache;
    int64_t prompt, billed; /* -1: unknown */
} sample[] = {
    {"b", "[\"x\",\"y\"]", 0, CACHE_MISS, 10, 100}, {"a", "[\"x\"]", 0, CACHE_MISS, 5, -1},
    {"b", "[\"x\",\"x\"]", 0, CACHE_HIT, 0, 0},     {"a", NULL, 1, CACHE_COLLAPSED, -1, -1},
    {"a,\"", "[\"y\"]", 2, CACHE_OFF, -1, 7},
};

static void write_sample(const struct fixture *fixture)
{
    struct ledger_row rows[5];
    for (size_t i = 0; i < 5; i++) {
        row_init(&rows[i]);
        rows[i].created_at_ms = fixture_now_ms + sample[i].day * LEDGER_DAY_MS;
        rows[i].model = (struct text){sample[i].model, strlen(sample[i].model)};
        if (sample[i].tags != NULL)
            rows[i].tags = (struct text){sample[i].tags, strlen(sample[i].tags)};
        rows[i].key_id = TEXT("k");
        rows[i].cache = sample[i].cache;
        rows[i].usage.prompt_tokens = sample[i].prompt;
        if (sample[i].billed >= 0)
            rows[i].billed = fixture_money(sample[i].billed * INT64_C(1000000000000000));
    }
    write_rows(fixture, rows, 5);
}

static void groups_add_up(void **state)
{
    static const struct {
        enum export_key by[3];
        size_t by_count;
        const char *names, *lines;
    } cases[] = {
        {{EXPORT_MODEL},
         1,
         "model,",
         "a,2,1,5,,,,,,,,,,,\n"
         "\"a,\"\"\",1,0,,,,,,7,,,,,,\n"
         "b,2,1,10,,,,,100,,,,,,\n"},
        {{EXPORT_KEY}, 1, "key_id,", "k,5,2,15,,,,,107,,,,,,\n"},
        {{EXPORT_DAY, EXPORT_MODEL},
         2,
         "day,model,",
         "2026-11-20,a,1,0,5,,,,,,,,,,,\n"
         "2026-11-20,b,2,1,10,,,,,100,,,,,,\n"
         "2026-11-21,a,1,1,,,,,,,,,,,,\n"
         "2026-11-22,\"a,\"\"\",1,0,,,,,,7,,,,,,\n"},
        {{EXPORT_TAG},
         1,
         "tag,",
         ",1,1,,,,,,,,,,,,\n"
         "x,3,1,15,,,,,100,,,,,,\n"
         "y,2,0,10,,,,,107,,,,,,\n"},
        {{EXPORT_TAG, EXPORT_KEY, EXPORT_PROVIDER},
         3,
         "tag,key_id,provider,",
         ",k,,1,1,,,,,,,,,,,,\n"
         "x,k,,3,1,15,,,,,100,,,,,,\n"
         "y,k,,2,0,10,,,,,107,,,,,,\n"},
    };
    const struct fixture *fixture = *state;
    write_sample(fixture);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char want[2048], *got;
        got = export_with(fixture, cases[i].by, cases[i].by_count, EXPORT_CSV);
        snprintf(want, sizeof(want), "%s%s%s", cases[i].names, group_tail, cases[i].lines);
        assert_string_equal(got, want);
        free(got);
    }
}

static void groups_as_json_lines(void **state)
{
    static const enum export_key by[] = {EXPORT_KEY, EXPORT_API};
    const struct fixture *fixture = *state;
    char *got;
    write_sample(fixture);
    got = export_with(fixture, by, 2, EXPORT_JSONL);
    assert_string_equal(got,
                        "{\"key_id\":\"k\",\"api\":null,\"requests\":5,\"hits\":2,"
                        "\"prompt_tokens\":15,\"completion_tokens\":null,\"cached_tokens\":null,"
                        "\"cache_write_tokens\":null,\"reasoning_tokens\":null,"
                        "\"billed_usd\":\"107\",\"upstream_usd\":null,\"market_usd\":null,"
                        "\"estimated_usd\":null,\"booked_usd\":null,\"difference_usd\":null,"
                        "\"saved_usd\":null}\n");
    free(got);
}

/* More groups than the table began with; names that only their lengths tell apart. */
static void many_groups_stay_apart(void **state)
{
    const size_t groups = 700, all = 2 * groups;
    static const enum export_key by[] = {EXPORT_PROJECT, EXPORT_USER};
    const struct fixture *fixture = *state;
    struct ledger_row *rows = calloc(all, sizeof(*rows));
    char(*names)[64] = calloc(groups, sizeof(*names)), *got, *line;
    size_t lines = 0;
    for (size_t i = 0; i < all; i++) {
        size_t at = i % groups;
        row_init(&rows[i]);
        memset(names[at], 'p', at / 25 + 1);
        memset(names[at] + at / 25 + 1, 'p', at % 25 + 1);
        rows[i].project = (struct text){names[at], at / 25 + 1};
        rows[i].user = (struct text){names[at] + at / 25 + 1, at % 25 + 1};
    }
    write_rows(fixture, rows, all);
    got = export_with(fixture, by, 2, EXPORT_CSV);
    for (line = strchr(got, '\n'); line[1] != 0; line = strchr(line + 1, '\n'), lines++)
        assert_non_null(strstr(line + 1, ",2,0,"));
    assert_int_equal(lines, groups);
    free(got);
    free(names);
    free(rows);
}

static void a_sum_too_large_is_an_error(void **state)
{
    static const enum export_key by[] = {EXPORT_KEY};
    const struct fixture *fixture = *state;
    struct ledger_row rows[2];
    for (unsigned money = 0; money < 2; money++) {
        struct ledger_reader *reader;
        char error[256];
        FILE *out = fopen("/dev/null", "w");
        fixture_remove(fixture->dir);
        for (unsigned i = 0; i < 2; i++) {
            row_init(&rows[i]);
            if (money)
                rows[i].billed = (struct maybe_money){true, {~((__int128)1 << 126) * -1}};
            else
                rows[i].usage.prompt_tokens = INT64_MAX;
        }
        write_rows(fixture, rows, 2);
        assert_int_equal(ledger_reader_open(fixture->dir, 0, &reader, error, sizeof(error)), 0);
        assert_int_equal(export_groups(reader, 0, LEDGER_TIME_END_MS, by, 1, EXPORT_CSV, out),
                         -EOVERFLOW);
        ledger_reader_close(reader);
        fclose(out);
    }
}

static void a_full_disk_is_an_error(void **state)
{
    static const enum export_key by[] = {EXPORT_KEY, EXPORT_KEY};
    const struct fixture *fixture = *state;
    struct ledger_reader *reader;
    char error[256];
    FILE *out = fopen("/dev/full", "w");
    write_sample(fixture);
    assert_int_equal(ledger_reader_open(fixture->dir, 0, &reader, error, sizeof(error)), 0);
    assert_int_equal(export_rows(reader, 0, LEDGER_TIME_END_MS, EXPORT_CSV, out), -EIO);
    assert_int_equal(export_groups(reader, 0, LEDGER_TIME_END_MS, by, 1, EXPORT_CSV, out), -EIO);
    assert_int_equal(export_groups(reader, 0, LEDGER_TIME_END_MS, by, 2, EXPORT_CSV, out), -EINVAL);
    assert_int_equal(export_groups(reader, 0, LEDGER_TIME_END_MS, by, 0, EXPORT_CSV, out), -EINVAL);
    ledger_reader_close(reader);
    fclose(out);
}

static void only_tags_overlap(void **state)
{
    static const enum export_key with[] = {EXPORT_DAY, EXPORT_TAG}, without[] = {EXPORT_DAY};
    (void)state;
    assert_true(export_groups_overlap(with, 2));
    assert_false(export_groups_overlap(with, 1));
    assert_false(export_groups_overlap(without, 1));
    assert_false(export_groups_overlap(NULL, 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_column_is_in_its_place),
        TEST(json_lines_have_the_same_names_and_types),
        TEST(unknown_is_empty_and_never_zero),
        TEST(unknown_is_null_in_json),
        TEST(text_is_quoted_as_each_format_wants),
        TEST(sums_print_like_money_print),
        TEST(tags_are_always_a_json_array),
        TEST(tags_are_decoded),
        TEST(one_row_is_the_object_of_its_line),
        TEST(an_empty_month_is_its_header),
        TEST(bad_months_and_keys_are_refused),
        TEST(groups_add_up),
        TEST(groups_as_json_lines),
        TEST(many_groups_stay_apart),
        TEST(a_sum_too_large_is_an_error),
        TEST(a_full_disk_is_an_error),
        TEST(only_tags_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
