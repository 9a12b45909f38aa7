/* report_compare.h - two months side by side: what changed, by group.
 * Threads: one per call.
 */
#ifndef ACCOUNTING_REPORT_COMPARE_H
#define ACCOUNTING_REPORT_COMPARE_H

#include "accounting/report.h"

/* -ENOMEM, -EOVERFLOW, or as the reader; failures of out show in ferror(). */
int report_compare(struct ledger_reader *reader, const struct report_order *order, FILE *out);

#endif
