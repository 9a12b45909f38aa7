/* bill_report.c - reads a vendor's report. Numbers are taken from their text, never from a binary
 * fraction. */
#include "accounting/bill_private.h"

#include "accounting/price_json.h"
#include "accounting/price_time.h"
#include "accounting/report_sums.h"

#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>

enum { DAY_LEN = 10, HOUR_LEN = 13 };

/* Members of a vendor's rows; NULL: it has none. The first cost that is not 0 counts: a newer
 * member may be 0 where only the older one is kept. */
struct columns {
    const char *list, *days[2], *costs[2], *market, *surcharge, *upstream, *requests, *dated_model;
    const char *tokens[TALLY_TOKENS];
};
static const struct columns vendors[] = {
    [BILL_VERCEL] = {.list = "results",
                     .days = {"hour", "day"},
                     .costs = {"gateway_cost", "total_cost"},
                     .market = "market_cost",
                     .surcharge = "surcharge_cost",
                     .requests = "request_count",
                     .tokens = {"input_tokens", "output_tokens", "cached_input_tokens",
                                "cache_creation_input_tokens", "reasoning_tokens"}},
    [BILL_OPENROUTER] = {.list = "data",
                         .days = {"date", NULL},
                         .costs = {"usage", NULL},
                         .upstream = "byok_usage_inference",
                         .requests = "requests",
                         .dated_model = "model_permaslug",
                         .tokens = {"prompt_tokens", "completion_tokens", NULL, NULL,
                                    "reasoning_tokens"}},
};

/* What is known of a model's name. */
struct name {
    bool reported;   /* as a model */
    const void *of;  /* the name of the model that this is the dated name of */
    bool of_several; /* it says nothing */
};

struct reading {
    struct bill *bill;
    const struct columns *columns;
    struct price_place place;
    struct json_object *row;
};

static int refuse(struct reading *reading, const char *member, const char *what)
{
    price_at(&reading->place, member);
    return price_refuse(&reading->place, what);
}

/* --- values --- */

static bool is_there(const struct reading *reading, const char *member)
{
    return member != NULL && json_object_object_get_ex(reading->row, member, NULL);
}

/* The text of a member that is a string or a number; empty where it is null or not there. */
static int read_text(struct reading *reading, const char *member, struct text *ret_text)
{
    struct json_object *value = NULL;

    *ret_text = (struct text){NULL, 0};
    if (member == NULL || !json_object_object_get_ex(reading->row, member, &value) || value == NULL)
        return 0;
    switch (json_object_get_type(value)) {
    case json_type_string:
        *ret_text =
            (struct text){json_object_get_string(value), (size_t)json_object_get_string_len(value)};
        return 0;
    case json_type_int: /* json-c turns what does not fit into the nearest that does */
        if (json_object_get_int64(value) == INT64_MAX || json_object_get_int64(value) == INT64_MIN)
            return refuse(reading, member, "is too large");
        *ret_text = text_of(json_object_get_string(value));
        return 0;
    case json_type_double: /* it keeps the text */
        *ret_text = text_of(json_object_get_string(value));
        return 0;
    default:
        return refuse(reading, member, "must be a number or a string");
    }
}

/* A sum of many costs may well have more than the 15 digits behind which money_parse() sees noise
 * and rounds to 12. Where it is written plainly all decimals that money has are taken as they
 * stand. */
static int parse_long(struct text text, struct money *ret_money)
{
    const char *point = memchr(text.bytes, '.', text.len);
    bool negative = text.len > 0 && text.bytes[0] == '-';
    char decimals[2 + MONEY_DECIMALS + 1] = "0.";
    struct money whole = {0}, part = {0};
    size_t before, after;
    int result;

    if (point == NULL || memchr(text.bytes, 'e', text.len) != NULL ||
        memchr(text.bytes, 'E', text.len) != NULL)
        return money_parse(text.bytes, text.len, ret_money, NULL);
    before = (size_t)(point - text.bytes);
    after = text.len - before - 1;
    if (after > MONEY_DECIMALS)
        after = MONEY_DECIMALS;
    memcpy(decimals + 2, point + 1, after);
    result = money_parse(text.bytes, before, &whole, NULL);
    if (result == 0)
        result = money_parse(decimals, 2 + after, &part, NULL);
    if (result < 0)
        return result;
    return negative ? money_subtract(whole, part, ret_money) : money_add(whole, part, ret_money);
}

static int read_money(struct reading *reading, const char *member, struct maybe_money *ret_money)
{
    enum money_precision precision;
    struct money money;
    struct text text;
    int result = read_text(reading, member, &text);

    if (result < 0 || text.len == 0)
        return result;
    result = money_parse(text.bytes, text.len, &money, &precision);
    if (result == 0 && precision == MONEY_DENOISED)
        result = parse_long(text, &money);
    if (result < 0)
        return refuse(reading, member,
                      result == -EINVAL ? "is not a decimal number" : "is too large");
    *ret_money = (struct maybe_money){true, money};
    return 0;
}

/* A whole number, in E notation, too. */
static int read_count(struct reading *reading, const char *member, int64_t *ret_count)
{
    static const char what[] = "is not a count";
    struct maybe_money value = {.known = false};
    __int128 unit = 1;
    int result = read_money(reading, member, &value);

    if (result < 0 || !value.known)
        return result;
    for (unsigned i = 0; i < MONEY_DECIMALS; i++)
        unit *= 10;
    if (value.money.femto < 0 || value.money.femto % unit != 0 ||
        value.money.femto / unit > INT64_MAX)
        return refuse(reading, member, what);
    *ret_count = (int64_t)(value.money.femto / unit);
    return 0;
}

/* "2026-11-20", "2026-11-20T22", or an instant of it, UTC: the first millisecond of its day. */
static int parse_day(struct text text, int64_t *ret_ms)
{
    char instant[DAY_LEN + sizeof("T00:00:00Z")];
    int result;

    if (text.len < DAY_LEN || text.len >= PRICE_INSTANT_SIZE)
        return -EINVAL;
    snprintf(instant, sizeof(instant), "%.*sT00:00:00Z", DAY_LEN, text.bytes);
    result = price_instant_parse(instant, strlen(instant), ret_ms);
    if (result < 0 || text.len == DAY_LEN)
        return result;
    if (text.len < HOUR_LEN || (text.bytes[DAY_LEN] != 'T' && text.bytes[DAY_LEN] != ' '))
        return -EINVAL;
    for (size_t i = DAY_LEN + 1; i < text.len; i++) { /* no sign: no other time zone */
        if (text.bytes[i] == '\0' || strchr("0123456789:.Z", text.bytes[i]) == NULL)
            return -EINVAL;
    }
    return 0;
}

/* --- names of models --- */

static int add_name(struct reading *reading, struct text model)
{
    struct report_table *names = reading->bill->names;
    struct name *name = report_table_get(names, &model, 1), *dated;
    struct text text;
    int result = read_text(reading, reading->columns->dated_model, &text);

    if (name == NULL)
        return -ENOMEM;
    name->reported = true;
    if (result < 0 || text.len == 0)
        return result;
    dated = report_table_get(names, &text, 1);
    if (dated == NULL)
        return -ENOMEM;
    dated->of_several = dated->of_several || (dated->of != NULL && dated->of != name);
    dated->of = name;
    return 0;
}

int bill_name(struct bill *bill, struct text model, struct text *ret_name)
{
    const struct name *name = report_table_get(bill->names, &model, 1);

    if (name == NULL)
        return -ENOMEM;
    *ret_name = model;
    if (!name->reported && name->of != NULL && !name->of_several)
        *ret_name = report_table_value(bill->names, name->of, 0);
    return 0;
}

/* --- rows --- */

static const char *day_member(const struct reading *reading)
{
    for (unsigned i = 0; i < 2; i++) {
        if (is_there(reading, reading->columns->days[i]))
            return reading->columns->days[i];
    }
    return NULL;
}

/* Every row has to be grouped like the first one, or sums would be compared with their parts. */
static int read_dimensions(struct reading *reading, bool first)
{
    bool by_day = day_member(reading) != NULL, by_model = is_there(reading, "model");

    if (is_there(reading, "tag"))
        return refuse(reading, "tag",
                      "a request with several tags counts in several rows: ask for the report by "
                      "day and model");
    if (!by_day && !by_model)
        return refuse(reading, NULL, "has neither a day nor a model: ask for the report by these");
    if (first) {
        reading->bill->by_day = by_day;
        reading->bill->by_model = by_model;
    } else if (by_day != reading->bill->by_day || by_model != reading->bill->by_model) {
        return refuse(reading, NULL, "is grouped by other members than the first row");
    }
    return 0;
}

static int read_cost(struct reading *reading, struct maybe_money *ret_cost)
{
    const char *const *costs = reading->columns->costs;
    struct maybe_money older = {.known = false};
    int result = read_money(reading, costs[0], ret_cost);

    if (result == 0)
        result = read_money(reading, costs[1], &older);
    if (result == 0 && older.known && (!ret_cost->known || ret_cost->money.femto == 0))
        *ret_cost = older;
    if (result == 0 && !ret_cost->known)
        return refuse(reading, costs[1] != NULL ? costs[1] : costs[0], "is missing");
    return result;
}

static int read_side(struct reading *reading, struct bill_side *ret_side)
{
    const struct columns *columns = reading->columns;
    int result = read_cost(reading, &ret_side->cost);

    ret_side->present = true;
    if (result == 0)
        result = read_money(reading, columns->market, &ret_side->market);
    if (result == 0)
        result = read_money(reading, columns->surcharge, &ret_side->surcharge);
    if (result == 0)
        result = read_money(reading, columns->upstream, &ret_side->upstream);
    if (result == 0)
        result = read_count(reading, columns->requests, &ret_side->requests);
    for (unsigned i = 0; i < TALLY_TOKENS && result == 0; i++)
        result = read_count(reading, columns->tokens[i], &ret_side->tokens[i]);
    return result;
}

static int add_row(struct reading *reading, int64_t day_ms)
{
    struct bill *bill = reading->bill;
    struct bill_side side = bill_line_empty.vendor;
    struct bill_line *line;
    struct text model = {NULL, 0};
    int result = read_side(reading, &side);

    if (result == 0)
        result = read_text(reading, "model", &model);
    if (result < 0)
        return result;
    if (bill->by_day && (day_ms < bill->order->from_ms || day_ms >= bill->order->to_ms)) {
        bill->outside_rows++;
        return report_add_money(&bill->outside, &side.cost);
    }
    bill->rows++;
    if (bill->by_day && (bill->first_day_ms == BILL_NO_DAY || day_ms < bill->first_day_ms))
        bill->first_day_ms = day_ms;
    if (bill->by_day && (bill->last_day_ms == BILL_NO_DAY || day_ms > bill->last_day_ms))
        bill->last_day_ms = day_ms;
    if (bill->by_model)
        result = add_name(reading, model);
    line = bill_line(bill, model, day_ms);
    if (line == NULL)
        return -ENOMEM;
    return result < 0 ? result : bill_side_add(&line->vendor, &side);
}

static int take_row(struct reading *reading, bool first)
{
    const char *member;
    int64_t day_ms = BILL_NO_DAY;
    struct text day;
    int result;

    if (!json_object_is_type(reading->row, json_type_object))
        return refuse(reading, NULL, "is no object");
    result = read_dimensions(reading, first);
    member = day_member(reading);
    if (result < 0 || member == NULL)
        return result < 0 ? result : add_row(reading, day_ms);
    result = read_text(reading, member, &day);
    if (result == 0 && parse_day(day, &day_ms) < 0)
        return refuse(reading, member, "is not a day like 2026-11-20, nor an hour of one");
    return result < 0 ? result : add_row(reading, day_ms);
}

static int take_rows(struct reading *reading, struct json_object *rows)
{
    size_t count = json_object_array_length(rows);
    char name[64];
    int result = 0;

    if (count > BILL_ROWS_MAX) {
        price_refuse(&reading->place, "has more than 100000 rows");
        return -EFBIG;
    }
    for (size_t i = 0; i < count && result == 0; i++) {
        int len = snprintf(name, sizeof(name), "%s[%zu]", reading->columns->list, i);
        reading->place.model = name;
        reading->place.model_len = (size_t)len;
        reading->row = json_object_array_get_idx(rows, i);
        result = take_row(reading, i == 0);
    }
    return result;
}

/* The vendor is known by the list's name. */
static struct json_object *find_rows(struct bill *bill, struct json_object *root)
{
    struct json_object *found = NULL, *list;

    if (!json_object_is_type(root, json_type_object))
        return NULL;
    for (unsigned i = 0; i < sizeof(vendors) / sizeof(*vendors); i++) {
        if (!json_object_object_get_ex(root, vendors[i].list, &list))
            continue;
        if (found != NULL || !json_object_is_type(list, json_type_array))
            return NULL;
        found = list;
        bill->vendor = (enum bill_vendor)i;
    }
    return found;
}

int bill_read_report(struct bill *bill, char *error, size_t error_size)
{
    static const struct name nothing = {.reported = false};
    struct reading reading = {.bill = bill, .place = {.error = error, .error_size = error_size}};
    struct json_object *root = NULL, *rows;
    int result;

    bill->by_day = bill->by_model = true; /* of a report without rows */
    bill->names = report_table_new(&nothing, sizeof(nothing), BILL_LINES_MAX);
    if (bill->names == NULL)
        return -ENOMEM;
    if (bill->order->report_len > BILL_REPORT_MAX) {
        price_refuse(&reading.place, "is larger than 64 MiB, the most a report may have");
        return -EFBIG;
    }
    result = price_json_parse(&reading.place, bill->order->report, bill->order->report_len, &root);
    if (result < 0)
        return result;
    rows = find_rows(bill, root);
    reading.columns = &vendors[bill->vendor];
    if (rows == NULL)
        result = price_refuse(&reading.place,
                              "is neither Vercel's report ({\"results\": [...]}) nor OpenRouter's "
                              "activity ({\"data\": [...]})");
    else
        result = take_rows(&reading, rows);
    json_object_put(root);
    return result;
}
