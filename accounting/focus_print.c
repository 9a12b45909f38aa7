#include "accounting/focus_print.h"

#include "accounting/focus_text.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum {
    HOUR_MS = 3600000,
    SCRATCH_BYTES = 16 * 1024,
    /* Tokens are priced by the million: a millionth of that, in 1e-15. */
    TOKEN_FEMTO = 1000000000,
};

struct focus_printer {
    struct export_buffer *buffer;
    enum focus_profile profile;
    struct focus_frame frame;
    struct focus_cells cells;
    size_t used;
    char scratch[SCRATCH_BYTES]; /* values that are made for a line */
};

struct focus_printer *focus_printer_new(FILE *out, enum focus_profile profile, enum focus_form form,
                                        const struct focus_frame *frame)
{
    struct focus_printer *printer = calloc(1, sizeof(*printer));
    if (printer == NULL)
        return NULL;
    printer->profile = profile;
    printer->frame = *frame;
    printer->buffer = export_buffer_new(out, form == FOCUS_JSONL ? EXPORT_JSONL : EXPORT_CSV);
    if (printer->buffer == NULL) {
        free(printer);
        return NULL;
    }
    return printer;
}

int focus_printer_finish(struct focus_printer *printer)
{
    int result = export_buffer_finish(printer->buffer);
    free(printer);
    return result;
}

/* --- values --- */

static void set(struct focus_printer *printer, enum focus_column column, struct text text)
{
    printer->cells.cell[column] = text;
}

static void set_word(struct focus_printer *printer, enum focus_column column, const char *word)
{
    set(printer, column, text_of(word));
}

/* What was written behind `used` becomes the value. */
static void set_made(struct focus_printer *printer, enum focus_column column, size_t len)
{
    assert(len <= SCRATCH_BYTES - printer->used);
    set(printer, column, (struct text){printer->scratch + printer->used, len});
    printer->used += len;
}

static void set_fine(struct focus_printer *printer, enum focus_column column, __int128 value)
{
    assert(SCRATCH_BYTES - printer->used >= MONEY_TEXT_MAX);
    set_made(printer, column, focus_print_fine(value, printer->scratch + printer->used));
}

static void set_money(struct focus_printer *printer, enum focus_column column, __int128 femto)
{
    assert(SCRATCH_BYTES - printer->used >= MONEY_TEXT_MAX);
    set_made(printer, column, money_print((struct money){femto}, printer->scratch + printer->used));
}

static void set_maybe(struct focus_printer *printer, enum focus_column column,
                      const struct maybe_money *money)
{
    if (money->known)
        set_money(printer, column, money->money.femto);
}

static void set_count(struct focus_printer *printer, enum focus_column column, int64_t count)
{
    char *at = printer->scratch + printer->used;
    set_made(printer, column,
             (size_t)snprintf(at, SCRATCH_BYTES - printer->used, "%lld", (long long)count));
}

static void set_time(struct focus_printer *printer, enum focus_column column, int64_t ms)
{
    assert(SCRATCH_BYTES - printer->used >= FOCUS_TIME_TEXT);
    focus_print_time(ms, printer->scratch + printer->used);
    set_made(printer, column, FOCUS_TIME_TEXT);
}

/* --- a line --- */

static void set_frame(struct focus_printer *printer, const struct focus_line *line)
{
    const struct focus_frame *frame = &printer->frame;
    set(printer, FOCUS_BILLING_ACCOUNT_ID, frame->account_id);
    set(printer, FOCUS_BILLING_ACCOUNT_NAME, frame->account_name);
    set_word(printer, FOCUS_BILLING_CURRENCY, "USD");
    set_time(printer, FOCUS_BILLING_PERIOD_START, frame->from_ms);
    set_time(printer, FOCUS_BILLING_PERIOD_END, frame->to_ms);
    set_time(printer, FOCUS_CHARGE_PERIOD_START, line->shared->hour_ms);
    set_time(printer, FOCUS_CHARGE_PERIOD_END, line->shared->hour_ms + HOUR_MS);
    set_word(printer, FOCUS_CHARGE_CATEGORY, "Usage");
    set_word(printer, FOCUS_CHARGE_CLASS, line->shared->correction ? "Correction" : "");
    set_word(printer, FOCUS_CHARGE_FREQUENCY, "Usage-Based");
    set_word(printer, FOCUS_SERVICE_CATEGORY, "AI and Machine Learning");
    set_word(printer, FOCUS_SERVICE_SUBCATEGORY, "Generative AI");
    set(printer, FOCUS_X_LEDGER_FIRST_SEQ, frame->first);
    set(printer, FOCUS_X_LEDGER_LAST_SEQ, frame->last);
    set(printer, FOCUS_X_LEDGER_ROOT_HASH, frame->root);
}

static void set_names(struct focus_printer *printer, const struct focus_line *line)
{
    const struct focus_shared *shared = line->shared;
    struct text service = focus_service(line);
    set(printer, FOCUS_INVOICE_ISSUER_NAME, focus_issuer(line));
    set(printer, FOCUS_SERVICE_NAME, service);
    set(printer, FOCUS_PROVIDER_NAME, shared->gateway);
    set(printer, FOCUS_PUBLISHER_NAME, shared->vendor);
    set(printer, FOCUS_SERVICE_PROVIDER_NAME, shared->vendor);
    set(printer, FOCUS_HOST_PROVIDER_NAME,
        shared->provider.len > 0 ? shared->provider : shared->vendor);
    if (line->kind == FOCUS_KIND_SURCHARGE) { /* the gateway's own service */
        set(printer, FOCUS_PUBLISHER_NAME, shared->gateway);
        set(printer, FOCUS_SERVICE_PROVIDER_NAME, shared->gateway);
        set(printer, FOCUS_HOST_PROVIDER_NAME, shared->gateway);
    }
    set(printer, FOCUS_RESOURCE_ID, shared->resource);
    set(printer, FOCUS_RESOURCE_NAME, shared->model);
    set_word(printer, FOCUS_RESOURCE_TYPE, "Model");
    set(printer, FOCUS_SUB_ACCOUNT_ID, shared->account);
    set(printer, FOCUS_SUB_ACCOUNT_NAME, shared->account);
    set_word(printer, FOCUS_SUB_ACCOUNT_TYPE, focus_account_name(shared->account_type));
    set(printer, FOCUS_TAGS, shared->tags);
}

/* Keys sorted, no prices in it. */
static void set_details(struct focus_printer *printer, const struct focus_line *line)
{
    const struct focus_shared *shared = line->shared;
    const char *ttl = focus_class(line->kind, line->class)->ttl;
    char *start = printer->scratch + printer->used, *at = start;
    char *end = printer->scratch + SCRATCH_BYTES;
    *at++ = '{';
    if (ttl != NULL)
        at += snprintf(at, (size_t)(end - at), "\"x_CacheTtl\":\"%s\",", ttl);
    if (shared->above > 0)
        at +=
            snprintf(at, (size_t)(end - at), "\"x_ContextAbove\":%lld,", (long long)shared->above);
    if (shared->off_peak)
        at += snprintf(at, (size_t)(end - at), "\"x_OffPeak\":true,");
    at += snprintf(at, (size_t)(end - at), "\"x_ServiceTier\":");
    assert(end - at > FOCUS_ESCAPED_MAX * FOCUS_CLEAN_MAX * PRICE_SERVICE_NAME_MAX);
    at += focus_json_string(at, shared->tier.len > 0 ? shared->tier : TEXT("standard"));
    *at++ = '}';
    set_made(printer, FOCUS_SKU_PRICE_DETAILS, (size_t)(at - start));
}

static void set_sku(struct focus_printer *printer, const struct focus_line *line)
{
    const struct focus_class *class = focus_class(line->kind, line->class);
    const struct text model = line->shared->model;
    char *at = printer->scratch + printer->used;
    int len;
    set(printer, FOCUS_SKU_ID, (struct text){line->sku_price.bytes, line->sku_len});
    set(printer, FOCUS_SKU_PRICE_ID, line->sku_price);
    set_word(printer, FOCUS_SKU_METER, class->meter);
    len = snprintf(at, SCRATCH_BYTES - printer->used, "%.*s %s%s", (int)model.len, model.bytes,
                   class->words, line->shared->saving ? " saved by the response cache" : "");
    set_made(printer, FOCUS_CHARGE_DESCRIPTION, (size_t)len);
    if (line->kind == FOCUS_KIND_CLASS)
        set_details(printer, line);
    if (line->kind == FOCUS_KIND_UNPRICED)
        set_word(printer, FOCUS_PRICING_CATEGORY, "Other");
    else if (focus_compare(line->shared->tier, TEXT("flex")) == 0)
        set_word(printer, FOCUS_PRICING_CATEGORY, "Dynamic");
    else
        set_word(printer, FOCUS_PRICING_CATEGORY, "Standard");
}

/* Corrections have sums only: how much less was used is in no unit that has a price. */
static void set_correction(struct focus_printer *printer, const struct focus_line *line)
{
    __int128 list = line->estimated.known ? line->estimated.money.femto : 0;
    set_money(printer, FOCUS_LIST_COST, list);
    set_money(printer, FOCUS_CONTRACTED_COST, list);
}

/* Without a list price there is one unit of it, which costs what was charged. */
static void set_without_price(struct focus_printer *printer, const struct focus_line *line)
{
    bool saving = line->shared->saving;
    __int128 list = saving ? line->avoided.money.femto : line->billed.femto;
    if (list < 0) /* a price is never below 0 */
        list = 0;
    set_count(printer, FOCUS_CONSUMED_QUANTITY, line->quantity);
    set_word(printer, FOCUS_CONSUMED_UNIT, "Requests");
    set_count(printer, FOCUS_PRICING_QUANTITY, 1);
    set_word(printer, FOCUS_PRICING_UNIT, "Requests");
    set_money(printer, FOCUS_LIST_UNIT_PRICE, list);
    set_money(printer, FOCUS_LIST_COST, list);
    set_money(printer, FOCUS_CONTRACTED_UNIT_PRICE, saving ? 0 : list);
    set_money(printer, FOCUS_CONTRACTED_COST, saving ? 0 : list);
}

/* Everything is exact: a price has 15 decimals, a multiplier 6, a quantity in millions 6, and a
 * million of units takes 6 away again. */
static int set_with_price(struct focus_printer *printer, const struct focus_line *line)
{
    const struct focus_class *class = focus_class(line->kind, line->class);
    __int128 price = line->price.femto, contracted, cost;
    if (__builtin_mul_overflow(price, (__int128)line->multiplier_ppm, &contracted) ||
        __builtin_mul_overflow(contracted, (__int128)line->quantity, &cost))
        return -EOVERFLOW;
    set_count(printer, FOCUS_CONSUMED_QUANTITY, line->quantity);
    set_word(printer, FOCUS_CONSUMED_UNIT, class->unit);
    set_money(printer, FOCUS_LIST_COST, price * line->quantity);
    set_fine(printer, FOCUS_CONTRACTED_COST, cost);
    if (class->millions) {
        set_money(printer, FOCUS_PRICING_QUANTITY, (__int128)line->quantity * TOKEN_FEMTO);
        set_word(printer, FOCUS_PRICING_UNIT, FOCUS_MILLION_TOKENS);
        set_money(printer, FOCUS_LIST_UNIT_PRICE, price * FOCUS_MILLION);
        set_fine(printer, FOCUS_CONTRACTED_UNIT_PRICE, contracted * FOCUS_MILLION);
    } else {
        set_count(printer, FOCUS_PRICING_QUANTITY, line->quantity);
        set_word(printer, FOCUS_PRICING_UNIT, class->unit);
        set_money(printer, FOCUS_LIST_UNIT_PRICE, price);
        set_fine(printer, FOCUS_CONTRACTED_UNIT_PRICE, contracted);
    }
    return 0;
}

static const char *source_word(unsigned sources)
{
    switch (sources) {
    case 0:
        return "";
    case FOCUS_LOOKUP:
        return "lookup";
    case FOCUS_RESPONSE:
        return "response";
    case FOCUS_ESTIMATE:
        return "estimate";
    default:
        return "allocated"; /* sums of several kinds of cost */
    }
}

static const char *verdict_word(unsigned verdicts)
{
    unsigned verdict = 0;
    if ((verdicts & (verdicts - 1)) != 0)
        return "mixed";
    while (verdict + 1 < VERDICTS && (verdicts & 1u << verdict) == 0)
        verdict++;
    return verdict_name((enum verdict)verdict);
}

static void set_ours(struct focus_printer *printer, const struct focus_line *line)
{
    set_word(printer, FOCUS_X_COST_SOURCE, source_word(line->sources));
    set_word(printer, FOCUS_X_RECONCILIATION_STATUS, verdict_word(line->verdicts));
    set_maybe(printer, FOCUS_X_ESTIMATED_COST, &line->estimated);
    set_maybe(printer, FOCUS_X_REPORTED_COST, &line->reported);
    set_maybe(printer, FOCUS_X_VARIANCE, &line->variance);
    set_maybe(printer, FOCUS_X_CACHE_AVOIDED_COST, &line->avoided);
    set_count(printer, FOCUS_X_REQUEST_COUNT, line->requests);
    set_count(printer, FOCUS_X_CACHE_HIT_COUNT, line->hits);
    if (!line->several_hashes)
        set(printer, FOCUS_X_PRICE_TABLE_HASH, line->price_hash);
}

/* --- writing --- */

static void put_cell(struct export_buffer *buffer, const struct focus_column_info *info,
                     struct text text)
{
    bool bare =
        info->type == FOCUS_COUNT || (info->type == FOCUS_JSON && buffer->format == EXPORT_JSONL);
    if (text.len > 0 && bare)
        export_bytes(buffer, text.bytes, text.len);
    else
        export_text(buffer, text);
}

static void put_cells(struct focus_printer *printer)
{
    bool first = true;
    export_line_begin(printer->buffer);
    for (unsigned i = 0; i < FOCUS_COLUMNS; i++) {
        const struct focus_column_info *info = focus_column_info((enum focus_column)i);
        if (!focus_column_in((enum focus_column)i, printer->profile))
            continue;
        export_field(printer->buffer, info->name, info->name_len, first);
        put_cell(printer->buffer, info, printer->cells.cell[i]);
        first = false;
    }
    export_line_end(printer->buffer);
}

void focus_print_head(struct focus_printer *printer)
{
    bool first = true;
    if (printer->buffer->format != EXPORT_CSV)
        return;
    export_line_begin(printer->buffer);
    for (unsigned i = 0; i < FOCUS_COLUMNS; i++) {
        const struct focus_column_info *info = focus_column_info((enum focus_column)i);
        if (!focus_column_in((enum focus_column)i, printer->profile))
            continue;
        export_heading(printer->buffer, info->name, info->name_len, first);
        first = false;
    }
    export_line_end(printer->buffer);
}

int focus_print_line(struct focus_printer *printer, const struct focus_line *line)
{
    int result = 0;
    memset(&printer->cells, 0, sizeof(printer->cells));
    printer->used = 0;
    set_frame(printer, line);
    set_names(printer, line);
    set_sku(printer, line);
    set_money(printer, FOCUS_BILLED_COST, line->billed.femto);
    set_money(printer, FOCUS_EFFECTIVE_COST, line->billed.femto);
    if (line->shared->correction)
        set_correction(printer, line);
    else if (line->kind == FOCUS_KIND_CLASS)
        result = set_with_price(printer, line);
    else
        set_without_price(printer, line);
    set_ours(printer, line);
    if (result == 0)
        put_cells(printer);
    return result < 0 ? result : printer->buffer->failed ? -EIO : 0;
}
