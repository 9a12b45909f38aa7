/* config_clients.c - what clients mean: no two share a name or a key, keys become digests. And what
 * the money of upstreams means: the unit of their costs, and whose price lists are read. */
#include "server/config_draft.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- clients --- */

static unsigned nibble(char digit)
{
    return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

static void set_digest(struct config_client *client)
{
    const char *hex = strchr(client->key_hash, ':') + 1;
    for (size_t i = 0; i < sizeof(client->key_digest); i++)
        client->key_digest[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
}

/* Equal ones in the order of the file: what is compared last is their place. */
static int compare_names(const void *a, const void *b)
{
    const struct config_client *const *one = a, *const *other = b;
    int order = strcmp((*one)->name, (*other)->name);
    if (order != 0)
        return order;
    return *one > *other ? 1 : -1;
}

static int compare_hashes(const void *a, const void *b)
{
    const struct config_client *const *one = a, *const *other = b;
    int order = strcmp((*one)->key_hash, (*other)->key_hash);
    if (order != 0)
        return order;
    return *one > *other ? 1 : -1;
}

/* Four thousand clients are sorted, not each compared with each. */
static void complain_twins(struct config_draft *draft, const struct config_client **sorted,
                           unsigned count, bool by_name)
{
    const struct config_client *all = draft->config->client;
    unsigned first = 0;
    if (count > 0)
        qsort(sorted, count, sizeof(sorted[0]), by_name ? compare_names : compare_hashes);
    for (unsigned i = 1; i < count; i++) {
        unsigned n = (unsigned)(sorted[i] - all), other = (unsigned)(sorted[first] - all);
        const char *one = by_name ? sorted[i]->name : sorted[i]->key_hash;
        if (strcmp(one, by_name ? sorted[first]->name : sorted[first]->key_hash) != 0)
            first = i;
        else if (by_name)
            config_complain(draft, config_draft_line(draft, CONFIG_CLIENTS, "name", n),
                            "clients[%u].name is that of clients[%u]; give each its own", n, other);
        else
            config_complain(draft, config_draft_line(draft, CONFIG_CLIENTS, "key_hash", n),
                            "clients[%u].key_hash is that of clients[%u]: nobody could tell them "
                            "apart; make another key with `tollgate keys new`",
                            n, other);
    }
}

static void check_twins(struct config_draft *draft)
{
    const struct config *config = draft->config;
    const struct config_client **sorted = calloc(config->client_count, sizeof(sorted[0]));
    unsigned named = 0, keyed = 0;
    if (sorted == NULL) {
        draft->error = -ENOMEM;
        return;
    }
    for (unsigned n = 0; n < config->client_count; n++) {
        if (config->client[n].name != NULL)
            sorted[named++] = &config->client[n];
    }
    complain_twins(draft, sorted, named, true);
    for (unsigned n = 0; n < config->client_count; n++) {
        if (config->client[n].key_hash != NULL)
            sorted[keyed++] = &config->client[n];
    }
    complain_twins(draft, sorted, keyed, false);
    free(sorted);
}

static const char *const budgets[BUDGET_PERIODS] = {
    [BUDGET_DAY] = "budget_per_day",
    [BUDGET_WEEK] = "budget_per_week",
    [BUDGET_MONTH] = "budget_per_month",
};

/* What cannot be estimated cannot be held. One complaint is enough. */
static void check_budgets(struct config_draft *draft)
{
    if (draft->group_line[CONFIG_PRICES] != 0)
        return;
    for (unsigned n = 0; n < draft->config->client_count; n++) {
        for (unsigned i = 0; i < BUDGET_PERIODS; i++) {
            if (!draft->config->client[n].budget.limit[i].known)
                continue;
            config_complain(draft, config_draft_line(draft, CONFIG_CLIENTS, budgets[i], n),
                            "clients[%u].%s needs prices: without them nobody knows what a request "
                            "may cost before it has; add prices: { file: prices.json }",
                            n, budgets[i]);
            return;
        }
    }
}

static void check_client(struct config_draft *draft, unsigned n)
{
    struct config_client *client = &draft->config->client[n];
    if (client->key_hash != NULL)
        set_digest(client);
    if (!client->zdr)
        return;
    if (client->cache && config_draft_states(draft, CONFIG_CLIENTS, "cache", n))
        config_complain(draft, config_draft_line(draft, CONFIG_CLIENTS, "cache", n),
                        "clients[%u].cache is on, and its zdr says that nothing may be kept; "
                        "remove one",
                        n);
    client->cache = false;
}

/* What a client shows is a key of ours: no upstream knows it, and none is to see it. */
static void check_own_keys(struct config_draft *draft)
{
    if (draft->group_line[CONFIG_CLIENTS] == 0)
        return;
    for (unsigned n = 0; n < draft->config->upstream_count; n++) {
        if (!config_draft_states(draft, CONFIG_UPSTREAMS, "api_key_env", n))
            config_complain(draft, config_draft_line(draft, CONFIG_UPSTREAMS, "name", n),
                            "upstreams[%u] has no api_key_env: with clients, whose keys are ours, "
                            "there is none to forward; add api_key_env",
                            n);
    }
}

/* --- money --- */

static void set_cost_unit(struct config_draft *draft, unsigned n)
{
    static const int64_t worth[] = {
        [COST_USD] = INT64_C(1000000000000000),
        [COST_MILLI_USD] = INT64_C(1000000000000),
        [COST_MICRO_USD] = INT64_C(1000000000),
        [COST_NANO_USD] = INT64_C(1000000),
    };
    struct config_upstream *upstream = &draft->config->upstream[n];
    assert(upstream->cost_unit <= COST_NANO_USD);
    upstream->cost_unit_femto = worth[upstream->cost_unit];
    if (upstream->cost_unit != COST_USD &&
        !config_draft_states(draft, CONFIG_UPSTREAMS, "cost_path", n))
        config_complain(draft, config_draft_line(draft, CONFIG_UPSTREAMS, "cost_unit", n),
                        "upstreams[%u].cost_unit needs cost_path beside it", n);
}

static bool has_prices(const struct config_upstream *upstream)
{
    return upstream->dialect != DIALECT_OPENAI;
}

static bool named_before(const struct config_strings *names, unsigned item)
{
    for (unsigned i = 0; i < item; i++) {
        if (strcmp(names->item[i], names->item[item]) == 0)
            return true;
    }
    return false;
}

static void check_from(struct config_draft *draft)
{
    const struct config *config = draft->config;
    const struct config_strings *from = &config->prices.from;
    for (unsigned i = 0; i < from->count; i++) {
        unsigned line = config_draft_line(draft, CONFIG_PRICES, "from", 0);
        unsigned upstream = config_upstream_find(config, from->item[i]);
        if (upstream == config->upstream_count)
            config_complain_upstream(draft, CONFIG_PRICES, "from", 0, i, from->item[i]);
        else if (named_before(from, i))
            config_complain(draft, line, "prices.from[%u] was named before; remove one", i);
        else if (!has_prices(&config->upstream[upstream]))
            config_complain(draft, line,
                            "prices.from[%u] has dialect openai, whose lists of models have no "
                            "prices; name upstreams with dialect vercel or openrouter",
                            i);
    }
}

static void check_refresh(struct config_draft *draft)
{
    const struct config *config = draft->config;
    if (config->prices.refresh_ms == 0 || config_draft_states(draft, CONFIG_PRICES, "from", 0))
        return;
    for (unsigned n = 0; n < config->upstream_count; n++) {
        if (has_prices(&config->upstream[n]))
            return;
    }
    config_complain(draft, config_draft_line(draft, CONFIG_PRICES, "refresh", 0),
                    "prices.refresh needs an upstream with dialect vercel or openrouter; others' "
                    "lists of models have no prices");
}

void config_clients(struct config_draft *draft)
{
    for (unsigned n = 0; n < draft->config->client_count; n++)
        check_client(draft, n);
    if (draft->config->client_count > 0)
        check_twins(draft);
    check_budgets(draft);
    check_own_keys(draft);
    for (unsigned n = 0; n < draft->config->upstream_count; n++)
        set_cost_unit(draft, n);
    check_from(draft);
    check_refresh(draft);
}
