/* answer_chat.c - chat completions and the older text completions: choices, and [DONE]. */
#include "server/dialect/answer_facts.h"
#include "server/dialect/answer_field.h"
#include "server/dialect/answer_grammar.h"

#include <string.h>

/* Which choice of the stream this is part of; ANSWER_CHOICES_MAX when that makes no sense. */
static uint64_t choice_index(const struct json_doc *doc, uint32_t choice, uint64_t position)
{
    uint32_t token = json_get(doc, choice, "index");
    int64_t index;

    if (!answer_field_is_said(doc, token))
        return position < ANSWER_CHOICES_MAX ? position : ANSWER_CHOICES_MAX;
    if (json_int64(doc, token, &index) != 0 || index < 0 || index >= ANSWER_CHOICES_MAX)
        return ANSWER_CHOICES_MAX;
    return (uint64_t)index;
}

/* True when the choice says how it ended. The first choice's word stands for the answer's. */
static bool learn_finish_reason(struct answer *answer, uint32_t choice, bool is_first)
{
    const struct json_doc *doc = &answer->doc;
    char reason[ANSWER_REASON_MAX + 1];

    if (!answer_facts_reason(answer, json_get(doc, choice, "finish_reason"), reason))
        return false;
    if (!is_first && answer->finish_is_first)
        return true;
    memcpy(answer->finish_reason, reason, strlen(reason) + 1);
    if (is_first && !answer->finish_is_first)
        answer->native_finish_reason[0] = '\0'; /* another choice's */
    answer_field_text(doc, json_get(doc, choice, "native_finish_reason"),
                      answer->native_finish_reason, sizeof(answer->native_finish_reason));
    answer->finish_is_first |= is_first;
    return true;
}

static void learn_choice(struct answer *answer, uint32_t choice, uint64_t position)
{
    const struct json_doc *doc = &answer->doc;
    uint64_t index = choice_index(doc, choice, position);
    bool finished;

    if (!answer_field_is(doc, choice, JSON_OBJECT) || index == ANSWER_CHOICES_MAX) {
        answer->unreadable = true;
        return;
    }
    answer->has_choices = true;
    finished = learn_finish_reason(answer, choice, index == 0);
    answer->choices_seen[index / 64] |= UINT64_C(1) << (index % 64);
    if (finished)
        answer->choices_finished[index / 64] |= UINT64_C(1) << (index % 64);
    else
        answer->body_unfinished = true;
    answer_facts_error(answer, choice);
    answer_facts_metadata(answer, choice);
    answer_facts_metadata(answer, json_get(doc, choice, "message"));
    answer_facts_metadata(answer, json_get(doc, choice, "delta"));
}

static void learn_choices(struct answer *answer)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t choices = json_get(doc, 0, "choices");
    uint64_t position = 0;

    if (!answer_field_is_said(doc, choices))
        return;
    if (!answer_field_is(doc, choices, JSON_ARRAY)) {
        answer->unreadable = true;
        return;
    }
    for (uint32_t choice = json_first(doc, choices); choice != JSON_NONE;
         choice = json_next(doc, choices, choice))
        learn_choice(answer, choice, position++);
}

static void learn(struct answer *answer, bool event)
{
    (void)event; /* chunk and body differ in nothing that is read */
    answer_facts_object(answer, 0);
    answer_facts_usage(answer, json_get(&answer->doc, 0, "usage"), false);
    learn_choices(answer);
    answer_facts_metadata(answer, 0);
}

static bool is_whole(const struct answer *answer, bool stream)
{
    if (!stream)
        return !answer->body_unfinished;
    for (size_t i = 0; i < ANSWER_CHOICES_MAX / 64; i++) {
        if (answer->choices_seen[i] != answer->choices_finished[i])
            return false;
    }
    return true;
}

/* A message or delta: only its metadata is not the answer's own. */
static const struct answer_rule message_rules[] = {
    ANSWER_RULES_METADATA,
    ANSWER_RULES_END,
};
static const struct answer_rule choice_rules[] = {
    ANSWER_RULES_METADATA,
    ANSWER_RULE_INSIDE("message", ANSWER_IN_OBJECT, message_rules),
    ANSWER_RULE_INSIDE("delta", ANSWER_IN_OBJECT, message_rules),
    ANSWER_RULES_END,
};
static const struct answer_rule rules[] = {
    ANSWER_RULE("id", ANSWER_NEW_ID),
    ANSWER_RULE("generationId", ANSWER_NEW_ID),
    ANSWER_RULE("created", ANSWER_NEW_TIME),
    ANSWER_RULE_INSIDE("choices", ANSWER_IN_ARRAY, choice_rules),
    ANSWER_RULE("usage", ANSWER_ZEROS),
    ANSWER_RULES_METADATA,
    ANSWER_RULE("openrouter_metadata", ANSWER_CUT),
    ANSWER_RULES_END,
};

const struct answer_grammar answer_grammar_chat = {
    .learn = learn,
    .is_whole = is_whole,
    .rules = rules,
    .done_is_end = true,
};
