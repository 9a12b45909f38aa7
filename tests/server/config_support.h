/* config_support.h - a directory for each run of the configuration's tests, and texts opened in it.
 */
#ifndef TESTS_SERVER_CONFIG_SUPPORT_H
#define TESTS_SERVER_CONFIG_SUPPORT_H

#include "server/config_draft.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A smallest configuration on one line; one with a key of ours; and one up to its base URL. */
#define EXAMPLE "upstreams: [{name: a, dialect: vercel, base_url: 'http://localhost:1/v1'}]\n"
#define PAYING                                                                                     \
    "upstreams: [{name: a, dialect: vercel, base_url: 'https://x/v1', api_key_env: "               \
    "TOLLGATE_TEST_KEY}]\n"
/* SHA-256 of "a" and "b". */
#define HASH_A "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
#define HASH_B "sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
#define AT_URL "upstreams:\n  - name: a\n    dialect: vercel\n    base_url: "

enum { PATH_SIZE = 256 };

static char directory[PATH_SIZE]; /* of this run; holds what config_cases.h says */

static inline void path_in(const char *name, char path[PATH_SIZE])
{
    assert_true(snprintf(path, PATH_SIZE, "%s/%s", directory, name) < PATH_SIZE);
}

static inline void write_file(const char *name, const char *text, size_t len)
{
    char path[PATH_SIZE];
    FILE *file;
    path_in(name, path);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static inline int set_up(void **state)
{
    char path[PATH_SIZE], made[] = "/tmp/config_test.XXXXXX";
    char *real;
    (void)state;
    if (mkdtemp(made) == NULL)
        return -1;
    real = realpath(made, NULL); /* as messages show it */
    assert_non_null(real);
    snprintf(directory, sizeof(directory), "%s", real);
    free(real);
    write_file("cert.pem", "", 0);
    write_file("key.pem", "", 0);
    write_file("prices.json", "{}", 2);
    path_in("dir", path);
    return mkdir(path, 0700);
}

static inline int tear_down(void **state)
{
    static const char *const files[] = {"cert.pem", "key.pem", "prices.json", "c.yaml", "link"};
    char path[PATH_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        path_in(files[i], path);
        unlink(path);
    }
    path_in("dir/again.yaml", path);
    unlink(path);
    path_in("dir", path);
    rmdir(path);
    return rmdir(directory);
}

/* give: *ret_errors. */
static inline int open_file(const char *path, bool need_secrets, char **ret_errors,
                            struct config **ret_config)
{
    size_t len;
    FILE *errors = open_memstream(ret_errors, &len);
    int error;
    assert_non_null(errors);
    error = config_open(path, need_secrets, errors, ret_config);
    fclose(errors);
    return error;
}

static inline int open_text(const char *text, bool need_secrets, char **ret_errors,
                            struct config **ret_config)
{
    char path[PATH_SIZE];
    path_in("c.yaml", path);
    write_file("c.yaml", text, strlen(text));
    return open_file(path, need_secrets, ret_errors, ret_config);
}

/* give: the configuration. */
static inline struct config *accept(const char *text, bool need_secrets)
{
    struct config *config = NULL;
    char *errors;
    int error = open_text(text, need_secrets, &errors, &config);
    assert_string_equal(errors, "");
    assert_int_equal(error, 0);
    free(errors);
    return config;
}

/* text with every `from` replaced. give: the result. */
static inline char *replace(const char *text, const char *from, const char *to)
{
    size_t len;
    char *result;
    FILE *out = open_memstream(&result, &len);
    const char *found;
    assert_non_null(out);
    while ((found = strstr(text, from)) != NULL) {
        fwrite(text, 1, (size_t)(found - text), out);
        fputs(to, out);
        text = found + strlen(from);
    }
    fputs(text, out);
    fclose(out);
    return result;
}

/* complaints: as config_cases.h writes them. */
static inline void assert_refused(const char *text, bool need_secrets, const char *complaints)
{
    struct config *config = (struct config *)&directory; /* must stay */
    char prefix[PATH_SIZE + 8], at[PATH_SIZE + 1], *errors, *got, *want;
    snprintf(prefix, sizeof(prefix), "%s/c.yaml:", directory);
    snprintf(at, sizeof(at), "%s/", directory);
    want = replace(complaints, "@/", at);
    assert_int_equal(open_text(text, need_secrets, &errors, &config), -EINVAL);
    assert_ptr_equal(config, &directory);
    assert_memory_equal(errors, prefix, strlen(prefix));
    got = replace(errors, prefix, "");
    assert_string_equal(got, want);
    free(got);
    free(want);
    free(errors);
}

#endif
