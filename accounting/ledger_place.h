/* ledger_place.h - a row's place as text, "1795215111123/18014398509481984": how a correction names
 * the row that it corrects, and how people are told of a row. Threads: pure functions.
 */
#ifndef ACCOUNTING_LEDGER_PLACE_H
#define ACCOUNTING_LEDGER_PLACE_H

#include "accounting/ledger.h"

/* Length, without the NUL that follows. */
size_t ledger_place_print(const struct ledger_ref *ref, char text[ROW_PLACE_MAX]);
/* -EINVAL for anything that ledger_place_print() does not write. */
int ledger_place_parse(struct text text, struct ledger_ref *ret_ref);

#endif
