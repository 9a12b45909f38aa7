/* admin_query.c - paths and parameters. */
#include "server/admin_query.h"

#include "accounting/export_tags.h"
#include "accounting/ledger_month.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

_Static_assert(ADMIN_PLACE_MAX >= 20 + 1 + 20 + 1, "a place fits");

static bool same(struct text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.bytes, word, text.len) == 0;
}

static bool begins(struct text text, const char *word)
{
    return text.len >= strlen(word) && memcmp(text.bytes, word, strlen(word)) == 0;
}

/* --- paths --- */

static const struct {
    const char *path, *methods;
} routes[ADMIN_ROUTES] = {
    [ADMIN_HEALTH] = {"/health", "GET, HEAD"},      [ADMIN_READY] = {"/ready", "GET, HEAD"},
    [ADMIN_REPORT] = {"/ledger/report", "GET"},     [ADMIN_REQUESTS] = {"/ledger/requests", "GET"},
    [ADMIN_REQUEST] = {"/ledger/requests/", "GET"}, [ADMIN_EXPORT] = {"/ledger/export", "GET"},
    [ADMIN_MONTHS] = {"/ledger/months", "GET"},     [ADMIN_CLOSE] = {"/ledger/close", "POST"},
    [ADMIN_BACKUP] = {"/ledger/backup", "POST"},
};

enum admin_route admin_route_find(struct text path, struct text *ret_rest)
{
    const char *requests = routes[ADMIN_REQUEST].path;

    for (unsigned i = 0; i < ADMIN_ROUTES; i++)
        if (routes[i].path != NULL && i != ADMIN_REQUEST && same(path, routes[i].path))
            return (enum admin_route)i;
    if (!begins(path, requests) || path.len == strlen(requests))
        return ADMIN_NOT_FOUND;
    *ret_rest = (struct text){path.bytes + strlen(requests), path.len - strlen(requests)};
    return ADMIN_REQUEST;
}

const char *admin_route_methods(enum admin_route route)
{
    assert(route > ADMIN_NOT_FOUND && route < ADMIN_ROUTES);
    return routes[route].methods;
}

/* --- percent-encoding --- */

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit = (char)(digit | 0x20);
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool is_text(const char *bytes, size_t len)
{
    for (size_t at = 0, step; at < len; at += step) {
        step = bytes[at] == '\0' ? 0 : export_utf8(bytes + at, len - at);
        if (step == 0)
            return false;
    }
    return true;
}

/* plus: '+' is a space, as in a query. With a NUL; -EINVAL: no UTF-8, a NUL in it, or no room. */
static int decode(struct text text, bool plus, char *value, size_t size)
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
        } else if (byte == '+' && plus) {
            byte = ' ';
        }
        value[len++] = byte;
    }
    if (!is_text(value, len))
        return -EINVAL;
    value[len] = '\0';
    return 0;
}

int admin_path_id(struct text rest, char id[ROW_ID_MAX + 1])
{
    char value[ROW_ID_MAX + 1];

    if (decode(rest, false, value, sizeof value) != 0 || value[0] == '\0')
        return -EINVAL;
    memcpy(id, value, strlen(value) + 1);
    return 0;
}

/* --- places --- */

static int parse_number(struct text text, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (text.len == 0)
        return -EINVAL;
    for (size_t i = 0; i < text.len; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9' ||
            __builtin_mul_overflow(number, UINT64_C(10), &number) ||
            __builtin_add_overflow(number, (uint64_t)(text.bytes[i] - '0'), &number))
            return -EINVAL;
    }
    if (number > max)
        return -EINVAL;
    *ret_number = number;
    return 0;
}

static int parse_place(struct text text, struct ledger_ref *ret_place)
{
    const char *slash = memchr(text.bytes, '/', text.len);
    uint64_t ms, sequence;
    size_t len;

    if (slash == NULL)
        return -EINVAL;
    len = (size_t)(slash - text.bytes);
    if (parse_number((struct text){text.bytes, len}, INT64_MAX, &ms) != 0 ||
        parse_number((struct text){slash + 1, text.len - len - 1}, UINT64_MAX, &sequence) != 0)
        return -EINVAL;
    *ret_place = (struct ledger_ref){.created_at_ms = (int64_t)ms, .sequence = sequence};
    return 0;
}

static size_t put_number(uint64_t number, char *to)
{
    char digits[20];
    size_t count = 0;

    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (size_t i = 0; i < count; i++)
        to[i] = digits[count - 1 - i];
    return count;
}

size_t admin_place_print(const struct ledger_ref *place, char text[ADMIN_PLACE_MAX])
{
    size_t len;

    assert(place->created_at_ms >= 0);
    len = put_number((uint64_t)place->created_at_ms, text);
    text[len++] = '/';
    len += put_number(place->sequence, text + len);
    text[len] = '\0';
    return len;
}

/* --- values: each is NUL-terminated UTF-8. NULL, or what it must be --- */

static const char *read_month(struct admin_query *query, const char *value)
{
    if (export_month_parse(value, strlen(value), &query->from_ms, &query->to_ms) != 0)
        return "must be a month such as 2026-11 (UTC)";
    memcpy(query->month, value, sizeof query->month); /* exactly 7 characters and a NUL */
    return NULL;
}

static const char *read_against(struct admin_query *query, const char *value)
{
    if (export_month_parse(value, strlen(value), &query->against_from_ms, &query->against_to_ms) !=
        0)
        return "must be a month such as 2026-10 (UTC)";
    return NULL;
}

static const char *read_by(struct admin_query *query, const char *value)
{
    static const char keys[] = "must be a list, each once, of model, provider, key, client, "
                               "project, user, app, tag, day, upstream, api";

    query->by_count = 0;
    for (const char *at = value;; at++) {
        size_t len = strcspn(at, ",");
        enum export_key key;
        if (query->by_count == EXPORT_KEYS || export_key_parse(at, len, &key) != 0)
            return keys;
        for (size_t i = 0; i < query->by_count; i++)
            if (query->by[i] == key)
                return keys;
        query->by[query->by_count++] = key;
        at += len;
        if (*at == '\0')
            return NULL;
    }
}

static const char *read_format(struct admin_query *query, const char *value)
{
    static const char *const words[] = {
        [ADMIN_CSV] = "csv", [ADMIN_JSONL] = "jsonl", [ADMIN_FOCUS] = "focus"};

    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], value) == 0) {
            query->format = (enum admin_format)i;
            return NULL;
        }
    return "must be csv, jsonl or focus";
}

static const char *read_profile(struct admin_query *query, const char *value)
{
    if (strcmp(value, "1.2") != 0 && strcmp(value, "1.4") != 0)
        return "must be 1.2 or 1.4";
    query->profile = strcmp(value, "1.4") == 0 ? FOCUS_1_4 : FOCUS_1_2;
    return NULL;
}

static const char *read_savings(struct admin_query *query, const char *value)
{
    query->savings = strcmp(value, "1") == 0 || strcmp(value, "true") == 0;
    if (!query->savings && strcmp(value, "0") != 0 && strcmp(value, "false") != 0)
        return "must be 1 or 0";
    return NULL;
}

static const char *read_limit(struct admin_query *query, const char *value)
{
    uint64_t number;

    _Static_assert(ADMIN_LIMIT_MAX == 1000, "said below");
    if (parse_number(text_of(value), ADMIN_LIMIT_MAX, &number) != 0 || number == 0)
        return "must be 1 to 1000";
    query->limit = (size_t)number;
    return NULL;
}

static const char *read_after(struct admin_query *query, const char *value)
{
    struct admin_after *after = &query->after;

    if (parse_place(text_of(value), &after->place) == 0) {
        after->kind = ADMIN_AFTER_PLACE;
        return NULL;
    }
    if (value[0] == '\0' || strlen(value) > ROW_ID_MAX)
        return "must be the `next` of the page before, or an id";
    memcpy(after->id, value, strlen(value) + 1);
    after->kind = ADMIN_AFTER_ID;
    return NULL;
}

/* Words are numbered from 1 or, where none is a word of its own, from 0. */
static int find_word(const char *value, const char *(*name)(unsigned), unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        if (strcmp(name(i), value) == 0)
            return (int)i;
    return -EINVAL;
}

static const char *api_name(unsigned i)
{
    return row_api_name((enum row_api)i);
}

static const char *cache_name(unsigned i)
{
    return row_cache_name((enum row_cache)i);
}

static const char *name_of_verdict(unsigned i)
{
    return verdict_name((enum verdict)i);
}

static const char *name_of_cause(unsigned i)
{
    return cause_name((enum cause)i);
}

static const char *read_api(struct admin_query *query, const char *value)
{
    int found = find_word(value, api_name, APIS);

    if (found < 0)
        return "must be chat, responses, messages, embeddings, completions, images, audio, videos, "
               "batches, files, ai-language, ai-embedding or ai-other";
    query->filter.api = (enum row_api)found;
    return NULL;
}

static const char *read_cache(struct admin_query *query, const char *value)
{
    int found = find_word(value, cache_name, CACHES);

    if (found < 0)
        return "must be hit, collapsed, miss, off, stale or refresh";
    query->filter.cache = (enum row_cache)found;
    return NULL;
}

static const char *read_verdict(struct admin_query *query, const char *value)
{
    int found = find_word(value, name_of_verdict, VERDICTS);

    if (found < 0)
        return "must be matched, over, under, pending, unreported, unpriced, unknown, free or "
               "failed";
    query->filter.verdict = (enum verdict)found;
    return NULL;
}

static const char *read_cause(struct admin_query *query, const char *value)
{
    int found = strcmp(value, "none") == 0 ? CAUSE_NONE : find_word(value, name_of_cause, CAUSES);

    if (found < 0)
        return "must be none, or a cause of a difference as the ledger shows it";
    query->filter.by_cause = true;
    query->filter.cause = (enum cause)found;
    return NULL;
}

/* --- parameters --- */

enum { SHOWN_MAX = 32 }; /* bytes of a name that is not known */

enum {
    OF_REPORT = 1 << ADMIN_REPORT,
    OF_REQUESTS = 1 << ADMIN_REQUESTS,
    OF_EXPORT = 1 << ADMIN_EXPORT,
};

static const struct parameter {
    const char *name;
    unsigned routes;
    const char *(*read)(struct admin_query *query, const char *value); /* NULL: a text */
    enum admin_text text;
} parameters[] = {
    {"month", OF_REPORT | OF_REQUESTS | OF_EXPORT, read_month, 0},
    {"against", OF_REPORT, read_against, 0},
    {"by", OF_REPORT | OF_EXPORT, read_by, 0},
    {"format", OF_EXPORT, read_format, 0},
    {"profile", OF_EXPORT, read_profile, 0},
    {"savings", OF_EXPORT, read_savings, 0},
    {"limit", OF_REQUESTS, read_limit, 0},
    {"after", OF_REQUESTS, read_after, 0},
    {"api", OF_REQUESTS, read_api, 0},
    {"cache", OF_REQUESTS, read_cache, 0},
    {"verdict", OF_REQUESTS, read_verdict, 0},
    {"cause", OF_REQUESTS, read_cause, 0},
    {"model", OF_REQUESTS, NULL, ADMIN_MODEL},
    {"provider", OF_REQUESTS, NULL, ADMIN_PROVIDER},
    {"upstream", OF_REQUESTS, NULL, ADMIN_UPSTREAM},
    {"client", OF_REQUESTS, NULL, ADMIN_CLIENT},
    {"key_id", OF_REQUESTS, NULL, ADMIN_KEY_ID},
    {"project", OF_REQUESTS, NULL, ADMIN_PROJECT},
    {"user", OF_REQUESTS, NULL, ADMIN_USER},
    {"session", OF_REQUESTS, NULL, ADMIN_SESSION},
};
enum { PARAMETERS = sizeof parameters / sizeof *parameters };
_Static_assert(PARAMETERS <= 32, "they are counted in the bits of one number");

static const char *read_text(struct admin_query *query, enum admin_text text, const char *value)
{
    if (value[0] == '\0' || strlen(value) > ROW_NAME_MAX)
        return "must be 1 to 256 bytes";
    memcpy(query->filter.text[text], value, strlen(value) + 1);
    return NULL;
}

static int read_pair(enum admin_route route, struct text pair, unsigned *seen,
                     struct admin_query *query, struct admin_error *error)
{
    const char *equals = memchr(pair.bytes, '=', pair.len);
    struct text name = {pair.bytes, equals != NULL ? (size_t)(equals - pair.bytes) : pair.len};
    const struct parameter *parameter;
    char value[ADMIN_VALUE_MAX + 1] = "";
    const char *must;
    unsigned i;

    for (i = 0; i < PARAMETERS; i++)
        if (same(name, parameters[i].name) && (parameters[i].routes >> route & 1) != 0)
            break;
    if (i == PARAMETERS)
        return admin_error_set(error, 400, "bad_request", "there is no parameter \"%.*s\" here",
                               name.len < SHOWN_MAX ? (int)name.len : SHOWN_MAX, name.bytes);
    parameter = &parameters[i];
    if (*seen >> i & 1)
        return admin_error_set(error, 400, "bad_request", "%s is said twice", parameter->name);
    *seen |= 1u << i;
    if (equals != NULL &&
        decode((struct text){equals + 1, pair.len - name.len - 1}, true, value, sizeof value) != 0)
        return admin_error_set(error, 400, "bad_request",
                               "%s must be UTF-8 in percent-encoding, at most %d bytes",
                               parameter->name, ADMIN_VALUE_MAX - 1);
    must = parameter->read != NULL ? parameter->read(query, value)
                                   : read_text(query, parameter->text, value);
    if (must != NULL)
        return admin_error_set(error, 400, "bad_request", "%s %s", parameter->name, must);
    return 0;
}

/* What one parameter says of another. */
static int check(enum admin_route route, bool month_said, const struct admin_query *query,
                 struct admin_error *error)
{
    if (route == ADMIN_EXPORT && !month_said)
        return admin_error_set(error, 400, "bad_request", "month is required: YYYY-MM (UTC)");
    if (query->format == ADMIN_FOCUS && query->by_count > 0)
        return admin_error_set(error, 400, "bad_request",
                               "by does not go with format=focus, whose grain is fixed");
    if (query->format != ADMIN_FOCUS && (query->savings || query->profile != FOCUS_1_2))
        return admin_error_set(error, 400, "bad_request",
                               "profile and savings go with format=focus only");
    return 0;
}

int admin_query_parse(enum admin_route route, struct text query, int64_t now_ms,
                      struct admin_query *ret_query, struct admin_error *error)
{
    struct admin_query read = {.limit = ADMIN_LIMIT};
    const char *at = query.bytes, *end = query.len > 0 ? query.bytes + query.len : query.bytes;
    unsigned seen = 0;

    ledger_month_range(now_ms, &read.from_ms, &read.to_ms);
    ledger_month_name(now_ms, read.month);
    while (query.len > 0 && at < end) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        if (stop == NULL)
            stop = end;
        if (stop > at &&
            read_pair(route, (struct text){at, (size_t)(stop - at)}, &seen, &read, error) != 0)
            return -1;
        at = stop + 1;
    }
    _Static_assert(sizeof read.month == LEDGER_MONTH_NAME, "a month's name fits");
    if (check(route, (seen & 1) != 0, &read, error) != 0)
        return -1;
    *ret_query = read;
    return 0;
}

/* --- filters --- */

static bool text_matches(const char *wanted, struct text text)
{
    return wanted[0] == '\0' || same(text, wanted);
}

bool admin_filter_matches(const struct admin_filter *filter, const struct ledger_row *row)
{
    if (filter->api != API_NONE && filter->api != row->api)
        return false;
    if (filter->cache != CACHE_NONE && filter->cache != row->cache)
        return false;
    if (filter->verdict != VERDICT_NONE && filter->verdict != row->verdict)
        return false;
    if (filter->by_cause && filter->cause != row->cause)
        return false;
    if (!text_matches(filter->text[ADMIN_MODEL], row->model) &&
        !text_matches(filter->text[ADMIN_MODEL], row->model_requested))
        return false;
    return text_matches(filter->text[ADMIN_PROVIDER], row->provider) &&
           text_matches(filter->text[ADMIN_UPSTREAM], row->upstream) &&
           text_matches(filter->text[ADMIN_CLIENT], row->client) &&
           text_matches(filter->text[ADMIN_KEY_ID], row->key_id) &&
           text_matches(filter->text[ADMIN_PROJECT], row->project) &&
           text_matches(filter->text[ADMIN_USER], row->user) &&
           text_matches(filter->text[ADMIN_SESSION], row->session);
}
