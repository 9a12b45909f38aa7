#include "accounting/focus_decimal.h"

#include <assert.h>
#include <errno.h>

enum {
    LIMB_DIGITS = 9,
    LIMB = 1000000000,
    WIDE_LIMBS = 2 * FOCUS_LIMBS,
    WIDE_DIGITS = WIDE_LIMBS * LIMB_DIGITS,
};

/* A whole number, lowest limb first. */
struct wide {
    unsigned count;
    uint32_t limb[WIDE_LIMBS];
};

/* --- reading --- */

struct scan {
    const char *at, *end;
    char digits[FOCUS_DIGITS_MAX]; /* from the first to the last that is not 0 */
    int count;
    int zeros;    /* behind them: they count when another digit follows */
    int exponent; /* of the last of `digits` */
};

static bool is_digit(const struct scan *scan)
{
    return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

static int take_digit(struct scan *scan, char digit)
{
    if (digit == '0') {
        scan->zeros += scan->count > 0;
        return 0;
    }
    if (scan->count + scan->zeros >= FOCUS_DIGITS_MAX)
        return -ERANGE;
    for (; scan->zeros > 0; scan->zeros--)
        scan->digits[scan->count++] = '0';
    scan->digits[scan->count++] = digit;
    return 0;
}

static int take_digits(struct scan *scan)
{
    int result = 0, behind = 0;
    if (!is_digit(scan))
        return -EINVAL;
    while (is_digit(scan) && result == 0)
        result = take_digit(scan, *scan->at++);
    if (result == 0 && scan->at < scan->end && *scan->at == '.') {
        scan->at++;
        if (!is_digit(scan))
            return -EINVAL;
        for (; is_digit(scan) && result == 0; behind++)
            result = take_digit(scan, *scan->at++);
    }
    scan->exponent = scan->zeros - behind;
    return result;
}

static int take_exponent(struct scan *scan)
{
    bool negative;
    int exponent = 0;
    if (scan->at == scan->end)
        return 0;
    if (*scan->at != 'e' && *scan->at != 'E')
        return -EINVAL;
    scan->at++;
    negative = scan->at < scan->end && *scan->at == '-';
    scan->at += negative;
    if (!is_digit(scan))
        return -EINVAL;
    while (is_digit(scan)) {
        if (exponent > FOCUS_EXPONENT_MAX)
            return -ERANGE;
        exponent = 10 * exponent + (*scan->at++ - '0');
    }
    if (scan->at != scan->end)
        return -EINVAL;
    scan->exponent += negative ? -exponent : exponent;
    return 0;
}

static void pack(const struct scan *scan, struct focus_decimal *decimal)
{
    int end = scan->count;
    for (decimal->count = 0; end > 0; decimal->count++, end -= LIMB_DIGITS) {
        uint32_t limb = 0;
        for (int i = end > LIMB_DIGITS ? end - LIMB_DIGITS : 0; i < end; i++)
            limb = 10 * limb + (uint32_t)(scan->digits[i] - '0');
        assert(decimal->count < FOCUS_LIMBS);
        decimal->limb[decimal->count] = limb;
    }
}

int focus_decimal_parse(struct text text, struct focus_decimal *ret_decimal)
{
    struct scan scan = {.at = text.bytes, .end = text.bytes + text.len};
    struct focus_decimal decimal = {.count = 0};
    int result;
    if (text.len == 0 || text.len > MONEY_DIGITS_MAX)
        return -EINVAL;
    decimal.negative = *scan.at == '-';
    scan.at += decimal.negative;
    result = take_digits(&scan);
    if (result == 0)
        result = take_exponent(&scan);
    if (result < 0)
        return result;
    pack(&scan, &decimal);
    if (decimal.count == 0)
        decimal.negative = false;
    else
        decimal.exponent = scan.exponent;
    if (decimal.exponent > FOCUS_EXPONENT_MAX || decimal.exponent < -FOCUS_EXPONENT_MAX)
        return -ERANGE;
    *ret_decimal = decimal;
    return 0;
}

/* --- comparing --- */

static void trim(struct wide *wide)
{
    while (wide->count > 0 && wide->limb[wide->count - 1] == 0)
        wide->count--;
}

/* wide x factor; false when it does not fit. */
static bool multiply(struct wide *wide, uint32_t factor)
{
    uint64_t carry = 0;
    for (unsigned i = 0; i < wide->count; i++) {
        carry += (uint64_t)wide->limb[i] * factor;
        wide->limb[i] = (uint32_t)(carry % LIMB);
        carry /= LIMB;
    }
    if (carry == 0)
        return true;
    if (wide->count == WIDE_LIMBS)
        return false;
    wide->limb[wide->count++] = (uint32_t)carry;
    return true;
}

static bool shift(struct wide *wide, int tens)
{
    if (tens > WIDE_DIGITS)
        return wide->count == 0;
    for (; tens > 0; tens--) {
        if (!multiply(wide, 10))
            return false;
    }
    return true;
}

static struct wide widen(const struct focus_decimal *decimal)
{
    struct wide wide = {.count = decimal->count};
    for (unsigned i = 0; i < decimal->count; i++)
        wide.limb[i] = decimal->limb[i];
    return wide;
}

static int compare_wide(const struct wide *a, const struct wide *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (unsigned i = a->count; i > 0; i--) {
        if (a->limb[i - 1] != b->limb[i - 1])
            return a->limb[i - 1] < b->limb[i - 1] ? -1 : 1;
    }
    return 0;
}

bool focus_decimal_is_zero(const struct focus_decimal *decimal)
{
    return decimal->count == 0;
}

bool focus_decimal_is_product(const struct focus_decimal *a, const struct focus_decimal *b,
                              const struct focus_decimal *product)
{
    struct wide wide = {.count = a->count + b->count}, want = widen(product);
    int exponent = a->exponent + b->exponent;
    if (a->count == 0 || b->count == 0)
        return product->count == 0;
    if (product->negative != (a->negative != b->negative) || product->exponent < exponent)
        return false; /* its last digit, which is not 0, would lie below all of ours */
    for (unsigned i = 0; i < a->count; i++) {
        uint64_t carry = 0;
        for (unsigned j = 0; j < b->count; j++) {
            carry += (uint64_t)a->limb[i] * b->limb[j] + wide.limb[i + j];
            wide.limb[i + j] = (uint32_t)(carry % LIMB);
            carry /= LIMB;
        }
        wide.limb[i + b->count] = (uint32_t)carry;
    }
    trim(&wide);
    return shift(&want, product->exponent - exponent) && compare_wide(&wide, &want) == 0;
}

bool focus_decimal_equal(const struct focus_decimal *a, const struct focus_decimal *b)
{
    return focus_decimal_compare(a, b) == 0;
}

/* Sizes; both are above 0. What does not fit once it is shifted is the larger one. */
static int compare_sizes(const struct focus_decimal *a, const struct focus_decimal *b)
{
    struct wide wide_a = widen(a), wide_b = widen(b);
    if (a->exponent > b->exponent && !shift(&wide_a, a->exponent - b->exponent))
        return 1;
    if (b->exponent > a->exponent && !shift(&wide_b, b->exponent - a->exponent))
        return -1;
    return compare_wide(&wide_a, &wide_b);
}

static int sign_of(const struct focus_decimal *decimal)
{
    return decimal->count == 0 ? 0 : decimal->negative ? -1 : 1;
}

int focus_decimal_compare(const struct focus_decimal *a, const struct focus_decimal *b)
{
    int sign_a = sign_of(a), sign_b = sign_of(b);
    if (sign_a != sign_b)
        return sign_a < sign_b ? -1 : 1;
    return sign_a == 0 ? 0 : sign_a * compare_sizes(a, b);
}

/* --- as integers --- */

static int whole(const struct focus_decimal *decimal, int decimals, __int128 *ret_value)
{
    struct wide wide = widen(decimal);
    __int128 value = 0;
    if (decimal->count > 0 &&
        (decimal->exponent + decimals < 0 || !shift(&wide, decimal->exponent + decimals)))
        return -ERANGE;
    for (unsigned i = wide.count; i > 0; i--) {
        if (__builtin_mul_overflow(value, (__int128)LIMB, &value) ||
            __builtin_add_overflow(value, (__int128)wide.limb[i - 1], &value))
            return -ERANGE;
    }
    *ret_value = decimal->negative ? -value : value;
    return 0;
}

int focus_decimal_money(const struct focus_decimal *decimal, struct money *ret_money)
{
    return whole(decimal, MONEY_DECIMALS, &ret_money->femto);
}

int focus_decimal_count(const struct focus_decimal *decimal, int64_t *ret_count)
{
    __int128 value;
    if (whole(decimal, 0, &value) < 0 || value > INT64_MAX || value < INT64_MIN)
        return -ERANGE;
    *ret_count = (int64_t)value;
    return 0;
}
