/* observe.h - every cost that an upstream ever reported for one request, as its row keeps them.
 *
 * A JSON array, compact, oldest first: [{"from":"usage","at":1763679111123,"billed":"0.002",
 * "market":"0.002"}, ...]; what was not said is left out. A repeated observation (same source, same
 * figures) changes nothing; one that differs is added, and the row gets a new version. The row's
 * own figures are those of the highest rank: generation record, configured path, final usage,
 * gateway metadata (pricing-and-focus section 4); within one rank the latest. A figure that the
 * highest does not say is taken from the next one that does; only where it is said that no own key
 * was used, nobody's upstream cost is taken.
 *
 * Where the list would outgrow ROW_OBSERVED_BYTES_MAX or OBSERVATIONS_MAX the second oldest goes,
 * of those that later ones of the same source replace if there are any, and "dropped":n is counted
 * on the first: the first and the last say most, and the figures stay what they are.
 *
 * Threads: pure functions.
 */
#ifndef ACCOUNTING_OBSERVE_H
#define ACCOUNTING_OBSERVE_H

#include "accounting/row.h"

/* The words of "from"; higher ranks above lower. */
enum observe_source {
    OBSERVE_METADATA,   /* "metadata": provider_metadata.gateway of the answer */
    OBSERVE_USAGE,      /* "usage": the final usage object of the answer */
    OBSERVE_CONFIGURED, /* "configured": upstreams[].cost_path */
    OBSERVE_GENERATION, /* "generation": the generation record */
    OBSERVE_SOURCES,
};
const char *observe_source_name(enum observe_source source);

struct observation {
    enum observe_source source;
    int64_t at_ms;
    struct maybe_money billed, upstream, market;
    int byok; /* -1: not said */
};
enum { OBSERVATIONS_MAX = 16 };

/* Reads a row's list; an empty text is an empty list. -EBADMSG for anything that observe_add() does
 * not write. */
int observe_parse(struct text text, struct observation list[OBSERVATIONS_MAX], size_t *ret_count);

/* The figures that a row with this list has, by rank; source and at_ms say nothing. */
void observe_figures(const struct observation *list, size_t count, struct observation *ret_figures);

/* Adds one to row->observed: 1 when it was added, 0 when it says nothing new, -EBADMSG with nothing
 * touched. It is repeated when the latest of its source has the same figures. Sets row->observed
 * (to buffer), row->billed, upstream_cost, market and byok by rank; row->version goes up by one
 * when it was not the first and the figures changed. A row with figures and no list (written before
 * there were any) gets them as its first observation, from its answer. Neither verdict nor
 * difference is touched: settle.h. borrow: buffer, by the row; its list may already be there. */
int observe_add(struct ledger_row *row, const struct observation *seen,
                char buffer[ROW_OBSERVED_BYTES_MAX]);

#endif
