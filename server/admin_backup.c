/* admin_backup.c - a copy of the ledger and of the secrets that belong to it. */
#include "server/admin_close.h"

#include "server/admin_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Without the first, keys get new ids in a ledger that was restored; without the second, its next
 * head names another key. */
static const char *const secrets[] = {"identity.secret", "signing-key"};

static int copy_secret(const char *data_dir, const char *dir, const char *name,
                       struct admin_error *error)
{
    char from[4096], to[4096];
    int result = -ENAMETOOLONG;

    if (snprintf(from, sizeof from, "%s/%s", data_dir, name) < (int)sizeof from &&
        snprintf(to, sizeof to, "%s/%s", dir, name) < (int)sizeof to)
        result = admin_file_copy(from, to);
    if (result == 0 || result == -ENOENT) /* not made yet: nothing depends on it */
        return 0;
    return admin_error_set(error, 500, "backup",
                           "%s/%s: %s; the copy of the ledger beside it is "
                           "whole",
                           dir, name, strerror(-result));
}

int admin_backup(struct ledger *ledger, const char *data_dir, const char *dir,
                 struct admin_error *error)
{
    char text[512] = "";
    int result = ledger_backup(ledger, dir, text, sizeof text);

    if (result == -EEXIST)
        return admin_error_set(error, 409, "dir_exists", "%s",
                               text[0] != '\0' ? text : "the folder is not empty");
    if (result != 0)
        return admin_error_set(error, result == -EIO ? 500 : 400, "backup", "%s: %s", dir,
                               text[0] != '\0' ? text : strerror(-result));
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        if (copy_secret(data_dir, dir, secrets[i], error) != 0)
            return -1;
    return 0;
}

void admin_backup_print(const char *dir, struct out *out)
{
    out_char(out, '{');
    out_name(out, "dir");
    out_string(out, text_of(dir));
    out_char(out, '}');
}
