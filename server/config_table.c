/* config_table.c - the table of configuration keys, and finding one's way in it. */
#include "server/config_table.h"

#include <assert.h>
#include <string.h>

/* No key has it, so that a copied example lets nobody in. */
#define EXAMPLE_HASH "sha256:0000000000000000000000000000000000000000000000000000000000000000"

#define KIB(n) (UINT64_C(n) << 10)
#define MIB(n) (UINT64_C(n) << 20)
#define GIB(n) (UINT64_C(n) << 30)
#define TIB(n) (UINT64_C(n) << 40)

static const char *const dialects[] = {
    [DIALECT_VERCEL] = "vercel",
    [DIALECT_OPENROUTER] = "openrouter",
    [DIALECT_OPENAI] = "openai",
    NULL,
};

static const char *const durabilities[] = {
    [DURABILITY_CRASH] = "crash",
    [DURABILITY_POWER] = "power",
    NULL,
};

static const char *const cost_units[] = {
    [COST_USD] = "usd",
    [COST_MILLI_USD] = "milli_usd",
    [COST_MICRO_USD] = "micro_usd",
    [COST_NANO_USD] = "nano_usd",
    NULL,
};

enum {
    FALLBACKS_MAX = 8, /* as many as a plan tries (plan.h) */
    USD_MAX = 1000 * 1000 * 1000,
};

#define LISTEN(field) .group = CONFIG_LISTEN, .at = offsetof(struct config_listen, field)
#define UPSTREAM(field) .group = CONFIG_UPSTREAMS, .at = offsetof(struct config_upstream, field)
#define ROUTE(field) .group = CONFIG_ROUTES, .at = offsetof(struct config_route, field)
#define PRESET(field) .group = CONFIG_PRESETS, .at = offsetof(struct config_preset, field)
#define CLIENT(field) .group = CONFIG_CLIENTS, .at = offsetof(struct config_client, field)
#define BUDGET(period)                                                                             \
    .group = CONFIG_CLIENTS,                                                                       \
    .at = offsetof(struct config_client, budget.limit) + (period) * sizeof(struct maybe_money),    \
    .type = CONFIG_BUDGET, .max = USD_MAX
#define PATTERNS                                                                                   \
    .type = CONFIG_STRINGS, .max = CONFIG_STRINGS_MAX,                                             \
    .items = "patterns, in which * is any text", .item_check = config_pattern_check
#define FALLBACKS                                                                                  \
    .type = CONFIG_STRINGS, .max = FALLBACKS_MAX, .items = "model ids",                            \
    .item_check = config_model_check
#define IN(in, field) .group = (in), .at = offsetof(struct config, field)

const struct config_key config_keys[CONFIG_KEYS] = {
    {LISTEN(host), .name = "address", .type = CONFIG_ADDRESS, .required = true,
     .at_port = offsetof(struct config_listen, port),
     .at_loopback = offsetof(struct config_listen, loopback), .fallback = "127.0.0.1:8080",
     .about = "Where clients connect; port 0 takes any free port and prints it at start."},
    {LISTEN(certificate), .name = "certificate", .type = CONFIG_PATH, .example = "tls/cert.pem",
     .about = "PEM certificate chain; with it the address speaks TLS, without it cleartext."},
    {LISTEN(private_key), .name = "private_key", .type = CONFIG_PATH, .example = "tls/key.pem",
     .about = "PEM private key of that certificate."},
    {IN(CONFIG_ADMIN, admin.host), .name = "address", .type = CONFIG_ADDRESS, .required = true,
     .at_port = offsetof(struct config, admin.port),
     .at_loopback = offsetof(struct config, admin.loopback), .example = "127.0.0.1:8081",
     .about = "Where metrics, the ledger and the dashboard are; without `admin`, nowhere."},
    {IN(CONFIG_ADMIN, admin.token_env), .name = "token_env", .type = CONFIG_VARIABLE,
     .example = "TOLLGATE_ADMIN_TOKEN",
     .about = "Variable that holds the admin address's bearer token; off loopback it must be set."},
    {IN(CONFIG_TOP, data_dir), .name = "data_dir", .type = CONFIG_PATH, .fallback = "data",
     .about = "Directory of the cache's and the ledger's databases."},
    {IN(CONFIG_TOP, workers), .name = "workers", .type = CONFIG_COUNT, .max = 64, .fallback = "0",
     .about = "Event loops, each a thread; 0 is one for each core this process may use."},
    {UPSTREAM(name), .name = "name", .type = CONFIG_NAME, .required = true, .example = "vercel",
     .about = "What the ledger and the metrics call it; no two may share a name."},
    {UPSTREAM(dialect), .name = "dialect", .type = CONFIG_CHOICE, .required = true,
     .choices = dialects, .example = "vercel", .about = "Whose API it speaks."},
    {UPSTREAM(base_url), .name = "base_url", .type = CONFIG_URL, .required = true,
     .example = "https://ai-gateway.vercel.sh/v1",
     .about = "What stands before chat/completions; http:// only to a host on loopback."},
    {UPSTREAM(api_key_env), .name = "api_key_env", .type = CONFIG_VARIABLE,
     .example = "AI_GATEWAY_API_KEY",
     .about = "Variable that holds our key; absent: the client's own key is forwarded."},
    {UPSTREAM(cost_path), .name = "cost_path", .type = CONFIG_MEMBERS,
     .example = "usage.cost_nano_usd",
     .about = "Where its answers name their cost; absent: where its dialect does."},
    {UPSTREAM(cost_unit), .name = "cost_unit", .type = CONFIG_CHOICE, .choices = cost_units,
     .fallback = "usd", .about = "What the number at cost_path counts."},
    {UPSTREAM(bills_as), .name = "bills_as", .type = CONFIG_LABEL, .example = "Vercel",
     .about = "Who sends the invoice, for FOCUS exports; absent: as its dialect says."},
    {ROUTE(name), .name = "name", .type = CONFIG_NAME, .required = true, .example = "claude",
     .about = "What the ledger and the header X-Tollgate-Route call it."},
    {ROUTE(models), .name = "models", PATTERNS, .example = "[anthropic/*, openai/gpt-5*]",
     .about = "Models that it is for, as the client names them; absent: every one."},
    {ROUTE(providers), .name = "providers", PATTERNS, .example = "[anthropic, openai]",
     .about = "Authors that it is for, the part of a model id before the /; absent: every one."},
    {ROUTE(upstreams), .name = "upstreams", .type = CONFIG_STRINGS, .max = CONFIG_UPSTREAMS_MAX,
     .items = "names of upstreams", .item_check = config_name_check, .example = "[vercel]",
     .about = "Where its requests go, tried in this order; absent: all, in theirs."},
    {ROUTE(split_ppm), .name = "split", .type = CONFIG_PERCENT, .max = 1000000, .fallback = "0%",
     .about = "Share of users, each with a model, that begin at the second of its upstreams."},
    {ROUTE(fallback_models), .name = "fallback_models", FALLBACKS, .example = "[openai/gpt-5-mini]",
     .about = "Models to try after the requested one when the request names none itself."},
    {PRESET(name), .name = "name", .type = CONFIG_NAME, .required = true, .example = "support",
     .about = "What requests call it: @preset/NAME as or behind the model, or preset: NAME."},
    {PRESET(model), .name = "model", .type = CONFIG_MODEL, .example = "openai/gpt-5-mini",
     .about = "The model of requests that name none before the @; absent: they must."},
    {PRESET(system_prompt), .name = "system_prompt", .type = CONFIG_TEXT,
     .example = "You answer in one sentence.",
     .about = "Comes before what the request itself says to the model."},
    {PRESET(parameters), .name = "parameters", .type = CONFIG_JSON,
     .example = "{ temperature: 0, max_tokens: 1000 }",
     .about = "Members of the body that the request does not state; tools are added to its own."},
    {PRESET(fallback_models), .name = "fallback_models", FALLBACKS,
     .example = "[openai/gpt-5-nano]",
     .about = "Models to try after the first one when the request names none itself."},
    {PRESET(cache_enabled), .name = "cache_enabled", .type = CONFIG_MAYBE, .example = "on",
     .about = "on: cached without a header; off: not cached, whatever a header says."},
    {PRESET(cache_ttl_s), .name = "cache_ttl_seconds", .type = CONFIG_SECONDS, .min = 1,
     .max = 86400, .example = "300",
     .about = "How long an answer is served when no header says; absent: cache.ttl."},
    {CLIENT(name), .name = "name", .type = CONFIG_NAME, .required = true, .example = "support-bot",
     .about = "What the ledger calls it; no two may share a name."},
    {CLIENT(key_hash), .name = "key_hash", .type = CONFIG_DIGEST, .required = true,
     .example = EXAMPLE_HASH, .about = "Hash of its key; `tollgate keys new NAME` makes both."},
    {CLIENT(project), .name = "project", .type = CONFIG_LABEL, .example = "shop",
     .about = "What its rows have as project; absent: what the request says."},
    {CLIENT(user), .name = "user", .type = CONFIG_LABEL, .example = "alice",
     .about = "What its rows have as user; absent: what the request says."},
    {CLIENT(environment), .name = "environment", .type = CONFIG_LABEL, .example = "production",
     .about = "What its rows have as environment; absent: what the request says."},
    {CLIENT(tags), .name = "tags", .type = CONFIG_STRINGS, .max = ROW_TAGS_MAX, .items = "tags",
     .item_check = config_tag_check, .example = "[team-a, eu]",
     .about = "Tags that its rows have besides those of the request."},
    {CLIENT(models), .name = "models", PATTERNS, .example = "[anthropic/*, openai/gpt-5*]",
     .about = "Models that it may use; others are answered with 403; absent: every one."},
    {CLIENT(requests_per_minute), .name = "requests_per_minute", .type = CONFIG_COUNT, .min = 1,
     .max = 1000 * 1000, .example = "60",
     .about = "How many it may send, evenly; more are answered with 429; absent: any number."},
    {BUDGET(BUDGET_DAY), .name = "budget_per_day", .example = "25.00",
     .about = "What it may spend in a day, UTC; beyond it requests are answered with 402."},
    {BUDGET(BUDGET_WEEK), .name = "budget_per_week", .example = "100.00",
     .about = "What it may spend in a week, from Monday, UTC."},
    {BUDGET(BUDGET_MONTH), .name = "budget_per_month", .example = "300.00",
     .about = "What it may spend in a calendar month, UTC."},
    {CLIENT(cache), .name = "cache", .type = CONFIG_FLAG, .fallback = "on",
     .about = "Whether its answers may be cached; off: never, whatever it asks for."},
    {CLIENT(zdr), .name = "zdr", .type = CONFIG_FLAG, .fallback = "off",
     .about = "Zero data retention: nothing cached or kept, and the upstream is asked the same."},
    {IN(CONFIG_MODELS, models.map), .name = "map", .type = CONFIG_PATH, .example = "models.json",
     .about =
         "What models and providers are called elsewhere; absent: the map that is compiled in."},
    {IN(CONFIG_MODELS, models.catalog_ms), .name = "catalog", .type = CONFIG_SPAN, .or_zero = true,
     .min = 1000, .max = 24 * 3600 * 1000, .fallback = "120s",
     .about = "How often the upstreams' lists of models are read; 0: never."},
    {IN(CONFIG_CACHE, cache.by_default), .name = "default", .type = CONFIG_FLAG, .fallback = "off",
     .about = "Whether requests that do not say are cached."},
    {IN(CONFIG_CACHE, cache.ttl_s), .name = "ttl", .type = CONFIG_SECONDS, .min = 1, .max = 86400,
     .fallback = "300", .about = "How long an answer is served when the request does not say."},
    {IN(CONFIG_CACHE, cache.memory_bytes), .name = "memory", .type = CONFIG_SIZE, .or_zero = true,
     .min = MIB(1), .max = TIB(1), .fallback = "256MiB",
     .about = "Budget of the memory tier; 0 goes without it."},
    {IN(CONFIG_CACHE, cache.disk_bytes), .name = "disk", .type = CONFIG_SIZE, .or_zero = true,
     .min = MIB(16), .max = TIB(64), .fallback = "8GiB",
     .about = "Budget of the disk tier; 0 goes without it."},
    {IN(CONFIG_CACHE, cache.max_entry_bytes), .name = "max_entry", .type = CONFIG_SIZE,
     .min = KIB(1), .max = GIB(1), .fallback = "16MiB",
     .about = "A longer answer is passed on and not stored; at most limits.buffered."},
    {IN(CONFIG_CACHE, cache.coalesce), .name = "coalesce", .type = CONFIG_FLAG, .fallback = "true",
     .about = "Whether identical requests at the same time share one upstream call."},
    {IN(CONFIG_LIMITS, limits.body_bytes), .name = "body", .type = CONFIG_SIZE, .min = KIB(1),
     .max = GIB(1), .fallback = "32MiB", .about = "A longer request body is answered with 413."},
    {IN(CONFIG_LIMITS, limits.buffered_bytes), .name = "buffered", .type = CONFIG_SIZE,
     .min = MIB(1), .max = TIB(1), .fallback = "512MiB",
     .about = "Budget of all answers in flight together, apart from the cache's."},
    {IN(CONFIG_LIMITS, limits.drain_ms), .name = "drain", .type = CONFIG_SPAN, .max = 3600 * 1000,
     .fallback = "30s", .about = "How long a stop waits for requests in flight."},
    {IN(CONFIG_LIMITS, limits.retry_ms), .name = "retry", .type = CONFIG_SPAN, .max = 60 * 1000,
     .fallback = "0s",
     .about = "How long a request may wait for an upstream that said Retry-After; 0s: not at all."},
    {IN(CONFIG_LIMITS, limits.keepalive_ms), .name = "keepalive", .type = CONFIG_SPAN,
     .or_zero = true, .min = 100, .max = 10 * 60 * 1000, .fallback = "10s",
     .about = "Silence before a stream in OpenRouter's dialect gets a comment; 0: none."},
    {IN(CONFIG_LIMITS, limits.detached_ms), .name = "detached", .type = CONFIG_SPAN,
     .or_zero = true, .min = 100, .max = 24 * 3600 * 1000, .fallback = "15m",
     .about = "How long a call goes on whose clients have all left; 0: it is cancelled at once."},
    {IN(CONFIG_LIMITS, limits.detached_cost), .name = "detached_cost", .type = CONFIG_MONEY,
     .or_zero = true, .max = USD_MAX, .fallback = "0", .example = "0.50",
     .about = "What such a call may cost by our estimate before it is cancelled; 0: no bound."},
    {IN(CONFIG_LIMITS, limits.budget_wait_ms), .name = "budget_wait", .type = CONFIG_SPAN,
     .or_zero = true, .min = 10, .max = 10 * 60 * 1000, .fallback = "30s",
     .about = "How long a request may wait for others that hold its client's budget; 0: not at "
              "all."},
    {IN(CONFIG_LIMITS, limits.output_tokens), .name = "output_tokens", .type = CONFIG_COUNT,
     .min = 1, .max = 10 * 1000 * 1000, .fallback = "65536",
     .about = "What a request without max_tokens is taken to answer, for what is held for it."},
    {IN(CONFIG_PRICES, prices.file), .name = "file", .type = CONFIG_PATH, .required = true,
     .example = "prices.json", .about = "Price table; without `prices` every request is unpriced."},
    {IN(CONFIG_PRICES, prices.refresh_ms), .name = "refresh", .type = CONFIG_SPAN, .or_zero = true,
     .min = 60 * 1000, .max = 7 * 24 * 3600 * 1000, .fallback = "0", .example = "6h",
     .about = "How often prices are read anew from upstreams' lists of models; 0: never."},
    {IN(CONFIG_PRICES, prices.from), .name = "from", .type = CONFIG_STRINGS,
     .max = CONFIG_UPSTREAMS_MAX, .items = "names of upstreams", .item_check = config_name_check,
     .example = "[vercel]",
     .about = "Whose lists; absent: those of every upstream with dialect vercel or openrouter."},
    {IN(CONFIG_LEDGER, ledger.tolerance_ppm), .name = "tolerance", .type = CONFIG_PERCENT,
     .max = 1000000, .fallback = "0.1%",
     .about = "How far a reported price may be from the estimate and still count as matched."},
    {IN(CONFIG_LEDGER, ledger.durability), .name = "durability", .type = CONFIG_CHOICE,
     .choices = durabilities, .fallback = "crash",
     .about = "crash: holds survive the process; power: they are synced to disk first."},
    {IN(CONFIG_LEDGER, ledger.account), .name = "account", .type = CONFIG_LABEL,
     .fallback = "tollgate", .about = "BillingAccountId of FOCUS exports."},
    {IN(CONFIG_LEDGER, ledger.account_name), .name = "account_name", .type = CONFIG_LABEL,
     .example = "Example Ltd", .about = "BillingAccountName of FOCUS exports."},
    {IN(CONFIG_LEDGER, ledger.confirm), .name = "confirm", .type = CONFIG_FLAG, .fallback = "on",
     .about = "Whether a cost that is over or under is looked up at the upstream once more."},
    {IN(CONFIG_LEDGER, ledger.retention_months), .name = "retention", .type = CONFIG_MONTHS,
     .or_zero = true, .min = 1, .max = 1200, .fallback = "0", .example = "24 months",
     .about = "After how many months one that was closed and exported is dropped; 0: never."},
    {IN(CONFIG_REQUEST_LOG, request_log.enabled), .name = "enabled", .type = CONFIG_FLAG,
     .fallback = "off",
     .about = "Whether requests are kept, sealed, so that they can be replayed."},
    {IN(CONFIG_REQUEST_LOG, request_log.retention_s), .name = "retention", .type = CONFIG_PERIOD,
     .min = 60, .max = 90 * 24 * 3600, .fallback = "7d", .about = "How long one is kept."},
    {IN(CONFIG_REQUEST_LOG, request_log.disk_bytes), .name = "disk", .type = CONFIG_SIZE,
     .min = MIB(16), .max = TIB(1), .fallback = "1GiB",
     .about = "Budget of all that are kept; the oldest leave first."},
};

static const struct {
    const char *name;
    unsigned max; /* elements; 0: no list */
} groups[CONFIG_GROUPS] = {
    [CONFIG_TOP] = {NULL, 0},
    [CONFIG_LISTEN] = {"listen", CONFIG_LISTENS_MAX},
    [CONFIG_ADMIN] = {"admin", 0},
    [CONFIG_UPSTREAMS] = {"upstreams", CONFIG_UPSTREAMS_MAX},
    [CONFIG_ROUTES] = {"routes", CONFIG_ROUTES_MAX},
    [CONFIG_PRESETS] = {"presets", CONFIG_PRESETS_MAX},
    [CONFIG_CLIENTS] = {"clients", CONFIG_CLIENTS_MAX},
    [CONFIG_MODELS] = {"models", 0},
    [CONFIG_CACHE] = {"cache", 0},
    [CONFIG_LIMITS] = {"limits", 0},
    [CONFIG_PRICES] = {"prices", 0},
    [CONFIG_LEDGER] = {"ledger", 0},
    [CONFIG_REQUEST_LOG] = {"request_log", 0},
};

const char *config_group_name(enum config_group group)
{
    assert(group < CONFIG_GROUPS);
    return groups[group].name;
}

bool config_group_is_list(enum config_group group)
{
    assert(group < CONFIG_GROUPS);
    return groups[group].max > 0;
}

unsigned config_group_max(enum config_group group)
{
    assert(group < CONFIG_GROUPS);
    return groups[group].max > 0 ? groups[group].max : 1;
}

int config_key_find(enum config_group group, const char *name)
{
    for (int i = 0; i < CONFIG_KEYS; i++) {
        if (config_keys[i].group == group && strcmp(config_keys[i].name, name) == 0)
            return i;
    }
    return -1;
}

enum config_group config_group_find(const char *name)
{
    for (unsigned i = CONFIG_TOP + 1; i < CONFIG_GROUPS; i++) {
        if (strcmp(groups[i].name, name) == 0)
            return (enum config_group)i;
    }
    return CONFIG_TOP;
}

void config_key_show(const struct config_key *key, int index, char shown[CONFIG_SHOWN_SIZE])
{
    const char *group = config_group_name(key->group);
    if (group == NULL)
        snprintf(shown, CONFIG_SHOWN_SIZE, "%s", key->name);
    else if (!config_group_is_list(key->group))
        snprintf(shown, CONFIG_SHOWN_SIZE, "%s.%s", group, key->name);
    else if (index < 0)
        snprintf(shown, CONFIG_SHOWN_SIZE, "%s[].%s", group, key->name);
    else
        snprintf(shown, CONFIG_SHOWN_SIZE, "%s[%d].%s", group, index, key->name);
}

/* Single-character edits, a swap of neighbours being one; anything over 2 is as good as far. */
static unsigned distance(const char *a, const char *b)
{
    enum { LETTERS_MAX = 20, FAR = 99 };
    unsigned row[3][LETTERS_MAX + 1];
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len > LETTERS_MAX || b_len > LETTERS_MAX)
        return FAR;
    for (unsigned j = 0; j <= b_len; j++)
        row[0][j] = j;
    for (unsigned i = 1; i <= a_len; i++) {
        unsigned *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (unsigned j = 1; j <= b_len; j++) {
            unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[a_len % 3][b_len];
}

/* Half the letters may not be wrong: `tl` is near `ttl`, `x` is near nothing. */
bool config_is_near(const char *name, const char *known, unsigned *best)
{
    unsigned far = distance(name, known);
    if (far > 2 || far * 2 >= strlen(known) || far >= *best)
        return false;
    *best = far;
    return true;
}

bool config_key_suggest(enum config_group group, const char *name, char shown[CONFIG_SHOWN_SIZE])
{
    unsigned best = 99;
    for (unsigned i = 0; i < CONFIG_KEYS; i++) {
        if (config_keys[i].group == group && config_is_near(name, config_keys[i].name, &best))
            config_key_show(&config_keys[i], -1, shown);
    }
    for (unsigned i = CONFIG_TOP + 1; group == CONFIG_TOP && i < CONFIG_GROUPS; i++) {
        if (config_is_near(name, groups[i].name, &best))
            snprintf(shown, CONFIG_SHOWN_SIZE, "%s", groups[i].name);
    }
    /* The right name in the wrong place is likelier than two slips of the finger. */
    for (unsigned i = 0; i < CONFIG_KEYS && best > 1; i++) {
        if (strcmp(config_keys[i].name, name) == 0) {
            config_key_show(&config_keys[i], -1, shown);
            return true;
        }
    }
    return best < 99;
}

void *config_base(struct config *config, enum config_group group, unsigned index)
{
    assert(index < config_group_max(group));
    if (group == CONFIG_LISTEN)
        return &config->listen[index];
    if (group == CONFIG_UPSTREAMS)
        return &config->upstream[index];
    if (group == CONFIG_ROUTES)
        return &config->route[index];
    if (group == CONFIG_PRESETS)
        return &config->preset[index];
    if (group == CONFIG_CLIENTS)
        return &config->client[index];
    return config;
}

unsigned *config_count(struct config *config, enum config_group group)
{
    if (group == CONFIG_LISTEN)
        return &config->listen_count;
    if (group == CONFIG_UPSTREAMS)
        return &config->upstream_count;
    if (group == CONFIG_ROUTES)
        return &config->route_count;
    if (group == CONFIG_PRESETS)
        return &config->preset_count;
    assert(group == CONFIG_CLIENTS);
    return &config->client_count;
}
