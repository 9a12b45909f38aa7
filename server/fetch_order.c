/* fetch_order.c - copies of what the request said: a fetch outlives it. */
#include "server/fetch_private.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* Every text of a row, so that one block can hold them all. */
static const size_t row_text_at[] = {
    offsetof(struct ledger_row, id),
    offsetof(struct ledger_row, client),
    offsetof(struct ledger_row, key_id),
    offsetof(struct ledger_row, project),
    offsetof(struct ledger_row, user),
    offsetof(struct ledger_row, session),
    offsetof(struct ledger_row, app),
    offsetof(struct ledger_row, environment),
    offsetof(struct ledger_row, tags),
    offsetof(struct ledger_row, model_requested),
    offsetof(struct ledger_row, model),
    offsetof(struct ledger_row, provider),
    offsetof(struct ledger_row, upstream),
    offsetof(struct ledger_row, upstream_id),
    offsetof(struct ledger_row, route),
    offsetof(struct ledger_row, source_id),
    offsetof(struct ledger_row, finish_reason),
    offsetof(struct ledger_row, price_hash),
    offsetof(struct ledger_row, attempts),
    offsetof(struct ledger_row, preset),
    offsetof(struct ledger_row, native_finish_reason),
    offsetof(struct ledger_row, service_tier),
    offsetof(struct ledger_row, origin),
};
enum { ROW_TEXTS = sizeof row_text_at / sizeof *row_text_at };

static struct text *row_text(struct ledger_row *row, size_t index)
{
    return (struct text *)((char *)row + row_text_at[index]);
}

/* give: the block that the copy's texts point into. NULL: no memory. */
char *fetch_copy_row(const struct ledger_row *row, struct ledger_row *copy)
{
    size_t total = 1;
    char *block, *to;

    *copy = *row;
    for (size_t i = 0; i < ROW_TEXTS; i++)
        total += row_text(copy, i)->len;
    block = to = malloc(total);
    if (block == NULL)
        return NULL;
    for (size_t i = 0; i < ROW_TEXTS; i++) {
        struct text *text = row_text(copy, i);
        if (text->len == 0)
            continue;
        memcpy(to, text->bytes, text->len);
        text->bytes = to;
        to += text->len;
    }
    return block;
}

static struct text put_text(char **at, struct text text)
{
    struct text copy = {*at, text.len};

    if (text.len > 0)
        memcpy(*at, text.bytes, text.len);
    *at += text.len;
    return copy;
}

static int keep_body(struct text body, char **ret_copy, size_t *ret_len)
{
    char *copy = malloc(body.len + 1);

    if (copy == NULL)
        return -ENOMEM;
    if (body.len > 0)
        memcpy(copy, body.bytes, body.len);
    *ret_copy = copy;
    *ret_len = body.len;
    return 0;
}

/* Headers to forward, the path, the user, and the client's API key. */
int fetch_copy_request(struct fetch *fetch, const struct fetch_order *order)
{
    const struct request_headers *headers = order->headers;
    struct text key = headers->api_key;
    size_t total = 1 + order->path.len + key.len + headers->user.len + headers->content_type.len;
    char *at;

    for (unsigned i = 0; i < headers->forward_count; i++)
        total += headers->forward[i].name.len + headers->forward[i].value.len;
    fetch->request_texts = at = malloc(total);
    if (at == NULL)
        return -ENOMEM;
    if (fetch_may_try_again(fetch) &&
        keep_body(order->body, &fetch->original, &fetch->original_len) != 0)
        return -ENOMEM;
    if (fetch->worker->gateway->request_log != NULL && fetch->recorded && fetch->json &&
        keep_body(order->logged, &fetch->logged, &fetch->logged_len) != 0)
        return -ENOMEM;
    fetch->client_key = put_text(&at, key);
    fetch->path = put_text(&at, order->path);
    fetch->user = put_text(&at, headers->user);
    fetch->content_type_sent = put_text(&at, headers->content_type);
    for (unsigned i = 0; i < headers->forward_count; i++) {
        fetch->forward[i].name = put_text(&at, headers->forward[i].name);
        fetch->forward[i].value = put_text(&at, headers->forward[i].value);
    }
    fetch->forward_count = headers->forward_count;
    return 0;
}

void fetch_wipe_request(struct fetch *fetch)
{
    if (fetch->request_texts != NULL && fetch->client_key.len > 0)
        OPENSSL_cleanse((char *)(uintptr_t)fetch->client_key.bytes, fetch->client_key.len);
    free(fetch->request_texts);
    fetch->request_texts = NULL;
    fetch->client_key = fetch->path = fetch->user = fetch->content_type_sent = fetch->key =
        (struct text){NULL, 0};
    fetch->forward_count = 0;
}

/* --- the plan, packed --- */

static size_t packed_size(const struct plan *plan)
{
    size_t total = plan->count * sizeof(struct fetch_attempt) + 1;

    for (unsigned i = 0; i < plan->count; i++) {
        const struct plan_attempt *attempt = &plan->attempt[i];
        total += strlen(attempt->said) + strlen(attempt->model) +
                 attempt->model_count * sizeof(struct text);
        for (unsigned n = 0; n < attempt->model_count; n++)
            total += strlen(attempt->models[n]);
    }
    return total;
}

/* Attempts first, then the lists of models, then all texts: so everything is aligned. */
int fetch_copy_plan(struct fetch *fetch, const struct plan *plan)
{
    struct fetch_attempt *attempts = malloc(packed_size(plan));
    struct text *models = (struct text *)(attempts + plan->count);
    unsigned model_count = 0;
    char *at;

    if (attempts == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < plan->count; i++)
        model_count += plan->attempt[i].model_count;
    at = (char *)(models + model_count);
    for (unsigned i = 0; i < plan->count; i++) {
        const struct plan_attempt *from = &plan->attempt[i];
        attempts[i] = (struct fetch_attempt){.upstream = from->upstream,
                                             .said = put_text(&at, text_of(from->said)),
                                             .model = put_text(&at, text_of(from->model)),
                                             .sort = from->sort,
                                             .models = models,
                                             .model_count = from->model_count};
        for (unsigned n = 0; n < from->model_count; n++)
            *models++ = put_text(&at, text_of(from->models[n]));
    }
    fetch->attempt = attempts;
    fetch->attempt_count = plan->count;
    memcpy(fetch->why, plan->why, sizeof fetch->why);
    return 0;
}
