/* explain.c - collects what the ledger knows of one request. */
#include "accounting/explain_story.h"

#include "accounting/ledger_close.h"
#include "accounting/ledger_month.h"

#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

enum { HITS_DAYS = 90, HITS_DAYS_MAX = 100 * 366, ATTEMPTS_DEPTH = 8 };

const struct ledger_row *explain_origin(const struct explain_story *story)
{
    return story->served ? &story->source : &story->row;
}

/* --- what the row itself says --- */

static struct text member_text(struct json_object *object, const char *name)
{
    struct json_object *value;

    if (!json_object_object_get_ex(object, name, &value) ||
        !json_object_is_type(value, json_type_string))
        return (struct text){NULL, 0};
    return (struct text){json_object_get_string(value), (size_t)json_object_get_string_len(value)};
}

static int64_t member_count(struct json_object *object, const char *name)
{
    struct json_object *value;

    if (!json_object_object_get_ex(object, name, &value) ||
        !json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0)
        return -1;
    return json_object_get_int64(value);
}

/* A list that cannot be read is as good as none: verify says so, a story has others to tell. */
static int read_attempts(struct explain_story *story)
{
    struct json_tokener *tokener = json_tokener_new_ex(ATTEMPTS_DEPTH);
    const struct text list = story->row.attempts;
    size_t count;

    if (tokener == NULL)
        return -ENOMEM;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    if (list.len > 0)
        story->json = json_tokener_parse_ex(tokener, list.bytes, (int)list.len);
    json_tokener_free(tokener);
    if (!json_object_is_type(story->json, json_type_array))
        return 0;
    count = json_object_array_length(story->json);
    for (size_t i = 0; i < count && story->attempt_count < EXPLAIN_ATTEMPTS_MAX; i++) {
        struct json_object *attempt = json_object_array_get_idx(story->json, i);
        if (!json_object_is_type(attempt, json_type_object))
            continue;
        story->attempts[story->attempt_count++] =
            (struct explain_attempt){.upstream = member_text(attempt, "upstream"),
                                     .model = member_text(attempt, "model"),
                                     .status = member_count(attempt, "status"),
                                     .ms = member_count(attempt, "ms")};
    }
    return 0;
}

static int read_facts(struct explain_story *story)
{
    const struct ledger_row *row = &story->row;

    if (observe_parse(row->observed, story->observations, &story->observation_count) != 0)
        story->observation_count = 0;
    story->rated = row->rating.len > 0 && rating_parse(row->rating, &story->estimate) == 0;
    return read_attempts(story);
}

/* --- where it came from, and what became of it --- */

static bool same_text(struct text a, struct text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.bytes, b.bytes, a.len) == 0);
}

static void copy_id(char to[ROW_ID_MAX + 1], struct text id)
{
    assert(id.len <= ROW_ID_MAX);
    if (id.len > 0)
        memcpy(to, id.bytes, id.len);
    to[id.len] = '\0';
}

static void add_serve(struct explain_serves *serves, const struct ledger_row *row)
{
    if (serves->hits + serves->collapsed == 0) {
        serves->first_ms = row->created_at_ms;
        copy_id(serves->first_id, row->id);
    }
    if (row->cache == CACHE_COLLAPSED)
        serves->collapsed++;
    else
        serves->hits++;
    serves->last_ms = row->created_at_ms;
    copy_id(serves->last_id, row->id);
    if (!row->saved.known)
        return;
    serves->saved.known = true;
    if (money_add(serves->saved.money, row->saved.money, &serves->saved.money) != 0)
        serves->overflow = true;
}

static void add_correction(struct explain_story *story, const struct ledger_row *row)
{
    struct explain_correction *correction;

    if (story->correction_count++ >= EXPLAIN_CORRECTIONS_MAX)
        return;
    correction = &story->corrections[story->correction_count - 1];
    *correction = (struct explain_correction){.at_ms = row->created_at_ms,
                                              .booked = row->booked,
                                              .difference = row->difference,
                                              .verdict = row->verdict,
                                              .cause = row->cause};
    assert(row->corrects.len <= ROW_PLACE_MAX);
    memcpy(correction->place, row->corrects.bytes, row->corrects.len);
}

static int take_row(void *arg, const struct ledger_row *row)
{
    struct explain_story *story = arg;

    if (row->source_id.len == 0)
        return 0;
    if (row->corrects.len > 0) {
        if (same_text(row->source_id, story->row.id))
            add_correction(story, row);
    } else if ((row->cache == CACHE_HIT || row->cache == CACHE_COLLAPSED) &&
               same_text(row->source_id, explain_origin(story)->id)) {
        add_serve(&story->serves, row);
    }
    return 0;
}

/* Only what was answered and might be cached, or have followers, is ever served again. */
static bool may_be_served(const struct explain_story *story)
{
    const struct ledger_row *origin = explain_origin(story);

    if (story->served)
        return story->source_found;
    return origin->verdict != VERDICT_FAILED && origin->id.len > 0 && origin->cache != CACHE_OFF &&
           origin->cache != CACHE_NONE;
}

/* Rows after it are read only where they can hold anything about it. */
static int read_after(struct ledger_reader *reader, const struct explain_order *order,
                      struct explain_story *story)
{
    int64_t days = order->hits_days > 0 ? order->hits_days : HITS_DAYS, from_ms, to_ms, open_ms;
    struct seal seal;
    int result;

    if (days > HITS_DAYS_MAX)
        days = HITS_DAYS_MAX;
    ledger_month_range(story->row.created_at_ms, &from_ms, &open_ms);
    result = ledger_reader_seal(reader, from_ms, &seal);
    if (result != 0 && result != -ENOENT)
        return result;
    story->closed = result == 0;
    story->scanned = may_be_served(story);
    if (story->scanned)
        from_ms = explain_origin(story)->created_at_ms;
    else if (story->closed) /* its corrections are in the months after it */
        from_ms = open_ms;
    else
        return 0;
    to_ms = from_ms > LEDGER_TIME_END_MS - days * LEDGER_DAY_MS ? LEDGER_TIME_END_MS
                                                                : from_ms + days * LEDGER_DAY_MS;
    story->scanned_to_ms = to_ms;
    result = ledger_reader_rows(reader, from_ms, to_ms, take_row, story);
    if (story->serves.overflow)
        story->serves.saved.known = false;
    return result;
}

static int read_story(struct ledger_reader *reader, const struct explain_order *order,
                      struct explain_story *story)
{
    int result = ledger_reader_find(reader, order->id, story->row_bytes, &story->row);

    if (result != 0)
        return result;
    story->served = story->row.cache == CACHE_HIT || story->row.cache == CACHE_COLLAPSED;
    if (story->served && story->row.source_id.len > 0) {
        result =
            ledger_reader_find(reader, story->row.source_id, story->source_bytes, &story->source);
        if (result != 0 && result != -ENOENT)
            return result;
        story->source_found = result == 0;
    }
    result = read_facts(story);
    return result == 0 ? read_after(reader, order, story) : result;
}

int explain_write(struct ledger_reader *reader, const struct explain_order *order, FILE *out)
{
    struct explain_story *story = calloc(1, sizeof(*story));
    int result = -ENOMEM;

    if (story == NULL)
        return result;
    result = read_story(reader, order, story);
    if (result == 0 && order->json)
        explain_json(story, out);
    else if (result == 0)
        result = explain_text(story, out);
    if (result == 0 && (fflush(out) != 0 || ferror(out) != 0))
        result = -EIO;
    json_object_put(story->json);
    free(story);
    return result;
}
