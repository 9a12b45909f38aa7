/* ledger_month.h - unix milliseconds to calendar days and months, UTC, proleptic Gregorian.
 * Threads: pure functions; no clock and no locale is read.
 */
#ifndef ACCOUNTING_LEDGER_MONTH_H
#define ACCOUNTING_LEDGER_MONTH_H

#include <stddef.h>
#include <stdint.h>

enum { LEDGER_MONTH_NAME = 8 }; /* "2026-11" and its NUL */

#define LEDGER_DAY_MS INT64_C(86400000)
/* First millisecond of the year 10000, which no name of four digits can hold. */
#define LEDGER_TIME_END_MS INT64_C(253402300800000)

struct ledger_date {
    int year;
    unsigned month, day; /* from 1 */
};

struct ledger_date ledger_date_of(int64_t ms);
int64_t ledger_date_ms(struct ledger_date date);

/* The month that holds ms: its name, and [from, to). */
void ledger_month_name(int64_t ms, char ret_name[LEDGER_MONTH_NAME]);
void ledger_month_range(int64_t ms, int64_t *ret_from_ms, int64_t *ret_to_ms);

/* "2026-11" -> [from, to). -EINVAL for anything else. Years 0001 to 9999. */
int ledger_month_parse(const char *text, size_t len, int64_t *ret_from_ms, int64_t *ret_to_ms);

#endif
