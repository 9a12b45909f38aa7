/* focus_check_sums.c - points 4 to 7: what multiplies and what adds up. */
#include "accounting/focus_check.h"

#include "accounting/focus_class.h"
#include "accounting/focus_text.h"

static void check_product(struct focus_checker *checker, enum focus_point point,
                          enum focus_column cost, enum focus_column price)
{
    struct text text = focus_cell(checker, cost);
    if (checker->correction || !checker->read[cost] || !checker->read[price] ||
        !checker->read[FOCUS_PRICING_QUANTITY])
        return; /* what is missing or no number fails point 1 or 2 */
    if (!focus_decimal_is_product(&checker->number[price], &checker->number[FOCUS_PRICING_QUANTITY],
                                  &checker->number[cost]))
        focus_fault(checker, point, "%.*s is not its unit price times the quantity: %.*s",
                    (int)focus_column_name(cost).len, focus_column_name(cost).bytes,
                    text.len < 60 ? (int)text.len : 60, text.bytes);
}

static void add_billed(struct focus_checker *checker)
{
    struct money billed;
    if (checker->read[FOCUS_BILLED_COST] &&
        focus_decimal_money(&checker->number[FOCUS_BILLED_COST], &billed) == 0 &&
        money_add(checker->billed, billed, &checker->billed) == 0)
        return;
    checker->unsummed = true;
}

/* The class that a SkuId ends in: PRICE_UNITS for what is none, and for use that was avoided. */
static enum price_unit class_of(struct text sku)
{
    const char *slash = sku.len > 0 ? memrchr(sku.bytes, '/', sku.len) : NULL;
    if (slash == NULL)
        return PRICE_UNITS;
    return focus_class_find(slash + 1, (size_t)(sku.bytes + sku.len - slash - 1));
}

/* A price by the million is for a millionth of what was consumed. */
static void check_unit(struct focus_checker *checker)
{
    static const struct focus_decimal million = {.count = 1, .limb = {1}, .exponent = 6};
    static const struct focus_decimal one = {.count = 1, .limb = {1}};
    bool millions =
        focus_compare(focus_cell(checker, FOCUS_PRICING_UNIT), TEXT(FOCUS_MILLION_TOKENS)) == 0;
    if (checker->read[FOCUS_PRICING_QUANTITY] &&
        !focus_decimal_is_product(&checker->number[FOCUS_PRICING_QUANTITY],
                                  millions ? &million : &one,
                                  &checker->number[FOCUS_CONSUMED_QUANTITY]))
        focus_fault(checker, POINT_QUANTITIES, "PricingQuantity is not what was consumed");
}

static void add_quantity(struct focus_checker *checker)
{
    enum price_unit class = class_of(focus_cell(checker, FOCUS_SKU_ID));
    int64_t count;
    if (class == PRICE_UNITS || checker->correction || !checker->read[FOCUS_CONSUMED_QUANTITY])
        return;
    if (focus_decimal_count(&checker->number[FOCUS_CONSUMED_QUANTITY], &count) < 0 ||
        __builtin_add_overflow(checker->quantity[class], count, &checker->quantity[class])) {
        focus_fault(checker, POINT_QUANTITIES, "ConsumedQuantity is too large");
        return;
    }
    check_unit(checker);
}

void focus_check_sums(struct focus_checker *checker)
{
    check_product(checker, POINT_LIST, FOCUS_LIST_COST, FOCUS_LIST_UNIT_PRICE);
    check_product(checker, POINT_CONTRACTED, FOCUS_CONTRACTED_COST, FOCUS_CONTRACTED_UNIT_PRICE);
    add_billed(checker);
    add_quantity(checker);
}

static void check_billed(struct focus_checker *checker)
{
    struct focus_finding *finding = &checker->findings[POINT_BILLED];
    char file[MONEY_TEXT_MAX], ledger[MONEY_TEXT_MAX];
    money_print(checker->billed, file);
    money_print(checker->truth->booked, ledger);
    if (checker->unsummed)
        focus_fault(checker, POINT_BILLED, "a BilledCost cannot be added");
    else if (money_compare(checker->billed, checker->truth->booked) != 0)
        focus_fault(checker, POINT_BILLED, "%s here, %s there", file, ledger);
    snprintf(finding->note, sizeof(finding->note), "%s USD", file);
}

void focus_check_totals(struct focus_checker *checker)
{
    if (checker->file != NULL)
        checker->file->line = 0; /* sums are of no line */
    if (checker->truth == NULL) {
        checker->findings[POINT_BILLED].skipped = true;
        checker->findings[POINT_QUANTITIES].skipped = true;
        return;
    }
    check_billed(checker);
    for (unsigned i = 0; i < PRICE_UNITS; i++) {
        if (checker->quantity[i] != checker->truth->quantity[i])
            focus_fault(checker, POINT_QUANTITIES, "%s: %lld here, %lld there",
                        focus_class(FOCUS_KIND_CLASS, (enum price_unit)i)->name,
                        (long long)checker->quantity[i], (long long)checker->truth->quantity[i]);
    }
}
