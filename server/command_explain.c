/* command_explain.c - tollgate explain: one request's whole story. */
#include "accounting/explain.h"
#include "server/commands.h"
#include "server/config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "usage: tollgate explain -c FILE ID [--json]\n"
    "\n"
    "Tells all that the ledger knows of one request, by its generation id (ours or the\n"
    "upstream's): who asked for what, route and attempts, tokens, pricing lines, every cost that\n"
    "was reported and why it differs from the estimate, where a hit came from, and how often the\n"
    "answer was served again. Works while the gateway runs and while it does not.\n";

struct wanted {
    const char *config, *id;
    bool json;
};

static int read_arguments(int argc, char **argv, struct wanted *wanted)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"json", no_argument, NULL, 'j'}, {0}};
    int option;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'h':
            fputs(help, stdout);
            return 1;
        case 'c':
            wanted->config = optarg;
            break;
        case 'j':
            wanted->json = true;
            break;
        default:
            return -EINVAL;
        }
    }
    if (wanted->config != NULL && optind + 1 == argc && argv[optind][0] != '\0') {
        wanted->id = argv[optind];
        return 0;
    }
    fputs(help, stderr);
    return -EINVAL;
}

static int explain(const struct wanted *wanted, const char *ledger_dir)
{
    struct explain_order order = {.id = text_of(wanted->id), .json = wanted->json};
    char error[1024] = "";
    struct ledger_reader *reader;
    int result =
        ledger_reader_open(ledger_dir, (int64_t)time(NULL) * 1000, &reader, error, sizeof error);

    if (result != 0) {
        fprintf(stderr, "tollgate explain: %s\n", error[0] != '\0' ? error : strerror(-result));
        return EXIT_FAILED;
    }
    result = explain_write(reader, &order, stdout);
    ledger_reader_close(reader);
    if (result == 0)
        return EXIT_OK;
    if (result == -ENOENT)
        fprintf(stderr, "tollgate explain: %s: the ledger has no such request\n", wanted->id);
    else
        fprintf(stderr, "tollgate explain: %s\n", strerror(-result));
    return EXIT_FAILED;
}

int command_explain(int argc, char **argv)
{
    struct wanted wanted = {0};
    struct config *config;
    char dir[4096];
    int result = read_arguments(argc, argv, &wanted);

    if (result != 0)
        return result > 0 ? EXIT_OK : EXIT_MISUSE;
    if (config_open(wanted.config, false, stderr, &config) != 0)
        return EXIT_FAILED;
    snprintf(dir, sizeof dir, "%s/ledger", config->data_dir);
    config_free(config);
    return explain(&wanted, dir);
}
