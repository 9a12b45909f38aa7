/* focus.h - a month as a FOCUS dataset (pricing-and-focus sections 5 to 8) and its validator.
 *
 * Grain: charge hour x billing account x sub-account (project, else client, else key) x tags x
 * model x serving provider x service tier x context tier x token class: one class per line is what
 * makes unit price x quantity = cost provable. A request's booked total is shared out over its
 * classes (rating_allocate()); ListCost is ListUnitPrice x PricingQuantity exactly. Deterministic:
 * the same ledger gives the same bytes.
 *
 * Memory: one hour's groups.
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
    const char
        *vendor_report; /* JSON text of the gateway's own monthly report for check 14; NULL */
    size_t vendor_report_len;
    int64_t now_ms; /* for the metadata */
};
/* Writes the dataset to out and, where it is not NULL, the sidecar metadata (JSON) to metadata.
 * Then checks what was written (out must be readable and seekable: a file opened "w+") against the
 * ledger by the 14 points of section 8, one line each on notes. -EBADMSG: a point failed; -EIO. */
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
