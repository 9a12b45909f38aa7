/* config.c - opens a configuration: file -> draft -> immutable struct, or every complaint. */
#include "server/config.h"

#include "server/config_draft.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORKERS_MAX = 64 };

void config_complain(struct config_draft *draft, unsigned line, const char *format, ...)
{
    struct config_complaint *complaint = &draft->complaint[draft->complaint_count];
    va_list arguments;
    assert(line > 0);
    if (draft->complaint_count == CONFIG_COMPLAINTS_MAX) {
        draft->complaint_lost++;
        return;
    }
    va_start(arguments, format);
    if (vasprintf(&complaint->text, format, arguments) < 0) {
        complaint->text = NULL;
        draft->error = -ENOMEM;
    } else {
        complaint->line = line;
        complaint->number = draft->complaint_count;
        draft->complaint_count++;
    }
    va_end(arguments);
}

static int grow_clients(struct config *config, unsigned from, unsigned to)
{
    struct config_client *client = reallocarray(config->client, to, sizeof(*client));
    if (client == NULL)
        return -ENOMEM;
    memset(client + from, 0, (to - from) * sizeof(*client));
    config->client = client;
    return 0;
}

int config_draft_grow(struct config_draft *draft, enum config_group group, unsigned index)
{
    unsigned from = draft->room[group], to = from > 0 ? 2 * from : 1;
    unsigned max = config_group_max(group);
    struct config_element *element;
    assert(index < max);
    assert(index <= from);
    if (index < from)
        return 0;
    if (to > max)
        to = max;
    element = reallocarray(draft->element[group], to, sizeof(*element));
    if (element != NULL) {
        memset(element + from, 0, (to - from) * sizeof(*element));
        draft->element[group] = element;
    }
    if (element == NULL || (group == CONFIG_CLIENTS && grow_clients(draft->config, from, to) < 0)) {
        draft->error = -ENOMEM;
        return -ENOMEM;
    }
    draft->room[group] = to;
    return 0;
}

unsigned *config_draft_stated(struct config_draft *draft, unsigned at, unsigned index)
{
    enum config_group group = config_keys[at].group;
    assert(index < draft->room[group]);
    return &draft->element[group][index].stated[at];
}

bool config_draft_states(const struct config_draft *draft, enum config_group group,
                         const char *name, unsigned index)
{
    int at = config_key_find(group, name);
    assert(at >= 0);
    assert(index < draft->room[group]);
    return draft->element[group][index].stated[at] != 0;
}

unsigned config_draft_line(const struct config_draft *draft, enum config_group group,
                           const char *name, unsigned index)
{
    int at = config_key_find(group, name);
    const struct config_element *element = &draft->element[group][index];
    assert(at >= 0);
    assert(index < draft->room[group]);
    if (element->stated[at] != 0)
        return element->stated[at];
    if (element->line != 0)
        return element->line;
    return draft->group_line[group] != 0 ? draft->group_line[group] : 1;
}

static int compare_lines(const void *a, const void *b)
{
    const struct config_complaint *one = a, *other = b;
    if (one->line != other->line)
        return one->line > other->line ? 1 : -1;
    return one->number > other->number ? 1 : -1;
}

/* Readers go through a file from its top. */
static void print_complaints(struct config_draft *draft, FILE *errors)
{
    const char *path = draft->config->path;
    qsort(draft->complaint, draft->complaint_count, sizeof(draft->complaint[0]), compare_lines);
    for (unsigned i = 0; i < draft->complaint_count; i++)
        fprintf(errors, "%s:%u: %s\n", path, draft->complaint[i].line, draft->complaint[i].text);
    if (draft->complaint_lost > 0)
        fprintf(errors, "%s:%u: and %u more; correct these first\n", path,
                draft->complaint[draft->complaint_count - 1].line, draft->complaint_lost);
}

static void draft_release(struct config_draft *draft)
{
    for (unsigned i = 0; i < draft->complaint_count; i++)
        free(draft->complaint[i].text);
    for (unsigned i = 0; i < CONFIG_GROUPS; i++)
        free(draft->element[i]);
    config_free(draft->config);
}

/* Only a directory with an impossible name can spoil a default. */
static void set_default(struct config_draft *draft, const struct config_key *key, unsigned index)
{
    char want[CONFIG_WANT_SIZE], shown[CONFIG_SHOWN_SIZE];
    int error = config_key_set(key, config_base(draft->config, key->group, index), draft->directory,
                               key->fallback, want);
    if (error == -ENOMEM)
        draft->error = -ENOMEM;
    if (error == -EINVAL) {
        config_key_show(key, (int)index, shown);
        config_complain(draft, 1, "%s %s", shown, want);
    }
}

void config_draft_defaults(struct config_draft *draft, enum config_group group, unsigned index)
{
    for (unsigned i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->group == group && key->fallback != NULL && !key->required)
            set_default(draft, key, index);
    }
    if (group == CONFIG_PRESETS)
        draft->config->preset[index].cache_enabled = -1;
}

static void set_defaults(struct config_draft *draft)
{
    for (unsigned i = 0; i < CONFIG_GROUPS; i++) {
        if (!config_group_is_list((enum config_group)i))
            config_draft_defaults(draft, (enum config_group)i, 0);
    }
}

static void default_listen(struct config_draft *draft)
{
    draft->config->listen_count = 1;
    set_default(draft, &config_keys[config_key_find(CONFIG_LISTEN, "address")], 0);
}

static unsigned cores(void)
{
    cpu_set_t set;
    long count;
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        count = CPU_COUNT(&set);
    else
        count = sysconf(_SC_NPROCESSORS_ONLN); /* more cores than the set has room for */
    if (count < 1)
        return 1;
    return count > WORKERS_MAX ? WORKERS_MAX : (unsigned)count;
}

static int fill(struct config_draft *draft, const char *text, size_t len)
{
    for (unsigned i = 0; i < CONFIG_GROUPS; i++) {
        if (config_draft_grow(draft, (enum config_group)i, 0) < 0)
            return -ENOMEM;
    }
    set_defaults(draft);
    config_yaml_read(draft, text, len);
    if (draft->group_line[CONFIG_LISTEN] == 0)
        default_listen(draft);
    if (draft->error == 0 && !draft->unreadable) {
        config_check(draft);
        config_resolve(draft);
        config_clients(draft);
    }
    if (draft->config->workers == 0)
        draft->config->workers = cores();
    return draft->error;
}

int config_parse(const char *path, const char *directory, const char *text, size_t len,
                 bool need_secrets, FILE *errors, struct config **ret_config)
{
    struct config_draft *draft = calloc(1, sizeof(*draft));
    int error = -ENOMEM;
    assert(directory != NULL);
    assert(directory[0] == '/');
    if (draft == NULL)
        goto out;
    draft->directory = directory;
    draft->need_secrets = need_secrets;
    draft->config = calloc(1, sizeof(*draft->config));
    if (draft->config == NULL)
        goto out;
    draft->config->path = strdup(path);
    if (draft->config->path == NULL)
        goto out;
    error = fill(draft, text, len);
    if (error == 0 && draft->complaint_count > 0) {
        print_complaints(draft, errors);
        error = -EINVAL;
    }
    if (error == 0) {
        *ret_config = draft->config;
        draft->config = NULL;
    }
out:
    if (draft != NULL)
        draft_release(draft);
    free(draft);
    return error;
}

/* Up to one byte more than is allowed, so that too much can be told. give: *ret_text. */
static int read_file(const char *path, char **ret_text, size_t *ret_len)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    int error = 0;
    size_t len;
    if (file == NULL)
        return -errno;
    text = malloc(CONFIG_FILE_BYTES_MAX + 1);
    if (text == NULL) {
        error = -ENOMEM;
        goto out;
    }
    errno = 0;
    len = fread(text, 1, CONFIG_FILE_BYTES_MAX + 1, file);
    if (ferror(file) != 0) {
        error = errno != 0 ? -errno : -EIO;
        goto out;
    }
    *ret_text = text;
    *ret_len = len;
    text = NULL;
out:
    free(text);
    fclose(file);
    return error;
}

/* The file's directory without symbolic links. give: the result, NULL with errno. */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory, *real;
    if (slash == NULL)
        return realpath(".", NULL);
    directory = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (directory == NULL)
        return NULL;
    real = realpath(directory, NULL);
    free(directory);
    return real;
}

int config_open(const char *path, bool need_secrets, FILE *errors, struct config **ret_config)
{
    char *text = NULL, *directory = NULL;
    size_t len = 0;
    int error = read_file(path, &text, &len);
    if (error == 0) {
        directory = directory_of(path);
        error = directory == NULL ? -errno : 0;
    }
    if (error < 0) {
        fprintf(errors, "%s: cannot be read: %s; name a configuration file with -c\n", path,
                strerror(-error));
    } else if (len > CONFIG_FILE_BYTES_MAX) {
        fprintf(errors,
                "%s:1: is over 4 MiB; a configuration is a few hundred lines, and some for each "
                "client\n",
                path);
        error = -EINVAL;
    } else {
        error = config_parse(path, directory, text, len, need_secrets, errors, ret_config);
        if (error < 0 && error != -EINVAL)
            fprintf(errors, "%s: cannot be read: %s\n", path, strerror(-error));
    }
    free(directory);
    free(text);
    return error;
}

static void wipe(char *secret)
{
    if (secret != NULL)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

static void free_strings(struct config_strings *strings)
{
    for (unsigned i = 0; i < strings->count; i++)
        free(strings->item[i]);
}

static void free_lists(struct config *config)
{
    for (unsigned i = 0; i < CONFIG_LISTENS_MAX; i++) {
        free(config->listen[i].host);
        free(config->listen[i].certificate);
        free(config->listen[i].private_key);
    }
    for (unsigned i = 0; i < CONFIG_UPSTREAMS_MAX; i++) {
        free(config->upstream[i].name);
        free(config->upstream[i].base_url);
        free(config->upstream[i].api_key_env);
        free(config->upstream[i].cost_path);
        free(config->upstream[i].bills_as);
        wipe(config->upstream[i].api_key);
    }
    for (unsigned i = 0; i < CONFIG_ROUTES_MAX; i++) {
        free(config->route[i].name);
        free_strings(&config->route[i].models);
        free_strings(&config->route[i].providers);
        free_strings(&config->route[i].upstreams);
        free_strings(&config->route[i].fallback_models);
    }
    for (unsigned i = 0; i < CONFIG_PRESETS_MAX; i++) {
        free(config->preset[i].name);
        free(config->preset[i].model);
        free(config->preset[i].system_prompt);
        free(config->preset[i].parameters);
        free_strings(&config->preset[i].fallback_models);
    }
}

static void free_clients(struct config *config)
{
    for (unsigned i = 0; i < config->client_count; i++) {
        free(config->client[i].name);
        free(config->client[i].key_hash);
        free(config->client[i].project);
        free(config->client[i].user);
        free(config->client[i].environment);
        free_strings(&config->client[i].tags);
        free_strings(&config->client[i].models);
    }
    free(config->client);
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    free_lists(config);
    free_clients(config);
    free(config->admin.host);
    free(config->admin.token_env);
    wipe(config->admin.token);
    free(config->data_dir);
    free(config->models.map);
    free(config->prices.file);
    free_strings(&config->prices.from);
    free(config->ledger.account);
    free(config->ledger.account_name);
    free(config->path);
    free(config);
}

const struct config_upstream *config_upstream_named(const struct config *config, struct text name)
{
    for (unsigned i = 0; i < config->upstream_count; i++)
        if (strlen(config->upstream[i].name) == name.len &&
            memcmp(config->upstream[i].name, name.bytes, name.len) == 0)
            return &config->upstream[i];
    return NULL;
}

const char *config_bills_as(const struct config_upstream *upstream)
{
    if (upstream->bills_as != NULL)
        return upstream->bills_as;
    switch (upstream->dialect) {
    case DIALECT_VERCEL:
        return "Vercel";
    case DIALECT_OPENROUTER:
        return "OpenRouter";
    case DIALECT_OPENAI:
        break;
    }
    return upstream->name;
}

struct text config_invoice_issuer(void *config, struct text name)
{
    const struct config_upstream *upstream = config_upstream_named(config, name);

    return upstream != NULL ? text_of(config_bills_as(upstream)) : name;
}
