/* export.h - a month of the ledger as CSV or JSON lines, row by row or grouped (design 2.5).
 *
 * CSV is RFC 4180: header row, CRLF-free LF line ends, UTF-8, oldest first, decimals in plain
 * notation, unknown is empty. JSON lines carry the same names; decimals are strings, counts are
 * numbers, booleans are booleans, unknown is null. Text stands as it was recorded, also where a
 * spreadsheet would take it for a formula.
 */
#ifndef ACCOUNTING_EXPORT_H
#define ACCOUNTING_EXPORT_H

#include "accounting/ledger.h"

#include <stdio.h>

enum export_format { EXPORT_CSV, EXPORT_JSONL };

/* Group keys of --by, in design 2.5's words. */
enum export_key {
    EXPORT_MODEL,
    EXPORT_PROVIDER,
    EXPORT_KEY,
    EXPORT_CLIENT,
    EXPORT_PROJECT,
    EXPORT_USER,
    EXPORT_APP,
    EXPORT_TAG,
    EXPORT_DAY,
    EXPORT_UPSTREAM,
    EXPORT_API,
    EXPORT_KEYS,
};
/* -EINVAL for a word that is no key. */
int export_key_parse(const char *text, size_t len, enum export_key *ret_key);

/* "2026-11" -> [from, to) in unix ms UTC. -EINVAL for anything else (month 13, year 0, junk). */
int export_month_parse(const char *text, size_t len, int64_t *ret_from_ms, int64_t *ret_to_ms);

/* Writes the rows. A month without rows is the header only (CSV) or nothing (JSON lines).
 * -EIO when out fails (errno is not relied on). */
int export_rows(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                enum export_format format, FILE *out);

/* One row as the object that its JSON line is, without the line's end: for answers that hold rows
 * inside a larger document. -EIO, -ENOMEM. */
int export_row_json(const struct ledger_row *row, FILE *out);

/* by: one to EXPORT_KEYS different keys, else -EINVAL.
 * Writes groups: the group's columns (`key_id` for key, `day` as YYYY-MM-DD), `requests`, `hits`
 * (cache hit or collapsed), and the sums of the token and money columns; sorted by group. A sum
 * over rows of which none knows the value is empty. Rows with several tags count in each tag. */
int export_groups(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                  const enum export_key *by, size_t by_count, enum export_format format, FILE *out);

/* True when grouping by these keys counts some rows more than once (tags): the caller says so. */
bool export_groups_overlap(const enum export_key *by, size_t by_count);

#endif
