#include "server/late_savings.h"

#include "accounting/observe.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHARDS = 64,
    SHARD_MAX = LATE_SAVINGS_MAX / SHARDS,
    BUCKETS = SHARD_MAX,
    LOAD_WAIT_MS = 2000, /* for what lanes hold from before */
};

struct saving {
    struct saving *next; /* of its bucket */
    uint64_t hash;
    struct money money;
    size_t len;
    char id[];
};

struct shard {
    pthread_mutex_t mutex;
    struct saving *bucket[BUCKETS];
    struct saving *ring[SHARD_MAX]; /* by age; once it is full the oldest is at `next` */
    unsigned next;
};

struct late_savings {
    struct shard shard[SHARDS];
};

struct late_savings *late_savings_new(void)
{
    struct late_savings *savings = calloc(1, sizeof *savings);

    for (unsigned i = 0; savings != NULL && i < SHARDS; i++)
        pthread_mutex_init(&savings->shard[i].mutex, NULL);
    return savings;
}

void late_savings_free(struct late_savings *savings)
{
    if (savings == NULL)
        return;
    for (unsigned i = 0; i < SHARDS; i++) {
        for (unsigned n = 0; n < SHARD_MAX; n++)
            free(savings->shard[i].ring[n]);
        pthread_mutex_destroy(&savings->shard[i].mutex);
    }
    free(savings);
}

/* FNV-1a, its bits mixed. Ids are an upstream's: one that made them meet would have each look-up
 * pass a shard's SHARD_MAX, and no more. */
static uint64_t hash_of(struct text id)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < id.len; i++)
        hash = (hash ^ (unsigned char)id.bytes[i]) * UINT64_C(0x100000001b3);
    hash ^= hash >> 32;
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static struct shard *shard_of(struct late_savings *savings, uint64_t hash)
{
    return &savings->shard[hash % SHARDS];
}

/* Where the pointer to it lies, or would lie. */
static struct saving **find(struct shard *shard, uint64_t hash, struct text id)
{
    struct saving **at = &shard->bucket[hash / SHARDS % BUCKETS];

    while (*at != NULL && ((*at)->hash != hash || (*at)->len != id.len ||
                           memcmp((*at)->id, id.bytes, id.len) != 0))
        at = &(*at)->next;
    return at;
}

/* Makes room at the ring's next place. give: what stood there; NULL: nothing. */
static struct saving *take_oldest(struct shard *shard)
{
    struct saving *oldest = shard->ring[shard->next], **at;

    if (oldest == NULL)
        return NULL;
    at = &shard->bucket[oldest->hash / SHARDS % BUCKETS];
    while (*at != oldest)
        at = &(*at)->next;
    *at = oldest->next;
    return oldest;
}

void late_savings_put(struct late_savings *savings, struct text id, struct money money)
{
    uint64_t hash = hash_of(id);
    struct shard *shard = shard_of(savings, hash);
    struct saving *unused, **at;

    if (id.len == 0 || id.len > ROW_ID_MAX)
        return;
    unused = malloc(sizeof *unused + id.len);
    if (unused == NULL)
        return;
    unused->hash = hash;
    unused->money = money;
    unused->len = id.len;
    memcpy(unused->id, id.bytes, id.len);
    pthread_mutex_lock(&shard->mutex);
    at = find(shard, hash, id);
    if (*at != NULL) {
        (*at)->money = money;
    } else {
        struct saving *added = unused;
        unused = take_oldest(shard);
        at = &shard->bucket[hash / SHARDS % BUCKETS];
        added->next = *at;
        *at = added;
        shard->ring[shard->next] = added;
        shard->next = (shard->next + 1) % SHARD_MAX;
    }
    pthread_mutex_unlock(&shard->mutex);
    free(unused);
}

struct maybe_money late_savings_get(struct late_savings *savings, struct text id)
{
    uint64_t hash = hash_of(id);
    struct shard *shard = shard_of(savings, hash);
    struct maybe_money money = {0};
    struct saving *found;

    pthread_mutex_lock(&shard->mutex);
    found = *find(shard, hash, id);
    if (found != NULL)
        money = (struct maybe_money){.known = true, .money = found->money};
    pthread_mutex_unlock(&shard->mutex);
    return money;
}

struct maybe_money late_savings_of(const struct ledger_row *row)
{
    struct maybe_money money = row->billed;

    if (money.known && row->upstream_cost.known &&
        money_add(row->billed.money, row->upstream_cost.money, &money.money) != 0)
        return (struct maybe_money){0};
    return money;
}

/* --- after a restart --- */

/* Whoever was told of its cost by the answer itself left it with the stored answer. */
static bool only_record_told(const struct ledger_row *row)
{
    struct observation list[OBSERVATIONS_MAX];
    size_t count = 0;
    bool told = false;

    if (row->observed.len == 0 ||
        memmem(row->observed.bytes, row->observed.len, "\"generation\"", 12) == NULL ||
        observe_parse(row->observed, list, &count) != 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!list[i].billed.known)
            continue;
        if (list[i].source != OBSERVE_GENERATION)
            return false;
        told = true;
    }
    return told;
}

static int load(void *arg, const struct ledger_row *row)
{
    struct late_savings *savings = arg;
    struct maybe_money money;

    if (row->corrects.len > 0 || !only_record_told(row))
        return 0;
    money = late_savings_of(row);
    if (money.known)
        late_savings_put(savings, row->id, money.money);
    return 0;
}

int late_savings_load(struct late_savings *savings, struct ledger *ledger, int64_t now_ms,
                      const _Atomic bool *stop)
{
    struct ledger_reader *reader = NULL;
    int result = ledger_reader_within(ledger, LOAD_WAIT_MS, stop, &reader);

    if (result == 0)
        result = ledger_reader_rows(reader, now_ms - LATE_SAVINGS_MS, now_ms + 1, load, savings);
    ledger_reader_close(reader);
    return result;
}
