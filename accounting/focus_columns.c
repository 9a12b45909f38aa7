#include "accounting/focus_columns.h"

#include "accounting/export_text.h"

#include <assert.h>

enum { ONLY_1_2 = 1 << FOCUS_1_2, ONLY_1_4 = 1 << FOCUS_1_4, BOTH = ONLY_1_2 | ONLY_1_4 };
enum {
    NEVER = FOCUS_NULL_NEVER,
    CORRECTION = FOCUS_NULL_IN_CORRECTION,
    NULLABLE = FOCUS_NULL_ALLOWED
};
enum {
    SCALE = MONEY_DECIMALS,
    /* A price with 15 decimals times a multiplier with 6. */
    CONTRACTED_SCALE = MONEY_DECIMALS + 6,
    QUANTITY_SCALE = 6,
};

#define COLUMN(name, type, null, profiles, scale)                                                  \
    {                                                                                              \
        EXPORT_NAME(name), sizeof(EXPORT_NAME(name)) - 1, type, null, profiles, scale              \
    }

static const struct focus_column_info columns[FOCUS_COLUMNS] = {
    [FOCUS_BILLED_COST] = COLUMN("BilledCost", FOCUS_DECIMAL, NEVER, BOTH, SCALE),
    [FOCUS_BILLING_ACCOUNT_ID] = COLUMN("BillingAccountId", FOCUS_STRING, NEVER, BOTH, 0),
    [FOCUS_BILLING_ACCOUNT_NAME] = COLUMN("BillingAccountName", FOCUS_STRING, NULLABLE, BOTH, 0),
    [FOCUS_BILLING_CURRENCY] = COLUMN("BillingCurrency", FOCUS_STRING, NEVER, BOTH, 0),
    [FOCUS_BILLING_PERIOD_END] = COLUMN("BillingPeriodEnd", FOCUS_TIME, NEVER, BOTH, 0),
    [FOCUS_BILLING_PERIOD_START] = COLUMN("BillingPeriodStart", FOCUS_TIME, NEVER, BOTH, 0),
    [FOCUS_CHARGE_CATEGORY] = COLUMN("ChargeCategory", FOCUS_STRING, NEVER, BOTH, 0),
    [FOCUS_CHARGE_CLASS] = COLUMN("ChargeClass", FOCUS_STRING, NULLABLE, BOTH, 0),
    [FOCUS_CHARGE_DESCRIPTION] = COLUMN("ChargeDescription", FOCUS_STRING, NULLABLE, BOTH, 0),
    [FOCUS_CHARGE_FREQUENCY] = COLUMN("ChargeFrequency", FOCUS_STRING, NEVER, BOTH, 0),
    [FOCUS_CHARGE_PERIOD_END] = COLUMN("ChargePeriodEnd", FOCUS_TIME, NEVER, BOTH, 0),
    [FOCUS_CHARGE_PERIOD_START] = COLUMN("ChargePeriodStart", FOCUS_TIME, NEVER, BOTH, 0),
    [FOCUS_CONSUMED_QUANTITY] = COLUMN("ConsumedQuantity", FOCUS_COUNT, CORRECTION, BOTH, 0),
    [FOCUS_CONSUMED_UNIT] = COLUMN("ConsumedUnit", FOCUS_STRING, CORRECTION, BOTH, 0),
    [FOCUS_CONTRACTED_COST] =
        COLUMN("ContractedCost", FOCUS_DECIMAL, NEVER, BOTH, CONTRACTED_SCALE),
    [FOCUS_CONTRACTED_UNIT_PRICE] =
        COLUMN("ContractedUnitPrice", FOCUS_DECIMAL, CORRECTION, BOTH, CONTRACTED_SCALE),
    [FOCUS_EFFECTIVE_COST] = COLUMN("EffectiveCost", FOCUS_DECIMAL, NEVER, BOTH, SCALE),
    [FOCUS_HOST_PROVIDER_NAME] = COLUMN("HostProviderName", FOCUS_STRING, NEVER, ONLY_1_4, 0),
    [FOCUS_INVOICE_ID] = COLUMN("InvoiceId", FOCUS_STRING, NULLABLE, BOTH, 0),
    [FOCUS_INVOICE_ISSUER_NAME] = COLUMN("InvoiceIssuerName", FOCUS_STRING, NEVER, BOTH, 0),
    [FOCUS_LIST_COST] = COLUMN("ListCost", FOCUS_DECIMAL, NEVER, BOTH, SCALE),
    [FOCUS_LIST_UNIT_PRICE] = COLUMN("ListUnitPrice", FOCUS_DECIMAL, CORRECTION, BOTH, SCALE),
    [FOCUS_PRICING_CATEGORY] = COLUMN("PricingCategory", FOCUS_STRING, CORRECTION, BOTH, 0),
    [FOCUS_PRICING_QUANTITY] =
        COLUMN("PricingQuantity", FOCUS_DECIMAL, CORRECTION, BOTH, QUANTITY_SCALE),
    [FOCUS_PRICING_UNIT] = COLUMN("PricingUnit", FOCUS_STRING, CORRECTION, BOTH, 0),
    [FOCUS_PROVIDER_NAME] = COLUMN("ProviderName", FOCUS_STRING, NEVER, ONLY_1_2, 0),
    [FOCUS_PUBLISHER_NAME] = COLUMN("PublisherName", FOCUS_STRING, NEVER, ONLY_1_2, 0),
    [FOCUS_REGION_ID] = COLUMN("RegionId", FOCUS_STRING, NULLABLE, BOTH, 0),
    [FOCUS_REGION_NAME] = COLUMN("RegionName", FOCUS_STRING, NULLABLE, BOTH, 0),
    [FOCUS_RESOURCE_ID] = COLUMN("ResourceId", FOCUS_STRING, NULLABLE, BOTH, 0),
    [FOCUS_RESOURCE_NAME] = COLUMN("ResourceName", FOCUS_STRING, NULLABLE, BOTH, 0),
    [FOCUS_RESOURCE_TYPE] = COLUMN("ResourceType", FOCUS_STRING, NULLABLE, BOTH, 0),
    [FOCUS_SERVICE_CATEGORY] = COLUMN("ServiceCategory", FOCUS_STRING, NEVER, BOTH, 0),
    [FOCUS_SERVICE_NAME] = COLUMN("ServiceName", FOCUS_STRING, NEVER, BOTH, 0),
    [FOCUS_SERVICE_PROVIDER_NAME] = COLUMN("ServiceProviderName", FOCUS_STRING, NEVER, ONLY_1_4, 0),
    [FOCUS_SERVICE_SUBCATEGORY] = COLUMN("ServiceSubcategory", FOCUS_STRING, NEVER, BOTH, 0),
    [FOCUS_SKU_ID] = COLUMN("SkuId", FOCUS_STRING, NEVER, BOTH, 0),
    [FOCUS_SKU_METER] = COLUMN("SkuMeter", FOCUS_STRING, NULLABLE, BOTH, 0),
    [FOCUS_SKU_PRICE_DETAILS] = COLUMN("SkuPriceDetails", FOCUS_JSON, NULLABLE, BOTH, 0),
    [FOCUS_SKU_PRICE_ID] = COLUMN("SkuPriceId", FOCUS_STRING, NEVER, BOTH, 0),
    [FOCUS_SUB_ACCOUNT_ID] = COLUMN("SubAccountId", FOCUS_STRING, NULLABLE, BOTH, 0),
    [FOCUS_SUB_ACCOUNT_NAME] = COLUMN("SubAccountName", FOCUS_STRING, NULLABLE, BOTH, 0),
    [FOCUS_SUB_ACCOUNT_TYPE] = COLUMN("SubAccountType", FOCUS_STRING, NULLABLE, BOTH, 0),
    [FOCUS_TAGS] = COLUMN("Tags", FOCUS_JSON, NULLABLE, BOTH, 0),
    [FOCUS_X_CACHE_AVOIDED_COST] =
        COLUMN("x_CacheAvoidedCost", FOCUS_DECIMAL, NULLABLE, BOTH, SCALE),
    [FOCUS_X_CACHE_HIT_COUNT] = COLUMN("x_CacheHitCount", FOCUS_COUNT, NULLABLE, BOTH, 0),
    [FOCUS_X_COST_SOURCE] = COLUMN("x_CostSource", FOCUS_STRING, NULLABLE, BOTH, 0),
    [FOCUS_X_ESTIMATED_COST] = COLUMN("x_EstimatedCost", FOCUS_DECIMAL, NULLABLE, BOTH, SCALE),
    [FOCUS_X_LEDGER_FIRST_SEQ] = COLUMN("x_LedgerFirstSeq", FOCUS_STRING, NULLABLE, BOTH, 0),
    [FOCUS_X_LEDGER_LAST_SEQ] = COLUMN("x_LedgerLastSeq", FOCUS_STRING, NULLABLE, BOTH, 0),
    [FOCUS_X_LEDGER_ROOT_HASH] = COLUMN("x_LedgerRootHash", FOCUS_STRING, NULLABLE, BOTH, 0),
    [FOCUS_X_PRICE_TABLE_HASH] = COLUMN("x_PriceTableHash", FOCUS_STRING, NULLABLE, BOTH, 0),
    [FOCUS_X_RECONCILIATION_STATUS] =
        COLUMN("x_ReconciliationStatus", FOCUS_STRING, NULLABLE, BOTH, 0),
    [FOCUS_X_REPORTED_COST] = COLUMN("x_ReportedCost", FOCUS_DECIMAL, NULLABLE, BOTH, SCALE),
    [FOCUS_X_REQUEST_COUNT] = COLUMN("x_RequestCount", FOCUS_COUNT, NULLABLE, BOTH, 0),
    [FOCUS_X_VARIANCE] = COLUMN("x_Variance", FOCUS_DECIMAL, NULLABLE, BOTH, SCALE),
};

const struct focus_column_info *focus_column_info(enum focus_column column)
{
    assert((unsigned)column < FOCUS_COLUMNS);
    assert(columns[column].name != NULL);
    return &columns[column];
}

bool focus_column_in(enum focus_column column, enum focus_profile profile)
{
    return (focus_column_info(column)->profiles & 1u << profile) != 0;
}

struct text focus_column_name(enum focus_column column)
{
    const struct focus_column_info *info = focus_column_info(column);
    return (struct text){info->name + 1, info->name_len - (size_t)3};
}

enum focus_column focus_column_find(const char *name, size_t len)
{
    for (unsigned i = 0; i < FOCUS_COLUMNS; i++) {
        struct text own = focus_column_name((enum focus_column)i);
        if (own.len == len && memcmp(own.bytes, name, len) == 0)
            return (enum focus_column)i;
    }
    return FOCUS_COLUMNS;
}
