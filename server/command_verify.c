/* command_verify.c - tollgate verify: every law of the ledger, rechecked from the raw rows. */
#include "accounting/export.h"
#include "accounting/seal_key.h"
#include "accounting/verify.h"
#include "server/commands.h"
#include "server/config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "usage: tollgate verify -c FILE [--month YYYY-MM] [--key HEX|FILE]\n"
    "\n"
    "Rechecks every law of the ledger from the raw rows, of all months or of one (UTC), and names\n"
    "the rows that break one. Works while the gateway runs and while it does not. Heads of closed\n"
    "months must be signed by --key, the public key that `tollgate keys signing` printed (64 hex\n"
    "digits, or a file that holds them); without it, all by the same key.\n";

enum { KEY_HEX = 2 * SEAL_KEY };

struct wanted {
    const char *config, *month, *key;
};

struct job {
    struct verify_order order;
    uint8_t key[SEAL_KEY];
};

static int read_arguments(int argc, char **argv, struct wanted *wanted)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"month", required_argument, NULL, 'm'},
                                            {"key", required_argument, NULL, 'k'},
                                            {0}};
    int option;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'h':
            fputs(help, stdout);
            return 1;
        case 'c':
            wanted->config = optarg;
            break;
        case 'm':
            wanted->month = optarg;
            break;
        case 'k':
            wanted->key = optarg;
            break;
        default:
            return -EINVAL;
        }
    }
    if (wanted->config != NULL && optind == argc)
        return 0;
    fputs(help, stderr);
    return -EINVAL;
}

/* Hex digits, or a file of them. */
static int read_key(const char *text, uint8_t key[SEAL_KEY])
{
    char hex[KEY_HEX + 2];
    size_t len;
    FILE *file;

    if (strlen(text) == KEY_HEX && seal_unhex(text, key, SEAL_KEY) == 0)
        return 0;
    file = fopen(text, "r");
    if (file == NULL) {
        fprintf(stderr, "tollgate verify: --key %s: neither 64 hex digits nor a file: %s\n", text,
                strerror(errno));
        return -EINVAL;
    }
    len = fread(hex, 1, sizeof(hex), file);
    fclose(file);
    if ((len == KEY_HEX || (len == KEY_HEX + 1 && hex[KEY_HEX] == '\n')) &&
        seal_unhex(hex, key, SEAL_KEY) == 0)
        return 0;
    fprintf(stderr, "tollgate verify: --key %s: no public key, which is 64 hex digits\n", text);
    return -EINVAL;
}

static int plan(const struct wanted *wanted, struct job *job)
{
    struct verify_order *order = &job->order;

    *order = (struct verify_order){.to_ms = INT64_MAX, .now_ms = (int64_t)time(NULL) * 1000};
    if (wanted->month != NULL && export_month_parse(wanted->month, strlen(wanted->month),
                                                    &order->from_ms, &order->to_ms) != 0) {
        fprintf(stderr, "tollgate verify: --month %s: not a month; write it as 2026-11\n",
                wanted->month);
        return -EINVAL;
    }
    if (wanted->key == NULL)
        return 0;
    if (read_key(wanted->key, job->key) != 0)
        return -EINVAL;
    order->trusted_key = job->key;
    return 0;
}

static int verify(const struct job *job, const char *ledger_dir)
{
    char error[1024] = "";
    struct verify_result found = {0};
    struct ledger_reader *reader;
    int result = ledger_reader_open(ledger_dir, job->order.now_ms, &reader, error, sizeof(error));

    if (result != 0) {
        fprintf(stderr, "tollgate verify: %s\n", error[0] != '\0' ? error : strerror(-result));
        return result;
    }
    result = verify_ledger(reader, &job->order, stdout, &found);
    ledger_reader_close(reader);
    if (result == -EBADMSG)
        fprintf(stderr, "tollgate verify: the first that breaks a law: %s\n", found.first);
    else if (result < 0)
        fprintf(stderr, "tollgate verify: %s: it cannot be read: %s\n", ledger_dir,
                strerror(-result));
    else if (found.months == 0)
        fputs("tollgate verify: nothing was recorded\n", stderr);
    return result;
}

int command_verify(int argc, char **argv)
{
    struct wanted wanted = {0};
    struct job job = {0};
    struct config *config;
    char dir[4096];
    int result = read_arguments(argc, argv, &wanted);

    if (result != 0)
        return result > 0 ? EXIT_OK : EXIT_MISUSE;
    if (plan(&wanted, &job) != 0)
        return EXIT_MISUSE;
    if (config_open(wanted.config, false, stderr, &config) != 0)
        return EXIT_FAILED;
    snprintf(dir, sizeof(dir), "%s/ledger", config->data_dir);
    job.order.tolerance_ppm = (int64_t)config->ledger.tolerance_ppm;
    config_free(config);
    return verify(&job, dir) == 0 ? EXIT_OK : EXIT_FAILED;
}
