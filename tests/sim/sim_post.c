/* sim_post.c - a POST arrives: plan, log, render, send, in that order. */
#include "tests/sim/sim_send.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

static void sha256_of(struct sim_worker *worker, const char *bytes, size_t len,
                      uint8_t digest[SIM_SHA_BYTES])
{
    if (EVP_DigestInit_ex2(worker->digest, worker->sim->sha256, NULL) != 1 ||
        EVP_DigestUpdate(worker->digest, bytes, len) != 1 ||
        EVP_DigestFinal_ex(worker->digest, digest, NULL) != 1)
        abort();
}

/* The bearer token, or what Anthropic clients send instead; empty without either. */
static h2o_iovec_t bearer_of(h2o_req_t *req)
{
    static const char scheme[] = "bearer ";
    ssize_t at = h2o_find_header(&req->headers, H2O_TOKEN_AUTHORIZATION, -1);
    h2o_iovec_t value = {0};

    if (at >= 0) {
        value = req->headers.entries[at].value;
        if (value.len < sizeof(scheme) - 1 ||
            strncasecmp(value.base, scheme, sizeof(scheme) - 1) != 0)
            return (h2o_iovec_t){0};
        value.base += sizeof(scheme) - 1;
        value.len -= sizeof(scheme) - 1;
        return value;
    }
    at = h2o_find_header_by_str(&req->headers, H2O_STRLIT("x-api-key"), -1);
    return at >= 0 ? req->headers.entries[at].value : value;
}

static struct sim_span key_of(struct sim_worker *worker, h2o_iovec_t bearer)
{
    uint8_t digest[SIM_SHA_BYTES];
    struct sim_text hex = {0};

    if (bearer.len == 0)
        return (struct sim_span){0};
    if (bearer.len != worker->bearer_len || memcmp(bearer.base, worker->bearer, bearer.len) != 0) {
        sha256_of(worker, bearer.base, bearer.len, digest);
        sim_text_hex(&hex, digest, sizeof(digest));
        assert(hex.len == sizeof(worker->key));
        memcpy(worker->key, hex.bytes, hex.len);
        sim_text_release(&hex);
        worker->bearer_len = bearer.len <= SIM_BEARER_MAX ? bearer.len : 0;
        memcpy(worker->bearer, bearer.base, worker->bearer_len);
    }
    return (struct sim_span){worker->key, sizeof(worker->key)};
}

static bool same_name(const h2o_header_t *a, const h2o_header_t *b)
{
    return a->name->len == b->name->len && memcmp(a->name->base, b->name->base, a->name->len) == 0;
}

static bool is_secret(const h2o_header_t *header)
{
    return h2o_memis(header->name->base, header->name->len, H2O_STRLIT("authorization")) ||
           h2o_memis(header->name->base, header->name->len, H2O_STRLIT("x-api-key"));
}

/* A header's values under one name, joined as HTTP says. */
static void header_render(struct sim_text *text, const h2o_header_t *entries, size_t count,
                          size_t first, struct sim_text *joined)
{
    joined->len = 0;
    sim_text_add(joined, entries[first].value.base, entries[first].value.len);
    for (size_t i = first + 1; i < count; i++) {
        if (!same_name(&entries[first], &entries[i]))
            continue;
        sim_text_str(joined, ", ");
        sim_text_add(joined, entries[i].value.base, entries[i].value.len);
    }
    sim_text_str(text, ",");
    sim_text_json_latin1(text, entries[first].name->base, entries[first].name->len);
    sim_text_str(text, ":");
    sim_text_json_latin1(text, joined->bytes, joined->len);
}

/* One member per name. Header bytes need not be UTF-8. */
static void headers_render(struct sim_worker *worker, h2o_req_t *req)
{
    const h2o_header_t *entries = req->headers.entries;
    struct sim_text *text = &worker->headers;

    text->len = 0;
    sim_text_str(text, "{\"host\":");
    sim_text_json_latin1(text, req->input.authority.base, req->input.authority.len);
    for (size_t i = 0; i < req->headers.size; i++) {
        bool earlier = false;
        for (size_t j = 0; j < i && !earlier; j++)
            earlier = same_name(&entries[j], &entries[i]);
        if (!earlier && !is_secret(&entries[i]))
            header_render(text, entries, req->headers.size, i, &worker->joined);
    }
    sim_text_str(text, "}");
}

/* The body as a JSON string, cut to its maximum at a character's boundary. */
static struct sim_span body_render(struct sim_worker *worker, h2o_req_t *req)
{
    struct sim_text *text = &worker->body;
    size_t len = req->entity.len;

    text->len = 0;
    if (!worker->sim->log_bodies)
        return (struct sim_span){0};
    if (len > SIM_LOGGED_BODY_MAX) {
        len = SIM_LOGGED_BODY_MAX;
        while (len > 0 && ((unsigned char)req->entity.base[len] & 0xc0) == 0x80)
            len--;
    }
    /* What was read as JSON is UTF-8; a form need not be. */
    if (worker->planner.body.count > 0)
        sim_text_json(text, req->entity.base, len);
    else
        sim_text_json_latin1(text, req->entity.base, len);
    return (struct sim_span){text->bytes, text->len};
}

static int64_t given(int64_t value)
{
    return value != SIM_UNSET ? value : -1;
}

static struct sim_record record_of(const struct sim_behaviour *behaviour, int64_t usual_delay_ms)
{
    int64_t delay = behaviour->generation;

    return (struct sim_record){
        .delay_ms = delay != SIM_UNSET ? delay : usual_delay_ms,
        .errors = behaviour->record_errors != SIM_UNSET ? behaviour->record_errors : 0,
        .prompt = given(behaviour->record_prompt_tokens),
        .completion = given(behaviour->record_completion_tokens),
        .cost = behaviour->record_cost,
        .wrong_id = behaviour->record_wrong_id,
    };
}

static uint64_t log_call(struct sim_worker *worker, h2o_req_t *req, const struct sim_plan *plan,
                         const struct sim_moment *moment, struct sim_span key,
                         char id[SIM_ID_MAX + 1])
{
    struct sim_arrival arrival = {
        .now_ms = moment->now_ms,
        .path = {req->path.base, req->path.len},
        .model = {plan->request.model.base, plan->request.model.len},
        .served = {plan->model.base, plan->model.len},
        .provider = {plan->provider.base, plan->provider.len},
        .body = body_render(worker, req),
        .key = key,
        .body_sha256 = moment->body_sha256,
        .body_bytes = req->entity.len,
        .dialect = plan->dialect,
        .api = plan->api,
        .status = plan->status,
        .http2 = req->version >= 0x200,
        .stream = plan->stream,
        .byok = plan->behaviour.billing.byok,
        .finish_reason = plan->finish_reason,
        .tokens = plan->tokens,
        .costs = plan->costs,
        .record = record_of(&plan->behaviour, worker->sim->generation_delay_ms),
    };

    headers_render(worker, req);
    arrival.headers = (struct sim_span){worker->headers.bytes, worker->headers.len};
    return sim_calls_begin(worker->sim->calls, &arrival, id);
}

/* What can be asked for again by its id: the answer is what there is to say of it. */
static void keep_thing(struct sim *sim, const struct sim_plan *plan, const char *id,
                       const struct sim_answer *answer)
{
    struct sim_span json = {answer->body.bytes, answer->body.len};

    if (plan->status < 400 && plan->behaviour.raw.base == NULL &&
        (plan->api == SIM_FILES || plan->api == SIM_BATCHES || plan->api == SIM_VIDEOS))
        sim_things_keep(sim->things, plan->api, (struct sim_span){id, strlen(id)}, json);
}

int sim_post(h2o_req_t *req, const struct sim_route *route)
{
    struct sim_worker *worker = sim_worker_of(req);
    h2o_iovec_t bearer = bearer_of(req);
    uint8_t body_sha256[SIM_SHA_BYTES];
    char id[SIM_ID_MAX + 1];
    struct sim_moment moment = {.id = id, .now_ms = sim_unix_ms(), .body_sha256 = body_sha256};
    struct sim_answer answer = worker->spare;
    struct sim_plan plan;
    uint64_t serial;

    worker->spare = (struct sim_answer){0};
    sha256_of(worker, req->entity.base, req->entity.len, body_sha256);
    sim_planner_plan(&worker->planner, req, route, bearer.len > 0, moment.now_ms, &plan);
    serial = log_call(worker, req, &plan, &moment, key_of(worker, bearer), id);
    sim_answer_render(&answer, &plan, &moment);
    keep_thing(worker->sim, &plan, id, &answer);
    sim_send(worker, req, &plan, &answer, serial, id);
    return 0;
}
