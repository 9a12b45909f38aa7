/* fetch_budget.c - what a call may cost its client: the most it can is held before it is sent, what
 * it did cost is posted when it ends (budget.h).
 *
 * A fetch whose amount only does not fit because others' are held waits for them in its client's
 * line, limits.budget_wait at most: so requests at the same time neither overspend nor refuse what
 * fits. A worker serves a line in the order in which they came: a small request does not overtake a
 * large one for ever. A release makes each worker ask for the first of that client's line, and on
 * until one has to wait, however long the lines are.
 */
#include "server/clients.h"
#include "server/fetch_private.h"
#include "server/log.h"
#include "server/prices.h"
#include "server/spending.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
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
    if (fetch->begun)
        row.status = 200; /* comments have left */
    if (fetch->client_status != 0)
        row.status = fetch->client_status;
    row.verdict = VERDICT_FAILED;
    row.upstream = row.route = (struct text){NULL, 0}; /* nothing was sent */
    row.latency_ms = worker_monotonic_ms() - fetch->started_ms;
    if (ledger_append(fetch->worker->lane, &row, worker_ledger_ms(fetch->worker), NULL) != 0)
        log_line(LOG_ERROR, "ledger_full_row_lost", LOG_TEXT("id", fetch_shown_id(fetch)));
}

/* Behind comments it is told in the stream; only that of a chat has room for which limit it was. */
static void write_refusal(struct fetch *fetch, enum problem problem, const char *detail,
                          const char *limits)
{
    char text[PROBLEM_TEXT_MAX];
    size_t len;

    if (!fetch->begun) {
        fetch_write_limit(fetch, problem, detail, limits);
    } else if (fetch->route->api != API_CHAT) {
        fetch_write_problem(fetch, problem, detail);
    } else {
        len = problem_print_limits(problem, fetch->route->dialect, fetch->route->api, detail,
                                   limits, text);
        fetch_write_error_event(fetch, (struct text){text, len});
    }
}

static void refuse(struct fetch *fetch, enum problem problem, const char *detail,
                   const char *limits)
{
    assert(!fetch->waits_for_budget);
    fetch_record_refusal(fetch, problem);
    fetch->upstream = NULL;
    log_line(LOG_WARNING, "refused",
             LOG_NUMBER("status", problem_status(problem, fetch->route->dialect)),
             LOG_TEXT("id", fetch_shown_id(fetch)), LOG_TEXT("why", "budget"),
             LOG_TEXT("client", fetch->client->name));
    write_refusal(fetch, problem, detail, limits);
    fetch_finish(fetch, UPSTREAM_UNSENT, false);
}

/* error: what the budget said, -EAGAIN or -EDQUOT. */
static void refuse_for(struct fetch *fetch, int error, const struct budget_state *state)
{
    char limits[PROBLEM_LIMITS_MAX + 1];

    assert(error == -EAGAIN || error == -EDQUOT);
    print_limits(fetch, state, limits);
    if (error == -EAGAIN)
        refuse(fetch, PROBLEM_RATE,
               "The rest of the key's budget is held by requests in flight, or whose cost is still "
               "to come; nothing was sent.",
               limits);
    else
        refuse(fetch, PROBLEM_PAYMENT,
               "What this request may cost exceeds what is left of the key's budget; nothing was "
               "sent.",
               limits);
}

/* --- the line --- */

static void on_wait_over(h2o_timeout_entry_t *entry);

static size_t client_of(const struct fetch *fetch)
{
    return clients_index(fetch->worker->gateway->clients, fetch->client);
}

static bool may_wait(const struct fetch *fetch)
{
    const struct worker *worker = fetch->worker;

    return worker->gateway->config->limits.budget_wait_ms > 0 && !worker->stopped &&
           worker->budget_waiting < FETCHES_WAITING_MAX;
}

static void join_line(struct fetch *fetch)
{
    struct worker *worker = fetch->worker;
    struct budget_line *line = &worker->budget_lines[client_of(fetch)];

    assert(!fetch->waits_for_budget);
    if (!worker->budget_timed)
        h2o_timeout_init(worker->context.loop, &worker->budget_timeout,
                         worker->gateway->config->limits.budget_wait_ms);
    worker->budget_timed = true;
    fetch->line_previous = line->last;
    fetch->line_next = NULL;
    if (line->last != NULL)
        line->last->line_next = fetch;
    else
        line->first = fetch;
    line->last = fetch;
    worker->budget_waiting++;
    fetch->waits_for_budget = true;
    fetch->line_timeout = (h2o_timeout_entry_t){.cb = on_wait_over};
    h2o_timeout_link(worker->context.loop, &worker->budget_timeout, &fetch->line_timeout);
}

static void leave_line(struct fetch *fetch)
{
    struct worker *worker = fetch->worker;
    struct budget_line *line = &worker->budget_lines[client_of(fetch)];

    assert(fetch->waits_for_budget && worker->budget_waiting > 0);
    if (fetch->line_previous != NULL)
        fetch->line_previous->line_next = fetch->line_next;
    else
        line->first = fetch->line_next;
    if (fetch->line_next != NULL)
        fetch->line_next->line_previous = fetch->line_previous;
    else
        line->last = fetch->line_previous;
    fetch->line_next = fetch->line_previous = NULL;
    worker->budget_waiting--;
    fetch->waits_for_budget = false;
    h2o_timeout_unlink(&fetch->line_timeout);
}

/* 0, -EAGAIN or -EDQUOT. */
static int reserve(struct fetch *fetch, struct budget_state *ret_state)
{
    int result =
        budget_reserve(clients_budgets(fetch->worker->gateway->clients), client_of(fetch),
                       fetch->ceiling, worker_now_ms(fetch->worker), &fetch->budget, ret_state);

    if (result == 0)
        fetch->row.held = (struct maybe_money){.known = true, .money = fetch->ceiling};
    return result;
}

/* Its client has left, nobody else reads, and nobody can join: it is not paid for. */
static bool is_unwanted(const struct fetch *fetch)
{
    return fetch->left && fetch->flight == NULL && tape_lag(fetch->tape) == UINT64_MAX;
}

static void drop(struct fetch *fetch)
{
    fetch_record_refusal(fetch, PROBLEM_DRAINING);
    fetch->upstream = NULL;
    fetch_write_problem(fetch, PROBLEM_DRAINING, NULL); /* nobody reads it */
    fetch_finish(fetch, UPSTREAM_UNSENT, false);
}

/* Its time in the line is over. The fetch may have ended when it returns. */
static void ask_for_good(struct fetch *fetch)
{
    struct budget_state state = {0};
    int result;

    if (is_unwanted(fetch)) {
        drop(fetch);
        return;
    }
    result = reserve(fetch, &state);
    if (result == 0)
        fetch_hold_and_send(fetch);
    else
        refuse_for(fetch, result, &state);
}

/* What stood behind it may fit now. It is asked in a turn of its own, because it may end, and our
 * callers may be walking over the fetches. */
static void tell_next(struct worker *worker, size_t client)
{
    if (worker->budget_lines[client].first != NULL)
        fetch_budget_released(worker, client);
}

/* Also when a new period has begun in the meantime, of which nobody is told: then it fits. */
static void on_wait_over(h2o_timeout_entry_t *entry)
{
    struct fetch *fetch = H2O_STRUCT_FROM_MEMBER(struct fetch, line_timeout, entry);
    struct worker *worker = fetch->worker;
    size_t client = client_of(fetch);

    leave_line(fetch);
    ask_for_good(fetch);
    tell_next(worker, client);
    worker_flush(worker);
}

static void serve_line(struct worker *worker, size_t client)
{
    struct fetch *fetch;

    while ((fetch = worker->budget_lines[client].first) != NULL) {
        struct budget_state state = {0};
        int result = is_unwanted(fetch) ? -ECANCELED : reserve(fetch, &state);
        if (result == -EAGAIN)
            return;
        leave_line(fetch);
        if (result == 0)
            fetch_hold_and_send(fetch);
        else if (result == -ECANCELED)
            drop(fetch);
        else
            refuse_for(fetch, result, &state);
    }
}

static void serve_released(void *arg, struct worker *worker)
{
    (void)arg;
    atomic_store(&worker->budget_told, false); /* what is released from here on is told anew */
    for (size_t i = 0; i < sizeof worker->budget_released / sizeof *worker->budget_released; i++) {
        uint64_t bits = atomic_exchange(&worker->budget_released[i], 0);
        for (; bits != 0; bits &= bits - 1)
            serve_line(worker, 64 * i + (size_t)__builtin_ctzll(bits));
    }
}

void fetch_budget_released(struct worker *worker, size_t client)
{
    assert(client < CONFIG_CLIENTS_MAX);
    atomic_fetch_or(&worker->budget_released[client / 64], UINT64_C(1) << client % 64);
    if (!atomic_exchange(&worker->budget_told, true))
        worker_post_function(worker, serve_released, NULL);
}

bool fetch_drop_unwanted(struct fetch *fetch)
{
    struct worker *worker = fetch->worker;
    size_t client = client_of(fetch);

    if (!is_unwanted(fetch))
        return false;
    leave_line(fetch);
    drop(fetch);
    tell_next(worker, client);
    return true;
}

void fetch_stop_waiting(struct worker *worker)
{
    for (struct fetch *fetch = worker->fetches; fetch != NULL; fetch = fetch->next) {
        if (!fetch->waits_for_budget)
            continue;
        leave_line(fetch);
        fetch_record_refusal(fetch, PROBLEM_DRAINING);
    }
    assert(worker->budget_waiting == 0);
    if (worker->budget_timed)
        h2o_timeout_dispose(worker->context.loop, &worker->budget_timeout);
    worker->budget_timed = false;
}

/* --- reserving --- */

static bool has_limit(const struct config_client *client)
{
    for (unsigned i = 0; i < BUDGET_PERIODS; i++)
        if (client->budget.limit[i].known)
            return true;
    return false;
}

/* Behind others it waits even when it fits, but what can never fit need not wait to be told. */
static int reserve_or_queue(struct fetch *fetch, struct budget_state *ret_state)
{
    struct worker *worker = fetch->worker;
    int result;

    if (!may_wait(fetch) || worker->budget_lines[client_of(fetch)].first == NULL)
        return reserve(fetch, ret_state);
    result = budget_ask(clients_budgets(worker->gateway->clients), client_of(fetch), fetch->ceiling,
                        worker_now_ms(worker), ret_state);
    return result == 0 ? -EAGAIN : result;
}

/* Files and batches: what they lead to is billed elsewhere. */
static bool costs_nothing(const struct estimate_bounds *bounds)
{
    return bounds->prompt_tokens_max == 0 && bounds->output_tokens_max == 0 &&
           bounds->searches_max == 0 && bounds->images_max == 0;
}

bool fetch_reserve(struct fetch *fetch)
{
    struct budget_state state = {0};
    int result;

    if (fetch->client == NULL || !fetch->recorded || !has_limit(fetch->client) ||
        costs_nothing(&fetch->bounds))
        return true;
    result = find_ceiling(fetch, &fetch->ceiling);
    if (result != 0) {
        refuse(
            fetch, PROBLEM_PAYMENT,
            "This model has no known price, so its cost cannot be held against the key's budget.",
            "\"limit_source\":\"tollgate_budget\"");
        return false;
    }
    result = reserve_or_queue(fetch, &state);
    if (result == -EAGAIN && may_wait(fetch))
        join_line(fetch);
    else if (result != 0)
        refuse_for(fetch, result, &state);
    return result == 0;
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
                    (struct maybe_money){.known = !spending_is_to_come(row),
                                         .money = spending_counted(row)});
    assert(!fetch->budget.open);
}
