#include "accounting/focus_meta.h"

#include "accounting/focus_columns.h"
#include "accounting/focus_tags.h"
#include "accounting/ledger_month.h"

#include <errno.h>

enum { PRECISION = 38 /* digits of DECIMAL(38, scale) */ };

static const char *type_name(enum focus_type type)
{
    switch (type) {
    case FOCUS_STRING:
        return "STRING";
    case FOCUS_DECIMAL:
    case FOCUS_COUNT:
        return "DECIMAL";
    case FOCUS_TIME:
        return "DATETIME";
    case FOCUS_JSON:
        return "JSON";
    }
    return "";
}

static void put_column(enum focus_column column, bool first, FILE *out)
{
    const struct focus_column_info *info = focus_column_info(column);
    struct text name = focus_column_name(column);
    enum focus_type type = (enum focus_type)info->type;
    fprintf(out, "%s\n    {\"ColumnName\":\"%.*s\",\"DataType\":\"%s\"", first ? "" : ",",
            (int)name.len, name.bytes, type_name(type));
    if (type == FOCUS_DECIMAL || type == FOCUS_COUNT)
        fprintf(out, ",\"NumericPrecision\":%d,\"NumberScale\":%d,\"Precision\":\"Extended\"",
                PRECISION, info->scale);
    if (type == FOCUS_STRING || type == FOCUS_JSON)
        fputs(",\"StringEncoding\":\"UTF-8\"", out);
    if (column == FOCUS_TAGS)
        fputs(",\"ProviderTagPrefixes\":[\"" FOCUS_TAG_PREFIX "/\"]", out);
    fputc('}', out);
}

static void put_head(const struct focus_order *order, FILE *out)
{
    const char *version = order->profile == FOCUS_1_4 ? "1.4" : "1.2";
    char time[FOCUS_TIME_TEXT], month[LEDGER_MONTH_NAME];
    focus_print_time(order->now_ms, time);
    ledger_month_name(order->from_ms, month);
    fprintf(out,
            "{\n"
            "  \"SchemaId\":\"tollgate-focus-%s-1\",\n"
            "  \"FocusVersion\":\"%s\",\n"
            "  \"DataGenerator\":\"Tollgate\",\n"
            "  \"DataGeneratorVersion\":\"%s\",\n"
            "  \"CreationDate\":\"%.*s\",\n"
            "  \"BillingPeriod\":\"%s\",\n"
            "  \"Format\":\"%s\",\n",
            version, version, TOLLGATE_VERSION, FOCUS_TIME_TEXT, time, month,
            order->form == FOCUS_JSONL ? "jsonl" : "csv");
}

static void put_counts(const struct focus_truth *truth, uint64_t lines, FILE *out)
{
    char booked[MONEY_TEXT_MAX];
    money_print(truth->booked, booked);
    fprintf(out,
            "  \"x_Lines\":%llu,\n"
            "  \"x_BilledCost\":\"%s\",\n"
            "  \"x_Requests\":%lld,\n"
            "  \"x_CacheHits\":%lld,\n"
            "  \"x_PendingRequests\":%lld,\n"
            "  \"x_UnknownCostRequests\":%lld,\n"
            "  \"x_Corrections\":%lld,\n",
            (unsigned long long)lines, booked, (long long)truth->requests, (long long)truth->hits,
            (long long)truth->pending, (long long)truth->unknown, (long long)truth->corrections);
}

int focus_meta_write(const struct focus_order *order, const struct focus_truth *truth,
                     uint64_t lines, FILE *out)
{
    bool first = true;
    put_head(order, out);
    put_counts(truth, lines, out);
    fputs("  \"ColumnDefinition\":[", out);
    for (unsigned i = 0; i < FOCUS_COLUMNS; i++) {
        if (!focus_column_in((enum focus_column)i, order->profile))
            continue;
        put_column((enum focus_column)i, first, out);
        first = false;
    }
    fputs("\n  ]\n}\n", out);
    return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
