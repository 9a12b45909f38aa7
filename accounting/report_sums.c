#include "accounting/report_sums.h"

#include "accounting/ledger_month.h"
#include "accounting/report_writer.h"

#include <errno.h>
#include <string.h>

const struct report_sums report_sums_empty = {
    .tokens = {USAGE_ABSENT, USAGE_ABSENT, USAGE_ABSENT, USAGE_ABSENT, USAGE_ABSENT}};
_Static_assert(TALLY_TOKENS == 5, "each of the sums begins as absent");

bool report_is_paid(enum verdict verdict)
{
    return verdict != VERDICT_NONE && verdict != VERDICT_FREE && verdict != VERDICT_FAILED;
}

int report_add_count(int64_t *sum, int64_t count)
{
    if (count < 0)
        return 0;
    if (*sum < 0) {
        *sum = count;
        return 0;
    }
    return __builtin_add_overflow(*sum, count, sum) ? -EOVERFLOW : 0;
}

int report_add_money(struct maybe_money *sum, const struct maybe_money *more)
{
    if (!more->known)
        return 0;
    if (!sum->known) {
        *sum = *more;
        return 0;
    }
    return money_add(sum->money, more->money, &sum->money);
}

/* What a group and a row have in common: a row is a group of one. */
struct part {
    int64_t requests, estimated;
    enum row_cache cache;
    enum verdict verdict;
    const int64_t *tokens;
    const struct maybe_money *spend, *billed, *upstream, *saved;
};

static int add_counts(struct report_sums *sums, const struct part *part)
{
    bool collapsed = part->cache == CACHE_COLLAPSED;
    bool hit = collapsed || part->cache == CACHE_HIT;
    bool paid = report_is_paid(part->verdict);
    int result = report_add_count(&sums->requests, part->requests);

    if (result == 0 && hit)
        result = report_add_count(&sums->hits, part->requests);
    if (result == 0 && collapsed)
        result = report_add_count(&sums->collapsed, part->requests);
    if (result == 0 && paid)
        result = report_add_count(&sums->paid, part->requests);
    if (result == 0 && paid)
        result = report_add_count(&sums->estimated, part->estimated);
    for (unsigned i = 0; i < TALLY_TOKENS && result == 0; i++)
        result = report_add_count(&sums->tokens[i], part->tokens[i]);
    return result;
}

static int add_part(struct report_sums *sums, const struct part *part)
{
    int result = add_counts(sums, part);

    if (result == 0)
        result = report_add_money(&sums->spend, part->spend);
    if (result == 0)
        result = report_add_money(&sums->billed, part->billed);
    if (result == 0)
        result = report_add_money(&sums->upstream, part->upstream);
    if (result == 0)
        result = report_add_money(&sums->saved, part->saved);
    if (result == 0 && part->cache == CACHE_COLLAPSED)
        result = report_add_money(&sums->saved_collapsed, part->saved);
    return result;
}

int report_sums_add_group(struct report_sums *sums, const struct rollup_group *group)
{
    struct part part = {
        .requests = group->requests,
        .estimated = group->estimated_requests,
        .cache = group->cache,
        .verdict = group->verdict,
        .tokens = group->tokens,
        .spend = &group->money[TALLY_BOOKED],
        .billed = &group->money[TALLY_BILLED],
        .upstream = &group->money[TALLY_UPSTREAM],
        .saved = &group->money[TALLY_SAVED],
    };
    return add_part(sums, &part);
}

int report_sums_add_row(struct report_sums *sums, const struct ledger_row *row)
{
    const int64_t tokens[TALLY_TOKENS] = {
        [TALLY_PROMPT] = row->usage.prompt_tokens,
        [TALLY_COMPLETION] = row->usage.completion_tokens,
        [TALLY_CACHED] = row->usage.cached_tokens,
        [TALLY_CACHE_WRITE] = row->usage.cache_write_tokens,
        [TALLY_REASONING] = row->usage.reasoning_tokens,
    };
    bool correction = row->corrects.len > 0; /* sums that are differences, and no request */
    struct part part = {
        .requests = correction ? 0 : 1,
        .estimated = !correction && row->estimated.known ? 1 : 0,
        .cache = row->cache,
        .verdict = row->verdict,
        .tokens = tokens,
        .spend = &row->booked,
        .billed = &row->billed,
        .upstream = &row->upstream_cost,
        .saved = &row->saved,
    };
    return add_part(sums, &part);
}

static struct maybe_money known_without(struct maybe_money money, int64_t count)
{
    money.known = money.known || count == 0;
    return money;
}

bool report_is_empty(const struct report_sums *sums)
{
    return sums->requests == 0 && !sums->spend.known && !sums->saved.known;
}

struct maybe_money report_spend(const struct report_sums *sums)
{
    return known_without(sums->spend, sums->paid);
}

struct maybe_money report_saved(const struct report_sums *sums)
{
    return known_without(sums->saved, sums->hits);
}

struct maybe_money report_saved_collapsed(const struct report_sums *sums)
{
    return known_without(sums->saved_collapsed, sums->collapsed);
}

bool report_savings_rate(const struct report_sums *sums, __int128 *ret_saved, __int128 *ret_whole)
{
    struct maybe_money saved = report_saved(sums);
    struct money whole = {0};

    if (!saved.known)
        return false;
    if (sums->spend.known)
        whole = sums->spend.money;
    if (money_add(whole, saved.money, &whole) != 0)
        return false;
    *ret_saved = saved.money.femto;
    *ret_whole = whole.femto;
    return true;
}

/* --- group keys --- */

static const struct {
    const char *name;
    bool kept; /* rollup.h has a column for it */
} keys[EXPORT_KEYS] = {
    [EXPORT_MODEL] = {"model", true},     [EXPORT_PROVIDER] = {"provider", true},
    [EXPORT_KEY] = {"key_id", true},      [EXPORT_CLIENT] = {"client", true},
    [EXPORT_PROJECT] = {"project", true}, [EXPORT_USER] = {"user", false},
    [EXPORT_APP] = {"app", false},        [EXPORT_TAG] = {"tag", false},
    [EXPORT_DAY] = {"day", true},         [EXPORT_UPSTREAM] = {"upstream", true},
    [EXPORT_API] = {"api", true},
};

bool report_by_kept(const enum export_key *by, size_t by_count)
{
    for (size_t i = 0; i < by_count; i++) {
        if (!keys[by[i]].kept)
            return false;
    }
    return true;
}

const char *report_key_name(enum export_key key)
{
    return keys[key].name;
}

static struct text day_of(int64_t ms, char day[REPORT_DAY_SIZE])
{
    char time[REPORT_TIME_SIZE];

    report_time(ms, time);
    memcpy(day, time, REPORT_DAY_SIZE - 1);
    day[REPORT_DAY_SIZE - 1] = '\0';
    return text_of(day);
}

struct text report_group_value(const struct rollup_group *group, enum export_key key,
                               char day[REPORT_DAY_SIZE])
{
    switch ((unsigned)key) {
    case EXPORT_MODEL:
        return group->model;
    case EXPORT_PROVIDER:
        return group->provider;
    case EXPORT_KEY:
        return group->key_id;
    case EXPORT_CLIENT:
        return group->client;
    case EXPORT_PROJECT:
        return group->project;
    case EXPORT_DAY:
        return day_of(group->hour_ms, day);
    case EXPORT_UPSTREAM:
        return group->upstream;
    case EXPORT_API:
        return text_of(row_api_name(group->api));
    default:
        return (struct text){NULL, 0};
    }
}

struct text report_row_value(const struct ledger_row *row, enum export_key key, struct text tag,
                             char day[REPORT_DAY_SIZE])
{
    switch ((unsigned)key) {
    case EXPORT_MODEL:
        return row->model;
    case EXPORT_PROVIDER:
        return row->provider;
    case EXPORT_KEY:
        return row->key_id;
    case EXPORT_CLIENT:
        return row->client;
    case EXPORT_PROJECT:
        return row->project;
    case EXPORT_USER:
        return row->user;
    case EXPORT_APP:
        return row->app;
    case EXPORT_TAG:
        return tag;
    case EXPORT_DAY:
        return day_of(row->created_at_ms, day);
    case EXPORT_UPSTREAM:
        return row->upstream;
    case EXPORT_API:
        return text_of(row_api_name(row->api));
    default:
        return (struct text){NULL, 0};
    }
}
