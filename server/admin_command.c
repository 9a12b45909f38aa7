#include "server/admin_command.h"

#include "server/admin_client.h"
#include "server/commands.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LOCK_WAIT_MS = 2000, /* a report that is just recovering the ledger lets go of it soon */
    PATH_BYTES = 4096,
};

static int64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- with a ledger of its own --- */

/* 0; -EBUSY: a gateway has it; others with text in error. */
static int open_ledger(const struct config *config, int64_t wait_ms, struct ledger **ret_ledger,
                       struct admin_error *error)
{
    char dir[PATH_BYTES], text[512] = "";
    struct ledger_options options = {
        .dir = dir,
        .lanes = config->workers,
        .durability = LEDGER_CRASH,
        .now_ms = wall_ms(),
        .lock_wait_ms = wait_ms,
    };
    struct stat status;
    int result;

    snprintf(dir, sizeof dir, "%s/ledger", config->data_dir);
    if (stat(dir, &status) != 0) /* opening would make one */
        return admin_error_set(error, 404, "no_ledger", "%s: %s", dir, strerror(errno));
    result = ledger_open(&options, ret_ledger, text, sizeof text);
    if (result == 0 || result == -EBUSY)
        return result;
    return admin_error_set(error, 500, "ledger", "%s", text[0] != '\0' ? text : strerror(-result));
}

/* --- by the gateway --- */

/* The message of an error envelope, or of none what the status says. */
static void show_error(const struct admin_command *command, const struct json_doc *doc, int status)
{
    char scratch[ADMIN_MESSAGE_MAX];
    const char *bytes = "";
    size_t len = 0;

    if (json_string(doc, json_get(doc, json_get(doc, 0, "error"), "message"), scratch,
                    sizeof scratch, &bytes, &len) != 0)
        len = 0;
    fprintf(stderr, "tollgate %s: ", command->name);
    if (len > 0)
        fwrite(bytes, 1, len, stderr);
    else
        fprintf(stderr, "the gateway answered with status %d", status);
    if (status == 401)
        fputs("; the variable in admin.token_env must have the gateway's token here, too", stderr);
    fputc('\n', stderr);
}

static int read_answer(const struct admin_command *command, const struct out *answer, int status)
{
    static const char nothing[] = "{}";
    struct json_doc doc;
    int result;

    json_doc_init(&doc);
    result = json_parse(&doc, answer->len > 0 ? answer->bytes : nothing,
                        answer->len > 0 ? answer->len : 2, NULL);
    if (result != 0 && json_parse(&doc, nothing, 2, NULL) != 0)
        abort(); /* no memory for three tokens */
    if (status != 200)
        show_error(command, &doc, status);
    else if (result != 0 || command->told(command->arg, &doc) != 0)
        fprintf(stderr,
                "tollgate %s: what answered at admin.address is no gateway of this version\n",
                command->name);
    else
        status = 0;
    json_doc_release(&doc);
    return status == 0 ? EXIT_OK : EXIT_FAILED;
}

/* An exit code, or -EBUSY with text: there is none that could be asked. */
static int ask_gateway(const struct config *config, const struct admin_command *command, char *text,
                       size_t text_size)
{
    struct out answer = OUT_INIT;
    int status = 0, result;

    curl_global_init(CURL_GLOBAL_DEFAULT);
    result =
        admin_client_post(config, command->path, command->body, &status, &answer, text, text_size);
    if (result == 0)
        result = read_answer(command, &answer, status);
    else
        result = -EBUSY;
    out_release(&answer);
    curl_global_cleanup();
    return result;
}

static int say(const struct admin_command *command, const char *text)
{
    fprintf(stderr, "tollgate %s: %s\n", command->name, text);
    return EXIT_FAILED;
}

/* What holds the ledger may be no gateway, but another command, which lets go of it soon. */
int admin_command_run(const struct config *config, const struct admin_command *command)
{
    struct admin_error error = {.status = 0};
    struct ledger *ledger = NULL;
    char text[512] = "";
    int result = open_ledger(config, 0, &ledger, &error);

    if (result == -EBUSY) {
        int code = ask_gateway(config, command, text, sizeof text);
        if (code >= 0)
            return code;
        result = open_ledger(config, LOCK_WAIT_MS, &ledger, &error);
    }
    if (result == -EBUSY)
        return say(command, text);
    if (result == 0) {
        result = command->alone(command->arg, config, ledger, &error);
        ledger_close(ledger);
    }
    return result == 0 ? EXIT_OK : say(command, error.message);
}

char *admin_command_path(const char *path)
{
    char *parent = strdup(path), *folder = NULL, *full = NULL, *slash;
    const char *name = path;
    size_t len = strlen(path);

    if (parent == NULL)
        return NULL;
    while (len > 1 && parent[len - 1] == '/') /* of a folder that may be written so */
        parent[--len] = '\0';
    slash = strrchr(parent, '/');
    name = slash != NULL ? slash + 1 : parent;
    if (len == 0 || *name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        full = realpath(path, NULL); /* a folder that is there */
        free(parent);
        return full;
    }
    if (slash == NULL) {
        folder = realpath(".", NULL);
    } else {
        *slash = '\0';
        folder = realpath(slash == parent ? "/" : parent, NULL);
    }
    if (folder != NULL &&
        asprintf(&full, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name) < 0)
        full = NULL;
    free(folder);
    free(parent);
    return full;
}
