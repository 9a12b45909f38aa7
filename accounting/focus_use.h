/* focus_use.h - from one row to the lines that it adds to: who is charged, what for, and which part
 * of what was booked each class of its use takes.
 *
 * booked = fee + rest. The fee is what the gateway takes besides the model: all that it bills under
 * the client's own key; else what it bills above the market price that it reports, or, where it
 * reports none, the difference to the estimate when that was found to be a surcharge. The rest is
 * shared out over the lines of the row's rating (rating_allocate()), or is one unpriced line where
 * there is none, or where the rated price is 0 and something was billed all the same. The parts
 * add up to what was booked, to the last 1e-15 USD.
 *
 * Threads: one per book.
 */
#ifndef ACCOUNTING_FOCUS_USE_H
#define ACCOUNTING_FOCUS_USE_H

#include "accounting/focus.h"
#include "accounting/focus_lines.h"
#include "accounting/focus_tags.h"
#include "accounting/focus_truth.h"

struct focus_book {
    const struct focus_order *order; /* borrow */
    struct focus_lines *lines;       /* borrow */
    struct focus_truth truth;
    struct focus_tags tags;
};

/* Adds the row to the lines of that hour, and to the truth. -EOVERFLOW; -ENOMEM; -E2BIG: too many
 * lines for one hour. */
int focus_use(struct focus_book *book, const struct ledger_row *row, int64_t hour_ms);

/* What of the row's booked sum is the gateway's fee. */
struct money focus_fee(const struct ledger_row *row);

#endif
