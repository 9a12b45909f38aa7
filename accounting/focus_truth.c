#include "accounting/focus_truth.h"

#include <assert.h>
#include <errno.h>

static int64_t counted(int64_t count)
{
    return count > 0 ? count : 0;
}

/* Whether the row's columns count the same tokens as its rating. Where classes exceeded their total
 * they do not, and nobody claims it. */
static bool counts_agree(const struct ledger_row *row, const struct estimate *estimate)
{
    const struct usage *usage = &row->usage;
    int64_t quantity[PRICE_UNITS] = {0};
    __int128 input = counted(usage->prompt_tokens), read = counted(usage->cached_tokens);
    __int128 hour = counted(usage->cache_write_1h_tokens);
    __int128 writes = usage->cache_write_tokens < 0 ? hour : usage->cache_write_tokens;
    __int128 rated_input, rated_output;
    if ((estimate->flags & ESTIMATE_USAGE_INCONSISTENT) != 0)
        return true;
    for (unsigned i = 0; i < estimate->count; i++)
        quantity[estimate->lines[i].class] = estimate->lines[i].quantity;
    if (usage->exclusive || (estimate->flags & ESTIMATE_WRITES_OUTSIDE) != 0)
        input += writes;
    if (usage->exclusive)
        input += read;
    rated_input = (__int128)quantity[PRICE_INPUT] + quantity[PRICE_CACHE_READ] +
                  quantity[PRICE_CACHE_WRITE] + quantity[PRICE_CACHE_WRITE_1H] +
                  quantity[PRICE_INPUT_AUDIO] + quantity[PRICE_INPUT_IMAGE] +
                  quantity[PRICE_INPUT_VIDEO];
    rated_output = (__int128)quantity[PRICE_OUTPUT] + quantity[PRICE_REASONING] +
                   quantity[PRICE_OUTPUT_IMAGE] + quantity[PRICE_OUTPUT_AUDIO];
    return rated_input == input && rated_output == counted(usage->completion_tokens) &&
           quantity[PRICE_CACHE_READ] == read &&
           (__int128)quantity[PRICE_CACHE_WRITE] + quantity[PRICE_CACHE_WRITE_1H] == writes;
}

static int add_quantities(struct focus_truth *truth, const struct estimate *estimate)
{
    for (unsigned i = 0; i < estimate->count; i++) {
        int64_t *sum = &truth->quantity[estimate->lines[i].class];
        if (__builtin_add_overflow(*sum, estimate->lines[i].quantity, sum))
            return -EOVERFLOW;
    }
    return 0;
}

int focus_truth_add(struct focus_truth *truth, const struct ledger_row *row,
                    const struct estimate *estimate)
{
    bool correction = row->corrects.len > 0;
    if (row->cache == CACHE_HIT || row->cache == CACHE_COLLAPSED)
        truth->hits++;
    if (!row->booked.known) {
        truth->unknown +=
            row->verdict != VERDICT_FAILED && row->verdict != VERDICT_FREE && !correction;
        return 0;
    }
    truth->requests += row->verdict != VERDICT_FAILED && row->verdict != VERDICT_FREE;
    truth->pending += row->verdict == VERDICT_PENDING;
    truth->corrections += correction;
    if (estimate != NULL && !correction) {
        truth->other_tokens += !counts_agree(row, estimate);
        if (add_quantities(truth, estimate) < 0)
            return -EOVERFLOW;
    }
    return money_add(truth->booked, row->booked.money, &truth->booked);
}
