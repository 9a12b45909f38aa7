/* fetch_answer.c - an upstream's answer on its way to the tape.
 *
 * An event stream goes out event by event, as it comes. A JSON body is gathered first: a client
 * can do nothing with half of one, and only the whole tells its id, whether it is stored, and
 * whether the upstream broke off (a clean 502 instead of a torn 200). A body over max_entry, or
 * while the tape budget is spent, is passed through instead, as a sliding window.
 */
#include "server/fetch_private.h"
#include "server/log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_FIRST_BYTES = 4096 };

static size_t put(char *to, const char *text)
{
    size_t len = strlen(text);

    memcpy(to, text, len);
    return len;
}

static void begin(struct fetch *fetch, struct tape_head head, const char *id, const char *type)
{
    _Alignas(struct tape_head) char made[sizeof(struct tape_head) + TAPE_HEAD_BYTES_MAX];
    struct tape_head *whole = (struct tape_head *)made;
    char *to = whole->texts;

    assert(!fetch->begun);
    assert(strlen(id) + strlen(type) + strlen(fetch->retry_after) + strlen(fetch->warning) <=
           TAPE_HEAD_BYTES_MAX);
    to += head.id_len = (uint16_t)put(to, id);
    to += head.type_len = (uint16_t)put(to, type);
    to += head.retry_after_len = (uint16_t)put(to, fetch->retry_after);
    to += head.warning_len = (uint16_t)put(to, fetch->warning);
    memcpy(made, &head, sizeof head);
    fetch->begun = true;
    fetch->wake |= tape_begin(fetch->tape, made, (size_t)(to - made));
}

static void begin_answer(struct fetch *fetch, const char *id, const char *type)
{
    fetch_drop_original(fetch); /* from here on there is no other attempt */
    begin(fetch, (struct tape_head){.status = fetch->upstream_status, .stream = fetch->stream}, id,
          type);
}

void fetch_append(struct fetch *fetch, const char *bytes, size_t len, const struct tape_edit *edits,
                  size_t edit_count)
{
    uint64_t wake = 0;

    if (len == 0)
        return;
    /* Readers would see a hole: what cannot be recorded ends the answer for all of them. */
    if (tape_append(fetch->tape, bytes, len, edits, edit_count, &wake) != 0)
        abort();
    fetch->wake |= wake;
    if (!fetch->window && tape_is_window(fetch->tape)) {
        fetch->window = true;
        if (fetch->flight != NULL)
            store_close_flight(fetch->worker->gateway->store, fetch->flight);
    }
}

static const char *row_id(struct fetch *fetch)
{
    static _Thread_local char id[ROW_ID_MAX + 1];
    size_t len = fetch->row.id.len < ROW_ID_MAX ? fetch->row.id.len : ROW_ID_MAX;

    memcpy(id, fetch->row.id.bytes, len);
    id[len] = '\0';
    return id;
}

/* The id that the client, the body and the row share: the upstream's, else ours. Once a head has
 * left without it, ours it stays. */
const char *fetch_shown_id(struct fetch *fetch)
{
    return fetch->answer.id[0] != '\0' && !fetch->own_id &&
                   fetch_is_generation(fetch, text_of(fetch->answer.id))
               ? fetch->answer.id
               : row_id(fetch);
}

/* The converter of this attempt's answer, when it needs one. False: no memory. */
static bool make_converter(struct fetch *fetch)
{
    const struct fetch_attempt *attempt = &fetch->attempt[fetch->current];

    fetch->conversion = (struct answer_conversion){
        .api = fetch->route->api,
        .from = fetch->upstream->dialect,
        .to = fetch->route->dialect,
        .map = fetch->worker->gateway->models,
        .model_requested = attempt->said,
        .model_sent = attempt->model,
        .stream = fetch->client_stream,
        .assemble = fetch->assemble,
        .metadata = fetch->metadata,
        .shown_id = fetch->own_id ? fetch->row.id : (struct text){NULL, 0},
        .row_id = fetch->row.id,
        .now_s = worker_now_ms(fetch->worker) / 1000,
        .attempts = fetch->row.attempts,
        .upstream = text_of(fetch->upstream->name),
        .body_max = (size_t)fetch->worker->gateway->config->cache.max_entry_bytes,
    };
    answer_converter_free(fetch->converter);
    fetch->converter = NULL;
    if (fetch->upstream_status != 200 || !answer_conversion_is_needed(&fetch->conversion))
        return true;
    fetch->converter = answer_converter_new(&fetch->conversion);
    return fetch->converter != NULL;
}

/* Bytes that come from now on have to show the id that has left. */
static void set_shown_id(struct fetch *fetch)
{
    if (fetch->upstream_status != 0 && !make_converter(fetch))
        abort(); /* the process has no memory for a few hundred bytes */
}

/* A follower is shown its own id in the error frame, too. */
static void write_problem_event(struct fetch *fetch, enum problem problem)
{
    char text[PROBLEM_TEXT_MAX];
    const char *id = fetch_shown_id(fetch);
    char model[ROW_NAME_MAX + 1] = ""; /* as the client knows it */
    struct text requested = fetch->row.model_requested;
    size_t id_at = 0, len;
    struct tape_edit edit;

    if (requested.len > 0 && requested.len <= ROW_NAME_MAX)
        memcpy(model, requested.bytes, requested.len);
    len = problem_print_event(problem, fetch->route->dialect, fetch->route->api, id, model,
                              worker_now_ms(fetch->worker), text, &id_at);
    edit = (struct tape_edit){.at = id_at, .cut = (uint32_t)strlen(id), .slot = ANSWER_SLOT_ID};
    assert(id_at == 0 || strncmp(text + edit.at, id, edit.cut) == 0);
    fetch_append(fetch, text, len, &edit, id_at != 0 ? 1 : 0);
}

/* What the upstream refused with after comments have left: OpenRouter's last chunk (section 2.6),
 * which only streams of its chat have. envelope: {"error":...}. */
void fetch_write_error_event(struct fetch *fetch, struct text envelope)
{
    static const char before_id[] = "data: {\"id\":\"";
    struct json_doc *doc = &fetch->worker->doc;
    struct out out = OUT_INIT;
    struct tape_edit edit = {.at = sizeof before_id - 1, .slot = ANSWER_SLOT_ID};
    uint32_t error;

    if (fetch->route->api != API_CHAT || json_parse(doc, envelope.bytes, envelope.len, NULL) != 0 ||
        (error = json_get(doc, 0, "error")) == JSON_NONE) {
        fetch_write_problem(fetch, PROBLEM_UPSTREAM, NULL);
        return;
    }
    out_text(&out, "data: {");
    out_name(&out, "id");
    out_string(&out, text_of(fetch_shown_id(fetch)));
    edit.cut = (uint32_t)(out.len - 1 - edit.at);
    out_text(&out, ",\"object\":\"chat.completion.chunk\"");
    out_name(&out, "created");
    out_number(&out, worker_now_ms(fetch->worker) / 1000);
    out_name(&out, "model");
    out_string(&out, fetch->row.model_requested);
    out_name(&out, "error");
    out_value(&out, doc, error);
    out_text(&out, ",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},"
                   "\"finish_reason\":\"error\"}]}\n\n");
    if (out.error == 0)
        fetch_append(fetch, out.bytes, out.len, &edit, 1);
    out_release(&out);
    json_doc_clear(doc);
}

void fetch_write_problem(struct fetch *fetch, enum problem problem, const char *detail)
{
    if (!fetch->begun)
        fetch_write_limit(fetch, problem, detail, NULL);
    else if (fetch->stream)
        write_problem_event(fetch, problem);
    else
        fetch->torn = true;
}

void fetch_write_limit(struct fetch *fetch, enum problem problem, const char *detail,
                       const char *limits)
{
    char text[PROBLEM_TEXT_MAX];
    unsigned seconds = problem_retry_after(problem);
    size_t len;

    assert(!fetch->begun);
    fetch_drop_original(fetch);
    fetch->retry_after[0] = seconds == 0 ? '\0' : (char)('0' + seconds);
    fetch->retry_after[1] = '\0';
    begin(fetch,
          (struct tape_head){.status = problem_status(problem, fetch->route->dialect),
                             .own = true,
                             .final = problem_is_final(problem)},
          row_id(fetch), "application/json");
    len = problem_print_limits(problem, fetch->route->dialect, fetch->route->api, detail, limits,
                               text);
    fetch_append(fetch, text, len, NULL, 0);
}

void fetch_write_comment(struct fetch *fetch)
{
    static const char comment[] = ": OPENROUTER PROCESSING\n\n";
    /* Hits have no slow start. */
    const struct tape_edit vanish = {.cut = sizeof comment - 1};

    if (!fetch->begun) {
        struct tape_head head = {.status = 200, .stream = true};
        fetch->stream = fetch->early = fetch->own_id = true;
        begin(fetch, head, row_id(fetch), "text/event-stream");
        set_shown_id(fetch);
    }
    fetch_append(fetch, comment, sizeof comment - 1, &vanish, 1);
    worker_wake(fetch->worker, fetch->tape, fetch->wake);
    fetch->wake = 0;
}

/* --- the upstream's callbacks --- */

/* Followers of a refused call want to know when to come again, so that travels in the tape's head;
 * everything else is for the client whose call it was. */
static void keep_passed(struct fetch *fetch, const struct upstream_head *head)
{
    for (unsigned i = 0; i < head->passed_count; i++) {
        struct text name = head->passed[i].name, value = head->passed[i].value;
        char *to;
        if (name.len == 11 && memcmp(name.bytes, "retry-after", 11) == 0) {
            if (value.len < sizeof fetch->retry_after) {
                memcpy(fetch->retry_after, value.bytes, value.len);
                fetch->retry_after[value.len] = '\0';
            }
            continue;
        }
        if (fetch->passed == NULL)
            fetch->passed = malloc(UPSTREAM_HEADER_BYTES_MAX);
        if (fetch->passed == NULL ||
            name.len + value.len + 2 > UPSTREAM_HEADER_BYTES_MAX - fetch->passed_len)
            continue;
        to = fetch->passed + fetch->passed_len;
        memcpy(to, name.bytes, name.len);
        to[name.len] = '\0';
        memcpy(to + name.len + 1, value.bytes, value.len);
        to[name.len + 1 + value.len] = '\0';
        fetch->passed_len += name.len + value.len + 2;
    }
}

static bool type_is(const struct fetch *fetch, const char *type)
{
    return strncasecmp(fetch->content_type, type, strlen(type)) == 0;
}

void fetch_on_head(void *arg, const struct upstream_head *head)
{
    struct fetch *fetch = arg;
    size_t len = head->content_type.len;

    assert(fetch->state == FETCH_SENT);
    fetch_enter(fetch, FETCH_ANSWERED);
    fetch->upstream_status = head->status;
    if (len >= sizeof fetch->content_type)
        len = 0; /* not one we know */
    if (len > 0)
        memcpy(fetch->content_type, head->content_type.bytes, len);
    fetch->content_type[len] = '\0';
    fetch->upstream_stream = head->status == 200 && type_is(fetch, "text/event-stream");
    if (!fetch->begun)
        fetch->stream = fetch->upstream_stream && !fetch->assemble;
    keep_passed(fetch, head);
    if (fetch->upstream->cost_path != NULL)
        answer_use_cost_path(&fetch->answer, fetch->upstream->cost_path,
                             fetch->upstream->cost_unit_femto);
    if (!make_converter(fetch))
        abort(); /* as fetch_write_comment() */
}

void fetch_reset_answer(struct fetch *fetch)
{
    struct worker *worker = fetch->worker;

    fetch_drop_body(fetch);
    answer_release(&fetch->answer);
    answer_init(&fetch->answer, fetch->route->api, worker->edits);
    sse_splitter_release(&fetch->splitter);
    sse_splitter_init(&fetch->splitter, (size_t)worker->gateway->config->cache.max_entry_bytes);
    if (fetch->splitter_charged > 0)
        tape_budget_give(store_tape_budget(worker->gateway->store), fetch->splitter_charged);
    fetch->splitter_charged = 0;
    if (fetch->assembly_charged > 0)
        tape_budget_give(store_tape_budget(worker->gateway->store), fetch->assembly_charged);
    fetch->assembly_charged = 0;
    answer_converter_free(fetch->converter);
    fetch->converter = NULL;
    fetch->passed_len = 0;
    fetch->retry_after[0] = fetch->content_type[0] = '\0';
    fetch->upstream_status = 0;
    fetch->first_byte_ms = 0;
    fetch->upstream_stream = fetch->seen = false;
    if (!fetch->begun)
        fetch->stream = false;
}

/* From here on a crash leaves something to look up. */
static void note_id(struct fetch *fetch, const char *id)
{
    if (fetch->seen || id[0] == '\0' || !fetch->recorded ||
        !fetch_is_generation(fetch, text_of(id)))
        return;
    fetch->seen = true;
    ledger_seen(fetch->worker->lane, &fetch->hold, id, strlen(id));
}

static void begin_stream(struct fetch *fetch)
{
    fetch->early = false; /* comments were all that had left */
    if (fetch->begun) {
        fetch_drop_original(fetch);
        return;
    }
    begin_answer(fetch, fetch_shown_id(fetch), "text/event-stream");
    /* Comments that came before the first event waited for the head. */
    fetch_append(fetch, fetch->body, fetch->body_len, NULL, 0);
    fetch_drop_body(fetch);
}

/* Room for len more bytes of a gathered body, charged to the tape budget. -ENOBUFS: it is spent. */
static int make_room(struct fetch *fetch, size_t len)
{
    struct tape_budget *budget = store_tape_budget(fetch->worker->gateway->store);
    size_t size = fetch->body_size > 0 ? fetch->body_size : BODY_FIRST_BYTES;
    char *larger;

    if (len <= fetch->body_size - fetch->body_len)
        return 0;
    while (size < fetch->body_len + len)
        size *= 2;
    if (!tape_budget_take(budget, size - fetch->body_size))
        return -ENOBUFS;
    larger = realloc(fetch->body, size);
    if (larger == NULL) {
        tape_budget_give(budget, size - fetch->body_size);
        return -ENOMEM;
    }
    fetch->body = larger;
    fetch->body_size = size;
    return 0;
}

static int gather(struct fetch *fetch, const char *bytes, size_t len)
{
    int result = make_room(fetch, len);

    if (result != 0)
        return result;
    memcpy(fetch->body + fetch->body_len, bytes, len);
    fetch->body_len += len;
    return 0;
}

void fetch_drop_body(struct fetch *fetch)
{
    if (fetch->body_size > 0)
        tape_budget_give(store_tape_budget(fetch->worker->gateway->store), fetch->body_size);
    free(fetch->body);
    fetch->body = NULL;
    fetch->body_len = fetch->body_size = 0;
}

/* What the splitter holds of an event that has not ended is charged like everything else; while
 * the budget is spent it may hold little, and hands out longer events in parts. */
static void charge_splitter(struct fetch *fetch)
{
    struct tape_budget *budget = store_tape_budget(fetch->worker->gateway->store);
    size_t held = fetch->splitter.held_size;

    if (held > fetch->splitter_charged) {
        if (tape_budget_take(budget, held - fetch->splitter_charged))
            fetch->splitter_charged = held;
        else
            fetch->splitter.held_max = TAPE_WINDOW_BYTES_TIGHT;
    } else if (held < fetch->splitter_charged) {
        tape_budget_give(budget, fetch->splitter_charged - held);
        fetch->splitter_charged = held;
    }
}

/* One event as the client gets it: its replay is noted beside it. */
static void give_event(struct fetch *fetch, const char *bytes, size_t len, size_t data_at)
{
    struct answer *answer = &fetch->answer;

    if (answer->too_many_edits &&
        fetch->flight != NULL) /* nobody may join what cannot be replayed */
        store_close_flight(fetch->worker->gateway->store, fetch->flight);
    for (size_t i = 0; i < answer->edit_count; i++)
        answer->edits[i].at += data_at;
    begin_stream(fetch);
    fetch_append(fetch, bytes, len, answer->edits, answer->edit_count);
}

static int on_converted(void *arg, const struct answer_event *event)
{
    struct fetch *fetch = arg;

    fetch->answer.edit_count = 0;
    if (event->data_len > 0)
        answer_note_event(&fetch->answer, event->bytes + event->data_at, event->data_len);
    give_event(fetch, event->bytes, event->len, event->data_at);
    return 0;
}

/* Comments and the like. Before the head they wait for it; a body that is assembled has none. */
static int on_bare_piece(struct fetch *fetch, const struct sse_piece *piece)
{
    if (fetch->assemble)
        return 0;
    if (fetch->begun)
        fetch_append(fetch, piece->bytes, piece->len, NULL, 0);
    else if (fetch->body_len + piece->len <= BODY_FIRST_BYTES)
        return gather(fetch, piece->bytes, piece->len);
    return 0;
}

/* What is being put together is held in memory like a body that is gathered. */
static bool charge_assembly(struct fetch *fetch, size_t len)
{
    if (!tape_budget_take(store_tape_budget(fetch->worker->gateway->store), len))
        return false;
    fetch->assembly_charged += len;
    return true;
}

static int on_piece(void *arg, const struct sse_piece *piece)
{
    struct fetch *fetch = arg;
    struct answer *answer = &fetch->answer;
    struct text payload = {piece->bytes + piece->data_at, piece->data_len};
    struct text event = {piece->bytes + piece->event_at, piece->event_len};

    if (!piece->whole)
        answer->unreadable = true; /* oversized, or cut off: nobody could tell it was complete */
    if (piece->data_lines == 0)
        return on_bare_piece(fetch, piece);
    answer->edit_count = 0;
    if (piece->data_lines != 1) {
        answer->unreadable = true;
        give_event(fetch, piece->bytes, piece->len, 0);
        return 0;
    }
    if (fetch->converter == NULL) {
        answer_read_event(answer, payload.bytes, payload.len);
        note_id(fetch, answer->id);
        give_event(fetch, piece->bytes, piece->len, piece->data_at);
        return 0;
    }
    answer_learn_event(answer, payload.bytes, payload.len);
    note_id(fetch, answer->id);
    if (fetch->assemble && !charge_assembly(fetch, payload.len))
        return -ENOBUFS;
    return answer_convert_event(fetch->converter, event, payload, on_converted, fetch);
}

/* The body is too large to gather: it goes out as it comes, unread and unstored. */
static void pass_through(struct fetch *fetch)
{
    fetch->window = true;
    if (fetch->flight != NULL)
        store_close_flight(fetch->worker->gateway->store, fetch->flight);
    begin_answer(fetch, fetch_shown_id(fetch), fetch->content_type);
    fetch_append(fetch, fetch->body, fetch->body_len, NULL, 0);
    fetch_drop_body(fetch);
}

/* Sound, pictures and the like: nothing in them is ours to read, so they leave as they come. */
static bool is_opaque(const struct fetch *fetch)
{
    return fetch->upstream_status == 200 && fetch->route->kind == ROUTE_FORWARDED &&
           fetch->content_type[0] != '\0' && !type_is(fetch, "application/json");
}

static int on_body(struct fetch *fetch, const char *bytes, size_t len)
{
    const struct config *config = fetch->worker->gateway->config;
    char id[ROW_ID_MAX + 1] = "";
    int result;

    if (fetch->begun && !fetch->early) {
        fetch_append(fetch, bytes, len, NULL, 0);
        return 0;
    }
    result = fetch->body_len + len > config->cache.max_entry_bytes || is_opaque(fetch)
                 ? -ENOBUFS
                 : gather(fetch, bytes, len);
    if (!fetch->seen && fetch->recorded && fetch->upstream_status == 200 &&
        fetch->body_len < ANSWER_PEEK_MAX + len &&
        answer_peek_id(fetch->body_len > 0 ? fetch->body : bytes,
                       fetch->body_len > 0 ? fetch->body_len : len, id, sizeof id) > 0) {
        note_id(fetch, id);
        memcpy(fetch->answer.id, id, sizeof id);
    }
    if (result == -ENOBUFS && fetch->early)
        return -EMSGSIZE; /* a stream has begun: this cannot follow its comments */
    if (result == -ENOBUFS) {
        pass_through(fetch);
        fetch_append(fetch, bytes, len, NULL, 0);
        return 0;
    }
    return result;
}

/* Pausing comes before resuming: half a window lies between, so that it does not flutter. */
static void pause_window(struct fetch *fetch)
{
    uint64_t lag = tape_lag(fetch->tape);

    if (lag != UINT64_MAX && lag > tape_window_bytes(fetch->tape) / 2)
        fetch->paused = upstream_pause(fetch->transfer);
}

int fetch_on_bytes(void *arg, const char *bytes, size_t len)
{
    struct fetch *fetch = arg;
    int result;

    assert(fetch->state == FETCH_ANSWERED);
    if (fetch->first_byte_ms == 0)
        fetch->first_byte_ms = worker_monotonic_ms();
    result = fetch->upstream_stream ? sse_feed(&fetch->splitter, bytes, len, on_piece, fetch)
                                    : on_body(fetch, bytes, len);
    if (fetch->upstream_stream)
        charge_splitter(fetch);
    if (fetch->wake != 0) {
        worker_wake(fetch->worker, fetch->tape, fetch->wake);
        fetch->wake = 0;
    }
    /* Nobody reads, nobody can come, and nothing will be stored: stop paying for an endless one. */
    if (result == 0 && fetch->window && tape_abandoned(fetch->tape))
        result = -ECANCELED;
    fetch->cancelled |= result == -ECANCELED;
    if (result == 0 && fetch->window)
        pause_window(fetch);
    return result;
}

void fetch_pace(struct fetch *fetch)
{
    if (!fetch->paused || fetch->transfer == NULL)
        return;
    if (tape_abandoned(fetch->tape)) {
        upstream_stop(fetch->transfer);
        fetch->cancelled = true;
        fetch_on_end(fetch, UPSTREAM_BROKEN, "every reader has left");
        return;
    }
    if (tape_lag(fetch->tape) > tape_window_bytes(fetch->tape) / 4)
        return;
    fetch->paused = false;
    upstream_resume(fetch->transfer);
}

void fetch_finish_events(struct fetch *fetch)
{
    sse_finish(&fetch->splitter, on_piece, fetch);
}

void fetch_convert_end(struct fetch *fetch)
{
    answer_convert_end(fetch->converter, on_converted, fetch);
}

void fetch_note_id(struct fetch *fetch)
{
    note_id(fetch, fetch->answer.id);
}

void fetch_begin_body(struct fetch *fetch, int status, const char *type)
{
    bool refused = status < 200 || status >= 300;

    fetch_drop_original(fetch);

    begin(fetch, (struct tape_head){.status = status},
          refused ? row_id(fetch) : fetch_shown_id(fetch), type);
}
