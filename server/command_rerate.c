/* command_rerate.c - tollgate rerate: what a month would have cost under another price table. */
#include "accounting/export.h"
#include "accounting/rerate.h"
#include "server/command_month.h"
#include "server/commands.h"
#include "server/config.h"
#include "server/dialect/model_map.h"
#include "server/prices.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "usage: tollgate rerate -c FILE --month YYYY-MM --prices FILE [--json]\n"
    "\n"
    "Says by model what a month (UTC) would have cost under another price table, beside what was\n"
    "estimated then, and what hits would have cost. It changes nothing. FILE is a table as\n"
    "`tollgate prices import` writes it.\n";

struct wanted {
    const char *config, *month, *prices;
    bool json;
};

static int read_arguments(int argc, char **argv, struct wanted *wanted)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"month", required_argument, NULL, 'm'},
                                            {"prices", required_argument, NULL, 'p'},
                                            {"json", no_argument, NULL, 'j'},
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
        case 'p':
            wanted->prices = optarg;
            break;
        case 'j':
            wanted->json = true;
            break;
        default:
            return -EINVAL;
        }
    }
    if (wanted->config != NULL && wanted->month != NULL && wanted->prices != NULL && optind == argc)
        return 0;
    fputs(help, stderr);
    return -EINVAL;
}

static int write_out(const struct rerate_order *order, const char *ledger_dir)
{
    char error[1024] = "";
    struct ledger_reader *reader;
    int result =
        ledger_reader_open(ledger_dir, (int64_t)time(NULL) * 1000, &reader, error, sizeof error);

    if (result != 0) {
        fprintf(stderr, "tollgate rerate: %s\n", error[0] != '\0' ? error : strerror(-result));
        return EXIT_FAILED;
    }
    command_tell_dropped(reader, order->from_ms, "rerate");
    result = rerate_write(reader, order, stdout);
    ledger_reader_close(reader);
    if (result == 0)
        return EXIT_OK;
    fprintf(stderr, "tollgate rerate: %s\n", strerror(-result));
    return EXIT_FAILED;
}

/* As the gateway finds it: other vendors' names by those that tables go by. */
static const struct price *find_mapped(void *map, const struct price_table *table,
                                       const struct ledger_row *row)
{
    struct settle_prices prices =
        prices_of(table, map, (struct text[]){row->model, row->model_requested}, 2);

    return prices_at(&prices, row->created_at_ms);
}

static int rerate_from(const struct config *config, const struct wanted *wanted,
                       struct rerate_order *order)
{
    char dir[4096], error[1024] = "";
    struct price_table *prices = NULL;
    struct model_map *map = NULL;
    int result = price_table_open(wanted->prices, &prices, error, sizeof error);

    if (result == 0)
        result = model_map_open(config->models.map, &map, error, sizeof error);
    if (result != 0) {
        fprintf(stderr, "tollgate rerate: %s\n", error[0] != '\0' ? error : strerror(-result));
        price_table_free(prices);
        return EXIT_FAILED;
    }
    snprintf(dir, sizeof dir, "%s/ledger", config->data_dir);
    order->prices = prices;
    order->find = find_mapped;
    order->find_arg = map;
    result = write_out(order, dir);
    model_map_free(map);
    price_table_free(prices);
    return result;
}

static int rerate(const struct wanted *wanted, struct rerate_order *order)
{
    struct config *config;
    int result;

    if (config_open(wanted->config, false, stderr, &config) != 0)
        return EXIT_FAILED;
    result = rerate_from(config, wanted, order);
    config_free(config);
    return result;
}

int command_rerate(int argc, char **argv)
{
    struct wanted wanted = {0};
    struct rerate_order order = {0};
    int result = read_arguments(argc, argv, &wanted);

    if (result != 0)
        return result > 0 ? EXIT_OK : EXIT_MISUSE;
    if (export_month_parse(wanted.month, strlen(wanted.month), &order.from_ms, &order.to_ms) != 0) {
        fprintf(stderr, "tollgate rerate: --month %s: not a month; write it as 2026-11\n",
                wanted.month);
        return EXIT_MISUSE;
    }
    order.json = wanted.json;
    return rerate(&wanted, &order);
}
