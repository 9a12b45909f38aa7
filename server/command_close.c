/* command_close.c - tollgate close: seals a month of the ledger. */
#include "accounting/export.h"
#include "server/admin_close.h"
#include "server/admin_command.h"
#include "server/commands.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "usage: tollgate close -c FILE --month YYYY-MM [--with-pending] [--export FILE.csv]\n"
    "\n"
    "Seals a month (UTC) that is over: its rows do not change any more, and a head that is signed\n"
    "says what they are. Prints the head. What comes later is booked as a correction in the open\n"
    "month. Months are closed one after the other.\n"
    "\n"
    "  --with-pending  also when requests of the month still wait for their cost\n"
    "  --export FILE   writes the month as CSV first; the head has the file's SHA-256 and is\n"
    "                  written beside it as FILE.head. A file that is there is not replaced.\n"
    "\n"
    "A gateway that is running closes the month itself: it is asked at admin.address.\n";

struct wanted {
    const char *config, *month, *export;
    bool with_pending;
    char *export_path; /* absolute; owned */
    int64_t from_ms, to_ms;
};

static int read_arguments(int argc, char **argv, struct wanted *wanted)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"month", required_argument, NULL, 'm'},
                                            {"with-pending", no_argument, NULL, 'p'},
                                            {"export", required_argument, NULL, 'e'},
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
            wanted->with_pending = true;
            break;
        case 'e':
            wanted->export = optarg;
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

static int plan(struct wanted *wanted)
{
    size_t len;

    if (export_month_parse(wanted->month, strlen(wanted->month), &wanted->from_ms,
                           &wanted->to_ms) != 0) {
        fprintf(stderr, "tollgate close: --month %s: not a month; write it as 2026-10\n",
                wanted->month);
        return EXIT_MISUSE;
    }
    if (wanted->export == NULL)
        return EXIT_OK;
    len = strlen(wanted->export);
    if (len < 5 || strcmp(wanted->export + len - 4, ".csv") != 0) {
        fprintf(stderr, "tollgate close: --export %s: the file's name must end in .csv\n",
                wanted->export);
        return EXIT_MISUSE;
    }
    wanted->export_path = admin_command_path(wanted->export);
    if (wanted->export_path != NULL)
        return EXIT_OK;
    fprintf(stderr, "tollgate close: --export %s: its folder: %s\n", wanted->export,
            strerror(errno));
    return EXIT_FAILED;
}

/* --- doing it --- */

static int close_alone(void *arg, const struct config *config, struct ledger *ledger,
                       struct admin_error *error)
{
    const struct wanted *wanted = arg;
    struct admin_close_order order = {
        .data_dir = config->data_dir,
        .month = wanted->month,
        .from_ms = wanted->from_ms,
        .to_ms = wanted->to_ms,
        .now_ms = (int64_t)time(NULL) * 1000,
        .with_pending = wanted->with_pending,
        .export_path = wanted->export_path,
    };
    char head[SEAL_TEXT_MAX];
    struct seal seal;

    if (admin_close(ledger, &order, &seal, error) != 0)
        return -1;
    fwrite(head, 1, seal_print(&seal, true, head), stdout);
    return 0;
}

static int show_head(void *arg, const struct json_doc *answer)
{
    char scratch[SEAL_TEXT_MAX];
    const char *head;
    size_t len;

    (void)arg;
    if (json_string(answer, json_get(answer, 0, "head"), scratch, sizeof scratch, &head, &len) != 0)
        return -EBADMSG;
    fwrite(head, 1, len, stdout);
    return 0;
}

static int make_body(const struct wanted *wanted, struct out *body)
{
    out_char(body, '{');
    out_name(body, "month");
    out_string(body, text_of(wanted->month));
    out_name(body, "with_pending");
    out_text(body, wanted->with_pending ? "true" : "false");
    if (wanted->export_path != NULL) {
        out_name(body, "export");
        out_string(body, text_of(wanted->export_path));
    }
    out_char(body, '}');
    out_char(body, '\0');
    return body->error;
}

static int close_month(struct wanted *wanted)
{
    struct admin_command command = {.name = "close",
                                    .path = "/ledger/close",
                                    .alone = close_alone,
                                    .told = show_head,
                                    .arg = wanted};
    struct out body = OUT_INIT;
    struct config *config;
    int code = EXIT_FAILED;

    if (config_open(wanted->config, false, stderr, &config) != 0)
        return EXIT_FAILED;
    if (make_body(wanted, &body) == 0) {
        command.body = body.bytes;
        code = admin_command_run(config, &command);
    }
    out_release(&body);
    config_free(config);
    if (fflush(stdout) == 0)
        return code;
    fprintf(stderr, "tollgate close: standard output: %s\n", strerror(errno));
    return EXIT_FAILED;
}

int command_close(int argc, char **argv)
{
    struct wanted wanted = {0};
    int result = read_arguments(argc, argv, &wanted), code;

    if (result != 0)
        return result > 0 ? EXIT_OK : EXIT_MISUSE;
    code = plan(&wanted);
    if (code == EXIT_OK)
        code = close_month(&wanted);
    free(wanted.export_path);
    return code;
}
