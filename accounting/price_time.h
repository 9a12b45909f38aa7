/* price_time.h - instants, hours and weekdays as price files write them (internal).
 * Threads: pure functions.
 */
#ifndef ACCOUNTING_PRICE_TIME_H
#define ACCOUNTING_PRICE_TIME_H

#include <stddef.h>
#include <stdint.h>

#define PRICE_FROM_MS_MAX INT64_C(253402300799999) /* the last millisecond of the year 9999 */
#define PRICE_WEEKDAYS_ALL 0x7fU                   /* bit 0 is Monday */

enum {
    PRICE_INSTANT_SIZE = 32,
    PRICE_HOURS_SIZE = 16,
    PRICE_WEEKDAYS_SIZE = 32,
    PRICE_DAY_MINUTES = 24 * 60,
};

/* YYYY-MM-DDTHH:MM:SS[.mmm]Z. -EINVAL: it is not, or there is no such instant. */
int price_instant_parse(const char *text, size_t len, int64_t *ret_ms);
/* The same text again, milliseconds only where there are some. ms: 1970 to 9999. */
void price_instant_print(int64_t ms, char text[PRICE_INSTANT_SIZE]);

/* "HH:MM-HH:MM", 00:00 to 23:59 each; 24:00 ends a day, too, and is the 00:00 behind it. */
int price_hours_parse(const char *text, size_t len, unsigned *ret_from, unsigned *ret_to);
void price_hours_print(unsigned from, unsigned to, char text[PRICE_HOURS_SIZE]);

/* "mon,tue": each day once, in any order. */
int price_weekdays_parse(const char *text, size_t len, unsigned *ret_weekdays);
/* In the week's order. */
void price_weekdays_print(unsigned weekdays, char text[PRICE_WEEKDAYS_SIZE]);

/* The bit of "mon", "Monday" and the like, whatever its case; 0: no weekday. */
unsigned price_weekday_bit(const char *text, size_t len);

#endif
