/* config_check.c - what keys mean together, and what lies outside the file: the certificates, the
 * prices and the environment. */
#include "server/config_draft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_BYTES_MAX = 4096 };

#define EXAMPLE_UPSTREAM                                                                           \
    "upstreams: [{ name: vercel, dialect: vercel, base_url: "                                      \
    "\"https://ai-gateway.vercel.sh/v1\", api_key_env: AI_GATEWAY_API_KEY }]"

static void check_required(struct config_draft *draft)
{
    if (draft->group_line[CONFIG_UPSTREAMS] == 0)
        config_complain(draft, 1, "upstreams is missing; add for example %s", EXAMPLE_UPSTREAM);
    for (unsigned i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *key = &config_keys[i];
        const char *example = key->example != NULL ? key->example : key->fallback;
        unsigned count;
        if (!key->required || draft->group_line[key->group] == 0)
            continue;
        count = config_group_is_list(key->group) ? *config_count(draft->config, key->group) : 1;
        for (unsigned n = 0; n < count; n++) {
            char shown[CONFIG_SHOWN_SIZE];
            config_key_show(key, (int)n, shown);
            if (*config_draft_stated(draft, i, n) == 0)
                config_complain(draft, config_draft_line(draft, key->group, key->name, n),
                                "%s is missing; add for example %s: %s", shown, key->name, example);
        }
    }
}

static void check_file(struct config_draft *draft, enum config_group group, const char *name,
                       unsigned index, const char *path)
{
    const struct config_key *key = &config_keys[config_key_find(group, name)];
    unsigned line = config_draft_line(draft, group, name, index);
    char shown[CONFIG_SHOWN_SIZE];
    struct stat status;
    if (path == NULL)
        return;
    config_key_show(key, (int)index, shown);
    if (stat(path, &status) < 0 || access(path, R_OK) < 0)
        config_complain(draft, line,
                        "%s cannot be read (%s: %m); put the file there or correct "
                        "the path",
                        shown, path);
    else if (S_ISDIR(status.st_mode))
        config_complain(draft, line, "%s is a directory (%s); name the file in it", shown, path);
}

static void check_data_dir(struct config_draft *draft)
{
    const char *path = draft->config->data_dir;
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode))
        config_complain(draft, config_draft_line(draft, CONFIG_TOP, "data_dir", 0),
                        "data_dir is no directory (%s); name another or move that file away", path);
}

static bool same_address(const char *host, uint16_t port, const char *other_host,
                         uint16_t other_port)
{
    if (host == NULL || other_host == NULL)
        return false;
    return port != 0 && port == other_port && strcasecmp(host, other_host) == 0;
}

static void check_listen(struct config_draft *draft, unsigned n)
{
    const struct config *config = draft->config;
    const struct config_listen *listen = &config->listen[n];
    unsigned line = config_draft_line(draft, CONFIG_LISTEN, "address", n);
    for (unsigned i = 0; i < n; i++) {
        const struct config_listen *other = &config->listen[i];
        if (same_address(listen->host, listen->port, other->host, other->port))
            config_complain(draft, line,
                            "listen[%u].address is that of listen[%u]; remove one or "
                            "change its port",
                            n, i);
    }
    if (same_address(listen->host, listen->port, config->admin.host, config->admin.port))
        config_complain(draft, config_draft_line(draft, CONFIG_ADMIN, "address", 0),
                        "admin.address is that of listen[%u]; change its port", n);
    if (listen->certificate != NULL && listen->private_key == NULL)
        config_complain(draft, config_draft_line(draft, CONFIG_LISTEN, "certificate", n),
                        "listen[%u].certificate needs its private_key beside it", n);
    if (listen->certificate == NULL && listen->private_key != NULL)
        config_complain(draft, config_draft_line(draft, CONFIG_LISTEN, "private_key", n),
                        "listen[%u].private_key needs its certificate beside it", n);
    check_file(draft, CONFIG_LISTEN, "certificate", n, listen->certificate);
    check_file(draft, CONFIG_LISTEN, "private_key", n, listen->private_key);
}

/* Without clients there is nothing that tells one caller from another, so our key is everybody's.
 */
static void check_spending(struct config_draft *draft)
{
    const struct config *config = draft->config;
    unsigned paying = 0;
    if (draft->group_line[CONFIG_CLIENTS] != 0)
        return;
    while (paying < config->upstream_count && config->upstream[paying].api_key_env == NULL)
        paying++;
    if (paying == config->upstream_count)
        return;
    for (unsigned n = 0; n < config->listen_count; n++) {
        if (config->listen[n].host == NULL || config->listen[n].loopback)
            continue;
        config_complain(draft, config_draft_line(draft, CONFIG_LISTEN, "address", n),
                        "listen[%u].address is off loopback and upstreams[%u].api_key_env is set: "
                        "anybody who reaches the port spends that key; add clients, listen on "
                        "127.0.0.1, or remove api_key_env so that each client's own key is "
                        "forwarded",
                        n, paying);
    }
}

static const char *name_of(const struct config *config, enum config_group group, unsigned index)
{
    if (group == CONFIG_UPSTREAMS)
        return config->upstream[index].name;
    if (group == CONFIG_ROUTES)
        return config->route[index].name;
    return config->preset[index].name;
}

static size_t host_of(const char *url, const char **ret_host)
{
    const char *host = strstr(url, "://");
    size_t len;

    host = host != NULL ? host + 3 : url;
    len = strcspn(host, "/?#");
    if (host[0] == '[')
        len = strcspn(host, "]");
    else if (memchr(host, ':', len) != NULL)
        len = (size_t)((const char *)memchr(host, ':', len) - host);
    *ret_host = host;
    return len;
}

/* A client's key belongs to the vendor it was made for: it is forwarded to one host only. */
static void check_forwarded_keys(struct config_draft *draft)
{
    const struct config *config = draft->config;
    int first = -1;
    if (draft->group_line[CONFIG_CLIENTS] != 0)
        return; /* none is forwarded: config_clients.c */
    for (unsigned n = 0; n < config->upstream_count; n++) {
        const struct config_upstream *upstream = &config->upstream[n];
        const char *host, *other;
        size_t len, other_len;
        if (upstream->api_key_env != NULL || upstream->base_url == NULL)
            continue;
        if (first < 0) {
            first = (int)n;
            continue;
        }
        len = host_of(upstream->base_url, &host);
        other_len = host_of(config->upstream[first].base_url, &other);
        if (len == other_len && strncasecmp(host, other, len) == 0)
            continue;
        config_complain(draft, config_draft_line(draft, CONFIG_UPSTREAMS, "base_url", n),
                        "upstreams[%u] and upstreams[%d] have no api_key_env and different hosts: "
                        "clients' keys for the one would be sent to the other; add api_key_env to "
                        "one of them",
                        n, first);
    }
}

static void check_names(struct config_draft *draft, enum config_group group)
{
    for (unsigned n = 1; n < *config_count(draft->config, group); n++) {
        for (unsigned i = 0; i < n; i++) {
            const char *name = name_of(draft->config, group, n);
            const char *other = name_of(draft->config, group, i);
            if (name == NULL || other == NULL || strcmp(name, other) != 0)
                continue;
            config_complain(draft, config_draft_line(draft, group, "name", n),
                            "%s[%u].name is that of %s[%u]; give each its own",
                            config_group_name(group), n, config_group_name(group), i);
            break;
        }
    }
}

static void check_sizes(struct config_draft *draft)
{
    const struct config *config = draft->config;
    unsigned line = config_draft_line(draft, CONFIG_CACHE, "max_entry", 0);
    char buffered[CONFIG_NUMBER_SIZE];
    if (config->cache.max_entry_bytes <= config->limits.buffered_bytes)
        return;
    if (!config_draft_states(draft, CONFIG_CACHE, "max_entry", 0))
        line = config_draft_line(draft, CONFIG_LIMITS, "buffered", 0);
    config_size_print(config->limits.buffered_bytes, buffered);
    config_complain(draft, line,
                    "cache.max_entry must be at most limits.buffered, which is %s; "
                    "lower the one or raise the other",
                    buffered);
}

static const char not_set[] = "which is not set; export it";

/* NULL and a reason when the variable cannot serve as a secret. */
static char *load_secret(struct config_draft *draft, const char *variable, const char **ret_why)
{
    const char *value = getenv(variable);
    char *copy;
    *ret_why = NULL;
    if (value == NULL || value[0] == '\0') {
        *ret_why = not_set;
        return NULL;
    }
    for (const char *c = value; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~' || c - value >= SECRET_BYTES_MAX) {
            *ret_why = "whose value cannot stand in a header (a space, a line end, or over 4096 "
                       "bytes); export it anew";
            return NULL;
        }
    }
    copy = strdup(value);
    if (copy == NULL)
        draft->error = -ENOMEM;
    return copy;
}

static void check_secrets(struct config_draft *draft)
{
    for (unsigned n = 0; n < draft->config->upstream_count; n++) {
        struct config_upstream *upstream = &draft->config->upstream[n];
        const char *why;
        if (upstream->api_key_env == NULL)
            continue;
        upstream->api_key = load_secret(draft, upstream->api_key_env, &why);
        if (why != NULL && draft->need_secrets)
            config_complain(draft, config_draft_line(draft, CONFIG_UPSTREAMS, "api_key_env", n),
                            "upstreams[%u].api_key_env names %s, %s, or remove the line so that "
                            "each client's own key is forwarded",
                            n, upstream->api_key_env, why);
    }
}

/* On loopback a token may be left unset; one that is set but unusable is a mistake everywhere. */
static void check_admin(struct config_draft *draft)
{
    struct config *config = draft->config;
    bool exposed = config->admin.host != NULL && !config->admin.loopback;
    const char *why = NULL;
    if (config->admin.token_env != NULL) {
        config->admin.token = load_secret(draft, config->admin.token_env, &why);
        if (why != NULL && draft->need_secrets && (exposed || why != not_set))
            config_complain(draft, config_draft_line(draft, CONFIG_ADMIN, "token_env", 0),
                            "admin.token_env names %s, %s%s", config->admin.token_env, why,
                            exposed ? ": off loopback the admin address needs a token" : "");
    } else if (exposed && !config_draft_states(draft, CONFIG_ADMIN, "token_env", 0)) {
        config_complain(draft, config_draft_line(draft, CONFIG_ADMIN, "address", 0),
                        "admin.address is off loopback and has no token: anybody who reaches the "
                        "port reads the ledger; add token_env or listen on 127.0.0.1");
    }
}

void config_check(struct config_draft *draft)
{
    const struct config *config = draft->config;
    check_required(draft);
    for (unsigned n = 0; n < config->listen_count; n++)
        check_listen(draft, n);
    check_file(draft, CONFIG_PRICES, "file", 0, config->prices.file);
    check_file(draft, CONFIG_MODELS, "map", 0, config->models.map);
    check_data_dir(draft);
    check_spending(draft);
    check_names(draft, CONFIG_UPSTREAMS);
    check_forwarded_keys(draft);
    check_names(draft, CONFIG_ROUTES);
    check_names(draft, CONFIG_PRESETS);
    check_sizes(draft);
    check_secrets(draft);
    check_admin(draft);
}
