#include "server/dialect/answer.h"

#include "server/dialect/answer_facts.h"
#include "server/dialect/answer_field.h"
#include "server/dialect/answer_grammar.h"
#include "server/dialect/answer_replay.h"

#include <assert.h>
#include <string.h>

/* What a pass over a text is for. */
enum { LEARN = 1, NOTE = 2 };

/* USAGE_ABSENT: it is no array. */
static int64_t count_elements(const struct json_doc *doc, uint32_t array)
{
    int64_t count = 0;

    if (!answer_field_is(doc, array, JSON_ARRAY))
        return USAGE_ABSENT;
    for (uint32_t at = json_first(doc, array); at != JSON_NONE; at = json_next(doc, array, at))
        count++;
    return count;
}

/* Pictures, jobs, rankings and what is yet unknown: what they used and cost, where they say so. A
 * body that is sound or a film says nothing, and nothing is wrong with that. */
static void learn_opaque(struct answer *answer, bool event)
{
    const struct json_doc *doc = &answer->doc;

    answer_facts_object(answer, 0);
    answer_facts_usage(answer, json_get(doc, 0, "usage"), false);
    answer_facts_metadata(answer, 0);
    if (answer->api == API_IMAGES && !event)
        answer->usage.images = count_elements(doc, json_get(doc, 0, "data"));
    if (event && json_string_is(doc, json_get(doc, 0, "type"), "error"))
        answer->has_error = true;
}

static const struct answer_grammar answer_grammar_opaque = {
    .learn = learn_opaque,
    .done_is_end = true,
    .is_opaque = true,
};

static const struct answer_grammar *find_grammar(enum row_api api)
{
    static const struct answer_grammar *const grammars[APIS] = {
        [API_CHAT] = &answer_grammar_chat,
        [API_COMPLETIONS] = &answer_grammar_chat,
        [API_RESPONSES] = &answer_grammar_responses,
        [API_MESSAGES] = &answer_grammar_messages,
        [API_EMBEDDINGS] = &answer_grammar_embeddings,
        [API_AI_LANGUAGE] = &answer_grammar_ai_language,
        [API_AI_EMBEDDING] = &answer_grammar_ai_embedding,
    };

    assert(api < APIS);
    return grammars[api] != NULL ? grammars[api] : &answer_grammar_opaque;
}

void answer_init(struct answer *answer, enum row_api api, struct tape_edit *edits)
{
    memset(answer, 0, sizeof(*answer));
    answer->api = api;
    answer->grammar = find_grammar(api);
    answer->edits = edits;
    answer->usage = USAGE_INIT;
    answer->byok = answer->usage_byok = answer->meta_byok = -1;
    json_doc_init(&answer->doc);
}

void answer_use_cost_path(struct answer *answer, const char *path, int64_t unit_femto)
{
    assert(unit_femto > 0);
    answer->cost_path = path;
    answer->cost_unit_femto = unit_femto;
}

void answer_release(struct answer *answer)
{
    if (answer != NULL)
        json_doc_release(&answer->doc);
}

/* The text is the caller's again afterwards, and a large one's tokens are not kept. */
static void read_json(struct answer *answer, const char *text, size_t len, unsigned pass,
                      bool event)
{
    const struct answer_grammar *grammar = answer->grammar;

    answer->edit_count = 0;
    if ((pass & LEARN) == 0 && grammar->rules == NULL)
        return;
    if (json_parse(&answer->doc, text, len, NULL) == 0 &&
        answer_field_is(&answer->doc, 0, JSON_OBJECT)) {
        if ((pass & LEARN) != 0) {
            grammar->learn(answer, event);
            answer_facts_configured(answer, 0);
            answer->byok = answer->usage_byok >= 0 ? answer->usage_byok : answer->meta_byok;
        }
        if ((pass & NOTE) != 0 && grammar->rules != NULL)
            answer_replay_note(answer);
    } else if (!grammar->is_opaque) {
        answer->unreadable = true;
    }
    json_doc_clear(&answer->doc);
}

static bool is_done(const char *payload, size_t len)
{
    static const char done[] = "[DONE]";

    while (len > 0 && (payload[len - 1] == ' ' || payload[len - 1] == '\t'))
        len--;
    while (len > 0 && (payload[0] == ' ' || payload[0] == '\t')) {
        payload++;
        len--;
    }
    return len == sizeof(done) - 1 && memcmp(payload, done, len) == 0;
}

static void read_event(struct answer *answer, const char *payload, size_t len, unsigned pass)
{
    if (is_done(payload, len)) {
        answer->edit_count = 0;
        if ((pass & LEARN) != 0)
            answer->has_end |= answer->grammar->done_is_end;
        return;
    }
    if ((pass & LEARN) != 0)
        answer->events++;
    read_json(answer, payload, len, pass, true);
}

void answer_read_body(struct answer *answer, const char *body, size_t len)
{
    read_json(answer, body, len, LEARN | NOTE, false);
}

void answer_read_event(struct answer *answer, const char *payload, size_t len)
{
    read_event(answer, payload, len, LEARN | NOTE);
}

void answer_learn_body(struct answer *answer, const char *body, size_t len)
{
    read_json(answer, body, len, LEARN, false);
}

void answer_learn_event(struct answer *answer, const char *payload, size_t len)
{
    read_event(answer, payload, len, LEARN);
}

void answer_note_body(struct answer *answer, const char *body, size_t len)
{
    read_json(answer, body, len, NOTE, false);
}

void answer_note_event(struct answer *answer, const char *payload, size_t len)
{
    read_event(answer, payload, len, NOTE);
}

bool answer_is_storable(const struct answer *answer, bool stream)
{
    if (answer->grammar->is_whole == NULL || !answer->has_choices || answer->has_error ||
        answer->unreadable || answer->too_many_edits)
        return false;
    assert(answer->edit_count <= ANSWER_EDITS_MAX);
    if (stream && !answer->has_end)
        return false;
    return answer->grammar->is_whole(answer, stream);
}
