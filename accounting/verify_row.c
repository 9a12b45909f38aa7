#include "accounting/verify_row.h"

#include "accounting/export_tags.h"
#include "accounting/ledger_place.h"
#include "accounting/observe.h"
#include "accounting/rating.h"

#include <errno.h>
#include <string.h>

enum { TOLERANCE_PPM_MAX = 1000000 /* of ledger.tolerance */ };

/* --- texts --- */

#define AT(member) offsetof(struct ledger_row, member)

static const size_t texts[] = {
    AT(id),
    AT(client),
    AT(key_id),
    AT(project),
    AT(user),
    AT(session),
    AT(app),
    AT(environment),
    AT(tags),
    AT(model_requested),
    AT(model),
    AT(provider),
    AT(upstream),
    AT(upstream_id),
    AT(route),
    AT(source_id),
    AT(finish_reason),
    AT(price_hash),
    AT(attempts),
    AT(preset),
    AT(native_finish_reason),
    AT(service_tier),
    AT(origin),
    AT(rating),
    AT(observed),
    AT(corrects),
};

static bool is_utf8(struct text text)
{
    size_t at = 0;
    while (at < text.len) {
        uint64_t word;
        size_t size;
        if (text.len - at >= sizeof(word)) {
            memcpy(&word, text.bytes + at, sizeof(word));
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof(word);
                continue;
            }
        }
        size = export_utf8(text.bytes + at, text.len - at);
        if (size == 0)
            return false;
        at += size;
    }
    return true;
}

static const char *check_texts(const struct ledger_row *row)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (!is_utf8(*(const struct text *)((const char *)row + texts[i])))
            return "has a text that is not UTF-8";
    if (row->tags.len > 0 && !export_tags_valid(row->tags))
        return "has tags that are no JSON array of strings";
    return NULL;
}

/* --- money --- */

static bool is_same(const struct maybe_money *a, const struct maybe_money *b)
{
    return a->known == b->known && (!a->known || money_compare(a->money, b->money) == 0);
}

static bool is_nothing(const struct maybe_money *money)
{
    return !money->known || money->money.femto == 0;
}

static bool has_no_sums(const struct ledger_row *row)
{
    return is_nothing(&row->billed) && is_nothing(&row->upstream_cost) &&
           is_nothing(&row->market) && is_nothing(&row->estimated) && is_nothing(&row->booked) &&
           is_nothing(&row->difference);
}

static bool has_no_tokens(const struct usage *usage)
{
    return usage->prompt_tokens <= 0 && usage->completion_tokens <= 0 &&
           usage->cached_tokens <= 0 && usage->cache_write_tokens <= 0 &&
           usage->cache_write_1h_tokens <= 0 && usage->reasoning_tokens <= 0 &&
           usage->audio_tokens <= 0 && usage->image_tokens <= 0 && usage->web_searches <= 0 &&
           usage->image_input_tokens <= 0 && usage->video_input_tokens <= 0 &&
           usage->audio_output_tokens <= 0 && usage->images <= 0;
}

static bool is_hit(const struct ledger_row *row)
{
    return row->cache == CACHE_HIT || row->cache == CACHE_COLLAPSED;
}

static const char *check_free(const struct ledger_row *row)
{
    if (!is_hit(row))
        return "is free but no hit";
    if (!has_no_tokens(&row->usage))
        return "is a hit with tokens";
    if (!row->booked.known || !has_no_sums(row))
        return "is a hit whose sums are not 0";
    if (row->saved.known && row->source_id.len == 0)
        return "saved something but names no source";
    return NULL;
}

/* A process died before it posted this row: recovery knows no more than the hold did. */
static bool is_recovered(const struct ledger_row *row)
{
    return row->status == 0 && !row->billed.known && !row->difference.known &&
           (row->verdict == VERDICT_UNKNOWN || row->verdict == VERDICT_PENDING);
}

/* The tolerance is the configuration's, and may have been another one when the row was judged: a
 * verdict that some tolerance explains is believed where the cause agrees with it, which was found
 * by the same one. */
static bool some_tolerance_explains(const struct verify_row *check, const struct ledger_row *row,
                                    struct reconcile_input input)
{
    bool matched = row->verdict == VERDICT_MATCHED;
    struct reconcile_result result;
    if (!matched && row->verdict != VERDICT_OVER && row->verdict != VERDICT_UNDER)
        return false;
    if (!check->early && matched != (row->cause == CAUSE_NONE))
        return false;
    input.tolerance_ppm = matched ? TOLERANCE_PPM_MAX : 0;
    return reconcile(&input, &result) == 0 && result.verdict == row->verdict;
}

static const char *check_verdict(const struct verify_row *check, const struct ledger_row *row)
{
    struct reconcile_input input = {
        .billed = row->billed,
        .upstream = row->upstream_cost,
        .market = row->market,
        .estimated = row->estimated,
        .may_still_report = row->verdict == VERDICT_PENDING,
        .gave_up = row->verdict == VERDICT_UNREPORTED,
        .tolerance_ppm = check->tolerance_ppm,
    };
    struct reconcile_result result = {.verdict = VERDICT_UNKNOWN};
    if (is_hit(row))
        return "is a hit but not free";
    /* Where a sum does not fit, neither is known and the verdict is unknown. */
    reconcile(&input, &result);
    if (is_recovered(row) && !row->booked.known)
        return NULL;
    if (!is_same(&row->booked, &result.booked))
        return "has a booked_usd that its other sums do not make";
    if (!is_same(&row->difference, &result.difference))
        return "has a difference_usd that its other sums do not make";
    if (row->verdict == result.verdict || some_tolerance_explains(check, row, input))
        return NULL;
    return "has a verdict that its sums do not make";
}

/* --- what proves the sums --- */

static const char *check_rating(const struct verify_row *check, const struct ledger_row *row)
{
    struct estimate estimate;
    if (row->rating.len == 0) {
        if (is_nothing(&row->estimated) || check->early || is_recovered(row))
            return NULL;
        return "has an estimated_usd without the lines that it adds up from";
    }
    if (rating_parse(row->rating, &estimate) < 0)
        return "has a rating that cannot be read";
    if (row->verdict == VERDICT_FREE || !row->estimated.known)
        return NULL; /* the lines are those of what its source cost */
    return money_compare(estimate.cost, row->estimated.money) == 0
               ? NULL
               : "has an estimated_usd that its rating does not add up to";
}

static bool was_shortened(struct text list)
{
    return memmem(list.bytes, list.len, "\"dropped\":", 10) != NULL;
}

static const char *check_observed(const struct verify_row *check, const struct ledger_row *row)
{
    struct observation list[OBSERVATIONS_MAX], figures;
    size_t count = 0;
    if (row->observed.len == 0 && check->early)
        return NULL;
    if (observe_parse(row->observed, list, &count) < 0)
        return "has a list of observations that cannot be read";
    if (row->observed.len > 0 && was_shortened(row->observed))
        return NULL; /* the one that counts may be among those that had to go */
    observe_figures(list, count, &figures);
    if (!is_same(&row->billed, &figures.billed) || !is_same(&row->market, &figures.market) ||
        !is_same(&row->upstream_cost, &figures.upstream))
        return "has reported sums that nobody was observed to report";
    return NULL;
}

static const char *check_correction(const struct ledger_row *row)
{
    struct ledger_ref ref;
    if (ledger_place_parse(row->corrects, &ref) < 0)
        return "corrects something that is no place";
    if (ref.created_at_ms >= row->created_at_ms)
        return "corrects a row that comes after it";
    if (row->route.len != 10 || memcmp(row->route.bytes, "correction", 10) != 0)
        return "corrects another without saying so in its route";
    return row->source_id.len > 0 ? NULL : "corrects another without naming it";
}

/* Sums of a correction are differences: they prove nothing among themselves. */
static const char *check_money(const struct verify_row *check, const struct ledger_row *row)
{
    const char *law = NULL;
    if (row->corrects.len > 0)
        return check_correction(row);
    if (row->verdict == VERDICT_NONE)
        return "has no verdict";
    if (row->verdict == VERDICT_FREE)
        law = check_free(row);
    else if (row->verdict == VERDICT_FAILED)
        law = is_nothing(&row->booked) && is_nothing(&row->billed) ? NULL : "failed but is booked";
    else
        law = check_verdict(check, row);
    if (law == NULL)
        law = check_rating(check, row);
    if (law == NULL && row->verdict != VERDICT_FREE && row->verdict != VERDICT_FAILED)
        law = check_observed(check, row);
    return law;
}

/* Rows of earlier builds end without a check, and their maps count one field less. */
static bool is_as_written(const struct verify_row *check, const struct ledger_row *row)
{
    enum { COUNT_AT = 2, FIELDS_AT = 3 };
    uint8_t again[ROW_ENCODED_MAX];
    size_t len = 0;
    if (row_encode(row, again, sizeof(again), &len) < 0)
        return false;
    if (len == check->len && memcmp(again, check->bytes, len) == 0)
        return true;
    return check->early && len - ROW_CHECK_BYTES == check->len &&
           again[COUNT_AT] == check->bytes[COUNT_AT] + 1 &&
           memcmp(again + FIELDS_AT, check->bytes + FIELDS_AT, check->len - FIELDS_AT) == 0;
}

const char *verify_row(const struct verify_row *check, bool *ret_decoded,
                       struct ledger_row *ret_row)
{
    const char *law;
    *ret_decoded = false;
    if (row_decode(check->bytes, check->len, ret_row) < 0)
        return "cannot be read";
    *ret_decoded = true;
    ret_row->sequence = check->ref->sequence;
    if (ret_row->created_at_ms != check->ref->created_at_ms)
        return "has another created_at than its place";
    if (!is_as_written(check, ret_row))
        return "is not stored as this build writes it";
    if (ret_row->id.len == 0)
        return "has no id";
    law = check_texts(ret_row);
    return law != NULL ? law : check_money(check, ret_row);
}
