#include "server/prices_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
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

static char folder[64];
static char path[128], link_path[128];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/prices_file_XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/real.json", folder);
    snprintf(link_path, sizeof link_path, "%s/link.json", folder);
    return 0;
}

/* Nothing else may lie there. */
static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    unlink(link_path);
    return rmdir(folder);
}

static void replace(const char *name, const char *bytes)
{
    struct prices_file file;

    assert_int_equal(prices_file_lock(name, NULL, &file), 0);
    assert_int_equal(prices_file_replace(&file, bytes, strlen(bytes)), 0);
    prices_file_unlock(&file);
}

static void holds(const char *want)
{
    char bytes[64] = "";
    FILE *in = fopen(path, "r");

    assert_non_null(in);
    assert_int_equal(fread(bytes, 1, sizeof bytes - 1, in), strlen(want));
    fclose(in);
    assert_string_equal(bytes, want);
}

static mode_t mode_of(const char *name)
{
    struct stat status;

    assert_int_equal(lstat(name, &status), 0);
    return status.st_mode;
}

static void a_new_file_has_what_the_umask_leaves(void **state)
{
    mode_t mask = umask(027);

    (void)state;
    replace(path, "one");
    umask(mask);
    holds("one");
    assert_int_equal(mode_of(path) & 0777, 0640);
}

static void the_mode_stays(void **state)
{
    (void)state;
    replace(path, "one");
    assert_int_equal(chmod(path, 0604), 0);
    replace(path, "two");
    holds("two");
    assert_int_equal(mode_of(path) & 0777, 0604);
}

static void a_link_is_followed(void **state)
{
    struct prices_file file;

    (void)state;
    assert_int_equal(symlink("real.json", link_path), 0);
    assert_int_equal(prices_file_lock(link_path, NULL, &file), -ENOENT); /* points to nothing yet */
    replace(path, "one");
    replace(link_path, "two");
    holds("two");
    assert_true(S_ISLNK(mode_of(link_path)));
}

static void a_failure_leaves_the_old_one(void **state)
{
    struct prices_file file;

    (void)state;
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(prices_file_lock(path, NULL, &file), 0);
    assert_int_equal(prices_file_replace(&file, "x", 1), -EINVAL);
    prices_file_unlock(&file);
    assert_int_equal(rmdir(path), 0);
}

static void names_that_cannot_be(void **state)
{
    char long_path[PATH_MAX + 64];
    struct prices_file file;

    (void)state;
    assert_int_equal(prices_file_lock("/nowhere/at/all.json", NULL, &file), -ENOENT);
    memset(long_path, 'x', sizeof long_path);
    long_path[sizeof long_path - 1] = '\0';
    assert_int_equal(prices_file_lock(long_path, NULL, &file), -ENAMETOOLONG);
}

/* Somebody else has it: whoever is told to stop does not wait. */
static void one_at_a_time(void **state)
{
    static const _Atomic bool stop = true;
    struct prices_file first, second;

    (void)state;
    replace(path, "one");
    assert_int_equal(prices_file_lock(path, NULL, &first), 0);
    assert_true(first.exists);
    assert_int_equal(prices_file_lock(path, &stop, &second), -ECANCELED);
    prices_file_unlock(&first);
    assert_int_equal(prices_file_lock(path, &stop, &second), 0);
    prices_file_unlock(&second);
}

/* Each adds a byte to what is there: none is lost. */
static void *add_bytes(void *arg)
{
    for (int i = 0; i < 8; i++) {
        struct prices_file file;
        char bytes[64];
        ssize_t len;
        int fd;
        if (prices_file_lock(path, NULL, &file) != 0)
            return arg;
        fd = open(path, O_RDONLY);
        len = read(fd, bytes, sizeof bytes - 1);
        close(fd);
        bytes[len] = 'x';
        if (prices_file_replace(&file, bytes, (size_t)len + 1) != 0)
            return arg;
        prices_file_unlock(&file);
    }
    return NULL;
}

static void nobody_undoes_another(void **state)
{
    pthread_t threads[4];
    void *failed;

    (void)state;
    replace(path, "x");
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_bytes, path), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    holds("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_new_file_has_what_the_umask_leaves),
        CASE(the_mode_stays),
        CASE(a_link_is_followed),
        CASE(a_failure_leaves_the_old_one),
        CASE(names_that_cannot_be),
        CASE(one_at_a_time),
        CASE(nobody_undoes_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
