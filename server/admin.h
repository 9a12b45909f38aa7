/* admin.h - the admin address: an HTTP server of its own, on a thread of its own, for operators.
 *
 *     GET  /ledger/report     month, against, by                      report --json
 *     GET  /ledger/requests   month, filters, limit, after            newest first:
 *                                                                     {"data":[...],"next":...}
 *     GET  /ledger/requests/{id}                                      explain --json
 *     GET  /ledger/export     month, format, by, profile, savings     csv, jsonl or focus
 *     GET  /ledger/months                                             open or closed, with heads
 *     POST /ledger/close      {"month","with_pending","export"}       the signed head
 *     POST /ledger/backup     {"dir"}
 *     GET  /health, GET /ready
 *
 * Parameters are listed in admin_query.h, and for users in docs/admin.md. Where admin.token is set
 * every path but /health needs `Authorization: Bearer TOKEN` (compared in constant time), else 401.
 * Without one only names of loopback are answered to (Host), so that no web page reaches it by a
 * name of its own. Errors: {"error":{"code":"...","message":"..."}}. Off loopback the configuration
 * has a token, or the start is refused (config_check.c).
 *
 * Work that reads the ledger runs on threads of its own, at most ADMIN_JOBS_MAX at once (503
 * beyond); what it writes is handed to the loop chunk by chunk, so the client's pace is the job's
 * pace and memory stays flat. A client that leaves ends its job; a close or a backup goes on.
 *
 * Threads: admin_start() and admin_stop() by the main thread; gateway->draining may change.
 */
#ifndef SERVER_ADMIN_H
#define SERVER_ADMIN_H

#include "server/gateway.h"

enum {
    ADMIN_JOBS_MAX = 4,
    ADMIN_BODY_MAX = 64 * 1024,
    ADMIN_IDLE_MS = 60 * 1000, /* a client that takes nothing for so long loses its connection */
    ADMIN_CONNECTIONS_MAX = 128,
};

struct admin;
/* Opens the address and starts the thread; prints "tollgate admin on http://HOST:PORT" on standard
 * output (port 0: any). Without admin.address *ret_admin is NULL. -1 with a line on standard error.
 * Once per process. give. */
int admin_start(struct gateway *gateway, struct admin **ret_admin);
/* Ends what runs, joins. Before the ledger is closed. Accepts NULL. */
void admin_stop(struct admin *admin);

#endif
