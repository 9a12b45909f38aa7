/* focus_lines.h - the lines of a FOCUS dataset while their hour is being read: what their requests
 * share is kept once, each line is what they have in common besides and its sums.
 *
 * Memory is bounded: FOCUS_LINES_BYTES_MAX for all that is there at a time, in chunks that are
 * used again for the next hour.
 *
 * Threads: one per table. Deterministic: the order of lines is that of their columns.
 */
#ifndef ACCOUNTING_FOCUS_LINES_H
#define ACCOUNTING_FOCUS_LINES_H

#include "accounting/focus_class.h"
#include "accounting/row.h"

enum { FOCUS_LINES_BYTES_MAX = 256 * 1024 * 1024 };

enum focus_account { FOCUS_NO_ACCOUNT, FOCUS_PROJECT, FOCUS_CLIENT, FOCUS_KEY };

/* What the lines of a request share. Texts are UTF-8, as they are written; empty: not known. */
struct focus_shared {
    int64_t hour_ms;
    int64_t above; /* of the context tier; 0: the base */
    enum focus_account account_type;
    bool correction, saving, off_peak;
    struct text account, model, provider, gateway;
    struct text tier; /* as rated; empty: standard */
    struct text tags; /* a JSON object */
    /* made of the above */
    struct text resource; /* ResourceId */
    struct text vendor;   /* whose model it is: before the slash of its id, else who served it */
    uint64_t hash;
};

/* Where the amounts of a line come from, and what became of its requests: bits. */
enum focus_source { FOCUS_LOOKUP = 1, FOCUS_RESPONSE = 2, FOCUS_ESTIMATE = 4 };

struct focus_line {
    uint64_t hash;
    const struct focus_shared *shared;
    enum focus_kind kind;
    enum price_unit class;
    bool own; /* billed by the vendor, to the client's own key */
    struct unit_price price;
    int64_t multiplier_ppm;
    struct text sku_price; /* SkuPriceId */
    size_t sku_len;        /* its beginning is the SkuId */

    int64_t quantity, requests, hits;
    struct money billed;
    struct maybe_money estimated, reported, variance, avoided;
    unsigned sources, verdicts; /* bits of enum focus_source; 1u << enum verdict */
    struct text price_hash;     /* of the first request that has one */
    bool several_hashes;        /* and others have another */
};

/* A line's own part of its key. */
struct focus_line_key {
    enum focus_kind kind;
    enum price_unit class;
    bool own;
    struct unit_price price;
    int64_t multiplier_ppm;
};

struct focus_lines;
struct focus_lines *focus_lines_new(void); /* give; NULL: no memory */
void focus_lines_free(struct focus_lines *lines);
/* Forgets all lines; keeps the memory. */
void focus_lines_clear(struct focus_lines *lines);
bool focus_lines_empty(const struct focus_lines *lines);

/* The kept copy of *want (whose made fields are not looked at). -ENOMEM; -E2BIG: more than
 * FOCUS_LINES_BYTES_MAX. borrow: until they are cleared. */
int focus_lines_share(struct focus_lines *lines, const struct focus_shared *want,
                      const struct focus_shared **ret_shared);
/* The line, new ones with sums of nothing. Errors and lifetime as above. */
int focus_lines_find(struct focus_lines *lines, const struct focus_shared *shared,
                     const struct focus_line_key *key, struct focus_line **ret_line);
/* Adds a table's hash to a line. -ENOMEM; -E2BIG. */
int focus_lines_hash(struct focus_lines *lines, struct focus_line *line, struct text price_hash);

/* In the order of the file. borrow: until they are cleared, or a line is added. -ENOMEM. */
int focus_lines_sort(struct focus_lines *lines, struct focus_line *const **ret_sorted,
                     size_t *ret_count);

/* Who invoices the line, and what the service is called. */
struct text focus_issuer(const struct focus_line *line);
struct text focus_service(const struct focus_line *line);
/* "Project", "Client", "Key"; "" for none. */
const char *focus_account_name(enum focus_account account);

#endif
