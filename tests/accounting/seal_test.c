#include "accounting/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct seal sample(void)
{
    struct seal seal = {
        .month = "2026-11",
        .rows = 1234,
        .issued = 1234,
        .first = {1763679111123, 18014398509481984},
        .last = {1764547199999, UINT64_MAX},
        .has_export = true,
        .booked = {12345600000000000},
        .billed = {12300000000000000},
        .saved = {-1},
        .closed_ms = 1764547933123,
    };
    memset(seal.root, 0xab, TREE_HASH);
    memset(seal.export_hash, 0x01, TREE_HASH);
    return seal;
}

static const char sample_text[] =
    "tollgate ledger head 1\n"
    "month 2026-11\n"
    "rows 1234\n"
    "first 1763679111123/18014398509481984\n"
    "last 1764547199999/18446744073709551615\n"
    "issued 1234\n"
    "root abababababababababababababababababababababababababababababababab\n"
    "previous 0000000000000000000000000000000000000000000000000000000000000000\n"
    "export 0101010101010101010101010101010101010101010101010101010101010101\n"
    "booked 12.3456\n"
    "billed 12.3\n"
    "saved -0.000000000000001\n"
    "closed 2025-12-01T00:12:13.123Z\n"
    "key 0000000000000000000000000000000000000000000000000000000000000000\n";

/* What is signed is this text and nothing else: whoever has it can check it without us. */
static void a_head_is_this_text(void **state)
{
    struct seal seal = sample();
    char text[SEAL_TEXT_MAX];
    size_t len = seal_print(&seal, false, text);
    (void)state;
    assert_int_equal(len, sizeof(sample_text) - 1);
    assert_memory_equal(text, sample_text, len);
    len = seal_print(&seal, true, text);
    assert_int_equal(len, sizeof(sample_text) - 1 + 10 + 128 + 1);
    assert_memory_equal(text + sizeof(sample_text) - 1, "signature 00", 12);
}

static void assert_same(const struct seal *a, const struct seal *b)
{
    char one[SEAL_TEXT_MAX], other[SEAL_TEXT_MAX];
    size_t len = seal_print(a, true, one);
    assert_int_equal(seal_print(b, true, other), len);
    assert_memory_equal(one, other, len);
}

static void a_head_reads_back(void **state)
{
    struct seal seals[3] = {sample(), sample(), {.month = "1970-01"}};
    (void)state;
    seals[1].has_export = false;
    memset(seals[1].export_hash, 0, TREE_HASH);
    seals[1].booked.femto = (__int128)1 << 126;
    seals[1].rows = UINT64_MAX;
    for (size_t i = 0; i < 3; i++) {
        struct seal read;
        char text[SEAL_TEXT_MAX];
        size_t len = seal_print(&seals[i], true, text);
        assert_int_equal(seal_parse(text, len, &read), 0);
        assert_same(&read, &seals[i]);
        assert_int_equal(read.rows, seals[i].rows);
        assert_int_equal(read.has_export, seals[i].has_export);
        assert_int_equal(read.closed_ms, seals[i].closed_ms);
        assert_int_equal(money_compare(read.booked, seals[i].booked), 0);
    }
}

/* A head has one text: anything else could be signed for one thing and read as another. */
static void no_other_text_is_a_head(void **state)
{
    struct seal seal = sample(), read;
    char text[SEAL_TEXT_MAX + 8];
    size_t len = seal_print(&seal, true, text);
    (void)state;
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(seal_parse(text, cut, &read), -EBADMSG);
    for (size_t at = 0; at <= len; at++) { /* a space, a zero or a line more, anywhere */
        for (const char *more = " 0\n-"; *more != '\0'; more++) {
            char longer[SEAL_TEXT_MAX + 8];
            memcpy(longer, text, at);
            longer[at] = *more;
            memcpy(longer + at + 1, text + at, len - at);
            if (seal_parse(longer, len + 1, &read) == 0) {
                char again[SEAL_TEXT_MAX];
                assert_int_equal(seal_print(&read, true, again), len + 1);
                assert_memory_equal(again, longer, len + 1);
            }
        }
    }
    text[len] = '\n';
    assert_int_equal(seal_parse(text, len + 1, &read), -EBADMSG);
    memset(text, 'x', sizeof(text));
    assert_int_equal(seal_parse(text, sizeof(text), &read), -EBADMSG);
}

static void odd_values_are_refused(void **state)
{
    static const struct {
        const char *was, *is;
    } cases[] = {
        {"head 1", "head 2"},
        {"month 2026-11", "month 2026-13"},
        {"month 2026-11", "month 2026-00"},
        {"rows 1234", "rows 01234"},
        {"rows 1234", "rows -1"},
        {"rows 1234", "rows 18446744073709551616"},
        {"rows 1234", "rows "},
        {"first 1763679111123/", "first 253402300800000/"},
        {"booked 12.3456", "booked 12.34560"},
        {"booked 12.3456", "booked 1e3"},
        {"saved -0.000000000000001", "saved -0"},
        {"12-01T00:12:13.123Z", "02-30T00:12:13.123Z"},
        {"12-01T00:12:13.123Z", "12-01T24:12:13.123Z"},
        {"12-01T00:12:13.123Z", "12-01T00:12:60.123Z"},
        {"root ab", "root AB"},
        {"export 01", "export -"},
    };
    struct seal seal = sample(), read = {.rows = 42};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[SEAL_TEXT_MAX + 64], changed[SEAL_TEXT_MAX + 64];
        size_t len = seal_print(&seal, true, text);
        const char *at;
        text[len] = '\0';
        at = strstr(text, cases[i].was);
        assert_non_null(at);
        snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, cases[i].is,
                 at + strlen(cases[i].was));
        if (seal_parse(changed, strlen(changed), &read) != -EBADMSG)
            fail_msg("%s was read", cases[i].is);
        assert_int_equal(read.rows, 42);
    }
}

/* --- keys --- */

struct place {
    char dir[64], path[96], error[256];
};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    snprintf(place->dir, sizeof(place->dir), "/tmp/seal_test.XXXXXX");
    if (mkdtemp(place->dir) == NULL)
        return -1;
    snprintf(place->path, sizeof(place->path), "%s/signing-key", place->dir);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    unlink(place->path);
    assert_int_equal(rmdir(place->dir), 0); /* nothing else was left there */
    free(place);
    return 0;
}

static void write_key(const struct place *place, const char *text, mode_t mode)
{
    int fd = open(place->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

/* RFC 8032 section 7.1, test 1: this seed has this public key. */
static void a_seed_has_its_public_key(void **state)
{
    static const uint8_t expected[] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7,
                                       0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
                                       0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25,
                                       0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};
    struct place *place = *state;
    struct seal_signer *signer;
    uint8_t key[SEAL_KEY];
    write_key(place, "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\n", 0600);
    assert_int_equal(seal_signer_open(place->dir, &signer, place->error, sizeof(place->error)), 0);
    seal_signer_key(signer, key);
    assert_memory_equal(key, expected, SEAL_KEY);
    seal_signer_free(signer);
    seal_signer_free(NULL);
}

static void a_key_is_made_once_and_kept_close(void **state)
{
    struct place *place = *state;
    struct seal_signer *signer = NULL;
    uint8_t made[SEAL_KEY], read[SEAL_KEY];
    struct stat stat_now;
    mode_t mask = umask(0);
    assert_int_equal(seal_signer_open(place->dir, &signer, place->error, sizeof(place->error)),
                     -ENOENT);
    assert_non_null(strstr(place->error, "tollgate keys signing"));
    assert_int_equal(seal_signer_make(place->dir, made, place->error, sizeof(place->error)), 0);
    umask(mask);
    assert_int_equal(stat(place->path, &stat_now), 0);
    assert_int_equal(stat_now.st_mode & 0777, 0600);
    assert_int_equal(stat_now.st_size, 65);
    assert_int_equal(seal_signer_open(place->dir, &signer, place->error, sizeof(place->error)), 0);
    seal_signer_key(signer, read);
    assert_memory_equal(made, read, SEAL_KEY);
    seal_signer_free(signer);
    memset(made, 0, sizeof(made));
    assert_int_equal(seal_signer_make(place->dir, made, place->error, sizeof(place->error)),
                     -EEXIST);
    assert_int_equal(made[0] | made[1] | made[2], 0);
}

static void a_key_that_is_no_secret_or_no_key_is_refused(void **state)
{
    static const struct {
        const char *text;
        mode_t mode;
        int result;
    } cases[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\n", 0640, -EACCES},
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\n", 0604, -EACCES},
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", 0600, -EBADMSG},
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f6\n", 0600, -EBADMSG},
        {"9D61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\n", 0600, -EBADMSG},
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\n\n", 0600, -EBADMSG},
        {"", 0600, -EBADMSG},
    };
    struct place *place = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct seal_signer *signer = NULL;
        write_key(place, cases[i].text, cases[i].mode);
        assert_int_equal(seal_signer_open(place->dir, &signer, place->error, sizeof(place->error)),
                         cases[i].result);
        assert_null(signer);
        assert_non_null(strstr(place->error, place->path));
        assert_null(strstr(place->error, "9d61")); /* and it is not shown */
    }
}

static void what_is_signed_holds_until_anything_changes(void **state)
{
    struct place *place = *state;
    struct seal_signer *signer;
    struct seal seal = sample(), changed;
    uint8_t key[SEAL_KEY], hash[TREE_HASH], other[TREE_HASH];
    assert_int_equal(seal_signer_make(place->dir, key, place->error, sizeof(place->error)), 0);
    assert_int_equal(seal_signer_open(place->dir, &signer, place->error, sizeof(place->error)), 0);
    assert_false(seal_verify(&seal));
    assert_int_equal(seal_sign(&seal, signer), 0);
    assert_memory_equal(seal.key, key, SEAL_KEY);
    assert_true(seal_verify(&seal));
    seal_hash(&seal, hash);
    for (size_t at = 0; at < sizeof(seal); at++) {
        char one[SEAL_TEXT_MAX], text[SEAL_TEXT_MAX];
        size_t len;
        changed = seal;
        ((unsigned char *)&changed)[at] ^= 1;
        if (changed.closed_ms < 0 || changed.closed_ms > 200000000000000 ||
            (at >= offsetof(struct seal, has_export) && at < offsetof(struct seal, booked)))
            continue; /* no value of its type, or padding */
        len = seal_print(&changed, true, text);
        if (seal_print(&seal, true, one) == len && memcmp(one, text, len) == 0)
            continue; /* a byte that is not in the text */
        assert_false(seal_verify(&changed));
    }
    changed = seal;
    changed.signature[3] ^= 1;
    seal_hash(&changed, other);
    assert_memory_equal(hash, other, TREE_HASH); /* of the signed text, not of the signature */
    changed.rows++;
    seal_hash(&changed, other);
    assert_memory_not_equal(hash, other, TREE_HASH);
    seal_signer_free(signer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_this_text),
        cmocka_unit_test(a_head_reads_back),
        cmocka_unit_test(no_other_text_is_a_head),
        cmocka_unit_test(odd_values_are_refused),
        cmocka_unit_test_setup_teardown(a_seed_has_its_public_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_is_made_once_and_kept_close, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_that_is_no_secret_or_no_key_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_signed_holds_until_anything_changes, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
