/* command_export.c - tollgate export: a month of the ledger for finance. */
#include "accounting/export.h"
#include "accounting/focus.h"
#include "accounting/ledger_close.h"
#include "server/command_month.h"
#include "server/commands.h"
#include "server/compare_file.h"
#include "server/config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char help[] =
    "usage: tollgate export -c FILE --month YYYY-MM [--format csv|jsonl|focus] [-o FILE]\n"
    "                       [--by KEY[,KEY]] [--profile 1.2|1.4] [--jsonl] [--savings]\n"
    "                       [--metadata FILE] [--report FILE]\n"
    "\n"
    "Writes the rows of a month (UTC), oldest first, or sums grouped by model, provider, key,\n"
    "client, project, user, app, tag, day, upstream or api. Works while the gateway runs and "
    "while\n"
    "it does not. Without -o it writes to standard output. With -o the signed head of a closed\n"
    "month is written to FILE.head.\n"
    "\n"
    "--format focus writes a FOCUS dataset, one line for each hour, account, model and class of\n"
    "tokens, and checks it by reading it again; without -o nothing is written that fails.\n"
    "  --profile 1.4    the columns of that version instead of 1.2's\n"
    "  --jsonl          JSON lines instead of CSV\n"
    "  --savings        lines for what the cache saved as well\n"
    "  --metadata FILE  the metadata; else FILE.metadata.json beside -o FILE\n"
    "  --report FILE    the gateway's own report by model (JSON), to compare with\n";

enum { PATH_BYTES = 4096, REPORT_BYTES_MAX = 64 * 1024 * 1024 };

struct wanted {
    const char *config, *month, *format, *by, *out, *profile, *metadata, *report;
    bool jsonl, savings;
};

struct job {
    int64_t from_ms, to_ms;
    bool focus;
    enum export_format format;
    enum focus_profile profile;
    enum export_key by[EXPORT_KEYS];
    size_t by_count;
};

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
    va_list arguments;

    fputs("tollgate export: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* --- what is wanted --- */

static bool take_option(int option, struct wanted *wanted)
{
    switch (option) {
    case 'c':
        wanted->config = optarg;
        return true;
    case 'm':
        wanted->month = optarg;
        return true;
    case 'f':
        wanted->format = optarg;
        return true;
    case 'b':
        wanted->by = optarg;
        return true;
    case 'o':
        wanted->out = optarg;
        return true;
    case 'p':
        wanted->profile = optarg;
        return true;
    case 'M':
        wanted->metadata = optarg;
        return true;
    case 'r':
        wanted->report = optarg;
        return true;
    case 'j':
        wanted->jsonl = true;
        return true;
    case 's':
        wanted->savings = true;
        return true;
    default:
        return false;
    }
}

static int read_arguments(int argc, char **argv, struct wanted *wanted)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},          {"month", required_argument, NULL, 'm'},
        {"format", required_argument, NULL, 'f'},  {"by", required_argument, NULL, 'b'},
        {"profile", required_argument, NULL, 'p'}, {"jsonl", no_argument, NULL, 'j'},
        {"savings", no_argument, NULL, 's'},       {"metadata", required_argument, NULL, 'M'},
        {"report", required_argument, NULL, 'r'},  {0}};
    int option;

    while ((option = getopt_long(argc, argv, "c:o:h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            return 1;
        }
        if (!take_option(option, wanted))
            return -EINVAL;
    }
    if (wanted->config != NULL && wanted->month != NULL && optind == argc)
        return 0;
    fputs(help, stderr);
    return -EINVAL;
}

static int read_groups(const char *by, struct job *job)
{
    while (by != NULL) {
        size_t len = strcspn(by, ",");
        enum export_key key;
        if (export_key_parse(by, len, &key) != 0) {
            complain("--by %.*s: not one of model, provider, key, client, project, user, app, tag, "
                     "day, upstream, api",
                     (int)len, by);
            return -EINVAL;
        }
        for (size_t i = 0; i < job->by_count; i++) {
            if (job->by[i] == key) {
                complain("--by %.*s: named twice", (int)len, by);
                return -EINVAL;
            }
        }
        job->by[job->by_count++] = key;
        by = by[len] == ',' ? by + len + 1 : NULL;
    }
    return 0;
}

static int read_format(const struct wanted *wanted, struct job *job)
{
    const char *format = wanted->format != NULL ? wanted->format : "csv";

    job->focus = strcmp(format, "focus") == 0;
    job->format = wanted->jsonl || strcmp(format, "jsonl") == 0 ? EXPORT_JSONL : EXPORT_CSV;
    if (!job->focus && strcmp(format, "csv") != 0 && strcmp(format, "jsonl") != 0) {
        complain("--format %s: not one of csv, jsonl, focus", format);
        return -EINVAL;
    }
    if (wanted->profile != NULL && strcmp(wanted->profile, "1.4") == 0) {
        job->profile = FOCUS_1_4;
    } else if (wanted->profile != NULL && strcmp(wanted->profile, "1.2") != 0) {
        complain("--profile %s: not one of 1.2, 1.4", wanted->profile);
        return -EINVAL;
    }
    return 0;
}

/* Options that would be ignored are refused: whoever gave them meant something. */
static int check_together(const struct wanted *wanted, const struct job *job)
{
    const struct {
        bool given;
        const char *name;
    } focus_only[] = {{wanted->profile != NULL, "--profile"},
                      {wanted->savings, "--savings"},
                      {wanted->jsonl, "--jsonl"},
                      {wanted->metadata != NULL, "--metadata"},
                      {wanted->report != NULL, "--report"}};

    if (job->focus && job->by_count > 0) {
        complain("--by does not go with --format focus, whose grain is fixed");
        return -EINVAL;
    }
    for (size_t i = 0; !job->focus && i < sizeof focus_only / sizeof focus_only[0]; i++) {
        if (focus_only[i].given) {
            complain("%s goes with --format focus only", focus_only[i].name);
            return -EINVAL;
        }
    }
    return 0;
}

static int plan(const struct wanted *wanted, struct job *job)
{
    int result;

    if (export_month_parse(wanted->month, strlen(wanted->month), &job->from_ms, &job->to_ms) != 0) {
        complain("--month %s: not a month; write it as 2026-11", wanted->month);
        return -EINVAL;
    }
    result = read_format(wanted, job);
    if (result == 0)
        result = read_groups(wanted->by, job);
    return result == 0 ? check_together(wanted, job) : result;
}

/* --- files --- */

static FILE *open_file(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);

    if (file == NULL)
        complain("%s: %s", path, strerror(errno));
    return file;
}

static int close_file(FILE *file, const char *path, int result)
{
    if (fclose(file) != 0 && result == 0) {
        complain("%s: %s", path, strerror(errno));
        return -EIO;
    }
    return result;
}

/* What goes to a pipe is written here first, because it is read again before it is let out: a file
 * without a name beside the ledger, where there is room for a month. */
static FILE *open_scratch(const char *data_dir)
{
    int fd = open(data_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w+") : tmpfile();

    if (file == NULL) {
        complain("%s: %s", data_dir, strerror(errno));
        if (fd >= 0)
            close(fd);
    }
    return file;
}

static int copy_out(FILE *from, FILE *to)
{
    char bytes[64 * 1024];
    size_t got;

    rewind(from);
    while ((got = fread(bytes, 1, sizeof bytes, from)) > 0) {
        if (fwrite(bytes, 1, got, to) != got)
            return -EIO;
    }
    return ferror(from) != 0 || fflush(to) != 0 ? -EIO : 0;
}

/* --- FOCUS --- */

/* Who invoices for what an upstream served. */
static FILE *open_metadata(const struct wanted *wanted, char path[PATH_BYTES])
{
    if (wanted->metadata != NULL)
        snprintf(path, PATH_BYTES, "%s", wanted->metadata);
    else
        snprintf(path, PATH_BYTES, "%s.metadata.json", wanted->out);
    return open_file(path, "w");
}

/* out: where the dataset can be read again. */
static int write_dataset(const struct wanted *wanted, const struct focus_order *order,
                         struct ledger_reader *reader, FILE *out)
{
    char path[PATH_BYTES] = "";
    FILE *metadata = NULL;
    int result;

    if (wanted->metadata != NULL || wanted->out != NULL) {
        metadata = open_metadata(wanted, path);
        if (metadata == NULL)
            return -EIO;
    }
    result = focus_export(reader, order, out, metadata, stderr);
    if (metadata != NULL)
        result = close_file(metadata, path, result);
    if (result == -EBADMSG)
        complain("the dataset does not pass its own validator%s",
                 wanted->out != NULL ? ": do not use it" : "; nothing was written");
    else if (result != 0)
        complain("%s", strerror(-result));
    return result;
}

static int write_focus(const struct wanted *wanted, const struct focus_order *order,
                       const char *data_dir, struct ledger_reader *reader, FILE *out)
{
    FILE *scratch;
    int result;

    if (wanted->out != NULL)
        return write_dataset(wanted, order, reader, out);
    scratch = open_scratch(data_dir);
    if (scratch == NULL)
        return -EIO;
    result = write_dataset(wanted, order, reader, scratch);
    if (result == 0) {
        result = copy_out(scratch, out);
        if (result != 0)
            complain("%s", strerror(-result));
    }
    fclose(scratch);
    return result;
}

static int export_focus(const struct wanted *wanted, const struct job *job,
                        const struct config *config, struct ledger_reader *reader, FILE *out)
{
    struct focus_order order = {
        .from_ms = job->from_ms,
        .to_ms = job->to_ms,
        .profile = job->profile,
        .form = job->format == EXPORT_JSONL ? FOCUS_JSONL : FOCUS_CSV,
        .savings = wanted->savings,
        .account_id = config->ledger.account,
        .account_name = config->ledger.account_name,
        .gateway_of = config_invoice_issuer,
        .gateway_arg = (void *)(uintptr_t)config, /* it only reads it */
        .now_ms = (int64_t)time(NULL) * 1000,
    };
    struct out report = OUT_INIT;
    char error[1024] = "";
    int result = 0;

    if (wanted->report != NULL)
        result = compare_file_read(wanted->report, REPORT_BYTES_MAX, &report, error, sizeof error);
    if (result != 0) {
        complain("%s", error);
    } else {
        if (wanted->report != NULL) {
            order.vendor_report = report.bytes != NULL ? report.bytes : "";
            order.vendor_report_len = report.len;
        }
        result = write_focus(wanted, &order, config->data_dir, reader, out);
    }
    out_release(&report);
    return result;
}

/* --- rows and groups --- */

/* A closed month's columns are fixed, so its head goes beside them. */
static int write_head(const struct wanted *wanted, const struct job *job,
                      struct ledger_reader *reader)
{
    char path[PATH_BYTES], text[SEAL_TEXT_MAX];
    struct seal seal;
    FILE *file;
    size_t len;
    int result = ledger_reader_seal(reader, job->from_ms, &seal);

    if (result == -ENOENT)
        return 0;
    if (result != 0) {
        complain("the month's head cannot be read: %s", strerror(-result));
        return result;
    }
    if (snprintf(path, sizeof path, "%s.head", wanted->out) >= (int)sizeof path) {
        complain("%s: the path is too long", wanted->out);
        return -ENAMETOOLONG;
    }
    file = open_file(path, "w");
    if (file == NULL)
        return -EIO;
    len = seal_print(&seal, true, text);
    if (fwrite(text, 1, len, file) != len) {
        complain("%s: %s", path, strerror(errno));
        result = -EIO;
    }
    result = close_file(file, path, result);
    if (result == 0)
        complain("%s is closed: its signed head is in %s", seal.month, path);
    return result;
}

static int export_table(const struct wanted *wanted, const struct job *job,
                        struct ledger_reader *reader, FILE *out)
{
    int result;

    if (job->by_count > 0)
        result = export_groups(reader, job->from_ms, job->to_ms, job->by, job->by_count,
                               job->format, out);
    else
        result = export_rows(reader, job->from_ms, job->to_ms, job->format, out);
    if (fflush(out) != 0 && result == 0)
        result = -EIO;
    if (result != 0) {
        complain("%s", strerror(-result));
        return result;
    }
    if (export_groups_overlap(job->by, job->by_count))
        complain("requests with several tags count in each of them");
    return wanted->out != NULL && job->by_count == 0 ? write_head(wanted, job, reader) : 0;
}

static int write_out(const struct wanted *wanted, const struct job *job,
                     const struct config *config, FILE *out)
{
    char error[1024] = "", dir[PATH_BYTES];
    struct ledger_reader *reader;
    int result;

    snprintf(dir, sizeof dir, "%s/ledger", config->data_dir);
    result = ledger_reader_open(dir, (int64_t)time(NULL) * 1000, &reader, error, sizeof error);
    if (result != 0) {
        complain("%s", error[0] != '\0' ? error : strerror(-result));
        return result;
    }
    command_tell_dropped(reader, job->from_ms, "export");
    result = job->focus ? export_focus(wanted, job, config, reader, out)
                        : export_table(wanted, job, reader, out);
    ledger_reader_close(reader);
    return result;
}

static int export(const struct wanted *wanted, const struct job *job)
{
    struct config *config;
    FILE *out = stdout;
    int result = -EIO;

    if (config_open(wanted->config, false, stderr, &config) != 0)
        return EXIT_FAILED;
    if (wanted->out != NULL)
        out = open_file(wanted->out, job->focus ? "w+" : "w");
    if (out != NULL)
        result = write_out(wanted, job, config, out);
    if (out != NULL && out != stdout)
        result = close_file(out, wanted->out, result);
    config_free(config);
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
