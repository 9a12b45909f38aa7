/* ledger_crash_test.c - kill -9 at any instant, and a start with other lanes.
 *
 * The victim is this program again, run with arguments: a fork alone would inherit a RocksDB whose
 * threads did not come along. What the victim was told is in a file that both map: it outlives the
 * kill. */
#include "tests/accounting/ledger_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum op { OP_HOLD, OP_SEEN, OP_REHOLD, OP_POST, OP_POST_PENDING, OP_SETTLE, OP_ROW };
enum {
    OPEN_HOLDS = 40,
    ROUNDS = 25,
    ROUND_IDS = 1500,
    LOG_MAX = ROUNDS * ROUND_IDS * 7,
    LANES = 2
};
#define BIT(op) (1u << (op))

struct entry {
    uint32_t id;
    uint8_t op;
    _Atomic uint8_t done; /* the call returned */
};

struct told {
    _Atomic uint32_t count;
    _Atomic uint32_t ready;
    uint32_t next_id;
    struct entry entries[LOG_MAX];
};

static struct told *map_told(const char *root)
{
    char path[128];
    struct told *told;
    int fd;
    snprintf(path, sizeof(path), "%s/told", root);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(*told)) != 0)
        abort();
    told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (told == MAP_FAILED)
        abort();
    return told;
}

static struct entry *begin(struct told *told, enum op op, uint32_t id)
{
    uint32_t at = atomic_load(&told->count);
    if (at == LOG_MAX)
        abort();
    told->entries[at] = (struct entry){.id = id, .op = (uint8_t)op};
    atomic_store(&told->count, at + 1);
    return &told->entries[at];
}

/* --- the victims --- */

struct victim_hold {
    struct ledger_hold hold;
    uint32_t id;
    unsigned lane, attempt;
    bool seen, posted; /* posted: pending, may be settled */
};

struct victim {
    struct told *told;
    struct ledger *ledger;
    struct victim_hold holds[OPEN_HOLDS];
    unsigned count;
    uint64_t random;
    uint32_t last_id;
};

static unsigned choose(struct victim *victim, unsigned among)
{
    victim->random ^= victim->random << 13;
    victim->random ^= victim->random >> 7;
    victim->random ^= victim->random << 17;
    return (unsigned)(victim->random >> 33) % among;
}

static struct ledger_row victim_row(uint32_t id, char name[32])
{
    struct ledger_row row;
    snprintf(name, 32, "m-%u", id);
    row = fixture_row(name);
    row.model = row.id;
    return row;
}

static void victim_hold(struct victim *victim)
{
    struct victim_hold *held = &victim->holds[victim->count];
    struct ledger_row row;
    struct entry *entry;
    char name[32];
    memset(held, 0, sizeof(*held));
    held->id = victim->told->next_id++;
    held->lane = choose(victim, LANES);
    row = victim_row(held->id, name);
    row.status = 0;
    row.usage.prompt_tokens = 0;
    entry = begin(victim->told, OP_HOLD, held->id);
    if (ledger_hold(ledger_lane(victim->ledger, held->lane), &row, fixture_now_ms, &held->hold) < 0)
        return;
    entry->done = 1;
    victim->count++;
}

static void victim_append(struct victim *victim)
{
    struct ledger_row row;
    struct entry *entry;
    char name[32];
    uint32_t id = victim->told->next_id++;
    row = victim_row(id, name);
    row.verdict = VERDICT_FREE;
    entry = begin(victim->told, OP_ROW, id);
    if (ledger_append(ledger_lane(victim->ledger, choose(victim, LANES)), &row, fixture_now_ms,
                      NULL) == 0)
        entry->done = 1;
}

static void victim_settle(struct victim *victim, struct victim_hold *held)
{
    struct ledger_row was, row;
    struct entry *entry;
    char name[32];
    row = was = victim_row(held->id, name);
    was.verdict = VERDICT_PENDING;
    was.billed.known = false;
    row.billed = fixture_money(77);
    entry = begin(victim->told, OP_SETTLE, held->id);
    /* Any lane may bring it. */
    if (ledger_settle(ledger_lane(victim->ledger, choose(victim, LANES)), &held->hold.ref, &was,
                      &row, false, fixture_now_ms) < 0)
        return;
    entry->done = 1;
    *held = victim->holds[--victim->count];
}

/* A held row says by its tokens which attempt it is of. */
static void victim_rehold(struct victim *victim, struct victim_hold *held)
{
    struct ledger_row row;
    struct entry *entry;
    char name[32];
    row = victim_row(held->id, name);
    row.status = 0;
    row.usage.prompt_tokens = held->attempt + 1;
    entry = begin(victim->told, OP_REHOLD, held->id);
    if (ledger_rehold(ledger_lane(victim->ledger, held->lane), &held->hold, &row, fixture_now_ms) <
        0)
        return; /* the lane is full just now */
    entry->done = 1;
    held->attempt++;
    held->seen = false;
}

static void victim_move_on(struct victim *victim, struct victim_hold *held)
{
    struct ledger_lane *lane = ledger_lane(victim->ledger, held->lane);
    struct ledger_row row;
    struct entry *entry;
    char name[32], upstream_id[40];
    if (held->posted) {
        victim_settle(victim, held);
        return;
    }
    if (held->attempt < 2 && choose(victim, 5) == 0) {
        victim_rehold(victim, held);
        return;
    }
    if (!held->seen && choose(victim, 2) == 0) {
        snprintf(upstream_id, sizeof(upstream_id), "up-%u-%u", held->id, held->attempt);
        entry = begin(victim->told, OP_SEEN, held->id);
        ledger_seen(lane, &held->hold, upstream_id, strlen(upstream_id));
        entry->done = 1;
        held->seen = true;
        return;
    }
    row = victim_row(held->id, name);
    held->posted = choose(victim, 3) == 0;
    if (held->posted) {
        row.verdict = VERDICT_PENDING;
        row.billed.known = false;
    }
    entry = begin(victim->told, held->posted ? OP_POST_PENDING : OP_POST, held->id);
    ledger_post(lane, &held->hold, &row);
    entry->done = 1;
    if (!held->posted)
        *held = victim->holds[--victim->count];
}

static struct ledger *victim_open(const char *root, unsigned lanes)
{
    struct fixture fixture = {0};
    struct ledger_options options;
    struct ledger *ledger;
    char error[256];
    snprintf(fixture.dir, sizeof(fixture.dir), "%s/data/ledger", root);
    options = fixture_options(&fixture, lanes);
    options.lock_wait_ms = FIXTURE_DEADLINE_MS;
    if (ledger_open(&options, &ledger, error, sizeof(error)) < 0) {
        fprintf(stderr, "victim: %s\n", error);
        abort();
    }
    return ledger;
}

static int run_random_victim(const char *root, const char *seed)
{
    static struct victim victim;
    victim.told = map_told(root);
    victim.ledger = victim_open(root, LANES);
    victim.random = strtoull(seed, NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) + 1;
    victim.last_id = victim.told->next_id + ROUND_IDS;
    atomic_store(&victim.told->ready, 1);
    while (victim.told->next_id < victim.last_id) {
        unsigned what = choose(&victim, 8);
        if (what < 2 && victim.count < OPEN_HOLDS)
            victim_hold(&victim);
        else if (what < 4)
            victim_append(&victim);
        else if (victim.count > 0)
            victim_move_on(&victim, &victim.holds[choose(&victim, victim.count)]);
        if (choose(&victim, 3) == 0)
            ledger_kick(ledger_lane(victim.ledger, choose(&victim, LANES)));
    }
    while (pause() < 0)
        continue; /* until it is killed */
    return 1;
}

/* Fills lanes that nobody drains, then dies. */
static int run_undrained_victim(const char *root, const char *lane_text)
{
    unsigned lanes = (unsigned)strtoul(lane_text, NULL, 10);
    struct ledger *ledger = victim_open(root, lanes);
    for (unsigned lane = 0; lane < lanes; lane++) {
        struct ledger_lane *at = ledger_lane(ledger, lane);
        struct ledger_hold hold;
        struct ledger_row row;
        char name[32];
        row = victim_row(10 * lane, name);
        if (ledger_append(at, &row, fixture_now_ms + 5000, NULL) < 0)
            abort();
        for (uint32_t i = 1; i <= 3; i++) {
            row = victim_row(10 * lane + i, name);
            if (ledger_hold(at, &row, fixture_now_ms, &hold) < 0)
                abort();
            if (i >= 2)
                ledger_seen(at, &hold, "up-x", 4);
            if (i == 3)
                ledger_post(at, &hold, &row);
        }
    }
    raise(SIGKILL);
    return 1;
}

/* --- the tests --- */

static pid_t start(const char *mode, const char *root, const char *argument)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl("/proc/self/exe", "ledger_crash_test", mode, root, argument, (char *)NULL);
        _exit(127);
    }
    return child;
}

static int finish(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

struct facts {
    unsigned begun, done;   /* BIT(op); of SEEN: in the last attempt that was recorded for sure */
    unsigned attempt, torn; /* whether one more attempt may have been recorded */
    unsigned rows;
    const struct fixture_row *row;
};

static void add_attempt(struct facts *facts, bool done)
{
    if (!done) {
        facts->torn = 1;
        return;
    }
    facts->attempt++;
    facts->begun &= ~BIT(OP_SEEN);
    facts->done &= ~BIT(OP_SEEN);
}

static struct facts *facts_of(const struct told *told, const struct fixture_rows *rows)
{
    struct facts *facts = calloc(told->next_id + 1, sizeof(*facts));
    for (uint32_t i = 0; i < told->count; i++) {
        const struct entry *entry = &told->entries[i];
        if (entry->op == OP_REHOLD) {
            add_attempt(&facts[entry->id], entry->done);
            continue;
        }
        facts[entry->id].begun |= BIT(entry->op);
        if (entry->done)
            facts[entry->id].done |= BIT(entry->op);
    }
    for (size_t i = 0; i < rows->count; i++) {
        unsigned id;
        assert_int_equal(sscanf(rows->rows[i].model, "m-%u", &id), 1);
        assert_true(id < told->next_id);
        facts[id].rows++;
        facts[id].row = &rows->rows[i];
    }
    return facts;
}

static void check_posted(const struct facts *facts)
{
    const struct ledger_row *row = &facts->row->row;
    assert_true(facts->begun & (BIT(OP_POST) | BIT(OP_POST_PENDING)));
    if (facts->begun & BIT(OP_POST)) {
        assert_int_equal(row->verdict, VERDICT_UNPRICED);
        assert_true(row->billed.money.femto == 1000000000000);
        return;
    }
    if (facts->done & BIT(OP_SETTLE))
        assert_int_equal(row->verdict, VERDICT_UNPRICED);
    if (row->verdict != VERDICT_PENDING) {
        assert_true(facts->begun & BIT(OP_SETTLE));
        assert_true(row->billed.money.femto == 77);
    }
}

/* Only the last attempt is held, with the id that itself has seen. */
static void check_open(const struct facts *facts, uint32_t id)
{
    const struct ledger_row *row = &facts->row->row;
    char upstream_id[40];
    bool next = facts->torn && row->usage.prompt_tokens == (int64_t)facts->attempt + 1;
    assert_false(facts->done & (BIT(OP_POST) | BIT(OP_POST_PENDING)));
    if (!next)
        assert_int_equal(row->usage.prompt_tokens, facts->attempt);
    if (row->verdict != VERDICT_PENDING) {
        assert_int_equal(row->verdict, VERDICT_UNKNOWN);
        assert_true(next || !(facts->done & BIT(OP_SEEN)));
        return;
    }
    assert_false(next);
    assert_true(facts->begun & BIT(OP_SEEN));
    snprintf(upstream_id, sizeof(upstream_id), "up-%u-%u", id, facts->attempt);
    assert_string_equal(facts->row->id, upstream_id);
    assert_string_equal(facts->row->upstream_id, upstream_id);
}

/* All that the victim was told is there, once, and nothing that it did not begin. */
static void check(const struct told *told, const struct fixture_rows *rows)
{
    struct facts *facts = facts_of(told, rows);
    for (uint32_t id = 0; id < told->next_id; id++) {
        const struct facts *at = &facts[id];
        if (at->rows > 1)
            fail_msg("%u is there %u times", id, at->rows);
        if (at->done & (BIT(OP_HOLD) | BIT(OP_ROW)))
            assert_int_equal(at->rows, 1);
        if (at->rows == 0)
            continue;
        assert_true(at->begun & (BIT(OP_HOLD) | BIT(OP_ROW)));
        if (at->begun & BIT(OP_ROW))
            assert_int_equal(at->row->row.verdict, VERDICT_FREE);
        else if (at->row->row.status == 200)
            check_posted(at);
        else
            check_open(at, id);
    }
    free(facts);
}

static void nothing_is_lost_or_doubled_by_kill_at_any_instant(void **state)
{
    const struct fixture *fixture = *state;
    struct told *told = map_told(fixture->root);
    uint64_t random = 88172645463325252ULL;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct fixture_rows *rows;
        char seed[16];
        uint32_t before = atomic_load(&told->count), target;
        pid_t child;
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        target = before + (uint32_t)(random >> 20) % (2 * ROUND_IDS);
        snprintf(seed, sizeof(seed), "%u", round);
        atomic_store(&told->ready, 0);
        child = start("random", fixture->root, seed);
        /* Some die while they still recover from the one before. */
        for (int waited = 0; waited < FIXTURE_DEADLINE_MS && round % 5 != 4; waited++) {
            if (atomic_load(&told->ready) && atomic_load(&told->count) >= target)
                break;
            poll(NULL, 0, 1);
        }
        if (round % 5 == 4)
            poll(NULL, 0, (int)(random % 60));
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_true(WIFSIGNALED(finish(child)));
        if (round % 2 == 0)
            continue; /* the next victim recovers instead of us */
        rows = fixture_read(fixture->dir);
        check(told, rows);
        free(rows);
    }
    assert_true(atomic_load(&told->count) > 10 * ROUND_IDS);
    munmap(told, sizeof(*told));
}

static void check_undrained(const char *dir, unsigned lanes)
{
    struct fixture_rows *rows = fixture_read(dir);
    assert_int_equal(rows->count, 4 * lanes);
    for (size_t i = 0; i < rows->count; i++) {
        static const enum verdict want[4] = {VERDICT_UNPRICED, VERDICT_UNKNOWN, VERDICT_PENDING,
                                             VERDICT_UNPRICED};
        unsigned id;
        assert_int_equal(sscanf(rows->rows[i].model, "m-%u", &id), 1);
        assert_int_equal(rows->rows[i].row.verdict, want[id % 10]);
        assert_int_equal(rows->rows[i].row.status, id % 10 % 3 == 0 ? 200 : 0);
        /* A hold after the row: the clock had gone back five seconds. */
        assert_int_equal(rows->rows[i].row.created_at_ms, fixture_now_ms + 5000);
    }
    free(rows);
}

static void every_lane_is_drained_whatever_their_number_is_now(void **state)
{
    static const unsigned now[] = {1, 3, 8};
    const struct fixture *fixture = *state;
    for (size_t i = 0; i < 3; i++) {
        struct ledger_options options = fixture_options(fixture, now[i]);
        char path[256];
        fixture_remove(fixture->dir);
        assert_true(WIFSIGNALED(finish(start("undrained", fixture->root, "4"))));
        ledger_close(fixture_open(&options));
        for (unsigned lane = 0; lane < 10; lane++) {
            snprintf(path, sizeof(path), "%s/journal.%u", fixture->dir, lane);
            assert_int_equal(access(path, F_OK) == 0, lane < now[i]);
        }
        check_undrained(fixture->dir, 4);
    }
}

static void a_reader_recovers_where_no_server_runs(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 2);
    assert_true(WIFSIGNALED(finish(start("undrained", fixture->root, "3"))));
    check_undrained(fixture->dir, 3);
    ledger_close(fixture_open(&options)); /* and leaves the server nothing to do again */
    check_undrained(fixture->dir, 3);
}

static void time_does_not_go_back_over_a_crash(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger;
    struct ledger_row row = fixture_row("later");
    struct ledger_ref ref;
    assert_true(WIFSIGNALED(finish(start("undrained", fixture->root, "2"))));
    options.now_ms = fixture_now_ms - 86400000;
    ledger = fixture_open(&options);
    assert_int_equal(ledger_append(ledger_lane(ledger, 0), &row, options.now_ms, &ref), 0);
    assert_int_equal(ref.created_at_ms, fixture_now_ms + 5000);
    ledger_close(ledger);
}

/* Killed after the commit and before the ring was told: the database knows better. A hold that is
 * applied again would come back as an open one. */
static void what_was_committed_is_not_applied_again(void **state)
{
    enum { HEADER_HEAD = 512 };
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct fixture_rows *rows;
    struct ledger_hold hold;
    struct ledger_row row = fixture_row("paid");
    uint64_t head = 0;
    char path[256];
    int fd;
    assert_int_equal(ledger_hold(lane, &row, fixture_now_ms, &hold), 0);
    ledger_kick(lane);
    assert_true(fixture_wait(fixture_drained, ledger));
    ledger_post(lane, &hold, &row);
    ledger_close(ledger);

    snprintf(path, sizeof(path), "%s/journal.0", fixture->dir);
    fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &head, sizeof(head), HEADER_HEAD), sizeof(head));
    assert_true(head > 0);
    head = 0;
    assert_int_equal(pwrite(fd, &head, sizeof(head), HEADER_HEAD), sizeof(head));
    close(fd);

    ledger_close(fixture_open(&options));
    rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, 1);
    assert_int_equal(rows->rows[0].row.verdict, VERDICT_UNPRICED);
    free(rows);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_lost_or_doubled_by_kill_at_any_instant),
        TEST(every_lane_is_drained_whatever_their_number_is_now),
        TEST(a_reader_recovers_where_no_server_runs),
        TEST(time_does_not_go_back_over_a_crash),
        TEST(what_was_committed_is_not_applied_again),
    };
    if (argc == 4 && strcmp(argv[1], "random") == 0)
        return run_random_victim(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "undrained") == 0)
        return run_undrained_victim(argv[2], argv[3]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
