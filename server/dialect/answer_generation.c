#include "server/dialect/answer.h"

#include "accounting/settle.h"
#include "server/dialect/answer_field.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static int64_t first_count(int64_t first, int64_t second)
{
    return first != USAGE_ABSENT ? first : second;
}

static int64_t read_count(struct answer *answer, uint32_t record, const char *name)
{
    return answer_field_count(&answer->doc, json_get(&answer->doc, record, name),
                              &answer->usage_unreadable);
}

static struct maybe_money read_money(struct answer *answer, uint32_t record, const char *name)
{
    return answer_field_money(&answer->doc, json_get(&answer->doc, record, name),
                              &answer->cost_unreadable);
}

/* See answer_read_generation() for which counts include cache reads. */
static struct usage read_usage(struct answer *answer, uint32_t record)
{
    struct usage usage = USAGE_INIT;
    int64_t native = read_count(answer, record, "native_tokens_prompt");

    usage.prompt_tokens = first_count(native, read_count(answer, record, "tokens_prompt"));
    usage.completion_tokens = first_count(read_count(answer, record, "native_tokens_completion"),
                                          read_count(answer, record, "tokens_completion"));
    usage.cached_tokens = read_count(answer, record, "native_tokens_cached");
    usage.cache_write_tokens = read_count(answer, record, "native_tokens_cache_creation");
    usage.reasoning_tokens = read_count(answer, record, "native_tokens_reasoning");
    usage.image_tokens = read_count(answer, record, "native_tokens_completion_images");
    usage.web_searches = read_count(answer, record, "billable_web_search_calls");
    if (usage.prompt_tokens == USAGE_ABSENT || usage.cached_tokens <= 0)
        return usage;
    usage.exclusive = native == USAGE_ABSENT || usage.cached_tokens > native;
    return usage;
}

static void read_costs(struct answer *answer, uint32_t record, struct settle_record *into)
{
    struct maybe_money gateway = read_money(answer, record, "gateway_cost");
    struct maybe_money total = read_money(answer, record, "total_cost");
    struct maybe_money surcharge = read_money(answer, record, "surcharge_cost");
    struct maybe_money upstream = read_money(answer, record, "upstream_inference_cost");
    struct maybe_money net = {.known = false};

    if (!total.known)
        total = read_money(answer, record, "usage");
    into->billed = gateway.known ? gateway : total;
    into->surcharge = surcharge;
    into->market = read_money(answer, record, "market_cost");
    if (into->byok == 1) {
        /* The total holds fees only: it says nothing of the list price. */
        if (!into->market.known)
            into->market = upstream;
        into->upstream_cost = upstream.known ? upstream : into->market;
    } else if (!into->market.known && total.known && surcharge.known) {
        net.known =
            money_subtract(total.money, surcharge.money, &net.money) == 0 && net.money.femto >= 0;
        if (net.known)
            into->market = net;
    }
    assert(!into->billed.known || into->billed.money.femto >= 0);
    assert(!into->upstream_cost.known || into->upstream_cost.money.femto >= 0);
}

static struct text read_text(struct answer *answer, uint32_t record, const char *name, char *text,
                             size_t size)
{
    text[0] = '\0'; /* what an earlier answer said is not this record's */
    if (!answer_field_text(&answer->doc, json_get(&answer->doc, record, name), text, size))
        return (struct text){NULL, 0};
    return (struct text){text, strlen(text)};
}

/* The record in the parsed text when it is the one that was asked for, else JSON_NONE. */
static uint32_t find_record(const struct json_doc *doc, const char *asked)
{
    uint32_t record = json_get(doc, 0, "data");

    if (!answer_field_is(doc, record, JSON_OBJECT))
        record = 0;
    if (asked[0] == '\0' || !json_string_is(doc, json_get(doc, record, "id"), asked))
        return JSON_NONE;
    return record;
}

static void read_record(struct answer *answer, uint32_t record, struct settle_record *into)
{
    into->byok = answer_field_bool(&answer->doc, json_get(&answer->doc, record, "is_byok"));
    into->usage = read_usage(answer, record);
    read_costs(answer, record, into);
    into->model = read_text(answer, record, "model", answer->model, sizeof(answer->model));
    into->provider =
        read_text(answer, record, "provider_name", answer->provider, sizeof(answer->provider));
    into->finish_reason = read_text(answer, record, "finish_reason", answer->finish_reason,
                                    sizeof(answer->finish_reason));
    into->service_tier = read_text(answer, record, "service_tier", answer->service_tier,
                                   sizeof(answer->service_tier));
}

int answer_read_generation(struct answer *answer, const char *body, size_t len, const char *asked,
                           struct settle_record *ret_record)
{
    struct settle_record read = SETTLE_RECORD_INIT;
    uint32_t record;
    int result = json_parse(&answer->doc, body, len, NULL);

    if (result != 0)
        return result;
    record = find_record(&answer->doc, asked);
    if (record == JSON_NONE) {
        result = -EBADMSG;
    } else {
        read_record(answer, record, &read);
        *ret_record = read;
    }
    json_doc_clear(&answer->doc);
    return result;
}
