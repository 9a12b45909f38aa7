/* answer_messages.c - Anthropic's Messages: a stream opens with the message, without its content,
 * and tells how it ended and what it cost in message_delta. */
#include "server/dialect/answer_facts.h"
#include "server/dialect/answer_field.h"
#include "server/dialect/answer_grammar.h"

#include <string.h>

static bool is_type(const struct answer *answer, const char *type)
{
    return json_string_is(&answer->doc, json_get(&answer->doc, 0, "type"), type);
}

/* Here the tier that served is said inside usage. */
static void learn_usage(struct answer *answer, uint32_t object, bool merge)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t usage = json_get(doc, object, "usage");

    answer_facts_usage(answer, usage, merge);
    answer_field_text(doc, json_get(doc, usage, "service_tier"), answer->service_tier,
                      sizeof(answer->service_tier));
}

static void learn_stop_reason(struct answer *answer, uint32_t object)
{
    char reason[ANSWER_REASON_MAX + 1];

    if (!answer_facts_reason(answer, json_get(&answer->doc, object, "stop_reason"), reason))
        return;
    memcpy(answer->finish_reason, reason, strlen(reason) + 1);
    answer->is_finished = true;
}

static void learn_message(struct answer *answer, uint32_t message, bool merge)
{
    answer_facts_object(answer, message);
    learn_usage(answer, message, merge);
    answer_facts_metadata(answer, message);
    learn_stop_reason(answer, message);
    if (answer_facts_has_elements(answer, json_get(&answer->doc, message, "content")))
        answer->has_choices = true;
}

/* OpenRouter puts `provider` beside the message, Vercel its metadata beside the delta. */
static void learn_event(struct answer *answer)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t delta = json_get(doc, 0, "delta");

    if (is_type(answer, "content_block_delta") || is_type(answer, "content_block_stop"))
        return; /* nearly all there is of a stream: the answer's own words */
    if (is_type(answer, "content_block_start"))
        answer->has_choices = true;
    if (is_type(answer, "message_start"))
        learn_message(answer, json_get(doc, 0, "message"), true);
    if (is_type(answer, "message_delta")) {
        learn_stop_reason(answer, delta);
        answer_facts_metadata(answer, delta);
    }
    if (is_type(answer, "message_stop"))
        answer->has_end = true;
    if (is_type(answer, "error"))
        answer->has_error = true;
    answer_facts_object(answer, 0);
    learn_usage(answer, 0, true);
    answer_facts_metadata(answer, 0);
}

static void learn(struct answer *answer, bool event)
{
    if (event)
        learn_event(answer);
    else
        learn_message(answer, 0, false);
}

static bool is_whole(const struct answer *answer, bool stream)
{
    (void)stream;
    return answer->is_finished;
}

#define MESSAGE_RULES                                                                              \
    ANSWER_RULE("id", ANSWER_NEW_ID), ANSWER_RULE("generationId", ANSWER_NEW_ID),                  \
        ANSWER_RULE("usage", ANSWER_ZEROS), ANSWER_RULES_METADATA,                                 \
        ANSWER_RULE("openrouter_metadata", ANSWER_CUT)

static const struct answer_rule message_rules[] = {
    MESSAGE_RULES,
    ANSWER_RULES_END,
};
static const struct answer_rule delta_rules[] = {
    ANSWER_RULES_METADATA,
    ANSWER_RULES_END,
};
static const struct answer_rule rules[] = {
    MESSAGE_RULES,
    ANSWER_RULE_INSIDE("message", ANSWER_IN_OBJECT, message_rules),
    ANSWER_RULE_INSIDE("delta", ANSWER_IN_OBJECT, delta_rules),
    ANSWER_RULES_END,
};

const struct answer_grammar answer_grammar_messages = {
    .learn = learn,
    .is_whole = is_whole,
    .rules = rules,
};
