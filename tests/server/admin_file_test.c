#include "server/admin_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct folder {
    char dir[64], path[96], part[112], other[96];
};

static int setup(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);

    snprintf(folder->dir, sizeof folder->dir, "/tmp/tollgate-admin.XXXXXX");
    if (folder == NULL || mkdtemp(folder->dir) == NULL)
        return -1;
    snprintf(folder->path, sizeof folder->path, "%s/a.csv", folder->dir);
    snprintf(folder->part, sizeof folder->part, "%s.part", folder->path);
    snprintf(folder->other, sizeof folder->other, "%s/b", folder->dir);
    *state = folder;
    return 0;
}

static int teardown(void **state)
{
    struct folder *folder = *state;

    unlink(folder->path);
    unlink(folder->part);
    unlink(folder->other);
    assert_int_equal(rmdir(folder->dir), 0); /* nothing else was left behind */
    free(folder);
    return 0;
}

static void assert_holds(const char *path, const char *text)
{
    char bytes[64] = "";
    struct stat status;
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, sizeof bytes - 1, file), strlen(text));
    fclose(file);
    assert_string_equal(bytes, text);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void a_file_is_there_whole_or_not_at_all(void **state)
{
    /* SHA-256 of "abc" (FIPS 180-2 appendix B.1). */
    static const uint8_t abc[ADMIN_FILE_HASH] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
        0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
        0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
    };
    struct folder *folder = *state;
    struct admin_file file = {.stream = NULL}, second = {.stream = NULL};
    uint8_t hash[ADMIN_FILE_HASH];

    assert_int_equal(admin_file_begin(&file, folder->path), 0);
    assert_int_equal(admin_file_begin(&second, folder->path), -EEXIST); /* it is being written */
    fputs("abc", file.stream);
    assert_int_equal(access(folder->path, F_OK), -1);
    assert_int_equal(admin_file_sync(&file, hash), 0);
    assert_memory_equal(hash, abc, sizeof hash);
    assert_int_equal(admin_file_finish(&file, hash), 0);
    assert_holds(folder->path, "abc");
    assert_int_equal(access(folder->part, F_OK), -1);
    admin_file_abandon(&file); /* of what is finished nothing goes */
    assert_holds(folder->path, "abc");
}

static void what_is_there_is_never_replaced(void **state)
{
    struct folder *folder = *state;
    struct admin_file file = {.stream = NULL};
    uint8_t hash[ADMIN_FILE_HASH];

    assert_int_equal(admin_file_begin(&file, folder->path), 0);
    fputs("late", file.stream);
    assert_int_equal(admin_file_write(folder->other, "early", 5), 0);
    assert_int_equal(rename(folder->other, folder->path), 0); /* it comes meanwhile */
    assert_int_equal(admin_file_sync(&file, hash), 0);
    assert_int_equal(admin_file_finish(&file, hash), -EEXIST);
    assert_holds(folder->path, "early");
    assert_int_equal(access(folder->part, F_OK), -1);
    assert_int_equal(admin_file_write(folder->path, "x", 1), -EEXIST);
    assert_holds(folder->path, "early");
}

static void write_raw(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

/* What a process leaves behind that is killed in the middle of it, or after it. */
static void what_was_left_behind_is_gone_on_from(void **state)
{
    struct folder *folder = *state;
    struct admin_file file = {.stream = NULL};
    uint8_t hash[ADMIN_FILE_HASH];

    write_raw(folder->part, "half of a longer te", 0600);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(admin_file_begin(&file, folder->path), 0);
        fputs("whole", file.stream);
        assert_int_equal(admin_file_sync(&file, hash), 0);
        assert_int_equal(admin_file_finish(&file, hash), again); /* 1: it is there, and the same */
        assert_holds(folder->path, "whole");
        assert_int_equal(access(folder->part, F_OK), -1);
    }
}

static void what_is_not_ours_is_not_replaced(void **state)
{
    struct folder *folder = *state;
    struct admin_file file = {.stream = NULL};

    write_raw(folder->part, "theirs", 0644);
    assert_int_equal(admin_file_begin(&file, folder->path), -EEXIST);
    assert_int_equal(chmod(folder->part, 0600), 0);
    assert_holds(folder->part, "theirs");
    assert_int_equal(link(folder->part, folder->other), 0); /* and by another name */
    assert_int_equal(admin_file_begin(&file, folder->path), -EEXIST);
    unlink(folder->part);
    assert_int_equal(symlink(folder->other, folder->part), 0);
    assert_int_equal(admin_file_begin(&file, folder->path), -EEXIST);
    assert_holds(folder->other, "theirs");
}

static void what_is_abandoned_is_gone(void **state)
{
    struct folder *folder = *state;
    struct admin_file file = {.stream = NULL};
    char nowhere[128];

    assert_int_equal(admin_file_begin(&file, folder->path), 0);
    admin_file_abandon(&file);
    admin_file_abandon(&file);
    assert_int_equal(access(folder->path, F_OK), -1);
    assert_int_equal(access(folder->part, F_OK), -1);
    snprintf(nowhere, sizeof nowhere, "%s/none/a", folder->dir);
    assert_int_equal(admin_file_begin(&file, nowhere), -ENOENT);
}

static void secrets_are_copied_whole(void **state)
{
    struct folder *folder = *state;
    char *large = calloc(1, 64 * 1024 + 1);

    assert_int_equal(admin_file_copy(folder->path, folder->other), -ENOENT);
    assert_int_equal(admin_file_write(folder->path, "a\0b", 3), 0);
    assert_int_equal(admin_file_copy(folder->path, folder->other), 0);
    assert_int_equal(access(folder->other, R_OK), 0);
    assert_int_equal(admin_file_copy(folder->path, folder->other), -EEXIST);
    unlink(folder->path);
    unlink(folder->other);
    assert_non_null(large);
    assert_int_equal(admin_file_write(folder->path, large, 64 * 1024 + 1), 0);
    assert_int_equal(admin_file_copy(folder->path, folder->other), -EFBIG);
    assert_int_equal(access(folder->other, F_OK), -1);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_there_whole_or_not_at_all, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_there_is_never_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_left_behind_is_gone_on_from, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_ours_is_not_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_abandoned_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets_are_copied_whole, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
