/* gateway.h - what all workers share: made before the first thread starts, torn down after the last
 * has ended. Everything in it is immutable or has its own thread rule in its header.
 */
#ifndef SERVER_GATEWAY_H
#define SERVER_GATEWAY_H

#include "accounting/ledger.h"
#include "cache/store.h"
#include "server/config.h"
#include "server/identity.h"

#include <stdatomic.h>

struct worker;
struct lookup;
struct catalogs;
struct health;
struct model_map;
struct prices;
struct clients;
struct upkeep;
struct late_savings;
struct reads;
struct request_log;

struct gateway {
    const struct config *config;
    struct store *store;
    struct ledger *ledger;
    struct prices *prices;
    struct clients *clients;
    struct upkeep *upkeep;
    struct late_savings *late_savings;
    struct lookup *lookup; /* late look-ups; lives on worker 0 */
    struct model_map *models;
    struct catalogs *catalogs;
    struct health *health;
    struct reads *reads;
    struct request_log *request_log; /* NULL: it is off */
    uint8_t identity[IDENTITY_BYTES];
    struct worker *workers[TAPE_WORKERS_MAX];
    unsigned worker_count;
    atomic_bool draining;
};

#endif
