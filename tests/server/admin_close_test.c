#include "server/admin_close.h"

#include "accounting/export.h"
#include "accounting/ledger_month.h"
#include "server/admin_file.h"
#include "tests/accounting/ledger_fixture.h"

#include <openssl/evp.h>

/* 2026-10-01T00:00:00Z. */
static const int64_t october_ms = INT64_C(1790812800000);

enum { ROWS = 40 };

struct closing {
    struct fixture *fixture;
    char data[96], path[128], head[160];
    struct ledger *ledger;
    struct ledger_lane *lane;
    struct ledger_row was; /* the listed row */
    struct ledger_ref ref;
};

static void append(struct closing *closing, const char *id, int64_t at_ms)
{
    struct ledger_row row = fixture_row(id);

    assert_int_equal(ledger_append(closing->lane, &row, at_ms, NULL), 0);
}

/* A call whose cost is still to come. */
static void append_pending(struct closing *closing, const char *id, int64_t at_ms)
{
    struct ledger_row row = fixture_row(id);
    struct ledger_hold hold;

    assert_int_equal(ledger_hold(closing->lane, &row, at_ms, &hold), 0);
    row.upstream_id = row.id;
    row.billed.known = false;
    row.verdict = VERDICT_PENDING;
    ledger_post(closing->lane, &hold, &row);
}

/* A ledger with ROWS rows in October and one in November. */
static int setup(void **state)
{
    struct closing *closing = calloc(1, sizeof *closing);
    struct ledger_options options;
    void *fixture;

    if (closing == NULL || fixture_setup(&fixture) != 0)
        return -1;
    closing->fixture = fixture;
    snprintf(closing->data, sizeof closing->data, "%s/data", closing->fixture->root);
    snprintf(closing->path, sizeof closing->path, "%s/2026-10.csv", closing->fixture->root);
    snprintf(closing->head, sizeof closing->head, "%s.head", closing->path);
    if (mkdir(closing->data, 0700) != 0)
        return -1;
    options = fixture_options(closing->fixture, 1);
    closing->ledger = fixture_open(&options);
    closing->lane = ledger_lane(closing->ledger, 0);
    *state = closing;
    return 0;
}

static int teardown(void **state)
{
    struct closing *closing = *state;
    void *fixture = closing->fixture;

    ledger_close(closing->ledger);
    free(closing);
    return fixture_teardown(&fixture);
}

static void fill(struct closing *closing)
{
    char id[32];

    for (int i = 0; i < ROWS; i++) {
        snprintf(id, sizeof id, "gen_%d", i);
        append(closing, id, october_ms + i * INT64_C(3600000));
    }
}

static void make_key(const struct closing *closing)
{
    uint8_t key[SEAL_KEY];
    char error[256];

    assert_int_equal(seal_signer_make(closing->data, key, error, sizeof error), 0);
}

static struct admin_close_order order_of(const struct closing *closing)
{
    struct admin_close_order order = {
        .data_dir = closing->data,
        .month = "2026-10",
        .from_ms = october_ms,
        .now_ms = fixture_now_ms,
        .export_path = closing->path,
    };

    ledger_month_range(october_ms, &order.from_ms, &order.to_ms);
    assert_int_equal(order.from_ms, october_ms);
    return order;
}

static void refused(struct closing *closing, const struct admin_close_order *order,
                    const char *code)
{
    struct admin_error error = {.status = 0};
    struct seal seal = {.rows = 42};

    assert_int_equal(admin_close(closing->ledger, order, &seal, &error), -1);
    if (strcmp(error.code, code) != 0)
        fail_msg("%s: %s", error.code, error.message);
    assert_int_equal(seal.rows, 42);
    assert_true(error.message[0] != '\0');
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static size_t read_file(const char *path, char *bytes, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t len;

    if (file == NULL)
        fail_msg("%s is not there", path);
    len = fread(bytes, 1, size, file);
    assert_true(len < size);
    fclose(file);
    return len;
}

static void a_head_names_the_export_beside_it(void **state)
{
    static char bytes[64 * 1024];
    struct closing *closing = *state;
    struct admin_close_order order = order_of(closing);
    struct admin_error error = {.status = 0};
    uint8_t hash[TREE_HASH];
    char head[SEAL_TEXT_MAX];
    size_t len, head_len, lines = 0;
    struct seal seal;

    fill(closing);
    append(closing, "gen_later", october_ms + 40 * LEDGER_DAY_MS);
    make_key(closing);
    if (admin_close(closing->ledger, &order, &seal, &error) != 0)
        fail_msg("%s: %s", error.code, error.message);
    assert_int_equal(seal.rows, ROWS);
    assert_true(seal_verify(&seal));
    len = read_file(closing->path, bytes, sizeof bytes);
    assert_int_equal(EVP_Digest(bytes, len, hash, NULL, EVP_sha256(), NULL), 1);
    assert_true(seal.has_export);
    assert_memory_equal(seal.export_hash, hash, sizeof hash);
    for (size_t i = 0; i < len; i++)
        lines += bytes[i] == '\n';
    assert_int_equal(lines, ROWS + 1);
    head_len = seal_print(&seal, true, head);
    assert_int_equal(read_file(closing->head, bytes, sizeof bytes), head_len);
    assert_memory_equal(bytes, head, head_len);
    /* A second time nothing is written. */
    snprintf(closing->path, sizeof closing->path, "%s/again.csv", closing->fixture->root);
    refused(closing, &order, "closed");
    assert_false(exists(closing->path));
    order.export_path = NULL;
    refused(closing, &order, "closed");
}

static void what_cannot_be_closed_leaves_no_file(void **state)
{
    struct closing *closing = *state;
    struct admin_close_order order = order_of(closing);
    _Atomic bool stop = true;

    fill(closing);
    refused(closing, &order, "no_signing_key");
    make_key(closing);
    order.now_ms = order.to_ms - 1;
    refused(closing, &order, "not_over");
    order.now_ms = fixture_now_ms;
    order.stop = &stop;
    refused(closing, &order, "stopping");
    order.stop = NULL;
    order.month = "2026-11"; /* October is open */
    order.from_ms = order.to_ms;
    ledger_month_range(order.from_ms, &order.from_ms, &order.to_ms);
    order.now_ms = order.to_ms;
    refused(closing, &order, "earlier_month_open");
    assert_false(exists(closing->path));
    assert_false(exists(closing->head));
}

static void pending_rows_are_waited_for_unless_said(void **state)
{
    struct closing *closing = *state;
    struct admin_close_order order = order_of(closing);
    struct admin_error error = {.status = 0};
    struct seal seal;

    fill(closing);
    append_pending(closing, "gen_pending", october_ms + 2 * LEDGER_DAY_MS);
    make_key(closing);
    refused(closing, &order, "pending");
    assert_false(exists(closing->path));
    order.export_path = "";
    refused(closing, &order, "pending");
    order.export_path = closing->path;
    order.with_pending = true;
    if (admin_close(closing->ledger, &order, &seal, &error) != 0)
        fail_msg("%s: %s", error.code, error.message);
    assert_int_equal(seal.rows, ROWS + 1);
    assert_true(exists(closing->head));
}

/* A call whose cost is known and may still change. */
static void append_listed(struct closing *closing, const char *id, int64_t at_ms)
{
    struct ledger_hold hold;

    closing->was = fixture_row(id);
    assert_int_equal(ledger_hold(closing->lane, &closing->was, at_ms, &hold), 0);
    ledger_post_listed(closing->lane, &hold, &closing->was);
    closing->ref = hold.ref;
}

static void a_cost_that_is_known_is_not_waited_for(void **state)
{
    struct closing *closing = *state;
    struct admin_close_order order = order_of(closing);
    struct admin_error error = {.status = 0};
    struct seal seal;

    fill(closing);
    append_listed(closing, "gen_listed", october_ms + 2 * LEDGER_DAY_MS);
    make_key(closing);
    if (admin_close(closing->ledger, &order, &seal, &error) != 0)
        fail_msg("%s: %s", error.code, error.message);
    assert_int_equal(seal.rows, ROWS + 1);
    assert_true(exists(closing->head));
}

static void change_row(void *arg)
{
    struct closing *closing = arg;
    struct ledger_row row = closing->was;

    row.model = TEXT("changed/after");
    assert_int_equal(ledger_settle(closing->lane, &closing->ref, &closing->was, &row, true,
                                   october_ms + 3 * LEDGER_DAY_MS),
                     0);
    ledger_kick(closing->lane);
}

static void check_export(const struct closing *closing, const struct seal *seal, char *bytes,
                         size_t size)
{
    uint8_t hash[TREE_HASH];
    size_t len = read_file(closing->path, bytes, size - 1);

    bytes[len] = '\0';
    assert_int_equal(EVP_Digest(bytes, len, hash, NULL, EVP_sha256(), NULL), 1);
    assert_true(seal->has_export);
    assert_memory_equal(seal->export_hash, hash, sizeof hash);
}

/* The dangerous moment: the export is whole, and the month does not stand still yet. */
static void a_row_that_changes_after_the_export_is_exported_again(void **state)
{
    static char bytes[64 * 1024];
    struct closing *closing = *state;
    struct admin_close_order order = order_of(closing);
    struct admin_error error = {.status = 0};
    struct seal seal;

    fill(closing);
    append_listed(closing, "gen_listed", october_ms + 2 * LEDGER_DAY_MS);
    make_key(closing);
    order.with_pending = true;
    order.on_exported = change_row;
    order.arg = closing;
    if (admin_close(closing->ledger, &order, &seal, &error) != 0)
        fail_msg("%s: %s", error.code, error.message);
    check_export(closing, &seal, bytes, sizeof bytes);
    assert_non_null(strstr(bytes, "changed/after"));
    assert_int_equal(seal.rows, ROWS + 1);
    assert_true(exists(closing->head));
}

/* Killed with the export there and no seal, or in the middle of the export. */
static void what_a_killed_close_left_behind_is_gone_on_from(void **state)
{
    static char bytes[64 * 1024];
    struct closing *closing = *state;
    struct admin_close_order order = order_of(closing);
    struct admin_error error = {.status = 0};
    struct ledger_reader *reader;
    struct seal seal;
    char part[160];
    FILE *file = fopen(closing->path, "w");

    fill(closing);
    make_key(closing);
    assert_non_null(file);
    assert_int_equal(ledger_reader_within(closing->ledger, 5000, NULL, &reader), 0);
    assert_int_equal(export_rows(reader, order.from_ms, order.to_ms, EXPORT_CSV, file), 0);
    ledger_reader_close(reader);
    fclose(file);
    snprintf(part, sizeof part, "%s.part", closing->path);
    assert_int_equal(admin_file_write(part, "half", 4), 0);
    if (admin_close(closing->ledger, &order, &seal, &error) != 0)
        fail_msg("%s: %s", error.code, error.message);
    check_export(closing, &seal, bytes, sizeof bytes);
    assert_true(exists(closing->head));
    assert_false(exists(part));
}

static void a_call_under_way_is_waited_for_always(void **state)
{
    struct closing *closing = *state;
    struct admin_close_order order = order_of(closing);
    struct ledger_row row = fixture_row("gen_held");
    struct ledger_hold hold;

    fill(closing);
    assert_int_equal(ledger_hold(closing->lane, &row, october_ms + 30 * LEDGER_DAY_MS, &hold), 0);
    make_key(closing);
    order.with_pending = true;
    refused(closing, &order, "open");
    assert_false(exists(closing->path));
    ledger_post(closing->lane, &hold, &row);
}

static void files_that_are_there_stay(void **state)
{
    struct closing *closing = *state;
    struct admin_close_order order = order_of(closing);
    FILE *file = fopen(closing->head, "w");
    char bytes[16];

    assert_non_null(file);
    fputs("mine", file);
    fclose(file);
    fill(closing);
    make_key(closing);
    refused(closing, &order, "file_exists");
    assert_int_equal(rename(closing->head, closing->path), 0);
    refused(closing, &order, "file_exists");
    assert_int_equal(read_file(closing->path, bytes, sizeof bytes), 4);
    order.export_path = "/nonexistent/x.csv";
    refused(closing, &order, "file");
}

static void write_secret(const struct closing *closing)
{
    char path[160];
    FILE *file;

    snprintf(path, sizeof path, "%s/identity.secret", closing->data);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("0123456789abcdef0123456789abcdef", file);
    fclose(file);
}

static void a_backup_is_a_ledger_with_its_secrets(void **state)
{
    struct closing *closing = *state;
    struct admin_error error = {.status = 0};
    char dir[128], path[192];
    struct fixture_rows *rows;
    struct stat status;

    fill(closing);
    write_secret(closing); /* and no signing key yet */
    snprintf(dir, sizeof dir, "%s/copy", closing->fixture->root);
    if (admin_backup(closing->ledger, closing->data, dir, &error) != 0)
        fail_msg("%s", error.message);
    append(closing, "gen_later", october_ms + 40 * LEDGER_DAY_MS);
    snprintf(path, sizeof path, "%s/ledger", dir);
    rows = fixture_read(path);
    assert_int_equal(rows->count, ROWS);
    free(rows);
    snprintf(path, sizeof path, "%s/identity.secret", dir);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(status.st_size, 32);
    snprintf(path, sizeof path, "%s/signing-key", dir);
    assert_false(exists(path));
    assert_int_equal(admin_backup(closing->ledger, closing->data, dir, &error), -1);
    assert_string_equal(error.code, "dir_exists");
}

static void a_printed_head_is_json_with_the_head(void **state)
{
    struct seal seal = {.month = "2026-10", .rows = 7, .issued = 8, .closed_ms = fixture_now_ms},
                read;
    struct out out = OUT_INIT;
    struct json_doc doc;
    char scratch[SEAL_TEXT_MAX];
    const char *head;
    size_t len;

    (void)state;
    admin_close_print(&seal, &out);
    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, out.bytes, out.len, NULL), 0);
    assert_true(json_string_is(&doc, json_get(&doc, 0, "month"), "2026-10"));
    assert_true(json_string_is(&doc, json_get(&doc, 0, "closed_at"), "2026-11-20T22:51:51.123Z"));
    assert_int_equal(doc.tokens[json_get(&doc, 0, "export")].type, JSON_NULL);
    assert_int_equal(
        json_string(&doc, json_get(&doc, 0, "head"), scratch, sizeof scratch, &head, &len), 0);
    assert_int_equal(seal_parse(head, len, &read), 0);
    assert_int_equal(read.issued, 8);
    json_doc_release(&doc);
    out_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_head_names_the_export_beside_it, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_closed_leaves_no_file, setup, teardown),
        cmocka_unit_test_setup_teardown(pending_rows_are_waited_for_unless_said, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cost_that_is_known_is_not_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(a_row_that_changes_after_the_export_is_exported_again,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_killed_close_left_behind_is_gone_on_from, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_call_under_way_is_waited_for_always, setup, teardown),
        cmocka_unit_test_setup_teardown(files_that_are_there_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(a_backup_is_a_ledger_with_its_secrets, setup, teardown),
        cmocka_unit_test(a_printed_head_is_json_with_the_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
