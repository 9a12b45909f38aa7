/* price_test.c - the price file is read strictly, and looked up by model, time and tier. */
#include "accounting/price.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define JULY INT64_C(1782864000000)   /* 2026-07-01T00:00:00Z */
#define AUGUST INT64_C(1785542400000) /* 2026-08-01T00:00:00Z */
#define FORMAT(format, text) "{\"format\": " format ", \"models\": {" text "}}"
#define MODELS(text) FORMAT("2", text)
#define ENTRY(text) MODELS("\"a/b\": [{\"from\": \"2026-07-01T00:00:00Z\", " text "}]")

struct fixture {
    char dir[64];
    char path[96];
    char error[512];
    struct price_table *table;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    if (fixture == NULL)
        return -1;
    strcpy(fixture->dir, "/tmp/price_test.XXXXXX");
    if (mkdtemp(fixture->dir) == NULL)
        return -1;
    snprintf(fixture->path, sizeof(fixture->path), "%s/prices.json", fixture->dir);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    price_table_free(fixture->table);
    unlink(fixture->path);
    rmdir(fixture->dir);
    free(fixture);
    return 0;
}

static int open_bytes(struct fixture *fixture, const char *bytes, size_t len)
{
    FILE *file = fopen(fixture->path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    price_table_free(fixture->table);
    fixture->table = NULL;
    fixture->error[0] = '\0';
    return price_table_open(fixture->path, &fixture->table, fixture->error, sizeof(fixture->error));
}

static void open_good(struct fixture *fixture, const char *text)
{
    int rc = open_bytes(fixture, text, strlen(text));

    if (rc != 0)
        fail_msg("%d %s", rc, fixture->error);
}

static const struct price *find(const struct fixture *fixture, const char *model, int64_t at_ms)
{
    return price_find(fixture->table, model, strlen(model), at_ms);
}

static void assert_rate(const struct price_rates *rates, enum price_unit unit, int64_t femto)
{
    if (femto < 0) {
        assert_int_equal(rates->known & 1U << unit, 0);
        return;
    }
    assert_int_not_equal(rates->known & 1U << unit, 0);
    assert_true(rates->unit[unit].femto == femto);
}

static struct price_rates rates_of(const struct price *price, int64_t prompt_tokens)
{
    assert_non_null(price);
    return price_pick(price, &(struct price_terms){.prompt_tokens = prompt_tokens}).rates;
}

static void every_unit_has_its_key(void **state)
{
    struct fixture *fixture = *state;
    const struct price *price;

    open_good(fixture, ENTRY("\"input\": \"0.0000000000001\", \"output\": \"0.0000000000002\", "
                             "\"input_cache_read\": \"0.0000000000003\", "
                             "\"input_cache_write\": \"0.0000000000004\", "
                             "\"input_cache_write_1h\": \"0.0000000000005\", "
                             "\"reasoning\": \"0.0000000000006\", "
                             "\"input_audio\": \"0.0000000000007\", "
                             "\"output_image\": \"0.0000000000008\", "
                             "\"web_search\": \"0.0000000000009\", \"request\": \"1e-12\", "
                             "\"output_audio\": \"11e-13\", \"input_image\": \"12e-13\", "
                             "\"input_video\": \"13e-13\", \"image\": \"14e-13\""));
    price = find(fixture, "a/b", JULY);
    assert_non_null(price);
    assert_true(price->from_ms == JULY);
    for (unsigned unit = 0; unit < PRICE_UNITS; unit++) {
        assert_rate(&price->standard.base, unit, INT64_C(100) * (unit + 1));
        assert_true(strlen(price_unit_name(unit)) > 0);
    }
    assert_string_equal(price_unit_name(PRICE_CACHE_WRITE_1H), "input_cache_write_1h");
}

static void a_price_holds_from_its_instant_until_the_next(void **state)
{
    struct fixture *fixture = *state;

    open_good(fixture, MODELS("\"a/b\": ["
                              "{\"from\": \"2026-08-01T00:00:00.500Z\"},"
                              "{\"from\": \"2026-08-01T00:00:00Z\", \"input\": \"0.2\"},"
                              "{\"input\": \"0.3\", \"from\": \"2027-02-28T23:59:59.999Z\"},"
                              "{\"from\": \"2026-07-01T00:00:00Z\", \"input\": \"0.1\"}]"));
    assert_null(find(fixture, "a/b", JULY - 1));
    assert_rate(&find(fixture, "a/b", JULY)->standard.base, PRICE_INPUT, 100000000000000);
    assert_rate(&find(fixture, "a/b", AUGUST - 1)->standard.base, PRICE_INPUT, 100000000000000);
    assert_rate(&find(fixture, "a/b", AUGUST)->standard.base, PRICE_INPUT, 200000000000000);
    assert_rate(&find(fixture, "a/b", AUGUST + 499)->standard.base, PRICE_INPUT, 200000000000000);
    assert_null(find(fixture, "a/b", AUGUST + 500)); /* from here on the price is not known */
    assert_null(find(fixture, "a/b", INT64_C(1803859199998)));
    assert_rate(&find(fixture, "a/b", INT64_C(1803859199999))->standard.base, PRICE_INPUT,
                300000000000000);
    assert_rate(&find(fixture, "a/b", INT64_MAX)->standard.base, PRICE_INPUT, 300000000000000);
    assert_null(find(fixture, "a/b", INT64_MIN));
}

static void an_unpriced_model_is_unknown_and_never_free(void **state)
{
    struct fixture *fixture = *state;

    open_good(fixture,
              MODELS("\"none/a\": [], \"none/b\": [{\"from\": \"2026-07-01T00:00:00Z\"}], "
                     "\"free/c\": [{\"from\": \"2026-07-01T00:00:00Z\", \"input\": \"0\"}]"));
    assert_null(find(fixture, "none/a", AUGUST));
    assert_null(find(fixture, "none/b", AUGUST));
    assert_null(find(fixture, "not/there", AUGUST));
    assert_null(price_find(fixture->table, "", 0, AUGUST));
    assert_rate(&find(fixture, "free/c", AUGUST)->standard.base, PRICE_INPUT, 0);
    assert_rate(&find(fixture, "free/c", AUGUST)->standard.base, PRICE_OUTPUT, -1);
    assert_int_equal(price_table_models(fixture->table), 3);
    assert_int_equal(price_table_priced(fixture->table), 1);
}

static void a_model_is_found_by_its_whole_name_only(void **state)
{
    struct fixture *fixture = *state;

    open_good(fixture, ENTRY("\"input\": \"0.1\""));
    assert_non_null(price_find(fixture->table, "a/bc", 3, AUGUST)); /* length ends a name */
    assert_null(find(fixture, "a/", AUGUST));
    assert_null(find(fixture, "a/bc", AUGUST));
    assert_null(find(fixture, "A/b", AUGUST));
    assert_null(price_find(fixture->table, "a/b\0", 4, AUGUST));
}

static const struct {
    const char *text, *error; /* the error behind "path" */
} bad_files[] = {
    {"", ": is empty"},
    {"{", ":1: is not JSON: it ends too early"},
    {"{\n\n\"format\": }", ":3: is not JSON: "},
    {MODELS("") " 1", ":1: is not JSON: "},
    {"[1]", ": must be an object with \"format\" and \"models\""},
    {"null\n", ": must be an object with \"format\" and \"models\""},
    {"{}", ": must be an object with \"format\" and \"models\""},
    {"{\"format\": 1}", ": must be an object with \"format\" and \"models\""},
    {"{\"models\": {}}", ": must be an object with \"format\" and \"models\""},
    {"{\"format\": 3, \"models\": {}}", ": format: must be 1 or 2"},
    {"{\"format\": 0, \"models\": {}}", ": format: must be 1 or 2"},
    {"{\"format\": \"1\", \"models\": {}}", ": format: must be 1"},
    {"{\"format\": 1.0, \"models\": {}}", ": format: must be 1"},
    {"{\"format\": 1, \"models\": []}", ": models: must be an object"},
    {"{\"format\": 1, \"models\": {}, \"more\": 1}", ": more: is no key"},
    {"{\"format\": 1, \"format\": 1, \"models\": {}}", ": format: stands twice"},
    {"{'format': 1, \"models\": {}}", ": strings stand between quotation marks"},
    {"{\"format\": 1, \"models\": {}} // prices", ":1: is not JSON: "},
    {MODELS("\"a/b\": [], \"c/d\": [], \"a/b\": []"), ": models.a/b: stands twice"},
    {MODELS("\"a/b\": [], \"a\\/b\": []"), ": models.a/b: a key is empty or has a backslash"},
    {MODELS("\"\": []"), ": models: a key is empty"},
    {MODELS("\"a\nb\": []"), ": models: a key is empty or has a backslash or a control"},
    {MODELS("\"a\x7f\": []"), ": a\x7f: is no model id"},
    {MODELS("\"a\xc0\xaf\": []"), ": a\xc0\xaf: is no model id"},
    {MODELS("\"a\xff\": []"), ":1: is not JSON: "},
    {MODELS("\"a/b\": {}"), ": a/b: must be a list of objects"},
    {MODELS("\"a/b\": null"), ": a/b: must be a list of objects"},
    {MODELS("\"a/b\": [1]"), ": a/b: must be a list of objects"},
    {MODELS("\"a/b\": [{}]"), ": a/b: an entry has no \"from\""},
    {MODELS("\"a/b\": [{\"input\": \"1\"}]"), ": a/b: an entry has no \"from\""},
    {MODELS("\"a/b\": [{\"from\": \"2026-07-01\"}]"), ": a/b from: must be a UTC time"},
    {MODELS("\"a/b\": [{\"from\": 1782864000}]"), ": a/b from: must be a UTC time"},
    {MODELS("\"a/b\": [{\"from\": \"2026-07-01T00:00:00Z\"}, "
            "{\"from\": \"2026-07-01T00:00:00.000Z\", \"input\": \"1\"}]"),
     ": a/b: two entries have the same \"from\""},
    {ENTRY("\"input\": 0.0000014"), ": a/b input: must be a decimal string"},
    {ENTRY("\"input\": 1"), ": a/b input: must be a decimal string"},
    {ENTRY("\"input\": null"), ": a/b input: must be a decimal string"},
    {ENTRY("\"output\": \"cheap\""), ": a/b output: is not a decimal number"},
    {ENTRY("\"output\": \" 1\""), ": a/b output: is not a decimal number"},
    {ENTRY("\"output\": \"1\\u0000\""), ": a/b output: is not a decimal number"},
    {ENTRY("\"output\": \"-1e-15\""), ": a/b output: is below 0"},
    {ENTRY("\"output\": \"9224\""), ": a/b output: is more than 9223 USD"},
    {ENTRY("\"output\": \"0.0000032000000000000003\""), ": a/b output: has more than 15"},
    {ENTRY("\"output\": \"0.0000000000000001\""), ": a/b output: has more than 15"},
    {ENTRY("\"input\": \"1\", \"input\": \"1\""), ": models.a/b[0].input: stands twice"},
    {ENTRY("\"Input\": \"1\""), ": a/b Input: is no key"},
    {ENTRY("\"above\": 5"), ": a/b above: is no key"},
    {ENTRY("\"tiers\": {}"), ": a/b tiers: must be a list of objects"},
    {ENTRY("\"tiers\": [[]]"), ": a/b tiers: must be a list of objects"},
    {ENTRY("\"tiers\": [{\"input\": \"1\"}]"), ": a/b tiers: a tier has no \"above\""},
    {ENTRY("\"tiers\": [{\"above\": 5}]"), ": a/b tiers: a tier has no price"},
    {ENTRY("\"tiers\": [{\"above\": \"5\", \"input\": \"1\"}]"), ": a/b above: must be"},
    {ENTRY("\"tiers\": [{\"above\": 2e5, \"input\": \"1\"}]"), ": a/b above: must be"},
    {ENTRY("\"tiers\": [{\"above\": -1, \"input\": \"1\"}]"), ": a/b above: must be"},
    {ENTRY("\"tiers\": [{\"above\": 99999999999999999999, \"input\": \"1\"}]"),
     ": a/b above: must be"},
    {ENTRY("\"tiers\": [{\"above\": 5, \"input\": \"1\", \"above\": 5}]"),
     ": models.a/b[0].tiers[0].above: stands twice"},
    {ENTRY("\"tiers\": [{\"above\": 5, \"input\": \"1\"}, {\"above\": 5, \"output\": \"1\"}]"),
     ": a/b tiers: two tiers have the same \"above\""},
    {ENTRY("\"tiers\": [{\"above\": 5, \"from\": \"1\"}]"), ": a/b from: is no key"},
    {ENTRY("\"input\": NaN"), ": models.a/b[0].input: NaN and Infinity"},
    {ENTRY("\"input\": \"1\", \"tiers\": [{\"above\": -Infinity}]"),
     ": models.a/b[0].tiers[0].above: NaN and Infinity"},
    {MODELS("\"a/b\": [{\"from\": \"1969-12-31T23:59:59Z\"}]"), ": a/b from: must be a UTC time"},
    {FORMAT("1", "\"a/b\": [{\"from\": \"2026-07-01T00:00:00Z\", \"source\": \"x\"}]"),
     ": a/b source: is no key of format 1"},
    {ENTRY("\"source\": \"\""), ": a/b source: must be 1 to 15"},
    {ENTRY("\"source\": \"a b\""), ": a/b source: must be 1 to 15"},
    {ENTRY("\"source\": \"sixteen-letters-\""), ": a/b source: must be 1 to 15"},
    {ENTRY("\"source\": 5"), ": a/b source: must be 1 to 15"},
    {ENTRY("\"multiplier\": 0.95"), ": a/b multiplier: must be a decimal string"},
    {ENTRY("\"multiplier\": \"0\""), ": a/b multiplier: must be a decimal string"},
    {ENTRY("\"multiplier\": \"-1\""), ": a/b multiplier: must be a decimal string"},
    {ENTRY("\"multiplier\": \"0.0000001\""), ": a/b multiplier: must be a decimal string"},
    {ENTRY("\"multiplier\": \"100.000001\""), ": a/b multiplier: must be a decimal string"},
    {ENTRY("\"service_tiers\": []"), ": a/b service_tiers: must be an object"},
    {ENTRY("\"service_tiers\": {\"flex\": []}"), ": a/b flex: must be an object of prices"},
    {ENTRY("\"service_tiers\": {\"flex\": {}}"), ": a/b flex: a service tier has no price"},
    {ENTRY("\"service_tiers\": {\"flex\": {\"from\": \"1\"}}"), ": a/b from: is no key"},
    {ENTRY("\"service_tiers\": {\"default\": {\"input\": \"1\"}}"),
     ": a/b default: is no name of a service tier"},
    {ENTRY("\"service_tiers\": {\"12345678901234567890123456789012\": {\"input\": \"1\"}}"),
     ": a/b 12345678901234567890123456789012: is no name of a service tier"},
    {ENTRY("\"service_tiers\": {\"a\": 1, \"b\": 1, \"c\": 1, \"d\": 1, \"e\": 1, \"f\": 1, "
           "\"g\": 1, \"h\": 1, \"i\": 1}"),
     ": a/b service_tiers: has more than 8"},
    {ENTRY("\"off_peak\": {}"), ": a/b off_peak: must be a list of objects"},
    {ENTRY("\"off_peak\": [1]"), ": a/b off_peak: must be a list of objects"},
    {ENTRY("\"off_peak\": [{\"input\": \"1\"}]"), ": a/b off_peak: an entry has no \"utc\""},
    {ENTRY("\"off_peak\": [{\"utc\": \"00:00-01:00\"}]"), ": a/b off_peak: an entry has no price"},
    {ENTRY("\"off_peak\": [{\"utc\": \"24:00-01:00\", \"input\": \"1\"}]"), ": a/b utc: must be"},
    {ENTRY("\"off_peak\": [{\"utc\": \"00:60-01:00\", \"input\": \"1\"}]"), ": a/b utc: must be"},
    {ENTRY("\"off_peak\": [{\"utc\": \"0:00-01:00\", \"input\": \"1\"}]"), ": a/b utc: must be"},
    {ENTRY("\"off_peak\": [{\"utc\": \"00:00-24:01\", \"input\": \"1\"}]"), ": a/b utc: must be"},
    {ENTRY("\"off_peak\": [{\"utc\": 5, \"input\": \"1\"}]"), ": a/b utc: must be"},
    {ENTRY("\"off_peak\": [{\"utc\": \"00:00-01:00\", \"weekdays\": \"mon,mon\"}]"),
     ": a/b weekdays: must be"},
    {ENTRY("\"off_peak\": [{\"utc\": \"00:00-01:00\", \"weekdays\": \"mon,\"}]"),
     ": a/b weekdays: must be"},
    {ENTRY("\"off_peak\": [{\"utc\": \"00:00-01:00\", \"weekdays\": \"\"}]"),
     ": a/b weekdays: must be"},
    {ENTRY("\"off_peak\": [{\"utc\": \"00:00-01:00\", \"weekdays\": \"monday\"}]"),
     ": a/b weekdays: must be"},
};

static void a_bad_file_is_refused_with_its_place(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(bad_files) / sizeof(bad_files[0]); i++) {
        char expected[512];
        int rc = open_bytes(fixture, bad_files[i].text, strlen(bad_files[i].text));
        snprintf(expected, sizeof(expected), "%s%s", fixture->path, bad_files[i].error);
        if (rc != -EINVAL || strncmp(fixture->error, expected, strlen(expected)) != 0)
            fail_msg("%s\n  gave %d %s\n  not     %s", bad_files[i].text, rc, fixture->error,
                     expected);
        assert_null(fixture->table);
    }
}

static void instants_that_do_not_exist_are_refused(void **state)
{
    static const char *const cases[] = {
        "2026-02-29T00:00:00Z",   "2026-13-01T00:00:00Z",      "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",   "2026-01-32T00:00:00Z",      "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",   "2026-01-01T00:00:60Z",      "2026-01-01T00:00:00",
        "2026-01-01 00:00:00Z",   "2026-01-01T00:00:00z",      "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.5000Z", "2026-01-01T00:00:00,500Z",
        "2026-01-01T00:00:0xZ",   "+026-01-01T00:00:00Z",      "",
    };
    struct fixture *fixture = *state;
    char text[256];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(text, sizeof(text), MODELS("\"a/b\": [{\"from\": \"%s\"}]"), cases[i]);
        if (open_bytes(fixture, text, strlen(text)) != -EINVAL)
            fail_msg("%s was taken", cases[i]);
    }
    open_good(fixture, MODELS("\"a/b\": [{\"from\": \"2028-02-29T23:59:59Z\", \"input\": \"1\"}]"));
    assert_true(find(fixture, "a/b", INT64_MAX)->from_ms == INT64_C(1835481599000));
}

static void a_nul_does_not_end_the_file(void **state)
{
    static const char text[] = MODELS("") "\0 and more";
    struct fixture *fixture = *state;

    assert_int_equal(open_bytes(fixture, text, sizeof(text) - 1), -EINVAL);
    assert_non_null(strstr(fixture->error, "NUL"));
}

static void what_cannot_be_read_says_why(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(
        price_table_open(fixture->path, &fixture->table, fixture->error, sizeof(fixture->error)),
        -ENOENT);
    assert_non_null(strstr(fixture->error, "prices.json: No such file"));
    assert_int_equal(
        price_table_open(fixture->dir, &fixture->table, fixture->error, sizeof(fixture->error)),
        -EISDIR);
    assert_non_null(strstr(fixture->error, fixture->dir));
    assert_null(fixture->table);
}

static void a_file_above_the_maximum_is_refused(void **state)
{
    struct fixture *fixture = *state;
    FILE *file = fopen(fixture->path, "wb");

    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), (off_t)PRICE_FILE_MAX + 1), 0); /* a hole */
    fclose(file);
    assert_int_equal(
        price_table_open(fixture->path, &fixture->table, fixture->error, sizeof(fixture->error)),
        -EFBIG);
    assert_non_null(strstr(fixture->error, "128 MiB"));
    assert_null(fixture->table);
}

static void the_hash_is_that_of_the_bytes(void **state)
{
    struct fixture *fixture = *state;
    struct price_table *empty = price_table_empty();

    assert_non_null(empty);
    assert_string_equal(price_table_hash(empty),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(price_table_models(empty), 0);
    assert_null(price_find(empty, "a/b", 3, AUGUST));
    price_table_free(empty);
    price_table_free(NULL);
    open_good(fixture, "{\"format\": 1, \"models\": {}}"); /* figure from sha256sum(1) */
    assert_string_equal(price_table_hash(fixture->table),
                        "70777c36eb6d1b1715c062c4f3b1ff06653d9fb89cf8c97ed852aebf98aa42fe");
}

static void many_models_are_all_found(void **state)
{
    enum { MANY = 5000 };
    struct fixture *fixture = *state;
    size_t size = (size_t)100 * MANY, len;
    char *text = malloc(size);

    assert_non_null(text);
    len = (size_t)snprintf(text, size, "{\"format\": 1, \"models\": {");
    for (int i = 0; i < MANY; i++)
        len += (size_t)snprintf(text + len, size - len,
                                "%s\"vendor/model-%d\": [{\"from\": \"2026-07-01T00:00:00Z\", "
                                "\"input\": \"%de-15\"}]",
                                i > 0 ? "," : "", i, i);
    len += (size_t)snprintf(text + len, size - len, "}}");
    assert_int_equal(open_bytes(fixture, text, len), 0);
    free(text);
    assert_int_equal(price_table_models(fixture->table), MANY);
    assert_int_equal(price_table_priced(fixture->table), MANY);
    for (int i = 0; i < MANY; i++) {
        char name[64];
        snprintf(name, sizeof(name), "vendor/model-%d", i);
        assert_rate(&find(fixture, name, JULY)->standard.base, PRICE_INPUT, i);
    }
    assert_null(find(fixture, "vendor/model-5000", JULY));
}

static void versions_and_models_can_be_listed(void **state)
{
    struct fixture *fixture = *state;
    const struct price *versions;
    size_t count = 42;

    open_good(fixture, MODELS("\"z\": [], \"b\": [{\"from\": \"2026-08-01T00:00:00Z\"}, "
                              "{\"from\": \"2026-07-01T00:00:00Z\", \"input\": \"1\", "
                              "\"source\": \"models.dev\"}], \"ba\": [], \"a/b\": []"));
    assert_int_equal(price_table_models(fixture->table), 4);
    for (size_t i = 0; i < 4; i++) {
        static const char *const sorted[] = {"a/b", "b", "ba", "z"};
        struct text name = price_table_model(fixture->table, i);
        assert_int_equal(name.len, strlen(sorted[i]));
        assert_memory_equal(name.bytes, sorted[i], name.len);
    }
    assert_null(price_versions(fixture->table, "c", 1, &count));
    assert_int_equal(count, 42);
    versions = price_versions(fixture->table, "b", 1, &count);
    assert_int_equal(count, 2);
    assert_true(versions[0].from_ms == JULY);
    assert_string_equal(versions[0].source, "models.dev");
    assert_int_equal(versions[0].multiplier_ppm, PRICE_MULTIPLIER_NONE);
    assert_true(versions[1].from_ms == AUGUST); /* unpriced, but told */
    assert_string_equal(versions[1].source, "");
    assert_non_null(price_versions(fixture->table, "z", 1, &count));
    assert_int_equal(count, 0);
}

/* A tree of JSON takes hundreds of bytes for two of text. */
static void what_would_take_too_much_memory_is_refused(void **state)
{
    enum { MANY = 300 * 1000 };
    struct fixture *fixture = *state;
    char *text = malloc((size_t)MANY * 16 + 64), *end = text;

    assert_non_null(text);
    end += snprintf(end, 64, "{\"format\": 2, \"models\": {\"a\": [");
    for (int i = 0; i < MANY; i++, end += 3)
        memcpy(end, "{},", 3);
    end += snprintf(end, 64, "{}]}}");
    assert_int_equal(open_bytes(fixture, text, (size_t)(end - text)), -EINVAL);
    assert_non_null(strstr(fixture->error, ": has more than 262144 objects and lists"));
    end = text + snprintf(text, 64, "[0");
    for (int i = 0; i < 8 * MANY; i++, end += 2)
        memcpy(end, ",0", 2);
    *end++ = ']';
    assert_int_equal(open_bytes(fixture, text, (size_t)(end - text)), -EINVAL);
    assert_non_null(strstr(fixture->error, ": has more than 2097152 values"));
    memset(text, '[', MANY / 2);
    assert_int_equal(open_bytes(fixture, text, MANY / 2), -EINVAL);
    assert_non_null(strstr(fixture->error, ":1: is not JSON: nesting too deep"));
    free(text);
}

static void eight_tiers_fit_and_nine_are_refused(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned tiers = PRICE_TIERS_MAX; tiers <= PRICE_TIERS_MAX + 1; tiers++) {
        char text[1024];
        size_t len = (size_t)snprintf(text, sizeof(text),
                                      "{\"format\": 1, \"models\": {\"a/b\": [{\"from\": "
                                      "\"2026-07-01T00:00:00Z\", \"tiers\": [");
        for (unsigned i = tiers; i > 0; i--)
            len += (size_t)snprintf(text + len, sizeof(text) - len,
                                    "%s{\"above\": %u, \"input\": \"%u\"}", i < tiers ? "," : "",
                                    i * 1000, i);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "]}]}}");
        if (tiers == PRICE_TIERS_MAX) {
            struct price_rates rates;
            const struct price *price;
            assert_int_equal(open_bytes(fixture, text, len), 0);
            price = find(fixture, "a/b", JULY);
            rates = rates_of(price, 5001);
            assert_rate(&rates, PRICE_INPUT, INT64_C(5000000000000000));
            rates = rates_of(price, 1000);
            assert_int_equal(rates.known, 0);
        } else {
            assert_int_equal(open_bytes(fixture, text, len), -EINVAL);
            assert_non_null(strstr(fixture->error, "a/b tiers: has more than 8 tiers"));
        }
    }
}

static void the_shipped_table_opens(void **state)
{
    struct fixture *fixture = *state;
    int rc = price_table_open(SOURCE_DIR "/configs/prices.json", &fixture->table, fixture->error,
                              sizeof(fixture->error));
    struct price_rates rates;

    if (rc != 0)
        fail_msg("%s", fixture->error);
    assert_int_equal(price_table_models(fixture->table), 298);
    assert_int_equal(price_table_priced(fixture->table), 216);
    rates = rates_of(find(fixture, "google/gemini-2.5-pro", JULY), 200001);
    assert_rate(&rates, PRICE_INPUT, 2500000000);
    rates = rates_of(find(fixture, "arcee-ai/trinity-large-thinking", JULY), 1);
    assert_rate(&rates, PRICE_OUTPUT, 900000000); /* was listed as 0.0000008999999999999999 */
}

static void model_ids_have_one_spelling(void **state)
{
    char longest[PRICE_MODEL_MAX + 1];

    (void)state;
    memset(longest, 'm', sizeof(longest));
    assert_true(price_model_valid(longest, PRICE_MODEL_MAX));
    assert_false(price_model_valid(longest, PRICE_MODEL_MAX + 1));
    assert_false(price_model_valid("", 0));
    assert_true(price_model_valid("zai/glm-5.3:free", 16));
    assert_false(price_model_valid("a\"b", 3));
    assert_false(price_model_valid("a\\b", 3));
    assert_false(price_model_valid("a\tb", 3));
    assert_false(price_model_valid("a\0b", 3));
    assert_true(price_model_valid("\xc3\xa9/\xe6\xa8\xa1/\xf0\x9f\x98\x80", 11));
    assert_false(price_model_valid("\xc3", 1));             /* cut short */
    assert_false(price_model_valid("\xc1\xa1", 2));         /* overlong */
    assert_false(price_model_valid("\xe0\x80\xaf", 3));     /* overlong */
    assert_false(price_model_valid("\xed\xa0\x80", 3));     /* a surrogate */
    assert_false(price_model_valid("\xf4\x90\x80\x80", 4)); /* above the last */
    assert_false(price_model_valid("\x80", 1));
    assert_false(price_model_valid("\xf8\x88\x80\x80\x80", 5));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_unit_has_its_key),
        TEST(a_price_holds_from_its_instant_until_the_next),
        TEST(an_unpriced_model_is_unknown_and_never_free),
        TEST(a_model_is_found_by_its_whole_name_only),
        TEST(versions_and_models_can_be_listed),
        TEST(what_would_take_too_much_memory_is_refused),
        TEST(a_bad_file_is_refused_with_its_place),
        TEST(instants_that_do_not_exist_are_refused),
        TEST(a_nul_does_not_end_the_file),
        TEST(what_cannot_be_read_says_why),
        TEST(a_file_above_the_maximum_is_refused),
        TEST(the_hash_is_that_of_the_bytes),
        TEST(many_models_are_all_found),
        TEST(eight_tiers_fit_and_nine_are_refused),
        TEST(the_shipped_table_opens),
        TEST(model_ids_have_one_spelling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
