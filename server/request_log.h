/* request_log.h - the JSON of requests, when an operator switches it on (request_log.enabled; off
 * by default), for GET generations' `replay_request`.
 *
 * A store of its own under data_dir/requests, without a memory tier. An entry's name is a hash of
 * the client's name and the row's id, and it is sealed with a key derived from the client's API
 * key, which is not stored: only who asked can read it again. It is found for
 * request_log.retention; its sealed bytes leave the disk with their generation, at most 2, 8 or 22
 * days later for retentions up to 7, 31 and 90 days (cache/disk_generation.h). Nothing else reads
 * it.
 *
 * Threads: open and close by the main thread; keep and read on any worker, which they never block;
 * tick on worker 0.
 */
#ifndef SERVER_REQUEST_LOG_H
#define SERVER_REQUEST_LOG_H

#include "accounting/row.h"
#include "server/config.h"

struct request_log;
struct worker;

/* *ret_log: NULL when it is switched off. *ret_note: a static text for the log, or NULL. On failure
 * a negative errno and text in error. give. */
int request_log_open(const struct config *config, struct request_log **ret_log,
                     const char **ret_note, char *error, size_t error_size);
/* After the workers have ended: writes what is queued. Accepts NULL. */
void request_log_close(struct request_log *log);
/* About once a second. Accepts NULL. */
void request_log_tick(struct request_log *log, int64_t now_ms);

/* Keeps a request's body under the id of its row, replacing an earlier one. What is no JSON object,
 * or larger than limits.body, or comes faster than the disk takes it, is not kept. Accepts a NULL
 * log. borrow: all, copied. */
void request_log_keep(struct request_log *log, struct worker *worker, struct text id,
                      struct text api_key, struct text body);

/* What reads and seals one client's requests; wipe it after use. */
struct request_seal {
    uint8_t bytes[32];
};
void request_log_seal(struct worker *worker, struct text api_key, struct request_seal *ret_seal);

/* Looks for the request of a row. done runs once, on this worker, perhaps before this returns; body
 * is empty when there is none, and borrowed during the call. borrow: id, seal. */
void request_log_read(struct request_log *log, struct worker *worker, struct text id,
                      const struct request_seal *seal,
                      void (*done)(void *arg, struct worker *worker, struct text body), void *arg);

#endif
