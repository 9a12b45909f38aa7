#include "accounting/focus_check.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

static const char *const names[FOCUS_POINTS] = {
    [POINT_COLUMNS] = "mandatory columns are there and filled",
    [POINT_VALUES] = "allowed values, numbers and types",
    [POINT_PERIODS] = "periods in UTC, within their month",
    [POINT_LIST] = "ListCost = ListUnitPrice x PricingQuantity",
    [POINT_CONTRACTED] = "ContractedCost = ContractedUnitPrice x PricingQuantity",
    [POINT_BILLED] = "the sum of BilledCost is the ledger's",
    [POINT_QUANTITIES] = "the sums of ConsumedQuantity by class are the ledger's",
    [POINT_PAIRS] = "quantities and units, SKUs and meters come in pairs",
    [POINT_STRINGS] = "no empty strings",
    [POINT_CELLS] = "JSON cells are flat",
    [POINT_ORDER] = "FOCUS columns before x_ columns",
    [POINT_SKUS] = "one SkuId for a SkuPriceId",
    [POINT_GRAIN] = "no two lines of one grain",
    [POINT_VENDOR] = "sums by model against the gateway's report",
};

void focus_fault(struct focus_checker *checker, enum focus_point point, const char *format, ...)
{
    struct focus_finding *finding = &checker->findings[point];
    va_list arguments;
    int len = 0;
    assert(point > 0 && point < FOCUS_POINTS);
    if (finding->faults++ > 0)
        return;
    if (checker->file != NULL && checker->file->line > 0)
        len = snprintf(finding->first, sizeof(finding->first),
                       "line %llu: ", (unsigned long long)checker->file->line);
    va_start(arguments, format);
    vsnprintf(finding->first + len, sizeof(finding->first) - (size_t)len, format, arguments);
    va_end(arguments);
}

static void check_line(struct focus_checker *checker)
{
    checker->correction =
        focus_cell(checker, FOCUS_CHARGE_CLASS).len > 0; /* any other value fails point 2 */
    if (checker->order->form == FOCUS_JSONL)
        focus_check_names(checker);
    focus_check_values(checker);
    focus_check_sums(checker);
    focus_check_grain(checker);
    if (checker->vendor != NULL)
        focus_vendor_add(checker->vendor, checker);
}

static int check_lines(struct focus_checker *checker, FILE *in)
{
    struct focus_file *file = NULL;
    int result = focus_file_open(in, checker->order->form, &file);
    checker->file = file;
    if (result == 0 && checker->order->form == FOCUS_CSV)
        focus_check_names(checker);
    if (result == 0) {
        while ((result = focus_file_next(file)) == 1)
            check_line(checker);
    }
    if (result == -EBADMSG) {
        focus_fault(checker, POINT_COLUMNS, "cannot be read on: %s", file->fault);
        result = 0;
    }
    return result;
}

/* Notes are for people: what stands in the file comes through without control characters. */
static void put_plain(FILE *notes, const char *text)
{
    for (; *text != 0; text++)
        fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, notes);
}

static void put_findings(const struct focus_checker *checker, FILE *notes,
                         struct focus_check *check)
{
    for (unsigned i = 1; i < FOCUS_POINTS; i++) {
        const struct focus_finding *finding = &checker->findings[i];
        const char *word = finding->faults > 0 ? "FAILED" : finding->skipped ? "skipped" : "ok";
        fprintf(notes, "focus: point %2u %-7s %s", i, word, names[i]);
        if (finding->faults > 0) {
            fprintf(notes, ": %llu, first ", (unsigned long long)finding->faults);
            put_plain(notes, finding->first);
            check->failed++;
            check->points |= 1u << i;
        } else if (finding->note[0] != 0) {
            fputs(": ", notes);
            put_plain(notes, finding->note);
        }
        fputc('\n', notes);
    }
}

static void open_vendor(struct focus_checker *checker)
{
    const struct focus_order *order = checker->order;
    struct focus_finding *finding = &checker->findings[POINT_VENDOR];
    char error[FOCUS_MESSAGE_MAX / 2] = "";
    if (order->vendor_report == NULL) {
        finding->skipped = true;
        snprintf(finding->note, sizeof(finding->note), "there is no report to compare with");
        return;
    }
    if (focus_vendor_new(order->vendor_report, order->vendor_report_len, &checker->vendor, error,
                         sizeof(error)) < 0)
        focus_fault(checker, POINT_VENDOR, "report: %s", error);
}

int focus_check_file(const struct focus_order *order, const struct focus_truth *truth, FILE *in,
                     FILE *notes, struct focus_check *ret_check)
{
    struct focus_checker *checker = calloc(1, sizeof(*checker));
    struct focus_check check = {0};
    int result = -ENOMEM;
    if (checker == NULL)
        return result;
    checker->order = order;
    checker->truth = truth;
    result = focus_grain_new(&checker->grain);
    if (result < 0)
        goto out;
    open_vendor(checker);
    result = check_lines(checker, in);
    if (result < 0)
        goto out;
    focus_check_totals(checker);
    if (checker->vendor != NULL)
        focus_vendor_list(checker, notes);
    check.lines = checker->file->lines;
    put_findings(checker, notes, &check);
    *ret_check = check;
out:
    focus_file_close(checker->file);
    focus_vendor_free(checker->vendor);
    focus_grain_free(checker->grain);
    free(checker);
    return result;
}
