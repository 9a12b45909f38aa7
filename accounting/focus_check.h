/* focus_check.h - the 14 points of pricing-and-focus section 8, checked on a dataset that is read
 * back (internal to focus*.c).
 *
 *      1 columns     mandatory ones are there, values that may not be null are not
 *      2 values      allowed values exact, numbers and types as section 7 says
 *      3 periods     UTC, start before end, the charge within its month
 *      4 list        ListCost = ListUnitPrice x PricingQuantity, but for corrections
 *      5 contracted  ContractedCost likewise
 *      6 billed      the sum of BilledCost is that of the ledger
 *      7 quantities  the sums of ConsumedQuantity by class are those of the ledger
 *      8 pairs       quantities and units, SKU and meter, sub-account and name: both or neither
 *      9 strings     none is empty
 *     10 cells       JSON is flat, its keys are sorted and unique
 *     11 order       FOCUS columns before ours
 *     12 SKUs        a SkuPriceId belongs to one SkuId: it begins with it
 *     13 grain       no two lines alike: each is behind the one before it, in the file's order
 *     14 vendor      sums by model against the gateway's own report; what differs is listed
 *
 * Files of ours are what it is made for: 12 and 13 hold for the form of SkuPriceId and the order
 * that focus.h writes, which takes no memory to check.
 *
 * Threads: one per check.
 */
#ifndef ACCOUNTING_FOCUS_CHECK_H
#define ACCOUNTING_FOCUS_CHECK_H

#include "accounting/focus_decimal.h"
#include "accounting/focus_file.h"
#include "accounting/focus_truth.h"

enum focus_point {
    POINT_COLUMNS = 1,
    POINT_VALUES,
    POINT_PERIODS,
    POINT_LIST,
    POINT_CONTRACTED,
    POINT_BILLED,
    POINT_QUANTITIES,
    POINT_PAIRS,
    POINT_STRINGS,
    POINT_CELLS,
    POINT_ORDER,
    POINT_SKUS,
    POINT_GRAIN,
    POINT_VENDOR,
    FOCUS_POINTS,
};

enum { FOCUS_MESSAGE_MAX = 320 };

/* What became of one point. */
struct focus_finding {
    uint64_t faults;
    char first[FOCUS_MESSAGE_MAX]; /* the first of them */
    bool skipped;
    char note[FOCUS_MESSAGE_MAX]; /* why, or what holds */
};

/* The line before, as far as it decides the order. */
struct focus_grain;
/* Sums by model against the vendor's. */
struct focus_vendor;

struct focus_checker {
    const struct focus_order *order;
    const struct focus_truth *truth; /* NULL: 6 and 7 are not checked */
    struct focus_file *file;
    struct focus_finding findings[FOCUS_POINTS];
    /* the line's numbers: those that could be read */
    bool read[FOCUS_COLUMNS];
    struct focus_decimal number[FOCUS_COLUMNS];
    bool correction;
    /* sums */
    bool unsummed; /* a BilledCost could not be added */
    struct money billed;
    int64_t quantity[PRICE_UNITS];
    struct focus_grain *grain;
    struct focus_vendor *vendor; /* NULL: there is no report */
};

/* Notes a fault at the line that is being read. */
__attribute__((format(printf, 3, 4))) void
focus_fault(struct focus_checker *checker, enum focus_point point, const char *format, ...);

static inline struct text focus_cell(const struct focus_checker *checker, enum focus_column column)
{
    return checker->file->cells.cell[column];
}

/* Points 1 and 11 of the columns there are, and 1, 2, 3, 8, 9 of a line, whose numbers are read
 * (focus_check_values.c). */
void focus_check_names(struct focus_checker *checker);
void focus_check_values(struct focus_checker *checker);
/* Points 4, 5, 6, 7 of a line, and 6 and 7 at the end (focus_check_sums.c). */
void focus_check_sums(struct focus_checker *checker);
void focus_check_totals(struct focus_checker *checker);
/* Points 10, 12, 13 of a line (focus_check_grain.c). */
int focus_grain_new(struct focus_grain **ret_grain);
void focus_grain_free(struct focus_grain *grain);
void focus_check_grain(struct focus_checker *checker);
/* Point 14 (focus_vendor.c): reads the report; adds a line; lists what differs. */
int focus_vendor_new(const char *report, size_t len, struct focus_vendor **ret_vendor, char *error,
                     size_t error_size);
void focus_vendor_free(struct focus_vendor *vendor);
void focus_vendor_add(struct focus_vendor *vendor, const struct focus_checker *checker);
void focus_vendor_list(struct focus_checker *checker, FILE *notes);

/* Reads the dataset from where `in` stands to its end. One line for each point on notes. -EIO;
 * -ENOMEM. */
int focus_check_file(const struct focus_order *order, const struct focus_truth *truth, FILE *in,
                     FILE *notes, struct focus_check *ret_check);

#endif
