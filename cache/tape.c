/* tape.c - budget, life and writer of a tape. Readers are in tape_read.c, storing in tape_bake.c.
 *
 * Wake-ups are never lost: a reader looks for bytes and sets its worker's watch bit under one hold
 * of the mutex; the writer publishes under the mutex and takes the bits afterwards. Whichever comes
 * first, either the reader sees the bytes or the writer sees the bit.
 *
 * A window measures how far a reader is behind before it appends, so one append of any size is
 * always held whole for those who kept up: a window holds at most its limit, the last append and
 * a block at either end. Without readers it holds nothing.
 */
#include "cache/tape_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- budget --- */

struct tape_budget {
    size_t bytes_max;
    atomic_size_t used;
};

struct tape_budget *tape_budget_new(size_t bytes_max)
{
    struct tape_budget *budget = calloc(1, sizeof(*budget));
    if (budget != NULL)
        budget->bytes_max = bytes_max;
    return budget;
}

void tape_budget_free(struct tape_budget *budget)
{
    if (budget == NULL)
        return;
    assert(atomic_load(&budget->used) == 0); /* every tape is freed before its budget */
    free(budget);
}

size_t tape_budget_used(const struct tape_budget *budget)
{
    return atomic_load_explicit(&budget->used, memory_order_relaxed);
}

/* Takes the bytes only when they fit, so that tapes racing for the last room cannot pass the bound
 * together. */
bool tape_budget_take(struct tape_budget *budget, size_t bytes)
{
    size_t used = atomic_load_explicit(&budget->used, memory_order_relaxed);
    do {
        if (used > budget->bytes_max || bytes > budget->bytes_max - used)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&budget->used, &used, used + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void tape_budget_give(struct tape_budget *budget, size_t bytes)
{
    size_t used = atomic_fetch_sub_explicit(&budget->used, bytes, memory_order_relaxed);
    assert(used >= bytes);
}

size_t tape_heap_bytes(size_t size)
{
    size_t chunk = (size + 8 + 15) & ~(size_t)15;
    return chunk < 32 ? 32 : chunk;
}

void tape_charge(struct tape *tape, size_t bytes)
{
    atomic_fetch_add_explicit(&tape->held, bytes, memory_order_relaxed);
    if (tape->budget != NULL)
        atomic_fetch_add_explicit(&tape->budget->used, bytes, memory_order_relaxed);
}

void tape_uncharge(struct tape *tape, size_t bytes)
{
    size_t held = atomic_fetch_sub_explicit(&tape->held, bytes, memory_order_relaxed);
    assert(held >= bytes);
    if (tape->budget != NULL) {
        size_t used = atomic_fetch_sub_explicit(&tape->budget->used, bytes, memory_order_relaxed);
        assert(used >= bytes);
    }
}

/* --- life --- */

struct tape *tape_new(struct tape_budget *budget, size_t bytes_max)
{
    struct tape *tape = calloc(1, sizeof(*tape));
    if (tape == NULL)
        return NULL;
    atomic_init(&tape->refs, 1);
    atomic_init(&tape->state, TAPE_GROWING);
    tape->budget = budget;
    tape->bytes_max = bytes_max;
    pthread_mutex_init(&tape->lock, NULL);
    tape_charge(tape, tape_heap_bytes(sizeof(*tape)));
    return tape;
}

struct tape *tape_ref(struct tape *tape)
{
    unsigned refs = atomic_fetch_add_explicit(&tape->refs, 1, memory_order_relaxed);
    assert(refs > 0);
    assert(refs < UINT32_MAX);
    return tape;
}

static void tape_free(struct tape *tape)
{
    tape_uncharge(tape, atomic_load_explicit(&tape->held, memory_order_relaxed));
    for (size_t i = 0; i < tape->block_count; i++)
        free(tape->blocks[i].bytes);
    if (!tape->baked) {
        free(tape->blocks);
        free(tape->edits);
        free((void *)(uintptr_t)atomic_load_explicit(&tape->head, memory_order_relaxed));
        free((void *)(uintptr_t)tape->info);
        free(tape->seats);
    }
    pthread_mutex_destroy(&tape->lock);
    free(tape);
}

void tape_unref(struct tape *tape)
{
    if (tape == NULL)
        return;
    unsigned refs = atomic_fetch_sub_explicit(&tape->refs, 1, memory_order_acq_rel);
    assert(refs > 0);
    if (refs == 1)
        tape_free(tape);
}

/* --- state --- */

enum tape_state tape_state(const struct tape *tape)
{
    return (enum tape_state)atomic_load_explicit(&tape->state, memory_order_acquire);
}

bool tape_is_window(const struct tape *tape)
{
    return atomic_load_explicit(&tape->window, memory_order_acquire);
}

const void *tape_head(const struct tape *tape, size_t *ret_len)
{
    const struct tape_blob *head = atomic_load_explicit(&tape->head, memory_order_acquire);
    *ret_len = head == NULL ? 0 : head->len;
    return head == NULL ? NULL : head->bytes;
}

const void *tape_info(const struct tape *tape, size_t *ret_len)
{
    assert(tape_state(tape) != TAPE_GROWING);
    *ret_len = tape->info == NULL ? 0 : tape->info->len;
    return tape->info == NULL ? NULL : tape->info->bytes;
}

uint64_t tape_length(const struct tape *tape)
{
    return atomic_load_explicit(&tape->length, memory_order_acquire);
}

size_t tape_footprint(const struct tape *tape)
{
    return atomic_load_explicit(&tape->held, memory_order_relaxed);
}

bool tape_abandoned(const struct tape *tape)
{
    /* Readers register under the mutex, before the window flag is set or with a reference of their
     * own; so once either of these says that none can come, the count can only fall. */
    bool closed =
        tape_is_window(tape) || atomic_load_explicit(&tape->refs, memory_order_acquire) == 1;
    return closed && atomic_load_explicit(&tape->reader_count, memory_order_acquire) == 0;
}

size_t tape_block_of(const struct tape *tape, uint64_t at)
{
    size_t low = 0, high = tape->block_count;
    assert(at >= tape->dropped);
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (tape->blocks[middle].start <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* --- writer --- */

/* give; NULL: no memory. */
static struct tape_blob *blob_new(struct tape *tape, const void *bytes, size_t len)
{
    struct tape_blob *blob = malloc(sizeof(*blob) + len);
    if (blob == NULL)
        return NULL;
    blob->len = len;
    if (len > 0)
        memcpy(blob->bytes, bytes, len);
    tape_charge(tape, tape_heap_bytes(sizeof(*blob) + len));
    return blob;
}

static uint64_t take_watchers(struct tape *tape)
{
    return atomic_exchange_explicit(&tape->watchers, 0, memory_order_acq_rel);
}

uint64_t tape_begin(struct tape *tape, const void *head, size_t len)
{
    assert(tape_state(tape) == TAPE_GROWING);
    assert(atomic_load_explicit(&tape->head, memory_order_relaxed) == NULL);
    assert(tape_length(tape) == 0);
    struct tape_blob *blob = blob_new(tape, head, len);
    /* The contract has no error here: a head is a few hundred bytes, and a process that cannot get
     * those is past helping. */
    if (blob == NULL)
        abort();
    pthread_mutex_lock(&tape->lock);
    atomic_store_explicit(&tape->head, blob, memory_order_release);
    pthread_mutex_unlock(&tape->lock);
    return take_watchers(tape);
}

/* What one append needs beyond the room that is there. */
struct append_plan {
    size_t tail;       /* bytes that go into the last block */
    size_t blocks;     /* new ones for the rest */
    size_t block_grow; /* their usual size; a bigger rest makes bigger blocks, to TAPE_BLOCK_MAX */
    size_t block_capacity, edit_capacity;
    size_t charge;
};

static size_t next_block_size(const struct append_plan *plan, size_t rest)
{
    size_t wanted = rest > TAPE_BLOCK_MAX ? TAPE_BLOCK_MAX : rest;
    return wanted > plan->block_grow ? wanted : plan->block_grow;
}

static size_t grown_capacity(size_t capacity, size_t needed)
{
    if (needed <= capacity)
        return capacity;
    size_t half_more = capacity + capacity / 2;
    size_t least = needed < 4 ? 4 : needed;
    return half_more > least ? half_more : least;
}

static size_t array_bytes(size_t capacity, size_t element)
{
    return capacity == 0 ? 0 : tape_heap_bytes(capacity * element);
}

/* Blocks grow with the tape, half again of what it holds: a small answer wastes little and a big
 * one needs few. */
static struct append_plan plan_append(const struct tape *tape, size_t len, size_t edit_count)
{
    struct append_plan plan = {0};
    uint64_t half = (tape_length(tape) - tape->dropped) / 2;
    size_t most = tape_is_window(tape) ? TAPE_BLOCK_WINDOW : TAPE_BLOCK_MAX;
    plan.block_grow = half < TAPE_BLOCK_MIN ? TAPE_BLOCK_MIN : half > most ? most : (size_t)half;
    if (tape->block_count > 0) {
        const struct tape_block *last = &tape->blocks[tape->block_count - 1];
        plan.tail = last->size - last->len < len ? last->size - last->len : len;
    }
    for (size_t rest = len - plan.tail; rest > 0; plan.blocks++) {
        size_t size = next_block_size(&plan, rest);
        plan.charge += tape_heap_bytes(size);
        rest -= rest < size ? rest : size;
    }
    plan.block_capacity = grown_capacity(tape->block_capacity, tape->block_count + plan.blocks);
    plan.edit_capacity = grown_capacity(tape->edit_capacity, tape->edit_count + edit_count);
    plan.charge += array_bytes(plan.block_capacity, sizeof(struct tape_block)) -
                   array_bytes(tape->block_capacity, sizeof(struct tape_block));
    plan.charge += array_bytes(plan.edit_capacity, sizeof(struct tape_edit)) -
                   array_bytes(tape->edit_capacity, sizeof(struct tape_edit));
    return plan;
}

/* Takes what lies below the floor of a window off the tape. Caller holds tape->lock. give: a list
 * of dropped blocks, linked through their first bytes, to be freed without the lock. */
static char *drop_below_locked(struct tape *tape, uint64_t floor, size_t *ret_freed)
{
    char *list = NULL;
    size_t gone = 0;
    while (gone < tape->block_count) {
        struct tape_block *block = &tape->blocks[gone];
        if (block->start + block->len > floor)
            break;
        memcpy(block->bytes, &list, sizeof(list));
        list = block->bytes;
        *ret_freed += tape_heap_bytes(block->size);
        gone++;
    }
    tape->block_count -= gone;
    if (gone > 0)
        memmove(tape->blocks, tape->blocks + gone, tape->block_count * sizeof(*tape->blocks));
    tape->dropped = tape->block_count > 0 ? tape->blocks[0].start : tape_length(tape);
    size_t passed = 0;
    while (passed < tape->edit_count && tape->edits[passed].at < tape->dropped)
        passed++;
    tape->edit_count -= passed;
    tape->edit_base += passed;
    if (passed > 0)
        memmove(tape->edits, tape->edits + passed, tape->edit_count * sizeof(*tape->edits));
    return list;
}

static uint64_t window_floor_locked(const struct tape *tape, size_t limit)
{
    uint64_t length = tape_length(tape);
    uint64_t floor = length;
    if (atomic_load_explicit(&tape->reader_count, memory_order_relaxed) == 0)
        return length; /* nobody reads and nobody can come */
    for (size_t i = 0; i < tape->seat_capacity; i++) {
        if (tape->seats[i] < floor)
            floor = tape->seats[i];
    }
    if (length > limit && floor < length - limit)
        floor = length - limit;
    return floor;
}

/* Makes the tape a window, if it is none yet, and drops what its readers have passed or are too
 * late for. Returns whether anybody reads. */
static bool slide(struct tape *tape, size_t limit)
{
    size_t freed = 0;
    pthread_mutex_lock(&tape->lock);
    atomic_store_explicit(&tape->window, true, memory_order_release);
    char *list = drop_below_locked(tape, window_floor_locked(tape, limit), &freed);
    bool read = atomic_load_explicit(&tape->reader_count, memory_order_relaxed) > 0;
    pthread_mutex_unlock(&tape->lock);
    while (list != NULL) {
        char *block = list;
        memcpy(&list, block, sizeof(list));
        free(block);
    }
    tape_uncharge(tape, freed);
    return read;
}

/* A reader may be as far behind when the tape becomes a window as it could be the moment before,
 * and the writer needs some way to come to a halt. */
static size_t roomy_window(const struct tape *tape)
{
    return tape->bytes_max + TAPE_WINDOW_BYTES;
}

/* Decides between growing and window and charges what the append will take. Returns false when the
 * bytes are to be forgotten at once: a window that nobody reads. */
static bool admit(struct tape *tape, size_t len, size_t edit_count, struct append_plan *ret_plan)
{
    struct append_plan plan = plan_append(tape, len, edit_count);
    uint64_t length = tape_length(tape);
    bool fits = len <= tape->bytes_max && length <= tape->bytes_max - len;
    bool window = tape_is_window(tape) || !fits;
    bool charged = tape->budget == NULL || tape_budget_take(tape->budget, plan.charge);
    if (!window && charged) {
        atomic_fetch_add_explicit(&tape->held, plan.charge, memory_order_relaxed);
        *ret_plan = plan;
        return true;
    }
    if (charged && tape->budget != NULL)
        atomic_fetch_sub_explicit(&tape->budget->used, plan.charge, memory_order_relaxed);
    if (!slide(tape, charged ? roomy_window(tape) : TAPE_WINDOW_BYTES_TIGHT))
        return false;
    *ret_plan = plan_append(tape, len, edit_count); /* sliding changed what there is */
    tape_charge(tape, ret_plan->charge);
    return true;
}

/* Arrays may move, so this takes the lock. What was charged for stays charged on failure: the
 * caller gives it back. */
static int grow_arrays(struct tape *tape, const struct append_plan *plan)
{
    int err = 0;
    pthread_mutex_lock(&tape->lock);
    if (plan->block_capacity > tape->block_capacity) {
        void *blocks = realloc(tape->blocks, plan->block_capacity * sizeof(*tape->blocks));
        if (blocks == NULL)
            err = -ENOMEM;
        else
            tape->blocks = blocks;
    }
    if (err == 0 && plan->edit_capacity > tape->edit_capacity) {
        void *edits = realloc(tape->edits, plan->edit_capacity * sizeof(*tape->edits));
        if (edits == NULL)
            err = -ENOMEM;
        else
            tape->edits = edits;
    }
    if (err == 0) {
        tape->block_capacity = plan->block_capacity;
        tape->edit_capacity = plan->edit_capacity;
    }
    pthread_mutex_unlock(&tape->lock);
    return err;
}

/* Allocates the new blocks behind the published ones and copies into them, and into the room of
 * the last one: nobody looks there yet. */
static int fill_blocks(struct tape *tape, const struct append_plan *plan, const char *bytes,
                       size_t len)
{
    struct tape_block *added = tape->blocks + tape->block_count;
    size_t at = plan->tail;
    for (size_t i = 0; i < plan->blocks; i++) {
        size_t size = next_block_size(plan, len - at);
        char *block = malloc(size);
        if (block == NULL) {
            while (i-- > 0)
                free(added[i].bytes);
            return -ENOMEM;
        }
        size_t used = len - at < size ? len - at : size;
        memcpy(block, bytes + at, used);
        added[i] = (struct tape_block){
            .start = tape_length(tape) + at, .len = used, .size = size, .bytes = block};
        at += used;
    }
    assert(at == len);
    if (plan->tail > 0) {
        struct tape_block *last = &tape->blocks[tape->block_count - 1];
        memcpy(last->bytes + last->len, bytes, plan->tail);
    }
    return 0;
}

static void publish(struct tape *tape, const struct append_plan *plan, size_t len,
                    size_t edit_count)
{
    pthread_mutex_lock(&tape->lock);
    if (plan->tail > 0)
        tape->blocks[tape->block_count - 1].len += plan->tail;
    tape->block_count += plan->blocks;
    tape->edit_count += edit_count;
    atomic_store_explicit(&tape->length, tape_length(tape) + len, memory_order_release);
    pthread_mutex_unlock(&tape->lock);
}

static void check_edits(const struct tape_edit *edits, size_t count, size_t len)
{
    uint64_t free_from = 0;
    for (size_t i = 0; i < count; i++) {
        assert(edits[i].at >= free_from);
        assert(edits[i].at <= len);
        assert(edits[i].cut <= len - edits[i].at);
        assert(edits[i].slot <= TAPE_SLOTS);
        assert(edits[i].text_len <= TAPE_EDIT_TEXT_MAX);
        free_from = edits[i].at + edits[i].cut;
    }
}

static void forget(struct tape *tape, size_t len)
{
    pthread_mutex_lock(&tape->lock);
    atomic_store_explicit(&tape->length, tape_length(tape) + len, memory_order_release);
    tape->dropped = tape_length(tape);
    pthread_mutex_unlock(&tape->lock);
}

int tape_append(struct tape *tape, const char *bytes, size_t len, const struct tape_edit *edits,
                size_t edit_count, uint64_t *ret_wake)
{
    struct append_plan plan;
    assert(tape_state(tape) == TAPE_GROWING);
    check_edits(edits, edit_count, len);
    if (len == 0 && edit_count == 0) {
        *ret_wake = 0;
        return 0;
    }
    if (!admit(tape, len, edit_count, &plan)) {
        forget(tape, len);
        *ret_wake = take_watchers(tape);
        return 0;
    }
    int err = grow_arrays(tape, &plan);
    if (err == 0)
        err = fill_blocks(tape, &plan, bytes, len);
    if (err != 0) {
        tape_uncharge(tape, plan.charge);
        return err;
    }
    for (size_t i = 0; i < edit_count; i++) {
        struct tape_edit *edit = &tape->edits[tape->edit_count + i];
        *edit = edits[i];
        edit->at += tape_length(tape);
    }
    publish(tape, &plan, len, edit_count);
    *ret_wake = take_watchers(tape);
    return 0;
}

uint64_t tape_end(struct tape *tape, enum tape_state state, const void *info, size_t info_len)
{
    assert(tape_state(tape) == TAPE_GROWING);
    assert(state != TAPE_GROWING);
    if (info_len > 0) {
        tape->info = blob_new(tape, info, info_len);
        if (tape->info == NULL)
            abort(); /* as in tape_begin() */
    }
    pthread_mutex_lock(&tape->lock);
    atomic_store_explicit(&tape->state, state, memory_order_release);
    pthread_mutex_unlock(&tape->lock);
    return take_watchers(tape);
}

uint64_t tape_lag(struct tape *tape)
{
    uint64_t length, nearest = 0;
    bool read = false;

    pthread_mutex_lock(&tape->lock);
    length = tape_length(tape);
    for (size_t i = 0; i < tape->seat_capacity; i++) {
        if (tape->seats[i] == TAPE_SEAT_FREE)
            continue;
        read = true;
        if (tape->seats[i] > nearest)
            nearest = tape->seats[i];
    }
    pthread_mutex_unlock(&tape->lock);
    return read ? length - nearest : UINT64_MAX;
}

size_t tape_window_bytes(const struct tape *tape)
{
    bool spent = tape->budget != NULL && tape_budget_used(tape->budget) >= tape->budget->bytes_max;

    return spent ? TAPE_WINDOW_BYTES_TIGHT : roomy_window(tape);
}
