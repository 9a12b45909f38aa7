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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    CONFIG_LISTENS_MAX = 16,
    CONFIG_UPSTREAMS_MAX = 16,
};

enum config_dialect { DIALECT_VERCEL, DIALECT_OPENROUTER, DIALECT_OPENAI };
enum config_durability { DURABILITY_CRASH, DURABILITY_POWER };

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
    struct {
        bool by_default; /* cache.default: on without a header */
        unsigned ttl_s;
        uint64_t memory_bytes, disk_bytes, max_entry_bytes;
        bool coalesce;
    } cache;
    struct {
        uint64_t body_bytes, buffered_bytes;
        unsigned drain_ms;
    } limits;
    struct {
        char *file; /* NULL: no prices */
    } prices;
    struct {
        int64_t tolerance_ppm; /* 0.1% is 1000 */
        enum config_durability durability;
    } ledger;
};

/* Reads and checks path. On failure writes every complaint to errors, one line each
 * ("file:line: what is wrong and what to do"), returns -EINVAL (or -ENOENT, -EIO, ...) and leaves
 * *ret_config alone. need_secrets: a named but unset api_key_env is a complaint (serve), else it is
 * left NULL (export, check). give: *ret_config. */
int config_open(const char *path, bool need_secrets, FILE *errors, struct config **ret_config);
void config_free(struct config *config); /* wipes secrets; accepts NULL */

/* Prints the effective values as YAML that config_open() accepts again; secrets never. */
void config_print(const struct config *config, FILE *out);

/* Prints the table as documentation: key, type and unit, range, default, sentence. */
void config_print_reference(FILE *out);

#endif
