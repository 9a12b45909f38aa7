/* upkeep.h - what the ledger needs from time to time: sums of hours that are over
 * (ledger_rollup.h), and months that have been kept long enough (`ledger.retention`); at start what
 * the answers cost whose cost came late (late_savings.h).
 *
 * A thread of its own, since all of it blocks on the disk. Threads: the main thread.
 */
#ifndef SERVER_UPKEEP_H
#define SERVER_UPKEEP_H

#include "server/gateway.h"

enum { UPKEEP_EVERY_MS = 60 * 1000, UPKEEP_HOURS_AT_ONCE = 24 };

struct upkeep;
/* Last of all: from here on it reads the configuration and the ledger, until upkeep_stop(). give;
 * NULL: no memory or no thread. */
struct upkeep *upkeep_start(struct gateway *gateway);
/* Waits for what is under way. Before the ledger is closed. Accepts NULL. */
void upkeep_stop(struct upkeep *upkeep);

#endif
