/* reconcile.c - reported cost against estimated cost. See reconcile.h. */
#include "accounting/reconcile.h"

#include <assert.h>
#include <errno.h>

#define PPM 1000000                  /* tolerance_ppm is in millionths of the estimate */
#define DIFFERENCE_FEMTO_MIN 1000000 /* 1e-9 USD: below it no difference is worth a look */

static const char *const names[VERDICTS] = {
    [VERDICT_NONE] = "",
    [VERDICT_MATCHED] = "matched",
    [VERDICT_OVER] = "over",
    [VERDICT_UNDER] = "under",
    [VERDICT_PENDING] = "pending",
    [VERDICT_UNREPORTED] = "unreported",
    [VERDICT_UNPRICED] = "unpriced",
    [VERDICT_UNKNOWN] = "unknown",
    [VERDICT_FREE] = "free",
    [VERDICT_FAILED] = "failed",
};

const char *verdict_name(enum verdict verdict)
{
    assert((unsigned)verdict < VERDICTS);
    return names[verdict];
}

/* billed + upstream. The vendor's bill is usually not there at all; then nothing comes besides. */
static int reported_sum(const struct reconcile_input *input, struct maybe_money *ret_reported)
{
    struct maybe_money reported = input->billed;

    if (reported.known && input->upstream.known) {
        int rc = money_add(reported.money, input->upstream.money, &reported.money);
        if (rc < 0)
            return rc;
    }
    *ret_reported = reported;
    return 0;
}

/* Estimate and reported list price are compared where there is one; what was billed only stands in
 * for it, since discounts and fees are part of it. */
static int difference_of(const struct reconcile_input *input, const struct maybe_money *reported,
                         struct maybe_money *ret_difference)
{
    const struct maybe_money *list = input->market.known ? &input->market : reported;
    struct maybe_money difference = {0};

    if (list->known && input->estimated.known) {
        int rc = money_subtract(list->money, input->estimated.money, &difference.money);
        if (rc < 0)
            return rc;
        difference.known = true;
    }
    *ret_difference = difference;
    return 0;
}

/* The largest whole number of femto that is not more than the tolerance, so that comparing with it
 * is comparing with the tolerance itself. Divided first: the product could be too wide. */
static int tolerance_of(const struct reconcile_input *input, struct money *ret_tolerance)
{
    struct money base, tolerance;
    int rc = money_absolute(input->estimated.money, &base);

    assert(input->tolerance_ppm >= 0);
    assert(input->estimated.known);
    if (rc < 0)
        return rc;
    if (__builtin_mul_overflow(base.femto / PPM, (__int128)input->tolerance_ppm, &tolerance.femto))
        return -EOVERFLOW;
    rc = money_add(tolerance,
                   (struct money){base.femto % PPM * (__int128)input->tolerance_ppm / PPM},
                   &tolerance);
    if (rc < 0)
        return rc;
    if (tolerance.femto < DIFFERENCE_FEMTO_MIN)
        tolerance.femto = DIFFERENCE_FEMTO_MIN;
    *ret_tolerance = tolerance;
    return 0;
}

static int compare_costs(const struct reconcile_input *input, struct money difference,
                         enum verdict *ret_verdict)
{
    struct money size = {0}, tolerance = {0};
    int rc = money_absolute(difference, &size);

    if (rc == 0)
        rc = tolerance_of(input, &tolerance);
    if (rc < 0)
        return rc;
    if (money_compare(size, tolerance) <= 0)
        *ret_verdict = VERDICT_MATCHED;
    else
        *ret_verdict = difference.femto > 0 ? VERDICT_OVER : VERDICT_UNDER;
    return 0;
}

/* The verdict where nobody said what was billed. */
static enum verdict unreported_verdict(const struct reconcile_input *input)
{
    if (input->may_still_report)
        return VERDICT_PENDING;
    return input->estimated.known ? VERDICT_UNREPORTED : VERDICT_UNKNOWN;
}

int reconcile(const struct reconcile_input *input, struct reconcile_result *ret_result)
{
    struct reconcile_result result = {0};
    struct maybe_money reported;
    int rc = reported_sum(input, &reported);

    if (rc == 0)
        rc = difference_of(input, &reported, &result.difference);
    if (rc < 0)
        return rc;
    result.booked = reported.known ? reported : input->estimated;
    if (!reported.known)
        result.verdict = unreported_verdict(input);
    else if (!input->estimated.known)
        result.verdict = VERDICT_UNPRICED;
    else
        rc = compare_costs(input, result.difference.money, &result.verdict);
    if (rc < 0)
        return rc;
    assert(result.verdict != VERDICT_NONE);
    assert(result.booked.known || !reported.known);
    *ret_result = result;
    return 0;
}
