/* reads_record.c - GET generations?id=: one row in AI Stats' shape, and what it is made of.
 *
 * Their names are kept; what is in femto-dollars here and is no whole number of nano-dollars there
 * stands beside it as exact decimal text. `pricing_lines` is the row's estimate taken apart, as it
 * was rated then (rating.h).
 */
#include "server/reads_private.h"

#include "accounting/rating.h"

#include <assert.h>
#include <string.h>

enum { FEMTO_PER_NANO = 1000000 };

static struct text endpoint_of(enum row_api api)
{
    switch (api) {
    case API_CHAT:
        return TEXT("chat/completions");
    case API_IMAGES:
        return TEXT("images/generations");
    case API_NONE:
    case APIS:
        return TEXT("");
    default:
        return text_of(row_api_name(api));
    }
}

static void print_decimal(struct out *out, const char *name, struct maybe_money money)
{
    if (!money.known) {
        reads_null(out, name);
        return;
    }
    out_name(out, name);
    out_char(out, '"');
    out_money(out, money.money);
    out_char(out, '"');
}

/* Whole nano-dollars, half-even; null where that does not fit a number. */
static void print_nanos(struct out *out, struct maybe_money money)
{
    struct money nanos;

    if (!money.known || money_scale(money.money, 1, FEMTO_PER_NANO, &nanos) != 0 ||
        nanos.femto > INT64_MAX || nanos.femto < INT64_MIN) {
        reads_null(out, "cost_nanos");
        return;
    }
    out_name(out, "cost_nanos");
    out_number(out, (int64_t)nanos.femto);
}

static void print_usage(const struct usage *usage, struct out *out)
{
    int64_t prompt = reads_prompt(usage), total = USAGE_ABSENT;

    if (prompt >= 0 && usage->completion_tokens >= 0 &&
        __builtin_add_overflow(prompt, usage->completion_tokens, &total))
        total = USAGE_ABSENT;
    out_name(out, "usage");
    out_char(out, '{');
    reads_count(out, "prompt_tokens", prompt);
    reads_count(out, "completion_tokens", usage->completion_tokens);
    reads_count(out, "total_tokens", total);
    reads_count(out, "cached_tokens", usage->cached_tokens);
    reads_count(out, "cache_write_tokens", usage->cache_write_tokens);
    reads_count(out, "reasoning_tokens", usage->reasoning_tokens);
    out_char(out, '}');
}

static void print_line(const struct estimate_line *line, struct out *out)
{
    struct money price = {.femto = line->price.femto};

    out_next(out);
    out_char(out, '{');
    reads_text(out, "class", text_of(price_unit_name(line->class)));
    if (line->billed != line->class)
        reads_text(out, "priced_as", text_of(price_unit_name(line->billed)));
    reads_count(out, "quantity", line->quantity);
    print_decimal(out, "unit_price", (struct maybe_money){true, price});
    print_decimal(out, "cost", (struct maybe_money){true, line->cost});
    out_char(out, '}');
}

/* What the estimate adds up from, as it was rated then. */
static void print_lines(const struct ledger_row *row, struct out *out)
{
    struct estimate estimate = {.count = 0};

    if (!row->estimated.known || row->rating.len == 0 || row->verdict == VERDICT_FREE ||
        rating_parse(row->rating, &estimate) != 0 ||
        money_compare(estimate.cost, row->estimated.money) != 0)
        estimate.count = 0;
    out_name(out, "pricing_lines");
    out_char(out, '[');
    for (unsigned i = 0; i < estimate.count; i++)
        print_line(&estimate.lines[i], out);
    out_char(out, ']');
}

/* Tokens of the answer per second once it had begun, with two decimals: a count, not money, and
 * still no float. */
static void print_throughput(const struct ledger_row *row, struct out *out)
{
    int64_t ms = row->latency_ms - row->ttft_ms, hundredths;

    if (row->latency_ms < 0 || row->ttft_ms < 0 || ms <= 0 || row->usage.completion_tokens <= 0 ||
        __builtin_mul_overflow(row->usage.completion_tokens, INT64_C(100000), &hundredths)) {
        reads_null(out, "throughput");
        return;
    }
    hundredths /= ms;
    out_name(out, "throughput");
    out_number(out, hundredths / 100);
    if (hundredths % 100 == 0)
        return;
    out_char(out, '.');
    out_char(out, (char)('0' + hundredths % 100 / 10));
    if (hundredths % 10 != 0)
        out_char(out, (char)('0' + hundredths % 10));
}

static void print_times(const struct ledger_row *row, struct out *out)
{
    bool both = row->latency_ms >= 0 && row->ttft_ms >= 0 && row->latency_ms >= row->ttft_ms;

    reads_count(out, "latency_ms", row->ttft_ms);
    reads_count(out, "generation_ms", both ? row->latency_ms - row->ttft_ms : -1);
    print_throughput(row, out);
}

static void print_costs(const struct ledger_row *row, struct out *out)
{
    print_nanos(out, row->billed);
    out_name(out, "currency");
    out_text(out, "\"USD\"");
    print_decimal(out, "billed_usd", row->billed);
    print_decimal(out, "upstream_usd", row->upstream_cost);
    print_decimal(out, "market_usd", row->market);
    print_decimal(out, "estimated_usd", row->estimated);
    print_decimal(out, "booked_usd", row->booked);
    print_decimal(out, "difference_usd", row->difference);
    print_decimal(out, "saved_usd", row->saved);
    reads_text(out, "verdict", text_of(verdict_name(row->verdict)));
    print_lines(row, out);
}

static void print_who(const struct reads_view *view, const struct ledger_row *row, struct out *out)
{
    char buffer[ROW_NAME_MAX + 1];

    out_name(out, "created_at");
    reads_print_time(out, row->created_at_ms);
    reads_text(out, "request_id", row->id);
    out_name(out, "team_id"); /* there are no teams; the field is required */
    out_string(out, row->project.len > 0 ? row->project : TEXT("default"));
    reads_text(out, "app_id", row->app);
    reads_text(out, "app_title", row->app);
    reads_text(out, "referer", row->origin);
    reads_text(out, "key_id", row->key_id);
    reads_text(out, "session_id", row->session);
    reads_text(out, "user_id", row->user);
    out_name(out, "endpoint");
    out_string(out, endpoint_of(row->api));
    reads_text(out, "model_requested", row->model_requested);
    reads_text(out, "model_id", reads_model(view, row, buffer));
    reads_text(out, "provider", reads_provider(view, row, buffer));
    reads_text(out, "upstream", row->upstream);
    reads_text(out, "route", row->route);
    reads_text(out, "preset", row->preset);
    reads_text(out, "native_response_id", row->upstream_id);
}

static void print_outcome(const struct ledger_row *row, struct out *out)
{
    bool refused = row->status >= 400 || row->verdict == VERDICT_FAILED;

    reads_bool(out, "stream", row->streamed);
    if (row->byok < 0)
        reads_null(out, "byok");
    else
        reads_bool(out, "byok", row->byok == 1);
    reads_count(out, "status_code", row->status > 0 ? row->status : -1);
    reads_bool(out, "success", row->status > 0 && !refused);
    reads_null(out, "error_code"); /* messages of upstreams are not kept */
    reads_null(out, "error_message");
    reads_text(out, "finish_reason", row->finish_reason);
    reads_text(out, "native_finish_reason", row->native_finish_reason);
    reads_text(out, "service_tier", row->service_tier);
    reads_text(out, "cache", text_of(row_cache_name(row->cache)));
    reads_text(out, "response_cache_source_id", row->source_id);
    out_name(out, "attempts");
    if (row->attempts.len > 0)
        out_bytes(out, row->attempts.bytes, row->attempts.len);
    else
        out_text(out, "[]");
}

void reads_print_record(const struct reads_view *view, const struct ledger_row *row,
                        struct text request, struct out *out)
{
    out_char(out, '{');
    print_who(view, row, out);
    print_outcome(row, out);
    print_times(row, out);
    print_usage(&row->usage, out);
    print_costs(row, out);
    reads_bool(out, "replay_supported", request.len > 0);
    out_name(out, "replay_request");
    if (request.len > 0)
        out_bytes(out, request.bytes, request.len);
    else
        out_text(out, "null");
    out_char(out, '}');
}
