/* config.h - the configuration: YAML file -> immutable struct, checked against one table.
 *
 * The table (config_table.c) has for every key: path, type, unit, range, default and one sentence.
 * From it come the parser, the messages, `tollgate check`, and the test that configs/tollgate.yaml
 * states every key with its default and range. libyaml gives file:line for every complaint.
 *
 * Secrets never stand in the file: *_env names an environment variable.
 * Threads: read once before threads start, never written again.
 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include "accounting/budget.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    CONFIG_LISTENS_MAX = 16,
    CONFIG_UPSTREAMS_MAX = 16,
    CONFIG_ROUTES_MAX = 16,
    CONFIG_PRESETS_MAX = 16,
    CONFIG_STRINGS_MAX = 32, /* of one list of texts */
    CONFIG_CLIENTS_MAX = 4096,
};

enum config_dialect { DIALECT_VERCEL, DIALECT_OPENROUTER, DIALECT_OPENAI };
enum config_durability { DURABILITY_CRASH, DURABILITY_POWER };
enum config_cost_unit { COST_USD, COST_MILLI_USD, COST_MICRO_USD, COST_NANO_USD };

struct config_listen {
    char *host;                      /* without brackets */
    uint16_t port;                   /* 0: any free port, printed at start */
    char *certificate, *private_key; /* NULL: cleartext; absolute paths */
    bool loopback;                   /* 127.0.0.0/8, ::1 or localhost */
};

struct config_upstream {
    char *name;
    enum config_dialect dialect;
    char *base_url;    /* no trailing slash */
    char *api_key_env; /* NULL: the client's own key is forwarded */
    char *api_key;     /* the variable's value; wiped by config_free() */
    char *cost_path;   /* where its answers name their cost, dotted: "usage.cost_nano_usd",
                          "metadata.cost.total"; NULL: as its dialect does */
    enum config_cost_unit cost_unit; /* of what stands at cost_path */
    int64_t cost_unit_femto;         /* the same in 1e-15 USD, resolved by config_check() */
    char *bills_as;                  /* who invoices, for FOCUS ("Vercel"); NULL: by dialect */
};

struct config_strings {
    char *item[CONFIG_STRINGS_MAX];
    unsigned count;
};

/* A virtual key and what it may do. */
struct config_client {
    char *name;
    char *key_hash;         /* "sha256:" and 64 hex digits, as `tollgate keys new` prints it */
    uint8_t key_digest[32]; /* the same as bytes, resolved by config_check() */
    char *project, *user, *environment; /* NULL: as the request says */
    struct config_strings tags;         /* added to the request's */
    struct config_strings models;       /* patterns; none: every one */
    unsigned requests_per_minute;       /* 0: no limit; at most 1,000,000 */
    struct budget_limits budget;        /* budget_per_day, budget_per_week, budget_per_month, USD */
    bool cache;                         /* may have answers cached; never with zdr */
    bool zdr; /* no caching, no request log, zero data retention asked of the upstream */
};

/* The first route whose patterns match the requested model decides. */
struct config_route {
    char *name;
    struct config_strings models; /* patterns with `*`; none: every model */
    struct config_strings
        providers; /* the part of a model id before `/`, patterns; none: every one */
    struct config_strings upstreams; /* names, in the order in which they are tried; none: all */
    unsigned upstream[CONFIG_UPSTREAMS_MAX]; /* the same as indices, resolved by config_check() */
    unsigned upstream_count;
    int64_t split_ppm; /* share of (user, model) pairs that begin at the second upstream */
    struct config_strings fallback_models;
};

/* Named defaults (openrouter-api.md sections 1.6 and 7). */
struct config_preset {
    char *name;          /* slug: lower-case letters, digits, - and _ */
    char *model;         /* NULL: the request must say one */
    char *system_prompt; /* NULL: none */
    char *parameters;    /* a JSON object: members that the request does not say itself; or NULL */
    struct config_strings fallback_models;
    int cache_enabled;    /* -1: not said, 0, 1 */
    unsigned cache_ttl_s; /* 0: not said */
    char version[17];     /* hex: changes when anything of the preset does; part of the cache key */
};

struct config {
    char *path; /* of the file, for messages */
    struct config_listen listen[CONFIG_LISTENS_MAX];
    unsigned listen_count;
    struct {
        char *host;
        uint16_t port;
        char *token_env;
        char *token; /* NULL when the variable is unset */
        bool loopback;
    } admin;
    char *data_dir;   /* absolute, as every path here */
    unsigned workers; /* resolved: never 0 */
    struct config_upstream upstream[CONFIG_UPSTREAMS_MAX];
    unsigned upstream_count;
    struct config_route route[CONFIG_ROUTES_MAX];
    unsigned route_count;
    struct config_preset preset[CONFIG_PRESETS_MAX];
    unsigned preset_count;
    struct config_client *client; /* owned */
    unsigned client_count;        /* 0: callers' own keys are forwarded */
    struct {
        char *map;           /* models.map: file; NULL: the one that is compiled in */
        unsigned catalog_ms; /* how often upstreams' catalogues are read; 0: never */
    } models;
    struct {
        bool enabled;
        unsigned retention_s;
        uint64_t disk_bytes;
    } request_log;
    struct {
        bool by_default; /* cache.default: on without a header */
        unsigned ttl_s;
        uint64_t memory_bytes, disk_bytes, max_entry_bytes;
        bool coalesce;
    } cache;
    struct {
        uint64_t body_bytes, buffered_bytes;
        unsigned drain_ms;
        unsigned retry_ms;     /* how long a request may wait for a Retry-After; 0: not at all */
        unsigned keepalive_ms; /* OpenRouter streams: silence before a comment; 0: none */
        unsigned detached_ms;  /* how long a call goes on that nobody waits for any more */
        struct money detached_cost; /* what such a call may cost by our reckoning; 0: no bound */
        unsigned budget_wait_ms; /* how long a request may wait for holds of its client's budget */
        unsigned output_tokens;  /* what a request that does not say may answer, for its hold */
    } limits;
    struct {
        char *file;          /* NULL: no prices */
        unsigned refresh_ms; /* how often they are read anew from upstreams' lists; 0: never */
        struct config_strings from; /* names of upstreams whose lists are taken; none: all that have
                                       prices of their own dialect */
    } prices;
    struct {
        int64_t tolerance_ppm; /* 0.1% is 1000 */
        enum config_durability durability;
        char *account;             /* ledger.account: BillingAccountId of FOCUS exports */
        char *account_name;        /* NULL: none */
        bool confirm;              /* drift is looked up at the generation endpoint, too */
        unsigned retention_months; /* closed and exported months older than that go; 0: never */
    } ledger;
};

/* Reads and checks path. On failure writes every complaint to errors, one line each
 * ("file:line: what is wrong and what to do"), returns -EINVAL (or -ENOENT, -EIO, ...) and leaves
 * *ret_config alone. need_secrets: a named but unset api_key_env is a complaint (serve), else it is
 * left NULL (export, check). give: *ret_config. */
int config_open(const char *path, bool need_secrets, FILE *errors, struct config **ret_config);
void config_free(struct config *config); /* wipes secrets; accepts NULL */

/* The upstream of that name, as rows have it; NULL: there is none (any more). borrow. */
const struct config_upstream *config_upstream_named(const struct config *config, struct text name);

/* Who sends the bill for an upstream's calls: bills_as, else the vendor whose dialect it speaks,
 * else its name. */
const char *config_bills_as(const struct config_upstream *upstream);
/* The same by name, for focus.h; a name that is not configured stands for itself. config: a const
 * struct config. */
struct text config_invoice_issuer(void *config, struct text upstream);

/* Prints the effective values as YAML that config_open() accepts again; secrets never. */
void config_print(const struct config *config, FILE *out);

/* Prints the table as documentation: key, type and unit, range, default, sentence. */
void config_print_reference(FILE *out);

#endif
