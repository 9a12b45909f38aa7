/* command_keys.c - tollgate keys: makes virtual keys, lists the clients that have them, and makes
 * the key that signs closed months. */
#include "accounting/ledger_month.h"
#include "accounting/ledger_rollup.h"
#include "accounting/seal.h"
#include "server/clients.h"
#include "server/commands.h"
#include "server/config_value.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { ERROR_BYTES = 1024, CELL_BYTES = 128, HOUR_MS = 3600 * 1000, WEEK_DAYS = 7 };

static const char help[] =
    "usage: tollgate keys new NAME\n"
    "       tollgate keys list -c FILE [--spent]\n"
    "       tollgate keys signing -c FILE\n"
    "\n"
    "new makes a virtual key for a client and prints it, once, on the first line; below it stands\n"
    "what to add under `clients` in the configuration. Nothing is stored: the configuration has "
    "the\n"
    "key's SHA-256 only. NAME: 1 to 32 of a-z, 0-9, _ and -.\n"
    "list shows the clients of a configuration with their limits; --spent also what the ledger "
    "says\n"
    "they have spent of them (UTC day, week from Monday, month), with a server running or not.\n"
    "signing makes the Ed25519 key that signs closed months, data_dir/signing-key, where there is\n"
    "none, and prints the public one. Whoever is to believe the heads keeps that.\n";

struct wanted {
    const char *config;
    bool spent;
    char **words;
    int word_count;
};

/* --- new --- */

static int make_key(const char *name)
{
    char key[CLIENTS_KEY_SIZE], hash[CLIENTS_HASH_SIZE];
    const char *complaint = config_name_check(name);
    int result;

    if (complaint != NULL) {
        fprintf(stderr, "tollgate keys new: NAME %s\n", complaint);
        return EXIT_MISUSE;
    }
    result = clients_make_key(key, hash);
    if (result != 0) {
        fprintf(stderr, "tollgate keys new: no randomness: %s\n", strerror(-result));
        return EXIT_FAILED;
    }
    printf("%s\n\n# under clients: in the configuration\n  - name: %s\n    key_hash: sha256:%s\n",
           key, name, hash);
    OPENSSL_cleanse(key, sizeof key);
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        fprintf(stderr, "tollgate keys new: the key cannot be written: %s\n", strerror(errno));
        return EXIT_FAILED;
    }
    return EXIT_OK;
}

/* --- list --- */

enum column {
    COLUMN_NAME,
    COLUMN_PROJECT,
    COLUMN_DAY,
    COLUMN_WEEK,
    COLUMN_MONTH,
    COLUMN_RATE,
    COLUMN_CACHE,
    COLUMN_ZDR,
    COLUMN_MODELS, /* the longest one last */
    COLUMNS
};

static const char *const titles[COLUMNS] = {"client",   "project",   "per day",
                                            "per week", "per month", "per minute",
                                            "cache",    "zdr",       "models"};

/* budgets: NULL: only the limits are shown. */
static void print_budget(const struct budget_state *state, bool spent, char cell[CELL_BYTES])
{
    char limit[MONEY_TEXT_MAX] = "-", sum[MONEY_TEXT_MAX];

    if (state->limited)
        money_print(state->limit, limit);
    if (!spent) {
        snprintf(cell, CELL_BYTES, "%s", limit);
        return;
    }
    money_print(state->spent, sum);
    snprintf(cell, CELL_BYTES, state->limited ? "%s of %s" : "%s", sum, limit);
}

static void fill_cells(const struct config_client *client, const struct budget_state *states,
                       bool spent, char cells[COLUMNS][CELL_BYTES])
{
    size_t len = 0;

    snprintf(cells[COLUMN_NAME], CELL_BYTES, "%s", client->name);
    snprintf(cells[COLUMN_PROJECT], CELL_BYTES, "%s",
             client->project != NULL ? client->project : "-");
    for (unsigned i = 0; i < BUDGET_PERIODS; i++)
        print_budget(&states[i], spent, cells[COLUMN_DAY + i]);
    snprintf(cells[COLUMN_RATE], CELL_BYTES, "-");
    if (client->requests_per_minute > 0)
        snprintf(cells[COLUMN_RATE], CELL_BYTES, "%u", client->requests_per_minute);
    snprintf(cells[COLUMN_CACHE], CELL_BYTES, "%s", client->cache ? "on" : "off");
    snprintf(cells[COLUMN_ZDR], CELL_BYTES, "%s", client->zdr ? "on" : "off");
    snprintf(cells[COLUMN_MODELS], CELL_BYTES, "%s", client->models.count > 0 ? "" : "any");
    for (unsigned i = 0; i < client->models.count && len < CELL_BYTES; i++)
        len += (size_t)snprintf(cells[COLUMN_MODELS] + len, CELL_BYTES - len, "%s%s",
                                i > 0 ? "," : "", client->models.item[i]);
    if (len >= CELL_BYTES)
        memcpy(cells[COLUMN_MODELS] + CELL_BYTES - 4, "...", 4);
}

/* Characters, not bytes: projects may have letters of more than one. */
static unsigned width_of(const char *text)
{
    unsigned width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void print_line(char cells[COLUMNS][CELL_BYTES], const unsigned widths[COLUMNS])
{
    for (unsigned i = 0; i < COLUMNS; i++) {
        unsigned pad = i + 1 < COLUMNS ? widths[i] - width_of(cells[i]) + 2 : 0;
        printf("%s%*s", cells[i], (int)pad, "");
    }
    putchar('\n');
}

static void print_clients(const struct config *config, struct budgets *budgets, bool spent,
                          int64_t now_ms)
{
    char cells[COLUMNS][CELL_BYTES];
    struct budget_state states[BUDGET_PERIODS];
    unsigned widths[COLUMNS] = {0};

    for (unsigned i = 0; i < COLUMNS; i++)
        widths[i] = width_of(titles[i]);
    for (unsigned n = 0; n < config->client_count; n++) {
        budget_show(budgets, n, now_ms, states);
        fill_cells(&config->client[n], states, spent, cells);
        for (unsigned i = 0; i < COLUMNS; i++)
            widths[i] = width_of(cells[i]) > widths[i] ? width_of(cells[i]) : widths[i];
    }
    for (unsigned i = 0; i < COLUMNS; i++)
        snprintf(cells[i], CELL_BYTES, "%s", titles[i]);
    print_line(cells, widths);
    for (unsigned n = 0; n < config->client_count; n++) {
        budget_show(budgets, n, now_ms, states);
        fill_cells(&config->client[n], states, spent, cells);
        print_line(cells, widths);
    }
}

/* One hour's sum counts as one row of it: no period begins within an hour. */
static int add_sum(void *arg, const struct rollup_group *group)
{
    struct clients *clients = arg;
    const struct config_client *client = clients_named(clients, group->client);
    struct ledger_row row;

    if (client == NULL || !group->money[TALLY_BOOKED].known)
        return 0;
    row_init(&row);
    row.created_at_ms = group->hour_ms;
    row.booked = group->money[TALLY_BOOKED];
    return budgets_load(clients_budgets(clients), clients_index(clients, client), &row);
}

static int read_spent(const struct config *config, struct clients *clients, int64_t now_ms)
{
    int64_t month_ms, end_ms, week_ms = now_ms - (int64_t)WEEK_DAYS * LEDGER_DAY_MS;
    char dir[4096 + 16], error[ERROR_BYTES] = "";
    struct ledger_reader *reader;
    int result;

    snprintf(dir, sizeof dir, "%s/ledger", config->data_dir);
    ledger_month_range(now_ms, &month_ms, &end_ms);
    week_ms -= week_ms % HOUR_MS;
    result = ledger_reader_open(dir, now_ms, &reader, error, sizeof error);
    if (result == 0) {
        result = ledger_reader_sums(reader, month_ms < week_ms ? month_ms : week_ms,
                                    now_ms - now_ms % HOUR_MS + HOUR_MS, add_sum, clients, NULL);
        ledger_reader_close(reader);
    }
    if (result != 0)
        fprintf(stderr, "tollgate keys list: the ledger: %s\n",
                error[0] != '\0' ? error : strerror(-result));
    return result;
}

static int list(const struct config *config, bool spent)
{
    int64_t now_ms = (int64_t)time(NULL) * 1000;
    struct clients *clients = clients_new(config);
    int result = clients != NULL ? 0 : -ENOMEM;

    if (result != 0)
        fputs("tollgate keys list: out of memory\n", stderr);
    else if (spent)
        result = read_spent(config, clients, now_ms);
    if (result == 0 && config->client_count == 0)
        puts("# no clients: every caller is served, and known by the hash of its own key");
    else if (result == 0)
        print_clients(config, clients_budgets(clients), spent, now_ms);
    clients_free(clients);
    return result == 0 ? EXIT_OK : EXIT_FAILED;
}

/* --- signing --- */

static int open_signer(const char *data_dir, uint8_t ret_key[SEAL_KEY], char *error, size_t size)
{
    struct seal_signer *signer;
    int result = seal_signer_open(data_dir, &signer, error, size);

    if (result == 0)
        seal_signer_key(signer, ret_key);
    if (result == 0)
        seal_signer_free(signer);
    return result;
}

static int show_signing(const struct config *config)
{
    char error[ERROR_BYTES] = "";
    uint8_t key[SEAL_KEY];
    int result = 0;

    if (mkdir(config->data_dir, 0700) != 0 && errno != EEXIST)
        result = -errno;
    if (result == 0)
        result = seal_signer_make(config->data_dir, key, error, sizeof error);
    if (result == -EEXIST)
        result = open_signer(config->data_dir, key, error, sizeof error);
    else if (result == 0)
        fprintf(stderr,
                "made %s/signing-key: keep a copy where the ledger's backup is not, and the public "
                "key below with whoever checks\n",
                config->data_dir);
    if (result != 0) {
        fprintf(stderr, "tollgate keys signing: %s%s%s\n", error[0] != '\0' ? "" : config->data_dir,
                error[0] != '\0' ? "" : ": ", error[0] != '\0' ? error : strerror(-result));
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < sizeof key; i++)
        printf("%02x", key[i]);
    putchar('\n');
    return EXIT_OK;
}

/* --- arguments --- */

static int run_with_config(const struct wanted *wanted)
{
    struct config *config;
    int code;

    if (wanted->config == NULL) {
        fprintf(stderr, "tollgate keys %s: -c FILE is missing\n", wanted->words[0]);
        return EXIT_MISUSE;
    }
    if (config_open(wanted->config, false, stderr, &config) != 0)
        return EXIT_FAILED;
    code =
        strcmp(wanted->words[0], "list") == 0 ? list(config, wanted->spent) : show_signing(config);
    config_free(config);
    return code;
}

static int run(const struct wanted *wanted)
{
    const char *word = wanted->word_count > 0 ? wanted->words[0] : "";
    bool is_list = strcmp(word, "list") == 0;

    if (strcmp(word, "new") == 0 && wanted->word_count == 2 && wanted->config == NULL &&
        !wanted->spent)
        return make_key(wanted->words[1]);
    if (wanted->word_count == 1 && (is_list || (strcmp(word, "signing") == 0 && !wanted->spent)))
        return run_with_config(wanted);
    fputs(help, stderr);
    return EXIT_MISUSE;
}

int command_keys(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"spent", no_argument, NULL, 's'}, {0}};
    struct wanted wanted = {0};
    int option;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'h':
            fputs(help, stdout);
            return EXIT_OK;
        case 'c':
            wanted.config = optarg;
            break;
        case 's':
            wanted.spent = true;
            break;
        default:
            return EXIT_MISUSE;
        }
    }
    wanted.words = argv + optind;
    wanted.word_count = argc - optind;
    return run(&wanted);
}
