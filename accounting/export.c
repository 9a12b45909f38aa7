/* export.c - row by row: the columns of design 2.5. */
#include "accounting/export.h"

#include "accounting/export_text.h"
#include "accounting/ledger_month.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum kind { TEXT_, TIME, API, FLAG, TAGS, CACHE, STATUS, COUNT, MONEY, VERDICT, BYOK };

struct column {
    const char *name;
    uint8_t name_len;
    uint8_t kind;
    uint16_t offset;
};

#define COLUMN(name, kind, member)                                                                 \
    {                                                                                              \
        EXPORT_NAME(name), sizeof(EXPORT_NAME(name)) - 1, kind,                                    \
            offsetof(struct ledger_row, member)                                                    \
    }

static const struct column columns[] = {
    COLUMN("id", TEXT_, id),
    COLUMN("created_at", TIME, created_at_ms),
    COLUMN("api", API, api),
    COLUMN("streamed", FLAG, streamed),
    COLUMN("client", TEXT_, client),
    COLUMN("key_id", TEXT_, key_id),
    COLUMN("project", TEXT_, project),
    COLUMN("user", TEXT_, user),
    COLUMN("session", TEXT_, session),
    COLUMN("app", TEXT_, app),
    COLUMN("environment", TEXT_, environment),
    COLUMN("tags", TAGS, tags),
    COLUMN("model_requested", TEXT_, model_requested),
    COLUMN("model", TEXT_, model),
    COLUMN("provider", TEXT_, provider),
    COLUMN("upstream", TEXT_, upstream),
    COLUMN("upstream_id", TEXT_, upstream_id),
    COLUMN("route", TEXT_, route),
    COLUMN("cache", CACHE, cache),
    COLUMN("source_id", TEXT_, source_id),
    COLUMN("status", STATUS, status),
    COLUMN("finish_reason", TEXT_, finish_reason),
    COLUMN("prompt_tokens", COUNT, usage.prompt_tokens),
    COLUMN("completion_tokens", COUNT, usage.completion_tokens),
    COLUMN("cached_tokens", COUNT, usage.cached_tokens),
    COLUMN("cache_write_tokens", COUNT, usage.cache_write_tokens),
    COLUMN("reasoning_tokens", COUNT, usage.reasoning_tokens),
    COLUMN("billed_usd", MONEY, billed),
    COLUMN("upstream_usd", MONEY, upstream_cost),
    COLUMN("market_usd", MONEY, market),
    COLUMN("estimated_usd", MONEY, estimated),
    COLUMN("booked_usd", MONEY, booked),
    COLUMN("difference_usd", MONEY, difference),
    COLUMN("verdict", VERDICT, verdict),
    COLUMN("saved_usd", MONEY, saved),
    COLUMN("byok", BYOK, byok),
    COLUMN("latency_ms", COUNT, latency_ms),
    COLUMN("ttft_ms", COUNT, ttft_ms),
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
_Static_assert(COLUMNS == 38, "design 2.5 has 38 columns");

int export_key_parse(const char *text, size_t len, enum export_key *ret_key)
{
    static const char *const words[EXPORT_KEYS] = {
        [EXPORT_MODEL] = "model",       [EXPORT_PROVIDER] = "provider", [EXPORT_KEY] = "key",
        [EXPORT_CLIENT] = "client",     [EXPORT_PROJECT] = "project",   [EXPORT_USER] = "user",
        [EXPORT_APP] = "app",           [EXPORT_TAG] = "tag",           [EXPORT_DAY] = "day",
        [EXPORT_UPSTREAM] = "upstream", [EXPORT_API] = "api",
    };
    for (unsigned i = 0; i < EXPORT_KEYS; i++) {
        if (strlen(words[i]) == len && memcmp(words[i], text, len) == 0) {
            *ret_key = (enum export_key)i;
            return 0;
        }
    }
    return -EINVAL;
}

int export_month_parse(const char *text, size_t len, int64_t *ret_from_ms, int64_t *ret_to_ms)
{
    return ledger_month_parse(text, len, ret_from_ms, ret_to_ms);
}

static void put_number_or_flag(struct export_buffer *buffer, enum kind kind, const void *at)
{
    int number;
    if (kind == FLAG) {
        export_bool(buffer, *(const bool *)at);
        return;
    }
    number = *(const int *)at;
    if (kind == STATUS)
        export_count(buffer, number > 0 ? number : -1);
    else if (number < 0)
        export_unknown(buffer);
    else
        export_bool(buffer, number != 0);
}

static void put_value(struct export_buffer *buffer, const struct column *column, const void *at)
{
    enum kind kind = (enum kind)column->kind;
    switch (kind) {
    case TEXT_:
        export_text(buffer, *(const struct text *)at);
        break;
    case TIME:
        export_time(buffer, *(const int64_t *)at);
        break;
    case API:
        export_word(buffer, row_api_name(*(const enum row_api *)at));
        break;
    case CACHE:
        export_word(buffer, row_cache_name(*(const enum row_cache *)at));
        break;
    case VERDICT:
        export_word(buffer, verdict_name(*(const enum verdict *)at));
        break;
    case TAGS:
        export_tags(buffer, *(const struct text *)at);
        break;
    case COUNT:
        export_count(buffer, *(const int64_t *)at);
        break;
    case MONEY:
        export_money(buffer, at);
        break;
    case FLAG:
    case STATUS:
    case BYOK:
        put_number_or_flag(buffer, kind, at);
        break;
    }
}

static void put_fields(struct export_buffer *buffer, const struct ledger_row *row)
{
    for (unsigned i = 0; i < COLUMNS; i++) {
        const struct column *column = &columns[i];
        export_field(buffer, column->name, column->name_len, i == 0);
        put_value(buffer, column, (const char *)row + column->offset);
    }
}

static int put_row(void *arg, const struct ledger_row *row)
{
    struct export_buffer *buffer = arg;
    export_line_begin(buffer);
    put_fields(buffer, row);
    export_line_end(buffer);
    return buffer->failed ? -EIO : 0;
}

int export_row_json(const struct ledger_row *row, FILE *out)
{
    struct export_buffer *buffer = export_buffer_new(out, EXPORT_JSONL);
    if (buffer == NULL)
        return -ENOMEM;
    export_line_begin(buffer);
    put_fields(buffer, row);
    export_char(buffer, '}');
    return export_buffer_finish(buffer);
}

int export_rows(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                enum export_format format, FILE *out)
{
    struct export_buffer *buffer = export_buffer_new(out, format);
    int result, finished;
    if (buffer == NULL)
        return -ENOMEM;
    if (format == EXPORT_CSV) {
        export_line_begin(buffer);
        for (unsigned i = 0; i < COLUMNS; i++)
            export_heading(buffer, columns[i].name, columns[i].name_len, i == 0);
        export_line_end(buffer);
    }
    result = ledger_reader_rows(reader, from_ms, to_ms, put_row, buffer);
    finished = export_buffer_finish(buffer);
    return result < 0 ? result : finished;
}
