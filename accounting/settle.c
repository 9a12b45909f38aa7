/* settle.c - rates a row, judges it, and lets later truths replace what it knew. See settle.h. */
#include "accounting/settle.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static bool same_text(struct text a, struct text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.bytes, b.bytes, a.len) == 0);
}

/* --- rating --- */

/* The version in force when the request began: the last that had begun by then. */
static const struct price *in_force(const struct settle_prices *prices, int64_t at_ms)
{
    const struct price *found = NULL;

    for (size_t i = 0; i < prices->version_count && prices->versions[i].from_ms <= at_ms; i++)
        found = &prices->versions[i];
    return found;
}

/* What the upstream says that the same tokens cost at its list: its market price, else all that is
 * billed, which is the same where there is no fee and no discount. */
static struct maybe_money list_cost(const struct ledger_row *row)
{
    struct maybe_money list = row->market.known ? row->market : row->billed;

    if (!row->market.known && list.known && row->upstream_cost.known &&
        money_add(list.money, row->upstream_cost.money, &list.money) < 0)
        list.known = false;
    return list;
}

/* Sets estimated, rating and price_hash. What cannot be rated keeps the estimate that it has, if
 * any: it was made of more than is known now. */
static void rate(struct ledger_row *row, const struct price *price, struct text hash,
                 struct settle_room *room, struct estimate *ret_estimate)
{
    struct maybe_money list = list_cost(row);
    struct estimate_terms terms = {
        .service_tier = row->service_tier,
        .at_ms = row->created_at_ms,
        .market = list.known ? &list.money : NULL,
    };

    *ret_estimate =
        (struct estimate){.cost = row->estimated.money, .multiplier_ppm = PRICE_MULTIPLIER_NONE};
    if (price == NULL || estimate_cost(price, &row->usage, &terms, ret_estimate) < 0) {
        if (!row->estimated.known)
            row->price_hash = hash; /* the table that did not know it */
        return;
    }
    row->rating = (struct text){room->rating, rating_print(ret_estimate, room->rating)};
    row->estimated = (struct maybe_money){true, ret_estimate->cost};
    row->price_hash = hash;
}

/* --- judging --- */

static int judge(struct ledger_row *row, bool may_still_report, int64_t tolerance_ppm)
{
    struct reconcile_input input = {
        .billed = row->billed,
        .upstream = row->upstream_cost,
        .market = row->market,
        .estimated = row->estimated,
        .may_still_report = may_still_report,
        .gave_up = !may_still_report,
        .tolerance_ppm = tolerance_ppm,
    };
    struct reconcile_result result;
    int rc = reconcile(&input, &result);

    if (rc < 0) {
        row->booked = (struct maybe_money){0};
        row->difference = (struct maybe_money){0};
        row->verdict = VERDICT_UNKNOWN;
        return rc;
    }
    row->booked = result.booked;
    row->difference = result.difference;
    row->verdict = result.verdict;
    return 0;
}

static enum cause find_cause(const struct ledger_row *row, const struct settle_prices *prices,
                             const struct price *price, const struct estimate *estimate,
                             const struct usage *said, const struct settle_record *record,
                             int64_t tolerance_ppm)
{
    struct cause_input input = {
        .versions = prices->versions,
        .version_count = prices->version_count,
        .price = price,
        .estimate = estimate,
        .usage = *said,
        .record_usage = record != NULL ? record->usage : USAGE_INIT,
        .service_tier = row->service_tier,
        .at_ms = row->created_at_ms,
        .billed = row->billed,
        .upstream = row->upstream_cost,
        .market = row->market,
        .byok = row->byok,
        .tolerance_ppm = tolerance_ppm,
    };

    if (record != NULL)
        input.surcharge = record->surcharge;
    return row->difference.known ? cause_find(&input) : CAUSE_NONE;
}

/* A hit costs nothing under any price, and nothing is billed for what was refused, unless somebody
 * bills it all the same. */
static bool is_settled(const struct ledger_row *row)
{
    return row->verdict == VERDICT_FREE ||
           (row->verdict == VERDICT_FAILED &&
            (!row->billed.known || row->billed.money.femto == 0) &&
            (!row->upstream_cost.known || row->upstream_cost.money.femto == 0));
}

/* said: the counts of the answer, before those of a record replaced them. */
static void settle(struct ledger_row *row, const struct settle_prices *prices,
                   const struct usage *said, const struct settle_record *record,
                   bool may_still_report, int64_t tolerance_ppm, struct settle_room *room)
{
    const struct price *price = in_force(prices, row->created_at_ms);
    struct estimate estimate;

    if (is_settled(row))
        return;
    rate(row, price, prices->hash, room, &estimate);
    row->cause = CAUSE_NONE;
    if (judge(row, may_still_report, tolerance_ppm) == 0)
        row->cause = find_cause(row, prices, price, &estimate, said, record, tolerance_ppm);
}

void settle_rate(struct ledger_row *row, const struct settle_prices *prices,
                 const struct settle_record *record, bool may_still_report, int64_t tolerance_ppm,
                 struct settle_room *room)
{
    struct usage said = row->usage;

    settle(row, prices, &said, record, may_still_report, tolerance_ppm, room);
}

/* --- later truths --- */

static bool take_text(struct text *text, struct text late)
{
    if (late.len == 0 || same_text(*text, late))
        return false;
    *text = late;
    return true;
}

static bool take_facts(struct ledger_row *row, const struct settle_record *record)
{
    struct usage usage = row->usage;
    bool changed;

    usage_take(&usage, &record->usage);
    changed = !usage_equal(&usage, &row->usage);
    row->usage = usage;
    changed |= take_text(&row->model, record->model);
    changed |= take_text(&row->provider, record->provider);
    changed |= take_text(&row->finish_reason, record->finish_reason);
    changed |= take_text(&row->service_tier, record->service_tier);
    return changed;
}

/* A list that cannot be read stays, for `verify` to find; the record's figures hold all the same.
 */
static bool take_figures(struct ledger_row *row, const struct observation *seen)
{
    bool changed = false;
    struct {
        struct maybe_money *to;
        const struct maybe_money *from;
    } sums[] = {{&row->billed, &seen->billed},
                {&row->upstream_cost, &seen->upstream},
                {&row->market, &seen->market}};

    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        if (!sums[i].from->known ||
            (sums[i].to->known && money_compare(sums[i].to->money, sums[i].from->money) == 0))
            continue;
        *sums[i].to = *sums[i].from;
        changed = true;
    }
    if (seen->byok >= 0 && seen->byok != row->byok) {
        row->byok = seen->byok;
        changed = true;
    }
    if (changed)
        row->version++;
    return changed;
}

static bool take_costs(struct ledger_row *row, const struct settle_record *record, int64_t now_ms,
                       struct settle_room *room)
{
    struct observation seen = {
        .source = OBSERVE_GENERATION,
        .at_ms = now_ms,
        .billed = record->billed,
        .upstream = record->upstream_cost,
        .market = record->market,
        .byok = record->byok,
    };
    int added = observe_add(row, &seen, room->observed);

    return added < 0 ? take_figures(row, &seen) : added == 1;
}

bool settle_with_record(struct ledger_row *row, const struct settle_record *record,
                        const struct settle_prices *prices, int64_t now_ms, int64_t tolerance_ppm,
                        struct settle_room *room)
{
    struct usage said = row->usage;
    bool changed;

    if (row->verdict == VERDICT_FREE)
        return false; /* what its source cost is the source's */
    changed = take_facts(row, record);
    changed |= take_costs(row, record, now_ms, room);
    if (changed)
        settle(row, prices, &said, record, row->verdict == VERDICT_PENDING, tolerance_ppm, room);
    return changed;
}

bool settle_give_up(struct ledger_row *row, int64_t tolerance_ppm)
{
    if (row->verdict != VERDICT_PENDING)
        return false;
    judge(row, false, tolerance_ppm);
    assert(row->verdict != VERDICT_PENDING);
    return true;
}

/* --- corrections of closed months --- */

/* Sums of both rows are then those of the later one. Unknown where nothing changes. */
static int subtract(struct maybe_money was, struct maybe_money is, struct maybe_money *ret_change)
{
    struct maybe_money change = {.known = was.known || is.known};
    struct money zero = {0};
    int rc;

    if (!change.known) {
        *ret_change = change;
        return 0;
    }
    rc = money_subtract(is.known ? is.money : zero, was.known ? was.money : zero, &change.money);
    if (rc < 0)
        return rc;
    if (was.known == is.known && change.money.femto == 0)
        change.known = false;
    *ret_change = change;
    return 0;
}

static int subtract_sums(const struct ledger_row *was, const struct ledger_row *is,
                         struct ledger_row *row)
{
    int rc = subtract(was->billed, is->billed, &row->billed);

    if (rc == 0)
        rc = subtract(was->upstream_cost, is->upstream_cost, &row->upstream_cost);
    if (rc == 0)
        rc = subtract(was->market, is->market, &row->market);
    if (rc == 0)
        rc = subtract(was->estimated, is->estimated, &row->estimated);
    if (rc == 0)
        rc = subtract(was->booked, is->booked, &row->booked);
    if (rc == 0)
        rc = subtract(was->difference, is->difference, &row->difference);
    if (rc == 0)
        rc = subtract(was->saved, is->saved, &row->saved);
    return rc;
}

/* A count that a row can hold is not below 0: what went down stays as it was, and is left unknown.
 */
static int64_t count_change(int64_t was, int64_t is)
{
    int64_t before = was > 0 ? was : 0, after = is > 0 ? is : 0;

    return after > before || (was < 0 && is == 0) ? after - before : USAGE_ABSENT;
}

/* The prompt in the sense of the row that is corrected: with its cache reads and writes, or
 * without. */
static int64_t prompt_like(const struct usage *was, const struct usage *is)
{
    int64_t cached = (is->cached_tokens > 0 ? is->cached_tokens : 0);
    int64_t written = (is->cache_write_tokens > 0 ? is->cache_write_tokens : 0);
    int64_t prompt = is->prompt_tokens;

    if (prompt < 0 || was->exclusive == is->exclusive || was->prompt_tokens < 0)
        return prompt;
    if (__builtin_add_overflow(cached, written, &cached))
        return USAGE_ABSENT;
    if (was->exclusive)
        return prompt > cached ? prompt - cached : 0;
    return __builtin_add_overflow(prompt, cached, &prompt) ? USAGE_ABSENT : prompt;
}

static struct usage subtract_usage(const struct usage *was, const struct usage *is)
{
    struct usage row = {
        .prompt_tokens = count_change(was->prompt_tokens, prompt_like(was, is)),
        .completion_tokens = count_change(was->completion_tokens, is->completion_tokens),
        .cached_tokens = count_change(was->cached_tokens, is->cached_tokens),
        .cache_write_tokens = count_change(was->cache_write_tokens, is->cache_write_tokens),
        .cache_write_1h_tokens =
            count_change(was->cache_write_1h_tokens, is->cache_write_1h_tokens),
        .reasoning_tokens = count_change(was->reasoning_tokens, is->reasoning_tokens),
        .audio_tokens = count_change(was->audio_tokens, is->audio_tokens),
        .image_tokens = count_change(was->image_tokens, is->image_tokens),
        .web_searches = count_change(was->web_searches, is->web_searches),
        .image_input_tokens = count_change(was->image_input_tokens, is->image_input_tokens),
        .video_input_tokens = count_change(was->video_input_tokens, is->video_input_tokens),
        .audio_output_tokens = count_change(was->audio_output_tokens, is->audio_output_tokens),
        .images = count_change(was->images, is->images),
        .exclusive = was->prompt_tokens < 0 ? is->exclusive : was->exclusive,
    };

    return row;
}

int settle_correction(const struct ledger_row *was, const struct ledger_row *is,
                      const char *corrects, struct ledger_row *ret_row)
{
    struct ledger_row row = *is;
    int rc = subtract_sums(was, is, &row);

    if (rc < 0)
        return rc;
    row.usage = subtract_usage(&was->usage, &is->usage);
    row.route = TEXT("correction");
    row.source_id = was->id;
    row.corrects = text_of(corrects);
    row.cache = was->cache;
    *ret_row = row;
    return 0;
}
