/* sim_http.c - the endpoints: which path and method goes where, and the small answers. */
#include "tests/sim/sim_worker.h"

#include <string.h>

enum {
    BATCH_BYTES = 65536, /* of the call log, printed under its lock at a time */
};

static int respond(h2o_req_t *req, int status, const char *type, const char *bytes, size_t len)
{
    req->res.status = status;
    req->res.reason = status == 200 ? "OK" : "Error";
    if (len > 0)
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, type,
                       strlen(type));
    h2o_send_inline(req, bytes, len);
    return 0;
}

/* take: text. */
static int respond_json(h2o_req_t *req, int status, struct sim_text *text)
{
    int rc = respond(req, status, "application/json; charset=utf-8", text->bytes, text->len);
    sim_text_release(text);
    return rc;
}

static int respond_error(h2o_req_t *req, int status, const char *type, const char *message)
{
    struct sim_text text = {0};

    sim_text_str(&text, "{\"error\":{\"message\":");
    sim_text_json(&text, message, strlen(message));
    sim_text_str(&text, ",\"type\":");
    sim_text_json(&text, type, strlen(type));
    sim_text_str(&text, "}}");
    return respond_json(req, status, &text);
}

static int get_health(h2o_req_t *req)
{
    return respond(req, 200, "text/plain", H2O_STRLIT("ok\n"));
}

static int get_models(h2o_req_t *req)
{
    const struct sim_text *catalogue = &sim_worker_of(req)->sim->catalogue;
    return respond(req, 200, "application/json; charset=utf-8", catalogue->bytes, catalogue->len);
}

static bool has_key(h2o_req_t *req)
{
    return h2o_find_header(&req->headers, H2O_TOKEN_AUTHORIZATION, -1) >= 0;
}

static int get_credits(h2o_req_t *req)
{
    struct sim_text text = {0};

    if (!has_key(req))
        return respond_error(req, 401, "authentication_error", "Authentication failed");
    sim_calls_credits(sim_worker_of(req)->sim->calls, &text);
    return respond_json(req, 200, &text);
}

/* The value of `id` in the query; ids need no decoding. */
static struct sim_span query_id(h2o_req_t *req)
{
    const char *at = req->path.base + req->query_at, *end = req->path.base + req->path.len;

    if (req->query_at == SIZE_MAX)
        return (struct sim_span){0};
    while (at < end) {
        const char *name = at + 1; /* behind the question mark or the ampersand */
        const char *next = memchr(name, '&', (size_t)(end - name));
        if (next == NULL)
            next = end;
        if (next - name > 3 && memcmp(name, "id=", 3) == 0)
            return (struct sim_span){name + 3, (size_t)(next - name - 3)};
        at = next;
    }
    return (struct sim_span){0};
}

static int get_generation(h2o_req_t *req)
{
    struct sim *sim = sim_worker_of(req)->sim;
    struct sim_span id = query_id(req);
    struct sim_text text = {0};

    if (!has_key(req))
        return respond_error(req, 401, "authentication_error", "Authentication failed");
    if (id.len == 0) {
        sim_text_str(&text, "{\"error\":\"id is required\"}");
        return respond_json(req, 400, &text);
    }
    if (sim_calls_generation(sim->calls, id.bytes, id.len, sim_unix_ms(), &text))
        return respond_json(req, 200, &text);
    sim_text_str(&text, "{\"error\":\"Usage event not found\",\"id\":");
    sim_text_json(&text, id.bytes, id.len);
    sim_text_str(&text, ",\"message\":\"No usage event with this id has been recorded\"}");
    return respond_json(req, 404, &text);
}

static int get_stats(h2o_req_t *req)
{
    struct sim_text text = {0};

    sim_calls_stats(sim_worker_of(req)->sim->calls, &text);
    return respond_json(req, 200, &text);
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
    return respond(req, 200, "text/plain", H2O_STRLIT("ok\n"));
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

    if (sim_behaviour_read(&sim_worker_of(req)->chat.behaviour, &req->pool, line, len, &behaviour,
                           error) == 0)
        return true;
    respond_error(req, 400, "invalid_request_error", error);
    return false;
}

static bool queue_line(h2o_req_t *req, const char *line, size_t len)
{
    sim_script_push(sim_worker_of(req)->sim->script, line, len);
    return true;
}

/* All lines or none. */
static int post_script(h2o_req_t *req)
{
    if (!each_line(req, check_line))
        return 0;
    each_line(req, queue_line);
    return respond(req, 200, "text/plain", H2O_STRLIT("ok\n"));
}

static const struct endpoint {
    const char *method, *path;
    int (*answer)(h2o_req_t *req);
} endpoints[] = {
    {"GET", "/health", get_health},         {"GET", "/v1/models", get_models},
    {"GET", "/v1/credits", get_credits},    {"GET", "/v1/generation", get_generation},
    {"GET", "/sim/calls", get_calls},       {"GET", "/sim/stats", get_stats},
    {"POST", "/sim/reset", post_reset},     {"POST", "/sim/script", post_script},
    {"POST", "/v1/chat/completions", NULL}, /* for the 405; sim_post() answers */
};

static bool is_text(h2o_iovec_t value, const char *text)
{
    return h2o_memis(value.base, value.len, text, strlen(text));
}

static int on_request(h2o_handler_t *self, h2o_req_t *req)
{
    static const char html[] = "<!DOCTYPE html><html><body><h1>404</h1></body></html>";
    static const char api[] = "/v1/";
    h2o_iovec_t path = req->path_normalized;
    bool under_api = path.len > 4 && memcmp(path.base, api, sizeof(api) - 1) == 0;
    bool known = false;

    (void)self;
    if (under_api && is_text(req->method, "POST"))
        return sim_post(req);
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        if (!is_text(path, endpoints[i].path))
            continue;
        known = true;
        if (is_text(req->method, endpoints[i].method))
            return endpoints[i].answer(req);
    }
    if (known)
        return respond(req, 405, "", "", 0);
    if (under_api)
        return respond_error(req, 404, "not_found", "Not found");
    return respond(req, 404, "text/html; charset=utf-8", html, sizeof(html) - 1);
}

void sim_http_register(h2o_globalconf_t *config)
{
    h2o_hostconf_t *host =
        h2o_config_register_host(config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    h2o_handler_t *handler = h2o_create_handler(path, sizeof(*handler));

    handler->on_req = on_request;
}
