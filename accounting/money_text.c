#include "accounting/money_text.h"

#include <errno.h>
#include <string.h>

static bool take_digit(unsigned __int128 *number, char c)
{
    return c >= '0' && c <= '9' &&
           !__builtin_mul_overflow(*number, (unsigned __int128)10, number) &&
           !__builtin_add_overflow(*number, (unsigned __int128)(unsigned)(c - '0'), number);
}

/* Digits before the point without zeros in front, digits behind it without zeros at the end, and no
 * zero below 0: each value has one text. */
static bool is_canonical(const char *text, size_t len)
{
    const char *digits = text[0] == '-' ? text + 1 : text, *end = text + len;
    const char *point = memchr(digits, '.', (size_t)(end - digits));
    const char *whole_end = point != NULL ? point : end;
    if (whole_end == digits || (digits[0] == '0' && whole_end - digits > 1))
        return false;
    if (point != NULL)
        return point + 1 < end && end[-1] != '0';
    return digits == text || digits[0] != '0';
}

int money_text_read(const char *text, size_t len, struct money *ret_money)
{
    unsigned __int128 number = 0;
    bool negative = len > 0 && text[0] == '-', point = false;
    int decimals = 0;
    if (len == 0 || len >= MONEY_TEXT_MAX || !is_canonical(text, len))
        return -EBADMSG;
    for (size_t i = negative; i < len; i++) {
        if (text[i] == '.' && !point) {
            point = true;
            continue;
        }
        if (decimals == MONEY_DECIMALS || !take_digit(&number, text[i]))
            return -EBADMSG;
        decimals += point;
    }
    for (; decimals < MONEY_DECIMALS; decimals++)
        if (!take_digit(&number, '0'))
            return -EBADMSG;
    if (number > ((unsigned __int128)1 << 127) - !negative)
        return -EBADMSG;
    ret_money->femto = (__int128)(negative ? -number : number);
    return 0;
}
