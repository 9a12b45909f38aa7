/* command_export.c - tollgate export: a month of the ledger for finance. */
#include "accounting/export.h"
#include "server/commands.h"
#include "server/config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "usage: tollgate export -c FILE --month YYYY-MM [--format csv|jsonl] [--by KEY[,KEY]] [-o "
    "FILE]\n"
    "\n"
    "Writes the rows of a month (UTC), oldest first, or sums grouped by model, provider, key,\n"
    "client, project, user, app, tag, day, upstream or api. Works while the gateway runs and "
    "while\n"
    "it does not. Without -o it writes to standard output.\n";

struct wanted {
    const char *config, *month, *format, *by, *out;
};

struct job {
    int64_t from_ms, to_ms;
    enum export_format format;
    enum export_key by[EXPORT_KEYS];
    size_t by_count;
};

static int read_arguments(int argc, char **argv, struct wanted *wanted)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"month", required_argument, NULL, 'm'},
                                            {"format", required_argument, NULL, 'f'},
                                            {"by", required_argument, NULL, 'b'},
                                            {0}};
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
        case 'f':
            wanted->format = optarg;
            break;
        case 'b':
            wanted->by = optarg;
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

static int read_groups(const char *by, struct job *job)
{
    while (by != NULL && *by != '\0') {
        size_t len = strcspn(by, ",");
        enum export_key key;
        if (job->by_count == EXPORT_KEYS || export_key_parse(by, len, &key) != 0) {
            fprintf(stderr,
                    "tollgate export: --by %.*s: not one of model, provider, key, client, project, "
                    "user, app, tag, day, upstream, api\n",
                    (int)len, by);
            return -EINVAL;
        }
        job->by[job->by_count++] = key;
        by += len;
        if (*by == ',')
            by++;
    }
    return 0;
}

static int plan(const struct wanted *wanted, struct job *job)
{
    if (export_month_parse(wanted->month, strlen(wanted->month), &job->from_ms, &job->to_ms) != 0) {
        fprintf(stderr, "tollgate export: --month %s: not a month; write it as 2026-11\n",
                wanted->month);
        return -EINVAL;
    }
    if (wanted->format == NULL || strcmp(wanted->format, "csv") == 0) {
        job->format = EXPORT_CSV;
    } else if (strcmp(wanted->format, "jsonl") == 0) {
        job->format = EXPORT_JSONL;
    } else {
        fprintf(stderr, "tollgate export: --format %s: not one of csv, jsonl\n", wanted->format);
        return -EINVAL;
    }
    return read_groups(wanted->by, job);
}

static int write_out(const struct job *job, const char *ledger_dir, FILE *out)
{
    char error[1024] = "";
    struct ledger_reader *reader;
    int result =
        ledger_reader_open(ledger_dir, (int64_t)time(NULL) * 1000, &reader, error, sizeof error);

    if (result != 0) {
        fprintf(stderr, "tollgate export: %s\n", error[0] != '\0' ? error : strerror(-result));
        return result;
    }
    if (job->by_count > 0)
        result = export_groups(reader, job->from_ms, job->to_ms, job->by, job->by_count,
                               job->format, out);
    else
        result = export_rows(reader, job->from_ms, job->to_ms, job->format, out);
    ledger_reader_close(reader);
    if (fflush(out) != 0 && result == 0)
        result = -EIO;
    if (result != 0)
        fprintf(stderr, "tollgate export: %s\n", strerror(-result));
    else if (export_groups_overlap(job->by, job->by_count))
        fputs("tollgate export: requests with several tags count in each of them\n", stderr);
    return result;
}

static int export(const struct wanted *wanted, const struct job *job)
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
        fprintf(stderr, "tollgate export: %s: %s\n", wanted->out, strerror(errno));
        return EXIT_FAILED;
    }
    result = write_out(job, dir, out);
    if (out != stdout && fclose(out) != 0 && result == 0) {
        fprintf(stderr, "tollgate export: %s: %s\n", wanted->out, strerror(errno));
        result = -EIO;
    }
    return result == 0 ? EXIT_OK : EXIT_FAILED;
}

int command_export(int argc, char **argv)
{
    struct wanted wanted = {0};
    struct job job = {0};
    int result = read_arguments(argc, argv, &wanted);

    if (result != 0)
        return result > 0 ? EXIT_OK : EXIT_MISUSE;
    if (plan(&wanted, &job) != 0)
        return EXIT_MISUSE;
    return export(&wanted, &job);
}
