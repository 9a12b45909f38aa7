/* fetch_end.c - the end of a transfer: was the answer whole, and what does the client get. */
#include "server/fetch_private.h"
#include "server/log.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static enum problem problem_of(enum upstream_end end)
{
    return end == UPSTREAM_TIMEOUT  ? PROBLEM_TIMEOUT
           : end == UPSTREAM_UNSENT ? PROBLEM_UNREACHABLE
                                    : PROBLEM_UPSTREAM;
}

/* What the converter held back belongs to the answer also when it ends badly. */
static void end_conversion(struct fetch *fetch)
{
    if (fetch->converter != NULL && !fetch->assemble)
        fetch_convert_end(fetch);
}

static bool end_stream(struct fetch *fetch, enum upstream_end end)
{
    struct answer *answer = &fetch->answer;

    fetch_finish_events(fetch);
    end_conversion(fetch);
    /* Behind its terminator nothing can be missing, however the connection ended. */
    if (!fetch->begun || fetch->early || (end != UPSTREAM_COMPLETE && !answer->has_end)) {
        fetch_write_problem(fetch, end == UPSTREAM_TIMEOUT ? PROBLEM_TIMEOUT : PROBLEM_UPSTREAM,
                            NULL);
        return false;
    }
    /* It ended in order, but nothing in it says that it was complete. */
    if (fetch->route->kind == ROUTE_CACHEABLE && !answer->has_end && !answer->has_error &&
        answer->finish_reason[0] == '\0')
        fetch_write_problem(fetch, PROBLEM_UPSTREAM, NULL);
    return answer_is_storable(answer, true);
}

/* Streamed upstream, one body for the client. */
static bool end_assembled(struct fetch *fetch, enum upstream_end end)
{
    struct answer *answer = &fetch->answer;
    struct out out = OUT_INIT;
    int status = 0, result;
    bool good = false;

    fetch_finish_events(fetch);
    result = end == UPSTREAM_COMPLETE || answer->has_end
                 ? answer_convert_assembled(fetch->converter, &out, &status)
                 : -EPIPE;
    if (result == 0) {
        answer_note_body(answer, out.bytes, out.len);
        fetch_begin_body(fetch, 200, "application/json");
        fetch_append(fetch, out.bytes, out.len, answer->edits, answer->edit_count);
        good = answer_is_storable(answer, true);
    } else if (result == -ENODATA && out.len > 0) {
        fetch_begin_body(fetch, status != 0 ? status : 502, "application/json");
        fetch_append(fetch, out.bytes, out.len, NULL, 0);
    } else {
        fetch_write_problem(fetch, end == UPSTREAM_TIMEOUT ? PROBLEM_TIMEOUT : PROBLEM_UPSTREAM,
                            NULL);
    }
    out_release(&out);
    return good;
}

static bool says(struct text body, const char *words)
{
    return body.len > 0 && memmem(body.bytes, body.len, words, strlen(words)) != NULL;
}

/* A model that does not exist is 404 with Vercel and 400 with OpenRouter, and client libraries go
 * by the status. */
static bool lacks_model(const struct fetch *fetch, struct text body)
{
    if (fetch->upstream->dialect == DIALECT_OPENROUTER)
        return fetch->upstream_status == 400 && says(body, "is not a valid model ID");
    return fetch->upstream_status == 404 && says(body, "model_not_found");
}

static void write_model_problem(struct fetch *fetch)
{
    struct text model = fetch->row.model_requested;
    char detail[ROW_NAME_MAX + 64];

    if (fetch->route->dialect == DIALECT_OPENROUTER)
        snprintf(detail, sizeof detail, "%.*s is not a valid model ID", (int)model.len,
                 model.bytes);
    else
        snprintf(detail, sizeof detail, "Model '%.*s' not found", (int)model.len, model.bytes);
    fetch_write_problem(fetch, PROBLEM_MODEL, detail);
}

/* Not 200: in the envelope of the client's dialect. Behind comments only a frame is left to say it
 * in, with the envelope's error. */
static void end_refused(struct fetch *fetch)
{
    const char *type = fetch->content_type[0] != '\0' ? fetch->content_type : "application/json";
    struct text body = {fetch->body, fetch->body_len};
    struct out out = OUT_INIT;
    bool converted;

    if (fetch->upstream->dialect != fetch->route->dialect && lacks_model(fetch, body) &&
        !fetch->begun) {
        write_model_problem(fetch);
        return;
    }
    if (fetch_succeeded(fetch)) { /* a body behind comments: what it cost is known all the same */
        answer_learn_body(&fetch->answer, body.bytes, body.len);
        fetch_note_id(fetch);
    }
    if (fetch->upstream_status < 400) { /* nor does a redirection mean anything to our clients */
        fetch_write_problem(fetch, PROBLEM_UPSTREAM, NULL);
        return;
    }
    converted = answer_convert_error(&fetch->conversion, fetch->upstream_status, body, &out) == 0 &&
                out.error == 0 && out.len > 0;
    if (converted)
        body = (struct text){out.bytes, out.len};
    if (fetch->begun) {
        fetch_write_error_event(fetch, body);
    } else {
        fetch_begin_body(fetch, fetch->upstream_status, converted ? "application/json" : type);
        fetch_append(fetch, body.bytes, body.len, NULL, 0);
    }
    out_release(&out);
}

static bool end_plain(struct fetch *fetch)
{
    const char *type = fetch->content_type[0] != '\0' ? fetch->content_type : "application/json";
    struct answer *answer = &fetch->answer;
    struct text body = {fetch->body, fetch->body_len};
    struct out out = OUT_INIT;
    int result = -EBADMSG;

    if (fetch->converter != NULL) {
        answer_learn_body(answer, body.bytes, body.len);
        result = answer_convert_body(fetch->converter, body, &out);
    }
    if (result == 0 && out.error == 0) {
        answer_note_body(answer, out.bytes, out.len);
        body = (struct text){out.bytes, out.len};
    } else {
        answer_read_body(answer, body.bytes, body.len);
    }
    fetch_note_id(fetch);
    if (answer->unreadable && fetch->route->kind == ROUTE_CACHEABLE) {
        out_release(&out); /* HTML, or nothing at all: no client can read it */
        fetch_write_problem(fetch, PROBLEM_UPSTREAM, NULL);
        return false;
    }
    fetch_begin_body(fetch, fetch->upstream_status, type);
    fetch_append(fetch, body.bytes, body.len, answer->edits, answer->edit_count);
    out_release(&out);
    return fetch->upstream_status == 200 && answer_is_storable(answer, false);
}

static bool end_body(struct fetch *fetch, enum upstream_end end)
{
    if (fetch->begun && !fetch->early && end == UPSTREAM_COMPLETE)
        return false; /* passed through */
    if (end != UPSTREAM_COMPLETE) {
        fetch_write_problem(fetch, problem_of(end), NULL);
        return false;
    }
    if (!fetch_succeeded(fetch) || fetch->begun) {
        end_refused(fetch);
        return false;
    }
    return end_plain(fetch);
}

void fetch_on_end(void *arg, enum upstream_end end, const char *detail)
{
    struct fetch *fetch = arg;
    bool good;

    fetch->transfer = NULL;
    if (end != UPSTREAM_COMPLETE)
        log_line(LOG_WARNING, "upstream_failed", LOG_TEXT("upstream", fetch->upstream->name),
                 LOG_TEXT("detail", detail), LOG_TEXT("id", fetch_shown_id(fetch)),
                 LOG_NUMBER("status", fetch->upstream_status));
    else if (!fetch_succeeded(fetch))
        log_line(LOG_WARNING, "upstream_refused", LOG_TEXT("upstream", fetch->upstream->name),
                 LOG_TEXT("id", fetch_shown_id(fetch)),
                 LOG_NUMBER("status", fetch->upstream_status));
    fetch_note_health(fetch, end);
    if (fetch_fall_back(fetch, end))
        return;
    good = fetch->upstream_stream
               ? (fetch->assemble ? end_assembled(fetch, end) : end_stream(fetch, end))
               : end_body(fetch, end);
    fetch_finish(fetch, end, good);
}
