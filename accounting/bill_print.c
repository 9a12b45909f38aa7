/* bill_print.c - a bill and the ledger side by side, for people and as JSON (shape: bill.h). */
#include "accounting/bill_private.h"

#include "accounting/report_grid.h"
#include "accounting/report_writer.h"

#include <inttypes.h>

static const struct {
    const char *code, *phrase;
} cause_words[BILL_CAUSES] = {
    [BILL_EQUAL] = {"equal", "equal"},
    [BILL_NOT_IN_REPORT] = {"not-in-report", "not in the vendor's report"},
    [BILL_NOT_IN_LEDGER] = {"not-in-ledger", "not in our ledger: calls made past the gateway"},
    [BILL_PENDING] = {"pending", "our costs are still to come"},
    [BILL_UNREPORTED] = {"unreported", "our costs were never reported"},
    [BILL_BYOK] = {"byok", "billed under one's own key"},
    [BILL_SURCHARGE] = {"surcharge", "the vendor's surcharge"},
    [BILL_REQUESTS] = {"requests", "the number of requests"},
    [BILL_DAY_BORDER] = {"day-border", "counted on the neighbouring day"},
    [BILL_TOKEN_COUNT] = {"token-count", "the number of tokens"},
    [BILL_UNEXPLAINED] = {"unexplained", "unexplained"},
};

static const char *const vendor_codes[] = {"vercel", "openrouter"};
static const char *const vendor_names[] = {"Vercel's report", "OpenRouter's activity"};
static const char *const token_names[TALLY_TOKENS] = {
    [TALLY_PROMPT] = "prompt_tokens",       [TALLY_COMPLETION] = "completion_tokens",
    [TALLY_CACHED] = "cached_tokens",       [TALLY_CACHE_WRITE] = "cache_write_tokens",
    [TALLY_REASONING] = "reasoning_tokens",
};

static struct maybe_money known(struct money money)
{
    return (struct maybe_money){true, money};
}

/* The model of a line; empty where it has none. */
static struct text model_of(const struct bill *bill, const struct bill_line *line)
{
    return report_table_value(bill->table, line, 0);
}

/* --- JSON --- */

static void put_side(struct report_json *json, const char *name, const struct bill_line *line,
                     bool ours)
{
    const struct bill_side *side = ours ? &line->ledger : &line->vendor;

    report_json_open(json, name, '{');
    report_json_money(json, "cost_usd", &side->cost);
    report_json_money(json, "market_usd", &side->market);
    if (!ours)
        report_json_money(json, "surcharge_usd", &side->surcharge);
    report_json_money(json, "upstream_usd", &side->upstream);
    report_json_count(json, "requests", side->requests);
    for (unsigned i = 0; i < TALLY_TOKENS; i++)
        report_json_count(json, token_names[i], side->tokens[i]);
    if (ours) {
        report_json_count(json, "pending", line->pending);
        report_json_count(json, "unreported", line->unreported);
        report_json_count(json, "byok", line->byok);
    }
    report_json_close(json, '}');
}

/* vendor - ledger, which may be below 0; null where one side does not say. */
static void put_apart(struct report_json *json, const char *name, int64_t vendor, int64_t ledger)
{
    char text[24];

    if (vendor < 0 || ledger < 0) {
        report_json_null(json, name);
        return;
    }
    snprintf(text, sizeof(text), "%" PRId64, vendor - ledger);
    report_json_raw(json, name, text_of(text));
}

static void put_sums(struct report_json *json, const struct bill_line *line)
{
    const struct bill_side *vendor = &line->vendor, *ledger = &line->ledger;
    struct maybe_money difference = known(line->difference);

    put_side(json, "vendor", line, false);
    put_side(json, "ledger", line, true);
    report_json_money(json, "difference_usd", &difference);
    put_apart(json, "requests_difference", vendor->requests, ledger->requests);
    put_apart(json, "prompt_tokens_difference", vendor->tokens[TALLY_PROMPT],
              ledger->tokens[TALLY_PROMPT]);
    put_apart(json, "completion_tokens_difference", vendor->tokens[TALLY_COMPLETION],
              ledger->tokens[TALLY_COMPLETION]);
}

static void put_line(struct report_json *json, const struct bill *bill,
                     const struct bill_line *line)
{
    char day[BILL_DAY_SIZE];

    bill_day_print(line->day_ms, day);
    report_json_open(json, NULL, '{');
    report_json_word(json, "day", day);
    report_json_text(json, "model", model_of(bill, line));
    report_json_bool(json, "agrees", line->agrees);
    report_json_word(json, "cause", cause_words[line->cause].code);
    put_sums(json, line);
    report_json_close(json, '}');
}

static void put_report(struct report_json *json, const struct bill *bill)
{
    char first[BILL_DAY_SIZE], last[BILL_DAY_SIZE];

    bill_day_print(bill->first_day_ms, first);
    bill_day_print(bill->last_day_ms, last);
    report_json_open(json, "by", '[');
    if (bill->by_day)
        report_json_word(json, NULL, "day");
    if (bill->by_model)
        report_json_word(json, NULL, "model");
    report_json_close(json, ']');
    report_json_open(json, "report", '{');
    report_json_count(json, "rows", (int64_t)bill->rows);
    report_json_word(json, "first_day", first);
    report_json_word(json, "last_day", last);
    report_json_count(json, "outside_rows", (int64_t)bill->outside_rows);
    report_json_money(json, "outside_usd", &bill->outside);
    report_json_close(json, '}');
}

static void put_causes(struct report_json *json, const struct bill *bill)
{
    report_json_open(json, "causes", '[');
    for (unsigned i = 0; i < BILL_CAUSES; i++) {
        struct maybe_money difference = known(bill->causes[i].difference);
        if (bill->causes[i].lines == 0)
            continue;
        report_json_open(json, NULL, '{');
        report_json_word(json, "cause", cause_words[i].code);
        report_json_count(json, "lines", (int64_t)bill->causes[i].lines);
        report_json_money(json, "difference_usd", &difference);
        report_json_close(json, '}');
    }
    report_json_close(json, ']');
}

void bill_print_json(const struct bill *bill, FILE *out)
{
    struct report_json json = REPORT_JSON(out);
    char month[LEDGER_MONTH_NAME];

    ledger_month_name(bill->order->from_ms, month);
    report_json_open(&json, NULL, '{');
    report_json_word(&json, "month", month);
    report_json_word(&json, "vendor", vendor_codes[bill->vendor]);
    report_json_text(&json, "upstream", bill->order->upstream);
    report_json_bool(&json, "several_upstreams", bill->several_upstreams);
    put_report(&json, bill);
    report_json_bool(&json, "agrees", bill->differing == 0);
    report_json_count(&json, "differing", (int64_t)bill->differing);
    put_causes(&json, bill);
    report_json_open(&json, "totals", '{');
    put_sums(&json, &bill->total);
    report_json_close(&json, '}');
    report_json_open(&json, "lines", '[');
    for (size_t i = 0; i < bill->count; i++)
        put_line(&json, bill, bill->lines[i]);
    report_json_close(&json, ']');
    report_json_close(&json, '}');
    fputc('\n', out);
}

/* --- text --- */

enum { COLUMNS = 12, CAUSE_COLUMNS = 3 };

static void put_cells(struct report_grid *grid, const struct bill_line *line)
{
    const struct bill_side *vendor = &line->vendor, *ledger = &line->ledger;
    struct maybe_money difference = known(line->difference);

    report_grid_money(grid, &vendor->cost);
    report_grid_money(grid, &ledger->cost);
    report_grid_money(grid, &difference);
    report_grid_count(grid, vendor->requests);
    report_grid_count(grid, ledger->requests);
    report_grid_count(grid, vendor->tokens[TALLY_PROMPT]);
    report_grid_count(grid, ledger->tokens[TALLY_PROMPT]);
    report_grid_count(grid, vendor->tokens[TALLY_COMPLETION]);
    report_grid_count(grid, ledger->tokens[TALLY_COMPLETION]);
}

static int print_lines(const struct bill *bill, FILE *out)
{
    static const enum report_align aligns[COLUMNS] = {
        REPORT_LEFT,  REPORT_LEFT,  REPORT_POINT, REPORT_POINT, REPORT_POINT, REPORT_RIGHT,
        REPORT_RIGHT, REPORT_RIGHT, REPORT_RIGHT, REPORT_RIGHT, REPORT_RIGHT, REPORT_LEFT};
    static const char *const names[COLUMNS] = {"day",        "model",    "vendor", "ledger",
                                               "difference", "requests", "ours",   "in",
                                               "ours",       "out",      "ours",   "likely cause"};
    struct report_grid grid;
    int result;

    report_grid_init(&grid, aligns, COLUMNS);
    report_grid_headings(&grid, names);
    for (size_t i = 0; i < bill->count; i++) {
        const struct bill_line *line = bill->lines[i];
        char day[BILL_DAY_SIZE];
        bill_day_print(line->day_ms, day);
        report_grid_name(&grid, text_of(day));
        report_grid_name(&grid, model_of(bill, line));
        put_cells(&grid, line);
        report_grid_word(&grid, cause_words[line->cause].phrase);
    }
    report_grid_word(&grid, "all");
    report_grid_word(&grid, "");
    put_cells(&grid, &bill->total);
    report_grid_word(&grid, "");
    result = report_grid_print(&grid, out);
    report_grid_release(&grid);
    return result;
}

static int print_causes(const struct bill *bill, FILE *out)
{
    static const enum report_align aligns[CAUSE_COLUMNS] = {REPORT_LEFT, REPORT_RIGHT,
                                                            REPORT_POINT};
    static const char *const names[CAUSE_COLUMNS] = {"likely cause", "lines", "difference"};
    struct report_grid grid;
    int result;

    report_grid_init(&grid, aligns, CAUSE_COLUMNS);
    report_grid_headings(&grid, names);
    for (unsigned i = 0; i < BILL_CAUSES; i++) {
        struct maybe_money difference = known(bill->causes[i].difference);
        if (bill->causes[i].lines == 0)
            continue;
        report_grid_word(&grid, cause_words[i].phrase);
        report_grid_count(&grid, (int64_t)bill->causes[i].lines);
        report_grid_money(&grid, &difference);
    }
    result = report_grid_print(&grid, out);
    report_grid_release(&grid);
    return result;
}

static void print_head(const struct bill *bill, FILE *out)
{
    char month[LEDGER_MONTH_NAME], first[BILL_DAY_SIZE], last[BILL_DAY_SIZE];
    char outside[MONEY_TEXT_MAX];

    ledger_month_name(bill->order->from_ms, month);
    bill_day_print(bill->first_day_ms, first);
    bill_day_print(bill->last_day_ms, last);
    fprintf(out, "%s, %s against the ledger, USD: %zu rows", month, vendor_names[bill->vendor],
            bill->rows);
    if (first[0] != '\0')
        fprintf(out, ", %s to %s", first, last);
    fputc('\n', out);
    if (bill->outside_rows > 0) {
        report_money(&bill->outside, "-", outside);
        fprintf(out, "  left out: %zu rows of other months, %s USD\n", bill->outside_rows, outside);
    }
    if (bill->order->upstream.len > 0) {
        fputs("  only requests to upstream ", out);
        report_put_text(out, bill->order->upstream);
        fputc('\n', out);
    }
    if (!bill->total.ledger.present)
        fputs("  the ledger has no such requests in this month\n", out);
    if (bill->several_upstreams)
        fputs("  requests to several upstreams are counted; --upstream takes those to one\n", out);
    fputc('\n', out);
}

int bill_print_text(const struct bill *bill, FILE *out)
{
    int result;

    print_head(bill, out);
    if (bill->count == 0) {
        fputs("  nothing on either side\n", out);
        return 0;
    }
    result = print_lines(bill, out);
    if (result == 0) {
        fputc('\n', out);
        result = print_causes(bill, out);
    }
    if (result < 0)
        return result;
    if (bill->differing == 0)
        fprintf(out, "\n  all %zu lines agree in cost\n", bill->count);
    else
        fprintf(out, "\n  %zu of %zu lines differ in cost\n", bill->differing, bill->count);
    return 0;
}
