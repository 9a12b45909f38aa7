/* row_fuzz.c - any bytes are a row or are refused; and what is a row stays the same row when it is
 * written and read again. */
#include "accounting/row.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_text(struct text a, struct text b)
{
    require(a.len == b.len);
    require((a.len == 0) == (a.bytes == NULL));
    require(a.len == 0 || memcmp(a.bytes, b.bytes, a.len) == 0);
}

static void require_money(struct maybe_money a, struct maybe_money b)
{
    require(a.known == b.known);
    require(a.money.femto == b.money.femto);
}

static void require_texts(const struct ledger_row *a, const struct ledger_row *b)
{
    require_text(a->id, b->id);
    require_text(a->client, b->client);
    require_text(a->key_id, b->key_id);
    require_text(a->project, b->project);
    require_text(a->user, b->user);
    require_text(a->session, b->session);
    require_text(a->app, b->app);
    require_text(a->environment, b->environment);
    require_text(a->tags, b->tags);
    require_text(a->model_requested, b->model_requested);
    require_text(a->model, b->model);
    require_text(a->provider, b->provider);
    require_text(a->upstream, b->upstream);
    require_text(a->upstream_id, b->upstream_id);
    require_text(a->route, b->route);
    require_text(a->source_id, b->source_id);
    require_text(a->finish_reason, b->finish_reason);
    require_text(a->price_hash, b->price_hash);
    require_text(a->attempts, b->attempts);
    require_text(a->preset, b->preset);
    require_text(a->native_finish_reason, b->native_finish_reason);
    require_text(a->service_tier, b->service_tier);
    require_text(a->origin, b->origin);
}

static void require_equal(const struct ledger_row *a, const struct ledger_row *b)
{
    require_texts(a, b);
    require(a->created_at_ms == b->created_at_ms);
    require(a->api == b->api);
    require(a->streamed == b->streamed);
    require(a->cache == b->cache);
    require(a->status == b->status);
    require(a->usage.prompt_tokens == b->usage.prompt_tokens);
    require(a->usage.completion_tokens == b->usage.completion_tokens);
    require(a->usage.cached_tokens == b->usage.cached_tokens);
    require(a->usage.cache_write_tokens == b->usage.cache_write_tokens);
    require(a->usage.cache_write_1h_tokens == b->usage.cache_write_1h_tokens);
    require(a->usage.reasoning_tokens == b->usage.reasoning_tokens);
    require(a->usage.audio_tokens == b->usage.audio_tokens);
    require(a->usage.image_tokens == b->usage.image_tokens);
    require(a->usage.web_searches == b->usage.web_searches);
    require(a->usage.exclusive == b->usage.exclusive);
    require_money(a->billed, b->billed);
    require_money(a->upstream_cost, b->upstream_cost);
    require_money(a->market, b->market);
    require_money(a->estimated, b->estimated);
    require_money(a->booked, b->booked);
    require_money(a->difference, b->difference);
    require_money(a->saved, b->saved);
    require(a->verdict == b->verdict);
    require(a->byok == b->byok);
    require(a->latency_ms == b->latency_ms);
    require(a->ttft_ms == b->ttft_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint8_t again[ROW_ENCODED_MAX], third[ROW_ENCODED_MAX];
    struct ledger_row row, copy;
    size_t again_len, third_len;
    (void)row_may_match(data, len, TEXT("gen-1"), TEXT("key-b")); /* reads nothing beyond the end */
    if (row_decode(data, len, &row) < 0)
        return 0;
    require(row_encode(&row, again, sizeof(again), &again_len) == 0);
    require(row_decode(again, again_len, &copy) == 0);
    require_equal(&row, &copy);
    require(row_encode(&copy, third, sizeof(third), &third_len) == 0);
    require(third_len == again_len); /* one row, one encoding */
    require(memcmp(again, third, again_len) == 0);
    require(row_may_match(again, again_len, row.id, row.key_id));
    return 0;
}
