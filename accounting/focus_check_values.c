/* focus_check_values.c - points 1, 2, 3, 8, 9 and 11: what each value may be. */
#include "accounting/focus_check.h"

#include "accounting/focus_class.h"
#include "accounting/focus_text.h"
#include "accounting/ledger_month.h"

#include <errno.h>

#define NAME(column) (int)focus_column_name(column).len, focus_column_name(column).bytes

static bool is_word(struct text text, const char *word)
{
    return focus_compare(text, text_of(word)) == 0;
}

/* What is shown of a value that is wrong. */
static int shown(struct text text)
{
    return text.len < 60 ? (int)text.len : 60;
}

/* --- 1 and 11: columns --- */

void focus_check_names(struct focus_checker *checker)
{
    const struct focus_file *file = checker->file;
    enum focus_profile profile = checker->order->profile;
    for (unsigned i = 0; i < FOCUS_COLUMNS; i++) {
        enum focus_column column = (enum focus_column)i;
        bool ours = i >= FOCUS_X_FIRST;
        if (focus_column_in(column, profile) && !ours && !file->present[i])
            focus_fault(checker, POINT_COLUMNS, "%.*s is missing", NAME(column));
        else if (!focus_column_in(column, profile) && file->present[i])
            focus_fault(checker, POINT_COLUMNS, "%.*s is no column of this version", NAME(column));
    }
    if (file->twice)
        focus_fault(checker, POINT_COLUMNS, "a column stands twice");
    if (file->misplaced)
        focus_fault(checker, POINT_ORDER, "a FOCUS column stands behind one with x_");
    if (file->foreign)
        focus_fault(checker, POINT_ORDER, "a column that is not FOCUS's has no x_");
}

static void check_nulls(struct focus_checker *checker)
{
    for (unsigned i = 0; i < FOCUS_COLUMNS; i++) {
        enum focus_column column = (enum focus_column)i;
        enum focus_null null = (enum focus_null)focus_column_info(column)->null;
        bool may = null == FOCUS_NULL_ALLOWED ||
                   (null == FOCUS_NULL_IN_CORRECTION && checker->correction) ||
                   !focus_column_in(column, checker->order->profile);
        if (checker->file->empty[i])
            focus_fault(checker, POINT_STRINGS, "%.*s is an empty string", NAME(column));
        else if (!may && focus_cell(checker, column).len == 0)
            focus_fault(checker, POINT_COLUMNS, "%.*s is null", NAME(column));
    }
}

/* --- 2: values --- */

static const struct {
    enum focus_column column;
    const char *words[8];
} allowed[] = {
    {FOCUS_BILLING_CURRENCY, {"USD"}},
    {FOCUS_CHARGE_CATEGORY, {"Usage", "Purchase", "Tax", "Credit", "Adjustment"}},
    {FOCUS_CHARGE_CLASS, {"Correction"}},
    {FOCUS_CHARGE_FREQUENCY, {"One-Time", "Recurring", "Usage-Based"}},
    {FOCUS_CONSUMED_UNIT, {"Tokens", "Requests", "Images", "Seconds", "Characters", "Pages"}},
    {FOCUS_PRICING_CATEGORY, {"Standard", "Dynamic", "Committed", "Other"}},
    {FOCUS_PRICING_UNIT,
     {FOCUS_MILLION_TOKENS, "Tokens", "Requests", "Images", "Seconds", "Characters", "Pages"}},
    {FOCUS_SERVICE_CATEGORY, {"AI and Machine Learning"}},
    {FOCUS_SERVICE_SUBCATEGORY, {"Generative AI"}},
    {FOCUS_SUB_ACCOUNT_TYPE, {"Project", "Client", "Key"}},
    {FOCUS_X_COST_SOURCE, {"lookup", "response", "estimate", "allocated"}},
};

static bool is_allowed(struct text text, const char *const words[8])
{
    for (unsigned i = 0; i < 8 && words[i] != NULL; i++) {
        if (is_word(text, words[i]))
            return true;
    }
    return false;
}

static void check_words(struct focus_checker *checker)
{
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        struct text text = focus_cell(checker, allowed[i].column);
        if (text.len > 0 && !is_allowed(text, allowed[i].words))
            focus_fault(checker, POINT_VALUES, "%.*s may not be \"%.*s\"", NAME(allowed[i].column),
                        shown(text), text.bytes);
    }
    if (is_word(focus_cell(checker, FOCUS_CHARGE_CATEGORY), "Purchase") &&
        is_word(focus_cell(checker, FOCUS_CHARGE_FREQUENCY), "Usage-Based"))
        focus_fault(checker, POINT_VALUES, "ChargeFrequency of a purchase may not be Usage-Based");
}

/* Whether the text has no more decimals than its column. */
static bool is_fine_enough(const struct focus_decimal *number, const struct focus_column_info *info)
{
    return number->exponent >= -(int)info->scale;
}

static void read_number(struct focus_checker *checker, enum focus_column column)
{
    const struct focus_column_info *info = focus_column_info(column);
    struct text text = focus_cell(checker, column);
    checker->read[column] = false;
    if (text.len == 0 || (info->type != FOCUS_DECIMAL && info->type != FOCUS_COUNT))
        return;
    if (focus_decimal_parse(text, &checker->number[column]) < 0 ||
        !is_fine_enough(&checker->number[column], info)) {
        focus_fault(checker, POINT_VALUES, "%.*s is no number of at most %u decimals: \"%.*s\"",
                    NAME(column), info->scale, shown(text), text.bytes);
        return;
    }
    checker->read[column] = true;
    if (checker->number[column].negative &&
        (info->type == FOCUS_COUNT || column == FOCUS_LIST_UNIT_PRICE ||
         column == FOCUS_CONTRACTED_UNIT_PRICE || column == FOCUS_PRICING_QUANTITY))
        focus_fault(checker, POINT_VALUES, "%.*s is below 0", NAME(column));
}

static void check_numbers(struct focus_checker *checker)
{
    for (unsigned i = 0; i < FOCUS_COLUMNS; i++) {
        read_number(checker, (enum focus_column)i);
        if (checker->file->wrong[i])
            focus_fault(checker, POINT_VALUES, "%.*s is not of its type",
                        NAME((enum focus_column)i));
    }
}

/* --- 3: periods --- */

static bool two_digits(const char *at, int max, int *ret_number)
{
    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9')
        return false;
    *ret_number = 10 * (at[0] - '0') + (at[1] - '0');
    return *ret_number <= max;
}

/* "2026-11-20T22:00:00Z" and no other form. */
static bool read_time(struct text text, int64_t *ret_ms)
{
    int century, year, month, day, hour, minute, second;
    int64_t ms;
    struct ledger_date date;
    if (text.len != FOCUS_TIME_TEXT || text.bytes[4] != '-' || text.bytes[7] != '-' ||
        text.bytes[10] != 'T' || text.bytes[13] != ':' || text.bytes[16] != ':' ||
        text.bytes[19] != 'Z')
        return false;
    if (!two_digits(text.bytes, 99, &century) || !two_digits(text.bytes + 2, 99, &year) ||
        !two_digits(text.bytes + 5, 12, &month) || !two_digits(text.bytes + 8, 31, &day) ||
        !two_digits(text.bytes + 11, 23, &hour) || !two_digits(text.bytes + 14, 59, &minute) ||
        !two_digits(text.bytes + 17, 59, &second))
        return false;
    year += 100 * century;
    if (year < 1970 || month == 0 || day == 0)
        return false;
    ms = ledger_date_ms((struct ledger_date){year, (unsigned)month, (unsigned)day});
    date = ledger_date_of(ms);
    if ((int)date.month != month || (int)date.day != day)
        return false; /* 31 November */
    *ret_ms = ms + ((int64_t)hour * 60 + minute) * 60000 + second * INT64_C(1000);
    return true;
}

static bool read_period(struct focus_checker *checker, enum focus_column from, enum focus_column to,
                        int64_t *ret_from_ms, int64_t *ret_to_ms)
{
    if (!read_time(focus_cell(checker, from), ret_from_ms)) {
        focus_fault(checker, POINT_PERIODS, "%.*s is no YYYY-MM-DDTHH:MM:SSZ", NAME(from));
        return false;
    }
    if (!read_time(focus_cell(checker, to), ret_to_ms)) {
        focus_fault(checker, POINT_PERIODS, "%.*s is no YYYY-MM-DDTHH:MM:SSZ", NAME(to));
        return false;
    }
    if (*ret_from_ms < *ret_to_ms)
        return true;
    focus_fault(checker, POINT_PERIODS, "%.*s is not behind its start", NAME(to));
    return false;
}

/* A correction's charge lies in the month that it corrects, all others in the one that is billed.
 */
static void check_periods(struct focus_checker *checker)
{
    const struct focus_order *order = checker->order;
    int64_t from_ms, to_ms, charge_from_ms, charge_to_ms, month_from_ms, month_to_ms;
    if (!read_period(checker, FOCUS_BILLING_PERIOD_START, FOCUS_BILLING_PERIOD_END, &from_ms,
                     &to_ms) ||
        !read_period(checker, FOCUS_CHARGE_PERIOD_START, FOCUS_CHARGE_PERIOD_END, &charge_from_ms,
                     &charge_to_ms))
        return;
    if (from_ms != order->from_ms || to_ms != order->to_ms)
        focus_fault(checker, POINT_PERIODS, "the billing period is not the month");
    month_from_ms = order->from_ms;
    month_to_ms = order->to_ms;
    if (checker->correction && charge_from_ms < order->from_ms)
        ledger_month_range(charge_from_ms, &month_from_ms, &month_to_ms);
    if (charge_from_ms < month_from_ms || charge_to_ms > month_to_ms)
        focus_fault(checker, POINT_PERIODS, "the charge period is not within its month");
}

/* --- 8: pairs --- */

static void check_pair(struct focus_checker *checker, enum focus_column one,
                       enum focus_column other)
{
    bool has_one = focus_cell(checker, one).len > 0, has_other = focus_cell(checker, other).len > 0;
    if (has_one && !has_other)
        focus_fault(checker, POINT_PAIRS, "%.*s without %.*s", NAME(one), NAME(other));
    else if (has_other && !has_one)
        focus_fault(checker, POINT_PAIRS, "%.*s without %.*s", NAME(other), NAME(one));
}

void focus_check_values(struct focus_checker *checker)
{
    check_nulls(checker);
    check_words(checker);
    check_numbers(checker);
    check_periods(checker);
    check_pair(checker, FOCUS_CONSUMED_QUANTITY, FOCUS_CONSUMED_UNIT);
    check_pair(checker, FOCUS_PRICING_QUANTITY, FOCUS_PRICING_UNIT);
    check_pair(checker, FOCUS_SUB_ACCOUNT_ID, FOCUS_SUB_ACCOUNT_NAME);
    check_pair(checker, FOCUS_SUB_ACCOUNT_ID, FOCUS_SUB_ACCOUNT_TYPE);
    check_pair(checker, FOCUS_SKU_ID, FOCUS_SKU_PRICE_ID);
    if (focus_cell(checker, FOCUS_SKU_ID).len == 0 && focus_cell(checker, FOCUS_SKU_METER).len > 0)
        focus_fault(checker, POINT_PAIRS, "SkuMeter without SkuId");
}
