/* report_print.h - a collected month as text for people and as JSON (shape: report.h).
 *
 * What is written to a stream that fails is lost: the caller looks at it once, at the end.
 * -ENOMEM. Threads: one per call.
 */
#ifndef ACCOUNTING_REPORT_PRINT_H
#define ACCOUNTING_REPORT_PRINT_H

#include "accounting/report_collect.h"
#include "accounting/report_writer.h"

enum { REPORT_LINES_MAX = 50 /* of a table for people; JSON has all */ };

int report_print_text(const struct report_month *month, FILE *out);
void report_print_json(const struct report_month *month, FILE *out);

/* "  ... and 12 more; --json has all" */
void report_print_more(size_t count, FILE *out);
/* Members of a JSON object: the columns of a group; the sums that reports share. */
void report_json_group(struct report_json *json, const struct report_table *table, const void *sums,
                       const enum export_key *by, size_t by_count);
void report_json_sums(struct report_json *json, const struct report_sums *sums);
void report_json_by(struct report_json *json, const enum export_key *by, size_t by_count);

#endif
