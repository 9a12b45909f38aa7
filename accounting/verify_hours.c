/* verify_hours.c - the sums that are kept by the hour, against those of the rows. */
#include "accounting/verify_private.h"

#include "accounting/ledger_place.h"
#include "accounting/ledger_rollup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct text no_id;

static void forget(struct verify_hours *hours)
{
    rollup_free(hours->rows);
    rollup_free(hours->kept);
    hours->rows = hours->kept = NULL;
}

void verify_hours_release(struct verify_hours *hours)
{
    forget(hours);
}

static int merge(void *arg, const struct rollup_group *group)
{
    struct verify_hours *hours = arg;
    hours->kept_count += (uint64_t)(group->requests > 0 ? group->requests : 0);
    return rollup_merge(hours->kept, group);
}

/* Which of its rows is wrong they do not tell: where another law does, that one is the first. */
static void say_hour(struct verify_month *month, const char *what)
{
    const struct verify_hours *hours = &month->hours;
    struct ledger_date date = ledger_date_of(hours->hour_ms);
    unsigned hour = (unsigned)(hours->hour_ms % LEDGER_DAY_MS / VERIFY_HOUR_MS);
    char place[ROW_PLACE_MAX];
    if (hours->count > 0)
        ledger_place_print(&hours->first, place);
    verify_complain(month, NULL, no_id,
                    "the sums that are kept of %04d-%02u-%02uT%02uZ (%s%s) %s: %llu rows, %llu "
                    "summed",
                    date.year, date.month, date.day, hour,
                    hours->count > 0 ? "its first row is at " : "it has no rows",
                    hours->count > 0 ? place : "", what, (unsigned long long)hours->count,
                    (unsigned long long)hours->kept_count);
}

/* Sums that are not fresh do not count: reports read the rows instead. */
static int begin(struct verify_month *month, int64_t hour_ms)
{
    struct verify_hours *hours = &month->hours;
    int result;
    hours->hour_ms = hour_ms;
    hours->fresh = hours->failed = false;
    hours->count = hours->kept_count = 0;
    hours->rows = rollup_new();
    hours->kept = rollup_new();
    if (hours->rows == NULL || hours->kept == NULL)
        return -ENOMEM;
    result = ledger_reader_rollup(month->verify->reader, hour_ms, &hours->fresh, merge, hours);
    if (result == -ENOENT)
        hours->fresh = false;
    else if (result == -EBADMSG || result == -EOVERFLOW)
        hours->failed = true;
    else if (result < 0)
        return result;
    return 0;
}

/* Equal tables are equal bytes. */
static int is_equal(struct verify_hours *hours, bool *ret_equal)
{
    uint8_t *rows = NULL, *kept = NULL;
    size_t rows_len = 0, kept_len = 0;
    int result = rollup_encode(hours->rows, &rows, &rows_len);
    if (result == 0)
        result = rollup_encode(hours->kept, &kept, &kept_len);
    if (result == 0)
        *ret_equal = rows_len == kept_len && memcmp(rows, kept, rows_len) == 0;
    free(rows);
    free(kept);
    return result;
}

static int end(struct verify_month *month)
{
    struct verify_hours *hours = &month->hours;
    bool equal = true;
    int result = 0;
    if (hours->rows == NULL)
        return 0;
    if (hours->failed)
        say_hour(month, "cannot be read or made");
    else if (hours->fresh)
        result = is_equal(hours, &equal);
    if (!equal)
        say_hour(month, "are not those of its rows");
    forget(hours);
    return result;
}

/* Every hour up to this one, those without rows included: sums of rows that are gone. */
static int go_to(struct verify_month *month, int64_t hour_ms)
{
    struct verify_hours *hours = &month->hours;
    int64_t next_ms = hours->rows == NULL ? month->one->from_ms : hours->hour_ms + VERIFY_HOUR_MS;
    int result = 0;
    if (hours->rows != NULL && hours->hour_ms >= hour_ms)
        return 0;
    for (; result == 0 && next_ms <= hour_ms; next_ms += VERIFY_HOUR_MS) {
        result = end(month);
        if (result == 0)
            result = begin(month, next_ms);
    }
    return result;
}

int verify_hours_row(struct verify_month *month, const struct ledger_ref *ref,
                     const struct ledger_row *row)
{
    struct verify_hours *hours = &month->hours;
    int result = go_to(month, ref->created_at_ms - ref->created_at_ms % VERIFY_HOUR_MS);
    if (result < 0)
        return result;
    if (hours->count++ == 0)
        hours->first = *ref;
    if (!hours->fresh || hours->failed || row == NULL)
        return 0;
    result = rollup_add(hours->rows, row);
    if (result == -EOVERFLOW || result == -E2BIG)
        hours->failed = true;
    return hours->failed ? 0 : result;
}

int verify_hours_end(struct verify_month *month)
{
    int result = go_to(month, month->one->to_ms - VERIFY_HOUR_MS);
    return result < 0 ? result : end(month);
}
