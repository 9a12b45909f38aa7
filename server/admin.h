/* admin.h - the admin address: an HTTP server of its own, on a thread of its own, for operators.
 *
 *     GET  /ledger/report?month=2026-11[&against=2026-10][&by=tag]      report --json
 *     GET  /ledger/requests?month=...[&model=][&verdict=][&cause=][&client=][&key_id=][&upstream=]
 *                                    [&cache=][&limit=100][&after=ID]   newest first,
 * {"data":[...], "next":ID|null} GET  /ledger/requests/{id} explain --json GET
 * /ledger/export?month=...[&format=csv|jsonl|focus][&by=...][&profile=1.4][&savings=1] GET
 * /ledger/months                                               months, open or closed POST
 * /ledger/close   {"month":"2026-10","with_pending":false}     the signed head POST /ledger/backup
 * {"dir":"/abs/path"} GET  /health, GET /ready
 *
 * Where admin.token is set every path but /health needs `Authorization: Bearer TOKEN` (compared in
 * constant time), else 401. Errors: {"error":{"code":"...","message":"..."}}. Off loopback the
 * configuration has a token, or the start is refused (config_check.c).
 *
 * Work that reads the ledger runs on threads of its own, at most ADMIN_JOBS_MAX at once (503
 * beyond); what it writes goes through a pipe to the loop, so the client's pace is the job's pace
 * and memory stays flat. A client that leaves ends its job.
 *
 * Threads: admin_start() and admin_stop() by the main thread.
 */
#ifndef SERVER_ADMIN_H
#define SERVER_ADMIN_H

#include "server/gateway.h"

enum { ADMIN_JOBS_MAX = 4, ADMIN_BODY_MAX = 64 * 1024, ADMIN_IDLE_MS = 60 * 1000 };

struct admin;
/* Opens the address and starts the thread; prints "tollgate admin on http://HOST:PORT" on standard
 * output (port 0: any). Without admin.address *ret_admin is NULL. -1 with a line on standard error.
 * give. */
int admin_start(struct gateway *gateway, struct admin **ret_admin);
/* Ends what runs, joins. Before the ledger is closed. Accepts NULL. */
void admin_stop(struct admin *admin);

#endif
