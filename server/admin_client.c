#include "server/admin_client.h"

#include "server/compare_http.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

enum {
    ANSWER_BYTES_MAX = 1024 * 1024,
    HOST_MAX = 300,
    TIMEOUT_MS = 60 * 60 * 1000, /* a month of ten million rows is exported and hashed meanwhile */
    TOKEN_MAX = 8192,
};

static int take(void *arg, const char *bytes, size_t len)
{
    struct out *answer = arg;

    if (answer->len + len > ANSWER_BYTES_MAX)
        return -E2BIG;
    out_bytes(answer, bytes, len);
    return answer->error;
}

/* Where a gateway that listens on every address is to be found from here. */
static const char *reachable(const char *host)
{
    if (strcmp(host, "0.0.0.0") == 0)
        return "127.0.0.1";
    if (strcmp(host, "::") == 0)
        return "::1";
    return host;
}

static int make_url(const struct config *config, const char *path, char *url, size_t size)
{
    const char *host = reachable(config->admin.host);
    bool bare_v6 = strchr(host, ':') != NULL;
    int len = snprintf(url, size, "http://%s%s%s:%u%s", bare_v6 ? "[" : "", host,
                       bare_v6 ? "]" : "", config->admin.port, path);

    return len >= 0 && (size_t)len < size ? 0 : -ENAMETOOLONG;
}

static int post(const struct config *config, struct compare_http *http, const char *url,
                const char *body, int *ret_status, struct out *answer)
{
    char authorization[TOKEN_MAX];
    const char *headers[3] = {"Content-Type: application/json", NULL, NULL};
    struct compare_request request = {
        .url = url,
        .headers = headers,
        .body = text_of(body),
        .timeout_ms = TIMEOUT_MS,
        .on_bytes = take,
        .arg = answer,
    };
    long status = 0;
    int result;

    if (config->admin.token != NULL) {
        if (snprintf(authorization, sizeof authorization, "Authorization: Bearer %s",
                     config->admin.token) >= (int)sizeof authorization)
            return -ENAMETOOLONG;
        headers[1] = authorization;
    }
    result = compare_http_send(http, &request, &status);
    OPENSSL_cleanse(authorization, sizeof authorization);
    if (result == 0)
        *ret_status = (int)status;
    return result;
}

int admin_client_post(const struct config *config, const char *path, const char *body,
                      int *ret_status, struct out *answer, char *error, size_t error_size)
{
    struct compare_http *http;
    char url[HOST_MAX + 128];
    int result;

    if (config->admin.host == NULL) {
        snprintf(error, error_size,
                 "a gateway is running and has no admin address: configure admin.address, or stop "
                 "the gateway");
        return -ENOTSUP;
    }
    if (config->admin.port == 0) {
        snprintf(error, error_size,
                 "a gateway is running, and with port 0 in admin.address nobody knows where it "
                 "listens: configure another port, or stop the gateway");
        return -ENOTSUP;
    }
    result = make_url(config, path, url, sizeof url);
    http = result == 0 ? compare_http_new(NULL, false) : NULL;
    if (http == NULL) {
        snprintf(error, error_size, "%s", strerror(result != 0 ? -result : ENOMEM));
        return result != 0 ? result : -ENOMEM;
    }
    result = post(config, http, url, body, ret_status, answer);
    if (result == -EIO) {
        snprintf(error, error_size,
                 "a gateway is running, but its admin address does not answer (%s): %s",
                 config->admin.host, compare_http_why(http));
        result = -ECONNREFUSED;
    } else if (result != 0) {
        snprintf(error, error_size, "%s: %s", url, strerror(-result));
    }
    compare_http_free(http);
    return result;
}
