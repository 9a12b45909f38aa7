/* reads_key.c - GET key: what the asking key has spent (openrouter section 5.4), from its rows.
 *
 * Sums over rows that do not change any more are kept for all keys at once, so that a row is read
 * for this once in the life of the process, and then only what came since.
 */
#include "server/clients.h"
#include "server/reads_private.h"

#include <errno.h>
#include <string.h>

/* A label that names the key and tells nothing of it: the ends of its id, which is a keyed hash. */
static void print_label(const char *key_id, struct out *out)
{
    size_t len = strlen(key_id);

    out_name(out, "label");
    out_text(out, "\"key-");
    if (len < 12) {
        out_text(out, key_id);
    } else {
        out_bytes(out, key_id, 6);
        out_text(out, "...");
        out_text(out, key_id + len - 4);
    }
    out_char(out, '"');
}

static void print_sums(struct out *out, const char *const names[TALLY_PERIODS],
                       const struct money sums[TALLY_PERIODS])
{
    for (unsigned i = 0; i < TALLY_PERIODS; i++)
        reads_money(out, names[i], (struct maybe_money){true, sums[i]});
}

/* A client's tightest budget is its key's limit; which counts everything that it costs. */
static void print_limit(const struct config_client *client,
                        const struct budget_state states[BUDGET_PERIODS], struct out *out)
{
    static const char *const resets[BUDGET_PERIODS] = {"daily", "weekly", "monthly"};
    struct money least = {0};
    int tightest = client != NULL ? reads_tightest(states, &least) : -1;

    if (tightest < 0) {
        reads_null(out, "limit");
        reads_null(out, "limit_remaining");
        reads_null(out, "limit_reset");
    } else {
        reads_money(out, "limit", (struct maybe_money){true, states[tightest].limit});
        reads_money(out, "limit_remaining", (struct maybe_money){true, least});
        reads_text(out, "limit_reset", text_of(resets[tightest]));
    }
    reads_bool(out, "include_byok_in_limit", tightest >= 0);
}

void reads_print_key(const char *key_id, const struct tally_key *key,
                     const struct config_client *client,
                     const struct budget_state states[BUDGET_PERIODS], struct out *out)
{
    static const char *const usage[TALLY_PERIODS] = {
        [TALLY_TOTAL] = "usage",
        [TALLY_DAY] = "usage_daily",
        [TALLY_WEEK] = "usage_weekly",
        [TALLY_MONTH] = "usage_monthly",
    };
    static const char *const byok[TALLY_PERIODS] = {
        [TALLY_TOTAL] = "byok_usage",
        [TALLY_DAY] = "byok_usage_daily",
        [TALLY_WEEK] = "byok_usage_weekly",
        [TALLY_MONTH] = "byok_usage_monthly",
    };

    out_text(out, "{\"data\":{");
    print_label(key_id, out);
    print_limit(client, states, out);
    print_sums(out, usage, key->billed);
    print_sums(out, byok, key->byok);
    reads_bool(out, "is_free_tier", false);
    reads_bool(out, "is_management_key", false);
    reads_bool(out, "is_provisioning_key", false);
    reads_null(out, "creator_user_id");
    reads_null(out, "expires_at");
    reads_null(out, "organization_id");
    reads_null(out, "workspace_id");
    /* There are no regions to be allowed, and nothing here is free of charge by the day. */
    out_name(out, "allowed_data_regions");
    out_text(out, "[]");
    out_name(out, "free_model_daily_requests");
    out_text(out, "{\"limit\":0,\"remaining\":0,\"used\":0}");
    out_name(out, "rate_limit");
    out_text(out,
             "{\"requests\":-1,\"interval\":\"10s\",\"note\":\"No limit of this gateway's.\"}");
    out_text(out, "}}");
}

/* --- the question --- */

struct spending {
    struct tally_keys *keys; /* of all */
    struct text key_id;
    int64_t settled_ms;
    struct tally_key late; /* rows of key_id that may still change */
    bool all;              /* keys does not know this key: add up all its rows */
};

static int add_settled(void *arg, const struct ledger_row *row)
{
    struct spending *spending = arg;

    return tally_keys_add(spending->keys, row);
}

static int add_own(void *arg, const struct ledger_row *row)
{
    struct spending *spending = arg;

    return tally_key_add(&spending->late, row);
}

static struct ledger_range range_of(const struct reads_job *job, int64_t from_ms, int64_t to_ms,
                                    int64_t wait_ms)
{
    return (struct ledger_range){
        .from_ms = from_ms,
        .to_ms = to_ms,
        .wait_ms = wait_ms,
        .stop = reads_stopping(job->reads),
    };
}

/* Adds what has become final since the last time. A failure half-way leaves sums that count some
 * rows: they are forgotten, and begin anew. */
static int settle(struct reads_job *job, struct spending *spending)
{
    struct ledger *ledger = reads_gateway(job->reads)->ledger;
    struct tally_keys **keys = reads_keys(job->reads);
    int64_t *settled_ms = reads_settled(job->reads), until_ms;
    struct ledger_range range;
    int result = ledger_settled_before(ledger, job->now_ms, &until_ms);

    if (result < 0)
        return result;
    if (*keys == NULL) {
        *keys = tally_keys_new(READS_KEYS_MAX);
        *settled_ms = 0;
    }
    if (*keys == NULL)
        return -ENOMEM;
    spending->keys = *keys;
    if (until_ms > *settled_ms) {
        range = range_of(job, *settled_ms, until_ms, -1);
        result = ledger_scan_range(ledger, &range, add_settled, spending);
        if (result != 0) {
            tally_keys_free(*keys);
            *keys = NULL;
            return result;
        }
        *settled_ms = until_ms;
    }
    spending->settled_ms = *settled_ms;
    return 0;
}

static int add_up(struct reads_job *job, struct spending *spending)
{
    struct ledger *ledger = reads_gateway(job->reads)->ledger;
    struct ledger_range range;
    int result;

    spending->all = !tally_keys_get(spending->keys, spending->key_id, &spending->late);
    if (spending->all)
        spending->late = TALLY_KEY_INIT;
    range = range_of(job, spending->all ? 0 : spending->settled_ms, INT64_MAX, READS_WAIT_MS);
    range.key_id = spending->key_id;
    result = ledger_scan_range(ledger, &range, add_own, spending);
    if (result == 0)
        tally_key_advance(&spending->late, job->now_ms);
    return result;
}

void reads_ask_key(struct reads_job *job)
{
    struct clients *clients = reads_gateway(job->reads)->clients;
    struct budget_state states[BUDGET_PERIODS] = {0};
    struct spending spending = {.key_id = text_of(job->key_id)};
    int result = settle(job, &spending);

    if (result == 0)
        result = add_up(job, &spending);
    if (job->client != NULL)
        budget_show(clients_budgets(clients), clients_index(clients, job->client), job->now_ms,
                    states);
    if (result != 0)
        reads_ledger_error(&job->reply, result);
    else
        reads_print_key(job->key_id, &spending.late, job->client, states, &job->reply.body);
}
