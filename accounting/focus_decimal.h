/* focus_decimal.h - decimal numbers of any size that a dataset may hold, read from text and
 * compared exactly. The validator multiplies what it reads with nothing that the writer used.
 *
 * Threads: pure functions.
 */
#ifndef ACCOUNTING_FOCUS_DECIMAL_H
#define ACCOUNTING_FOCUS_DECIMAL_H

#include "accounting/money.h"
#include "accounting/text.h"

enum {
    FOCUS_DIGITS_MAX = 54,    /* significant digits that are read */
    FOCUS_EXPONENT_MAX = 100, /* tens that a number may be moved by */
    FOCUS_LIMBS = FOCUS_DIGITS_MAX / 9,
};

/* limb x 1e9^i, times 10^exponent; 0 has no limbs. The last digit is not 0. */
struct focus_decimal {
    bool negative;
    unsigned count;
    uint32_t limb[FOCUS_LIMBS];
    int exponent;
};

/* [-]digits[.digits][(e|E)[-]digits], the whole of text: no plus sign, no separators (section 7).
 * -EINVAL; -ERANGE: more digits or tens than above. */
int focus_decimal_parse(struct text text, struct focus_decimal *ret_decimal);

bool focus_decimal_is_product(const struct focus_decimal *a, const struct focus_decimal *b,
                              const struct focus_decimal *product);
bool focus_decimal_equal(const struct focus_decimal *a, const struct focus_decimal *b);
bool focus_decimal_is_zero(const struct focus_decimal *decimal);

/* -1, 0 or 1. */
int focus_decimal_compare(const struct focus_decimal *a, const struct focus_decimal *b);

/* The number as money, or as a whole number. -ERANGE: finer than its unit, or too large. */
int focus_decimal_money(const struct focus_decimal *decimal, struct money *ret_money);
int focus_decimal_count(const struct focus_decimal *decimal, int64_t *ret_count);

#endif
