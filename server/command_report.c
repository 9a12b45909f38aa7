/* command_report.c - tollgate report: a month for people, and what changed since another. */
#include "accounting/report.h"
#include "server/command_month.h"
#include "server/commands.h"
#include "server/config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "usage: tollgate report -c FILE --month YYYY-MM [--by KEY[,KEY]] [--against YYYY-MM] [--json]\n"
    "                       [-o FILE]\n"
    "\n"
    "Tells what a month (UTC) cost and saved: spend, savings, hit rate, tokens and P50 TTFT by\n"
    "model or by other keys, fees and discounts, wasted prompt-cache writes, drift by cause, what\n"
    "is unpriced or pending, and how much is priced. With --against it tells what changed since\n"
    "that month instead, largest change of spend first. KEY is model, provider, key, client,\n"
    "project, user, app, tag, day, upstream or api. Works while the gateway runs and while it "
    "does\n"
    "not. Without -o it writes to standard output.\n";

struct wanted {
    const char *config, *month, *against, *by, *out;
    bool json;
};

static int read_arguments(int argc, char **argv, struct wanted *wanted)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},          {"month", required_argument, NULL, 'm'},
        {"against", required_argument, NULL, 'a'}, {"by", required_argument, NULL, 'b'},
        {"json", no_argument, NULL, 'j'},          {0}};
    int option;

    while ((option = getopt_long(argc, argv, "c:o:h", options, NULL)) != -1) {
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
        case 'a':
            wanted->against = optarg;
            break;
        case 'b':
            wanted->by = optarg;
            break;
        case 'j':
            wanted->json = true;
            break;
        case 'o':
            wanted->out = optarg;
            break;
        default:
            return -EINVAL;
        }
    }
    if (wanted->config != NULL && wanted->month != NULL && optind == argc)
        return 0;
    fputs(help, stderr);
    return -EINVAL;
}

static int read_month(const char *option, const char *month, int64_t *ret_from_ms,
                      int64_t *ret_to_ms)
{
    if (export_month_parse(month, strlen(month), ret_from_ms, ret_to_ms) == 0)
        return 0;
    fprintf(stderr, "tollgate report: %s %s: not a month; write it as 2026-11\n", option, month);
    return -EINVAL;
}

static int read_groups(const char *by, enum export_key keys[EXPORT_KEYS], size_t *ret_count)
{
    size_t count = 0;

    while (by != NULL) {
        size_t len = strcspn(by, ",");
        enum export_key key;
        bool twice = false;
        if (export_key_parse(by, len, &key) != 0) {
            fprintf(stderr,
                    "tollgate report: --by %.*s: not one of model, provider, key, client, project, "
                    "user, app, tag, day, upstream, api\n",
                    (int)len, by);
            return -EINVAL;
        }
        for (size_t i = 0; i < count; i++)
            twice = twice || keys[i] == key;
        if (twice) {
            fprintf(stderr, "tollgate report: --by %.*s: named twice\n", (int)len, by);
            return -EINVAL;
        }
        keys[count++] = key;
        by = by[len] == ',' ? by + len + 1 : NULL;
    }
    *ret_count = count;
    return 0;
}

static int plan(const struct wanted *wanted, enum export_key keys[EXPORT_KEYS],
                struct report_order *order)
{
    int result = read_month("--month", wanted->month, &order->from_ms, &order->to_ms);

    if (result == 0 && wanted->against != NULL)
        result = read_month("--against", wanted->against, &order->against_from_ms,
                            &order->against_to_ms);
    if (result == 0)
        result = read_groups(wanted->by, keys, &order->by_count);
    order->by = keys;
    order->json = wanted->json;
    order->now_ms = (int64_t)time(NULL) * 1000;
    return result;
}

static int write_out(const struct report_order *order, const char *ledger_dir, FILE *out)
{
    char error[1024] = "";
    struct ledger_reader *reader;
    int result = ledger_reader_open(ledger_dir, order->now_ms, &reader, error, sizeof error);

    if (result != 0) {
        fprintf(stderr, "tollgate report: %s\n", error[0] != '\0' ? error : strerror(-result));
        return result;
    }
    command_tell_dropped(reader, order->from_ms, "report");
    result = report_write(reader, order, out);
    ledger_reader_close(reader);
    if (result != 0)
        fprintf(stderr, "tollgate report: %s\n", strerror(-result));
    return result;
}

static int report(const struct wanted *wanted, const struct report_order *order)
{
    struct config *config;
    char dir[4096];
    FILE *out = stdout;
    int result;

    if (config_open(wanted->config, false, stderr, &config) != 0)
        return EXIT_FAILED;
    snprintf(dir, sizeof dir, "%s/ledger", config->data_dir);
    config_free(config);
    if (wanted->out != NULL)
        out = fopen(wanted->out, "w");
    if (out == NULL) {
        fprintf(stderr, "tollgate report: %s: %s\n", wanted->out, strerror(errno));
        return EXIT_FAILED;
    }
    result = write_out(order, dir, out);
    if (out != stdout && fclose(out) != 0 && result == 0) {
        fprintf(stderr, "tollgate report: %s: %s\n", wanted->out, strerror(errno));
        result = -EIO;
    }
    return result == 0 ? EXIT_OK : EXIT_FAILED;
}

int command_report(int argc, char **argv)
{
    struct wanted wanted = {0};
    struct report_order order = {0};
    enum export_key keys[EXPORT_KEYS];
    int result = read_arguments(argc, argv, &wanted);

    if (result != 0)
        return result > 0 ? EXIT_OK : EXIT_MISUSE;
    if (plan(&wanted, keys, &order) != 0)
        return EXIT_MISUSE;
    return report(&wanted, &order);
}
