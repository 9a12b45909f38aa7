/* command_check.c - tollgate check: is this configuration one that serve would start with? */
#include "accounting/price.h"
#include "server/commands.h"
#include "server/config.h"

#include <getopt.h>
#include <stdio.h>

static const char help[] =
    "usage: tollgate check -c FILE\n"
    "       tollgate check --reference\n\n"
    "Validates the configuration and the price table and prints the effective values.\n"
    "--reference prints every key with its type, range and default.\n";

static int check(const char *path)
{
    struct config *config;
    struct price_table *prices = NULL;
    char error[1024] = "";
    int code = EXIT_OK;

    if (config_open(path, false, stderr, &config) != 0)
        return EXIT_FAILED;
    if (config->prices.file != NULL &&
        price_table_open(config->prices.file, &prices, error, sizeof error) != 0) {
        fprintf(stderr, "%s\n", error);
        code = EXIT_FAILED;
    }
    config_print(config, stdout);
    if (prices != NULL)
        printf("# prices: %zu models, table %.12s\n", price_table_models(prices),
               price_table_hash(prices));
    price_table_free(prices);
    config_free(config);
    return code;
}

int command_check(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"reference", no_argument, NULL, 'r'}, {0}};
    const char *path = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'h':
            fputs(help, stdout);
            return EXIT_OK;
        case 'r':
            config_print_reference(stdout);
            return EXIT_OK;
        case 'c':
            path = optarg;
            break;
        default:
            return EXIT_MISUSE;
        }
    }
    if (path == NULL || optind != argc) {
        fputs(help, stderr);
        return EXIT_MISUSE;
    }
    return check(path);
}
