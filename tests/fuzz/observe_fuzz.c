/* observe_fuzz.c - any bytes are a list of observations or are refused; one more leaves those that
 * were there byte for byte (or drops one and counts it), holds the figures, and twice is once. */
#include "accounting/observe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_same(struct maybe_money a, struct maybe_money b)
{
    require(a.known == b.known);
    require(!a.known || money_compare(a.money, b.money) == 0);
}

/* One that the list cannot hold already: it is of the last one's source, and differs. */
static struct observation next_observation(const struct observation *list, size_t count)
{
    struct observation next = {.source = OBSERVE_GENERATION, .at_ms = 1, .byok = -1};

    if (count > 0)
        next = list[count - 1];
    next.billed.money.femto = next.billed.known && next.billed.money.femto == 7 ? 8 : 7;
    next.billed.known = true;
    return next;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct observation list[OBSERVATIONS_MAX], after[OBSERVATIONS_MAX], next, figures;
    struct text text = {(const char *)data, len};
    char buffer[ROW_OBSERVED_BYTES_MAX];
    size_t count = 0, more = 0;
    struct ledger_row row;
    int rc = observe_parse(text, list, &count);

    require(rc == 0 || rc == -EBADMSG);
    row_init(&row);
    row.observed = text;
    next = next_observation(list, count);
    require(observe_add(&row, &next, buffer) == (rc == 0 ? 1 : rc));
    if (rc != 0) {
        require(row.observed.bytes == text.bytes);
        return 0;
    }
    require(row.observed.len <= ROW_OBSERVED_BYTES_MAX);
    require(observe_parse(row.observed, after, &more) == 0);
    require(more <= count + 1);
    require_same(after[more - 1].billed, next.billed);
    require(after[0].source == (count > 0 ? list[0].source : next.source));
    if (more == count + 1 && count > 0) {
        require(memcmp(buffer, data, len - 1) == 0);
        require(buffer[len - 1] == ',');
    }
    observe_figures(after, more, &figures);
    require_same(figures.billed, row.billed);
    require_same(figures.upstream, row.upstream_cost);
    require_same(figures.market, row.market);
    require(observe_add(&row, &next, buffer) == 0);
    return 0;
}
