/* reads_query.c - query strings and dates. */
#include "server/reads_private.h"

#include "accounting/ledger_month.h"

#include <errno.h>
#include <string.h>

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit = (char)(digit | 0x20);
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Length of the UTF-8 character at bytes, 0 when it is none (RFC 3629). */
static size_t character(const unsigned char *bytes, size_t len)
{
    size_t more = bytes[0] < 0x80 ? 0 : bytes[0] < 0xe0 ? 1 : bytes[0] < 0xf0 ? 2 : 3;

    if (more == 0)
        return 1;
    if (bytes[0] < 0xc2 || bytes[0] > 0xf4 || more >= len)
        return 0;
    if ((bytes[0] == 0xe0 && bytes[1] < 0xa0) || (bytes[0] == 0xed && bytes[1] > 0x9f) ||
        (bytes[0] == 0xf0 && bytes[1] < 0x90) || (bytes[0] == 0xf4 && bytes[1] > 0x8f))
        return 0;
    for (size_t i = 1; i <= more; i++)
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    return more + 1;
}

static bool is_text(const char *value, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)value;

    for (size_t at = 0; at < len;) {
        size_t step = bytes[at] == 0 ? 0 : character(bytes + at, len - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

/* application/x-www-form-urlencoded, as URLSearchParams writes it. */
static int decode(struct text text, char *value, size_t size, size_t *ret_len)
{
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        char byte = text.bytes[i];
        if (len + 1 >= size)
            return -EINVAL;
        if (byte == '%') {
            int high = i + 2 < text.len ? hex_digit(text.bytes[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_digit(text.bytes[i + 2]) : -1;
            if (high < 0 || low < 0)
                return -EINVAL;
            byte = (char)(high << 4 | low);
            i += 2;
        } else if (byte == '+') {
            byte = ' ';
        }
        value[len++] = byte;
    }
    if (!is_text(value, len))
        return -EINVAL;
    value[len] = '\0';
    *ret_len = len;
    return 0;
}

int reads_query_get(struct text query, const char *name, char *value, size_t size, size_t *ret_len)
{
    size_t name_len = strlen(name);
    const char *at = query.bytes, *end = query.bytes + query.len;

    while (query.len > 0 && at < end) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        if (stop == NULL)
            stop = end;
        if ((size_t)(stop - at) > name_len && memcmp(at, name, name_len) == 0 &&
            at[name_len] == '=')
            return decode((struct text){at + name_len + 1, (size_t)(stop - at) - name_len - 1},
                          value, size, ret_len);
        at = stop + 1;
    }
    return -ENOENT;
}

/* --- days --- */

int reads_parse_date(struct text text, int64_t *ret_ms)
{
    static const char form[] = "dddd-dd-dd";
    struct ledger_date date = {0}, back;
    int numbers[10] = {0};

    if (text.len != sizeof form - 1)
        return -EINVAL;
    for (size_t i = 0; i < text.len; i++) {
        bool digit = text.bytes[i] >= '0' && text.bytes[i] <= '9';
        if (form[i] == 'd' ? !digit : text.bytes[i] != '-')
            return -EINVAL;
        numbers[i] = text.bytes[i] - '0';
    }
    date.year = numbers[0] * 1000 + numbers[1] * 100 + numbers[2] * 10 + numbers[3];
    date.month = (unsigned)(numbers[5] * 10 + numbers[6]);
    date.day = (unsigned)(numbers[8] * 10 + numbers[9]);
    if (date.year < 1970 || date.year > 9998 || date.month < 1 || date.month > 12 || date.day < 1)
        return -EINVAL;
    /* A day that the month does not have is another day when it comes back. */
    back = ledger_date_of(ledger_date_ms(date));
    if (back.month != date.month || back.day != date.day)
        return -EINVAL;
    *ret_ms = ledger_date_ms(date);
    return 0;
}

static void digits(char *at, unsigned number, unsigned count)
{
    while (count-- > 0) {
        at[count] = (char)('0' + number % 10);
        number /= 10;
    }
}

size_t reads_print_day(int64_t ms, bool hour, char text[READS_DAY_TEXT + 1])
{
    struct ledger_date date = ledger_date_of(ms);

    digits(text, (unsigned)date.year, 4);
    text[4] = '-';
    digits(text + 5, date.month, 2);
    text[7] = '-';
    digits(text + 8, date.day, 2);
    text[10] = '\0';
    if (!hour)
        return 10;
    text[10] = 'T';
    digits(text + 11, (unsigned)(ms % LEDGER_DAY_MS / 3600000), 2);
    text[READS_DAY_TEXT] = '\0';
    return READS_DAY_TEXT;
}

void reads_print_time(struct out *out, int64_t ms)
{
    char text[] = "0000-00-00T00:00:00.000Z";
    int64_t of_day = ms % LEDGER_DAY_MS;
    char day[READS_DAY_TEXT + 1];

    memcpy(text, day, reads_print_day(ms, false, day));
    digits(text + 11, (unsigned)(of_day / 3600000), 2);
    digits(text + 14, (unsigned)(of_day / 60000 % 60), 2);
    digits(text + 17, (unsigned)(of_day / 1000 % 60), 2);
    digits(text + 20, (unsigned)(of_day % 1000), 3);
    out_char(out, '"');
    out_bytes(out, text, sizeof text - 1);
    out_char(out, '"');
}

/* --- questions --- */

/* A filter: absent is empty. */
static int get_filter(struct text query, const char *name, char *value, size_t size)
{
    size_t len;
    int result = reads_query_get(query, name, value, size, &len);

    if (result == -ENOENT)
        value[0] = '\0';
    return result == -ENOENT ? 0 : result;
}

static int get_date(struct text query, const char *name, int64_t *ret_ms)
{
    char value[16];
    size_t len;
    int result = reads_query_get(query, name, value, sizeof value, &len);

    return result < 0 ? result : reads_parse_date((struct text){value, len}, ret_ms);
}

static int get_range(struct text query, struct report_query *report, const char **ret_detail)
{
    int64_t last_ms;

    *ret_detail = "start_date is required: YYYY-MM-DD, UTC.";
    if (get_date(query, "start_date", &report->from_ms) < 0)
        return -EINVAL;
    *ret_detail = "end_date is required: YYYY-MM-DD, UTC, inclusive.";
    if (get_date(query, "end_date", &last_ms) < 0)
        return -EINVAL;
    *ret_detail = "end_date must not be before start_date.";
    if (last_ms < report->from_ms)
        return -EINVAL;
    report->to_ms = last_ms + LEDGER_DAY_MS;
    *ret_detail = "A report covers at most 366 days.";
    return report->to_ms - report->from_ms > READS_DAYS_MAX * LEDGER_DAY_MS ? -EINVAL : 0;
}

static int get_group(struct text query, struct report_query *report, const char **ret_detail)
{
    static const char *const words[REPORT_GROUPS] = {
        [REPORT_DAY] = "day",
        [REPORT_USER] = "user",
        [REPORT_MODEL] = "model",
        [REPORT_TAG] = "tag",
        [REPORT_PROVIDER] = "provider",
        [REPORT_CREDENTIAL] = "credential_type",
        [REPORT_ZDR] = "zero_data_retention",
        [REPORT_KEY_NAME] = "api_key_name",
    };
    char value[32];
    unsigned at = 0;

    *ret_detail = "group_by must be day, user, model, tag, provider, credential_type, "
                  "zero_data_retention or api_key_name.";
    if (get_filter(query, "group_by", value, sizeof value) < 0)
        return -EINVAL;
    while (value[0] != '\0' && at < REPORT_GROUPS && strcmp(words[at], value) != 0)
        at++;
    if (at == REPORT_GROUPS)
        return -EINVAL;
    report->group = (enum report_group)at;
    *ret_detail = "date_part must be day or hour.";
    if (get_filter(query, "date_part", value, sizeof value) < 0)
        return -EINVAL;
    report->by_hour = strcmp(value, "hour") == 0;
    if (value[0] != '\0' && !report->by_hour && strcmp(value, "day") != 0)
        return -EINVAL;
    *ret_detail = "date_part=hour needs group_by=day.";
    return report->by_hour && report->group != REPORT_DAY ? -EINVAL : 0;
}

static int get_filters(struct text query, struct report_query *report, const char **ret_detail)
{
    char value[32];

    *ret_detail = "user_id, model and provider take at most 256 bytes of UTF-8.";
    if (get_filter(query, "user_id", report->user, sizeof report->user) < 0 ||
        get_filter(query, "model", report->model, sizeof report->model) < 0 ||
        get_filter(query, "provider", report->provider, sizeof report->provider) < 0)
        return -EINVAL;
    *ret_detail = "credential_type must be byok or system.";
    if (get_filter(query, "credential_type", value, sizeof value) < 0)
        return -EINVAL;
    report->byok = strcmp(value, "byok") == 0 ? 1 : strcmp(value, "system") == 0 ? 0 : -1;
    if (value[0] != '\0' && report->byok < 0)
        return -EINVAL;
    *ret_detail = "zero_data_retention cannot be filtered by: this gateway does not record it.";
    if (reads_query_get(query, "zero_data_retention", value, sizeof value, &(size_t){0}) != -ENOENT)
        return -EINVAL;
    *ret_detail = "tags takes a comma list of at most 1024 bytes.";
    if (get_filter(query, "tags", report->tags, sizeof report->tags) < 0)
        return -EINVAL;
    *ret_detail = "tags_match must be any or all.";
    if (get_filter(query, "tags_match", value, sizeof value) < 0)
        return -EINVAL;
    report->all_tags = strcmp(value, "all") == 0;
    return value[0] == '\0' || report->all_tags || strcmp(value, "any") == 0 ? 0 : -EINVAL;
}

int reads_parse_report(struct text query, struct report_query *ret_query, const char **ret_detail)
{
    struct report_query report = {.byok = -1};

    if (get_range(query, &report, ret_detail) < 0 || get_group(query, &report, ret_detail) < 0 ||
        get_filters(query, &report, ret_detail) < 0)
        return -EINVAL;
    *ret_query = report;
    return 0;
}

int reads_parse_activity(struct text query, int64_t now_ms, struct activity_query *ret_query,
                         const char **ret_detail)
{
    static const char *const not_here[] = {"api_key_hash", "user_id", "workspace_id"};
    int64_t today_ms = now_ms / LEDGER_DAY_MS * LEDGER_DAY_MS, day_ms;
    int64_t first_ms = today_ms - READS_ACTIVITY_DAYS * LEDGER_DAY_MS;
    char value[READS_VALUE_MAX + 1];
    int result = get_date(query, "date", &day_ms);

    *ret_detail = "api_key_hash, user_id and workspace_id cannot be asked for: activity shows the "
                  "rows of the key that asks.";
    for (size_t i = 0; i < sizeof not_here / sizeof *not_here; i++)
        if (reads_query_get(query, not_here[i], value, sizeof value, &(size_t){0}) != -ENOENT)
            return -EINVAL;
    *ret_detail = "date must be YYYY-MM-DD, one of the last 30 completed UTC days.";
    if (result < 0 && result != -ENOENT)
        return -EINVAL;
    if (result == 0 && (day_ms < first_ms || day_ms >= today_ms))
        return -EINVAL;
    ret_query->from_ms = result == 0 ? day_ms : first_ms;
    ret_query->to_ms = result == 0 ? day_ms + LEDGER_DAY_MS : today_ms;
    return 0;
}
