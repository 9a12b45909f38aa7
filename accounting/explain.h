/* explain.h - one request's whole story: what was asked, attempts and routing, pricing lines,
 * reported against estimated with every observation and the cause, and the chain of hits: the
 * source it came from and how often it was served again.
 *
 * Threads: one per call.
 */
#ifndef ACCOUNTING_EXPLAIN_H
#define ACCOUNTING_EXPLAIN_H

#include "accounting/ledger.h"

#include <stdio.h>

struct explain_order {
    struct text id; /* ours or the upstream's */
    bool json;
    int64_t hits_days; /* how far after the source hits are looked for; 0: 90 */
};
/* -ENOENT: no such row. -EIO when out fails. */
int explain_write(struct ledger_reader *reader, const struct explain_order *order, FILE *out);

#endif
