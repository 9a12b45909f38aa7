/* Laws of answer.h on any bytes: nothing crashes; edits are sorted, disjoint and inside the text;
 * a replay of accepted JSON is JSON of the same shape, says nothing but zero in its usage, holds
 * the new id and no router metadata, and differs in nothing but numbers and values; reading the
 * replay again costs nothing; an id that is peeked is the first one of the text. */
#include "accounting/ledger.h"
#include "tests/server/dialect/answer_support.h"

#include <stdint.h>

static bool is_zero(const struct json_doc *doc, uint32_t token)
{
    return doc->tokens[token].end - doc->tokens[token].start == 1 &&
           doc->text[doc->tokens[token].start] == '0';
}

static void check_member(const struct json_doc *doc, uint32_t key)
{
    uint32_t value = key + 1;

    assert(!json_string_is(doc, key, "openrouter_metadata"));
    if ((json_string_is(doc, key, "id") || json_string_is(doc, key, "generationId")) &&
        doc->tokens[value].type == JSON_STRING)
        assert(json_string_is(doc, value, STAMP_ID));
    if (!json_string_is(doc, key, "usage"))
        return;
    for (uint32_t i = value; i < doc->tokens[value].next; i++)
        assert(doc->tokens[i].type != JSON_NUMBER || is_zero(doc, i));
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

static void check_replay(const struct json_doc *before, const char *text, size_t len)
{
    struct json_doc doc;
    bool was_cut = json_get(before, 0, "openrouter_metadata") != JSON_NONE;
    int parsed;

    json_doc_init(&doc);
    parsed = json_parse(&doc, text, len, NULL);
    assert(parsed == 0);
    for (uint32_t key = json_first(&doc, 0); key != JSON_NONE; key = json_next(&doc, 0, key + 1))
        check_member(&doc, key);
    assert(was_cut || doc.count == before->count);
    for (uint32_t i = 0; !was_cut && i < doc.count; i++)
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
static void check_answer(struct answer *answer, const char *text, size_t len)
{
    size_t replay_len;
    char *replay = render(answer, text, len, &replay_len);
    struct json_doc doc;

    check_costs(answer);
    json_doc_init(&doc);
    if (!answer->too_many_edits && json_parse(&doc, text, len, NULL) == 0 &&
        doc.tokens[0].type == JSON_OBJECT) {
        struct answer *again = malloc(sizeof(*again) + ANSWER_EDITS_MAX * sizeof(struct tape_edit));

        check_replay(&doc, replay, replay_len);
        assert(again != NULL);
        answer_init(again, API_CHAT, (struct tape_edit *)(again + 1));
        answer_read_body(again, replay, replay_len);
        assert(!again->cost.known || again->cost.money.femto == 0);
        assert(again->usage.prompt_tokens <= 0);
        assert(again->usage.completion_tokens <= 0);
        assert(again->has_choices == answer->has_choices);
        answer_release(again);
        free(again);
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
    struct ledger_late late = {0};

    if (answer_read_generation(answer, text, len, "gen_1", &late) != 0)
        return;
    assert(late.found);
    assert(!late.billed.known || late.billed.money.femto >= 0);
    assert(!late.upstream_cost.known || late.byok == 1);
    assert(late.usage.prompt_tokens >= USAGE_ABSENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct answer *answer = malloc(sizeof(*answer) + ANSWER_EDITS_MAX * sizeof(struct tape_edit));
    const char *text = (const char *)data;

    assert(answer != NULL);
    answer_init(answer, API_CHAT, (struct tape_edit *)(answer + 1));
    answer_read_event(answer, text, len);
    check_answer(answer, text, len);
    assert(!answer_is_storable(answer, true)); /* one event is never both an end and an answer */
    answer_release(answer);

    answer_init(answer, API_CHAT, (struct tape_edit *)(answer + 1));
    answer_read_body(answer, text, len);
    check_answer(answer, text, len);
    if (answer_is_storable(answer, false))
        assert(answer->finish_reason[0] != '\0');
    check_generation(answer, text, len);
    answer_release(answer);
    free(answer);
    check_peek(text, len);
    return 0;
}
