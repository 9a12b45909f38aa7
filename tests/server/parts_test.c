#include "server/genid.h"
#include "server/identity.h"
#include "server/memo.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void ids_carry_their_time_and_never_repeat(void **state)
{
    static struct genid genid;
    char first[GENID_VERCEL_LEN + 1], again[GENID_VERCEL_LEN + 1];

    (void)state;
    genid_init(&genid);
    /* The instant and the ten characters of the ULID specification's own example. */
    genid_vercel(&genid, 1469918176385, first);
    assert_int_equal(strlen(first), GENID_VERCEL_LEN);
    assert_memory_equal(first, "gen_01ARYZ6S41", 14);
    assert_int_equal(strspn(first + 4, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 26);
    for (int i = 0; i < 2000; i++) { /* across several refills of the pool */
        genid_vercel(&genid, 1469918176385, again);
        assert_memory_equal(first, again, 14);
        assert_string_not_equal(first, again);
        memcpy(first, again, sizeof first);
    }
}

static void a_memo_remembers_by_the_whole_digest(void **state)
{
    struct memo *memo = memo_new();
    struct key one = {{1}}, twin = {{1}};
    struct memo_value value = {.stream = true};

    (void)state;
    assert_non_null(memo);
    twin.bytes[KEY_BYTES - 1] = 1; /* same set, another request */
    memo_put(memo, &one, &value);
    assert_non_null(memo_get(memo, &one));
    assert_null(memo_get(memo, &twin));
    value.stream = false;
    memo_put(memo, &twin, &value);
    assert_true(memo_get(memo, &one)->stream);
    assert_false(memo_get(memo, &twin)->stream);
    memo_free(memo);
}

static void the_identity_secret_is_made_once_and_private(void **state)
{
    char dir[] = "/tmp/tollgate-identity-XXXXXX", path[64], error[256] = "";
    uint8_t first[IDENTITY_BYTES], second[IDENTITY_BYTES];
    struct stat status;
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(identity_open(dir, first, error, sizeof error), 0);
    assert_int_equal(identity_open(dir, second, error, sizeof error), 0);
    assert_memory_equal(first, second, IDENTITY_BYTES);
    snprintf(path, sizeof path, "%s/identity.secret", dir);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    file = fopen(path, "a");
    assert_non_null(file);
    fputc('x', file);
    fclose(file);
    assert_int_equal(identity_open(dir, second, error, sizeof error), -EBADMSG);
    assert_non_null(strstr(error, "32 bytes"));
    unlink(path);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_carry_their_time_and_never_repeat),
        cmocka_unit_test(a_memo_remembers_by_the_whole_digest),
        cmocka_unit_test(the_identity_secret_is_made_once_and_private),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
