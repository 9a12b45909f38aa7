/* focus_check_grain.c - points 10, 12 and 13: cells that are JSON, SKUs, and that no line comes
 * twice. */
#include "accounting/focus_check.h"

#include "accounting/focus_json.h"
#include "accounting/focus_text.h"

#include <errno.h>
#include <stdlib.h>

/* What lines are sorted by (focus_lines.c): texts, then two prices. */
static const enum focus_column order[] = {
    FOCUS_CHARGE_PERIOD_START,
    FOCUS_BILLING_ACCOUNT_ID,
    FOCUS_SUB_ACCOUNT_ID,
    FOCUS_SKU_PRICE_ID,
    FOCUS_TAGS,
    FOCUS_SUB_ACCOUNT_TYPE,
    FOCUS_RESOURCE_ID,
    FOCUS_RESOURCE_NAME,
    FOCUS_SERVICE_NAME,
    FOCUS_INVOICE_ISSUER_NAME,
    FOCUS_CHARGE_CLASS,
};
enum { TEXTS = sizeof(order) / sizeof(order[0]) };

/* Texts of JSON lines are written anew from what was read, and may grow on the way. */
enum { GRAIN_BYTES = 6 * FOCUS_RECORD_MAX };

struct focus_grain {
    bool any;
    struct text text[TEXTS];
    struct focus_decimal price, contracted;
    char bytes[GRAIN_BYTES];
};

int focus_grain_new(struct focus_grain **ret_grain)
{
    struct focus_grain *grain = calloc(1, sizeof(*grain));
    if (grain == NULL)
        return -ENOMEM;
    *ret_grain = grain;
    return 0;
}

void focus_grain_free(struct focus_grain *grain)
{
    free(grain);
}

/* --- 10: cells --- */

static void check_cell(struct focus_checker *checker, enum focus_column column)
{
    struct text text = focus_cell(checker, column), name = focus_column_name(column);
    if (text.len > 0 && !focus_json_is_flat(text))
        focus_fault(checker, POINT_CELLS, "%.*s is no flat object with sorted keys", (int)name.len,
                    name.bytes);
}

/* --- 12: SKUs --- */

static void check_sku(struct focus_checker *checker)
{
    struct text sku = focus_cell(checker, FOCUS_SKU_ID);
    struct text price = focus_cell(checker, FOCUS_SKU_PRICE_ID);
    const char *at = price.len > 0 ? memrchr(price.bytes, '@', price.len) : NULL;
    if (price.len == 0)
        return;
    if (at == NULL ||
        focus_compare(sku, (struct text){price.bytes, (size_t)(at - price.bytes)}) != 0)
        focus_fault(checker, POINT_SKUS, "SkuPriceId %.*s is not of SkuId %.*s",
                    price.len < 100 ? (int)price.len : 100, price.bytes,
                    sku.len < 100 ? (int)sku.len : 100, sku.bytes);
}

/* --- 13: grain --- */

static struct focus_decimal number_of(const struct focus_checker *checker, enum focus_column column)
{
    return checker->read[column] ? checker->number[column] : (struct focus_decimal){.count = 0};
}

static int compare(const struct focus_checker *checker, const struct focus_grain *grain)
{
    struct focus_decimal price = number_of(checker, FOCUS_LIST_UNIT_PRICE);
    struct focus_decimal contracted = number_of(checker, FOCUS_CONTRACTED_UNIT_PRICE);
    int result = 0;
    for (unsigned i = 0; i < TEXTS && result == 0; i++)
        result = focus_compare(grain->text[i], focus_cell(checker, order[i]));
    if (result == 0)
        result = focus_decimal_compare(&grain->price, &price);
    return result != 0 ? result : focus_decimal_compare(&grain->contracted, &contracted);
}

static void keep(const struct focus_checker *checker, struct focus_grain *grain)
{
    size_t used = 0;
    for (unsigned i = 0; i < TEXTS; i++) {
        struct text text = focus_cell(checker, order[i]);
        if (text.len > GRAIN_BYTES - used)
            text.len = GRAIN_BYTES - used;
        if (text.len > 0)
            memcpy(grain->bytes + used, text.bytes, text.len);
        grain->text[i] = (struct text){grain->bytes + used, text.len};
        used += text.len;
    }
    grain->price = number_of(checker, FOCUS_LIST_UNIT_PRICE);
    grain->contracted = number_of(checker, FOCUS_CONTRACTED_UNIT_PRICE);
    grain->any = true;
}

void focus_check_grain(struct focus_checker *checker)
{
    struct focus_grain *grain = checker->grain;
    int result;
    check_cell(checker, FOCUS_TAGS);
    check_cell(checker, FOCUS_SKU_PRICE_DETAILS);
    check_sku(checker);
    if (grain->any) {
        result = compare(checker, grain);
        if (result == 0)
            focus_fault(checker, POINT_GRAIN, "the same grain as the line before");
        else if (result > 0)
            focus_fault(checker, POINT_GRAIN, "out of order: that none comes twice cannot be seen");
    }
    keep(checker, grain);
}
