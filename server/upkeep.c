#include "server/upkeep.h"

#include "accounting/ledger_close.h"
#include "accounting/ledger_month.h"
#include "accounting/ledger_rollup.h"
#include "server/late_savings.h"
#include "server/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct upkeep {
    struct gateway *gateway;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wanted;
    _Atomic bool stop; /* set under the mutex */
    bool loaded;       /* what late look-ups told before we started */
    int told;          /* the last error that the log was told of */
};

static int64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_stopping(struct upkeep *upkeep)
{
    return atomic_load(&upkeep->stop);
}

/* A few hours at a time, so that a stop is not waited for. */
static int sum_hours(struct upkeep *upkeep)
{
    unsigned made = 0;
    int result;

    do
        result = ledger_rollup_run(upkeep->gateway->ledger, wall_ms(), UPKEEP_HOURS_AT_ONCE, &made);
    while (result == 0 && made == UPKEEP_HOURS_AT_ONCE && !is_stopping(upkeep));
    return result;
}

/* The first millisecond of the month that lies so many before that of now. */
static int64_t months_before(int64_t now_ms, unsigned months)
{
    int64_t from_ms, to_ms;

    ledger_month_range(now_ms, &from_ms, &to_ms);
    for (unsigned i = 0; i < months && from_ms > 0; i++)
        ledger_month_range(from_ms - 1, &from_ms, &to_ms);
    return from_ms;
}

static int drop_months(struct upkeep *upkeep)
{
    unsigned months = upkeep->gateway->config->ledger.retention_months, dropped = 0;
    int result;

    if (months == 0)
        return 0;
    result =
        ledger_drop_months(upkeep->gateway->ledger, months_before(wall_ms(), months), &dropped);
    if (dropped > 0)
        log_line(LOG_INFO, "months_dropped", LOG_NUMBER("months", dropped));
    return result;
}

/* Once; again where it failed. Here, since a start does not wait for a day of rows. */
static int load_savings(struct upkeep *upkeep)
{
    struct gateway *gateway = upkeep->gateway;
    int result = 0;

    if (!upkeep->loaded)
        result =
            late_savings_load(gateway->late_savings, gateway->ledger, wall_ms(), &upkeep->stop);
    upkeep->loaded = result == 0;
    return result;
}

static void *upkeep_main(void *arg)
{
    struct upkeep *upkeep = arg;

    while (!is_stopping(upkeep)) {
        struct timespec until;
        int result = load_savings(upkeep);
        if (result == 0)
            result = sum_hours(upkeep);
        if (result == 0)
            result = drop_months(upkeep);
        if (result != 0 && result != -ECANCELED && result != upkeep->told)
            log_line(LOG_WARNING, "ledger_upkeep_failed", LOG_TEXT("why", strerror(-result)));
        upkeep->told = result;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += UPKEEP_EVERY_MS / 1000;
        pthread_mutex_lock(&upkeep->mutex);
        while (!upkeep->stop &&
               pthread_cond_timedwait(&upkeep->wanted, &upkeep->mutex, &until) == 0)
            continue;
        pthread_mutex_unlock(&upkeep->mutex);
    }
    return NULL;
}

struct upkeep *upkeep_start(struct gateway *gateway)
{
    struct upkeep *upkeep = calloc(1, sizeof *upkeep);
    pthread_condattr_t clock;

    if (upkeep == NULL)
        return NULL;
    upkeep->gateway = gateway;
    pthread_mutex_init(&upkeep->mutex, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&upkeep->wanted, &clock);
    pthread_condattr_destroy(&clock);
    if (pthread_create(&upkeep->thread, NULL, upkeep_main, upkeep) == 0)
        return upkeep;
    pthread_cond_destroy(&upkeep->wanted);
    pthread_mutex_destroy(&upkeep->mutex);
    free(upkeep);
    return NULL;
}

void upkeep_stop(struct upkeep *upkeep)
{
    if (upkeep == NULL)
        return;
    pthread_mutex_lock(&upkeep->mutex);
    atomic_store(&upkeep->stop, true);
    pthread_cond_signal(&upkeep->wanted);
    pthread_mutex_unlock(&upkeep->mutex);
    pthread_join(upkeep->thread, NULL);
    pthread_cond_destroy(&upkeep->wanted);
    pthread_mutex_destroy(&upkeep->mutex);
    free(upkeep);
}
