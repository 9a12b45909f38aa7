/* disk_room_test.c - the directory stays within its budget, what expired leaves unread, and what is
 * on the disk says nothing.
 */
#include "tests/cache/disk_sample.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

static uint64_t bytes_read(void)
{
    unsigned long long bytes = 0;
    FILE *file = fopen("/proc/self/io", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "rchar: %llu", &bytes), 1);
    fclose(file);
    return bytes;
}

/* 50 MiB that live ten seconds beside 10 MiB that live a day. */
static void what_expired_leaves_without_being_read(void **state)
{
    enum { BODY = 65536, SHORT = 800, LONG = 160 };
    char *dir = sample_directory();
    struct sample_source source = sample_source_new(BODY);
    struct disk *disk = sample_open(dir, 512 * MIB, NOW);
    (void)state;
    for (uint64_t i = 0; i < SHORT + LONG; i++) {
        int64_t ttl_ms = i % 6 == 0 ? DAY : 10 * SECOND;
        assert_int_equal(sample_put(disk, &source, i, BODY, 2 * i + 1, NOW, ttl_ms), 0);
    }
    disk_close(disk); /* all of it into tables */
    disk = sample_open(dir, 512 * MIB, NOW + 1);
    uint64_t full = sample_du(dir);
    assert_true(full > 55 * MIB);
    disk_tick(disk, NOW + 10 * SECOND - 1);
    assert_true(sample_du(dir) > 55 * MIB); /* not yet */
    uint64_t read_before = bytes_read();
    disk_tick(disk, NOW + 10 * SECOND);
    assert_true(bytes_read() - read_before < 2 * MIB);
    assert_true(sample_du(dir) < 14 * MIB);
    for (uint64_t i = 0; i < SHORT + LONG; i++)
        assert_int_equal(sample_get(disk, &source, i, BODY, 2 * i + 1, NOW + 10 * SECOND),
                         i % 6 == 0 ? 0 : -ENOENT);
    disk_close(disk);
    sample_source_free(&source);
    sample_remove(dir);
}

/* Each second some entries of every time to live; each entry is found until its last millisecond
 * and the directory forgets it soon after: a generation stays open for a quarter of its class's
 * span at most, and takes as long as its longest entry. */
static void entries_of_mixed_lives_leave_in_their_time(void **state)
{
    static const int64_t lives[] = {1 * SECOND, 100 * SECOND, 800 * SECOND, 7000 * SECOND, DAY};
    enum { LIVES = 5, STEPS = 40, BODY = 40000 };
    char *dir = sample_directory();
    struct sample_source source = sample_source_new(BODY);
    struct disk *disk = sample_open(dir, 256 * MIB, NOW);
    int64_t now_ms = NOW;
    (void)state;
    for (uint64_t i = 0; i < STEPS; i++, now_ms += 5 * SECOND) {
        for (uint64_t j = 0; j < LIVES; j++)
            assert_int_equal(
                sample_put(disk, &source, i * LIVES + j, BODY, 2 * i + 1, now_ms, lives[j]), 0);
        disk_tick(disk, now_ms);
    }
    for (uint64_t j = 0; j < LIVES; j++) {
        int64_t first_ms = NOW + lives[j];
        if (first_ms > now_ms) {
            assert_int_equal(sample_get(disk, &source, j, BODY, 1, first_ms - 1), 0);
            assert_int_equal(sample_get(disk, &source, j, BODY, 1, first_ms), -ENOENT);
        }
    }
    uint64_t before = sample_du(dir);
    for (uint64_t j = 0; j < LIVES; j++) {
        /* What a closed database holds is in tables: the log would blur the picture. */
        disk_close(disk);
        disk = sample_open(dir, 256 * MIB, now_ms + lives[j]);
        disk_tick(disk, now_ms + lives[j]);
        uint64_t after = sample_du(dir);
        assert_true(before - after > (uint64_t)STEPS * BODY * 3 / 4 || j == 0);
        before = after;
    }
    assert_true(sample_du(dir) < 1 * MIB);
    disk_close(disk);
    sample_source_free(&source);
    sample_remove(dir);
}

/* --- the budget --- */

struct filling {
    uint64_t budget;
    size_t body;   /* of every entry, */
    size_t body2;  /* or of every other */
    bool one_life; /* a day; else one of four */
    uint64_t times;
};

static int64_t life(const struct filling *filling, uint64_t number)
{
    static const int64_t lives[] = {90 * SECOND, 600 * SECOND, 3600 * SECOND, DAY};
    return filling->one_life ? DAY : lives[number % 4];
}

/* Looks at the directory all the time, from a thread of its own: what a put leaves behind is not
 * all that there was for a while. */
struct watch {
    const char *dir;
    atomic_bool stop;
    uint64_t highest, looks;
};

static void *look(void *data)
{
    struct watch *watch = data;
    while (!atomic_load(&watch->stop)) {
        uint64_t bytes = sample_du(watch->dir);
        if (bytes > watch->highest)
            watch->highest = bytes;
        watch->looks++;
        usleep(2000); /* the puts should have the processor, too */
    }
    return NULL;
}

static void fill(const struct filling *filling)
{
    char *dir = sample_directory();
    size_t body_max = filling->body > filling->body2 ? filling->body : filling->body2;
    struct sample_source source = sample_source_new(body_max);
    struct disk *disk = sample_open(dir, filling->budget, NOW);
    struct watch watch = {.dir = dir};
    pthread_t thread;
    uint64_t put = 0, number = 0, refused = 0;
    assert_int_equal(pthread_create(&thread, NULL, look, &watch), 0);
    for (; put < filling->times * filling->budget; number++) {
        size_t len = number % 2 == 0 ? filling->body : filling->body2;
        int error = sample_put(disk, &source, number, len, 2 * number + 1,
                               NOW + (int64_t)number / 10, life(filling, number));
        assert_true(error == 0 || error == -ENOSPC);
        refused += error == -ENOSPC;
        put += len;
    }
    atomic_store(&watch.stop, true);
    pthread_join(thread, NULL);
    uint64_t kept = 0, last_kept = 0;
    for (uint64_t i = 0; i < number; i++) {
        size_t len = i % 2 == 0 ? filling->body : filling->body2;
        if (sample_get(disk, &source, i, len, 2 * i + 1, NOW + (int64_t)number / 10) == 0) {
            kept += len;
            last_kept = i;
        }
    }
    print_message("budget %4llu MiB, bodies of %zu/%zu: highest %.1f %% of %llu looks, kept %.1f "
                  "%%, refused %llu of %llu\n",
                  (unsigned long long)(filling->budget / MIB), filling->body, filling->body2,
                  100.0 * (double)watch.highest / (double)filling->budget,
                  (unsigned long long)watch.looks, 100.0 * (double)kept / (double)filling->budget,
                  (unsigned long long)refused, (unsigned long long)number);
    assert_true(watch.looks > 20);
    assert_true(watch.highest <= filling->budget + filling->budget / 10);
    assert_true(disk_bytes(disk) <= filling->budget + filling->budget / 10);
    assert_true(kept > filling->budget / 2); /* a budget is there to be used */
    assert_true(last_kept + 8 > number);     /* the newest are there */
    assert_int_equal(refused, 0);
    disk_close(disk);
    assert_true(sample_du(dir) <= filling->budget + filling->budget / 10);
    sample_source_free(&source);
    sample_remove(dir);
}

static void overfilling_never_takes_more_than_the_budget(void **state)
{
    static const struct filling fillings[] = {
        {.budget = 64 * MIB, .body = 20000, .body2 = 1500, .one_life = true, .times = 5},
        {.budget = 64 * MIB, .body = 64 * KIB, .body2 = 1000, .times = 2},
        {.budget = 64 * MIB, .body = 3 * MIB, .body2 = 20000, .times = 2},
        {.budget = 16 * MIB, .body = 10000, .body2 = 1500, .times = 2},
        {.budget = 16 * MIB, .body = 300 * KIB, .body2 = 500, .one_life = true, .times = 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(fillings) / sizeof(fillings[0]); i++)
        fill(&fillings[i]);
}

/* Small entries that live for a second: heads are most of what there is, and they must go, too. */
static void heads_of_what_left_are_swept(void **state)
{
    enum { ROUNDS = 6, PER_ROUND = 8000 };
    char *dir = sample_directory();
    struct sample_source source = sample_source_new(4096);
    struct disk *disk = sample_open(dir, 64 * MIB, NOW);
    int64_t now_ms = NOW;
    (void)state;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        for (uint64_t i = 0; i < PER_ROUND; i++)
            assert_int_equal(
                sample_put(disk, &source, round * PER_ROUND + i, 20, i, now_ms, SECOND), 0);
        now_ms += 60 * SECOND;
        disk_tick(disk, now_ms);
    }
    for (int i = 0; i < 8; i++)
        disk_tick(disk, now_ms);
    disk_close(disk);
    disk = sample_open(dir, 64 * MIB, now_ms);
    for (int i = 0; i < 8; i++)
        disk_tick(disk, now_ms);
    disk_close(disk);
    /* 48,000 heads are 6 MiB. */
    assert_true(sample_du(dir) < 1 * MIB);
    sample_source_free(&source);
    sample_remove(dir);
}

static void an_entry_too_large_for_the_budget_is_refused(void **state)
{
    char *dir = sample_directory();
    struct sample_source source = sample_source_new(16 * MIB);
    struct disk *disk = sample_open(dir, 16 * MIB, NOW);
    (void)state;
    assert_int_equal(sample_put(disk, &source, 1, 1000, 1, NOW, DAY), 0);
    assert_int_equal(sample_put(disk, &source, 2, 4 * MIB, 1, NOW, DAY), -ENOSPC);
    assert_int_equal(sample_put(disk, &source, 1, 16 * MIB, 1, NOW, DAY), -ENOSPC);
    assert_int_equal(sample_get(disk, &source, 1, 1000, 1, NOW), 0); /* what was there is there */
    assert_int_equal(sample_put(disk, &source, 3, 3 * MIB, 1, NOW, DAY), 0);
    assert_int_equal(sample_get(disk, &source, 3, 3 * MIB, 1, NOW), 0);
    disk_close(disk);
    sample_source_free(&source);
    sample_remove(dir);
}

/* --- what the files show --- */

static const char marker[] = "kx7-PLAINTEXT-MARKER-q2z";
static unsigned files_seen;

static int refuse_marker(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)where;
    if (kind != FTW_F || status->st_size == 0)
        return 0;
    int file = open(path, O_RDONLY);
    if (file < 0)
        return -1;
    void *bytes = mmap(NULL, (size_t)status->st_size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (bytes == MAP_FAILED)
        return -1;
    bool found = memmem(bytes, (size_t)status->st_size, marker, sizeof(marker) - 1) != NULL ||
                 memmem(bytes, (size_t)status->st_size, sample_seal.bytes, 32) != NULL;
    munmap(bytes, (size_t)status->st_size);
    files_seen++;
    return found ? 1 : 0;
}

static struct tape *marked_tape(struct sample_source *source, size_t len)
{
    static const size_t slots[TAPE_SLOTS] = {24, 10};
    uint64_t wake;
    for (size_t i = 0; i + sizeof(marker) <= len; i += 100)
        memcpy(source->bytes + i, marker, sizeof(marker));
    struct tape *tape = tape_new(source->budget, len + 64 * KIB);
    assert_non_null(tape);
    tape_begin(tape, marker, sizeof(marker));
    assert_int_equal(tape_append(tape, source->bytes, len, NULL, 0, &wake), 0);
    tape_end(tape, TAPE_WHOLE, NULL, 0);
    struct tape *baked = tape_bake(tape, slots, marker, sizeof(marker));
    tape_unref(tape);
    assert_non_null(baked);
    return baked;
}

/* Head, info and body, long and short, in the log as in tables. */
static void no_file_shows_what_it_holds(void **state)
{
    static const size_t lens[] = {30, 200, 70000};
    char *dir = sample_directory();
    struct sample_source source = sample_source_new(70000);
    struct disk *disk = sample_open(dir, 64 * MIB, NOW);
    (void)state;
    memset(source.bytes, 'x', source.size);
    for (uint64_t i = 0; i < 3; i++) {
        struct store_entry entry = {.stored_at_ms = NOW, .expires_at_ms = NOW + DAY};
        struct key key = sample_key(i);
        struct tape *tape = marked_tape(&source, lens[i]);
        assert_int_equal(disk_put(disk, &key, &sample_seal, &entry, tape, NOW), 0);
        tape_unref(tape);
    }
    files_seen = 0;
    assert_int_equal(nftw(dir, refuse_marker, 16, FTW_PHYS), 0);
    disk_close(disk);
    assert_int_equal(nftw(dir, refuse_marker, 16, FTW_PHYS), 0);
    assert_true(files_seen > 8);
    sample_source_free(&source);
    sample_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_expired_leaves_without_being_read),
        cmocka_unit_test(entries_of_mixed_lives_leave_in_their_time),
        cmocka_unit_test(overfilling_never_takes_more_than_the_budget),
        cmocka_unit_test(heads_of_what_left_are_swept),
        cmocka_unit_test(an_entry_too_large_for_the_budget_is_refused),
        cmocka_unit_test(no_file_shows_what_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
