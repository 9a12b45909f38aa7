/* money.c - exact decimal money in integers of 1e-15 USD. See money.h.
 *
 * Parsing keeps the decimal digits as text until it is known how many of them count, so no
 * intermediate form is narrower than the input.
 */
#include "accounting/money.h"

#include <assert.h>
#include <errno.h>

enum {
    SIGNIFICANT_MAX = 15, /* more digits than this are what binary arithmetic left behind */
    DENOISED_DIGITS = 12, /* published prices seen need at most these */
    /* Exponents saturate here: far beyond what any value that fits can have, with room left for
     * the digits of the longest text, and too small to overflow anything. */
    EXPONENT_LIMIT = 1000 * 1000,
};

#define MONEY_MAX ((__int128)(~(unsigned __int128)0 >> 1))

_Static_assert(MONEY_TEXT_MAX >= 1 + 39 + 2 + 1, "sign, 39 digits, \"0.\" and NUL must fit");
_Static_assert(SIGNIFICANT_MAX > DENOISED_DIGITS + 1,
               "denoise() counts on a digit behind the 13th");
_Static_assert(EXPONENT_LIMIT > 2 * MONEY_DIGITS_MAX, "saturation must not meet real exponents");

/* digits x 10^exponent; no leading and no trailing zeros, so zero has no digits at all. */
struct decimal {
    bool negative;
    size_t count;
    int64_t exponent;
    char digits[MONEY_DIGITS_MAX];
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes a run of digits beginning at `at`; returns the position behind it. */
static size_t scan_digits(const char *text, size_t len, size_t at, struct decimal *decimal)
{
    while (at < len && is_digit(text[at])) {
        if (decimal->count > 0 || text[at] != '0')
            decimal->digits[decimal->count++] = text[at];
        at++;
    }
    return at;
}

/* Reads what follows the e; -1 when that is not [+-]digits up to the end of the text. */
static int scan_exponent(const char *text, size_t len, size_t at, int64_t *ret_exponent)
{
    bool negative = at < len && text[at] == '-';
    int64_t exponent = 0;

    if (at < len && (text[at] == '-' || text[at] == '+'))
        at++;
    if (at == len)
        return -1;
    for (; at < len; at++) {
        if (!is_digit(text[at]))
            return -1;
        exponent = exponent * 10 + (text[at] - '0');
        if (exponent > EXPONENT_LIMIT)
            exponent = EXPONENT_LIMIT;
    }
    *ret_exponent = negative ? -exponent : exponent;
    return 0;
}

/* Splits text into its digits and exponent; -1 when it does not follow the grammar. */
static int scan_decimal(const char *text, size_t len, struct decimal *decimal)
{
    int64_t exponent = 0;
    size_t fraction = 0;
    size_t start;
    size_t at;

    decimal->negative = len > 0 && text[0] == '-';
    decimal->count = 0;
    start = decimal->negative ? 1 : 0;
    at = scan_digits(text, len, start, decimal);
    if (at == start)
        return -1;
    if (at < len && text[at] == '.') {
        start = at + 1;
        at = scan_digits(text, len, start, decimal);
        fraction = at - start;
        if (fraction == 0)
            return -1;
    }
    if (at < len) {
        if (text[at] != 'e' && text[at] != 'E')
            return -1;
        if (scan_exponent(text, len, at + 1, &exponent) < 0)
            return -1;
    }
    decimal->exponent = exponent - (int64_t)fraction;
    for (; decimal->count > 0 && decimal->digits[decimal->count - 1] == '0'; decimal->count--)
        decimal->exponent++;
    return 0;
}

/* Whether a quotient whose last digit is odd or not goes up, given what division left over. */
static bool rounds_up(bool odd, uint64_t remainder, uint64_t divisor)
{
    assert(remainder < divisor);
    assert(divisor <= UINT64_MAX / 2 + 1); /* else doubling the remainder could wrap */
    return remainder * 2 > divisor || (remainder * 2 == divisor && odd);
}

static uint64_t leading_digits(const struct decimal *decimal, size_t count)
{
    uint64_t value = 0;

    assert(count <= decimal->count);
    assert(count <= SIGNIFICANT_MAX);
    for (size_t i = 0; i < count; i++)
        value = value * 10 + (uint64_t)(decimal->digits[i] - '0');
    return value;
}

/* The first 12 of more than 15 digits, rounded half-even by the rest. A tie cannot be: the last
 * digit is not 0, so behind a 5 in the 13th place there is always something more. */
static uint64_t denoise(const struct decimal *decimal)
{
    uint64_t value = leading_digits(decimal, DENOISED_DIGITS);

    assert(decimal->count > SIGNIFICANT_MAX);
    assert(decimal->digits[decimal->count - 1] != '0');
    return decimal->digits[DENOISED_DIGITS] >= '5' ? value + 1 : value;
}

/* significand x 10^shift as an integer, rounded half-even; -ERANGE when it does not fit. */
static int shift_decimal(uint64_t significand, int64_t shift, __int128 *ret_value)
{
    __int128 value = (__int128)significand;
    uint64_t divisor = 1;

    assert(significand > 0);
    if (shift >= 0) {
        for (; shift > 0; shift--) {
            if (__builtin_mul_overflow(value, (__int128)10, &value))
                return -ERANGE; /* after 39 steps at the latest, whatever the exponent says */
        }
        *ret_value = value;
        return 0;
    }
    /* 10^16 is already more than twice any significand: what is smaller still rounds to 0. */
    if (shift < -(SIGNIFICANT_MAX + 1)) {
        *ret_value = 0;
        return 0;
    }
    for (; shift < 0; shift++)
        divisor *= 10;
    value = (__int128)(significand / divisor);
    if (rounds_up((value & 1) != 0, significand % divisor, divisor))
        value++;
    *ret_value = value;
    return 0;
}

int money_parse(const char *text, size_t len, struct money *ret_money,
                enum money_precision *ret_precision)
{
    enum money_precision precision = MONEY_EXACT;
    struct decimal decimal;
    __int128 femto = 0;

    if (len > MONEY_DIGITS_MAX || scan_decimal(text, len, &decimal) < 0)
        return -EINVAL;
    if (decimal.count > 0) {
        bool noisy = decimal.count > SIGNIFICANT_MAX;
        size_t kept = noisy ? DENOISED_DIGITS : decimal.count;
        uint64_t significand = noisy ? denoise(&decimal) : leading_digits(&decimal, kept);
        int64_t shift = decimal.exponent + (int64_t)(decimal.count - kept) + MONEY_DECIMALS;
        int rc = shift_decimal(significand, shift, &femto);
        if (rc < 0)
            return rc;
        if (noisy)
            precision = MONEY_DENOISED;
        else if (shift < 0) /* the last digit is not 0, so something was cut off */
            precision = MONEY_INEXACT;
    }
    assert(femto >= 0);
    ret_money->femto = decimal.negative ? -femto : femto;
    if (ret_precision != NULL)
        *ret_precision = precision;
    return 0;
}

int unit_price_parse(const char *text, size_t len, struct unit_price *ret_price,
                     enum money_precision *ret_precision)
{
    enum money_precision precision;
    struct money money;
    int rc = money_parse(text, len, &money, &precision);

    if (rc < 0)
        return rc;
    if (money.femto > INT64_MAX || money.femto < INT64_MIN)
        return -ERANGE;
    ret_price->femto = (int64_t)money.femto;
    if (ret_precision != NULL)
        *ret_precision = precision;
    return 0;
}

int money_add(struct money a, struct money b, struct money *ret_sum)
{
    __int128 sum;

    if (__builtin_add_overflow(a.femto, b.femto, &sum))
        return -EOVERFLOW;
    ret_sum->femto = sum;
    return 0;
}

int money_subtract(struct money a, struct money b, struct money *ret_difference)
{
    __int128 difference;

    if (__builtin_sub_overflow(a.femto, b.femto, &difference))
        return -EOVERFLOW;
    ret_difference->femto = difference;
    return 0;
}

int money_multiply(struct unit_price price, int64_t count, struct money *ret_cost)
{
    if (count < 0)
        return -EINVAL; /* an absent count is -1: it must never become money */
    ret_cost->femto = (__int128)price.femto * count;
    return 0;
}

static unsigned __int128 magnitude(__int128 value)
{
    return value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
}

/* a x b / divisor, rounded half-even. The product has up to 192 bits: it is kept as three 64-bit
 * limbs and divided limb by limb, as on paper. */
static int multiply_divide(unsigned __int128 a, uint64_t b, uint64_t divisor,
                           unsigned __int128 *ret_quotient)
{
    unsigned __int128 low = (unsigned __int128)(uint64_t)a * b;
    unsigned __int128 high = (unsigned __int128)(uint64_t)(a >> 64) * b + (low >> 64);
    uint64_t limbs[3] = {(uint64_t)(high >> 64), (uint64_t)high, (uint64_t)low};
    uint64_t quotient[3];
    uint64_t remainder = 0;
    unsigned __int128 value;

    for (int i = 0; i < 3; i++) {
        unsigned __int128 part = (unsigned __int128)remainder << 64 | limbs[i];
        quotient[i] = (uint64_t)(part / divisor);
        remainder = (uint64_t)(part % divisor);
    }
    if (quotient[0] != 0)
        return -EOVERFLOW;
    value = (unsigned __int128)quotient[1] << 64 | quotient[2];
    if (rounds_up((value & 1) != 0, remainder, divisor) &&
        __builtin_add_overflow(value, (unsigned __int128)1, &value))
        return -EOVERFLOW;
    *ret_quotient = value;
    return 0;
}

int money_scale(struct money money, int64_t numerator, int64_t denominator,
                struct money *ret_scaled)
{
    bool negative = (money.femto < 0) != (numerator < 0);
    unsigned __int128 scaled;

    assert(denominator > 0);
    if (multiply_divide(magnitude(money.femto), (uint64_t)magnitude(numerator),
                        (uint64_t)denominator, &scaled) < 0)
        return -EOVERFLOW;
    if (scaled > (unsigned __int128)MONEY_MAX + (negative ? 1 : 0))
        return -EOVERFLOW;
    ret_scaled->femto = (__int128)(negative ? -scaled : scaled);
    return 0;
}

int money_compare(struct money a, struct money b)
{
    return (a.femto > b.femto) - (a.femto < b.femto);
}

int money_absolute(struct money money, struct money *ret_absolute)
{
    unsigned __int128 absolute = magnitude(money.femto);

    if (absolute > (unsigned __int128)MONEY_MAX)
        return -EOVERFLOW;
    ret_absolute->femto = (__int128)absolute;
    return 0;
}

size_t money_print(struct money money, char text[MONEY_TEXT_MAX])
{
    unsigned __int128 rest = magnitude(money.femto);
    char reversed[MONEY_TEXT_MAX];
    size_t count = 0;
    size_t len = 0;
    int places;

    for (places = MONEY_DECIMALS; places > 0 && rest % 10 == 0; places--)
        rest /= 10; /* trailing zeros of the fraction */
    for (; places > 0; places--, rest /= 10)
        reversed[count++] = (char)('0' + (int)(rest % 10));
    if (count > 0)
        reversed[count++] = '.';
    do {
        reversed[count++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest > 0);
    if (money.femto < 0)
        reversed[count++] = '-';
    assert(count < MONEY_TEXT_MAX);
    while (count > 0)
        text[len++] = reversed[--count];
    text[len] = '\0';
    return len;
}
