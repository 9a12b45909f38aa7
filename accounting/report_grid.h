/* report_grid.h - a table for a terminal: cells are collected, then printed in columns as wide as
 * their widest cell. Decimals stand with their points below each other, so that exact sums of any
 * length can be compared by eye.
 *
 * Errors stick: after the first -ENOMEM everything is ignored, and report_grid_print() says so.
 *
 * Threads: one per grid.
 */
#ifndef ACCOUNTING_REPORT_GRID_H
#define ACCOUNTING_REPORT_GRID_H

#include "accounting/report_writer.h"

enum report_align { REPORT_LEFT, REPORT_RIGHT, REPORT_POINT };
enum {
    REPORT_COLUMNS_MAX = 16,
    REPORT_NAME_WIDTH = 48, /* bytes of a name that are shown; more ends in "..." */
};

struct report_grid {
    size_t columns, cells;
    enum report_align aligns[REPORT_COLUMNS_MAX];
    size_t heading[REPORT_COLUMNS_MAX];                         /* widths: of the first row, */
    size_t left[REPORT_COLUMNS_MAX], right[REPORT_COLUMNS_MAX]; /* before and from the point */
    char *bytes; /* the cells, each ends with a NUL */
    size_t len, size;
    int error;
};

void report_grid_init(struct report_grid *grid, const enum report_align *aligns, size_t columns);
void report_grid_release(struct report_grid *grid);

/* The next cell, row by row; the first row are the headings. */
void report_grid_headings(struct report_grid *grid, const char *const *names); /* a whole row */
void report_grid_word(struct report_grid *grid, const char *word);             /* plain already */
void report_grid_name(struct report_grid *grid, struct text name);             /* empty: "-" */
void report_grid_count(struct report_grid *grid, int64_t count);               /* negative: "-" */
void report_grid_money(struct report_grid *grid, const struct maybe_money *money);
void report_grid_percent(struct report_grid *grid, __int128 part, __int128 whole);

/* Writes all rows, each indented by two blanks. -ENOMEM. */
int report_grid_print(const struct report_grid *grid, FILE *out);

#endif
