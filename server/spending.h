/* spending.h - clients' budgets beside the ledger: what it says was spent when we start, and what a
 * later truth changes.
 */
#ifndef SERVER_SPENDING_H
#define SERVER_SPENDING_H

#include "server/gateway.h"

/* Before serving: reads what the clients with a budget have spent in this month and week. Blocks on
 * the disk; -EIO and others. */
int spending_load(struct gateway *gateway, int64_t now_ms);

/* Wakes the fetches that wait for a budget when one is released. Once the workers are made. */
void spending_watch(struct gateway *gateway);

/* What a budget takes a row for: what it cost; while that is not known all that was held for it. */
struct money spending_counted(const struct ledger_row *row);

/* That stays held until its cost is known, and is not spent yet: somebody will still ask for it. */
bool spending_is_to_come(const struct ledger_row *row);

/* The row of a client was judged anew, for the last time: counted is what its budget took it for,
 * spending_counted() of the row before. Any thread. */
void spending_correct(struct gateway *gateway, const struct ledger_row *row, struct money counted,
                      int64_t now_ms);

#endif
