/* command_reconcile.c - tollgate reconcile: a month against the vendor's own bill. */
#include "accounting/bill.h"
#include "accounting/export.h"
#include "server/command_month.h"
#include "server/commands.h"
#include "server/config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "usage: tollgate reconcile -c FILE --month YYYY-MM --report FILE [--upstream NAME] [--json]\n"
    "\n"
    "Compares a month (UTC) with what the vendor says it billed, by day and model: both sides'\n"
    "cost, requests and tokens, the difference, and its likely cause. It changes nothing. FILE is\n"
    "the JSON answer of Vercel's GET /v1/report (by day, by model, or by both) or of OpenRouter's\n"
    "GET /api/v1/activity. --upstream takes requests to that upstream only; name it where there\n"
    "are several.\n"
    "\n"
    "Exits with 0 when every line's costs agree within 1e-9 USD, with 1 when one does not (or "
    "when\n"
    "the two could not be compared: standard error says so), with 2 when used wrongly.\n";

struct wanted {
    const char *config, *month, *report, *upstream;
    bool json;
};

static int read_arguments(int argc, char **argv, struct wanted *wanted)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},         {"month", required_argument, NULL, 'm'},
        {"report", required_argument, NULL, 'r'}, {"upstream", required_argument, NULL, 'u'},
        {"json", no_argument, NULL, 'j'},         {0}};
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
        case 'r':
            wanted->report = optarg;
            break;
        case 'u':
            wanted->upstream = optarg;
            break;
        case 'j':
            wanted->json = true;
            break;
        default:
            return -EINVAL;
        }
    }
    if (wanted->config != NULL && wanted->month != NULL && wanted->report != NULL && optind == argc)
        return 0;
    fputs(help, stderr);
    return -EINVAL;
}

/* Reads to the end, or one byte past what a report may have: its size is refused with the rest.
 * give: *ret_bytes. */
static int read_stream(FILE *file, char **ret_bytes, size_t *ret_len)
{
    size_t size = 64 * 1024, len = 0, got;
    char *bytes = malloc(size), *grown;

    while (bytes != NULL && len <= BILL_REPORT_MAX) {
        got = fread(bytes + len, 1, size - len, file);
        len += got;
        if (got == 0)
            break;
        if (len < size)
            continue;
        grown = realloc(bytes, size *= 2);
        if (grown == NULL)
            free(bytes);
        bytes = grown;
    }
    if (bytes == NULL)
        return -ENOMEM;
    if (ferror(file) != 0) {
        free(bytes);
        return errno > 0 ? -errno : -EIO;
    }
    *ret_bytes = bytes;
    *ret_len = len;
    return 0;
}

/* A message names what it is about. */
static int complain(const char *of, const char *error, int result)
{
    fprintf(stderr, "tollgate reconcile: %s%s%s\n", of != NULL ? of : "", of != NULL ? ": " : "",
            error[0] != '\0' ? error : strerror(-result));
    return EXIT_FAILED;
}

static int compare(const struct bill_order *order, const char *report, const char *ledger_dir)
{
    char error[1024] = "";
    struct ledger_reader *reader;
    bool agrees = false;
    int result =
        ledger_reader_open(ledger_dir, (int64_t)time(NULL) * 1000, &reader, error, sizeof error);

    if (result != 0)
        return complain(NULL, error, result);
    command_tell_dropped(reader, order->from_ms, "reconcile");
    result = bill_write(reader, order, stdout, error, sizeof error, &agrees);
    ledger_reader_close(reader);
    if (result != 0) /* only the report has a text */
        return complain(error[0] != '\0' ? report : NULL, error, result);
    return agrees ? EXIT_OK : EXIT_FAILED;
}

static int reconcile_month(const struct wanted *wanted, struct bill_order *order)
{
    struct config *config;
    char dir[4096], *bytes = NULL;
    FILE *file;
    int result;

    if (config_open(wanted->config, false, stderr, &config) != 0)
        return EXIT_FAILED;
    snprintf(dir, sizeof dir, "%s/ledger", config->data_dir);
    config_free(config);
    file = fopen(wanted->report, "rbe");
    result = file != NULL ? read_stream(file, &bytes, &order->report_len) : -errno;
    if (file != NULL)
        fclose(file);
    if (result != 0)
        return complain(wanted->report, "", result);
    order->report = bytes;
    result = compare(order, wanted->report, dir);
    free(bytes);
    return result;
}

int command_reconcile(int argc, char **argv)
{
    struct wanted wanted = {0};
    struct bill_order order = {0};
    int result = read_arguments(argc, argv, &wanted);

    if (result != 0)
        return result > 0 ? EXIT_OK : EXIT_MISUSE;
    if (export_month_parse(wanted.month, strlen(wanted.month), &order.from_ms, &order.to_ms) != 0) {
        fprintf(stderr, "tollgate reconcile: --month %s: not a month; write it as 2026-11\n",
                wanted.month);
        return EXIT_MISUSE;
    }
    if (wanted.upstream != NULL)
        order.upstream = text_of(wanted.upstream);
    order.json = wanted.json;
    return reconcile_month(&wanted, &order);
}
