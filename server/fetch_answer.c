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

static void begin(struct fetch *fetch, int status, bool stream, bool own, bool final,
                  const char *id, const char *type)
{
    _Alignas(struct tape_head) char made[sizeof(struct tape_head) + TAPE_HEAD_BYTES_MAX];
    struct tape_head *head = (struct tape_head *)made;
    size_t id_len = strlen(id), type_len = strlen(type), retry_len = strlen(fetch->retry_after);

    assert(!fetch->begun);
    assert(id_len + type_len + retry_len <= TAPE_HEAD_BYTES_MAX);
    *head = (struct tape_head){.status = status,
                               .stream = stream,
                               .own = own,
                               .final = final,
                               .id_len = (uint16_t)id_len,
                               .type_len = (uint16_t)type_len,
                               .retry_after_len = (uint16_t)retry_len};
    memcpy(head->texts, id, id_len);
    memcpy(head->texts + id_len, type, type_len);
    memcpy(head->texts + id_len + type_len, fetch->retry_after, retry_len);
    fetch->begun = true;
    fetch->wake |=
        tape_begin(fetch->tape, head, sizeof(struct tape_head) + id_len + type_len + retry_len);
}

static void begin_answer(struct fetch *fetch, bool stream, const char *id, const char *type)
{
    begin(fetch, fetch->upstream_status, stream, false, false, id, type);
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

/* The id that the client, the body and the row share: the upstream's, else ours. */
static const char *shown_id(struct fetch *fetch)
{
    return fetch->answer.id[0] != '\0' ? fetch->answer.id : row_id(fetch);
}

/* A follower is shown its own id in the error frame, too. */
static void write_problem_event(struct fetch *fetch, enum problem problem)
{
    static const char before_id[] = "data: {\"id\":\"";
    char text[PROBLEM_TEXT_MAX];
    const char *id = shown_id(fetch);
    size_t len = problem_print_event(problem, DIALECT_VERCEL, API_CHAT, id, fetch->answer.model,
                                     worker_now_ms(fetch->worker), text);
    struct tape_edit edit = {
        .at = sizeof before_id - 1, .cut = (uint32_t)strlen(id), .slot = ANSWER_SLOT_ID};

    assert(strncmp(text + edit.at, id, edit.cut) == 0);
    fetch_append(fetch, text, len, &edit, 1);
}

void fetch_write_problem(struct fetch *fetch, enum problem problem, const char *detail)
{
    char text[PROBLEM_TEXT_MAX];
    size_t len;

    if (!fetch->begun) {
        unsigned seconds = problem_retry_after(problem);
        fetch->retry_after[0] = seconds == 0 ? '\0' : (char)('0' + seconds);
        fetch->retry_after[1] = '\0';
        begin(fetch, problem_status(problem, DIALECT_VERCEL), false, true,
              problem_is_final(problem), row_id(fetch), "application/json");
        len = problem_print(problem, DIALECT_VERCEL, API_CHAT, detail, text);
    } else if (fetch->stream) {
        write_problem_event(fetch, problem);
        return;
    } else {
        fetch->torn = true;
        return;
    }
    fetch_append(fetch, text, len, NULL, 0);
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

void fetch_on_head(void *arg, const struct upstream_head *head)
{
    struct fetch *fetch = arg;
    size_t len = head->content_type.len;

    assert(fetch->state == FETCH_SENT);
    fetch->state = FETCH_ANSWERED;
    fetch->upstream_status = head->status;
    if (len >= sizeof fetch->content_type)
        len = 0; /* not one we know */
    if (len > 0)
        memcpy(fetch->content_type, head->content_type.bytes, len);
    fetch->content_type[len] = '\0';
    fetch->stream = head->status == 200 && len >= 17 &&
                    strncasecmp(fetch->content_type, "text/event-stream", 17) == 0;
    keep_passed(fetch, head);
}

/* From here on a crash leaves something to look up. */
static void note_id(struct fetch *fetch, const char *id)
{
    if (fetch->seen || id[0] == '\0')
        return;
    fetch->seen = true;
    ledger_seen(fetch->worker->lane, &fetch->hold, id, strlen(id));
}

static void begin_stream(struct fetch *fetch)
{
    if (fetch->begun)
        return;
    begin_answer(fetch, true, shown_id(fetch), "text/event-stream");
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

static int on_piece(void *arg, const struct sse_piece *piece)
{
    struct fetch *fetch = arg;
    struct answer *answer = &fetch->answer;

    if (!piece->whole)
        answer->unreadable = true; /* oversized, or cut off: nobody could tell it was complete */
    if (piece->data_lines == 0) {
        if (fetch->begun)
            fetch_append(fetch, piece->bytes, piece->len, NULL, 0);
        else if (fetch->body_len + piece->len <= BODY_FIRST_BYTES)
            return gather(fetch, piece->bytes, piece->len);
        return 0;
    }
    answer->edit_count = 0;
    if (piece->data_lines == 1)
        answer_read_event(answer, piece->bytes + piece->data_at, piece->data_len);
    else
        answer->unreadable = true;
    if (answer->too_many_edits &&
        fetch->flight != NULL) /* it cannot be replayed: nobody may join */
        store_close_flight(fetch->worker->gateway->store, fetch->flight);
    for (size_t i = 0; i < answer->edit_count; i++)
        answer->edits[i].at += piece->data_at;
    note_id(fetch, answer->id);
    begin_stream(fetch);
    fetch_append(fetch, piece->bytes, piece->len, answer->edits, answer->edit_count);
    return 0;
}

/* The body is too large to gather: it goes out as it comes, unread and unstored. */
static void pass_through(struct fetch *fetch)
{
    fetch->window = true;
    if (fetch->flight != NULL)
        store_close_flight(fetch->worker->gateway->store, fetch->flight);
    begin_answer(fetch, false, shown_id(fetch), fetch->content_type);
    fetch_append(fetch, fetch->body, fetch->body_len, NULL, 0);
    fetch_drop_body(fetch);
}

static int on_body(struct fetch *fetch, const char *bytes, size_t len)
{
    const struct config *config = fetch->worker->gateway->config;
    char id[ROW_ID_MAX + 1] = "";
    int result;

    if (fetch->begun) {
        fetch_append(fetch, bytes, len, NULL, 0);
        return 0;
    }
    result = fetch->body_len + len > config->cache.max_entry_bytes ? -ENOBUFS
                                                                   : gather(fetch, bytes, len);
    if (!fetch->seen && fetch->upstream_status == 200 &&
        answer_peek_id(fetch->body_len > 0 ? fetch->body : bytes,
                       fetch->body_len > 0 ? fetch->body_len : len, id, sizeof id) > 0) {
        note_id(fetch, id);
        memcpy(fetch->answer.id, id, sizeof id);
    }
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
    result = fetch->stream ? sse_feed(&fetch->splitter, bytes, len, on_piece, fetch)
                           : on_body(fetch, bytes, len);
    if (fetch->stream)
        charge_splitter(fetch);
    if (fetch->wake != 0) {
        worker_wake(fetch->worker, fetch->tape, fetch->wake);
        fetch->wake = 0;
    }
    /* Nobody reads, nobody can come, and nothing will be stored: stop paying for an endless one. */
    if (result == 0 && fetch->window && tape_abandoned(fetch->tape))
        result = -ECANCELED;
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
        fetch_on_end(fetch, UPSTREAM_BROKEN, "every reader has left");
        return;
    }
    if (tape_lag(fetch->tape) > tape_window_bytes(fetch->tape) / 4)
        return;
    fetch->paused = false;
    upstream_resume(fetch->transfer);
}

/* --- the end --- */

static bool end_stream(struct fetch *fetch, enum upstream_end end)
{
    struct answer *answer = &fetch->answer;

    sse_finish(&fetch->splitter, on_piece, fetch);
    if (!fetch->begun) {
        fetch_write_problem(fetch, end == UPSTREAM_TIMEOUT ? PROBLEM_TIMEOUT : PROBLEM_UPSTREAM,
                            NULL);
        return false;
    }
    /* Behind [DONE] nothing can be missing, however the connection ended. */
    if (end != UPSTREAM_COMPLETE && !answer->has_done) {
        fetch_write_problem(fetch, end == UPSTREAM_TIMEOUT ? PROBLEM_TIMEOUT : PROBLEM_UPSTREAM,
                            NULL);
        return false;
    }
    /* It ended in order, but nothing in it says that it was complete. */
    if (!answer->has_done && !answer->has_error && answer->finish_reason[0] == '\0')
        fetch_write_problem(fetch, PROBLEM_UPSTREAM, NULL);
    return answer_is_storable(answer, true);
}

static bool end_body(struct fetch *fetch, enum upstream_end end)
{
    struct answer *answer = &fetch->answer;
    const char *type = fetch->content_type[0] != '\0' ? fetch->content_type : "application/json";

    if (fetch->begun && end == UPSTREAM_COMPLETE)
        return false; /* passed through */
    if (end != UPSTREAM_COMPLETE) {
        enum problem problem = end == UPSTREAM_TIMEOUT  ? PROBLEM_TIMEOUT
                               : end == UPSTREAM_UNSENT ? PROBLEM_UNREACHABLE
                                                        : PROBLEM_UPSTREAM;
        fetch_write_problem(fetch, problem, NULL);
        return false;
    }
    if (fetch->upstream_status != 200) {
        begin_answer(fetch, false, row_id(fetch), type);
        fetch_append(fetch, fetch->body, fetch->body_len, NULL, 0);
        return false;
    }
    answer_read_body(answer, fetch->body, fetch->body_len);
    note_id(fetch, answer->id);
    begin_answer(fetch, false, shown_id(fetch), type);
    fetch_append(fetch, fetch->body, fetch->body_len, answer->edits, answer->edit_count);
    return answer_is_storable(answer, false);
}

void fetch_on_end(void *arg, enum upstream_end end, const char *detail)
{
    struct fetch *fetch = arg;
    bool good;

    fetch->transfer = NULL;
    if (end != UPSTREAM_COMPLETE)
        log_line(LOG_WARNING, "upstream_failed", LOG_TEXT("upstream", fetch->upstream->name),
                 LOG_TEXT("detail", detail), LOG_TEXT("id", shown_id(fetch)),
                 LOG_NUMBER("status", fetch->upstream_status));
    else if (fetch->upstream_status != 200)
        log_line(LOG_WARNING, "upstream_refused", LOG_TEXT("upstream", fetch->upstream->name),
                 LOG_TEXT("id", shown_id(fetch)), LOG_NUMBER("status", fetch->upstream_status));
    good = fetch->stream ? end_stream(fetch, end) : end_body(fetch, end);
    fetch_finish(fetch, end, good);
}
