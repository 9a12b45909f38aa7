/* Laws of answer.h on any bytes, in the grammar that the first byte chooses ('a' + enum row_api):
 * nothing crashes; edits are sorted, disjoint and inside the text; a replay of accepted JSON is
 * JSON of the same shape, says nothing but zero in its usage, holds the new id and no router
 * metadata, and differs in nothing but numbers and values; reading the replay again costs nothing;
 * learning and noting apart give what reading gives; an id that is peeked is the first one of the
 * text. */
#include "accounting/settle.h"
#include "tests/server/dialect/answer_support.h"

#include <stdint.h>

static bool is_zero(const struct json_doc *doc, uint32_t token)
{
    return doc->tokens[token].end - doc->tokens[token].start == 1 &&
           doc->text[doc->tokens[token].start] == '0';
}

static bool is_sdk(enum row_api api)
{
    return api == API_AI_LANGUAGE || api == API_AI_EMBEDDING;
}

/* Grammars that note nothing are those that are never stored. */
static bool is_forwarded(enum row_api api)
{
    switch (api) {
    case API_CHAT:
    case API_COMPLETIONS:
    case API_RESPONSES:
    case API_MESSAGES:
    case API_EMBEDDINGS:
    case API_AI_LANGUAGE:
    case API_AI_EMBEDDING:
        return false;
    default:
        return true;
    }
}

static void check_member(const struct json_doc *doc, uint32_t key, enum row_api api)
{
    uint32_t value = key + 1;
    bool is_id = json_string_is(doc, key, "generationId") ||
                 (json_string_is(doc, key, "id") && api != API_AI_LANGUAGE);

    assert(!json_string_is(doc, key, "openrouter_metadata") || is_sdk(api));
    if (is_id && doc->tokens[value].type == JSON_STRING)
        assert(json_string_is(doc, value, STAMP_ID));
    if (!json_string_is(doc, key, "usage"))
        return;
    for (uint32_t i = value; i < doc->tokens[value].next; i++)
        assert(doc->tokens[i].type != JSON_NUMBER || is_zero(doc, i));
}

/* The answer's own object, which some streams have inside their events. */
static void check_object(const struct json_doc *doc, uint32_t object, enum row_api api)
{
    if (object == JSON_NONE || doc->tokens[object].type != JSON_OBJECT)
        return;
    for (uint32_t key = json_first(doc, object); key != JSON_NONE;
         key = json_next(doc, object, key + 1))
        check_member(doc, key, api);
}

/* What differs is a number that became zero or the time of the hit, or a string's value (never a
 * key) that became zero or the new id. */
static void check_token(const struct json_doc *before, const struct json_doc *after, uint32_t i)
{
    const struct json_token *was = &before->tokens[i], *is = &after->tokens[i];
    size_t was_len = was->end - was->start, is_len = is->end - is->start;
    size_t behind = is->end;

    assert(was->type == is->type);
    assert(was->next == is->next);
    if (is->type == JSON_OBJECT || is->type == JSON_ARRAY)
        return;
    if (was_len == is_len &&
        memcmp(before->text + was->start, after->text + is->start, is_len) == 0)
        return;
    if (is->type == JSON_NUMBER) {
        assert(is_zero(after, i) || (is_len == strlen(STAMP_CREATED) &&
                                     memcmp(after->text + is->start, STAMP_CREATED, is_len) == 0));
        return;
    }
    assert(is->type == JSON_STRING);
    assert(json_string_is(after, i, "0") || json_string_is(after, i, STAMP_ID));
    while (behind < after->len && strchr(" \t\r\n", after->text[behind]) != NULL)
        behind++;
    assert(behind == after->len || after->text[behind] != ':');
}

static bool is_cut(const struct json_doc *doc)
{
    return json_get(doc, 0, "openrouter_metadata") != JSON_NONE ||
           json_get(doc, json_get(doc, 0, "response"), "openrouter_metadata") != JSON_NONE ||
           json_get(doc, json_get(doc, 0, "message"), "openrouter_metadata") != JSON_NONE;
}

static void check_replay(const struct json_doc *before, const char *text, size_t len,
                         enum row_api api)
{
    struct json_doc doc;
    int parsed;

    json_doc_init(&doc);
    parsed = json_parse(&doc, text, len, NULL);
    assert(parsed == 0);
    check_object(&doc, 0, api);
    if (api == API_RESPONSES)
        check_object(&doc, json_get(&doc, 0, "response"), api);
    if (api == API_MESSAGES)
        check_object(&doc, json_get(&doc, 0, "message"), api);
    /* Members given twice hide what was cut in the first of them. */
    assert(is_cut(before) || doc.count <= before->count);
    for (uint32_t i = 0; doc.count == before->count && i < doc.count; i++)
        check_token(before, &doc, i);
    json_doc_release(&doc);
}

static void check_costs(const struct answer *answer)
{
    struct ledger_row row = {0};

    answer_costs(answer, &row);
    assert(!row.upstream_cost.known || answer->byok == 1);
    assert(!row.billed.known || row.billed.money.femto >= 0);
}

/* The replay's own usage, read again, is what a hit would be booked with by a gateway behind us. */
static void check_again(const struct answer *answer, const char *replay, size_t len, bool event)
{
    struct answer *again = new_answer_as(answer->api);

    if (event)
        answer_read_event(again, replay, len);
    else
        answer_read_body(again, replay, len);
    assert(!again->cost.known || again->cost.money.femto == 0);
    assert(again->usage.prompt_tokens <= 0);
    assert(again->usage.completion_tokens <= 0);
    assert(again->has_choices == answer->has_choices);
    assert(again->has_end == answer->has_end);
    assert(strcmp(again->finish_reason, answer->finish_reason) == 0);
    free_answer(again);
}

static bool edits_are_same(const struct answer *a, const struct answer *b)
{
    if (a->edit_count != b->edit_count)
        return false;
    for (size_t i = 0; i < a->edit_count; i++) {
        const struct tape_edit *one = &a->edits[i], *other = &b->edits[i];

        if (one->at != other->at || one->cut != other->cut || one->slot != other->slot ||
            one->text_len != other->text_len || memcmp(one->text, other->text, one->text_len) != 0)
            return false;
    }
    return true;
}

/* Converted answers are learnt from one text and noted on another. */
static void check_halves(const struct answer *answer, const char *text, size_t len, bool event)
{
    struct answer *halves = new_answer_as(answer->api);

    if (event)
        answer_learn_event(halves, text, len);
    else
        answer_learn_body(halves, text, len);
    assert(halves->edit_count == 0);
    assert(strcmp(halves->id, answer->id) == 0);
    assert(halves->usage.prompt_tokens == answer->usage.prompt_tokens);
    assert(halves->has_error == answer->has_error);
    assert(halves->unreadable == answer->unreadable);
    if (event)
        answer_note_event(halves, text, len);
    else
        answer_note_body(halves, text, len);
    assert(halves->events == answer->events);
    assert(edits_are_same(halves, answer));
    assert(answer_is_storable(halves, event) == answer_is_storable(answer, event));
    free_answer(halves);
}

static void check_answer(const struct answer *answer, const char *text, size_t len, bool event)
{
    size_t replay_len;
    char *replay = render(answer, text, len, &replay_len);
    struct json_doc doc;

    check_costs(answer);
    check_halves(answer, text, len, event);
    json_doc_init(&doc);
    if (is_forwarded(answer->api)) {
        assert(answer->edit_count == 0);
        assert(!answer->unreadable);
        assert(!answer_is_storable(answer, event));
    } else if (!answer->too_many_edits && json_parse(&doc, text, len, NULL) == 0 &&
               doc.tokens[0].type == JSON_OBJECT) {
        check_replay(&doc, replay, replay_len, answer->api);
        check_again(answer, replay, replay_len, event);
    } else {
        assert(answer->edit_count == 0 || answer->too_many_edits);
    }
    json_doc_release(&doc);
    free(replay);
}

static void check_peek(const char *text, size_t len)
{
    char id[ROW_ID_MAX + 1], shorter[ROW_ID_MAX + 1];
    size_t id_len = answer_peek_id(text, len, id, sizeof(id));

    assert(id_len == 0 || strlen(id) == id_len);
    for (size_t cut = len; cut > 0 && len - cut < 64; cut--) {
        size_t found = answer_peek_id(text, cut, shorter, sizeof(shorter));

        assert(found == 0 || (found == id_len && memcmp(shorter, id, found) == 0));
    }
}

static void check_generation(struct answer *answer, const char *text, size_t len)
{
    struct settle_record late = {0};

    if (answer_read_generation(answer, text, len, "gen_1", &late) != 0)
        return;
    assert(!late.billed.known || late.billed.money.femto >= 0);
    assert(!late.upstream_cost.known || late.byok == 1);
    assert(late.usage.prompt_tokens >= USAGE_ABSENT);
}

/* Only the Responses API ends a stream with the whole answer. */
static void check_event(enum row_api api, const char *text, size_t len)
{
    struct answer *answer = new_answer_as(api);

    answer_read_event(answer, text, len);
    check_answer(answer, text, len, true);
    assert(!answer_is_storable(answer, true) || api == API_RESPONSES);
    free_answer(answer);
}

static void check_body(enum row_api api, const char *text, size_t len)
{
    struct answer *answer = new_answer_as(api);

    answer_read_body(answer, text, len);
    check_answer(answer, text, len, false);
    assert(!answer_is_storable(answer, true) || answer->has_end);
    if (answer_is_storable(answer, false) && api != API_EMBEDDINGS && api != API_AI_EMBEDDING)
        assert(answer->finish_reason[0] != '\0');
    check_generation(answer, text, len);
    free_answer(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    enum row_api api;

    if (len == 0)
        return 0;
    api = (enum row_api)((uint8_t)(data[0] - 'a') % APIS);
    check_event(api, (const char *)data + 1, len - 1);
    check_body(api, (const char *)data + 1, len - 1);
    check_peek((const char *)data + 1, len - 1);
    return 0;
}
