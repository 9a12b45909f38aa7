/* money.h - exact decimal money: parse, add, multiply, print.
 *
 * Money is a 128-bit integer of 1e-15 USD ("femto"); a unit price (USD per token, image, second)
 * is a 64-bit integer of the same unit. No binary fraction ever holds either. Every operation is
 * exact or refused: overflow is -EOVERFLOW and leaves the output alone, it never wraps.
 *
 * Threads: pure functions. Ownership: values only.
 */
#ifndef ACCOUNTING_MONEY_H
#define ACCOUNTING_MONEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MONEY_DECIMALS = 15,     /* places behind the point */
    MONEY_TEXT_MAX = 48,     /* bytes that money_print() may write, its NUL included */
    MONEY_DIGITS_MAX = 1024, /* bytes of decimal text that are looked at; longer is -EINVAL */
};

struct money {
    __int128 femto; /* 1e-15 USD */
};

struct unit_price {
    int64_t femto; /* 1e-15 USD per unit: up to 9,223 USD a unit */
};

/* What parsing had to do to the text (pricing-and-focus.md section 2). Digits are significant from
 * the first to the last that is not 0, so that "0.10" and "1000" never count as noise. */
enum money_precision {
    MONEY_EXACT,    /* the value is the text's, to the last digit */
    MONEY_INEXACT,  /* at most 15 significant digits, more than 15 decimals: half-even to 15 */
    MONEY_DENOISED, /* more than 15 significant digits (binary noise): half-even to 12 of them,
                       then, where that still leaves more than 15 decimals, half-even to 15 */
};

/* Reads [-]digits[.digits][(e|E)[+-]digits], the whole of text and nothing around it. A lone
 * point, NaN, Infinity, hex, white space and a leading plus are -EINVAL; a value that does not fit
 * is -ERANGE. ret_precision may be NULL. On failure no output is touched.
 * Whatever was parsed prints as text that parses to the same value. A sum may have more than 15
 * significant digits: its printed text would be denoised here, so sums are stored as integers. */
int money_parse(const char *text, size_t len, struct money *ret_money,
                enum money_precision *ret_precision);

/* The same for a unit price. */
int unit_price_parse(const char *text, size_t len, struct unit_price *ret_price,
                     enum money_precision *ret_precision);

/* a + b and a - b; -EOVERFLOW when the result does not fit. */
int money_add(struct money a, struct money b, struct money *ret_sum);
int money_subtract(struct money a, struct money b, struct money *ret_difference);

/* price x count; count is a number of tokens, images, ...: below 0 is -EINVAL. The product of two
 * 64-bit numbers always fits. */
int money_multiply(struct unit_price price, int64_t count, struct money *ret_cost);

/* money x numerator / denominator with one half-even rounding; denominator > 0. -EOVERFLOW when
 * the result does not fit; what lies between may be wider than 128 bits. Used for multipliers. */
int money_scale(struct money money, int64_t numerator, int64_t denominator,
                struct money *ret_scaled);

/* -1, 0 or 1. */
int money_compare(struct money a, struct money b);
/* |money|; -EOVERFLOW for the one value without a positive twin. */
int money_absolute(struct money money, struct money *ret_absolute);

/* Plain decimal: no exponent, no plus sign, no trailing zeros ("0", "0.05", "-1.2"). Writes at
 * most MONEY_TEXT_MAX bytes with the NUL; returns the length without it. */
size_t money_print(struct money money, char text[MONEY_TEXT_MAX]);

#endif
