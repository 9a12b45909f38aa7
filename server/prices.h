/* prices.h - the price table in force, and how it is kept fresh.
 *
 * A table is immutable; a refresh makes a new one, and whoever uses the old one keeps it until it
 * is done. With `prices.refresh` the list of one upstream (GET {base_url}/models) is read on that
 * schedule and imported over the table (price_import.h): a model whose rates changed gets a version
 * from then on, all older versions stay. The new table is written to `prices.file` (beside it, then
 * renamed); where that fails it serves from memory, and the log says so.
 *
 * Threads: any, but for what says otherwise.
 */
#ifndef SERVER_PRICES_H
#define SERVER_PRICES_H

#include "accounting/price.h"
#include "accounting/settle.h"
#include "server/config.h"
#include "server/dialect/model_map.h"

struct prices;
struct worker;

/* Without `prices.file`: an empty table. -EINVAL and others with text in error. give. */
int prices_open(const struct config *config, struct prices **ret_prices, char *error,
                size_t error_size);
void prices_free(struct prices *prices); /* after prices_stop(); accepts NULL */

/* The table in force now. share: give it back with prices_done(). */
const struct price_table *prices_use(struct prices *prices);
void prices_done(struct prices *prices, const struct price_table *table);

/* What rates a row of one of these models: the first that the table knows, as it is or by its name
 * at Vercel, which is what tables go by. borrow: of the table. */
struct settle_prices prices_of(const struct price_table *table, const struct model_map *map,
                               const struct text *models, size_t count);

/* The version that holds at an instant; NULL: none, or one without prices. borrow: of the table. */
const struct price *prices_at(const struct settle_prices *prices, int64_t at_ms);

/* Worker 0, about once a second; and at shutdown, when no worker runs any more. */
void prices_tick(struct prices *prices, struct worker *worker);
void prices_stop(struct prices *prices);

#endif
