/* command_backup.c - tollgate backup: a consistent copy of the ledger, while serving or not. */
#include "server/admin_close.h"
#include "server/admin_command.h"
#include "server/commands.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: tollgate backup -c FILE DIR\n"
    "\n"
    "Copies the ledger as it is now into DIR, which must be empty or not there: DIR/ledger, and\n"
    "beside it the secrets that belong to it (identity.secret, signing-key; mode 0600). A gateway\n"
    "whose data_dir is DIR continues from there. Serving goes on meanwhile: a gateway that is\n"
    "running makes the copy itself and is asked at admin.address.\n";

struct wanted {
    const char *config, *dir;
    char *path; /* absolute; owned */
};

static int read_arguments(int argc, char **argv, struct wanted *wanted)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
    int option;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'h':
            fputs(help, stdout);
            return 1;
        case 'c':
            wanted->config = optarg;
            break;
        default:
            return -EINVAL;
        }
    }
    if (wanted->config != NULL && optind + 1 == argc) {
        wanted->dir = argv[optind];
        return 0;
    }
    fputs(help, stderr);
    return -EINVAL;
}

static int show(const char *path)
{
    printf("copied to %s\n", path);
    return 0;
}

static int backup_alone(void *arg, const struct config *config, struct ledger *ledger,
                        struct admin_error *error)
{
    const struct wanted *wanted = arg;

    if (admin_backup(ledger, config->data_dir, wanted->path, error) != 0)
        return -1;
    return show(wanted->path);
}

static int show_told(void *arg, const struct json_doc *answer)
{
    const struct wanted *wanted = arg;

    if (json_get(answer, 0, "dir") == JSON_NONE)
        return -EBADMSG;
    return show(wanted->path);
}

static int backup(struct wanted *wanted)
{
    struct admin_command command = {.name = "backup",
                                    .path = "/ledger/backup",
                                    .alone = backup_alone,
                                    .told = show_told,
                                    .arg = wanted};
    struct out body = OUT_INIT;
    struct config *config;
    int code = EXIT_FAILED;

    if (config_open(wanted->config, false, stderr, &config) != 0)
        return EXIT_FAILED;
    out_char(&body, '{');
    out_name(&body, "dir");
    out_string(&body, text_of(wanted->path));
    out_char(&body, '}');
    out_char(&body, '\0');
    if (body.error == 0) {
        command.body = body.bytes;
        code = admin_command_run(config, &command);
    }
    out_release(&body);
    config_free(config);
    return code;
}

int command_backup(int argc, char **argv)
{
    struct wanted wanted = {0};
    int result = read_arguments(argc, argv, &wanted), code = EXIT_FAILED;

    if (result != 0)
        return result > 0 ? EXIT_OK : EXIT_MISUSE;
    wanted.path = admin_command_path(wanted.dir);
    if (wanted.path != NULL)
        code = backup(&wanted);
    else
        fprintf(stderr, "tollgate backup: %s: its folder: %s\n", wanted.dir, strerror(errno));
    free(wanted.path);
    return code;
}
