/* focus_print.h - a line of a FOCUS dataset as the values of its columns, and those as CSV or JSON
 * lines (pricing-and-focus section 7). Threads: one per printer. */
#ifndef ACCOUNTING_FOCUS_PRINT_H
#define ACCOUNTING_FOCUS_PRINT_H

#include "accounting/export_text.h"
#include "accounting/focus_columns.h"
#include "accounting/focus_lines.h"

/* What every line of the dataset says alike. Texts of the head are empty while the month is open.
 */
struct focus_frame {
    int64_t from_ms, to_ms; /* BillingPeriod */
    struct text account_id, account_name;
    struct text first, last, root; /* of the signed head */
};

struct focus_printer;
/* give; NULL: no memory. borrow: frame's texts, out. */
struct focus_printer *focus_printer_new(FILE *out, enum focus_profile profile, enum focus_form form,
                                        const struct focus_frame *frame);
/* The header, in CSV. */
void focus_print_head(struct focus_printer *printer);
/* -EIO when out failed; -EOVERFLOW: a sum does not fit. */
int focus_print_line(struct focus_printer *printer, const struct focus_line *line);
/* Writes what is left; -EIO when out ever failed. take. */
int focus_printer_finish(struct focus_printer *printer);

#endif
