#include "server/upstream.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct upstream_transfer {
    struct upstream_pool *pool;
    struct upstream_transfer *next, *previous; /* pool->transfers */
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    size_t body_len, body_sent;
    int64_t heard_ms; /* monotonic; 0 before the first byte of the answer */
    int status;
    bool head_done, silent;
    /* Headers of the answer that are kept, as name\0value\0 pairs. */
    char *kept; /* UPSTREAM_HEADER_BYTES_MAX, until the head is complete */
    size_t kept_len;
    void (*on_sent)(void *arg);
    void (*on_head)(void *arg, const struct upstream_head *head);
    int (*on_bytes)(void *arg, const char *bytes, size_t len);
    void (*on_end)(void *arg, enum upstream_end end, const char *detail);
    void *arg;
};

struct upstream_pool {
    CURLM *multi;
    struct watch_set *watches;
    struct watch timer;
    int64_t timer_at_ms; /* monotonic; -1: not armed */
    struct upstream_transfer *transfers;
    const char *ca_file; /* SSL_CERT_FILE, as everything that links OpenSSL honours it */
};

struct curl_watch {
    struct watch watch; /* first: the set hands back its address */
    struct upstream_pool *pool;
};

static int64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- libcurl's sockets and its timer in our epoll set --- */

static void reap(struct upstream_pool *pool);

static void act(struct upstream_pool *pool, curl_socket_t fd, int mask)
{
    int running;

    curl_multi_socket_action(pool->multi, fd, mask, &running);
    reap(pool);
}

static void on_curl_socket(struct watch *watch, uint32_t events)
{
    struct upstream_pool *pool = ((struct curl_watch *)watch)->pool;
    int mask = 0;

    if (events & EPOLLIN)
        mask |= CURL_CSELECT_IN;
    if (events & EPOLLOUT)
        mask |= CURL_CSELECT_OUT;
    if (events & (EPOLLERR | EPOLLHUP))
        mask |= CURL_CSELECT_ERR;
    act(pool, watch->fd, mask);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct upstream_pool *pool = arg;
    struct curl_watch *watch = socket_arg;
    uint32_t events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL)
            watch_remove(pool->watches, &watch->watch);
        free(watch);
        return 0;
    }
    if (what & CURL_POLL_IN)
        events |= EPOLLIN;
    if (what & CURL_POLL_OUT)
        events |= EPOLLOUT;
    if (watch != NULL)
        return watch_change(pool->watches, &watch->watch, events) == 0 ? 0 : -1;
    watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return -1;
    watch->watch.on_events = on_curl_socket;
    watch->pool = pool;
    if (watch_add(pool->watches, &watch->watch, fd, events) != 0) {
        free(watch);
        return -1;
    }
    curl_multi_assign(pool->multi, fd, watch);
    return 0;
}

static void arm(struct upstream_pool *pool, int64_t in_ms)
{
    struct itimerspec when = {0};

    /* 0 would disarm the timerfd; libcurl means "as soon as you are back in the loop". */
    when.it_value.tv_sec = (time_t)(in_ms / 1000);
    when.it_value.tv_nsec = in_ms == 0 ? 1 : (long)(in_ms % 1000) * 1000000;
    timerfd_settime(pool->timer.fd, 0, &when, NULL);
}

/* libcurl moves its timer several times per transfer, nearly always to later: only a nearer
 * deadline costs a system call, a passed one is re-armed when it fires too early. */
static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct upstream_pool *pool = arg;
    int64_t at;

    (void)multi;
    if (timeout_ms < 0) {
        pool->timer_at_ms = -1;
        return 0;
    }
    at = monotonic_ms() + timeout_ms;
    if (pool->timer_at_ms < 0 || at < pool->timer_at_ms || timeout_ms == 0)
        arm(pool, timeout_ms);
    pool->timer_at_ms = at;
    return 0;
}

static void on_timer(struct watch *watch, uint32_t events)
{
    struct upstream_pool *pool =
        (struct upstream_pool *)((char *)watch - offsetof(struct upstream_pool, timer));
    uint64_t expirations;
    int64_t now = monotonic_ms();

    (void)events;
    if (read(watch->fd, &expirations, sizeof expirations) < 0 && errno != EAGAIN)
        return;
    if (pool->timer_at_ms < 0)
        return;
    if (pool->timer_at_ms > now) {
        arm(pool, pool->timer_at_ms - now);
        return;
    }
    pool->timer_at_ms = -1;
    act(pool, CURL_SOCKET_TIMEOUT, 0);
}

struct upstream_pool *upstream_pool_new(struct watch_set *watches)
{
    struct upstream_pool *pool = calloc(1, sizeof *pool);
    int fd;

    if (pool == NULL)
        return NULL;
    pool->watches = watches;
    pool->timer_at_ms = -1;
    pool->timer.on_events = on_timer;
    pool->ca_file = getenv("SSL_CERT_FILE");
    pool->multi = curl_multi_init();
    fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (pool->multi == NULL || fd < 0 || watch_add(watches, &pool->timer, fd, EPOLLIN) != 0) {
        if (fd >= 0)
            close(fd);
        curl_multi_cleanup(pool->multi);
        free(pool);
        return NULL;
    }
    curl_multi_setopt(pool->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(pool->multi, CURLMOPT_SOCKETDATA, pool);
    curl_multi_setopt(pool->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(pool->multi, CURLMOPT_TIMERDATA, pool);
    curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, (long)UPSTREAM_CONNECTIONS_MAX);
    curl_multi_setopt(pool->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    return pool;
}

/* --- one transfer --- */

static void wipe_headers(struct curl_slist *headers)
{
    /* One of them is the API key. */
    for (struct curl_slist *line = headers; line != NULL; line = line->next)
        OPENSSL_cleanse(line->data, strlen(line->data));
    curl_slist_free_all(headers);
}

static void transfer_free(struct upstream_transfer *transfer)
{
    struct upstream_pool *pool = transfer->pool;

    if (transfer->previous != NULL)
        transfer->previous->next = transfer->next;
    else if (pool->transfers == transfer)
        pool->transfers = transfer->next;
    if (transfer->next != NULL)
        transfer->next->previous = transfer->previous;
    if (transfer->easy != NULL) {
        curl_multi_remove_handle(pool->multi, transfer->easy);
        curl_easy_cleanup(transfer->easy);
    }
    wipe_headers(transfer->headers);
    free(transfer->kept);
    free(transfer->body);
    free(transfer);
}

void upstream_stop(struct upstream_transfer *transfer)
{
    if (transfer != NULL)
        transfer_free(transfer);
}

void upstream_pool_free(struct upstream_pool *pool)
{
    int fd;

    if (pool == NULL)
        return;
    while (pool->transfers != NULL)
        transfer_free(pool->transfers);
    curl_multi_cleanup(pool->multi);
    fd = pool->timer.fd;
    watch_remove(pool->watches, &pool->timer);
    close(fd);
    free(pool);
}

/* Hands the body to libcurl. There is no seek function on purpose: see the header. */
static size_t read_body(char *buffer, size_t size, size_t count, void *arg)
{
    struct upstream_transfer *transfer = arg;
    size_t left = transfer->body_len - transfer->body_sent;
    size_t take = size * count < left ? size * count : left;

    if (take > 0)
        memcpy(buffer, transfer->body + transfer->body_sent, take);
    transfer->body_sent += take;
    if (transfer->body != NULL && transfer->body_sent == transfer->body_len) {
        free(transfer->body); /* it is not needed again: there is no second attempt */
        transfer->body = NULL;
        if (transfer->on_sent != NULL)
            transfer->on_sent(transfer->arg);
    }
    return take;
}

/* Only listed headers pass (design law 5). */
static bool passes(const char *name, size_t len)
{
    static const char *const exact[] = {"content-type",   "retry-after", "retry-after-ms",
                                        "x-should-retry", "request-id",  "x-request-id"};
    static const char *const prefixes[] = {"x-ratelimit-", "ratelimit-"};

    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        if (len == strlen(exact[i]) && strncasecmp(name, exact[i], len) == 0)
            return true;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (len > strlen(prefixes[i]) && strncasecmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* What could begin another header in some client's eyes, or is no text, stays here. */
static bool is_sound(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
            return false;
    return true;
}

static void keep_header(struct upstream_transfer *transfer, const char *name, size_t name_len,
                        const char *value, size_t value_len)
{
    char *to;

    if (!is_sound(value, value_len))
        return;
    if (transfer->kept == NULL)
        transfer->kept = malloc(UPSTREAM_HEADER_BYTES_MAX);
    if (transfer->kept == NULL ||
        name_len + value_len + 2 > UPSTREAM_HEADER_BYTES_MAX - transfer->kept_len)
        return;
    to = transfer->kept + transfer->kept_len;
    for (size_t i = 0; i < name_len; i++)
        to[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
    to[name_len] = '\0';
    memcpy(to + name_len + 1, value, value_len);
    to[name_len + 1 + value_len] = '\0';
    transfer->kept_len += name_len + value_len + 2;
}

static void give_head(struct upstream_transfer *transfer)
{
    struct upstream_head head = {.status = transfer->status};

    for (size_t at = 0; at < transfer->kept_len;) {
        struct text name = {transfer->kept + at, strlen(transfer->kept + at)};
        struct text value = {name.bytes + name.len + 1, strlen(name.bytes + name.len + 1)};
        at += name.len + value.len + 2;
        if (strcmp(name.bytes, "content-type") == 0) {
            head.content_type = value;
        } else if (head.passed_count < UPSTREAM_HEADERS_MAX) {
            head.passed[head.passed_count].name = name;
            head.passed[head.passed_count++].value = value;
        }
    }
    transfer->head_done = true;
    transfer->on_head(transfer->arg, &head);
    free(transfer->kept);
    transfer->kept = NULL;
    transfer->kept_len = 0;
}

static size_t read_header(char *line, size_t size, size_t count, void *arg)
{
    struct upstream_transfer *transfer = arg;
    size_t len = size * count, end = len;
    const char *colon = memchr(line, ':', len);
    const char *value;

    transfer->heard_ms = monotonic_ms();
    while (end > 0 && (line[end - 1] == '\r' || line[end - 1] == '\n' || line[end - 1] == ' '))
        end--;
    if (len > 5 && memcmp(line, "HTTP/", 5) == 0) {
        transfer->kept_len = 0; /* an interim answer (1xx) came before this one */
        return len;
    }
    if (end == 0) {
        long status = 0;
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
        transfer->status = (int)status;
        if (status >= 200 && !transfer->head_done)
            give_head(transfer);
        return len;
    }
    if (colon == NULL || transfer->head_done || !passes(line, (size_t)(colon - line)))
        return len;
    for (value = colon + 1; value < line + end && (*value == ' ' || *value == '\t');)
        value++;
    keep_header(transfer, line, (size_t)(colon - line), value, (size_t)(line + end - value));
    return len;
}

static size_t read_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    struct upstream_transfer *transfer = arg;

    transfer->heard_ms = monotonic_ms();
    if (!transfer->head_done)
        return 0; /* a body behind an interim status: not HTTP as we speak it */
    return transfer->on_bytes(transfer->arg, bytes, size * count) == 0 ? size * count : 0;
}

static int add_header(struct upstream_transfer *transfer, struct text name, struct text value)
{
    char line[8192];
    struct curl_slist *longer;

    /* "Name:" alone tells libcurl to leave that header out, which is what an empty value means. */
    if (name.len + value.len + 3 > sizeof line)
        return -EMSGSIZE;
    memcpy(line, name.bytes, name.len);
    memcpy(line + name.len, ": ", 2);
    memcpy(line + name.len + 2, value.bytes, value.len);
    line[name.len + 2 + value.len] = '\0';
    longer = curl_slist_append(transfer->headers, line);
    OPENSSL_cleanse(line, name.len + value.len + 2);
    if (longer == NULL)
        return -ENOMEM;
    transfer->headers = longer;
    return 0;
}

static int add_authorization(struct upstream_transfer *transfer,
                             const struct upstream_request *request)
{
    char bearer[4096 + 8] = "Bearer ";
    int result;

    if (request->bearer_len == 0)
        return 0; /* catalogues need no key */
    if (request->bearer_len > sizeof bearer - 8)
        return -EMSGSIZE;
    memcpy(bearer + 7, request->bearer, request->bearer_len);
    result =
        add_header(transfer, TEXT("Authorization"), (struct text){bearer, 7 + request->bearer_len});
    OPENSSL_cleanse(bearer, sizeof bearer);
    return result;
}

static int add_headers(struct upstream_transfer *transfer, const struct upstream_request *request)
{
    struct curl_slist *longer;
    int result = add_authorization(transfer, request);

    for (unsigned i = 0; i < request->header_count && result == 0; i++)
        result = add_header(transfer, request->headers[i].name, request->headers[i].value);
    if (result == 0)
        result = add_header(transfer, TEXT("Accept-Encoding"), TEXT("identity"));
    /* libcurl would ask for 100-continue before large bodies and wait a second for it. */
    longer = curl_slist_append(transfer->headers, "Expect:");
    if (longer != NULL)
        transfer->headers = longer;
    return longer != NULL ? result : -ENOMEM;
}

static void set_options(struct upstream_transfer *transfer, const struct upstream_request *request)
{
    CURL *easy = transfer->easy;

    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)UPSTREAM_CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                     request->timeout_ms > 0 ? (long)request->timeout_ms : (long)UPSTREAM_TOTAL_MS);
    /* Do not wait for a resolver thread that is stuck: the whole loop would. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    /* libcurl reads up to 100 buffers of one transfer in a row; others want their turn. */
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)UPSTREAM_BUFFER_BYTES);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, read_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, read_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    /* We ask for plain bytes; an upstream that compresses all the same is understood. */
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    if (transfer->pool->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, transfer->pool->ca_file);
    if (request->method == UPSTREAM_HEAD)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (request->method == UPSTREAM_DELETE)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
    if (request->method != UPSTREAM_POST)
        return;
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body_len);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_body);
    curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
}

int upstream_start(struct upstream_pool *pool, const struct upstream_request *request,
                   struct upstream_transfer **ret_transfer)
{
    struct upstream_transfer *transfer = calloc(1, sizeof *transfer);
    int result;

    if (transfer == NULL) {
        free(request->body);
        return -ENOMEM;
    }
    transfer->pool = pool;
    transfer->body = request->body;
    transfer->body_len = request->body_len;
    transfer->on_sent = request->on_sent;
    transfer->on_head = request->on_head;
    transfer->on_bytes = request->on_bytes;
    transfer->on_end = request->on_end;
    transfer->arg = request->arg;
    result = add_headers(transfer, request);
    if (result == 0)
        transfer->easy = curl_easy_init();
    if (result == 0 && transfer->easy == NULL)
        result = -ENOMEM;
    if (result == 0) {
        set_options(transfer, request);
        if (curl_multi_add_handle(pool->multi, transfer->easy) != CURLM_OK)
            result = -EIO;
    }
    if (result != 0) {
        transfer_free(transfer);
        return result;
    }
    transfer->next = pool->transfers;
    if (pool->transfers != NULL)
        pool->transfers->previous = transfer;
    pool->transfers = transfer;
    *ret_transfer = transfer;
    return 0;
}

/* For requests without a body, which tell nothing by what is left of it. */
static bool never_connected(const struct upstream_transfer *transfer, CURLcode code)
{
    curl_off_t before_request_us = 0;

    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
        code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
        code == CURLE_URL_MALFORMAT)
        return true;
    curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &before_request_us);
    return before_request_us == 0;
}

/* A POST that was never handed over whole cannot have been executed, so nothing can be billed. */
static enum upstream_end classify(const struct upstream_transfer *transfer, CURLcode code)
{
    if (code == CURLE_OK)
        return transfer->head_done ? UPSTREAM_COMPLETE : UPSTREAM_BROKEN;
    if (!transfer->head_done &&
        (transfer->body_sent < transfer->body_len || never_connected(transfer, code)))
        return UPSTREAM_UNSENT;
    if (code == CURLE_OPERATION_TIMEDOUT || transfer->silent)
        return UPSTREAM_TIMEOUT;
    return UPSTREAM_BROKEN;
}

static void finish(struct upstream_transfer *transfer, CURLcode code)
{
    enum upstream_end end = classify(transfer, code);
    void (*on_end)(void *, enum upstream_end, const char *) = transfer->on_end;
    void *arg = transfer->arg;

    transfer_free(transfer);
    on_end(arg, end, curl_easy_strerror(code));
}

static void reap(struct upstream_pool *pool)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(pool->multi, &left)) != NULL) {
        struct upstream_transfer *transfer = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        assert(transfer != NULL);
        finish(transfer, code);
    }
}

bool upstream_pause(struct upstream_transfer *transfer)
{
    long version = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_VERSION, &version);
    if (version >= CURL_HTTP_VERSION_2_0)
        return false;
    return curl_easy_pause(transfer->easy, CURLPAUSE_RECV) == CURLE_OK;
}

void upstream_resume(struct upstream_transfer *transfer)
{
    transfer->heard_ms = monotonic_ms(); /* the silence was ours */
    curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

void upstream_tick(struct upstream_pool *pool)
{
    int64_t now = monotonic_ms();
    struct upstream_transfer *transfer = pool->transfers, *next;

    for (; transfer != NULL; transfer = next) {
        next = transfer->next;
        if (transfer->heard_ms == 0 || now - transfer->heard_ms < UPSTREAM_SILENCE_MS)
            continue;
        transfer->silent = true;
        finish(transfer, CURLE_OPERATION_TIMEDOUT);
        next = pool->transfers; /* on_end may have changed the list: begin again */
    }
}
