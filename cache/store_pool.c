/* store_pool.c - see store_pool.h. */
#include "cache/store_pool.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

enum { READS_IN_A_ROW = 16 };

struct queue {
    struct pool_job *first, **end; /* end: where the next one is linked */
};

struct lane {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct queue reads, writes;
    unsigned reads_in_a_row;
    bool closing;
};

struct pool {
    unsigned count;
    struct lane lanes[];
};

static struct pool_job *queue_pop(struct queue *queue)
{
    struct pool_job *job = queue->first;
    queue->first = job->next;
    if (queue->first == NULL)
        queue->end = &queue->first;
    job->next = NULL;
    return job;
}

/* give; NULL: nothing is queued. Caller holds lane->lock. */
static struct pool_job *next_locked(struct lane *lane)
{
    bool write = lane->writes.first != NULL;
    if (lane->reads.first != NULL && !(write && lane->reads_in_a_row >= READS_IN_A_ROW)) {
        lane->reads_in_a_row++;
        return queue_pop(&lane->reads);
    }
    lane->reads_in_a_row = 0;
    return write ? queue_pop(&lane->writes) : NULL;
}

static void *lane_run(void *arg)
{
    struct lane *lane = arg;
    pthread_mutex_lock(&lane->lock);
    for (;;) {
        struct pool_job *job = next_locked(lane);
        if (job != NULL) {
            pthread_mutex_unlock(&lane->lock);
            job->run(job);
            pthread_mutex_lock(&lane->lock);
        } else if (lane->closing) {
            break;
        } else {
            pthread_cond_wait(&lane->changed, &lane->lock);
        }
    }
    pthread_mutex_unlock(&lane->lock);
    return NULL;
}

static int lane_start(struct lane *lane)
{
    sigset_t all, before;
    lane->reads.end = &lane->reads.first;
    lane->writes.end = &lane->writes.first;
    pthread_mutex_init(&lane->lock, NULL);
    pthread_cond_init(&lane->changed, NULL);
    /* Signals belong to the threads of whoever uses the cache. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&lane->thread, NULL, lane_run, lane);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err != 0) {
        pthread_mutex_destroy(&lane->lock);
        pthread_cond_destroy(&lane->changed);
    }
    return -err;
}

struct pool *pool_new(unsigned threads)
{
    struct pool *pool = calloc(1, sizeof(*pool) + threads * sizeof(pool->lanes[0]));
    if (pool == NULL)
        return NULL;
    assert(threads > 0);
    while (pool->count < threads) {
        if (lane_start(&pool->lanes[pool->count]) != 0) {
            pool_free(pool);
            return NULL;
        }
        pool->count++;
    }
    return pool;
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    for (unsigned i = 0; i < pool->count; i++) {
        struct lane *lane = &pool->lanes[i];
        pthread_mutex_lock(&lane->lock);
        lane->closing = true;
        pthread_cond_signal(&lane->changed);
        pthread_mutex_unlock(&lane->lock);
        pthread_join(lane->thread, NULL);
        assert(lane->reads.first == NULL);
        assert(lane->writes.first == NULL);
        pthread_mutex_destroy(&lane->lock);
        pthread_cond_destroy(&lane->changed);
    }
    free(pool);
}

void pool_push(struct pool *pool, uint32_t lane_number, enum pool_queue where, struct pool_job *job)
{
    struct lane *lane = &pool->lanes[lane_number % pool->count];
    job->next = NULL;
    pthread_mutex_lock(&lane->lock);
    struct queue *queue = where == POOL_READ ? &lane->reads : &lane->writes;
    *queue->end = job;
    queue->end = &job->next;
    pthread_cond_signal(&lane->changed);
    pthread_mutex_unlock(&lane->lock);
}
