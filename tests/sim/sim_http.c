/* sim_http.c - which path and method goes where, and the simulator's own endpoints. */
#include "tests/sim/sim_http.h"
#include "tests/sim/sim_json.h"

#include <string.h>

enum {
    BATCH_BYTES = 65536, /* of the call log, printed under its lock at a time */
};

int sim_respond(h2o_req_t *req, int status, const char *type, const char *bytes, size_t len)
{
    req->res.status = status;
    req->res.reason = status == 200 ? "OK" : "Error";
    if (len > 0)
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, type,
                       strlen(type));
    h2o_send_inline(req, bytes, len);
    return 0;
}

int sim_respond_json(h2o_req_t *req, int status, struct sim_text *text)
{
    int rc = sim_respond(req, status, "application/json; charset=utf-8", text->bytes, text->len);
    sim_text_release(text);
    return rc;
}

int sim_respond_error(h2o_req_t *req, int status, const char *type, const char *message)
{
    struct sim_text text = {0};

    sim_json(&text, "{'error':{'message':%j,'type':%j}}", message, type);
    return sim_respond_json(req, status, &text);
}

bool sim_method_is(h2o_req_t *req, const char *method)
{
    return h2o_memis(req->method.base, req->method.len, method, strlen(method));
}

struct sim_span sim_query(h2o_req_t *req, const char *name)
{
    const char *at = req->path.base + req->query_at, *end = req->path.base + req->path.len;
    size_t len = strlen(name);

    if (req->query_at == SIZE_MAX)
        return (struct sim_span){0};
    while (at < end) {
        const char *start = at + 1; /* behind the question mark or the ampersand */
        const char *next = memchr(start, '&', (size_t)(end - start));
        if (next == NULL)
            next = end;
        if ((size_t)(next - start) > len && memcmp(start, name, len) == 0 && start[len] == '=')
            return (struct sim_span){start + len + 1, (size_t)(next - start) - len - 1};
        at = next;
    }
    return (struct sim_span){0};
}

static int get_health(h2o_req_t *req)
{
    return sim_respond(req, 200, "text/plain", H2O_STRLIT("ok\n"));
}

static int get_stats(h2o_req_t *req)
{
    struct sim_text text = {0};

    sim_calls_stats(sim_worker_of(req)->sim->calls, &text);
    return sim_respond_json(req, 200, &text);
}

/* The call log on its way out, a batch at a time. */
struct listing {
    h2o_generator_t generator;
    struct sim_calls *calls;
    struct sim_text text;
    uint64_t cursor, end;
};

static void listing_dispose(void *arg)
{
    struct listing *listing = arg;
    sim_text_release(&listing->text);
}

static void listing_proceed(h2o_generator_t *generator, h2o_req_t *req)
{
    struct listing *listing = (struct listing *)generator;
    h2o_iovec_t part;
    bool more;

    listing->text.len = 0;
    more = sim_calls_print(listing->calls, &listing->text, BATCH_BYTES, &listing->cursor,
                           &listing->end);
    part = h2o_iovec_init(listing->text.bytes, listing->text.len);
    h2o_send(req, &part, part.len > 0 ? 1 : 0,
             more ? H2O_SEND_STATE_IN_PROGRESS : H2O_SEND_STATE_FINAL);
}

static int get_calls(h2o_req_t *req)
{
    struct listing *listing = h2o_mem_alloc_shared(&req->pool, sizeof(*listing), listing_dispose);

    *listing = (struct listing){
        .generator = {.proceed = listing_proceed},
        .calls = sim_worker_of(req)->sim->calls,
    };
    req->res.status = 200;
    req->res.reason = "OK";
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT("application/x-ndjson"));
    h2o_start_response(req, &listing->generator);
    listing_proceed(&listing->generator, req);
    return 0;
}

static int post_reset(h2o_req_t *req)
{
    struct sim *sim = sim_worker_of(req)->sim;

    sim_calls_forget(sim->calls);
    sim_script_clear(sim->script);
    sim_things_forget(sim->things);
    return sim_respond(req, 200, "text/plain", H2O_STRLIT("ok\n"));
}

/* Calls each for every line that is not blank, until one returns false. */
static bool each_line(h2o_req_t *req, bool (*each)(h2o_req_t *req, const char *line, size_t len))
{
    const char *at = req->entity.base, *end = at + req->entity.len;

    while (at < end) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((next != NULL ? next : end) - at);
        while (len > 0 && (at[len - 1] == '\r' || at[len - 1] == ' '))
            len--;
        if (len > 0 && !each(req, at, len))
            return false;
        at = next != NULL ? next + 1 : end;
    }
    return true;
}

static bool check_line(h2o_req_t *req, const char *line, size_t len)
{
    struct sim_behaviour behaviour;
    char error[SIM_ERROR_SIZE];

    if (sim_behaviour_read(&sim_worker_of(req)->planner.behaviour, &req->pool, line, len,
                           &behaviour, error) == 0)
        return true;
    sim_respond_error(req, 400, "invalid_request_error", error);
    return false;
}

static bool queue_line(h2o_req_t *req, const char *line, size_t len)
{
    struct sim_behaviour behaviour = sim_behaviour_default();
    char error[SIM_ERROR_SIZE];

    /* Read again for its path; check_line() has seen that it can be. */
    sim_behaviour_read(&sim_worker_of(req)->planner.behaviour, &req->pool, line, len, &behaviour,
                       error);
    sim_script_push(sim_worker_of(req)->sim->script, line, len, behaviour.path.base,
                    behaviour.path.len);
    return true;
}

/* All lines or none. */
static int post_script(h2o_req_t *req)
{
    if (!each_line(req, check_line))
        return 0;
    each_line(req, queue_line);
    return sim_respond(req, 200, "text/plain", H2O_STRLIT("ok\n"));
}

static const struct endpoint {
    const char *method, *path;
    int (*answer)(h2o_req_t *req);
} endpoints[] = {
    {"GET", "/health", get_health},       {"GET", "/sim/calls", get_calls},
    {"GET", "/sim/stats", get_stats},     {"POST", "/sim/reset", post_reset},
    {"POST", "/sim/script", post_script},
};

static int on_request(h2o_handler_t *self, h2o_req_t *req)
{
    static const char html[] = "<!DOCTYPE html><html><body><h1>404</h1></body></html>";
    h2o_iovec_t path = req->path_normalized;
    struct sim_route route;

    (void)self;
    if (sim_route_find(path.base, path.len, &route))
        return sim_method_is(req, "POST") ? sim_post(req, &route) : sim_read(req, &route);
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        if (!h2o_memis(path.base, path.len, endpoints[i].path, strlen(endpoints[i].path)))
            continue;
        if (sim_method_is(req, endpoints[i].method))
            return endpoints[i].answer(req);
        return sim_respond(req, 405, "", "", 0);
    }
    return sim_respond(req, 404, "text/html; charset=utf-8", html, sizeof(html) - 1);
}

void sim_http_register(h2o_globalconf_t *config)
{
    h2o_hostconf_t *host =
        h2o_config_register_host(config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    h2o_handler_t *handler = h2o_create_handler(path, sizeof(*handler));

    handler->on_req = on_request;
}
