/* tally_keys.h - what each API key has spent: in all, and in the current UTC day, week and month.
 *
 * Rows come oldest first; a period's sum begins anew with the first row of the next period. Weeks
 * begin on Monday. Only what is known to be billed counts: a pending row adds nothing yet.
 *
 * Threads: one per struct.
 */
#ifndef ACCOUNTING_TALLY_KEYS_H
#define ACCOUNTING_TALLY_KEYS_H

#include "accounting/row.h"

enum tally_period { TALLY_TOTAL, TALLY_DAY, TALLY_WEEK, TALLY_MONTH, TALLY_PERIODS };

struct tally_key {
    struct money billed[TALLY_PERIODS]; /* by the gateway: fees only under the client's own key */
    struct money byok[TALLY_PERIODS];   /* by the model's vendor, under the client's own key */
    int64_t from_ms[TALLY_PERIODS];     /* the period that a sum is of began then */
};
#define TALLY_KEY_INIT ((struct tally_key){.from_ms = {0}})

/* -EOVERFLOW: a sum does not fit; the key is of no use any more. */
int tally_key_add(struct tally_key *key, const struct ledger_row *row);
/* Begins the periods anew that have ended by now_ms. */
void tally_key_advance(struct tally_key *key, int64_t now_ms);

/* Sums of all keys that have spent anything. */
struct tally_keys;
struct tally_keys *tally_keys_new(size_t keys_max); /* give; NULL: no memory */
void tally_keys_free(struct tally_keys *keys);      /* accepts NULL */

/* -ENOMEM, -EOVERFLOW. Rows of new keys beyond keys_max are left out. */
int tally_keys_add(struct tally_keys *keys, const struct ledger_row *row);
/* False: nothing is known of the key, because there were more than keys_max; its rows must be
 * looked at. Else *ret_key: its sums, zero for one that has spent nothing. */
bool tally_keys_get(const struct tally_keys *keys, struct text key_id, struct tally_key *ret_key);

#endif
