/* admin_client.h - commands that a running gateway must carry out itself (close, backup): asked of
 * its admin address. Threads: one per call; blocks.
 */
#ifndef SERVER_ADMIN_CLIENT_H
#define SERVER_ADMIN_CLIENT_H

#include "server/config.h"
#include "server/dialect/out.h"

/* POSTs a JSON body to path at the configured admin address with its token. *ret_status and answer
 * are what it said. -ECONNREFUSED and others when it cannot be reached, with text in error;
 * -ENOTSUP: no admin address is configured. */
int admin_client_post(const struct config *config, const char *path, const char *body,
                      int *ret_status, struct out *answer, char *error, size_t error_size);

#endif
