/* disk_test.c - what was put is got, by whom it was put, while it lives, and after a crash. */
#include "cache/disk.h"
#include "tests/cache/disk_sample.h"

#include <fcntl.h>
#include <pthread.h>
#include <rocksdb/c.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

static const size_t lengths[] = {
    0,       1, 1500, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1,
    5 * MIB,
};
enum { LENGTHS = sizeof(lengths) / sizeof(lengths[0]) };

static void entries_of_any_length_come_back_also_after_a_restart(void **state)
{
    char *dir = sample_directory();
    struct sample_source source = sample_source_new(lengths[LENGTHS - 1]);
    struct disk *disk = sample_open(dir, 256 * MIB, NOW);
    (void)state;
    for (uint64_t seed = 0; seed < 2; seed++) {
        for (uint64_t i = 0; i < LENGTHS; i++)
            assert_int_equal(
                sample_put(disk, &source, 2 * i + seed, lengths[i], 100 + seed, NOW, DAY), 0);
    }
    for (int restart = 0; restart < 2; restart++) {
        for (uint64_t seed = 0; seed < 2; seed++) {
            for (uint64_t i = 0; i < LENGTHS; i++)
                assert_int_equal(
                    sample_get(disk, &source, 2 * i + seed, lengths[i], 100 + seed, NOW + 1), 0);
        }
        assert_int_equal(sample_get(disk, &source, 999, 0, 0, NOW), -ENOENT);
        disk_close(disk);
        disk = sample_open(dir, 256 * MIB, NOW + 1);
    }
    disk_close(disk);
    sample_source_free(&source);
    sample_remove(dir);
}

static void an_entry_is_served_from_stored_at_until_expires_at(void **state)
{
    char *dir = sample_directory();
    struct sample_source source = sample_source_new(4096);
    struct disk *disk = sample_open(dir, 64 * MIB, NOW);
    (void)state;
    assert_int_equal(sample_put(disk, &source, 1, 1500, 2, NOW, 1 * SECOND), 0);
    static const struct {
        int64_t after_ms;
        int error;
    } cases[] = {{-1, -ENOENT}, {0, 0}, {999, 0}, {1000, -ENOENT}, {DAY, -ENOENT}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(sample_get(disk, &source, 1, 1500, 2, NOW + cases[i].after_ms),
                         cases[i].error);
    disk_close(disk);
    sample_source_free(&source);
    sample_remove(dir);
}

static void an_entry_put_again_replaces_the_first(void **state)
{
    char *dir = sample_directory();
    struct sample_source source = sample_source_new(300 * KIB);
    struct disk *disk = sample_open(dir, 64 * MIB, NOW);
    (void)state;
    assert_int_equal(sample_put(disk, &source, 1, 300 * KIB, 3, NOW, DAY), 0);
    assert_int_equal(sample_put(disk, &source, 1, 100, 4, NOW + 1, 10 * SECOND), 0);
    assert_int_equal(sample_get(disk, &source, 1, 100, 4, NOW + 2), 0);
    /* Its own time counts, and the first does not come back. */
    assert_int_equal(sample_get(disk, &source, 1, 100, 4, NOW + 11 * SECOND), -ENOENT);
    assert_int_equal(sample_put(disk, &source, 1, 200, 6, NOW + 3, DAY), 0);
    /* One that is over already takes the place of what was there, too. */
    struct store_entry over = {.stored_at_ms = NOW, .expires_at_ms = NOW + 4};
    struct key key = sample_key(1);
    struct tape *tape = sample_tape(&source, 10, 8);
    assert_int_equal(disk_put(disk, &key, &sample_seal, &over, tape, NOW + 4), 0);
    tape_unref(tape);
    assert_int_equal(sample_get(disk, &source, 1, 200, 6, NOW + 4), -ENOENT);
    disk_close(disk);
    sample_source_free(&source);
    sample_remove(dir);
}

static void a_deleted_entry_is_gone_and_stays_gone(void **state)
{
    char *dir = sample_directory();
    struct sample_source source = sample_source_new(4096);
    struct disk *disk = sample_open(dir, 64 * MIB, NOW);
    struct key key = sample_key(1), other = sample_key(2);
    (void)state;
    assert_int_equal(sample_put(disk, &source, 1, 1500, 2, NOW, DAY), 0);
    assert_int_equal(sample_put(disk, &source, 2, 1500, 4, NOW, DAY), 0);
    assert_true(disk_may_have(disk, &key));
    assert_int_equal(disk_delete(disk, &key), 0);
    assert_int_equal(disk_delete(disk, &key), 0); /* absent is as good */
    assert_false(disk_may_have(disk, &key));
    assert_int_equal(sample_get(disk, &source, 1, 1500, 2, NOW), -ENOENT);
    disk_close(disk);
    disk = sample_open(dir, 64 * MIB, NOW);
    assert_int_equal(sample_get(disk, &source, 1, 1500, 2, NOW), -ENOENT);
    assert_int_equal(sample_get(disk, &source, 2, 1500, 4, NOW), 0);
    assert_true(disk_may_have(disk, &other));
    disk_close(disk);
    sample_source_free(&source);
    sample_remove(dir);
}

static void another_seal_does_not_open_an_entry(void **state)
{
    char *dir = sample_directory();
    struct sample_source source = sample_source_new(4096);
    struct disk *disk = sample_open(dir, 64 * MIB, NOW);
    struct store_seal other = sample_seal;
    struct store_entry entry = {.stored_at_ms = 42};
    struct tape *tape = NULL;
    struct key key = sample_key(1);
    (void)state;
    other.bytes[31] ^= 1;
    assert_int_equal(sample_put(disk, &source, 1, 1500, 2, NOW, DAY), 0);
    assert_int_equal(disk_get(disk, &key, &other, NOW, &tape, &entry), -EBADMSG);
    assert_null(tape);
    assert_int_equal((int)entry.stored_at_ms, 42);
    assert_int_equal(sample_get(disk, &source, 1, 1500, 2, NOW), -ENOENT);
    disk_close(disk);
    sample_source_free(&source);
    sample_remove(dir);
}

static uint64_t bytes_read(void)
{
    unsigned long long bytes = 0;
    FILE *file = fopen("/proc/self/io", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "rchar: %llu", &bytes), 1);
    fclose(file);
    return bytes;
}

/* The filters answer, and the answer "absent" is nearly always given: bloom filters of 10 bits err
 * in about one of a hundred. */
static void asking_whether_an_entry_is_there_reads_nothing(void **state)
{
    enum { ENTRIES = 2000, PER_MILLE_WRONG_MAX = 30 };
    char *dir = sample_directory();
    struct sample_source source = sample_source_new(4096);
    struct disk *disk = sample_open(dir, 64 * MIB, NOW);
    unsigned wrong = 0;
    (void)state;
    for (uint64_t i = 0; i < ENTRIES; i++)
        assert_int_equal(sample_put(disk, &source, i, 100, i, NOW, DAY), 0);
    disk_close(disk); /* so that they are asked for in tables */
    disk = sample_open(dir, 64 * MIB, NOW);
    uint64_t before = bytes_read(), cost = bytes_read() - before;
    before = bytes_read();
    for (uint64_t i = 0; i < UINT64_C(2) * ENTRIES; i++) {
        struct key key = sample_key(i);
        bool may = disk_may_have(disk, &key);
        assert_true(i >= ENTRIES || may);
        wrong += i >= ENTRIES && may;
    }
    assert_true(bytes_read() - before <= cost);
    assert_true(wrong * 1000 <= ENTRIES * PER_MILLE_WRONG_MAX);
    disk_close(disk);
    sample_source_free(&source);
    sample_remove(dir);
}

/* RocksDB's threads do not survive a fork, so what needs a process of its own is this program
 * again: role and directory are its arguments, standard output is the pipe. */
static pid_t start_role(const char *role, const char *dir, int *ret_output)
{
    int output[2];
    assert_int_equal(pipe(output), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(output[1], STDOUT_FILENO);
        close(output[0]);
        close(output[1]);
        execl("/proc/self/exe", "disk_test", role, dir, (char *)NULL);
        _exit(127);
    }
    close(output[1]);
    *ret_output = output[0];
    return child;
}

static size_t crash_length(uint64_t number)
{
    return number % 7 == 0 ? 40000 : 1500;
}

/* Says the number of every entry after it was put, until it is killed. */
static int put_until_killed(const char *dir)
{
    struct sample_source source = sample_source_new(64 * KIB);
    struct disk *disk = sample_open(dir, 64 * MIB, NOW);
    for (uint64_t i = 0;; i++) {
        if (sample_put(disk, &source, i, crash_length(i), i, NOW, DAY) != 0 ||
            write(STDOUT_FILENO, &i, sizeof(i)) != sizeof(i))
            return 1;
    }
}

static void kill_loses_nothing_that_was_put(void **state)
{
    enum { ENTRIES = 2000 };
    char *dir = sample_directory();
    struct sample_source source = sample_source_new(64 * KIB);
    int told, status;
    uint64_t last = 0;
    (void)state;
    pid_t child = start_role("put", dir, &told);
    while (last < ENTRIES)
        assert_int_equal(read(told, &last, sizeof(last)), sizeof(last));
    assert_int_equal(kill(child, SIGKILL), 0);
    while (read(told, &last, sizeof(last)) == sizeof(last))
        continue;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    close(told);
    struct disk *disk = sample_open(dir, 64 * MIB, NOW);
    for (uint64_t i = 0; i <= last; i++)
        assert_int_equal(sample_get(disk, &source, i, crash_length(i), i, NOW), 0);
    assert_int_equal(sample_put(disk, &source, 1, 1500, 1, NOW, DAY), 0);
    disk_close(disk);
    sample_source_free(&source);
    sample_remove(dir);
}

/* Changes one value of the default column family behind the disk tier's back. */
static void write_raw(const char *dir, const char *key, const char *value)
{
    char *text = NULL;
    size_t count;
    rocksdb_options_t *options = rocksdb_options_create();
    char **names = rocksdb_list_column_families(options, dir, &count, &text);
    assert_null(text);
    const rocksdb_options_t *each[16];
    rocksdb_column_family_handle_t *handles[16];
    assert_true(count <= 16);
    for (size_t i = 0; i < count; i++)
        each[i] = options;
    rocksdb_t *db = rocksdb_open_column_families(options, dir, (int)count,
                                                 (const char *const *)names, each, handles, &text);
    assert_null(text);
    rocksdb_writeoptions_t *writing = rocksdb_writeoptions_create();
    rocksdb_put(db, writing, key, strlen(key), value, strlen(value), &text);
    assert_null(text);
    rocksdb_writeoptions_destroy(writing);
    for (size_t i = 0; i < count; i++)
        rocksdb_column_family_handle_destroy(handles[i]);
    rocksdb_close(db);
    rocksdb_list_column_families_destroy(names, count);
    rocksdb_options_destroy(options);
}

static void what_cannot_be_opened_is_refused_with_its_reason(void **state)
{
    char *dir = sample_directory();
    char error[256] = "", other[64];
    struct sample_source source = sample_source_new(4096);
    struct disk *disk = sample_open(dir, 64 * MIB, NOW), *none = NULL;
    (void)state;
    assert_int_equal(sample_put(disk, &source, 1, 1500, 2, NOW, DAY), 0);
    /* In use: that directory must not be set aside. */
    assert_int_equal(disk_open(dir, 64 * MIB, NOW, &none, error, sizeof(error)), -EBUSY);
    assert_non_null(strstr(error, dir));
    disk_close(disk);
    assert_int_equal(disk_open(dir, 16 * MIB - 1, NOW, &none, error, sizeof(error)), -EINVAL);
    assert_int_equal(disk_open("/dev/null/x", 16 * MIB, NOW, &none, error, sizeof(error)),
                     -ENOTDIR);
    write_raw(dir, "format", "2");
    assert_int_equal(disk_open(dir, 64 * MIB, NOW, &none, error, sizeof(error)), -EPROTO);
    write_raw(dir, "format", "1");
    disk = sample_open(dir, 64 * MIB, NOW);
    assert_int_equal(sample_get(disk, &source, 1, 1500, 2, NOW), 0);
    disk_close(disk);
    snprintf(other, sizeof(other), "%.50s/CURRENT", dir);
    int file = open(other, O_WRONLY | O_TRUNC);
    assert_true(file >= 0);
    assert_int_equal(write(file, "garbage", 7), 7);
    close(file);
    int code = disk_open(dir, 64 * MIB, NOW, &none, error, sizeof(error));
    assert_true(code == -EBADMSG || code == -EIO);
    assert_null(none);
    sample_source_free(&source);
    sample_remove(dir);
}

/* Flips one byte in every KiB of every table. */
static int damage(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)kind, (void)where;
    const char *dot = strrchr(path, '.');
    if (dot == NULL || strcmp(dot, ".sst") != 0 || status->st_size < 65536)
        return 0;
    int file = open(path, O_RDWR);
    for (off_t at = 512; at + 8192 < status->st_size; at += 1024) {
        char byte;
        if (pread(file, &byte, 1, at) != 1)
            return -1;
        byte = (char)(byte ^ 0x10);
        if (pwrite(file, &byte, 1, at) != 1)
            return -1;
    }
    close(file);
    return 0;
}

static void damaged_tables_give_no_entry_and_no_crash(void **state)
{
    enum { ENTRIES = 40 };
    char *dir = sample_directory();
    char error[256];
    struct sample_source source = sample_source_new(64 * KIB);
    struct disk *disk = sample_open(dir, 64 * MIB, NOW);
    unsigned bad = 0;
    (void)state;
    for (uint64_t i = 0; i < ENTRIES; i++)
        assert_int_equal(sample_put(disk, &source, i, 40000, 2 * i + 1, NOW, DAY), 0);
    disk_close(disk);
    assert_int_equal(nftw(dir, damage, 16, FTW_PHYS), 0);
    disk = NULL;
    int code = disk_open(dir, 64 * MIB, NOW, &disk, error, sizeof(error));
    assert_int_equal(code, 0); /* the tables' ends, which are read here, are whole */
    for (uint64_t i = 0; i < ENTRIES; i++) {
        int got = sample_get(disk, &source, i, 40000, 2 * i + 1, NOW);
        assert_true(got == 0 || got == -EBADMSG);
        bad += got == -EBADMSG;
        if (got == -EBADMSG)
            assert_int_equal(sample_get(disk, &source, i, 40000, 2 * i + 1, NOW), -ENOENT);
    }
    assert_true(bad > ENTRIES / 2);
    disk_close(disk);
    sample_source_free(&source);
    sample_remove(dir);
}

/* A file size limit stands in for a full disk: RocksDB refuses writes from then on. In a child, as
 * the limit is the process's. Its exit code names the step that failed. */
static int refuse_and_heal(const char *dir)
{
    enum { TRIES = 5000 };
    struct rlimit limit;
    struct sample_source source = sample_source_new(4096);
    struct disk *disk = sample_open(dir, 64 * MIB, NOW);
    signal(SIGXFSZ, SIG_IGN);
    if (sample_put(disk, &source, 1, 1500, 2, NOW, DAY) != 0 ||
        getrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 2;
    rlim_t usual = limit.rlim_cur;
    limit.rlim_cur = 16 * KIB;
    setrlimit(RLIMIT_FSIZE, &limit);
    int error = 0;
    for (uint64_t i = 0; error == 0 && i < TRIES; i++)
        error = sample_put(disk, &source, 10 + i, 1500, 3, NOW, DAY);
    if (error != -EIO)
        return 3;
    limit.rlim_cur = usual;
    setrlimit(RLIMIT_FSIZE, &limit);
    if (sample_put(disk, &source, 2, 1500, 4, NOW, DAY) != -EIO)
        return 4;
    disk_tick(disk, NOW);
    if (sample_put(disk, &source, 2, 1500, 4, NOW, DAY) != 0)
        return 5;
    if (sample_get(disk, &source, 1, 1500, 2, NOW) != 0)
        return 6;
    if (sample_get(disk, &source, 2, 1500, 4, NOW) != 0)
        return 7;
    disk_close(disk);
    sample_source_free(&source);
    return 0;
}

static void a_tick_heals_a_database_that_refused_to_write(void **state)
{
    char *dir = sample_directory();
    int output, status;
    (void)state;
    pid_t child = start_role("heal", dir, &output);
    assert_int_equal(waitpid(child, &status, 0), child);
    close(output);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    sample_remove(dir);
}

/* --- threads --- */

enum { THREADS = 4, KEYS = 64, ROUNDS = 1500 };

struct crowd {
    struct disk *disk;
    atomic_int_least64_t now_ms;
    atomic_uint failures, hits;
};

struct member {
    struct crowd *crowd;
    uint64_t seed;
};

/* The body of a key is the same whoever puts it: a hit with another one is a failure. */
static bool round_ok(struct crowd *crowd, struct sample_source *source, uint64_t random)
{
    uint64_t number = random % KEYS;
    size_t len = number % 8 == 0 ? 30000 : 1500;
    int64_t now_ms = atomic_fetch_add(&crowd->now_ms, 50);
    int64_t ttl_ms = number % 4 == 0 ? 5 * SECOND : number % 4 == 1 ? 600 * SECOND : DAY;
    struct key key = sample_key(number);
    switch ((random >> 32) % 8) {
    case 0:
    case 1:
    case 2: {
        int error = sample_put(crowd->disk, source, number, len, number, now_ms, ttl_ms);
        return error == 0 || error == -ENOSPC;
    }
    case 3:
        disk_tick(crowd->disk, now_ms);
        return true;
    case 4:
        disk_may_have(crowd->disk, &key);
        return (random >> 40) % 4 != 0 || disk_delete(crowd->disk, &key) == 0;
    default: {
        int error = sample_get(crowd->disk, source, number, len, number, now_ms);
        if (error == 0)
            atomic_fetch_add(&crowd->hits, 1);
        return error == 0 || error == -ENOENT;
    }
    }
}

static void *be_busy(void *data)
{
    struct member *member = data;
    struct sample_source source = sample_source_new(64 * KIB);
    uint64_t random = member->seed;
    for (int i = 0; i < ROUNDS; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        if (!round_ok(member->crowd, &source, random))
            atomic_fetch_add(&member->crowd->failures, 1);
    }
    sample_source_free(&source);
    return NULL;
}

static void threads_may_put_get_delete_and_tick_at_once(void **state)
{
    char *dir = sample_directory();
    struct crowd crowd = {.disk = sample_open(dir, 16 * MIB, NOW)};
    struct member members[THREADS];
    pthread_t threads[THREADS];
    (void)state;
    atomic_store(&crowd.now_ms, NOW);
    for (uint64_t i = 0; i < THREADS; i++) {
        members[i] = (struct member){.crowd = &crowd, .seed = 1234567 + i * 7919};
        assert_int_equal(pthread_create(&threads[i], NULL, be_busy, &members[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&crowd.failures), 0);
    assert_true(atomic_load(&crowd.hits) > ROUNDS / 4);
    disk_close(crowd.disk);
    sample_remove(dir);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "put") == 0)
        return put_until_killed(argv[2]);
    if (argc == 3 && strcmp(argv[1], "heal") == 0)
        return refuse_and_heal(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_of_any_length_come_back_also_after_a_restart),
        cmocka_unit_test(an_entry_is_served_from_stored_at_until_expires_at),
        cmocka_unit_test(an_entry_put_again_replaces_the_first),
        cmocka_unit_test(a_deleted_entry_is_gone_and_stays_gone),
        cmocka_unit_test(another_seal_does_not_open_an_entry),
        cmocka_unit_test(asking_whether_an_entry_is_there_reads_nothing),
        cmocka_unit_test(kill_loses_nothing_that_was_put),
        cmocka_unit_test(what_cannot_be_opened_is_refused_with_its_reason),
        cmocka_unit_test(damaged_tables_give_no_entry_and_no_crash),
        cmocka_unit_test(a_tick_heals_a_database_that_refused_to_write),
        cmocka_unit_test(threads_may_put_get_delete_and_tick_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
