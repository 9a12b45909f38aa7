/* ledger.c - opening and closing, and the lanes: what workers call. */
#include "accounting/ledger.h"

#include "accounting/ledger_month.h"
#include "accounting/ledger_recover.h"
#include "accounting/ledger_writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* A sequence: microseconds within created_at's millisecond, so that rows of different lanes stand
 * in the order in which they came; boot counter, lane, counter. The counter may wrap: take_ref()
 * sees to it that no two rows of a lane are ever named alike. */
enum { MICROS_BITS = 10, BOOT_BITS = 20, LANE_BITS = 8, COUNTER_BITS = 26 };
_Static_assert(MICROS_BITS + BOOT_BITS + LANE_BITS + COUNTER_BITS == 64, "a sequence is 64 bits");
enum { MICROS_SHIFT = BOOT_BITS + LANE_BITS + COUNTER_BITS };
_Static_assert(1 << LANE_BITS == (int)LEDGER_LANES_MAX, "every lane has its number");

/* What an answer may add to the held row: ids, names, counts, sums. The row with no tags and all
 * its texts cut to POST_TEXT_BYTES fits by itself, so that every post does. */
enum { POST_EXTRA_BYTES = 3 * 1024, POST_TEXT_BYTES = 64 };

/* What a reserved row may take: all the tags there can be, and the rest as above. */
enum { RESERVED_BYTES = ROW_TAGS_BYTES_MAX + POST_EXTRA_BYTES };

/* --- opening --- */

static int make_directory(const char *dir)
{
    char path[JOURNAL_PATH_MAX];
    size_t len = strlen(dir);
    struct stat stat_;
    if (len == 0 || len >= sizeof(path) - 32)
        return -ENAMETOOLONG;
    memcpy(path, dir, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        path[i] = 0;
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return -errno;
        path[i] = dir[i];
    }
    if (stat(dir, &stat_) != 0)
        return -errno;
    return S_ISDIR(stat_.st_mode) ? 0 : -ENOTDIR;
}

/* The latest created_at that any lane ever gave. */
static int read_floor(struct ledger_db *db, int64_t *ret_floor_ms)
{
    int64_t floor_ms = 0;
    for (unsigned lane = 0; lane < LEDGER_LANES_MAX; lane++) {
        uint64_t position;
        int64_t created_at_ms;
        int found = ledger_db_get_lane(db, lane, &position, &created_at_ms);
        if (found < 0)
            return found;
        if (found == 1 && created_at_ms > floor_ms)
            floor_ms = created_at_ms;
    }
    *ret_floor_ms = floor_ms;
    return 0;
}

static int open_journal(const char *path, uint64_t size, uint64_t position,
                        struct journal *ret_journal)
{
    int result = journal_open(path, ret_journal);
    if (result == 0 && ret_journal->size != size)
        journal_close(ret_journal); /* drained by recovery; the next one has the wanted size */
    else if (result != -ENOENT)
        return result;
    return journal_create(path, size, position, ret_journal);
}

static int open_lane(struct ledger *ledger, unsigned index, uint64_t size, uint64_t boot,
                     int64_t floor_ms, rocksdb_writebatch_t *batch)
{
    struct ledger_lane *lane = &ledger->lanes[index];
    char path[JOURNAL_PATH_MAX];
    uint64_t position = 0;
    int64_t created_at_ms = 0;
    int result = ledger_db_get_lane(ledger->db, index, &position, &created_at_ms);
    if (result < 0)
        return result;
    ledger_journal_path(ledger->dir, index, path);
    result = open_journal(path, size, position, &lane->journal);
    if (result < 0)
        return result;
    position = journal_tail(&lane->journal);
    assert(position == journal_head(&lane->journal));
    lane->ledger = ledger;
    lane->index = index;
    lane->boot_and_lane = boot << (LANE_BITS + COUNTER_BITS) | (uint64_t)index << COUNTER_BITS;
    lane->floor_ms = floor_ms;
    lane->kicked = position;
    atomic_store(&lane->durable, position);
    ledger->sources[index] = (struct drain_source){
        .lane = index,
        .journal = &lane->journal,
        .position = position,
        .committed = position,
        .created_at_ms = floor_ms,
    };
    ledger_db_put_lane(ledger->db, batch, index, position, floor_ms);
    return 0;
}

/* A ledger with fewer lanes than before: recovery has emptied the others. Then the directory is
 * synced, for the new journals too. */
static int remove_spare_journals(const struct ledger *ledger)
{
    char path[JOURNAL_PATH_MAX];
    int fd, result;
    for (unsigned lane = ledger->lane_count; lane < LEDGER_LANES_MAX; lane++) {
        ledger_journal_path(ledger->dir, lane, path);
        if (unlink(path) != 0 && errno != ENOENT)
            return -errno;
    }
    fd = open(ledger->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    result = fsync(fd) == 0 ? 0 : -errno;
    close(fd);
    return result;
}

static int open_lanes(struct ledger *ledger, const struct ledger_options *options)
{
    uint64_t boot = 0, size = options->journal_bytes;
    int64_t floor_ms;
    rocksdb_writebatch_t *batch;
    int result = ledger_db_get_boot(ledger->db, &boot);
    if (result >= 0)
        result = read_floor(ledger->db, &floor_ms);
    if (result < 0)
        return result;
    boot = (boot + 1) & ((UINT64_C(1) << BOOT_BITS) - 1);
    if (size == 0)
        size = LEDGER_JOURNAL_BYTES;
    size = (size + JOURNAL_PAGE - 1) / JOURNAL_PAGE * JOURNAL_PAGE;
    batch = rocksdb_writebatch_create();
    ledger_db_put_boot(ledger->db, batch, boot);
    for (unsigned i = 0; i < ledger->lane_count && result >= 0; i++)
        result = open_lane(ledger, i, size, boot, floor_ms, batch);
    if (result >= 0)
        result = ledger_db_write(ledger->db, batch);
    if (result >= 0)
        result = ledger_db_sync(ledger->db); /* before what it stands for is removed */
    if (result >= 0)
        result = remove_spare_journals(ledger);
    rocksdb_writebatch_destroy(batch);
    return result;
}

static int open_all(struct ledger *ledger, const struct ledger_options *options, char *error,
                    size_t error_size)
{
    char path[JOURNAL_PATH_MAX];
    int result = make_directory(options->dir);
    if (result == 0)
        result = ledger_lock(options->dir, options->lock_wait_ms, &ledger->lock_fd);
    if (result == -EBUSY)
        snprintf(error, error_size,
                 "%s: another process has the ledger: stop it, or give this one a data_dir of "
                 "its own",
                 options->dir);
    else if (result < 0)
        snprintf(error, error_size, "%s: %s", options->dir, strerror(-result));
    if (result < 0)
        return result;
    ledger_db_path(options->dir, path);
    result = ledger_db_open(path, ledger->power, &ledger->db, error, error_size);
    if (result == 0)
        result = ledger_recover(options->dir, ledger->db, error, error_size);
    if (result < 0)
        return result;
    ledger_lock_serves(ledger->lock_fd);
    drain_init(&ledger->drain, ledger->db, ledger->sources, ledger->lane_count);
    result = open_lanes(ledger, options);
    if (result == 0)
        result = ledger_writer_start(ledger);
    if (result < 0)
        snprintf(error, error_size, "%s: %s", options->dir, strerror(-result));
    return result;
}

int ledger_open(const struct ledger_options *options, struct ledger **ret_ledger, char *error,
                size_t error_size)
{
    struct ledger *ledger = aligned_alloc(128, sizeof(*ledger));
    int result = -ENOMEM;
    assert(options->lanes >= 1 && options->lanes <= LEDGER_LANES_MAX);
    assert(options->journal_bytes == 0 || options->journal_bytes >= JOURNAL_BYTES_MIN);
    assert(options->journal_bytes <= JOURNAL_BYTES_MAX);
    assert(options->tolerance_ppm >= 0 && options->tolerance_ppm <= UINT32_MAX);
    if (error_size > 0)
        error[0] = 0;
    if (ledger == NULL)
        return result;
    memset(ledger, 0, sizeof(*ledger));
    ledger->lock_fd = ledger->wake_fd = -1;
    ledger->power = options->durability == LEDGER_POWER;
    ledger->lane_count = options->lanes;
    ledger->tolerance_ppm = (uint32_t)options->tolerance_ppm;
    pthread_mutex_init(&ledger->lock, NULL);
    ledger->dir = strdup(options->dir);
    ledger->lanes = aligned_alloc(128, options->lanes * sizeof(*ledger->lanes));
    if (ledger->lanes != NULL)
        memset(ledger->lanes, 0, options->lanes * sizeof(*ledger->lanes));
    if (ledger->dir != NULL && ledger->lanes != NULL)
        result = open_all(ledger, options, error, error_size);
    if (result < 0) {
        ledger_close(ledger);
        return result;
    }
    *ret_ledger = ledger;
    return 0;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger == NULL)
        return;
    if (ledger->started) {
        ledger_writer_stop(ledger);
        if (ledger->db != NULL && atomic_load(&ledger->error) == 0)
            ledger_db_flush(ledger->db); /* where it fails, the next start replays instead */
    }
    drain_release(&ledger->drain);
    ledger_db_close(ledger->db);
    for (unsigned i = 0; ledger->lanes != NULL && i < ledger->lane_count; i++)
        journal_close(&ledger->lanes[i].journal);
    if (ledger->wake_fd >= 0)
        close(ledger->wake_fd);
    if (ledger->lock_fd >= 0)
        close(ledger->lock_fd);
    pthread_mutex_destroy(&ledger->lock);
    free(ledger->lanes);
    free(ledger->dir);
    free(ledger);
}

/* --- lanes --- */

struct ledger_lane *ledger_lane(struct ledger *ledger, unsigned index)
{
    assert(index < ledger->lane_count);
    return &ledger->lanes[index];
}

/* The next record's place: time never goes back in a lane, whatever the clock does. */
static struct ledger_ref next_ref(const struct ledger_lane *lane, int64_t now_ms)
{
    assert(now_ms < LEDGER_TIME_END_MS);
    unsigned micros = lane->micros;
    if (now_ms <= lane->floor_ms && (now_ms < lane->floor_ms || micros < lane->floor_micros)) {
        now_ms = lane->floor_ms;
        micros = lane->floor_micros;
    }
    return (struct ledger_ref){
        .created_at_ms = now_ms,
        .sequence = (uint64_t)micros << MICROS_SHIFT | lane->boot_and_lane | lane->counter,
    };
}

void ledger_lane_micros(struct ledger_lane *lane, unsigned micros)
{
    assert(micros < 1000);
    lane->micros = micros;
}

static void take_ref(struct ledger_lane *lane, const struct ledger_ref *ref)
{
    assert(ref->created_at_ms >= lane->floor_ms);
    lane->counter = (lane->counter + 1) & ((1U << COUNTER_BITS) - 1);
    lane->floor_ms = ref->created_at_ms;
    lane->floor_micros = (unsigned)(ref->sequence >> MICROS_SHIFT);
    /* While the clock stands behind the floor only the counter tells rows apart, so when it begins
     * anew the floor takes a step. */
    if (lane->counter == 0 && ++lane->floor_micros == 1000) {
        lane->floor_micros = 0;
        lane->floor_ms++;
    }
}

static size_t encode(struct ledger_lane *lane, const struct ledger_row *row,
                     const struct ledger_ref *ref)
{
    struct ledger_row stamped = *row;
    size_t len;
    int result;
    stamped.created_at_ms = ref->created_at_ms;
    result = row_encode(&stamped, lane->scratch, sizeof(lane->scratch), &len);
    assert(result == 0); /* ROW_ENCODED_MAX holds any row */
    return len;
}

static int make_room(struct ledger_lane *lane, uint64_t bytes)
{
    int result = journal_make_room(&lane->journal, bytes);
    if (result < 0)
        ledger_kick(lane); /* a full lane must not wait for its owner's next turn */
    return result;
}

static uint64_t room_of(const struct ledger_hold *hold)
{
    return journal_record_bytes(hold->room) + (hold->seen ? 0 : journal_record_bytes(ROW_ID_MAX));
}

int ledger_hold(struct ledger_lane *lane, const struct ledger_row *row, int64_t now_ms,
                struct ledger_hold *ret_hold)
{
    struct ledger_hold hold = {.ref = next_ref(lane, now_ms), .open = true};
    size_t len = encode(lane, row, &hold.ref);
    size_t room = len + POST_EXTRA_BYTES;
    int result;
    hold.room = (uint32_t)(room < ROW_ENCODED_MAX ? room : ROW_ENCODED_MAX);
    result = make_room(lane, journal_record_bytes(len) + room_of(&hold));
    if (result < 0)
        return result;
    journal_append(&lane->journal, JOURNAL_HOLD, 0, &hold.ref, lane->scratch, len);
    lane->journal.reserved += room_of(&hold);
    take_ref(lane, &hold.ref);
    *ret_hold = hold;
    return 0;
}

static unsigned lane_of(const struct ledger_ref *ref)
{
    return (unsigned)(ref->sequence >> COUNTER_BITS) & (LEDGER_LANES_MAX - 1);
}

void ledger_seen(struct ledger_lane *lane, struct ledger_hold *hold, const char *upstream_id,
                 size_t len)
{
    assert(hold->open);
    assert(lane_of(&hold->ref) == lane->index);
    if (len == 0)
        return;
    if (len > ROW_ID_MAX)
        len = ROW_ID_MAX;
    if (hold->seen) {
        if (make_room(lane, journal_record_bytes(len)) < 0)
            return;
    } else {
        assert(lane->journal.reserved >= room_of(hold));
        lane->journal.reserved -= journal_record_bytes(ROW_ID_MAX);
        hold->seen = true;
    }
    journal_append(&lane->journal, JOURNAL_SEEN, 0, &hold->ref, (const uint8_t *)upstream_id, len);
}

static void clip(struct text *text)
{
    if (text->len <= POST_TEXT_BYTES)
        return;
    text->len = POST_TEXT_BYTES;
    while (text->len > 0 && ((unsigned char)text->bytes[text->len] & 0xc0) == 0x80)
        text->len--;
}

/* Fits the row into the room that its hold kept, giving up its texts as far as it must. */
static size_t encode_within(struct ledger_lane *lane, struct ledger_row *row, size_t room)
{
    struct text *texts[] = {
        &row->id,
        &row->client,
        &row->key_id,
        &row->project,
        &row->user,
        &row->session,
        &row->app,
        &row->environment,
        &row->model_requested,
        &row->model,
        &row->provider,
        &row->upstream,
        &row->upstream_id,
        &row->route,
        &row->source_id,
        &row->finish_reason,
        &row->price_hash,
    };
    size_t len;
    int result = row_encode(row, lane->scratch, room, &len);
    if (result < 0) {
        row->tags = (struct text){NULL, 0};
        result = row_encode(row, lane->scratch, room, &len);
    }
    if (result < 0) {
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
            clip(texts[i]);
        result = row_encode(row, lane->scratch, room, &len);
    }
    assert(result == 0);
    return len;
}

void ledger_post(struct ledger_lane *lane, struct ledger_hold *hold, const struct ledger_row *row)
{
    struct ledger_row stamped = *row;
    size_t len;
    assert(hold->open);
    assert(lane_of(&hold->ref) == lane->index);
    assert(lane->journal.reserved >= room_of(hold));
    stamped.created_at_ms = hold->ref.created_at_ms;
    len = encode_within(lane, &stamped, hold->room);
    lane->journal.reserved -= room_of(hold);
    journal_append(&lane->journal, JOURNAL_POST,
                   row->verdict == VERDICT_PENDING ? JOURNAL_PENDING : 0, &hold->ref, lane->scratch,
                   len);
    hold->open = false;
}

int ledger_append(struct ledger_lane *lane, const struct ledger_row *row, int64_t now_ms,
                  struct ledger_ref *ret_ref)
{
    struct ledger_ref ref = next_ref(lane, now_ms);
    size_t len;
    int result;
    assert(row->verdict != VERDICT_PENDING); /* only a paid call has a cost to come */
    len = encode(lane, row, &ref);
    result = make_room(lane, journal_record_bytes(len));
    if (result < 0)
        return result;
    journal_append(&lane->journal, JOURNAL_ROW, 0, &ref, lane->scratch, len);
    take_ref(lane, &ref);
    if (ret_ref != NULL)
        *ret_ref = ref;
    return 0;
}

int ledger_reserve(struct ledger_lane *lane)
{
    int result = make_room(lane, journal_record_bytes(RESERVED_BYTES));
    if (result == 0)
        lane->journal.reserved += journal_record_bytes(RESERVED_BYTES);
    return result;
}

void ledger_append_reserved(struct ledger_lane *lane, const struct ledger_row *row, int64_t now_ms)
{
    struct ledger_ref ref = next_ref(lane, now_ms);
    struct ledger_row stamped = *row;
    size_t len;
    assert(row->verdict != VERDICT_PENDING);
    assert(lane->journal.reserved >= journal_record_bytes(RESERVED_BYTES));
    stamped.created_at_ms = ref.created_at_ms;
    len = encode_within(lane, &stamped, RESERVED_BYTES);
    lane->journal.reserved -= journal_record_bytes(RESERVED_BYTES);
    journal_append(&lane->journal, JOURNAL_ROW, 0, &ref, lane->scratch, len);
    take_ref(lane, &ref);
}

int ledger_settle(struct ledger_lane *lane, const struct ledger_ref *ref,
                  const struct ledger_late *late)
{
    struct ledger_row row;
    size_t len;
    int result;
    row_init(&row);
    if (late->found) {
        row.usage = late->usage;
        row.model = late->model;
        row.provider = late->provider;
        row.finish_reason = late->finish_reason;
        row.price_hash = late->price_hash;
        row.billed = late->billed;
        row.upstream_cost = late->upstream_cost;
        row.market = late->market;
        row.estimated = late->estimated;
        row.byok = late->byok;
    }
    len = encode(lane, &row, ref);
    result = make_room(lane, journal_record_bytes(len));
    if (result < 0)
        return result;
    journal_append(&lane->journal, JOURNAL_SETTLE, lane->ledger->tolerance_ppm, ref, lane->scratch,
                   len);
    return 0;
}

uint64_t ledger_position(const struct ledger_lane *lane)
{
    return lane->journal.tail;
}

bool ledger_durable(const struct ledger_lane *lane, uint64_t position)
{
    if (!lane->ledger->power)
        return true;
    return atomic_load_explicit(&lane->durable, memory_order_acquire) >= position;
}

void ledger_on_durable(struct ledger *ledger, void (*fn)(void *arg, unsigned lane), void *arg)
{
    pthread_mutex_lock(&ledger->lock);
    ledger->on_durable = fn;
    ledger->on_durable_arg = arg;
    pthread_mutex_unlock(&ledger->lock);
}

void ledger_kick(struct ledger_lane *lane)
{
    struct ledger *ledger = lane->ledger;
    if (lane->kicked == lane->journal.tail)
        return;
    lane->kicked = lane->journal.tail;
    journal_publish(&lane->journal);
    if (atomic_load(&ledger->sleeping) && atomic_exchange(&ledger->sleeping, false)) {
        if (eventfd_write(ledger->wake_fd, 1) != 0)
            assert(errno == EAGAIN); /* its counter is full: it is awake */
    }
}

/* --- any thread --- */

void ledger_health(struct ledger *ledger, struct ledger_health *ret_health)
{
    uint64_t lag = 0;
    for (unsigned i = 0; i < ledger->lane_count; i++) {
        uint64_t applied = atomic_load_explicit(&ledger->sources[i].applied, memory_order_relaxed);
        uint64_t recorded =
            atomic_load_explicit(&ledger->lanes[i].journal.recorded, memory_order_relaxed);
        lag += recorded > applied ? recorded - applied : 0;
    }
    *ret_health = (struct ledger_health){
        .error = atomic_load(&ledger->error),
        .lag_bytes = lag,
        .rows = atomic_load_explicit(&ledger->drain.rows, memory_order_relaxed),
    };
}

static int list_pending(struct ledger_db *db, const char *key,
                        void (*fn)(void *arg, const struct ledger_pending *), void *arg)
{
    struct ledger_ref ref = ledger_db_ref(key);
    rocksdb_column_family_handle_t *month;
    struct ledger_row row;
    char *value = NULL;
    size_t len = 0;
    int result = ledger_db_month(db, ref.created_at_ms, &month);
    if (result == 0)
        result = ledger_db_get(db, month, key, LEDGER_KEY, &value, &len);
    if (result <= 0)
        return result < 0 ? result : -EBADMSG;
    result = row_decode((const uint8_t *)value, len, &row);
    if (result == 0) {
        struct ledger_pending pending = {
            .ref = ref,
            .upstream = row.upstream,
            .upstream_id = row.upstream_id,
            .key_id = row.key_id,
            .model = row.model,
            .has_estimate = row.estimated.known,
        };
        fn(arg, &pending);
    }
    rocksdb_free(value);
    return result;
}

int ledger_pending(struct ledger *ledger, void (*fn)(void *arg, const struct ledger_pending *),
                   void *arg)
{
    int result = -EIO;
    pthread_mutex_lock(&ledger->lock);
    if (ledger->db != NULL) {
        char *problem = NULL;
        rocksdb_iterator_t *iterator =
            rocksdb_create_iterator_cf(ledger->db->db, ledger->db->read, ledger->db->pending);
        result = 0;
        for (rocksdb_iter_seek_to_first(iterator); result == 0 && rocksdb_iter_valid(iterator);
             rocksdb_iter_next(iterator)) {
            size_t len;
            const char *key = rocksdb_iter_key(iterator, &len);
            result = len == LEDGER_KEY ? list_pending(ledger->db, key, fn, arg) : -EBADMSG;
        }
        rocksdb_iter_get_error(iterator, &problem);
        rocksdb_iter_destroy(iterator);
        if (problem != NULL)
            result = ledger_db_error(problem, NULL, 0);
    }
    pthread_mutex_unlock(&ledger->lock);
    return result;
}
