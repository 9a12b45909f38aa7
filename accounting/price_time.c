/* price_time.c - instants, hours and weekdays in text. See price_time.h. */
#include "accounting/price_time.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { WEEKDAYS = 7, WEEKDAY_LEN = 3 };

static const char *const weekday_names[WEEKDAYS] = {
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
};

static int digits_at(const char *text, size_t count)
{
    int value = 0;

    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* Whether text has the form: d stands for a digit, everything else for itself. */
static bool has_form(const char *text, const char *form)
{
    for (size_t i = 0; form[i] != '\0'; i++) {
        if (form[i] == 'd' ? digits_at(text + i, 1) < 0 : text[i] != form[i])
            return false;
    }
    return true;
}

/* A date that does not exist comes back from timegm() as another. */
int price_instant_parse(const char *text, size_t len, int64_t *ret_ms)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd";
    size_t seconds = sizeof(form) - 1;
    bool fraction = len == seconds + 5;
    struct tm given = {0}, back;
    int ms = 0;
    time_t at;

    if ((len != seconds + 1 && !fraction) || text[len - 1] != 'Z' || !has_form(text, form))
        return -EINVAL;
    if (fraction && (text[seconds] != '.' || (ms = digits_at(text + seconds + 1, 3)) < 0))
        return -EINVAL;
    given.tm_year = digits_at(text, 4) - 1900;
    given.tm_mon = digits_at(text + 5, 2) - 1;
    given.tm_mday = digits_at(text + 8, 2);
    given.tm_hour = digits_at(text + 11, 2);
    given.tm_min = digits_at(text + 14, 2);
    given.tm_sec = digits_at(text + 17, 2);
    back = given;
    at = timegm(&back);
    if (back.tm_year != given.tm_year || back.tm_mon != given.tm_mon ||
        back.tm_mday != given.tm_mday || back.tm_hour != given.tm_hour ||
        back.tm_min != given.tm_min || back.tm_sec != given.tm_sec)
        return -EINVAL;
    *ret_ms = (int64_t)at * 1000 + ms;
    return 0;
}

void price_instant_print(int64_t ms, char text[PRICE_INSTANT_SIZE])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    size_t len;

    assert(ms >= 0);
    assert(ms <= PRICE_FROM_MS_MAX);
    gmtime_r(&seconds, &utc);
    len = strftime(text, PRICE_INSTANT_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    if (ms % 1000 != 0)
        snprintf(text + len, PRICE_INSTANT_SIZE - len, ".%03dZ", (int)(ms % 1000));
    else
        snprintf(text + len, PRICE_INSTANT_SIZE - len, "Z");
}

int price_hours_parse(const char *text, size_t len, unsigned *ret_from, unsigned *ret_to)
{
    static const char form[] = "dd:dd-dd:dd";
    int from, to;

    if (len != sizeof(form) - 1 || !has_form(text, form))
        return -EINVAL;
    if (digits_at(text + 3, 2) > 59 || digits_at(text + 9, 2) > 59)
        return -EINVAL;
    from = digits_at(text, 2) * 60 + digits_at(text + 3, 2);
    to = digits_at(text + 6, 2) * 60 + digits_at(text + 9, 2);
    if (from >= PRICE_DAY_MINUTES || to > PRICE_DAY_MINUTES)
        return -EINVAL;
    *ret_from = (unsigned)from;
    *ret_to = (unsigned)to % PRICE_DAY_MINUTES;
    return 0;
}

void price_hours_print(unsigned from, unsigned to, char text[PRICE_HOURS_SIZE])
{
    assert(from < PRICE_DAY_MINUTES);
    assert(to < PRICE_DAY_MINUTES);
    snprintf(text, PRICE_HOURS_SIZE, "%02u:%02u-%02u:%02u", from / 60 % 24, from % 60, to / 60 % 24,
             to % 60);
}

unsigned price_weekday_bit(const char *text, size_t len)
{
    for (unsigned day = 0; day < WEEKDAYS; day++) {
        if ((len == WEEKDAY_LEN || len == strlen(weekday_names[day])) &&
            strncasecmp(text, weekday_names[day], len) == 0)
            return 1U << day;
    }
    return 0;
}

int price_weekdays_parse(const char *text, size_t len, unsigned *ret_weekdays)
{
    unsigned weekdays = 0;

    for (size_t at = 0; at <= len; at += WEEKDAY_LEN + 1) {
        unsigned day = len - at >= WEEKDAY_LEN ? price_weekday_bit(text + at, WEEKDAY_LEN) : 0;
        if (day == 0 || (weekdays & day) != 0)
            return -EINVAL;
        if (at + WEEKDAY_LEN < len && text[at + WEEKDAY_LEN] != ',')
            return -EINVAL;
        weekdays |= day;
        if (at + WEEKDAY_LEN == len)
            break;
    }
    *ret_weekdays = weekdays;
    return 0;
}

void price_weekdays_print(unsigned weekdays, char text[PRICE_WEEKDAYS_SIZE])
{
    size_t len = 0;

    assert((weekdays & ~PRICE_WEEKDAYS_ALL) == 0);
    text[0] = '\0';
    for (unsigned day = 0; day < WEEKDAYS; day++) {
        if ((weekdays & 1U << day) == 0)
            continue;
        snprintf(text + len, PRICE_WEEKDAYS_SIZE - len, "%s%.3s", len > 0 ? "," : "",
                 weekday_names[day]);
        len += len > 0 ? 1 + WEEKDAY_LEN : WEEKDAY_LEN;
    }
}
