#include "server/listen.h"
#include "server/worker.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int bind_one(const struct addrinfo *address, int *ret_fd)
{
    int on = 1, result;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, WORKER_BACKLOG) == 0) {
        *ret_fd = fd;
        return 0;
    }
    result = -errno;
    close(fd);
    return result;
}

static uint16_t port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.v6 = {0}};
    socklen_t len = sizeof address;

    if (getsockname(fd, &address.any, &len) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

/* With SO_REUSEPORT a second gateway would share the port in silence; without, the kernel tells. */
static int probe(const struct addrinfo *address)
{
    int on = 1, result = 0;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, address->ai_addr, address->ai_addrlen) != 0)
        result = -errno;
    close(fd);
    return result;
}

int listen_open(const struct config_listen *listen, bool first, uint16_t *port, int *ret_fd,
                char *error, size_t error_size)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    char service[8];
    int result;

    snprintf(service, sizeof service, "%u", *port);
    result = getaddrinfo(listen->host, service, &hints, &found);
    if (result != 0) {
        snprintf(error, error_size, "cannot listen on %s:%s: %s", listen->host, service,
                 gai_strerror(result));
        return -EADDRNOTAVAIL;
    }
    result = first && *port != 0 ? probe(found) : 0;
    if (result == 0)
        result = bind_one(found, ret_fd);
    freeaddrinfo(found);
    if (result != 0)
        snprintf(error, error_size, "cannot listen on %s:%s: %s; free the port or change listen",
                 listen->host, service, strerror(-result));
    else
        *port = port_of(*ret_fd);
    return result;
}

SSL_CTX *listen_tls(const struct config_listen *listen, char *error, size_t error_size)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (ctx == NULL) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20");
    if (SSL_CTX_use_certificate_chain_file(ctx, listen->certificate) != 1) {
        snprintf(error, error_size, "%s: not a PEM certificate chain: %s", listen->certificate,
                 ERR_reason_error_string(ERR_get_error()));
        SSL_CTX_free(ctx);
        return NULL;
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, listen->private_key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1) {
        snprintf(error, error_size, "%s: not the PEM private key of %s: %s", listen->private_key,
                 listen->certificate, ERR_reason_error_string(ERR_get_error()));
        SSL_CTX_free(ctx);
        return NULL;
    }
    h2o_ssl_register_alpn_protocols(ctx, h2o_alpn_protocols);
    return ctx;
}
