/* fetch_budget.c - what a call may cost its client: the most it can is held before it is sent, what
 * it did cost is posted when it ends (budget.h).
 *
 * A fetch whose amount only does not fit because others' are held waits for them, in the order in
 * which they came, limits.budget_wait at most: so requests at the same time neither overspend nor
 * refuse what fits.
 */
#include "accounting/ledger_month.h"
#include "server/clients.h"
#include "server/fetch_private.h"
#include "server/log.h"
#include "server/prices.h"
#include "server/spending.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- the most that it can cost --- */

static int add_model(struct fetch *fetch, const struct price_table *table, const struct text *names,
                     size_t count, struct money *most)
{
    struct settle_prices prices = prices_of(table, fetch->worker->gateway->models, names, count);
    const struct price *price = prices_at(&prices, worker_now_ms(fetch->worker));
    struct money cost;
    int result = price == NULL ? -ENODATA : estimate_ceiling(price, &fetch->bounds, &cost);

    if (result == 0 && money_compare(cost, *most) > 0)
        *most = cost;
    return result;
}

/* Whichever of its models answers, at whichever upstream. -ENODATA: one of them has no price. */
static int find_ceiling(struct fetch *fetch, struct money *ret_most)
{
    struct prices *prices = fetch->worker->gateway->prices;
    const struct price_table *table = prices_use(prices);
    struct money most = {0};
    int result = 0;

    for (unsigned i = 0; i < fetch->attempt_count && result == 0; i++) {
        const struct fetch_attempt *attempt = &fetch->attempt[i];
        result = add_model(fetch, table, (struct text[]){attempt->model, attempt->said}, 2, &most);
        for (unsigned n = 0; n < attempt->model_count && result == 0; n++)
            result = add_model(fetch, table, &attempt->models[n], 1, &most);
    }
    prices_done(prices, table);
    *ret_most = most;
    return result;
}

/* --- refusing --- */

static void print_limits(const struct fetch *fetch, const struct budget_state *state,
                         char limits[PROBLEM_LIMITS_MAX + 1])
{
    char limit[MONEY_TEXT_MAX], spent[MONEY_TEXT_MAX], held[MONEY_TEXT_MAX], most[MONEY_TEXT_MAX];

    money_print(state->limit, limit);
    money_print(state->spent, spent);
    money_print(state->held, held);
    money_print(fetch->ceiling, most);
    snprintf(limits, PROBLEM_LIMITS_MAX + 1,
             "\"limit_source\":\"tollgate_budget\",\"period\":\"%s\",\"limit_usd\":\"%s\","
             "\"spent_usd\":\"%s\",\"held_usd\":\"%s\",\"request_may_cost_usd\":\"%s\","
             "\"resets_at_ms\":%lld",
             budget_period_name(state->period), limit, spent, held, most,
             (long long)state->resets_ms);
}

/* The row of a request that was understood and not sent. */
void fetch_record_refusal(struct fetch *fetch, enum problem problem)
{
    struct ledger_row row = fetch->row;

    if (!fetch->recorded)
        return;
    row.status = problem_status(problem, fetch->route->dialect);
    row.verdict = VERDICT_FAILED;
    row.upstream = row.route = (struct text){NULL, 0}; /* nothing was sent */
    row.latency_ms = worker_monotonic_ms() - fetch->started_ms;
    if (ledger_append(fetch->worker->lane, &row, worker_ledger_ms(fetch->worker), NULL) != 0)
        log_line(LOG_ERROR, "ledger_full_row_lost", LOG_TEXT("id", fetch_shown_id(fetch)));
}

static void refuse(struct fetch *fetch, enum problem problem, const char *detail,
                   const char *limits)
{
    fetch->waits_for_budget = false;
    fetch_record_refusal(fetch, problem);
    fetch->upstream = NULL;
    log_line(LOG_WARNING, "refused",
             LOG_NUMBER("status", problem_status(problem, fetch->route->dialect)),
             LOG_TEXT("id", fetch_shown_id(fetch)), LOG_TEXT("why", "budget"),
             LOG_TEXT("client", fetch->client->name));
    fetch_write_limit(fetch, problem, detail, limits);
    fetch_finish(fetch, UPSTREAM_UNSENT, false);
}

/* --- reserving --- */

static void wait_in_line(struct fetch *fetch)
{
    struct fetch **last = &fetch->worker->budget_waiters;

    while (*last != NULL)
        last = &(*last)->budget_next;
    fetch->budget_next = NULL;
    *last = fetch;
    fetch->waits_for_budget = true;
}

static bool leave_line(struct fetch *fetch)
{
    struct fetch **at = &fetch->worker->budget_waiters;

    while (*at != NULL && *at != fetch)
        at = &(*at)->budget_next;
    if (*at == NULL)
        return false;
    *at = fetch->budget_next;
    return true;
}

/* True: it may be sent. Else it waits, or has been refused and may have ended. */
static bool reserve(struct fetch *fetch)
{
    struct budgets *budgets = clients_budgets(fetch->worker->gateway->clients);
    size_t client = clients_index(fetch->worker->gateway->clients, fetch->client);
    char limits[PROBLEM_LIMITS_MAX + 1];
    struct budget_state state = {0};
    int result = budget_reserve(budgets, client, fetch->ceiling, worker_now_ms(fetch->worker),
                                &fetch->budget, &state);

    if (result == 0) {
        fetch->waits_for_budget = false;
        fetch->row.held = (struct maybe_money){.known = true, .money = fetch->ceiling};
        return true;
    }
    if (result == -EAGAIN) {
        wait_in_line(fetch);
        return false;
    }
    print_limits(fetch, &state, limits);
    refuse(fetch, PROBLEM_PAYMENT,
           "What this request may cost exceeds what is left of the key's budget; nothing was sent.",
           limits);
    return false;
}

static bool has_limit(const struct config_client *client)
{
    for (unsigned i = 0; i < BUDGET_PERIODS; i++)
        if (client->budget.limit[i].known)
            return true;
    return false;
}

bool fetch_reserve(struct fetch *fetch)
{
    int result;

    if (fetch->client == NULL || !fetch->recorded || !has_limit(fetch->client))
        return true;
    result = find_ceiling(fetch, &fetch->ceiling);
    if (result != 0) {
        refuse(
            fetch, PROBLEM_PAYMENT,
            "This model has no known price, so its cost cannot be held against the key's budget.",
            "\"limit_source\":\"tollgate_budget\"");
        return false;
    }
    fetch->budget_until_ms =
        worker_monotonic_ms() + fetch->worker->gateway->config->limits.budget_wait_ms;
    return reserve(fetch);
}

void fetch_retry_budgets(struct worker *worker)
{
    struct fetch *line = worker->budget_waiters;

    worker->budget_waiters = NULL;
    while (line != NULL) {
        struct fetch *fetch = line;
        line = fetch->budget_next;
        if (reserve(fetch))
            fetch_hold_and_send(fetch);
    }
}

void fetch_check_budget_wait(struct fetch *fetch, int64_t now_monotonic_ms)
{
    struct budget_state states[BUDGET_PERIODS];
    char limits[PROBLEM_LIMITS_MAX + 1];
    unsigned tightest = BUDGET_PERIODS;

    if (!fetch->waits_for_budget || now_monotonic_ms < fetch->budget_until_ms || !leave_line(fetch))
        return;
    budget_show(clients_budgets(fetch->worker->gateway->clients),
                clients_index(fetch->worker->gateway->clients, fetch->client),
                worker_now_ms(fetch->worker), states);
    for (unsigned i = BUDGET_PERIODS; i-- > 0;)
        if (fetch->client->budget.limit[i].known)
            tightest = i;
    assert(tightest < BUDGET_PERIODS);
    print_limits(fetch, &states[tightest], limits);
    refuse(fetch, PROBLEM_RATE,
           "The rest of the key's budget is held by requests in flight; nothing was sent.", limits);
}

/* --- settling --- */

void fetch_settle_budget(struct fetch *fetch, const struct ledger_row *row)
{
    struct budgets *budgets = clients_budgets(fetch->worker->gateway->clients);

    if (!fetch->budget.open)
        return;
    if (row->verdict == VERDICT_FAILED)
        budget_void(budgets, &fetch->budget);
    else
        budget_post(budgets, &fetch->budget,
                    (struct maybe_money){.known = true, .money = spending_counted(row)});
    assert(!fetch->budget.open);
}
