/* admin_query.h - what a request to the admin address says: path, parameters, body, token. Strict:
 * a parameter that a path does not know is refused, because a filter with a typing error in it
 * would show other rows than were asked for.
 *
 *     month, against   YYYY-MM (UTC)
 *     by               comma list of export's keys
 *     format           csv, jsonl, focus
 *     profile          1.2, 1.4 (focus)
 *     savings          1, 0, true, false (focus)
 *     limit            1 to ADMIN_LIMIT_MAX rows of a page
 *     after            where the page before it ended: its `next`, or an id
 *     model, provider, upstream, client, key_id, project, user, session, api, cache, verdict, cause
 *                      what a row must have; model may also be the requested one
 *
 * Threads: pure functions.
 */
#ifndef SERVER_ADMIN_QUERY_H
#define SERVER_ADMIN_QUERY_H

#include "accounting/export.h"
#include "accounting/focus.h"
#include "server/admin_error.h"

enum {
    ADMIN_LIMIT = 100, /* rows of a page, unless said */
    ADMIN_LIMIT_MAX = 1000,
    ADMIN_VALUE_MAX = 1024, /* bytes of a parameter's value, decoded */
    ADMIN_PATH_MAX = 2048,  /* of a file or folder on this machine */
    ADMIN_PLACE_MAX = 48,   /* "ms/sequence" */
    ADMIN_DIGEST = 32,
};

/* --- paths --- */

enum admin_route {
    ADMIN_NOT_FOUND,
    ADMIN_HEALTH,
    ADMIN_READY,
    ADMIN_REPORT,
    ADMIN_REQUESTS,
    ADMIN_REQUEST,
    ADMIN_EXPORT,
    ADMIN_MONTHS,
    ADMIN_CLOSE,
    ADMIN_BACKUP,
    ADMIN_ROUTES,
};
/* path: as it was sent, without the query. *ret_rest: of ADMIN_REQUEST what stands for the id,
 * still encoded. */
enum admin_route admin_route_find(struct text path, struct text *ret_rest);
/* "GET, HEAD", "GET" or "POST". */
const char *admin_route_methods(enum admin_route route);
/* An id in a path, percent-decoded, with a NUL. -EINVAL: it is empty, no text, or too long. */
int admin_path_id(struct text rest, char id[ROW_ID_MAX + 1]);

/* --- parameters --- */

/* A place in the ledger, or the row with an id. Rows before it follow. */
struct admin_after {
    enum { ADMIN_AFTER_NOTHING, ADMIN_AFTER_PLACE, ADMIN_AFTER_ID } kind;
    struct ledger_ref place;
    char id[ROW_ID_MAX + 1];
};

enum admin_text {
    ADMIN_MODEL,
    ADMIN_PROVIDER,
    ADMIN_UPSTREAM,
    ADMIN_CLIENT,
    ADMIN_KEY_ID,
    ADMIN_PROJECT,
    ADMIN_USER,
    ADMIN_SESSION,
    ADMIN_TEXTS,
};
struct admin_filter {
    char text[ADMIN_TEXTS][ROW_NAME_MAX + 1]; /* empty: any */
    enum row_api api;                         /* API_NONE: any; likewise the others */
    enum row_cache cache;
    enum verdict verdict;
    bool by_cause;
    enum cause cause; /* CAUSE_NONE, asked for as "none", is one */
};
bool admin_filter_matches(const struct admin_filter *filter, const struct ledger_row *row);

enum admin_format { ADMIN_CSV, ADMIN_JSONL, ADMIN_FOCUS };

struct admin_query {
    int64_t from_ms, to_ms;                 /* the month; that of now unless said */
    int64_t against_from_ms, against_to_ms; /* 0 and 0: none */
    char month[8];                          /* "2026-11" */
    enum export_key by[EXPORT_KEYS];
    size_t by_count;
    enum admin_format format;
    enum focus_profile profile;
    bool savings;
    size_t limit;
    struct admin_after after;
    struct admin_filter filter;
};
/* What the query of a GET says, for one of the paths that have parameters (none: any parameter is
 * refused). -1 with error. */
int admin_query_parse(enum admin_route route, struct text query, int64_t now_ms,
                      struct admin_query *ret_query, struct admin_error *error);

/* Length, without NUL. */
size_t admin_place_print(const struct ledger_ref *place, char text[ADMIN_PLACE_MAX]);

/* --- bodies --- */

struct admin_close_body {
    char month[8];
    int64_t from_ms, to_ms;
    bool with_pending;
    char export_path[ADMIN_PATH_MAX]; /* empty: no export */
};
int admin_close_parse(struct text body, struct admin_close_body *ret_body,
                      struct admin_error *error);
struct admin_backup_body {
    char dir[ADMIN_PATH_MAX];
};
int admin_backup_parse(struct text body, struct admin_backup_body *ret_body,
                       struct admin_error *error);

/* --- who asks --- */

/* SHA-256 of a token: digests are compared, so that not even its length shows in the time. */
void admin_token_digest(struct text token, uint8_t ret_digest[ADMIN_DIGEST]);
/* Whether the value of an Authorization header is "Bearer" and that token. */
bool admin_token_matches(const uint8_t digest[ADMIN_DIGEST], struct text authorization);
/* Whether a Host header (empty: none was sent) names loopback: localhost, 127.x.y.z or [::1], with
 * or without a port. What else a name may be resolved to is not in our hands. */
bool admin_host_is_local(struct text host);

#endif
