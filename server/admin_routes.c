/* admin_routes.c - who may ask, what is asked for, and answers that need no ledger. */
#include "server/admin_private.h"

#include "server/log.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

const char *admin_reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 413:
        return "Content Too Large";
    case 415:
        return "Unsupported Media Type";
    case 503:
        return "Service Unavailable";
    default:
        return "Internal Server Error";
    }
}

/* --- sending --- */

static bool is_method(const h2o_req_t *req, const char *method)
{
    return h2o_memis(req->method.base, req->method.len, method, strlen(method));
}

static void add(h2o_req_t *req, const char *name, const char *value)
{
    h2o_add_header_by_str(&req->pool, &req->res.headers, name, strlen(name), 0, NULL, value,
                          strlen(value));
}

void admin_send(h2o_req_t *req, int status, struct text body)
{
    static h2o_generator_t no_more = {NULL, NULL};
    h2o_iovec_t bytes;

    req->res.status = status;
    req->res.reason = admin_reason(status);
    req->res.content_length = body.len;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT("application/json"));
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CACHE_CONTROL, NULL,
                   H2O_STRLIT("no-store"));
    h2o_start_response(req, &no_more);
    if (is_method(req, "HEAD")) {
        h2o_send(req, NULL, 0, H2O_SEND_STATE_FINAL);
        return;
    }
    bytes = h2o_strdup(&req->pool, body.bytes, body.len);
    h2o_send(req, &bytes, 1, H2O_SEND_STATE_FINAL);
}

void admin_refuse(h2o_req_t *req, const struct admin_error *error)
{
    static const struct text no_memory = {
        "{\"error\":{\"code\":\"no_memory\",\"message\":\"out of memory\"}}", 57};
    struct out body = OUT_INIT;

    admin_error_print(error, &body);
    if (error->status == 503)
        add(req, "retry-after", "1");
    if (error->status == 401)
        add(req, "www-authenticate", "Bearer");
    admin_send(req, error->status,
               body.error == 0 ? (struct text){body.bytes, body.len} : no_memory);
    out_release(&body);
}

/* --- without the ledger --- */

/* {"ready":true}, or why not. */
static void send_ready(struct admin *admin, h2o_req_t *req)
{
    struct ledger_health health;
    struct out body = OUT_INIT;
    bool draining = atomic_load(&admin->gateway->draining), ready;

    ledger_health(admin->gateway->ledger, &health);
    ready = !draining && health.error == 0;
    out_text(&body, ready ? "{\"ready\":true" : "{\"ready\":false,\"reasons\":[");
    if (draining) {
        out_next(&body);
        out_string(&body, TEXT("the gateway is draining"));
    }
    if (health.error != 0) {
        char reason[128];
        snprintf(reason, sizeof reason, "the ledger: %s", strerror(-health.error));
        out_next(&body);
        out_string(&body, text_of(reason));
    }
    out_text(&body, ready ? "}" : "]}");
    admin_send(req, ready ? 200 : 503,
               body.error == 0 ? (struct text){body.bytes, body.len} : TEXT("{}"));
    out_release(&body);
}

/* --- who asks --- */

static struct text header(const h2o_req_t *req, const h2o_token_t *token)
{
    ssize_t at = h2o_find_header(&req->headers, token, -1);

    if (at == -1)
        return (struct text){"", 0};
    return (struct text){req->headers.entries[at].value.base, req->headers.entries[at].value.len};
}

/* Without a token, whoever reaches the port may ask; but not a web page by way of somebody's
 * browser: neither by a name that it has pointed at loopback, nor with a form. */
static int check_caller(struct admin *admin, h2o_req_t *req, struct admin_error *error)
{
    struct text host = {req->authority.base, req->authority.len};

    if (admin->has_token) {
        if (admin_token_matches(admin->token, header(req, H2O_TOKEN_AUTHORIZATION)))
            return 0;
        log_line(LOG_WARNING, "admin_unauthorized", LOG_NUMBER("status", 401));
        return admin_error_set(error, 401, "unauthorized",
                               "send Authorization: Bearer and the admin token");
    }
    if (h2o_memis(host.bytes, host.len, H2O_STRLIT(ADMIN_NO_HOST)) || admin_host_is_local(host))
        return 0;
    return admin_error_set(error, 403, "forbidden",
                           "without a token only localhost and addresses of loopback are answered "
                           "to (Host); set admin.token_env");
}

/* A form of another page can send text/plain without being asked, JSON it cannot. */
static int check_body(h2o_req_t *req, struct admin_error *error)
{
    static const char json[] = "application/json";
    struct text type = header(req, H2O_TOKEN_CONTENT_TYPE);
    bool is_json = type.len >= sizeof json - 1 &&
                   h2o_lcstris(type.bytes, sizeof json - 1, json, sizeof json - 1);

    if (is_json && type.len > sizeof json - 1)
        is_json = type.bytes[sizeof json - 1] == ';' || type.bytes[sizeof json - 1] == ' ';
    if (!is_json)
        return admin_error_set(error, 415, "unsupported_media_type",
                               "send Content-Type: application/json");
    if (req->entity.len > ADMIN_BODY_MAX)
        return admin_error_set(error, 413, "too_large", "the body may have %d bytes",
                               ADMIN_BODY_MAX);
    return 0;
}

/* --- what is asked for --- */

static int read_question(struct admin_job *job, h2o_req_t *req, struct text query, struct text rest,
                         struct admin_error *error)
{
    struct text body = {req->entity.len > 0 ? req->entity.base : "", req->entity.len};
    struct admin_query none;

    switch (job->route) {
    case ADMIN_CLOSE:
        job->exclusive = true;
        return check_body(req, error) != 0 ? -1 : admin_close_parse(body, &job->ask.close, error);
    case ADMIN_BACKUP:
        job->exclusive = true;
        return check_body(req, error) != 0 ? -1 : admin_backup_parse(body, &job->ask.backup, error);
    case ADMIN_REQUEST:
        if (admin_path_id(rest, job->ask.id) != 0)
            return admin_error_set(error, 400, "bad_request",
                                   "the id must be UTF-8 in percent-encoding, at most %d bytes",
                                   ROW_ID_MAX);
        return admin_query_parse(job->route, query, admin_wall_ms(), &none, error);
    default:
        return admin_query_parse(job->route, query, admin_wall_ms(), &job->ask.query, error);
    }
}

static admin_work *work_of(enum admin_route route)
{
    static admin_work *const works[ADMIN_ROUTES] = {
        [ADMIN_REPORT] = admin_work_report,   [ADMIN_REQUESTS] = admin_work_requests,
        [ADMIN_REQUEST] = admin_work_request, [ADMIN_EXPORT] = admin_work_export,
        [ADMIN_MONTHS] = admin_work_months,   [ADMIN_CLOSE] = admin_work_close,
        [ADMIN_BACKUP] = admin_work_backup,
    };

    assert(works[route] != NULL);
    return works[route];
}

static void start_job(struct admin *admin, h2o_req_t *req, enum admin_route route,
                      struct text query, struct text rest)
{
    struct admin_error error = {.status = 0};
    struct admin_job *job = admin_job_new(admin, req, route);

    if (job == NULL) {
        admin_error_ledger(&error, -ENOMEM, "");
        admin_refuse(req, &error);
        return;
    }
    job->work = work_of(route);
    if (read_question(job, req, query, rest, &error) == 0) {
        admin_job_start(job);
        return;
    }
    admin_job_drop(job);
    admin_refuse(req, &error);
}

/* Whether some method of a list such as "GET, HEAD" is this one. */
static bool method_allowed(const char *methods, h2o_iovec_t method)
{
    while (*methods != '\0') {
        size_t len = strcspn(methods, ", ");
        if (len == method.len && memcmp(methods, method.base, len) == 0)
            return true;
        methods += len;
        methods += strspn(methods, ", ");
    }
    return false;
}

static int check_request(struct admin *admin, h2o_req_t *req, enum admin_route route,
                         struct admin_error *error)
{
    if (route != ADMIN_HEALTH && check_caller(admin, req, error) != 0)
        return -1;
    if (route == ADMIN_NOT_FOUND)
        return admin_error_set(error, 404, "not_found", "there is no such path here");
    if (method_allowed(admin_route_methods(route), req->method))
        return 0;
    add(req, "allow", admin_route_methods(route));
    return admin_error_set(error, 405, "method_not_allowed", "this path takes %s",
                           admin_route_methods(route));
}

int admin_on_request(h2o_handler_t *self, h2o_req_t *req)
{
    struct admin *admin = ((struct admin_handler *)self)->admin;
    size_t path_len = req->query_at == SIZE_MAX ? req->path.len : req->query_at;
    struct text path = {req->path.base, path_len}, rest = {"", 0}, query = {"", 0};
    enum admin_route route = admin_route_find(path, &rest);
    struct admin_error error = {.status = 0};

    if (path_len < req->path.len)
        query = (struct text){req->path.base + path_len + 1, req->path.len - path_len - 1};
    if (check_request(admin, req, route, &error) != 0)
        admin_refuse(req, &error);
    else if (route == ADMIN_HEALTH)
        admin_send(req, 200, TEXT("{\"status\":\"ok\"}"));
    else if (route == ADMIN_READY)
        send_ready(admin, req);
    else
        start_job(admin, req, route, query, rest);
    return 0;
}
