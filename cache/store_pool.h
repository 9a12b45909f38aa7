/* store_pool.h - the few threads that may block on disk, and their queues.
 *
 * Jobs go to a lane (one thread each) by a number that the caller derives from the key. A lane has
 * two queues: writes run in the order they came; reads overtake writes, because somebody waits for
 * them, but not for ever: every READS_IN_A_ROW-th turn is a waiting write's. A read that must see
 * the writes before it is pushed as a write.
 *
 * Threads: any may push. Closing runs everything that is queued, and
 * what those jobs push to their own lane. Lock order: a lane's mutex is last.
 */
#ifndef CACHE_STORE_POOL_H
#define CACHE_STORE_POOL_H

#include <stdint.h>

struct pool;

/* Embedded in the caller's job. run() takes the job and may push others. */
struct pool_job {
    struct pool_job *next; /* private to the pool */
    void (*run)(struct pool_job *job);
};

enum pool_queue { POOL_READ, POOL_WRITE };

/* give; NULL: no memory or no threads. */
struct pool *pool_new(unsigned threads);
void pool_free(struct pool *pool); /* runs what is queued, then ends; accepts NULL */
/* take: job. */
void pool_push(struct pool *pool, uint32_t lane, enum pool_queue queue, struct pool_job *job);

#endif
