/* verify_row.h - the laws of one row, by itself (verify.h).
 * Threads: pure functions.
 */
#ifndef ACCOUNTING_VERIFY_ROW_H
#define ACCOUNTING_VERIFY_ROW_H

#include "accounting/ledger.h"

struct verify_row {
    const struct ledger_ref *ref;
    const uint8_t *bytes;
    size_t len;
    int64_t tolerance_ppm;
    bool early; /* from before rows kept their rating and observations: what lacks is no breach */
};

/* The law that it breaks, to be read behind "the row"; NULL: none. *ret_decoded: ret_row is there,
 * whatever law is broken; its texts borrow from bytes. */
const char *verify_row(const struct verify_row *check, bool *ret_decoded,
                       struct ledger_row *ret_row);

#endif
