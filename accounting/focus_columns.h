/* focus_columns.h - the columns of a FOCUS dataset, in the order in which they are written: those
 * of the specification by name, then our own. One table from which the lines, the metadata and the
 * validator are made.
 *
 * Threads: pure functions.
 */
#ifndef ACCOUNTING_FOCUS_COLUMNS_H
#define ACCOUNTING_FOCUS_COLUMNS_H

#include "accounting/focus.h"

enum focus_column {
    FOCUS_BILLED_COST,
    FOCUS_BILLING_ACCOUNT_ID,
    FOCUS_BILLING_ACCOUNT_NAME,
    FOCUS_BILLING_CURRENCY,
    FOCUS_BILLING_PERIOD_END,
    FOCUS_BILLING_PERIOD_START,
    FOCUS_CHARGE_CATEGORY,
    FOCUS_CHARGE_CLASS,
    FOCUS_CHARGE_DESCRIPTION,
    FOCUS_CHARGE_FREQUENCY,
    FOCUS_CHARGE_PERIOD_END,
    FOCUS_CHARGE_PERIOD_START,
    FOCUS_CONSUMED_QUANTITY,
    FOCUS_CONSUMED_UNIT,
    FOCUS_CONTRACTED_COST,
    FOCUS_CONTRACTED_UNIT_PRICE,
    FOCUS_EFFECTIVE_COST,
    FOCUS_HOST_PROVIDER_NAME,
    FOCUS_INVOICE_ID,
    FOCUS_INVOICE_ISSUER_NAME,
    FOCUS_LIST_COST,
    FOCUS_LIST_UNIT_PRICE,
    FOCUS_PRICING_CATEGORY,
    FOCUS_PRICING_QUANTITY,
    FOCUS_PRICING_UNIT,
    FOCUS_PROVIDER_NAME,
    FOCUS_PUBLISHER_NAME,
    FOCUS_REGION_ID,
    FOCUS_REGION_NAME,
    FOCUS_RESOURCE_ID,
    FOCUS_RESOURCE_NAME,
    FOCUS_RESOURCE_TYPE,
    FOCUS_SERVICE_CATEGORY,
    FOCUS_SERVICE_NAME,
    FOCUS_SERVICE_PROVIDER_NAME,
    FOCUS_SERVICE_SUBCATEGORY,
    FOCUS_SKU_ID,
    FOCUS_SKU_METER,
    FOCUS_SKU_PRICE_DETAILS,
    FOCUS_SKU_PRICE_ID,
    FOCUS_SUB_ACCOUNT_ID,
    FOCUS_SUB_ACCOUNT_NAME,
    FOCUS_SUB_ACCOUNT_TYPE,
    FOCUS_TAGS,
    FOCUS_X_CACHE_AVOIDED_COST,
    FOCUS_X_CACHE_HIT_COUNT,
    FOCUS_X_COST_SOURCE,
    FOCUS_X_ESTIMATED_COST,
    FOCUS_X_LEDGER_FIRST_SEQ,
    FOCUS_X_LEDGER_LAST_SEQ,
    FOCUS_X_LEDGER_ROOT_HASH,
    FOCUS_X_PRICE_TABLE_HASH,
    FOCUS_X_RECONCILIATION_STATUS,
    FOCUS_X_REPORTED_COST,
    FOCUS_X_REQUEST_COUNT,
    FOCUS_X_VARIANCE,
    FOCUS_COLUMNS,
    FOCUS_X_FIRST = FOCUS_X_CACHE_AVOIDED_COST,
};

enum focus_type {
    FOCUS_STRING,
    FOCUS_DECIMAL, /* a string in JSON lines, so that nobody makes a double of it */
    FOCUS_COUNT,   /* a whole number */
    FOCUS_TIME,
    FOCUS_JSON, /* an object */
};

enum focus_null {
    FOCUS_NULL_NEVER,
    FOCUS_NULL_IN_CORRECTION, /* only in lines whose ChargeClass is Correction */
    FOCUS_NULL_ALLOWED,
};

struct focus_column_info {
    const char *name; /* as EXPORT_NAME makes it (export_text.h) */
    uint8_t name_len; /* of that */
    uint8_t type, null;
    uint8_t profiles; /* bit 1u << enum focus_profile */
    uint8_t scale;    /* decimals that it may have; of decimals */
};

const struct focus_column_info *focus_column_info(enum focus_column column);
bool focus_column_in(enum focus_column column, enum focus_profile profile);
/* The column of that name, whatever the profile; FOCUS_COLUMNS: none. */
enum focus_column focus_column_find(const char *name, size_t len);
/* Its name alone. */
struct text focus_column_name(enum focus_column column);

/* The values of one line, as text: NULL is null. borrow. */
struct focus_cells {
    struct text cell[FOCUS_COLUMNS];
};

#endif
