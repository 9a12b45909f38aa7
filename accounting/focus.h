/* focus.h - a month as a FOCUS dataset (pricing-and-focus sections 5 to 8) and its validator.
 *
 * Grain: charge hour x billing account x sub-account (project, else client, else key) x tags x
 * model x serving provider x service tier x context tier x token class, and price, where it changed
 * within the hour: one class per line is what makes unit price x quantity = cost provable. A
 * request's booked total is shared out over its classes (focus_use.h); ListCost is ListUnitPrice x
 * PricingQuantity exactly. A multiplier of the price table is what was contracted: the list price
 * stays. Deterministic: the same ledger gives the same bytes.
 *
 * The parts: focus_class (words), focus_columns (the table of columns), focus_tags, focus_text,
 * focus_use (row to lines), focus_lines (lines of an hour), focus_print (line to text), focus_meta,
 * focus_truth (what it must add up to); to read back, focus_file, focus_json, focus_decimal; to
 * check, focus_check*, focus_vendor.
 *
 * Memory: one hour's lines, FOCUS_LINES_BYTES_MAX at most, and those of the corrections of all
 * closed months together.
 * Threads: one per call.
 */
#ifndef ACCOUNTING_FOCUS_H
#define ACCOUNTING_FOCUS_H

#include "accounting/ledger.h"

#include <stdio.h>

enum focus_profile { FOCUS_1_2, FOCUS_1_4 };
enum focus_form { FOCUS_CSV, FOCUS_JSONL };

struct focus_order {
    int64_t from_ms, to_ms; /* one whole month */
    enum focus_profile profile;
    enum focus_form form;
    bool savings; /* lines for what hits and collapsed requests would have cost */
    const char *account_id, *account_name; /* BillingAccountId; name may be NULL. borrow */
    const char *gateway; /* ProviderName: "Vercel", "OpenRouter", ... by upstream: */
    struct text (*gateway_of)(void *arg, struct text upstream); /* NULL: `gateway` for all */
    void *gateway_arg;
    const char *vendor_report; /* the gateway's own monthly report by model, for point 14: JSON
                                  text (focus_vendor.c); NULL: none. borrow */
    size_t vendor_report_len;
    int64_t now_ms; /* for the metadata */
};
/* Writes the dataset to out and, where it is not NULL, the sidecar metadata (JSON) to metadata.
 * Then checks what was written (out must be readable and seekable: a file opened "w+") by the 14
 * points of section 8 (focus_check.h), one line each on notes; the sums against those of the very
 * rows that it was made from, so that a ledger that goes on being written does no harm. -EBADMSG: a
 * point failed; -EINVAL: account_id is empty, or a name is longer than ROW_NAME_MAX; -E2BIG: the
 * lines of one hour are too many; -EOVERFLOW; -ENOMEM; -EIO. */
int focus_export(struct ledger_reader *reader, const struct focus_order *order, FILE *out,
                 FILE *metadata, FILE *notes);

/* The validator alone, on any such file, from where it stands. */
struct focus_check {
    unsigned failed; /* how many points do */
    uint32_t points; /* which: bit 1u << point */
    uint64_t lines;
};
/* 6 and 7 against the ledger as it is now; reader may be NULL: without them. -EIO; -ENOMEM. A point
 * that fails is no error here. */
int focus_validate(struct ledger_reader *reader, const struct focus_order *order, FILE *in,
                   FILE *notes, struct focus_check *ret_check);

#endif
