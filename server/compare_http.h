/* compare_http.h - plain requests of the commands that ask one thing after another: libcurl's easy
 * interface, blocking, one connection that is kept.
 *
 * Nothing is followed, no proxy is asked, and what comes is bounded.
 * Threads: one handle, one thread; curl_global_init() came before.
 */
#ifndef SERVER_COMPARE_HTTP_H
#define SERVER_COMPARE_HTTP_H

#include "accounting/row.h"

#include <stddef.h>

struct compare_http;

/* ca_file: PEM file of who is trusted, NULL: as everything that links OpenSSL. any_name: a
 * certificate for another name will do (it is trusted by itself then). give; NULL: no memory. */
struct compare_http *compare_http_new(const char *ca_file, bool any_name);
void compare_http_free(struct compare_http *http);

struct compare_request {
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated */
    struct text body;           /* bytes NULL: GET */
    unsigned timeout_ms;
    /* Either may be NULL. What they return ends the transfer when it is not 0. name in lower case.
     */
    int (*on_header)(void *arg, struct text name, struct text value);
    int (*on_bytes)(void *arg, const char *bytes, size_t len);
    void *arg;
};
/* 0 and the status; -EIO when there was none or it broke off (why: compare_http_why()), or what a
 * callback returned. */
int compare_http_send(struct compare_http *http, const struct compare_request *request,
                      long *ret_status);
const char *compare_http_why(const struct compare_http *http);

#endif
