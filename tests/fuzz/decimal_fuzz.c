/* decimal_fuzz.c - laws of money_parse() and money_print(), against digits counted by hand.
 *
 *  1. Exactly the texts of the grammar are accepted (or refused for their size alone).
 *  2. What is accepted prints as text that parses back to the same value, exactly.
 *  3. At most 15 significant digits and 15 decimals: the value is the text's, digit by digit.
 *  4. Otherwise the value is the text's rounded half-even, as the precision says, computed here on
 *     decimal digits without a single multiplication.
 */
#include "accounting/money.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 100000, KEPT_MAX = 2 * MONEY_DIGITS_MAX };

/* 0.d1 d2 d3 ... x 10^point, d1 not 0; zero has no digits. */
struct number {
    bool negative;
    int count;
    long point;
    char digits[KEPT_MAX];
};

static bool digit(const char *text, size_t len, size_t at)
{
    return at < len && text[at] >= '0' && text[at] <= '9';
}

/* Follows the grammar; false where the text leaves it. */
static bool read_number(const char *text, size_t len, struct number *number)
{
    size_t at = len > 0 && text[0] == '-';
    bool behind = false;
    long exponent = 0;

    *number = (struct number){.negative = at == 1};
    if (!digit(text, len, at))
        return false;
    for (;; at++) {
        if (digit(text, len, at)) {
            if (text[at] != '0' || number->count > 0)
                number->digits[number->count++] = text[at];
            if (!behind && number->count > 0)
                number->point++;
            if (behind && number->count == 0)
                number->point--;
        } else if (at < len && text[at] == '.' && !behind && digit(text, len, at + 1)) {
            behind = true;
        } else {
            break;
        }
    }
    if (at < len) {
        bool down = at + 1 < len && text[at + 1] == '-';
        if (text[at] != 'e' && text[at] != 'E')
            return false;
        at += 1 + (size_t)(at + 1 < len && (text[at + 1] == '-' || text[at + 1] == '+'));
        if (at == len)
            return false;
        for (; digit(text, len, at); at++)
            exponent = exponent > LIMIT ? LIMIT : exponent * 10 + (text[at] - '0');
        if (at != len)
            return false;
        number->point += down ? -exponent : exponent;
    }
    while (number->count > 0 && number->digits[number->count - 1] == '0')
        number->count--;
    return true;
}

/* Keeps so many digits, half-even. Below 0 the first digit is already less than a tenth of a unit.
 */
static void round_number(struct number *number, long keep)
{
    bool up;

    if (keep >= number->count)
        return;
    if (keep < 0) {
        number->count = 0;
        return;
    }
    up = number->digits[keep] > '5' || (number->digits[keep] == '5' && number->count > keep + 1);
    if (number->digits[keep] == '5' && number->count == keep + 1)
        up = keep > 0 && (number->digits[keep - 1] - '0') % 2 == 1;
    number->count = (int)keep;
    while (up && number->count > 0 && number->digits[number->count - 1] == '9')
        number->count--;
    if (up && number->count > 0) {
        number->digits[number->count - 1]++;
    } else if (up) { /* 0.99... became 1 */
        number->digits[number->count++] = '1';
        number->point++;
    }
    while (number->count > 0 && number->digits[number->count - 1] == '0')
        number->count--;
}

/* Whether femto is number x 10^15, compared digit by digit from the lowest. number has at most 15
 * decimals. */
static bool equals(const struct number *number, __int128 femto)
{
    unsigned __int128 rest = femto < 0 ? -(unsigned __int128)femto : (unsigned __int128)femto;

    if (number->count == 0)
        return femto == 0;
    if ((femto < 0) != number->negative)
        return false;
    for (long place = number->point + MONEY_DECIMALS - 1; place >= 0; place--, rest /= 10) {
        if (rest % 10 != (unsigned)(place < number->count ? number->digits[place] - '0' : 0))
            return false;
    }
    return rest == 0;
}

/* Whether number x 10^15 is above 2^127 - 1. 2^127 has 39 digits. */
static bool too_wide(const struct number *number)
{
    static const char max[] = "170141183460469231731687303715884105727";
    long digits = number->point + MONEY_DECIMALS;

    if (number->count == 0 || digits != 39)
        return number->count > 0 && digits > 39;
    for (long i = 0; i < 39; i++) {
        char c = i < number->count ? number->digits[i] : '0';
        if (c != max[i])
            return c > max[i];
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const char *text = (const char *)data;
    enum money_precision precision = MONEY_EXACT, again, expected = MONEY_EXACT;
    struct money value = {42}, back = {43};
    char printed[MONEY_TEXT_MAX];
    struct number number;
    int rc = money_parse(text, len, &value, &precision);

    if (len > MONEY_DIGITS_MAX || !read_number(text, len, &number)) {
        assert(rc == -EINVAL);
        assert(value.femto == 42);
        return 0;
    }
    if (number.count > 15) {
        expected = MONEY_DENOISED;
        round_number(&number, 12);
    }
    if (number.count - number.point > MONEY_DECIMALS && number.count > 0) {
        expected = expected == MONEY_EXACT ? MONEY_INEXACT : expected;
        round_number(&number, number.point + MONEY_DECIMALS);
    }
    if (too_wide(&number)) {
        assert(rc == -ERANGE);
        assert(value.femto == 42);
        return 0;
    }
    assert(rc == 0);
    assert(precision == expected);
    assert(equals(&number, value.femto));
    assert(money_print(value, printed) == strlen(printed));
    assert(money_parse(printed, strlen(printed), &back, &again) == 0);
    assert(money_compare(value, back) == 0);
    assert(again == MONEY_EXACT);
    return 0;
}
