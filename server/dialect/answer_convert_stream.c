/* answer_convert_stream.c - the end of a chat stream, where the grammars differ.
 *
 * Vercel says the finish reason, the usage and its metadata in one chunk; OpenRouter says the
 * finish reason in one and the usage in the next; upstreams of OpenAI's dialect send the usage
 * without a choice, or none. So a chunk with a finish reason and no usage is held back until the
 * next event tells: the usage, something else (another choice goes on), or [DONE].
 */
#include "server/dialect/answer_convert_private.h"

#include "server/dialect/answer_field.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* The first choice that says how it ended, JSON_NONE: none does. */
static uint32_t finished_choice(const struct json_doc *doc)
{
    uint32_t choices = json_get(doc, 0, "choices");

    if (!answer_field_is(doc, choices, JSON_ARRAY))
        return JSON_NONE;
    for (uint32_t choice = json_first(doc, choices); choice != JSON_NONE;
         choice = json_next(doc, choices, choice))
        if (answer_field_is_said(doc, json_get(doc, choice, "finish_reason")))
            return choice;
    return JSON_NONE;
}

static bool is_empty(const struct json_doc *doc, uint32_t value)
{
    switch (doc->tokens[value].type) {
    case JSON_NULL:
        return true;
    case JSON_STRING:
        return doc->tokens[value].end - doc->tokens[value].start == 2;
    case JSON_OBJECT:
    case JSON_ARRAY:
        return json_first(doc, value) == JSON_NONE;
    default:
        return false;
    }
}

/* Nothing of the answer is in it: no text, no call, no reasoning. */
static bool choice_is_empty(const struct json_doc *doc, uint32_t choice)
{
    uint32_t delta = json_get(doc, choice, "delta");
    uint32_t text = json_get(doc, choice, "text");

    if (text != JSON_NONE && !is_empty(doc, text))
        return false;
    if (!answer_field_is(doc, delta, JSON_OBJECT))
        return true;
    for (uint32_t key = json_first(doc, delta); key != JSON_NONE;
         key = json_next(doc, delta, key + 1))
        if (!json_string_is(doc, key, "role") && !is_empty(doc, key + 1))
            return false;
    return true;
}

static bool chunk_is_empty(const struct json_doc *doc)
{
    uint32_t choices = json_get(doc, 0, "choices");

    if (!answer_field_is(doc, choices, JSON_ARRAY))
        return true;
    for (uint32_t choice = json_first(doc, choices); choice != JSON_NONE;
         choice = json_next(doc, choices, choice))
        if (!choice_is_empty(doc, choice))
            return false;
    return true;
}

/* A usage chunk repeats the reason; an error frame has a time. */
static void remember_finish(struct answer_converter *converter, uint32_t finished)
{
    const struct json_doc *doc = &converter->doc;
    uint32_t native = json_get(doc, finished, "native_finish_reason");
    uint32_t reason = json_get(doc, finished, "finish_reason");

    if (answer_field_is(doc, json_get(doc, 0, "created"), JSON_NUMBER))
        converter_copy_raw(doc, json_get(doc, 0, "created"), converter->created,
                           sizeof(converter->created));
    if (finished == JSON_NONE)
        return;
    converter_copy_raw(doc, reason, converter->finish, sizeof(converter->finish));
    converter_copy_raw(doc, answer_field_is_said(doc, native) ? native : reason, converter->native,
                       sizeof(converter->native));
}

static int write_event(struct answer_converter *converter, struct text name,
                       const struct json_doc *doc, const struct converter_facts *facts,
                       enum answer_part part, answer_sink *sink, void *arg)
{
    struct rewrite rewrite = converter_rewrite(converter, doc, facts, part);

    converter_begin_event(converter, name);
    converter_write(&rewrite);
    return converter_end_event(converter, sink, arg);
}

/* The end of the answer: finish is the document with the finish reason, usage the one with the
 * usage; they may be the same. */
static int write_last(struct answer_converter *converter, struct text name,
                      const struct json_doc *finish, const struct json_doc *usage,
                      const struct converter_facts *facts, answer_sink *sink, void *arg)
{
    int result;

    if (converter->way == WAY_VERCEL || facts->usage.at == JSON_NONE)
        return write_event(converter, name, finish, facts, PART_LAST, sink, arg);
    result = write_event(converter, name, finish, facts, PART_FINISH, sink, arg);
    if (result != 0)
        return result;
    return write_event(converter, name, usage, facts, PART_USAGE, sink, arg);
}

static int hold(struct answer_converter *converter, struct text payload)
{
    assert(converter->held.len == 0);
    out_bytes(&converter->held, payload.bytes, payload.len);
    return converter->held.error;
}

/* The held chunk, parsed again: its document was not worth keeping for the few that are held. */
static int open_held(struct answer_converter *converter)
{
    int error = json_parse(&converter->held_doc, converter->held.bytes, converter->held.len, NULL);

    assert(error == 0 || error == -ENOMEM);
    return error;
}

static void close_held(struct answer_converter *converter)
{
    json_doc_clear(&converter->held_doc);
    out_release(&converter->held);
}

int converter_chat_flush(struct answer_converter *converter, bool last, answer_sink *sink,
                         void *arg)
{
    struct converter_facts facts;
    int result;

    if (converter->held.len == 0)
        return 0;
    result = open_held(converter);
    if (result != 0)
        return result;
    converter_facts_init(&facts);
    converter_facts_learn(&facts, &converter->held_doc, 0);
    converter_facts_conclude(&facts, converter->conversion);
    result = write_event(converter, (struct text){NULL, 0}, &converter->held_doc, &facts,
                         last ? PART_LAST : PART_CHUNK, sink, arg);
    close_held(converter);
    return result;
}

/* The event brings the usage of a chunk that is held. */
static int merge(struct answer_converter *converter, struct text name, answer_sink *sink, void *arg)
{
    struct converter_facts facts;
    int result = open_held(converter);

    if (result != 0)
        return result;
    converter_facts_init(&facts);
    converter_facts_learn(&facts, &converter->held_doc, 0);
    converter_facts_learn(&facts, &converter->doc, 0);
    converter_facts_conclude(&facts, converter->conversion);
    result = write_last(converter, name, &converter->held_doc, &converter->doc, &facts, sink, arg);
    close_held(converter);
    return result;
}

static int error_event(struct answer_converter *converter, struct text name,
                       const struct converter_facts *facts, answer_sink *sink, void *arg)
{
    int result = converter_chat_flush(converter, false, sink, arg);

    if (result != 0)
        return result;
    return write_event(converter, name, &converter->doc, facts, PART_ERROR, sink, arg);
}

int converter_chat_event(struct answer_converter *converter, struct text name, struct text payload,
                         answer_sink *sink, void *arg)
{
    const struct json_doc *doc = &converter->doc;
    uint32_t finished = finished_choice(doc);
    struct converter_facts facts;
    bool has_usage;
    int result;

    converter_facts_init(&facts);
    converter_facts_learn(&facts, doc, 0);
    converter_facts_conclude(&facts, converter->conversion);
    converter_remember(converter, &facts);
    if (answer_field_is_said(doc, json_get(doc, 0, "error")))
        return error_event(converter, name, &facts, sink, arg);
    remember_finish(converter, finished);
    has_usage = facts.usage.at != JSON_NONE;
    if (has_usage && converter->held.len > 0 && chunk_is_empty(doc))
        return merge(converter, name, sink, arg);
    result = converter_chat_flush(converter, false, sink, arg);
    if (result != 0)
        return result;
    if (has_usage && finished != JSON_NONE)
        return write_last(converter, name, doc, doc, &facts, sink, arg);
    if (finished != JSON_NONE)
        return hold(converter, payload);
    if (has_usage && chunk_is_empty(doc))
        return write_event(converter, name, doc, &facts,
                           converter->way == WAY_VERCEL ? PART_LAST : PART_USAGE, sink, arg);
    return write_event(converter, name, doc, &facts, PART_CHUNK, sink, arg);
}
