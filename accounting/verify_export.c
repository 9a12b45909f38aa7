/* verify_export.c - the CSV that the month exports as, read back: as many rows, and in each column
 * of counts and of money as many values and the same sum as in the rows themselves. It is read
 * while it is written, and kept nowhere. */
#include "accounting/verify_private.h"

#include "accounting/export.h"
#include "accounting/money_text.h"

#include <errno.h>
#include <string.h>

enum { FIELD_MAX = 64, FIELDS_MAX = 256 };

static const struct text no_id;

const char *const verify_columns[VERIFY_COLUMNS] = {
    "prompt_tokens",    "completion_tokens", "cached_tokens",  "cache_write_tokens",
    "reasoning_tokens", "billed_usd",        "upstream_usd",   "market_usd",
    "estimated_usd",    "booked_usd",        "difference_usd", "saved_usd",
};

int verify_sums_add(struct verify_sums *sums, unsigned column, struct money value)
{
    sums->known[column]++;
    return money_add(sums->sum[column], value, &sums->sum[column]);
}

int verify_sums_row(struct verify_sums *sums, const struct ledger_row *row)
{
    const int64_t tokens[TALLY_TOKENS] = {
        [TALLY_PROMPT] = row->usage.prompt_tokens,
        [TALLY_COMPLETION] = row->usage.completion_tokens,
        [TALLY_CACHED] = row->usage.cached_tokens,
        [TALLY_CACHE_WRITE] = row->usage.cache_write_tokens,
        [TALLY_REASONING] = row->usage.reasoning_tokens,
    };
    const struct maybe_money *money[TALLY_MONEY] = {
        [TALLY_BILLED] = &row->billed, [TALLY_UPSTREAM] = &row->upstream_cost,
        [TALLY_MARKET] = &row->market, [TALLY_ESTIMATED] = &row->estimated,
        [TALLY_BOOKED] = &row->booked, [TALLY_DIFFERENCE] = &row->difference,
        [TALLY_SAVED] = &row->saved,
    };
    int result = 0;
    sums->rows++;
    for (unsigned i = 0; i < TALLY_TOKENS && result == 0; i++)
        if (tokens[i] >= 0)
            result = verify_sums_add(sums, i, (struct money){tokens[i]});
    for (unsigned i = 0; i < TALLY_MONEY && result == 0; i++)
        if (money[i]->known)
            result = verify_sums_add(sums, TALLY_TOKENS + i, money[i]->money);
    return result;
}

/* --- reading --- */

struct csv {
    struct verify_sums sums;
    bool heading, quoted, failed; /* heading: the first line is still being read */
    unsigned field;
    int column_of[FIELDS_MAX]; /* of each field, below 0: none that is added up */
    char text[FIELD_MAX];      /* the field's beginning; longer ones are none of ours */
    size_t len;
};

/* A count as it is written: digits. */
static bool read_count(const char *text, size_t len, struct money *ret_count)
{
    int64_t count = 0;
    for (size_t i = 0; i < len; i++)
        if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(count, INT64_C(10), &count) ||
            __builtin_add_overflow(count, (int64_t)(text[i] - '0'), &count))
            return false;
    ret_count->femto = count;
    return true;
}

static void name_field(struct csv *csv)
{
    csv->column_of[csv->field] = -1;
    for (int i = 0; i < VERIFY_COLUMNS; i++)
        if (strlen(verify_columns[i]) == csv->len &&
            memcmp(verify_columns[i], csv->text, csv->len) == 0)
            csv->column_of[csv->field] = i;
}

static void add_field(struct csv *csv, unsigned column)
{
    struct money value;
    bool read;
    if (csv->len == 0)
        return;
    if (csv->len >= FIELD_MAX)
        read = false;
    else if (column < TALLY_TOKENS)
        read = read_count(csv->text, csv->len, &value);
    else
        read = money_text_read(csv->text, csv->len, &value) == 0;
    csv->failed |= !read || verify_sums_add(&csv->sums, column, value) < 0;
}

static void end_field(struct csv *csv)
{
    if (csv->field == FIELDS_MAX)
        csv->failed = true;
    else if (csv->heading)
        name_field(csv);
    else if (csv->column_of[csv->field] >= 0)
        add_field(csv, (unsigned)csv->column_of[csv->field]);
    csv->len = 0;
    if (csv->field < FIELDS_MAX)
        csv->field++;
}

static void end_line(struct csv *csv)
{
    end_field(csv);
    csv->field = 0;
    csv->sums.rows += !csv->heading;
    csv->heading = false;
}

/* RFC 4180. A quote within quotes is written twice: that ends and begins them again, which for what
 * is read here comes to the same. */
static ssize_t read_csv(void *cookie, const char *bytes, size_t len)
{
    struct csv *csv = cookie;
    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];
        if (c == '"')
            csv->quoted = !csv->quoted;
        else if (csv->quoted || (c != ',' && c != '\n')) {
            if (csv->len < FIELD_MAX)
                csv->text[csv->len++] = c;
        } else if (c == ',')
            end_field(csv);
        else
            end_line(csv);
    }
    return (ssize_t)len;
}

/* --- comparing --- */

static void compare(struct verify_month *month, const struct csv *csv)
{
    const struct verify_sums *rows = &month->sums, *read = &csv->sums;
    bool found[VERIFY_COLUMNS] = {false};
    if (csv->failed || csv->quoted || csv->len > 0)
        verify_complain(month, NULL, no_id, "its export cannot be read back");
    for (unsigned i = 0; i < FIELDS_MAX; i++)
        if (csv->column_of[i] >= 0)
            found[csv->column_of[i]] = true;
    if (rows->rows != read->rows)
        verify_complain(month, NULL, no_id, "it has %llu rows, its export %llu",
                        (unsigned long long)rows->rows, (unsigned long long)read->rows);
    for (unsigned i = 0; i < VERIFY_COLUMNS; i++)
        if (!found[i] || rows->known[i] != read->known[i] ||
            money_compare(rows->sum[i], read->sum[i]) != 0)
            verify_complain(month, NULL, no_id, "its rows and its export differ in %s",
                            verify_columns[i]);
}

int verify_export(struct verify_month *month)
{
    static const cookie_io_functions_t functions = {.write = read_csv};
    struct csv csv = {.heading = true};
    FILE *stream = fopencookie(&csv, "w", functions);
    int result;
    if (stream == NULL)
        return -ENOMEM;
    setvbuf(stream, NULL, _IONBF, 0); /* the export has a buffer of its own */
    for (unsigned i = 0; i < FIELDS_MAX; i++)
        csv.column_of[i] = -1;
    result = export_rows(month->verify->reader, month->one->from_ms, month->one->to_ms, EXPORT_CSV,
                         stream);
    fclose(stream);
    if (result == -EBADMSG) {
        verify_complain(month, NULL, no_id, "it cannot be exported");
        return 0;
    }
    if (result == 0)
        compare(month, &csv);
    return result;
}
