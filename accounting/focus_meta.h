/* focus_meta.h - the metadata that goes with a FOCUS dataset: which version and schema, who made it
 * and when, and what each column holds. Threads: pure but for the file. */
#ifndef ACCOUNTING_FOCUS_META_H
#define ACCOUNTING_FOCUS_META_H

#include "accounting/focus.h"
#include "accounting/focus_truth.h"

/* One JSON object. lines: of the dataset. -EIO; -ENOMEM. */
int focus_meta_write(const struct focus_order *order, const struct focus_truth *truth,
                     uint64_t lines, FILE *out);

#endif
