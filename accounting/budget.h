/* budget.h - what clients may spend, as two-phase reservations: an upper bound is held before the
 * call, the true cost posted after it, so that requests at the same time cannot overspend.
 *
 * A client has a limit per UTC day, week (from Monday) and month; each is checked against what was
 * spent in it (by the row's created_at) and what is held now. Hits and followers consume nothing.
 * Limits are exact: spent + held never exceeds a limit by a unit, unless a call turned out dearer
 * than its upper bound; then it is posted all the same and the budget is overdrawn.
 *
 * Everything counts in the day, week and month of its own time: a call that was held before
 * midnight and ends after it was spent yesterday. Of each kind of period the two latest are kept;
 * what comes later for an older one changes nothing any more.
 *
 * Waiting for others' holds, without a lost wake-up: first put the request on the list of those who
 * wait, then ask; on release ask again for all of that client's list.
 *
 * Threads: any; a mutex per client, held for arithmetic only. budgets_load() and
 * budgets_on_release() before there are others.
 */
#ifndef ACCOUNTING_BUDGET_H
#define ACCOUNTING_BUDGET_H

#include "accounting/row.h"

enum budget_period { BUDGET_DAY, BUDGET_WEEK, BUDGET_MONTH, BUDGET_PERIODS };

struct budget_limits {
    struct maybe_money limit[BUDGET_PERIODS]; /* unknown: none */
};

struct budgets;
/* limits: one per client. give; NULL: no memory. */
struct budgets *budgets_new(const struct budget_limits *limits, size_t count);
void budgets_free(struct budgets *budgets);

/* Before serving begins: what rows of the ledger say was spent (booked; one without counts as
 * nothing). In any order. Corrections of closed months count in no period. Always 0. */
int budgets_load(struct budgets *budgets, size_t client, const struct ledger_row *row);
/* The same for a row whose cost is still to come: amount stays held until budget_resolve(). */
void budgets_load_held(struct budgets *budgets, size_t client, struct money amount, int64_t at_ms);

struct budget_hold { /* plain data, owned by whoever made the reservation */
    size_t client;
    struct money amount;
    int64_t at_ms;                   /* which day, week and month it counts in */
    uint32_t serial[BUDGET_PERIODS]; /* budget.c's: which of its sums it is in */
    bool open;
};
struct budget_state {
    enum budget_period period; /* of several that refuse the one that ends last */
    bool limited;              /* false: has no limit, and limit is 0 */
    struct money limit, spent, held;
    int64_t resets_ms; /* unix ms: when that period begins anew */
};
const char *budget_period_name(enum budget_period period); /* "day", "week", "month" */

/* amount: an upper bound of what the call may cost, not below 0. 0; -EAGAIN: it does not fit while
 * others are held, but would if they cost nothing: wait for a post (budgets_on_release()) and ask
 * again; -EDQUOT: it does not fit whatever becomes of them. Without limits always 0. ret_hold:
 * borrows nothing, may be moved. ret_state may be NULL; it is filled on failure. */
int budget_reserve(struct budgets *budgets, size_t client, struct money amount, int64_t now_ms,
                   struct budget_hold *ret_hold, struct budget_state *ret_state);
/* The same without holding anything: whether it would fit. */
int budget_ask(struct budgets *budgets, size_t client, struct money amount, int64_t now_ms,
               struct budget_state *ret_state);
/* The call has ended: cost replaces what was held. Unknown: it is still to come, and the whole
 * amount stays held, for others to wait for, until budget_resolve(). */
void budget_post(struct budgets *budgets, struct budget_hold *hold, struct maybe_money cost);
/* Nothing was billed. */
void budget_void(struct budgets *budgets, struct budget_hold *hold);
/* The cost that was still to come: it is spent, and what was held for it (the hold's amount, or
 * what budgets_load_held() was told) is free, in the periods of at_ms. Once per call. */
void budget_resolve(struct budgets *budgets, size_t client, struct money held, struct money cost,
                    int64_t at_ms, int64_t now_ms);
/* A later truth about a cost that was posted: to replaces from (what the budget was told before:
 * the cost that was posted or resolved, a loaded row's booked), in the periods of at_ms. */
void budget_correct(struct budgets *budgets, size_t client, struct money from, struct money to,
                    int64_t at_ms, int64_t now_ms);
/* For showing: the periods of now_ms. */
void budget_show(struct budgets *budgets, size_t client, int64_t now_ms,
                 struct budget_state ret_states[BUDGET_PERIODS]);

/* fn runs after each post of a cost, void, resolution or lowering correction of a client that
 * someone was told -EAGAIN for, on the thread that posted, without locks held, until nothing is
 * held any more. A new period begins without a word: waiting needs a bound of its own. */
void budgets_on_release(struct budgets *budgets, void (*fn)(void *arg, size_t client), void *arg);

#endif
