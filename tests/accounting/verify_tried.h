/* verify_tried.h - the sample ledger of verify_support.h, made once; each test changes a copy of it
 * and says what must show. */
#ifndef TESTS_ACCOUNTING_VERIFY_TRIED_H
#define TESTS_ACCOUNTING_VERIFY_TRIED_H

#include "tests/accounting/verify_support.h"

#include <unistd.h>

static struct maker base;

static inline struct seal_signer *make_signer(void)
{
    char error[256], path[96], signer_dir[64];
    struct seal_signer *signer;
    uint8_t key[SEAL_KEY];
    snprintf(signer_dir, sizeof(signer_dir), "/tmp/verify_test.XXXXXX");
    assert_non_null(mkdtemp(signer_dir));
    assert_int_equal(seal_signer_make(signer_dir, key, error, sizeof(error)), 0);
    assert_int_equal(seal_signer_open(signer_dir, &signer, error, sizeof(error)), 0);
    snprintf(path, sizeof(path), "%s/signing-key", signer_dir);
    unlink(path);
    rmdir(signer_dir);
    return signer;
}

static inline int make_base(void **state)
{
    (void)state;
    base.reader = calloc(1, sizeof(*base.reader));
    base.reader->rows = calloc(STORED_MAX, sizeof(*base.reader->rows));
    base.signer = make_signer();
    fill(&base);
    add_late_truths(&base);
    put_ids(base.reader);
    put_ends(base.reader);
    put_hours(base.reader);
    put_seals(&base);
    base.reader->marked = true;
    return 0;
}

static inline int free_base(void **state)
{
    (void)state;
    seal_signer_free(base.signer);
    release_reader(base.reader);
    return 0;
}

/* --- one try --- */

struct tried {
    struct maker maker;
    struct ledger_reader *reader; /* a copy, which a test changes */
    struct verify_order order;
    struct verify_result result;
    char *said;
    size_t said_len;
};

static inline int set_up(void **state)
{
    struct tried *tried = calloc(1, sizeof(*tried));
    struct ledger_reader *reader = malloc(sizeof(*reader));
    memcpy(reader, base.reader, sizeof(*reader));
    reader->rows = calloc(STORED_MAX, sizeof(*reader->rows));
    memcpy(reader->rows, base.reader->rows, reader->row_count * sizeof(*reader->rows));
    for (size_t i = 0; i < 2; i++) {
        reader->marks[i] = malloc(reader->marks_len[i]);
        memcpy(reader->marks[i], base.reader->marks[i], reader->marks_len[i]);
    }
    tried->maker = base;
    tried->maker.reader = tried->reader = reader;
    tried->order = (struct verify_order){
        .from_ms = 0, .to_ms = INT64_MAX, .now_ms = NOW, .tolerance_ppm = TOLERANCE};
    *state = tried;
    return 0;
}

static inline int tear_down(void **state)
{
    struct tried *tried = *state;
    tried->reader->hour_count = 0; /* the base's */
    release_reader(tried->reader);
    free(tried->said);
    free(tried);
    return 0;
}

static inline int run(struct tried *tried)
{
    FILE *out;
    int result;
    free(tried->said);
    out = open_memstream(&tried->said, &tried->said_len);
    result = verify_ledger(tried->reader, &tried->order, out, &tried->result);
    fclose(out);
    return result;
}

static inline void expect_said(const struct tried *tried, const char *text)
{
    if (strstr(tried->said, text) == NULL)
        fail_msg("it does not say \"%s\", but:\n%s", text, tried->said);
}

/* It shows, and the first row that is named is this one. ref may be NULL: no row is. */
static inline void expect_found(struct tried *tried, const struct ledger_ref *ref, const char *law)
{
    char place[64] = ":";
    assert_int_equal(run(tried), -EBADMSG);
    expect_said(tried, law);
    if (ref != NULL)
        snprintf(place, sizeof(place), ": %" PRId64 "/%" PRIu64, ref->created_at_ms, ref->sequence);
    if (strstr(tried->result.first, place) == NULL)
        fail_msg("%s is not the first, but \"%s\"; all:\n%s", place, tried->result.first,
                 tried->said);
}

#define TRIED(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
