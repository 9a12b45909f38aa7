#include "accounting/focus_use.h"

#include "accounting/rating.h"

#include <assert.h>
#include <errno.h>

/* What one row adds to one line. */
struct part {
    struct focus_line_key key;
    int64_t quantity;
    struct money billed;
    struct maybe_money estimated, reported, avoided;
};

/* A row with its rating read. */
struct use {
    const struct ledger_row *row;
    struct focus_book *book;
    bool rated, correction, saving;
    struct estimate estimate;
    struct focus_shared shared;
    const struct focus_shared *kept; /* the table's copy of it; NULL: it has changed since */
};

/* --- what lines share --- */

static void set_account(struct use *use)
{
    const struct ledger_row *row = use->row;
    struct focus_shared *shared = &use->shared;
    shared->account_type = FOCUS_NO_ACCOUNT;
    if (row->project.len > 0) {
        shared->account = row->project;
        shared->account_type = FOCUS_PROJECT;
    } else if (row->client.len > 0) {
        shared->account = row->client;
        shared->account_type = FOCUS_CLIENT;
    } else if (row->key_id.len > 0) {
        shared->account = row->key_id;
        shared->account_type = FOCUS_KEY;
    }
}

static struct text gateway_of(const struct focus_order *order, struct text upstream)
{
    struct text gateway = {NULL, 0};
    if (order->gateway_of != NULL)
        gateway = order->gateway_of(order->gateway_arg, upstream);
    else if (order->gateway != NULL)
        gateway = text_of(order->gateway);
    if (gateway.len == 0)
        gateway = upstream;
    if (focus_compare(gateway, TEXT("Vercel AI Gateway")) == 0)
        gateway = TEXT("Vercel"); /* whose service that is: focus_service() */
    return gateway.len > 0 ? gateway : TEXT("unknown");
}

static void prepare(struct use *use, int64_t hour_ms)
{
    const struct ledger_row *row = use->row;
    struct focus_shared *shared = &use->shared;
    *shared = (struct focus_shared){
        .hour_ms = hour_ms,
        .correction = use->correction,
        .saving = use->saving,
        .provider = row->provider,
        .gateway = gateway_of(use->book->order, row->upstream),
    };
    shared->model = row->model.len > 0 ? row->model : row->model_requested;
    if (shared->model.len == 0)
        shared->model = TEXT("unknown");
    set_account(use);
    shared->tags = focus_tags_of(&use->book->tags, row, shared->account_type == FOCUS_PROJECT);
}

/* --- adding to a line --- */

static int add_maybe(struct maybe_money *sum, const struct maybe_money *part)
{
    if (!part->known)
        return 0;
    sum->known = true;
    return money_add(sum->money, part->money, &sum->money);
}

static int add_variance(struct focus_line *line, const struct part *part)
{
    struct maybe_money variance = {.known = part->reported.known && part->estimated.known};
    if (variance.known &&
        money_subtract(part->reported.money, part->estimated.money, &variance.money) < 0)
        return -EOVERFLOW;
    return add_maybe(&line->variance, &variance);
}

static bool was_looked_up(const struct ledger_row *row)
{
    static const char word[] = "\"generation\"";
    return row->observed.len > 0 &&
           memmem(row->observed.bytes, row->observed.len, word, sizeof(word) - 1) != NULL;
}

static unsigned source_of(const struct use *use)
{
    if (use->saving)
        return 0;
    if (!use->row->billed.known)
        return FOCUS_ESTIMATE;
    return was_looked_up(use->row) ? FOCUS_LOOKUP : FOCUS_RESPONSE;
}

static int add_sums(const struct use *use, struct focus_line *line, const struct part *part)
{
    if (__builtin_add_overflow(line->quantity, part->quantity, &line->quantity) ||
        money_add(line->billed, part->billed, &line->billed) < 0 ||
        add_maybe(&line->estimated, &part->estimated) < 0 ||
        add_maybe(&line->reported, &part->reported) < 0 ||
        add_maybe(&line->avoided, &part->avoided) < 0 || add_variance(line, part) < 0)
        return -EOVERFLOW;
    line->requests++;
    line->hits += use->saving;
    line->sources |= source_of(use);
    line->verdicts |= 1u << use->row->verdict;
    return focus_lines_hash(use->book->lines, line, use->row->price_hash);
}

static int add_part(struct use *use, const struct part *part)
{
    struct focus_line *line;
    int result = 0;
    if (use->kept == NULL)
        result = focus_lines_share(use->book->lines, &use->shared, &use->kept);
    if (result == 0)
        result = focus_lines_find(use->book->lines, use->kept, &part->key, &line);
    if (result != 0)
        return result;
    return add_sums(use, line, part);
}

/* --- what a row is charged for --- */

struct money focus_fee(const struct ledger_row *row)
{
    struct money fee = {0};
    if (!row->billed.known)
        return fee;
    if (row->byok == 1)
        return row->billed.money;
    if (row->corrects.len > 0)
        return fee;
    if (row->market.known && row->market.money.femto > 0) {
        if (money_compare(row->billed.money, row->market.money) > 0 &&
            money_subtract(row->billed.money, row->market.money, &fee) < 0)
            fee.femto = 0;
        return fee;
    }
    if (row->cause == CAUSE_SURCHARGE && row->difference.known && row->difference.money.femto > 0 &&
        money_compare(row->difference.money, row->billed.money) <= 0)
        fee = row->difference.money;
    return fee;
}

/* Shares of a sum over the rating's lines. -EINVAL: they cost nothing, and it is not 0. */
static int share(const struct estimate *estimate, struct money sum,
                 struct money shares[PRICE_UNITS])
{
    if (sum.femto == 0) {
        memset(shares, 0, PRICE_UNITS * sizeof(*shares));
        return 0;
    }
    return rating_allocate(estimate, sum, shares);
}

static int share_maybe(const struct estimate *estimate, const struct maybe_money *sum,
                       struct money shares[PRICE_UNITS])
{
    return share(estimate, sum->known ? sum->money : (struct money){0}, shares);
}

static void set_tier(struct use *use, char tier[PRICE_SERVICE_NAME_MAX])
{
    size_t len = strlen(use->estimate.service_tier);
    assert(len < PRICE_SERVICE_NAME_MAX);
    memcpy(tier, use->estimate.service_tier, len);
    for (size_t i = 0; i < len; i++) {
        if (tier[i] == '@') /* parts a SkuId from its tier */
            tier[i] = '_';
    }
    use->shared.tier = (struct text){tier, len};
    use->shared.above = use->estimate.above;
    use->shared.off_peak = (use->estimate.flags & ESTIMATE_OFF_PEAK) != 0;
    use->kept = NULL;
}

static void clear_tier(struct use *use)
{
    use->shared.tier = (struct text){NULL, 0};
    use->shared.above = 0;
    use->shared.off_peak = false;
    use->kept = NULL;
}

/* The key of a class's line. Prices do not part the lines of corrections, which show none; what is
 * free is free under any multiplier; avoided use is contracted at 0. */
static struct focus_line_key class_key(const struct use *use, const struct estimate_line *line)
{
    struct focus_line_key key = {
        .kind = FOCUS_KIND_CLASS,
        .class = line->class,
        .own = use->row->byok == 1 && !use->saving,
        .price = line->price,
        .multiplier_ppm = use->estimate.multiplier_ppm,
    };
    if (use->correction)
        key.price.femto = 0;
    if (key.price.femto == 0)
        key.multiplier_ppm = PRICE_MULTIPLIER_NONE;
    if (use->saving)
        key.multiplier_ppm = 0;
    return key;
}

/* -EINVAL: the rating costs nothing, and something else does not. */
static int add_classes(struct use *use, struct money rest)
{
    const struct ledger_row *row = use->row;
    const struct estimate *estimate = &use->estimate;
    struct money billed[PRICE_UNITS], estimated[PRICE_UNITS], avoided[PRICE_UNITS];
    char tier[PRICE_SERVICE_NAME_MAX];
    int result = share(estimate, rest, billed);
    if (result == 0)
        result = share_maybe(estimate, &row->estimated, estimated);
    if (result == 0)
        result = share_maybe(estimate, &row->saved, avoided);
    if (result < 0)
        return result;
    set_tier(use, tier);
    for (unsigned i = 0; i < estimate->count && result == 0; i++) {
        struct part part = {.key = class_key(use, &estimate->lines[i]), .billed = billed[i]};
        if (!use->correction)
            part.quantity = estimate->lines[i].quantity;
        part.estimated = (struct maybe_money){row->estimated.known && !use->saving, estimated[i]};
        part.reported = (struct maybe_money){row->billed.known && !use->saving, billed[i]};
        part.avoided = (struct maybe_money){row->saved.known && use->saving, avoided[i]};
        result = add_part(use, &part);
    }
    clear_tier(use);
    assert(result != -EINVAL);
    return result;
}

static int add_unpriced(struct use *use, struct money rest)
{
    const struct ledger_row *row = use->row;
    struct part part = {
        .key = {.kind = FOCUS_KIND_UNPRICED,
                .own = row->byok == 1 && !use->saving,
                .multiplier_ppm = use->saving ? 0 : PRICE_MULTIPLIER_NONE},
        .quantity = !use->correction,
        .billed = rest,
    };
    if (use->saving) {
        part.avoided = row->saved;
    } else {
        part.estimated = row->estimated;
        part.reported = (struct maybe_money){row->billed.known, rest};
    }
    return add_part(use, &part);
}

static int add_fee(struct use *use, struct money fee)
{
    struct part part = {
        .key = {.kind = FOCUS_KIND_SURCHARGE, .multiplier_ppm = PRICE_MULTIPLIER_NONE},
        .quantity = !use->correction,
        .billed = fee,
        .reported = {true, fee},
    };
    return add_part(use, &part);
}

static int add_charge(struct use *use)
{
    struct money fee = focus_fee(use->row), rest;
    int result = -EINVAL;
    if (money_subtract(use->row->booked.money, fee, &rest) < 0)
        return -EOVERFLOW;
    if (use->rated)
        result = add_classes(use, rest);
    use->rated = result == 0;
    if (result == -EINVAL)
        result = rest.femto != 0 || fee.femto == 0 ? add_unpriced(use, rest) : 0;
    if (result == 0 && fee.femto != 0)
        result = add_fee(use, fee);
    return result;
}

static int add_saving(struct use *use)
{
    int result = -EINVAL;
    if (use->rated)
        result = add_classes(use, (struct money){0});
    if (result == -EINVAL)
        result = use->row->saved.known ? add_unpriced(use, (struct money){0}) : 0;
    return result;
}

static void read_rating(struct use *use)
{
    const struct ledger_row *row = use->row;
    use->rated = row->rating.len > 0 && rating_parse(row->rating, &use->estimate) == 0 &&
                 use->estimate.count > 0;
}

int focus_use(struct focus_book *book, const struct ledger_row *row, int64_t hour_ms)
{
    struct use use = {.row = row, .book = book, .correction = row->corrects.len > 0};
    bool hit = row->cache == CACHE_HIT || row->cache == CACHE_COLLAPSED;
    bool charged = row->booked.known &&
                   (row->booked.money.femto != 0 ||
                    (row->verdict != VERDICT_FAILED && row->verdict != VERDICT_FREE && !hit));
    int result = 0;
    use.saving = hit && !charged && !use.correction && book->order->savings;
    if (charged || use.saving) {
        if (!hit || use.saving) /* a hit's rating is of its source: what it is charged is not */
            read_rating(&use);
        prepare(&use, hour_ms);
        result = charged ? add_charge(&use) : add_saving(&use);
    }
    if (result < 0)
        return result;
    return focus_truth_add(&book->truth, row, charged && use.rated ? &use.estimate : NULL);
}
