/* sim_send.c - see sim_send.h. */
#include "tests/sim/sim_send.h"
#include "tests/sim/sim_watch.h"

#include <assert.h>
#include <sys/socket.h>

enum {
    SEND_BYTES_MAX = 65536, /* in flight at a time: an abort of a long body is seen soon */
    RESET_DELAY_MS = 20,    /* between the last byte and a stream's reset */
};

struct sending {
    h2o_generator_t generator; /* first: libh2o gives this pointer back */
    struct sim_worker *worker;
    h2o_req_t *req;
    uint64_t serial;
    struct sim_answer answer;
    struct sim_timer timer;
    struct sim_watched watched;
    h2o_iovec_t retry_after, generation_id; /* headers; base NULL: not sent */
    enum sim_place die, hang;
    int64_t gap;
    int64_t lead_gap;    /* between keep-alives */
    int64_t content_due; /* of what follows them; monotonic */
    int64_t next_due;    /* of the piece behind `allowed`; monotonic */
    size_t piece;        /* pieces that were due so far */
    size_t allowed;      /* bytes of the body that were due so far */
    size_t sent;
    int status;
    bool gzip, started, head_sent, in_flight, settled;
};

static void advance(struct sending *sending);

static void settle(struct sending *sending, enum sim_state state)
{
    if (sending->settled)
        return;
    sending->settled = true;
    sim_timer_cancel(&sending->worker->timers, &sending->timer);
    sim_watch_remove(sending->worker, &sending->watched);
    sim_calls_end(sending->worker->sim->calls, sending->serial, state, sim_unix_ms());
}

/* The request is gone, answered or not. */
static void on_dispose(void *arg)
{
    struct sending *sending = arg;
    struct sim_answer *spare = &sending->worker->spare;

    settle(sending, SIM_ABORTED);
    sim_answer_clear(&sending->answer);
    if (spare->body.bytes == NULL && spare->ends == NULL)
        *spare = sending->answer;
    else
        sim_answer_release(&sending->answer);
}

static void cut_connection(struct sending *sending)
{
    h2o_conn_t *conn = sending->req->conn;
    shutdown(h2o_socket_get_fd(conn->callbacks->get_socket(conn)), SHUT_RDWR);
}

/* Ends an unanswered request whose connection was cut: HTTP/1.1 notices only when it writes, and
 * nothing of this reaches the peer. HTTP/2 reads all the time and notices by itself. */
static void end_unanswered(struct sending *sending)
{
    h2o_req_t *req = sending->req;

    cut_connection(sending);
    if (req->version >= 0x200)
        return;
    sending->started = true;
    req->http1_is_persistent = 0;
    req->res.status = 500;
    req->res.reason = "Cut";
    h2o_start_response(req, &sending->generator);
    h2o_send(req, NULL, 0, H2O_SEND_STATE_FINAL);
}

/* An HTTP/1.1 client hung up while its answer waited. */
static void on_left(struct sim_watched *watched)
{
    struct sending *sending = H2O_STRUCT_FROM_MEMBER(struct sending, watched, watched);

    settle(sending, SIM_ABORTED);
    if (!sending->started) {
        end_unanswered(sending);
        return;
    }
    cut_connection(sending);
    if (!sending->in_flight) {
        sending->req->http1_is_persistent = 0;
        h2o_send(sending->req, NULL, 0, H2O_SEND_STATE_ERROR);
    }
}

/* Hands bytes over. The request may be gone when this returns, unless the state is in progress. */
static void hand_over(struct sending *sending, size_t len, h2o_send_state_t state)
{
    h2o_iovec_t part = {.base = sending->answer.body.bytes + sending->sent, .len = len};

    assert(!sending->in_flight);
    sending->sent += len;
    sending->head_sent = true;
    if (state == H2O_SEND_STATE_IN_PROGRESS)
        sending->in_flight = true;
    else
        settle(sending, state == H2O_SEND_STATE_FINAL ? SIM_DONE : SIM_DIED);
    if (state == H2O_SEND_STATE_ERROR)
        sending->req->http1_is_persistent = 0;
    h2o_send(sending->req, &part, len > 0 ? 1 : 0, state);
}

static void on_proceed(h2o_generator_t *generator, h2o_req_t *req)
{
    struct sending *sending = (struct sending *)generator;

    assert(sending->req == req);
    sending->in_flight = false;
    if (!sending->settled)
        advance(sending);
}

static void on_piece_due(struct sim_timer *timer)
{
    advance(H2O_STRUCT_FROM_MEMBER(struct sending, timer, timer));
}

/* Nothing to send before the next piece is due, or ever: wait where a leaving client is seen. */
static void wait_for_piece(struct sending *sending, bool for_ever)
{
    sim_watch_add(sending->worker, &sending->watched, sending->req);
    if (for_ever)
        return;
    sending->timer.fire = on_piece_due;
    sim_timer_set(&sending->worker->timers, &sending->timer, sending->next_due);
}

/* When the piece behind those that were due so far is. */
static int64_t due_of_next(const struct sending *sending)
{
    if (sending->piece < sending->answer.lead)
        return sending->next_due + sending->lead_gap;
    if (sending->piece == sending->answer.lead)
        return sending->content_due;
    return sending->next_due + sending->gap;
}

static void allow_what_is_due(struct sending *sending, int64_t now_ms)
{
    const struct sim_answer *answer = &sending->answer;

    while (sending->allowed < answer->body.len && now_ms >= sending->next_due) {
        sending->piece++;
        sending->next_due = due_of_next(sending);
        sending->allowed = sending->piece < answer->end_count ? answer->ends[sending->piece - 1]
                                                              : answer->body.len;
    }
}

static void on_reset_due(struct sim_timer *timer)
{
    hand_over(H2O_STRUCT_FROM_MEMBER(struct sending, timer, timer), 0, H2O_SEND_STATE_ERROR);
}

/* The fault's place was reached. An HTTP/2 client that gets data and the stream's reset in one
 * read may throw the data away (curl does), so there the reset comes a little later. */
static void strike(struct sending *sending)
{
    bool http2 = sending->req->version >= 0x200;

    if (sending->die != SIM_NOWHERE && !http2) {
        hand_over(sending, 0, H2O_SEND_STATE_ERROR);
    } else if (!sending->head_sent) {
        hand_over(sending, 0, H2O_SEND_STATE_IN_PROGRESS);
    } else if (sending->die != SIM_NOWHERE) {
        sending->timer.fire = on_reset_due;
        sim_timer_set(&sending->worker->timers, &sending->timer,
                      sim_monotonic_ms() + RESET_DELAY_MS);
    } else {
        wait_for_piece(sending, true);
    }
}

static void advance(struct sending *sending)
{
    struct sim_answer *answer = &sending->answer;
    size_t stop, take;

    if (answer->repeat != SIZE_MAX && sending->sent == answer->body.len) {
        sending->sent = answer->repeat;
        sending->allowed = answer->repeat;
    }
    allow_what_is_due(sending, sim_monotonic_ms());
    stop = sending->allowed < answer->cut ? sending->allowed : answer->cut;
    take = stop - sending->sent;
    if (sending->sent == answer->cut) {
        strike(sending);
    } else if (take > SEND_BYTES_MAX) {
        hand_over(sending, SEND_BYTES_MAX, H2O_SEND_STATE_IN_PROGRESS);
    } else if (sending->sent + take == answer->body.len && answer->repeat == SIZE_MAX &&
               answer->cut == SIZE_MAX) {
        hand_over(sending, take, H2O_SEND_STATE_FINAL);
    } else if (take > 0) {
        hand_over(sending, take, H2O_SEND_STATE_IN_PROGRESS);
    } else {
        wait_for_piece(sending, false);
    }
}

static const char *reason_of(int status)
{
    if (status == 200)
        return "OK";
    return status < 400 ? "Simulated" : "Simulated Error";
}

static void set_head(struct sending *sending)
{
    h2o_req_t *req = sending->req;
    const struct sim_answer *answer = &sending->answer;

    req->res.status = sending->status;
    req->res.reason = reason_of(sending->status);
    req->res.content_length = answer->content_length;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   answer->content_type.base, answer->content_type.len);
    if (sending->gzip)
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_ENCODING, NULL,
                       H2O_STRLIT("gzip"));
    if (sending->retry_after.base != NULL)
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_RETRY_AFTER, NULL,
                       sending->retry_after.base, sending->retry_after.len);
    if (sending->generation_id.base != NULL)
        h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("x-generation-id"), 0, NULL,
                              sending->generation_id.base, sending->generation_id.len);
}

static void begin(struct sending *sending)
{
    if (sending->die == SIM_CONNECT) {
        settle(sending, SIM_DIED);
        end_unanswered(sending);
        return;
    }
    if (sending->hang == SIM_CONNECT) {
        wait_for_piece(sending, true);
        return;
    }
    set_head(sending);
    sending->started = true;
    sending->next_due = sim_monotonic_ms();
    h2o_start_response(sending->req, &sending->generator);
    advance(sending);
}

static void on_delay_over(struct sim_timer *timer)
{
    begin(H2O_STRUCT_FROM_MEMBER(struct sending, timer, timer));
}

void sim_send(struct sim_worker *worker, h2o_req_t *req, const struct sim_plan *plan,
              struct sim_answer *answer, uint64_t serial, const char *id)
{
    struct sending *sending = h2o_mem_alloc_shared(&req->pool, sizeof(*sending), on_dispose);
    const struct sim_behaviour *behaviour = &plan->behaviour;

    *sending = (struct sending){
        .generator = {.proceed = on_proceed},
        .worker = worker,
        .req = req,
        .serial = serial,
        .answer = *answer,
        .watched = {.fd = -1, .left = on_left},
        .retry_after = behaviour->retry_after,
        .die = behaviour->die,
        .hang = behaviour->hang,
        .gap = behaviour->gap > 0 ? behaviour->gap : 0,
        .lead_gap = behaviour->comment_ms,
        .content_due = sim_monotonic_ms() + behaviour->delay,
        .status = plan->status,
        .gzip = behaviour->gzip && !behaviour->endless,
    };
    *answer = (struct sim_answer){0};
    if (plan->status == 429 && sending->retry_after.base == NULL)
        sending->retry_after = h2o_iovec_init(H2O_STRLIT("1"));
    if (plan->dialect == SIM_OPENROUTER)
        sending->generation_id = h2o_strdup(&req->pool, id, SIZE_MAX);
    /* Keep-alives fill the delay, which then is the answer's own. */
    if (behaviour->delay <= 0 || sending->answer.lead > 0) {
        begin(sending);
        return;
    }
    sim_watch_add(worker, &sending->watched, req);
    sending->timer.fire = on_delay_over;
    sim_timer_set(&worker->timers, &sending->timer, sim_monotonic_ms() + behaviour->delay);
}
