#include "server/spending.h"

#include "accounting/ledger_month.h"
#include "accounting/ledger_rollup.h"
#include "server/clients.h"
#include "server/fetch.h"
#include "server/worker.h"

#include <errno.h>
#include <string.h>

enum { HOUR_MS = 3600 * 1000, WEEK_DAYS = 7, DRAIN_WAIT_MS = 5000 };

static bool any_budget(const struct config *config)
{
    for (unsigned i = 0; i < config->client_count; i++)
        for (unsigned period = 0; period < BUDGET_PERIODS; period++)
            if (config->client[i].budget.limit[period].known)
                return true;
    return false;
}

struct load {
    struct gateway *gateway;
};

static int add_sum(void *arg, const struct rollup_group *group)
{
    struct gateway *gateway = ((struct load *)arg)->gateway;
    const struct config_client *client = clients_named(gateway->clients, group->client);
    struct ledger_row row;

    if (client == NULL || !group->money[TALLY_BOOKED].known)
        return 0;
    row_init(&row);
    row.created_at_ms = group->hour_ms;
    row.booked = group->money[TALLY_BOOKED];
    row.verdict = group->verdict;
    return budgets_load(clients_budgets(gateway->clients), clients_index(gateway->clients, client),
                        &row);
}

int spending_load(struct gateway *gateway, int64_t now_ms)
{
    struct load load = {gateway};
    struct ledger_reader *reader;
    int64_t month_ms, end_ms, week_ms = now_ms - (int64_t)WEEK_DAYS * LEDGER_DAY_MS;
    int result;

    if (!any_budget(gateway->config))
        return 0;
    ledger_month_range(now_ms, &month_ms, &end_ms);
    week_ms -= week_ms % HOUR_MS;
    result = ledger_reader_within(gateway->ledger, DRAIN_WAIT_MS, NULL, &reader);
    if (result != 0)
        return result;
    result = ledger_reader_sums(reader, month_ms < week_ms ? month_ms : week_ms,
                                now_ms - now_ms % HOUR_MS + HOUR_MS, add_sum, &load, NULL);
    ledger_reader_close(reader);
    return result;
}

static void retry(void *arg, struct worker *worker)
{
    (void)arg;
    fetch_retry_budgets(worker);
}

static void on_release(void *arg, size_t client)
{
    struct gateway *gateway = arg;

    (void)client;
    for (unsigned i = 0; i < gateway->worker_count; i++)
        worker_post_function(gateway->workers[i], retry, NULL);
}

void spending_watch(struct gateway *gateway)
{
    budgets_on_release(clients_budgets(gateway->clients), on_release, gateway);
}

void spending_correct(struct gateway *gateway, const struct ledger_row *row, struct money counted,
                      int64_t now_ms)
{
    const struct config_client *client = clients_named(gateway->clients, row->client);
    struct money booked = row->booked.known ? row->booked.money : (struct money){0};

    if (client != NULL)
        budget_correct(clients_budgets(gateway->clients), clients_index(gateway->clients, client),
                       counted, booked, row->created_at_ms, now_ms);
}
