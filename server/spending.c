#include "server/spending.h"

#include "accounting/ledger_close.h"
#include "accounting/ledger_month.h"
#include "accounting/ledger_rollup.h"
#include "server/clients.h"
#include "server/fetch.h"
#include "server/worker.h"

#include <errno.h>
#include <stdlib.h>

enum { HOUR_MS = 3600 * 1000, WEEK_DAYS = 7, DRAIN_WAIT_MS = 5000 };

static bool any_budget(const struct config *config)
{
    for (unsigned i = 0; i < config->client_count; i++)
        for (unsigned period = 0; period < BUDGET_PERIODS; period++)
            if (config->client[i].budget.limit[period].known)
                return true;
    return false;
}

static bool is_open(enum verdict verdict)
{
    return verdict == VERDICT_PENDING || verdict == VERDICT_UNKNOWN;
}

bool spending_is_to_come(const struct ledger_row *row)
{
    return row->verdict == VERDICT_PENDING && row->held.known;
}

struct money spending_counted(const struct ledger_row *row)
{
    if (is_open(row->verdict) && row->held.known)
        return row->held.money;
    return row->booked.known ? row->booked.money : (struct money){0};
}

/* Sums of whole hours; but a row whose cost is not known counts as what was held for it, and a
 * correction of a closed month does not count, and only rows say that. Corrections lie behind the
 * months that are closed, in any hour: once there are such months, the hours after them are read.
 */
struct load {
    struct gateway *gateway;
    struct ledger_reader *reader;
    int64_t closed_ms; /* everything before it is closed; 0: nothing is */
    int64_t *hours;    /* that have such rows; owned */
    size_t count, room;
};

static int note_hour(struct load *load, int64_t hour_ms)
{
    if (load->count > 0 && load->hours[load->count - 1] == hour_ms)
        return 0;
    if (load->count == load->room) {
        size_t room = load->room > 0 ? 2 * load->room : 64;
        int64_t *hours = realloc(load->hours, room * sizeof *hours);
        if (hours == NULL)
            return -ENOMEM;
        load->hours = hours;
        load->room = room;
    }
    load->hours[load->count++] = hour_ms;
    return 0;
}

static bool may_have_corrections(const struct load *load, int64_t ms)
{
    return load->closed_ms > 0 && ms >= load->closed_ms;
}

static int load_row(struct gateway *gateway, const struct config_client *client,
                    const struct ledger_row *row)
{
    return budgets_load(clients_budgets(gateway->clients), clients_index(gateway->clients, client),
                        row);
}

static int add_sum(void *arg, const struct rollup_group *group)
{
    struct load *load = arg;
    const struct config_client *client = clients_named(load->gateway->clients, group->client);
    struct ledger_row row;

    if (client == NULL)
        return 0;
    if (is_open(group->verdict) || may_have_corrections(load, group->hour_ms))
        return note_hour(load, group->hour_ms);
    if (!group->money[TALLY_BOOKED].known)
        return 0;
    row_init(&row);
    row.created_at_ms = group->hour_ms;
    row.booked = group->money[TALLY_BOOKED];
    row.verdict = group->verdict;
    return load_row(load->gateway, client, &row);
}

static int add_row(void *arg, const struct ledger_row *row)
{
    struct load *load = arg;
    const struct config_client *client = clients_named(load->gateway->clients, row->client);
    struct ledger_row counted = *row;

    if (client == NULL || row->corrects.len > 0 ||
        (!is_open(row->verdict) && !may_have_corrections(load, row->created_at_ms)))
        return 0;
    if (spending_is_to_come(row)) {
        budgets_load_held(clients_budgets(load->gateway->clients),
                          clients_index(load->gateway->clients, client), spending_counted(row),
                          row->created_at_ms);
        return 0;
    }
    counted.booked = (struct maybe_money){.known = true, .money = spending_counted(row)};
    return load_row(load->gateway, client, &counted);
}

static int compare_hours(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

static int add_rows(struct load *load)
{
    int result = 0;

    if (load->count > 1)
        qsort(load->hours, load->count, sizeof *load->hours, compare_hours);
    for (size_t i = 0; i < load->count && result == 0; i++)
        if (i == 0 || load->hours[i] != load->hours[i - 1])
            result = ledger_reader_rows(load->reader, load->hours[i], load->hours[i] + HOUR_MS,
                                        add_row, load);
    return result;
}

int spending_load(struct gateway *gateway, int64_t now_ms)
{
    struct load load = {.gateway = gateway, .closed_ms = ledger_closed_before(gateway->ledger)};
    int64_t month_ms, end_ms, week_ms = now_ms - (int64_t)WEEK_DAYS * LEDGER_DAY_MS;
    int result;

    if (!any_budget(gateway->config))
        return 0;
    ledger_month_range(now_ms, &month_ms, &end_ms);
    week_ms -= week_ms % HOUR_MS;
    result = ledger_reader_within(gateway->ledger, DRAIN_WAIT_MS, NULL, &load.reader);
    if (result != 0)
        return result;
    result = ledger_reader_sums(load.reader, month_ms < week_ms ? month_ms : week_ms,
                                now_ms - now_ms % HOUR_MS + HOUR_MS, add_sum, &load, NULL);
    if (result == 0)
        result = add_rows(&load);
    ledger_reader_close(load.reader);
    free(load.hours);
    return result;
}

static void on_release(void *arg, size_t client)
{
    struct gateway *gateway = arg;

    for (unsigned i = 0; i < gateway->worker_count; i++)
        fetch_budget_released(gateway->workers[i], client);
}

void spending_watch(struct gateway *gateway)
{
    budgets_on_release(clients_budgets(gateway->clients), on_release, gateway);
}

/* What counted as all that was held for it was still to come, so it is held yet. (A cost that was
 * told at once and was that very amount would look the same; the next start puts it right.) */
static bool was_to_come(const struct ledger_row *row, struct money counted)
{
    return row->held.known && money_compare(counted, row->held.money) == 0;
}

void spending_correct(struct gateway *gateway, const struct ledger_row *row, struct money counted,
                      int64_t now_ms)
{
    const struct config_client *client = clients_named(gateway->clients, row->client);
    struct budgets *budgets = clients_budgets(gateway->clients);
    struct money counts = spending_counted(row);

    if (client == NULL)
        return;
    if (was_to_come(row, counted))
        budget_resolve(budgets, clients_index(gateway->clients, client), counted, counts,
                       row->created_at_ms, now_ms);
    else
        budget_correct(budgets, clients_index(gateway->clients, client), counted, counts,
                       row->created_at_ms, now_ms);
}
