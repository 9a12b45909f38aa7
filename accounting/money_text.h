/* money_text.h - reads back what money_print() wrote, to the last digit.
 *
 * money_parse() is for texts of outside: it takes more than 15 significant digits for binary noise.
 * Sums of ours may have more, and an export or a head that is read back must give the very sum.
 * Threads: pure functions.
 */
#ifndef ACCOUNTING_MONEY_TEXT_H
#define ACCOUNTING_MONEY_TEXT_H

#include "accounting/money.h"

/* The whole of text. -EBADMSG for anything that money_print() does not write. */
int money_text_read(const char *text, size_t len, struct money *ret_money);

#endif
