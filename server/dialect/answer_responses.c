/* answer_responses.c - OpenAI's Responses: one object, which a stream repeats inside `response` of
 * the events that begin and end it. */
#include "server/dialect/answer_facts.h"
#include "server/dialect/answer_field.h"
#include "server/dialect/answer_grammar.h"

#include <assert.h>
#include <string.h>

/* What an event is to the answer as a whole. Terminals imply the status of their object, should it
 * not say so itself. */
struct event_kind {
    const char *type;
    const char *status; /* implied; NULL: none */
    bool is_end, is_error;
};
static const struct event_kind kinds[] = {
    {"response.completed", "completed", true, false},
    {"response.incomplete", "incomplete", true, false},
    {"response.failed", NULL, true, true},
    {"response.done", NULL, true, false}, /* older name; how it ended is in its object */
    {"response.error", NULL, false, true},
    {"error", NULL, false, true},
};

static void learn_item(struct answer *answer, uint32_t item)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t type = json_get(doc, item, "type");

    if (!answer_field_is(doc, item, JSON_OBJECT))
        return;
    answer->has_choices = true;
    if (json_string_is(doc, type, "function_call") || json_string_is(doc, type, "custom_tool_call"))
        answer->calls_tools = true;
}

static void learn_output(struct answer *answer, uint32_t output)
{
    const struct json_doc *doc = &answer->doc;

    if (!answer_field_is_said(doc, output))
        return;
    if (!answer_field_is(doc, output, JSON_ARRAY)) {
        answer->unreadable = true;
        return;
    }
    for (uint32_t item = json_first(doc, output); item != JSON_NONE;
         item = json_next(doc, output, item))
        learn_item(answer, item);
}

static void finish(struct answer *answer, const char *reason, const char *native)
{
    assert(strlen(reason) < sizeof(answer->finish_reason));
    assert(strlen(native) < sizeof(answer->native_finish_reason));
    memcpy(answer->finish_reason, reason, strlen(reason) + 1);
    memcpy(answer->native_finish_reason, native, strlen(native) + 1);
    answer->is_finished = true;
}

/* The status in chat's words, which the ledger has for all APIs. An answer that is cut off for
 * length is whole in the same sense as chat's; one that does not say why it is incomplete is not.
 */
static void learn_status(struct answer *answer, uint32_t object, const char *implied)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t details = json_get(doc, object, "incomplete_details");
    char status[ANSWER_REASON_MAX + 1] = "", reason[ANSWER_REASON_MAX + 1];

    if (!answer_facts_reason(answer, json_get(doc, object, "status"), status) && implied != NULL)
        memcpy(status, implied, strlen(implied) + 1);
    if (strcmp(status, "failed") == 0) {
        answer->has_error = true;
    } else if (strcmp(status, "completed") == 0) {
        finish(answer, answer->calls_tools ? "tool_calls" : "stop", status);
    } else if (strcmp(status, "incomplete") == 0 &&
               answer_facts_reason(answer, json_get(doc, details, "reason"), reason)) {
        finish(answer, strcmp(reason, "max_output_tokens") == 0 ? "length" : reason, reason);
    }
}

static void learn_response(struct answer *answer, uint32_t object, const char *implied)
{
    const struct json_doc *doc = &answer->doc;

    answer_facts_object(answer, object);
    answer_facts_usage(answer, json_get(doc, object, "usage"), false);
    answer_facts_metadata(answer, object);
    learn_output(answer, json_get(doc, object, "output"));
    learn_status(answer, object, implied);
}

static const struct event_kind *find_kind(const struct json_doc *doc)
{
    static const struct event_kind other = {NULL, NULL, false, false};
    uint32_t type = json_get(doc, 0, "type");

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (json_string_is(doc, type, kinds[i].type))
            return &kinds[i];
    }
    return &other;
}

static void learn_event(struct answer *answer)
{
    const struct json_doc *doc = &answer->doc;
    const struct event_kind *kind = find_kind(doc);
    uint32_t response = json_get(doc, 0, "response");

    answer->has_end |= kind->is_end;
    answer->has_error |= kind->is_error;
    if (answer_field_is(doc, response, JSON_OBJECT)) {
        learn_response(answer, response, kind->status);
        answer_facts_metadata(answer, 0);
    } else {
        learn_item(answer, json_get(doc, 0, "item"));
    }
    answer_facts_error(answer, 0);
}

static void learn(struct answer *answer, bool event)
{
    if (event)
        learn_event(answer);
    else
        learn_response(answer, 0, NULL);
}

static bool is_whole(const struct answer *answer, bool stream)
{
    (void)stream;
    return answer->is_finished;
}

/* Items keep their ids: later turns refer to them. */
#define RESPONSE_RULES                                                                             \
    ANSWER_RULE("id", ANSWER_NEW_ID), ANSWER_RULE("response_id", ANSWER_NEW_ID),                   \
        ANSWER_RULE("generationId", ANSWER_NEW_ID), ANSWER_RULE("created_at", ANSWER_NEW_TIME),    \
        ANSWER_RULE("completed_at", ANSWER_NEW_TIME), ANSWER_RULE("usage", ANSWER_ZEROS),          \
        ANSWER_RULES_METADATA, ANSWER_RULE("openrouter_metadata", ANSWER_CUT)

static const struct answer_rule response_rules[] = {
    RESPONSE_RULES,
    ANSWER_RULES_END,
};
static const struct answer_rule rules[] = {
    RESPONSE_RULES,
    ANSWER_RULE_INSIDE("response", ANSWER_IN_OBJECT, response_rules),
    ANSWER_RULES_END,
};

const struct answer_grammar answer_grammar_responses = {
    .learn = learn,
    .is_whole = is_whole,
    .rules = rules,
};
