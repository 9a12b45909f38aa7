/* rating_fuzz.c - any bytes are a rating or are refused; a rating prints as the very bytes it was
 * read from; and whatever is shared out over its lines adds up. */
#include "accounting/rating.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_shares(const struct estimate *estimate, struct money cost)
{
    struct money shares[PRICE_UNITS], sum = {0};
    int rc = rating_allocate(estimate, cost, shares);

    require(rc == 0 || rc == -EINVAL);
    for (unsigned i = 0; rc == 0 && i < estimate->count; i++) {
        require(money_add(sum, shares[i], &sum) == 0);
        require(shares[i].femto == 0 || (shares[i].femto < 0) == (cost.femto < 0));
        require(shares[i].femto == 0 || estimate->lines[i].cost.femto > 0);
    }
    require(rc != 0 || money_compare(sum, cost) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct text text = {(const char *)data, len};
    struct estimate estimate = {.count = 0};
    char again[ROW_RATING_BYTES_MAX];
    struct money cost = {0};
    int rc = rating_parse(text, &estimate);

    require(rc == 0 || rc == -EBADMSG || rc == -EOVERFLOW);
    if (rc != 0)
        return 0;
    require(rating_print(&estimate, again) == len);
    require(memcmp(again, data, len) == 0);
    require_shares(&estimate, estimate.cost);
    memcpy(&cost.femto, data, len < sizeof(cost.femto) ? len : sizeof(cost.femto));
    require_shares(&estimate, cost);
    return 0;
}
