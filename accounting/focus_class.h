/* focus_class.h - the classes of use in the words of a FOCUS dataset. Threads: pure functions. */
#ifndef ACCOUNTING_FOCUS_CLASS_H
#define ACCOUNTING_FOCUS_CLASS_H

#include "accounting/price.h"

/* What a line charges for: a class of use at a list price, a request for which none is known, or
 * what the gateway takes besides. */
enum focus_kind { FOCUS_KIND_CLASS, FOCUS_KIND_UNPRICED, FOCUS_KIND_SURCHARGE };

struct focus_class {
    const char *name;  /* the end of its SkuId: "cache_read" */
    const char *meter; /* SkuMeter: "Cached Input Tokens" */
    const char *words; /* the end of its ChargeDescription: "cached input tokens" */
    const char *unit;  /* ConsumedUnit: "Tokens" */
    const char *ttl;   /* how long a written cache lasts: "5m"; NULL: it is no cache write */
    bool millions;     /* priced by the million */
};

/* class counts only where kind is FOCUS_KIND_CLASS. */
const struct focus_class *focus_class(enum focus_kind kind, enum price_unit class);

/* The class of that name, PRICE_UNITS when there is none. */
enum price_unit focus_class_find(const char *name, size_t len);

#define FOCUS_MILLION INT64_C(1000000)
#define FOCUS_MILLION_TOKENS "1000000 Tokens" /* PricingUnit of what is priced by the million */
#define FOCUS_SURCHARGE_SKU "gateway/surcharge"
#define FOCUS_SAVING "/response-cache" /* the end of a savings line's SkuId */

#endif
