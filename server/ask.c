#include "server/ask.h"
#include "server/worker.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_FIRST_BYTES = 16 * 1024, ASK_TYPE_MAX = 127, ASK_URL_MAX = 8192 };

struct ask {
    struct worker *worker;
    struct upstream_transfer *transfer;
    void (*done)(void *arg, struct worker *worker, const struct ask_answer *answer);
    void *arg;
    int status;
    char type[ASK_TYPE_MAX + 1];
    char *body;
    size_t body_len, body_size, body_max;
};

static void ask_free(struct ask *ask)
{
    free(ask->body);
    free(ask);
}

static void on_head(void *arg, const struct upstream_head *head)
{
    struct ask *ask = arg;
    size_t len =
        head->content_type.len < ASK_TYPE_MAX ? head->content_type.len : (size_t)ASK_TYPE_MAX;

    ask->status = head->status;
    if (len > 0)
        memcpy(ask->type, head->content_type.bytes, len);
    ask->type[len] = '\0';
}

static int on_bytes(void *arg, const char *bytes, size_t len)
{
    struct ask *ask = arg;
    size_t size = ask->body_size > 0 ? ask->body_size : ASK_FIRST_BYTES;
    char *larger;

    if (len > ask->body_max - ask->body_len)
        return -E2BIG;
    while (size - ask->body_len < len)
        size *= 2; /* body_max bounds it */
    if (size != ask->body_size) {
        larger = realloc(ask->body, size);
        if (larger == NULL)
            return -ENOMEM;
        ask->body = larger;
        ask->body_size = size;
    }
    memcpy(ask->body + ask->body_len, bytes, len);
    ask->body_len += len;
    return 0;
}

static void on_end(void *arg, enum upstream_end end, const char *detail)
{
    struct ask *ask = arg;
    struct ask_answer answer = {0};

    (void)detail;
    ask->transfer = NULL;
    if (end == UPSTREAM_COMPLETE) {
        answer.status = ask->status;
        answer.type = text_of(ask->type);
        answer.body = (struct text){ask->body, ask->body_len};
    }
    ask->done(ask->arg, ask->worker, &answer);
    ask_free(ask);
}

int ask_start(struct worker *worker, const struct ask_order *order, struct ask **ret_ask)
{
    const char *base = order->upstream->base_url;
    struct text key =
        order->upstream->api_key != NULL ? text_of(order->upstream->api_key) : order->client_key;
    char url[ASK_URL_MAX];
    struct upstream_request request = {
        .url = url,
        .bearer = key.len > 0 ? key.bytes : "",
        .bearer_len = key.len,
        .headers = {{TEXT("Accept"), TEXT("application/json")}},
        .header_count = 1,
        .method = UPSTREAM_GET,
        .timeout_ms = order->timeout_ms,
        .on_head = on_head,
        .on_bytes = on_bytes,
        .on_end = on_end,
    };
    struct ask *ask;
    int result;

    assert(order->done != NULL);
    assert(order->timeout_ms > 0 && order->body_max > 0 && order->body_max <= SIZE_MAX / 4);
    if (strlen(base) + order->path.len >= sizeof url)
        return -EIO;
    memcpy(url, base, strlen(base));
    memcpy(url + strlen(base), order->path.bytes, order->path.len);
    url[strlen(base) + order->path.len] = '\0';
    ask = calloc(1, sizeof *ask);
    if (ask == NULL)
        return -ENOMEM;
    ask->worker = worker;
    ask->done = order->done;
    ask->arg = order->arg;
    ask->body_max = order->body_max;
    request.arg = ask;
    result = upstream_start(worker->upstream, &request, &ask->transfer);
    if (result != 0) {
        ask_free(ask);
        return result == -ENOMEM ? -ENOMEM : -EIO;
    }
    *ret_ask = ask;
    return 0;
}

void ask_stop(struct ask *ask)
{
    if (ask == NULL)
        return;
    upstream_stop(ask->transfer);
    ask_free(ask);
}
