#include "accounting/budget.h"

#include "accounting/ledger_month.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

enum { SUMS_KEPT = 2, MONDAY_OFFSET = 3 /* 1970-01-01 was a Thursday */ };

/* 1e12 USD. No call costs that; capped by it, the sums of all that are held at once always fit. */
#define AMOUNT_MAX ((__int128)1000000000000 * 1000000000000000)
#define SUM_MAX ((__int128)10000 * AMOUNT_MAX)

/* One day, week or month of one client. */
struct sum {
    int64_t from_ms;
    uint32_t serial; /* 0: of no period yet; never used twice by a client */
    __int128 spent, held;
    __int128 kept; /* held as well, but by no hold: calls that ended, whose cost is still to come */
};

struct account {
    pthread_mutex_t lock; /* over all below */
    struct budget_limits limits;
    struct sum sum[BUDGET_PERIODS][SUMS_KEPT];
    uint32_t serials;
    unsigned holds;
    bool waited; /* somebody was told to wait for a release */
};

struct budgets {
    size_t count;
    void (*on_release)(void *arg, size_t client);
    void *release_arg;
    struct account account[];
};

const char *budget_period_name(enum budget_period period)
{
    static const char *const names[BUDGET_PERIODS] = {"day", "week", "month"};
    assert(period < BUDGET_PERIODS);
    return names[period];
}

/* --- periods --- */

static int64_t floor_to(int64_t value, int64_t unit)
{
    int64_t rest = value % unit;
    return value - (rest < 0 ? rest + unit : rest);
}

static void range_of(enum budget_period period, int64_t ms, int64_t *ret_from_ms,
                     int64_t *ret_to_ms)
{
    const int64_t week_ms = 7 * LEDGER_DAY_MS, monday_ms = MONDAY_OFFSET * LEDGER_DAY_MS;
    if (period == BUDGET_MONTH) {
        ledger_month_range(ms, ret_from_ms, ret_to_ms);
    } else if (period == BUDGET_WEEK) {
        *ret_from_ms = floor_to(ms + monday_ms, week_ms) - monday_ms;
        *ret_to_ms = *ret_from_ms + week_ms;
    } else {
        *ret_from_ms = floor_to(ms, LEDGER_DAY_MS);
        *ret_to_ms = *ret_from_ms + LEDGER_DAY_MS;
    }
    assert(*ret_from_ms <= ms);
    assert(ms < *ret_to_ms);
}

/* NULL: it is not kept. */
static struct sum *find_sum_locked(struct account *account, enum budget_period period, int64_t ms)
{
    int64_t from_ms, to_ms;
    range_of(period, ms, &from_ms, &to_ms);
    for (unsigned i = 0; i < SUMS_KEPT; i++) {
        struct sum *sum = &account->sum[period][i];
        if (sum->serial != 0 && sum->from_ms == from_ms)
            return sum;
    }
    return NULL;
}

/* The sum of a period that has none makes the older one go. So a clock that was wrong for a while,
 * years ahead, spoils one of the two and no more. */
static struct sum *make_sum_locked(struct account *account, enum budget_period period, int64_t ms)
{
    struct sum *sum = find_sum_locked(account, period, ms), *kept = account->sum[period];
    int64_t to_ms;
    if (sum != NULL)
        return sum;
    sum = &kept[0];
    if (kept[0].serial != 0 && (kept[1].serial == 0 || kept[1].from_ms < kept[0].from_ms))
        sum = &kept[1];
    if (++account->serials == 0)
        account->serials = 1;
    *sum = (struct sum){.serial = account->serials};
    range_of(period, ms, &sum->from_ms, &to_ms);
    return sum;
}

/* --- sums --- */

static __int128 capped(struct money amount)
{
    if (amount.femto < 0)
        return 0;
    return amount.femto < AMOUNT_MAX ? amount.femto : AMOUNT_MAX;
}

static void spend_locked(struct sum *sum, __int128 amount)
{
    assert(amount >= -AMOUNT_MAX);
    assert(amount <= AMOUNT_MAX);
    sum->spent += amount;
    if (sum->spent > SUM_MAX)
        sum->spent = SUM_MAX;
    if (sum->spent < 0)
        sum->spent = 0; /* what is corrected was not in it: the sum had been given up in between */
}

static void keep_locked(struct sum *sum, __int128 amount)
{
    assert(amount >= -AMOUNT_MAX);
    assert(amount <= AMOUNT_MAX);
    sum->kept += amount;
    if (sum->kept > SUM_MAX)
        sum->kept = SUM_MAX;
    if (sum->kept < 0)
        sum->kept = 0; /* as above */
}

/* Something may become free without a new period, so that waiting makes sense. */
static bool is_anything_held(const struct account *account)
{
    for (unsigned i = 0; i < BUDGET_PERIODS * SUMS_KEPT; i++)
        if (account->sum[i / SUMS_KEPT][i % SUMS_KEPT].kept > 0)
            return true;
    return account->holds > 0;
}

static void check_account(const struct account *account)
{
    for (unsigned i = 0; i < BUDGET_PERIODS * SUMS_KEPT; i++) {
        const struct sum *sum = &account->sum[i / SUMS_KEPT][i % SUMS_KEPT];
        assert(sum->spent >= 0);
        assert(sum->held >= 0);
        assert(sum->kept >= 0);
        if (account->holds == 0)
            assert(sum->held == 0);
    }
}

static struct account *lock_account(struct budgets *budgets, size_t client)
{
    struct account *account;
    assert(client < budgets->count);
    account = &budgets->account[client];
    pthread_mutex_lock(&account->lock);
    check_account(account);
    return account;
}

/* released: something that somebody may wait for has become free. */
static void unlock_account(struct budgets *budgets, struct account *account, bool released)
{
    bool tell = released && account->waited && budgets->on_release != NULL;
    check_account(account);
    if (account->waited && !is_anything_held(account))
        account->waited = false; /* from here on nobody is told to wait */
    pthread_mutex_unlock(&account->lock);
    if (tell)
        budgets->on_release(budgets->release_arg, (size_t)(account - budgets->account));
}

/* --- reservations --- */

static void fill_state(const struct account *account, const struct sum *sum,
                       enum budget_period period, int64_t now_ms, struct budget_state *ret_state)
{
    const struct maybe_money *limit = &account->limits.limit[period];
    int64_t from_ms;
    *ret_state = (struct budget_state){.period = period, .limited = limit->known};
    range_of(period, now_ms, &from_ms, &ret_state->resets_ms);
    if (limit->known)
        ret_state->limit = limit->money;
    if (sum != NULL) {
        ret_state->spent.femto = sum->spent;
        ret_state->held.femto = sum->held + sum->kept;
    }
}

/* 0, -EAGAIN or -EDQUOT. */
static int try_locked(const struct account *account, const struct sum *sum,
                      enum budget_period period, __int128 amount)
{
    const struct maybe_money *limit = &account->limits.limit[period];
    if (!limit->known)
        return 0;
    if (sum->spent + amount > limit->money.femto)
        return -EDQUOT;
    return sum->spent + sum->held + sum->kept + amount > limit->money.femto ? -EAGAIN : 0;
}

/* Of those that refuse for good, else of those that say wait, the one that ends last. */
static int try_all_locked(const struct account *account, struct sum *const *sums, __int128 amount,
                          int64_t now_ms, struct budget_state *ret_state)
{
    int result = 0;
    for (unsigned i = 0; i < BUDGET_PERIODS; i++) {
        enum budget_period period = (enum budget_period)i;
        struct budget_state state;
        int error = try_locked(account, sums[i], period, amount);
        if (error == 0 || (error == -EAGAIN && result == -EDQUOT))
            continue;
        fill_state(account, sums[i], period, now_ms, &state);
        if (ret_state != NULL && (error != result || state.resets_ms >= ret_state->resets_ms))
            *ret_state = state;
        result = error;
    }
    return result;
}

static int ask_locked(struct account *account, __int128 amount, int64_t now_ms,
                      struct sum *ret_sums[BUDGET_PERIODS], struct budget_state *ret_state)
{
    int result;
    for (unsigned i = 0; i < BUDGET_PERIODS; i++)
        ret_sums[i] = make_sum_locked(account, (enum budget_period)i, now_ms);
    result = try_all_locked(account, ret_sums, amount, now_ms, ret_state);
    if (result == -EAGAIN)
        account->waited = true;
    return result;
}

int budget_ask(struct budgets *budgets, size_t client, struct money amount, int64_t now_ms,
               struct budget_state *ret_state)
{
    struct account *account = lock_account(budgets, client);
    struct sum *sums[BUDGET_PERIODS];
    int result;
    assert(amount.femto >= 0);
    result = ask_locked(account, capped(amount), now_ms, sums, ret_state);
    unlock_account(budgets, account, false);
    return result;
}

int budget_reserve(struct budgets *budgets, size_t client, struct money amount, int64_t now_ms,
                   struct budget_hold *ret_hold, struct budget_state *ret_state)
{
    struct budget_hold hold = {
        .client = client, .amount = {capped(amount)}, .at_ms = now_ms, .open = true};
    struct sum *sums[BUDGET_PERIODS];
    struct account *account;
    int result;
    assert(amount.femto >= 0);
    account = lock_account(budgets, client);
    result = ask_locked(account, hold.amount.femto, now_ms, sums, ret_state);
    for (unsigned i = 0; i < BUDGET_PERIODS && result == 0; i++) {
        sums[i]->held += hold.amount.femto;
        hold.serial[i] = sums[i]->serial;
    }
    if (result == 0) {
        account->holds++;
        *ret_hold = hold;
    }
    unlock_account(budgets, account, false);
    return result;
}

/* cost: unknown: the amount is kept. */
static void end_hold(struct budgets *budgets, struct budget_hold *hold, struct maybe_money cost)
{
    struct account *account = lock_account(budgets, hold->client);
    assert(hold->open);
    assert(account->holds > 0);
    for (unsigned i = 0; i < BUDGET_PERIODS; i++) {
        struct sum *sum = find_sum_locked(account, (enum budget_period)i, hold->at_ms);
        if (sum == NULL)
            continue;
        if (sum->serial == hold->serial[i])
            sum->held -= hold->amount.femto;
        if (cost.known)
            spend_locked(sum, capped(cost.money));
        else
            keep_locked(sum, hold->amount.femto);
    }
    account->holds--;
    hold->open = false;
    unlock_account(budgets, account, cost.known);
}

void budget_post(struct budgets *budgets, struct budget_hold *hold, struct maybe_money cost)
{
    end_hold(budgets, hold, cost);
}

void budget_void(struct budgets *budgets, struct budget_hold *hold)
{
    end_hold(budgets, hold, (struct maybe_money){.known = true});
}

/* --- what the ledger says --- */

/* A sum is begun where the period still runs, or is later than those that are kept. */
static struct sum *sum_of_row_locked(struct account *account, enum budget_period period,
                                     int64_t at_ms)
{
    const struct sum *kept = account->sum[period];
    struct sum *sum = find_sum_locked(account, period, at_ms);
    if (sum != NULL)
        return sum;
    if (kept[0].serial != 0 && kept[1].serial != 0 && at_ms < kept[0].from_ms &&
        at_ms < kept[1].from_ms)
        return NULL;
    return make_sum_locked(account, period, at_ms);
}

int budgets_load(struct budgets *budgets, size_t client, const struct ledger_row *row)
{
    struct account *account;
    if (!row->booked.known || row->corrects.len > 0)
        return 0;
    account = lock_account(budgets, client);
    for (unsigned i = 0; i < BUDGET_PERIODS; i++) {
        struct sum *sum = sum_of_row_locked(account, (enum budget_period)i, row->created_at_ms);
        if (sum != NULL)
            spend_locked(sum, capped(row->booked.money));
    }
    unlock_account(budgets, account, false);
    return 0;
}

void budgets_load_held(struct budgets *budgets, size_t client, struct money amount, int64_t at_ms)
{
    struct account *account = lock_account(budgets, client);
    for (unsigned i = 0; i < BUDGET_PERIODS; i++) {
        struct sum *sum = sum_of_row_locked(account, (enum budget_period)i, at_ms);
        if (sum != NULL)
            keep_locked(sum, capped(amount));
    }
    unlock_account(budgets, account, false);
}

/* --- later truths --- */

static void change_locked(struct account *account, __int128 spent, __int128 kept, int64_t at_ms,
                          int64_t now_ms)
{
    for (unsigned i = 0; i < BUDGET_PERIODS; i++) {
        enum budget_period period = (enum budget_period)i;
        struct sum *sum = find_sum_locked(account, period, at_ms);
        int64_t from_ms, to_ms;
        range_of(period, now_ms, &from_ms, &to_ms);
        if (sum == NULL && at_ms >= from_ms && at_ms < to_ms)
            sum = make_sum_locked(account, period, at_ms);
        if (sum == NULL)
            continue;
        spend_locked(sum, spent);
        keep_locked(sum, kept);
    }
}

void budget_resolve(struct budgets *budgets, size_t client, struct money held, struct money cost,
                    int64_t at_ms, int64_t now_ms)
{
    struct account *account = lock_account(budgets, client);
    change_locked(account, capped(cost), -capped(held), at_ms, now_ms);
    unlock_account(budgets, account, true); /* also who does not fit any more wants to know */
}

void budget_correct(struct budgets *budgets, size_t client, struct money from, struct money to,
                    int64_t at_ms, int64_t now_ms)
{
    struct account *account = lock_account(budgets, client);
    __int128 change = capped(to) - capped(from);
    change_locked(account, change, 0, at_ms, now_ms);
    unlock_account(budgets, account, change < 0);
}

void budget_show(struct budgets *budgets, size_t client, int64_t now_ms,
                 struct budget_state ret_states[BUDGET_PERIODS])
{
    struct account *account = lock_account(budgets, client);
    for (unsigned i = 0; i < BUDGET_PERIODS; i++) {
        enum budget_period period = (enum budget_period)i;
        fill_state(account, find_sum_locked(account, period, now_ms), period, now_ms,
                   &ret_states[i]);
    }
    unlock_account(budgets, account, false);
}

/* --- life --- */

struct budgets *budgets_new(const struct budget_limits *limits, size_t count)
{
    struct budgets *budgets = NULL;
    if (count <= (SIZE_MAX - sizeof(*budgets)) / sizeof(budgets->account[0]))
        budgets = calloc(1, sizeof(*budgets) + count * sizeof(budgets->account[0]));
    for (size_t i = 0; budgets != NULL && i < count; i++) {
        if (pthread_mutex_init(&budgets->account[i].lock, NULL) != 0) {
            budgets_free(budgets);
            return NULL;
        }
        budgets->account[i].limits = limits[i];
        budgets->count++;
    }
    return budgets;
}

void budgets_free(struct budgets *budgets)
{
    if (budgets == NULL)
        return;
    for (size_t i = 0; i < budgets->count; i++)
        pthread_mutex_destroy(&budgets->account[i].lock);
    free(budgets);
}

void budgets_on_release(struct budgets *budgets, void (*fn)(void *arg, size_t client), void *arg)
{
    budgets->on_release = fn;
    budgets->release_arg = arg;
}
