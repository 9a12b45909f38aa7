/* listen.h - listening sockets and TLS contexts from the configuration.
 *
 * Every worker gets a socket of its own per address (SO_REUSEPORT), so that the kernel spreads
 * connections and no accept lock exists. Threads: main, before the workers run.
 */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include "server/config.h"

#include <openssl/ssl.h>
#include <stddef.h>

/* Opens one listening socket. first: no worker of ours has it yet, so nobody may have. *port 0: any
 * free one, written back, so that the next worker binds the same. -errno with text in error. */
int listen_open(const struct config_listen *listen, bool first, uint16_t *port, int *ret_fd,
                char *error, size_t error_size);

/* TLS 1.2 and up, ALPN h2 and http/1.1. NULL with text in error. give: SSL_CTX_free(). */
SSL_CTX *listen_tls(const struct config_listen *listen, char *error, size_t error_size);

#endif
