#include "server/compare_http.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_MS = 10 * 1000, NAME_MAX_BYTES = 64 };

struct compare_http {
    CURL *easy;
    const char *ca_file;
    bool any_name;
    char why[CURL_ERROR_SIZE];
    const struct compare_request *request; /* while one is under way */
    int stopped;                           /* what a callback returned */
};

struct compare_http *compare_http_new(const char *ca_file, bool any_name)
{
    struct compare_http *http = calloc(1, sizeof(*http));

    if (http == NULL)
        return NULL;
    http->easy = curl_easy_init();
    http->ca_file = ca_file != NULL ? ca_file : getenv("SSL_CERT_FILE");
    http->any_name = any_name;
    if (http->easy == NULL) {
        free(http);
        return NULL;
    }
    return http;
}

void compare_http_free(struct compare_http *http)
{
    if (http == NULL)
        return;
    curl_easy_cleanup(http->easy);
    free(http);
}

static size_t read_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    struct compare_http *http = arg;
    size_t len = size * count;

    if (http->request->on_bytes == NULL || len == 0)
        return len;
    http->stopped = http->request->on_bytes(http->request->arg, bytes, len);
    return http->stopped == 0 ? len : CURL_WRITEFUNC_ERROR;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t read_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct compare_http *http = arg;
    size_t len = size * count;
    const char *colon = memchr(bytes, ':', len);
    struct text name, value;
    char lower[NAME_MAX_BYTES];

    if (http->request->on_header == NULL || colon == NULL ||
        (size_t)(colon - bytes) > sizeof(lower))
        return len;
    for (size_t i = 0; bytes + i < colon; i++)
        lower[i] = (char)tolower((unsigned char)bytes[i]);
    name = (struct text){lower, (size_t)(colon - bytes)};
    value = (struct text){colon + 1, len - name.len - 1};
    while (value.len > 0 && is_blank(value.bytes[value.len - 1]))
        value.len--;
    while (value.len > 0 && is_blank(value.bytes[0])) {
        value.bytes++;
        value.len--;
    }
    http->stopped = http->request->on_header(http->request->arg, name, value);
    return http->stopped == 0 ? len : 0;
}

static void set_options(struct compare_http *http, const struct compare_request *request,
                        struct curl_slist *headers)
{
    CURL *easy = http->easy;

    curl_easy_reset(easy); /* keeps the connection */
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http->why);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, read_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, http);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, read_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, http);
    if (http->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
    if (http->any_name)
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    if (request->body.bytes == NULL)
        return;
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.bytes);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
}

static struct curl_slist *list_headers(const char *const *headers)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");

    for (; list != NULL && *headers != NULL; headers++) {
        struct curl_slist *longer = curl_slist_append(list, *headers);

        if (longer == NULL) {
            curl_slist_free_all(list);
            return NULL;
        }
        list = longer;
    }
    return list;
}

int compare_http_send(struct compare_http *http, const struct compare_request *request,
                      long *ret_status)
{
    struct curl_slist *headers = list_headers(request->headers);
    CURLcode code;
    long status = 0;

    if (headers == NULL)
        return -ENOMEM;
    http->request = request;
    http->stopped = 0;
    http->why[0] = '\0';
    set_options(http, request, headers);
    code = curl_easy_perform(http->easy);
    if (code != CURLE_OK && http->why[0] == '\0')
        snprintf(http->why, sizeof(http->why), "%s", curl_easy_strerror(code));
    curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    http->request = NULL;
    if (http->stopped != 0)
        return http->stopped;
    if (code != CURLE_OK)
        return -EIO;
    *ret_status = status;
    return 0;
}

const char *compare_http_why(const struct compare_http *http)
{
    return http->why;
}
