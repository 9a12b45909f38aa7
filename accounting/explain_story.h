/* explain_story.h - what the ledger knows of one request, collected: explain.c reads it,
 * explain_text.c and explain_json.c tell it.
 *
 * Threads: one per story.
 */
#ifndef ACCOUNTING_EXPLAIN_STORY_H
#define ACCOUNTING_EXPLAIN_STORY_H

#include "accounting/explain.h"
#include "accounting/observe.h"
#include "accounting/rating.h"

enum {
    EXPLAIN_ATTEMPTS_MAX = 32,
    EXPLAIN_CORRECTIONS_MAX = 16, /* that are told one by one; all are counted */
};

/* A call upstream that came to nothing, before the one that answered. */
struct explain_attempt {
    struct text upstream, model; /* borrow: of the story's json */
    int64_t status, ms;          /* -1: not known */
};

/* How often an answer was given again. */
struct explain_serves {
    int64_t hits, collapsed;
    int64_t first_ms, last_ms;
    char first_id[ROW_ID_MAX + 1], last_id[ROW_ID_MAX + 1];
    struct maybe_money saved;
    bool overflow; /* saved does not fit: it is unknown */
};

struct explain_correction {
    int64_t at_ms;
    char place[ROW_PLACE_MAX + 1];         /* of what it corrects */
    struct maybe_money booked, difference; /* by how much they changed */
    enum verdict verdict;                  /* that holds since */
    enum cause cause;
};

struct explain_story {
    struct ledger_row row;
    bool closed; /* its month is */

    /* A hit or a follower keeps the facts of its source: attempts, observations and rating are of
     * that then. */
    bool served; /* it is one */
    bool source_found;
    struct ledger_row source;

    struct json_object *json; /* holds the texts of the attempts */
    struct explain_attempt attempts[EXPLAIN_ATTEMPTS_MAX];
    size_t attempt_count;
    struct observation observations[OBSERVATIONS_MAX];
    size_t observation_count;
    bool rated; /* estimate holds the lines of the rating */
    struct estimate estimate;

    bool scanned; /* serves and corrections were looked for */
    int64_t scanned_to_ms;
    struct explain_serves serves; /* of the row, or of its source */
    struct explain_correction corrections[EXPLAIN_CORRECTIONS_MAX];
    size_t correction_count; /* all that there are */

    uint8_t row_bytes[ROW_ENCODED_MAX], source_bytes[ROW_ENCODED_MAX];
};

/* Whose answer was served again: the row's own, or that of the source that was found. */
const struct ledger_row *explain_origin(const struct explain_story *story);

int explain_text(const struct explain_story *story, FILE *out); /* -ENOMEM */
void explain_json(const struct explain_story *story, FILE *out);

/* --- words --- */

const char *explain_unit(enum price_unit unit);    /* "cached input tokens" */
const char *explain_verdict(enum verdict verdict); /* why it is that one */
const char *explain_cause(enum cause cause);       /* what it means; "" for none */
const char *explain_route(struct text route);      /* "" for one we do not know */
/* Flag `index` of an estimate, from 0: its name, and what it means; NULL behind the last. */
const char *explain_flag(unsigned index, unsigned *ret_flag, const char **ret_words);

#endif
