/* answer_convert.c - the converter's life, what goes to which table, events as they leave. */
#include "server/dialect/answer_convert.h"

#include "server/dialect/answer_convert_private.h"
#include "server/dialect/answer_field.h"
#include "server/dialect/error_convert.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { EVENT_BYTES_KEPT = 64 * 1024 }; /* one large event does not size a long stream */

static enum answer_way way_of(const struct answer_conversion *conversion)
{
    if (conversion->from == conversion->to)
        return WAY_SAME;
    switch (conversion->to) {
    case DIALECT_OPENROUTER:
        return WAY_OPENROUTER;
    case DIALECT_VERCEL:
        return WAY_VERCEL;
    default:
        return WAY_SAME; /* no client has a dialect of OpenAI's own */
    }
}

static bool is_convertible(enum row_api api)
{
    return api == API_CHAT || api == API_COMPLETIONS || api == API_RESPONSES ||
           api == API_MESSAGES || api == API_EMBEDDINGS;
}

static bool is_renamed(const struct answer_conversion *conversion)
{
    return conversion->model_requested.len > 0 &&
           (conversion->model_requested.len != conversion->model_sent.len ||
            memcmp(conversion->model_requested.bytes, conversion->model_sent.bytes,
                   conversion->model_sent.len) != 0);
}

bool answer_conversion_is_needed(const struct answer_conversion *conversion)
{
    if (!is_convertible(conversion->api))
        return false;
    return conversion->assemble || way_of(conversion) != WAY_SAME || is_renamed(conversion) ||
           conversion->shown_id.len > 0;
}

struct answer_converter *answer_converter_new(const struct answer_conversion *conversion)
{
    struct answer_converter *converter = calloc(1, sizeof(*converter));

    if (converter == NULL)
        return NULL;
    converter->conversion = conversion;
    converter->way = way_of(conversion);
    json_doc_init(&converter->doc);
    json_doc_init(&converter->held_doc);
    if (conversion->assemble && is_convertible(conversion->api)) {
        converter->assembler = assembler_new(conversion->api, conversion->body_max);
        if (converter->assembler == NULL) {
            free(converter);
            return NULL;
        }
    }
    return converter;
}

void answer_converter_free(struct answer_converter *converter)
{
    if (converter == NULL)
        return;
    assembler_free(converter->assembler);
    json_doc_release(&converter->doc);
    json_doc_release(&converter->held_doc);
    out_release(&converter->event);
    out_release(&converter->held);
    out_release(&converter->router_metadata);
    free(converter);
}

/* --- events as they leave --- */

/* OpenRouter's responses have no `event:` lines (section 3.1), but for the error that ends them:
 * OpenAI's client raises nothing else. */
static bool names_event(const struct answer_converter *converter, struct text name)
{
    if (name.len == 0)
        return false;
    return converter->way != WAY_OPENROUTER || converter->conversion->api != API_RESPONSES ||
           (name.len == 5 && memcmp(name.bytes, "error", 5) == 0);
}

void converter_begin_event(struct answer_converter *converter, struct text name)
{
    struct out *event = &converter->event;

    if (event->size > EVENT_BYTES_KEPT)
        out_release(event);
    out_clear(event);
    if (names_event(converter, name)) {
        out_text(event, "event: ");
        out_bytes(event, name.bytes, name.len);
        out_char(event, '\n');
    }
    out_text(event, "data: ");
    converter->data_at = event->len;
}

int converter_end_event(struct answer_converter *converter, answer_sink *sink, void *arg)
{
    struct out *out = &converter->event;
    struct answer_event event;
    size_t data_end = out->len;

    out_text(out, "\n\n");
    if (out->error != 0)
        return out->error;
    event = (struct answer_event){.bytes = out->bytes,
                                  .len = out->len,
                                  .data_at = converter->data_at,
                                  .data_len = data_end - converter->data_at};
    return sink(arg, &event);
}

int converter_pass(struct answer_converter *converter, struct text name, struct text payload,
                   answer_sink *sink, void *arg)
{
    converter_begin_event(converter, name);
    out_bytes(&converter->event, payload.bytes, payload.len);
    return converter_end_event(converter, sink, arg);
}

struct rewrite converter_rewrite(struct answer_converter *converter, const struct json_doc *doc,
                                 const struct converter_facts *facts, enum answer_part part)
{
    return (struct rewrite){.converter = converter,
                            .conversion = converter->conversion,
                            .doc = doc,
                            .facts = facts,
                            .out = &converter->event,
                            .part = part};
}

void converter_write(struct rewrite *rewrite)
{
    switch (rewrite->converter->way) {
    case WAY_OPENROUTER:
        rewrite_openrouter(rewrite);
        break;
    case WAY_VERCEL:
        rewrite_vercel(rewrite);
        break;
    case WAY_SAME:
        rewrite_same(rewrite);
        break;
    }
}

static int write_event(struct answer_converter *converter, struct text name,
                       const struct converter_facts *facts, enum answer_part part,
                       answer_sink *sink, void *arg)
{
    struct rewrite rewrite = converter_rewrite(converter, &converter->doc, facts, part);

    converter_begin_event(converter, name);
    converter_write(&rewrite);
    return converter_end_event(converter, sink, arg);
}

void converter_copy_raw(const struct json_doc *doc, uint32_t token, char *to, size_t size)
{
    size_t len;

    if (token == JSON_NONE)
        return;
    len = doc->tokens[token].end - doc->tokens[token].start;
    if (len >= size)
        return;
    memcpy(to, doc->text + doc->tokens[token].start, len);
    to[len] = '\0';
}

void converter_remember(struct answer_converter *converter, const struct converter_facts *facts)
{
    if (facts->provider[0] != '\0')
        memcpy(converter->provider, facts->provider, sizeof(facts->provider));
    converter_copy_raw(facts->id.doc, facts->id.at, converter->id, sizeof(converter->id));
    if (converter->model[0] == '\0')
        converter_served_model(converter->conversion, facts->model.doc, facts->model.at,
                               converter->model);
}

/* --- responses --- */

static bool is_type(const struct json_doc *doc, const char *type)
{
    return json_string_is(doc, json_get(doc, 0, "type"), type);
}

static bool ends_response(const struct json_doc *doc)
{
    return is_type(doc, "response.completed") || is_type(doc, "response.incomplete") ||
           is_type(doc, "response.failed");
}

static int responses_error(struct answer_converter *converter, answer_sink *sink, void *arg)
{
    const struct json_doc *doc = &converter->doc;
    struct error_said said;

    if (!error_read(doc, 0, 0, &said))
        error_said_nothing(doc, 0, &said);
    converter_begin_event(converter, TEXT("error"));
    error_print_responses(&said, converter->conversion, json_get(doc, 0, "sequence_number"),
                          &converter->event);
    return converter_end_event(converter, sink, arg);
}

static int responses_event(struct answer_converter *converter, struct text name,
                           struct text payload, answer_sink *sink, void *arg)
{
    const struct json_doc *doc = &converter->doc;
    uint32_t response = json_get(doc, 0, "response");
    struct converter_facts facts;

    if (is_type(doc, "error") || answer_field_is_said(doc, json_get(doc, 0, "error")))
        return responses_error(converter, sink, arg);
    if (!answer_field_is(doc, response, JSON_OBJECT))
        return converter_pass(converter, name, payload, sink, arg);
    converter->terminal |= ends_response(doc);
    converter_facts_init(&facts);
    converter_facts_learn(&facts, doc, response);
    converter_facts_conclude(&facts, converter->conversion);
    return write_event(converter, name, &facts, ends_response(doc) ? PART_LAST : PART_CHUNK, sink,
                       arg);
}

/* --- messages --- */

static int messages_error(struct answer_converter *converter, struct text name, struct text payload,
                          answer_sink *sink, void *arg)
{
    const struct json_doc *doc = &converter->doc;
    uint32_t error = json_get(doc, 0, "error");
    struct error_said said;

    if (is_type(doc, "error") && answer_field_is(doc, json_get(doc, error, "type"), JSON_STRING) &&
        answer_field_is(doc, json_get(doc, error, "message"), JSON_STRING))
        return converter_pass(converter, name, payload, sink, arg);
    if (!error_read(doc, 0, 0, &said))
        error_said_nothing(doc, 0, &said);
    converter_begin_event(converter, TEXT("error"));
    error_print(&said, converter->conversion, &converter->event);
    return converter_end_event(converter, sink, arg);
}

/* Kept until message_stop, which is where OpenRouter puts it. */
static void keep_router_metadata(struct answer_converter *converter,
                                 const struct converter_facts *facts)
{
    struct rewrite rewrite = converter_rewrite(converter, &converter->doc, facts, PART_LAST);

    if (converter->way != WAY_OPENROUTER || !converter->conversion->metadata ||
        converter->metadata_given)
        return;
    converter->metadata_given = true;
    rewrite.out = &converter->router_metadata;
    rewrite_openrouter_metadata(&rewrite);
}

static int messages_event(struct answer_converter *converter, struct text name, struct text payload,
                          answer_sink *sink, void *arg)
{
    const struct json_doc *doc = &converter->doc;
    bool start = is_type(doc, "message_start"), delta = is_type(doc, "message_delta");
    uint32_t message = json_get(doc, 0, "message");
    struct converter_facts facts;

    if (is_type(doc, "error") || answer_field_is_said(doc, json_get(doc, 0, "error")))
        return messages_error(converter, name, payload, sink, arg);
    if (!start && !delta && !is_type(doc, "message_stop"))
        return converter_pass(converter, name, payload, sink, arg);
    converter_facts_init(&facts);
    converter_facts_learn(&facts, doc, 0);
    if (start)
        converter_facts_learn(&facts, doc, message);
    converter_facts_conclude(&facts, converter->conversion);
    converter_remember(converter, &facts);
    if (facts.provider[0] == '\0')
        memcpy(facts.provider, converter->provider, sizeof(facts.provider));
    if (delta)
        keep_router_metadata(converter, &facts);
    if (converter->router_metadata.error != 0)
        return converter->router_metadata.error;
    return write_event(converter, name, &facts, delta ? PART_LAST : PART_CHUNK, sink, arg);
}

/* --- dispatch --- */

static bool is_done(struct text payload)
{
    static const char done[] = "[DONE]";

    while (payload.len > 0 &&
           (payload.bytes[payload.len - 1] == ' ' || payload.bytes[payload.len - 1] == '\t'))
        payload.len--;
    return payload.len == sizeof(done) - 1 && memcmp(payload.bytes, done, sizeof(done) - 1) == 0;
}

static int convert_object(struct answer_converter *converter, struct text name, struct text payload,
                          answer_sink *sink, void *arg)
{
    struct converter_facts facts;

    if (converter->way == WAY_SAME) {
        converter_facts_init(&facts);
        return write_event(converter, name, &facts, PART_CHUNK, sink, arg);
    }
    switch (converter->conversion->api) {
    case API_CHAT:
    case API_COMPLETIONS:
        return converter_chat_event(converter, name, payload, sink, arg);
    case API_RESPONSES:
        return responses_event(converter, name, payload, sink, arg);
    case API_MESSAGES:
        return messages_event(converter, name, payload, sink, arg);
    default:
        return converter_pass(converter, name, payload, sink, arg);
    }
}

int answer_convert_event(struct answer_converter *converter, struct text event, struct text payload,
                         answer_sink *sink, void *arg)
{
    int result;

    if (converter->assembler != NULL)
        return assembler_event(converter->assembler, payload);
    if (is_done(payload)) {
        result = converter_chat_flush(converter, true, sink, arg);
        converter->done = true;
        return result != 0 ? result : converter_pass(converter, event, payload, sink, arg);
    }
    result =
        payload.len > 0 ? json_parse(&converter->doc, payload.bytes, payload.len, NULL) : -EBADMSG;
    if (result == -ENOMEM)
        return result;
    if (result != 0 || converter->doc.tokens[0].type != JSON_OBJECT) {
        result = converter_chat_flush(converter, false, sink, arg);
        if (result == 0)
            result = converter_pass(converter, event, payload, sink, arg);
    } else {
        result = convert_object(converter, event, payload, sink, arg);
    }
    json_doc_clear(&converter->doc);
    return result;
}

int answer_convert_end(struct answer_converter *converter, answer_sink *sink, void *arg)
{
    int result = converter_chat_flush(converter, true, sink, arg);

    /* OpenRouter ends every stream of this api so; its upstream may not (section 3.1). */
    if (result != 0 || converter->assembler != NULL || converter->way != WAY_OPENROUTER ||
        converter->conversion->api != API_RESPONSES || !converter->terminal || converter->done)
        return result;
    converter->done = true;
    return converter_pass(converter, (struct text){NULL, 0}, TEXT("[DONE]"), sink, arg);
}

/* --- bodies --- */

/* A 200 that carries nothing but an error (openrouter section 2.4). */
static bool is_error_body(const struct json_doc *doc)
{
    static const char *const answers[] = {"choices", "output", "content", "data"};

    if (!answer_field_is_said(doc, json_get(doc, 0, "error")))
        return false;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        if (json_get(doc, 0, answers[i]) != JSON_NONE)
            return false;
    return true;
}

static void convert_body(struct answer_converter *converter, struct out *out)
{
    const struct answer_conversion *conversion = converter->conversion;
    struct converter_facts facts;
    struct rewrite rewrite = converter_rewrite(converter, &converter->doc, &facts, PART_BODY);
    struct error_said said;

    rewrite.out = out;
    converter_facts_init(&facts);
    if (converter->way != WAY_SAME && is_error_body(&converter->doc) &&
        error_read(&converter->doc, 0, 0, &said)) {
        error_print(&said, conversion, out);
        return;
    }
    if (converter->way != WAY_SAME) {
        converter_facts_learn(&facts, &converter->doc, 0);
        converter_facts_conclude(&facts, conversion);
    }
    converter_write(&rewrite);
}

int answer_convert_body(struct answer_converter *converter, struct text body, struct out *out)
{
    int result = body.len > 0 ? json_parse(&converter->doc, body.bytes, body.len, NULL) : -EBADMSG;

    assert(out->len == 0);
    if (result != 0 || converter->doc.tokens[0].type != JSON_OBJECT) {
        json_doc_clear(&converter->doc);
        return result == -ENOMEM ? result : -EBADMSG;
    }
    convert_body(converter, out);
    json_doc_clear(&converter->doc);
    return out->error;
}

/* An error that a stream told, in the envelope that it would have had without one. */
static int convert_stream_error(struct answer_converter *converter, struct text error,
                                struct out *out, int *ret_status)
{
    struct error_said said;
    int result = json_parse(&converter->doc, error.bytes, error.len, NULL);

    if (result != 0)
        return result;
    if (!error_read(&converter->doc, 0, 0, &said))
        error_said_nothing(&converter->doc, 0, &said);
    error_print(&said, converter->conversion, out);
    json_doc_clear(&converter->doc);
    *ret_status = said.status != 0 ? said.status : error_words(said.kind)->status;
    return out->error != 0 ? out->error : -ENODATA;
}

int answer_convert_assembled(struct answer_converter *converter, struct out *out, int *ret_status)
{
    struct out body = OUT_INIT, error = OUT_INIT;
    int result;

    assert(converter->assembler != NULL);
    result = assembler_finish(converter->assembler, &body, &error);
    if (result == 0) {
        result = answer_convert_body(converter, (struct text){body.bytes, body.len}, out);
        /* A tool's arguments have brackets of their own: inside the answer they may be too deep. */
        if (result == -EBADMSG)
            result = -ENODATA;
    } else if (result == -ENODATA && error.len > 0) {
        result =
            convert_stream_error(converter, (struct text){error.bytes, error.len}, out, ret_status);
    }
    out_release(&body);
    out_release(&error);
    return result;
}
