/* clients.h - who may call: virtual keys, what each is allowed, and how fast.
 *
 * Virtual keys are made by `tollgate keys new NAME`: "tg_" and 43 characters of base62, 256 bits of
 * chance, so that a plain SHA-256 of one is safe to write into the configuration. A key that is
 * presented is hashed and compared with every client's hash in constant time.
 *
 * Threads: any; the table is immutable, the rate's state atomic or under a mutex of its own.
 */
#ifndef SERVER_CLIENTS_H
#define SERVER_CLIENTS_H

#include "accounting/budget.h"
#include "server/config.h"

struct clients;
/* give; NULL: no memory. With no clients configured: a table that knows nobody. borrow: config. */
struct clients *clients_new(const struct config *config);
void clients_free(struct clients *clients);
/* Whether keys must be known ones. */
bool clients_required(const struct clients *clients);

/* The client whose key this is; NULL: nobody's. borrow. */
const struct config_client *clients_find(const struct clients *clients, struct text key);
/* The client of that name, as rows have it; NULL: there is none (any more). borrow. */
const struct config_client *clients_named(const struct clients *clients, struct text name);
/* Its place in config->client: also its index in budgets. */
size_t clients_index(const struct clients *clients, const struct config_client *client);

/* Whether it may use this model (patterns as in routes; none: any). Where there are patterns a
 * request without a model may not: what it would reach is not known. */
bool clients_allow_model(const struct config_client *client, struct text model);

/* Counts one request against requests_per_minute (GCRA: evenly refilled, bursts of up to a sixth of
 * a minute's worth, at least 1): 0, or the milliseconds after which one would pass; then it is not
 * counted. now_ms: monotonic, not below 0. */
int64_t clients_take(struct clients *clients, const struct config_client *client, int64_t now_ms);

struct budgets *clients_budgets(struct clients *clients);

enum { CLIENTS_KEY_LEN = 46, CLIENTS_KEY_SIZE = CLIENTS_KEY_LEN + 1, CLIENTS_HASH_SIZE = 65 };
/* A new key, and its SHA-256 as lower-case hex. -EIO: no randomness. */
int clients_make_key(char key[CLIENTS_KEY_SIZE], char hash[CLIENTS_HASH_SIZE]);

#endif
