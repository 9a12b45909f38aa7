/* answer_ai.c - the AI SDK's language models, as Vercel's gateway speaks to @ai-sdk/gateway: a body
 * is the result of a call, a stream its parts, each with a `type`. */
#include "server/dialect/answer_facts.h"
#include "server/dialect/answer_field.h"
#include "server/dialect/answer_grammar.h"

#include <string.h>

/* `id` here is the provider's, which the gateway's look-up does not know, unless the gateway put
 * its own there: else its generationId, which comes last in a stream, is the only one. A model's
 * name without its maker is the provider's as well. */
static void learn_response(struct answer *answer, uint32_t response)
{
    const struct json_doc *doc = &answer->doc;
    char id[ROW_ID_MAX + 1], model[ROW_NAME_MAX + 1];

    if (answer->id[0] == '\0' &&
        answer_field_id(doc, json_get(doc, response, "id"), id, sizeof(id)) &&
        (strncmp(id, "gen_", 4) == 0 || strncmp(id, "gen-", 4) == 0))
        memcpy(answer->id, id, strlen(id) + 1);
    if (answer_field_text(doc, json_get(doc, response, "modelId"), model, sizeof(model)) &&
        strchr(model, '/') != NULL)
        memcpy(answer->model, model, strlen(model) + 1);
}

/* Newer versions say it twice: in the SDK's word and in the provider's. "unknown" and "interrupted"
 * are the SDK's words for a provider that did not say that it was done. */
static void learn_finish(struct answer *answer)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t token = json_get(doc, 0, "finishReason");
    char reason[ANSWER_REASON_MAX + 1];

    if (answer_field_is(doc, token, JSON_OBJECT)) {
        answer_field_text(doc, json_get(doc, token, "raw"), answer->native_finish_reason,
                          sizeof(answer->native_finish_reason));
        token = json_get(doc, token, "unified");
    }
    answer_facts_usage(answer, json_get(doc, 0, "usage"), false);
    if (!answer_facts_reason(answer, token, reason))
        return;
    memcpy(answer->finish_reason, reason, strlen(reason) + 1);
    answer->is_finished = strcmp(reason, "unknown") != 0 && strcmp(reason, "interrupted") != 0;
}

static bool is_type(const struct answer *answer, const char *type)
{
    return json_string_is(&answer->doc, json_get(&answer->doc, 0, "type"), type);
}

/* Parts that carry nothing of the answer itself. */
static bool is_bare(const struct answer *answer)
{
    return is_type(answer, "stream-start") || is_type(answer, "ping") || is_type(answer, "raw");
}

static void learn_event(struct answer *answer)
{
    if (is_type(answer, "error")) {
        answer->has_error = true;
    } else if (is_type(answer, "response-metadata")) {
        learn_response(answer, 0);
    } else if (is_type(answer, "finish")) {
        learn_finish(answer);
        answer->has_end = true;
    } else if (!is_bare(answer) &&
               answer_field_is(&answer->doc, json_get(&answer->doc, 0, "type"), JSON_STRING)) {
        answer->has_choices = true;
    }
}

static void learn_body(struct answer *answer)
{
    const struct json_doc *doc = &answer->doc;

    learn_response(answer, json_get(doc, 0, "response"));
    learn_finish(answer);
    if (answer_facts_has_elements(answer, json_get(doc, 0, "content")))
        answer->has_choices = true;
}

static void learn(struct answer *answer, bool event)
{
    const struct json_doc *doc = &answer->doc;

    if (event)
        learn_event(answer);
    else
        learn_body(answer);
    answer_facts_metadata(answer, 0);
    if (answer->id[0] == '\0') /* beside errors */
        answer_field_id(doc, json_get(doc, 0, "generationId"), answer->id, sizeof(answer->id));
    answer_facts_error(answer, 0);
}

static bool is_whole(const struct answer *answer, bool stream)
{
    (void)stream;
    return answer->is_finished;
}

static const struct answer_rule response_rules[] = {
    ANSWER_RULE("id", ANSWER_NEW_ID),
    ANSWER_RULES_END,
};
static const struct answer_rule content_rules[] = {
    ANSWER_RULES_METADATA,
    ANSWER_RULES_END,
};
/* Parts have ids of their own, which tie deltas together: they stay. */
static const struct answer_rule rules[] = {
    ANSWER_RULE_TYPE("id", ANSWER_NEW_ID, "response-metadata"),
    ANSWER_RULE("generationId", ANSWER_NEW_ID),
    ANSWER_RULE("usage", ANSWER_ZEROS),
    ANSWER_RULES_METADATA,
    ANSWER_RULE_INSIDE("response", ANSWER_IN_OBJECT, response_rules),
    ANSWER_RULE_INSIDE("content", ANSWER_IN_ARRAY, content_rules),
    ANSWER_RULES_END,
};

const struct answer_grammar answer_grammar_ai_language = {
    .learn = learn,
    .is_whole = is_whole,
    .rules = rules,
};
