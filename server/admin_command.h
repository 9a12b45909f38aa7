/* admin_command.h - commands that change the ledger: done here when no gateway has it, else by the
 * gateway that has. Threads: main.
 */
#ifndef SERVER_ADMIN_COMMAND_H
#define SERVER_ADMIN_COMMAND_H

#include "accounting/ledger.h"
#include "server/admin_error.h"
#include "server/config.h"

struct admin_command {
    const char *name; /* "close": for messages */
    const char *path; /* of the admin address: "/ledger/close" */
    const char *body; /* JSON for it */
    /* Does it with a ledger of its own. -1 with error. */
    int (*alone)(void *arg, const struct config *config, struct ledger *ledger,
                 struct admin_error *error);
    /* The answer of the gateway that did it: 200, one JSON object. -EBADMSG: not what it should be.
     */
    int (*told)(void *arg, const struct json_doc *answer);
    void *arg;
};
/* An exit code; what went wrong stands on standard error. */
int admin_command_run(const struct config *config, const struct admin_command *command);

/* A path as the gateway must be told it, which has another working directory; relative ones count
 * from here. give: free(); NULL: no memory, or there is no such folder. */
char *admin_command_path(const char *path);

#endif
