/* ledger_crc.h - CRC-32C (Castagnoli), the check of a journal record.
 * Threads: any. Start with crc 0; feed the last result to go on.
 */
#ifndef ACCOUNTING_LEDGER_CRC_H
#define ACCOUNTING_LEDGER_CRC_H

#include <stddef.h>
#include <stdint.h>

uint32_t ledger_crc(uint32_t crc, const void *bytes, size_t len);

/* The same without the processor's own instruction: for other machines, and for the test that
 * both agree. */
uint32_t ledger_crc_portable(uint32_t crc, const void *bytes, size_t len);

#endif
