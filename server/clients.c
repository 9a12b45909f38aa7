#include "server/clients.h"

#include "server/plan.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    DIGEST_BYTES = 32,
    DIGEST_WORDS = DIGEST_BYTES / 8,
    MINUTE_MS = 60 * 1000,
    BURSTS_PER_MINUTE = 6,
    KEY_PREFIX_LEN = 3,
    LINE_BYTES = 64, /* of a processor's cache */
};

struct digest {
    uint64_t word[DIGEST_WORDS];
};

/* The time at which the client has used up nothing any more, in units of a millisecond divided by
 * requests_per_minute: so one request is MINUTE_MS of them, whole. Each on a line of its own, as
 * only clients with a rate write theirs. */
struct rate {
    alignas(LINE_BYTES) _Atomic int64_t due;
};

struct clients {
    const struct config *config; /* borrow */
    size_t count;
    struct digest *digests; /* of their keys, in the order of config->client */
    struct rate *rates;
    const struct config_client **by_name; /* sorted */
    struct budgets *budgets;
    EVP_MD *sha256; /* fetched once: that takes longer than hashing a key */
};

static int compare_names(const void *a, const void *b)
{
    const struct config_client *const *one = a, *const *other = b;
    return strcmp((*one)->name, (*other)->name);
}

static int fill(struct clients *clients)
{
    struct budget_limits *limits = calloc(clients->count + 1, sizeof(*limits));
    if (limits == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < clients->count; i++) {
        const struct config_client *client = &clients->config->client[i];
        memcpy(clients->digests[i].word, client->key_digest, DIGEST_BYTES);
        atomic_init(&clients->rates[i].due, 0);
        limits[i] = client->budget;
        clients->by_name[i] = client;
    }
    qsort(clients->by_name, clients->count, sizeof(clients->by_name[0]), compare_names);
    clients->budgets = budgets_new(limits, clients->count);
    free(limits);
    return clients->budgets != NULL ? 0 : -ENOMEM;
}

struct clients *clients_new(const struct config *config)
{
    struct clients *clients = calloc(1, sizeof(*clients));
    if (clients == NULL)
        return NULL;
    clients->config = config;
    clients->count = config->client_count;
    clients->digests = calloc(clients->count + 1, sizeof(clients->digests[0]));
    clients->rates = aligned_alloc(LINE_BYTES, (clients->count + 1) * sizeof(clients->rates[0]));
    clients->by_name = calloc(clients->count + 1, sizeof(clients->by_name[0]));
    clients->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (clients->digests == NULL || clients->rates == NULL || clients->by_name == NULL ||
        clients->sha256 == NULL || fill(clients) < 0) {
        clients_free(clients);
        return NULL;
    }
    return clients;
}

void clients_free(struct clients *clients)
{
    if (clients == NULL)
        return;
    EVP_MD_free(clients->sha256);
    budgets_free(clients->budgets);
    free(clients->by_name);
    free(clients->rates);
    free(clients->digests);
    free(clients);
}

bool clients_required(const struct clients *clients)
{
    return clients->count > 0;
}

struct budgets *clients_budgets(struct clients *clients)
{
    return clients->budgets;
}

/* --- who --- */

/* All of them are looked at, by words and without a branch, so that neither the place of a client
 * nor how much of a hash was right can be told from the time. Bytes of 4096 clients would take a
 * tenth of a millisecond. */
static size_t search(const struct clients *clients, const struct digest *digest)
{
    size_t found = 0;
    for (size_t i = 0; i < clients->count; i++) {
        uint64_t differs = 0, same;
        for (unsigned w = 0; w < DIGEST_WORDS; w++)
            differs |= clients->digests[i].word[w] ^ digest->word[w];
        same = ((differs | (0 - differs)) >> 63) - 1; /* all bits where nothing differs */
        found |= (i + 1) & (size_t)same;
    }
    return found;
}

const struct config_client *clients_find(const struct clients *clients, struct text key)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    const struct config_client *client;
    struct digest digest;
    size_t found;
    if (clients->count == 0 || key.len == 0)
        return NULL;
    if (EVP_Digest(key.bytes, key.len, bytes, NULL, clients->sha256, NULL) != 1)
        return NULL;
    memcpy(digest.word, bytes, DIGEST_BYTES);
    found = search(clients, &digest);
    if (found == 0)
        return NULL;
    client = &clients->config->client[found - 1];
    assert(CRYPTO_memcmp(client->key_digest, bytes, DIGEST_BYTES) == 0);
    return client;
}

const struct config_client *clients_named(const struct clients *clients, struct text name)
{
    size_t from = 0, to = clients->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const struct config_client *client = clients->by_name[middle];
        size_t len = strlen(client->name), common = len < name.len ? len : name.len;
        int order = common > 0 ? memcmp(name.bytes, client->name, common) : 0;
        if (order == 0 && name.len == len)
            return client;
        if (order < 0 || (order == 0 && name.len < len))
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

size_t clients_index(const struct clients *clients, const struct config_client *client)
{
    size_t index = (size_t)(client - clients->config->client);
    assert(client >= clients->config->client);
    assert(index < clients->count);
    return index;
}

/* --- what and how fast --- */

bool clients_allow_model(const struct config_client *client, struct text model)
{
    if (client->models.count == 0)
        return true;
    for (unsigned i = 0; i < client->models.count && model.len > 0; i++) {
        if (plan_pattern_matches(client->models.item[i], model))
            return true;
    }
    return false;
}

int64_t clients_take(struct clients *clients, const struct config_client *client, int64_t now_ms)
{
    struct rate *rate = &clients->rates[clients_index(clients, client)];
    int64_t rpm = client->requests_per_minute, burst, now, due, next;
    assert(now_ms >= 0);
    if (rpm == 0)
        return 0;
    assert(now_ms < INT64_MAX / 2 / rpm);
    burst = rpm < BURSTS_PER_MINUTE ? 1 : rpm / BURSTS_PER_MINUTE;
    now = now_ms * rpm;
    due = atomic_load_explicit(&rate->due, memory_order_relaxed);
    do {
        next = (due > now ? due : now) + MINUTE_MS;
        if (next - now > burst * MINUTE_MS)
            return (next - now - burst * MINUTE_MS + rpm - 1) / rpm;
    } while (!atomic_compare_exchange_weak_explicit(&rate->due, &due, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    return 0;
}

/* --- new keys --- */

/* Six bits are thrown until they name a character: a remainder would favour the first ones. */
static int draw(char *characters, size_t count)
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    unsigned char random[CLIENTS_KEY_LEN];
    size_t done = 0;
    while (done < count) {
        if (RAND_bytes(random, sizeof(random)) != 1)
            return -EIO;
        for (size_t i = 0; i < sizeof(random) && done < count; i++) {
            unsigned number = random[i] & 63;
            if (number < sizeof(alphabet) - 1)
                characters[done++] = alphabet[number];
        }
    }
    OPENSSL_cleanse(random, sizeof(random));
    return 0;
}

int clients_make_key(char key[CLIENTS_KEY_SIZE], char hash[CLIENTS_HASH_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    char made[CLIENTS_KEY_SIZE] = "tg_";
    int error = draw(made + KEY_PREFIX_LEN, CLIENTS_KEY_LEN - KEY_PREFIX_LEN);
    if (error == 0 && EVP_Digest(made, CLIENTS_KEY_LEN, digest, NULL, EVP_sha256(), NULL) != 1)
        error = -EIO;
    if (error == 0) {
        memcpy(key, made, sizeof(made));
        for (size_t i = 0; i < DIGEST_BYTES; i++) {
            hash[2 * i] = digits[digest[i] >> 4];
            hash[2 * i + 1] = digits[digest[i] & 15];
        }
        hash[CLIENTS_HASH_SIZE - 1] = '\0';
    }
    OPENSSL_cleanse(made, sizeof(made));
    return error;
}
