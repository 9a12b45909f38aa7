/* ledger_seals.h - the heads of closed months in the database. Threads: as ledger_view.h. */
#ifndef ACCOUNTING_LEDGER_SEALS_H
#define ACCOUNTING_LEDGER_SEALS_H

#include "accounting/ledger_view.h"
#include "accounting/seal.h"

/* The seal of the month that begins then. -ENOENT; -EBADMSG: what is stored is none. */
int ledger_seals_get(const struct ledger_view *view, int64_t month_from_ms, struct seal *ret_seal);
/* The last seal of a month that begins before before_ms. -ENOENT. */
int ledger_seals_last(const struct ledger_view *view, int64_t before_ms, struct seal *ret_seal);
/* Makes it durable, and all that was written before. */
int ledger_seals_put(const struct ledger_view *view, const struct seal *seal);

#endif
