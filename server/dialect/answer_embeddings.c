/* answer_embeddings.c - vectors, in OpenAI's shape and in the AI SDK's. They are most of the text
 * and are stepped over whole: nobody looks at a number in them. */
#include "server/dialect/answer_facts.h"
#include "server/dialect/answer_grammar.h"

static void learn_vectors(struct answer *answer, const char *name)
{
    answer_facts_object(answer, 0);
    answer_facts_usage(answer, json_get(&answer->doc, 0, "usage"), false);
    answer_facts_metadata(answer, 0);
    if (answer_facts_has_elements(answer, json_get(&answer->doc, 0, name)))
        answer->has_choices = true;
}

static void learn(struct answer *answer, bool event)
{
    (void)event;
    learn_vectors(answer, "data");
}

static void learn_ai(struct answer *answer, bool event)
{
    (void)event;
    learn_vectors(answer, "embeddings");
}

/* That there are vectors is all that can be told. No API streams them: there is no terminal, so
 * that no stream of them is ever stored. */
static bool is_whole(const struct answer *answer, bool stream)
{
    (void)answer;
    (void)stream;
    return true;
}

static const struct answer_rule ai_response_rules[] = {
    ANSWER_RULE("id", ANSWER_NEW_ID),
    ANSWER_RULES_END,
};
static const struct answer_rule rules[] = {
    ANSWER_RULE("id", ANSWER_NEW_ID),
    ANSWER_RULE("generationId", ANSWER_NEW_ID),
    ANSWER_RULE("created", ANSWER_NEW_TIME),
    ANSWER_RULE("usage", ANSWER_ZEROS),
    ANSWER_RULES_METADATA,
    ANSWER_RULE("openrouter_metadata", ANSWER_CUT),
    ANSWER_RULES_END,
};
static const struct answer_rule ai_rules[] = {
    ANSWER_RULE("id", ANSWER_NEW_ID),
    ANSWER_RULE("generationId", ANSWER_NEW_ID),
    ANSWER_RULE("usage", ANSWER_ZEROS),
    ANSWER_RULES_METADATA,
    ANSWER_RULE_INSIDE("response", ANSWER_IN_OBJECT, ai_response_rules),
    ANSWER_RULES_END,
};

const struct answer_grammar answer_grammar_embeddings = {
    .learn = learn,
    .is_whole = is_whole,
    .rules = rules,
};
const struct answer_grammar answer_grammar_ai_embedding = {
    .learn = learn_ai,
    .is_whole = is_whole,
    .rules = ai_rules,
};
