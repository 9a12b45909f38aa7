#include "accounting/ledger_month.h"

#include <assert.h>
#include <errno.h>

/* Years are counted from March, so that the leap day is the last of its year, and in eras of 400
 * years, which all have the same number of days. */
enum { ERA_DAYS = 146097, EPOCH_OFFSET = 719468 /* days from 0000-03-01 to 1970-01-01 */ };

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

struct ledger_date ledger_date_of(int64_t ms)
{
    int64_t days = floor_divide(ms, LEDGER_DAY_MS) + EPOCH_OFFSET;
    int64_t era = floor_divide(days, ERA_DAYS);
    int64_t of_era = days - era * ERA_DAYS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t march_month = (5 * of_year + 2) / 153;
    int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
    return (struct ledger_date){
        .year = (int)(year + era * 400 + (month <= 2)),
        .month = (unsigned)month,
        .day = (unsigned)(of_year - (153 * march_month + 2) / 5 + 1),
    };
}

int64_t ledger_date_ms(struct ledger_date date)
{
    int64_t year = date.year - (date.month <= 2);
    int64_t era = floor_divide(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t march_month = date.month > 2 ? (int64_t)date.month - 3 : (int64_t)date.month + 9;
    int64_t of_year = (153 * march_month + 2) / 5 + (int64_t)date.day - 1;
    int64_t of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    assert(date.month >= 1 && date.month <= 12);
    return (era * ERA_DAYS + of_era - EPOCH_OFFSET) * LEDGER_DAY_MS;
}

void ledger_month_name(int64_t ms, char ret_name[LEDGER_MONTH_NAME])
{
    struct ledger_date date = ledger_date_of(ms);
    assert(date.year >= 0 && date.year <= 9999);
    ret_name[0] = (char)('0' + date.year / 1000);
    ret_name[1] = (char)('0' + date.year / 100 % 10);
    ret_name[2] = (char)('0' + date.year / 10 % 10);
    ret_name[3] = (char)('0' + date.year % 10);
    ret_name[4] = '-';
    ret_name[5] = (char)('0' + date.month / 10);
    ret_name[6] = (char)('0' + date.month % 10);
    ret_name[7] = 0;
}

void ledger_month_range(int64_t ms, int64_t *ret_from_ms, int64_t *ret_to_ms)
{
    struct ledger_date date = ledger_date_of(ms);
    date.day = 1;
    *ret_from_ms = ledger_date_ms(date);
    if (date.month == 12) {
        date.year++;
        date.month = 1;
    } else {
        date.month++;
    }
    *ret_to_ms = ledger_date_ms(date);
    assert(*ret_from_ms <= ms && ms < *ret_to_ms);
}

int ledger_month_parse(const char *text, size_t len, int64_t *ret_from_ms, int64_t *ret_to_ms)
{
    struct ledger_date date = {0, 0, 1};
    if (len != LEDGER_MONTH_NAME - 1 || text[4] != '-')
        return -EINVAL;
    for (size_t i = 0; i < len; i++) {
        if (i == 4)
            continue;
        if (text[i] < '0' || text[i] > '9')
            return -EINVAL;
        if (i < 4)
            date.year = date.year * 10 + (text[i] - '0');
        else
            date.month = date.month * 10 + (unsigned)(text[i] - '0');
    }
    if (date.year < 1 || date.month < 1 || date.month > 12)
        return -EINVAL;
    ledger_month_range(ledger_date_ms(date), ret_from_ms, ret_to_ms);
    return 0;
}
