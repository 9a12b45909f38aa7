#include "server/lookup.h"
#include "accounting/settle.h"
#include "server/dialect/answer.h"
#include "server/late_savings.h"
#include "server/log.h"
#include "server/prices.h"
#include "server/spending.h"
#include "server/worker.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEYLESS_BUCKETS = 4096,
    HOPELESS_AT_ONCE = 1024, /* given up in one go: their rows must fit into the lane */
};

/* One row that waits. */
struct entry {
    struct lookup *lookup;
    size_t index; /* in the heap, while it waits */
    struct ledger_ref ref;
    const struct config_upstream *upstream;        /* NULL: it left the configuration */
    char *upstream_id, *key_id;                    /* in one block that begins at upstream_id */
    struct entry *keyless_next, **keyless_pointer; /* lookup->keyless, while it waits keyless */
    unsigned bucket;                               /* of its key id there */
    uint8_t *row;                                  /* encoded; NULL in an offer of a key */
    size_t row_len;
    struct money counted;
    bool confirms; /* the row has its cost, and waits for the last word on it */
    char *key;     /* owned; NULL: not known */
    size_t key_len;
    int64_t due_ms; /* unix ms */
    unsigned tries;
    struct upstream_transfer *transfer;
    int status;
    char *body;
    size_t body_len;
};

struct lookup {
    struct gateway *gateway;
    struct entry **heap; /* those that wait, the next one due first */
    size_t waiting, capacity;
    struct entry *asked[LOOKUP_RUNNING_MAX]; /* those that are being asked for */
    unsigned running;
    /* Entries that wait for their client's key, by key id. The counts alone are other threads',
     * too: so that a request whose key nobody waits for costs one look. */
    struct entry *keyless[KEYLESS_BUCKETS];
    atomic_uint keyless_count[KEYLESS_BUCKETS];
    bool stopped;
};

static char *copy_text(char **to, const char *bytes, size_t len)
{
    char *copy = *to;

    if (len > 0)
        memcpy(copy, bytes, len);
    copy[len] = '\0';
    *to += len + 1;
    return copy;
}

/* Key ids are keyed hashes: nobody chooses where they fall. */
static unsigned bucket_of(struct text key_id)
{
    uint32_t hash = 0x811c9dc5;

    for (size_t i = 0; i < key_id.len; i++)
        hash = (hash ^ (unsigned char)key_id.bytes[i]) * 0x01000193;
    return hash % KEYLESS_BUCKETS;
}

/* Neither row nor upstream yet. */
static struct entry *entry_new(struct lookup *lookup, struct text upstream_id, struct text key_id)
{
    struct entry *entry = calloc(1, sizeof *entry);
    char *block = malloc(upstream_id.len + key_id.len + 2);

    if (entry == NULL || block == NULL) {
        free(entry);
        free(block);
        return NULL;
    }
    entry->lookup = lookup;
    entry->upstream_id = copy_text(&block, upstream_id.bytes, upstream_id.len);
    entry->key_id = copy_text(&block, key_id.bytes, key_id.len);
    entry->bucket = bucket_of(key_id);
    return entry;
}

static void entry_free(struct entry *entry);

static struct entry *entry_of_row(struct lookup *lookup, const struct ledger_ref *ref,
                                  const struct ledger_row *row,
                                  const struct config_upstream *upstream)
{
    struct entry *entry = entry_new(lookup, row->upstream_id, row->key_id);
    uint8_t bytes[ROW_ENCODED_MAX];
    size_t len = 0;

    if (entry == NULL)
        return NULL;
    entry->ref = *ref;
    entry->upstream = upstream;
    entry->confirms = row->verdict != VERDICT_PENDING;
    if (row_encode(row, bytes, sizeof bytes, &len) == 0)
        entry->row = malloc(len);
    if (entry->row == NULL) {
        entry_free(entry);
        return NULL;
    }
    memcpy(entry->row, bytes, len);
    entry->row_len = len;
    return entry;
}

static bool give_key(struct entry *entry, struct text key)
{
    if (key.len == 0)
        return false;
    entry->key = malloc(key.len);
    if (entry->key == NULL)
        return false;
    memcpy(entry->key, key.bytes, key.len);
    entry->key_len = key.len;
    return true;
}

static void entry_free(struct entry *entry)
{
    if (entry->key != NULL)
        OPENSSL_cleanse(entry->key, entry->key_len);
    free(entry->key);
    free(entry->upstream_id);
    free(entry->row);
    free(entry->body);
    free(entry);
}

/* Paid with a client's own key, which only that client can bring. */
static bool is_keyless(const struct entry *entry)
{
    return entry->key == NULL && entry->upstream != NULL && entry->upstream->api_key == NULL;
}

/* Left by a dead process, and its upstream has no generation records. */
static bool is_hopeless(const struct entry *entry)
{
    return entry->upstream != NULL && entry->upstream->dialect == DIALECT_OPENAI;
}

static void link_keyless(struct lookup *lookup, struct entry *entry)
{
    entry->keyless_next = lookup->keyless[entry->bucket];
    entry->keyless_pointer = &lookup->keyless[entry->bucket];
    if (entry->keyless_next != NULL)
        entry->keyless_next->keyless_pointer = &entry->keyless_next;
    lookup->keyless[entry->bucket] = entry;
    atomic_fetch_add(&lookup->keyless_count[entry->bucket], 1);
}

static void unlink_keyless(struct lookup *lookup, struct entry *entry)
{
    *entry->keyless_pointer = entry->keyless_next;
    if (entry->keyless_next != NULL)
        entry->keyless_next->keyless_pointer = entry->keyless_pointer;
    entry->keyless_pointer = NULL;
    atomic_fetch_sub(&lookup->keyless_count[entry->bucket], 1);
}

static int64_t gives_up_ms(const struct entry *entry)
{
    return entry->ref.created_at_ms + (entry->confirms ? LOOKUP_CONFIRM_MS : LOOKUP_GIVE_UP_MS);
}

/* --- the heap --- */

static void place(struct lookup *lookup, size_t index, struct entry *entry)
{
    lookup->heap[index] = entry;
    entry->index = index;
}

static void sift(struct lookup *lookup, struct entry *entry)
{
    size_t at = entry->index, child;

    while (at > 0 && lookup->heap[(at - 1) / 2]->due_ms > entry->due_ms) {
        place(lookup, at, lookup->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    while ((child = 2 * at + 1) < lookup->waiting) {
        if (child + 1 < lookup->waiting &&
            lookup->heap[child + 1]->due_ms < lookup->heap[child]->due_ms)
            child++;
        if (lookup->heap[child]->due_ms >= entry->due_ms)
            break;
        place(lookup, at, lookup->heap[child]);
        at = child;
    }
    place(lookup, at, entry);
}

/* take: entry. Without memory it is dropped: the row stays pending for the next start. */
static void insert(struct lookup *lookup, struct entry *entry)
{
    if (lookup->waiting == lookup->capacity) {
        size_t capacity = lookup->capacity > 0 ? lookup->capacity * 2 : 64;
        struct entry **larger = realloc(lookup->heap, capacity * sizeof *larger);
        if (larger == NULL) {
            entry_free(entry);
            return;
        }
        lookup->heap = larger;
        lookup->capacity = capacity;
    }
    if (is_keyless(entry))
        link_keyless(lookup, entry);
    place(lookup, lookup->waiting++, entry);
    sift(lookup, entry);
}

static struct entry *take_first(struct lookup *lookup)
{
    struct entry *first = lookup->heap[0], *last = lookup->heap[--lookup->waiting];

    if (last != first) {
        place(lookup, 0, last);
        sift(lookup, last);
    }
    if (first->keyless_pointer != NULL)
        unlink_keyless(lookup, first);
    return first;
}

/* --- asking --- */

/* Age at which the next try is due, by the number of tries made. */
static int64_t next_delay_ms(unsigned tries)
{
    if (tries == 0)
        return 1000;
    if (tries <= 10)
        return 2000;
    if (tries <= 70)
        return 60 * 1000;
    return 3600 * 1000;
}

/* Hits on its answer are told what they save. */
static void note_saving(struct gateway *gateway, const struct ledger_row *row)
{
    struct maybe_money money = late_savings_of(row);
    if (money.known)
        late_savings_put(gateway->late_savings, row->id, money.money);
}

/* The last word. take: entry. */
static void settle(struct entry *entry, const struct ledger_row *was, const struct ledger_row *row)
{
    struct lookup *lookup = entry->lookup;
    struct worker *worker = lookup->gateway->workers[0];

    if (ledger_settle(worker->lane, &entry->ref, was, row, false, worker_ledger_ms(worker)) == 0) {
        if (row->client.len > 0)
            spending_correct(lookup->gateway, row, entry->counted, worker_now_ms(worker));
        if (!was->billed.known)
            note_saving(lookup->gateway, row);
        entry_free(entry);
        return;
    }
    /* The journal is full: the row stays as it is, so ask again later. */
    entry->due_ms = worker_now_ms(worker) + next_delay_ms(1);
    insert(lookup, entry);
}

static void give_up(struct entry *entry)
{
    int64_t tolerance_ppm = entry->lookup->gateway->config->ledger.tolerance_ppm;
    struct ledger_row was, row;
    int result = row_decode(entry->row, entry->row_len, &was);

    assert(result == 0); /* we encoded it */
    row = was;
    settle_give_up(&row, tolerance_ppm);
    log_line(LOG_WARNING, entry->confirms ? "drift_not_confirmed" : "cost_not_reported",
             LOG_TEXT("id", entry->upstream_id),
             LOG_TEXT("upstream", entry->upstream != NULL ? entry->upstream->name : ""),
             LOG_NUMBER("tries", entry->tries));
    settle(entry, &was, &row);
}

/* A record without a cost says something all the same: it is kept, and the cost is asked for again.
 */
static void keep_facts(struct entry *entry, const struct ledger_row *was,
                       const struct ledger_row *row)
{
    struct worker *worker = entry->lookup->gateway->workers[0];
    uint8_t bytes[ROW_ENCODED_MAX], *copy;
    size_t len = 0;

    if (row_encode(row, bytes, sizeof bytes, &len) != 0 ||
        (len == entry->row_len && memcmp(bytes, entry->row, len) == 0))
        return;
    copy = malloc(len);
    if (copy == NULL ||
        ledger_settle(worker->lane, &entry->ref, was, row, true, worker_ledger_ms(worker)) != 0) {
        free(copy);
        return;
    }
    memcpy(copy, bytes, len);
    free(entry->row);
    entry->row = copy;
    entry->row_len = len;
}

/* True when that was the last word, and the entry is freed. */
static bool take_record(struct entry *entry, const struct settle_record *record)
{
    struct gateway *gateway = entry->lookup->gateway;
    const struct price_table *table = prices_use(gateway->prices);
    struct settle_room room;
    struct ledger_row was, row;
    struct settle_prices prices;
    int result = row_decode(entry->row, entry->row_len, &was);

    assert(result == 0); /* we encoded it */
    row = was;
    prices = prices_of(table, gateway->models,
                       (struct text[]){record->model, was.model, was.model_requested}, 3);
    settle_with_record(&row, record, &prices, worker_now_ms(gateway->workers[0]),
                       gateway->config->ledger.tolerance_ppm, &room);
    result = row.verdict != VERDICT_PENDING;
    if (result)
        settle(entry, &was, &row);
    else
        keep_facts(entry, &was, &row);
    prices_done(gateway->prices, table); /* the row's texts are recorded now */
    return result;
}

static bool read_record(struct entry *entry)
{
    struct answer *answer = malloc(sizeof *answer);
    struct settle_record record;
    bool final = false;

    if (answer == NULL)
        return false;
    answer_init(answer, API_CHAT, entry->lookup->gateway->workers[0]->edits);
    if (answer_read_generation(answer, entry->body, entry->body_len, entry->upstream_id, &record) ==
        0)
        final = take_record(entry, &record);
    answer_release(answer);
    free(answer);
    return final;
}

static void on_head(void *arg, const struct upstream_head *head)
{
    struct entry *entry = arg;

    entry->status = head->status;
}

static int on_bytes(void *arg, const char *bytes, size_t len)
{
    struct entry *entry = arg;
    char *larger;

    if (len > LOOKUP_RECORD_MAX - entry->body_len)
        return -E2BIG;
    larger = realloc(entry->body, entry->body_len + len);
    if (larger == NULL)
        return -ENOMEM;
    entry->body = larger;
    memcpy(entry->body + entry->body_len, bytes, len);
    entry->body_len += len;
    return 0;
}

static void on_end(void *arg, enum upstream_end end, const char *detail)
{
    struct entry *entry = arg;
    struct lookup *lookup = entry->lookup;
    struct worker *worker = lookup->gateway->workers[0];
    int64_t now = worker_now_ms(worker);
    unsigned at = 0;

    (void)detail;
    entry->transfer = NULL;
    while (lookup->asked[at] != entry)
        at++;
    lookup->asked[at] = lookup->asked[--lookup->running];
    entry->due_ms = now + next_delay_ms(++entry->tries);
    if (end == UPSTREAM_COMPLETE && entry->status == 200 && read_record(entry))
        entry = NULL; /* settled */
    else if (now > gives_up_ms(entry))
        give_up(entry);
    else
        insert(lookup, entry);
    lookup_tick(lookup, worker);
}

static void print_url(const struct entry *entry, char *url, size_t size)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t len = (size_t)snprintf(url, size, "%s/generation?id=", entry->upstream->base_url);

    for (const char *at = entry->upstream_id; *at != '\0' && len + 4 < size; at++) {
        unsigned char byte = (unsigned char)*at;
        if ((byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
            (byte >= 'a' && byte <= 'z') || byte == '-' || byte == '_' || byte == '.') {
            url[len++] = *at;
        } else {
            url[len++] = '%';
            url[len++] = hex[byte >> 4];
            url[len++] = hex[byte & 15];
        }
    }
    url[len] = '\0';
}

static void ask(struct entry *entry, struct worker *worker)
{
    struct lookup *lookup = entry->lookup;
    char url[4096];
    struct upstream_request request = {
        .url = url,
        .bearer = entry->key != NULL ? entry->key : entry->upstream->api_key,
        .method = UPSTREAM_GET,
        .timeout_ms = LOOKUP_TIMEOUT_MS,
        .on_head = on_head,
        .on_bytes = on_bytes,
        .on_end = on_end,
        .arg = entry,
    };

    print_url(entry, url, sizeof url);
    request.bearer_len = entry->key != NULL ? entry->key_len : strlen(entry->upstream->api_key);
    entry->status = 0;
    entry->body_len = 0;
    if (upstream_start(worker->upstream, &request, &entry->transfer) == 0) {
        lookup->asked[lookup->running++] = entry;
        return;
    }
    entry->due_ms = worker_now_ms(worker) + next_delay_ms(1);
    insert(lookup, entry);
}

/* A client's own key is needed and nobody has brought it yet, or its upstream is not there: wait
 * for it, up to a day. */
static void wait_for_means(struct entry *entry, int64_t now)
{
    if (now > gives_up_ms(entry)) {
        give_up(entry);
        return;
    }
    entry->due_ms = gives_up_ms(entry) + 1;
    insert(entry->lookup, entry);
}

void lookup_tick(struct lookup *lookup, struct worker *worker)
{
    int64_t now = worker_now_ms(worker);
    unsigned hopeless = 0;

    assert(worker->index == 0);
    while (!lookup->stopped && lookup->waiting > 0 && lookup->running < LOOKUP_RUNNING_MAX &&
           lookup->heap[0]->due_ms <= now && hopeless < HOPELESS_AT_ONCE) {
        struct entry *entry = take_first(lookup);
        hopeless += is_hopeless(entry);
        if (is_hopeless(entry))
            give_up(entry);
        else if (is_keyless(entry) || entry->upstream == NULL)
            wait_for_means(entry, now);
        else
            ask(entry, worker);
    }
}

/* --- arrivals, by message to worker 0 --- */

static void take_entry(void *arg, struct worker *worker)
{
    struct entry *entry = arg;
    struct lookup *lookup = entry->lookup;

    if (lookup->stopped || lookup->waiting >= LOOKUP_WAITING_MAX) {
        entry_free(entry);
        return;
    }
    entry->due_ms = worker_now_ms(worker) + next_delay_ms(0);
    insert(lookup, entry);
}

void lookup_add(struct lookup *lookup, const struct lookup_order *order)
{
    struct entry *entry = entry_of_row(lookup, &order->ref, order->row, order->upstream);

    if (entry == NULL)
        return; /* the row stays pending in the ledger: the next start asks */
    entry->counted = order->counted;
    if (order->upstream->api_key == NULL)
        give_key(entry, order->key);
    worker_post_function(lookup->gateway->workers[0], take_entry, entry);
}

static void take_key(void *arg, struct worker *worker)
{
    struct entry *offer = arg, *next; /* only key_id and key are set */
    struct lookup *lookup = offer->lookup;
    struct entry *entry = lookup->keyless[offer->bucket];

    (void)worker;
    for (; entry != NULL; entry = next) {
        next = entry->keyless_next;
        if (strcmp(entry->key_id, offer->key_id) != 0 ||
            !give_key(entry, (struct text){offer->key, offer->key_len}))
            continue;
        unlink_keyless(lookup, entry);
        entry->due_ms = 0; /* before all others */
        sift(lookup, entry);
    }
    entry_free(offer);
}

void lookup_offer_key(struct lookup *lookup, struct text key_id, struct text key)
{
    struct entry *offer;

    if (atomic_load_explicit(&lookup->keyless_count[bucket_of(key_id)], memory_order_relaxed) == 0)
        return;
    offer = entry_new(lookup, (struct text){NULL, 0}, key_id);
    if (offer != NULL && give_key(offer, key))
        worker_post_function(lookup->gateway->workers[0], take_key, offer);
    else if (offer != NULL)
        entry_free(offer);
}

/* --- start and stop --- */

static void load(void *arg, const struct ledger_pending *pending)
{
    struct lookup *lookup = arg;
    const struct ledger_row *row = pending->row;
    struct entry *entry;

    if (row == NULL) {
        log_line(LOG_ERROR, "pending_row_unreadable",
                 LOG_NUMBER("created_at_ms", pending->ref.created_at_ms));
        return;
    }
    if (lookup->waiting >= LOOKUP_WAITING_MAX)
        return;
    entry = entry_of_row(lookup, &pending->ref, row,
                         config_upstream_named(lookup->gateway->config, row->upstream));
    if (entry == NULL)
        return;
    entry->counted = spending_counted(row);
    insert(lookup, entry);
}

struct lookup *lookup_new(struct gateway *gateway)
{
    struct lookup *lookup = calloc(1, sizeof *lookup);

    if (lookup == NULL)
        return NULL;
    lookup->gateway = gateway;
    if (ledger_pending(gateway->ledger, load, lookup) != 0)
        log_line(LOG_ERROR, "pending_rows_unreadable", LOG_NUMBER("loaded", lookup->waiting));
    return lookup;
}

void lookup_stop(struct lookup *lookup)
{
    lookup->stopped = true;
    while (lookup->running > 0) {
        struct entry *entry = lookup->asked[--lookup->running];
        upstream_stop(entry->transfer);
        entry_free(entry);
    }
}

void lookup_free(struct lookup *lookup)
{
    if (lookup == NULL)
        return;
    while (lookup->waiting > 0)
        entry_free(take_first(lookup));
    free(lookup->heap);
    free(lookup);
}
