/* reads.h - GET requests that are answered from the ledger, the catalogue, or by asking upstream.
 *
 * What comes from the ledger shows the caller's own rows only (by key id). Ledger questions run on
 * a thread of their own and post their answer back: no worker ever waits for RocksDB.
 *
 * Threads: reads_start() on any worker; the answer is sent on that worker.
 */
#ifndef SERVER_READS_H
#define SERVER_READS_H

#include "server/route.h"

#include <h2o.h>

struct gateway;
struct worker;
struct reads;
struct request_log;

struct reads *reads_new(struct gateway *gateway); /* give; starts the thread; NULL: no memory */
void reads_stop(struct reads *reads);             /* before workers end: refuses what waits */
void reads_free(struct reads *reads);             /* after they have ended; accepts NULL */

/* Where `replay_request` is looked for; NULL: nowhere. Before the workers start. borrow. */
void reads_use_log(struct reads *reads, struct request_log *log);

/* Takes over a GET or HEAD request. rest: what stood in place of the route's `*`. */
void reads_start(struct worker *worker, h2o_req_t *req, const struct route *route,
                 struct text rest);

#endif
