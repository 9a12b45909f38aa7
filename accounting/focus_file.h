/* focus_file.h - a FOCUS dataset read back, line by line, for the validator. It trusts nothing: any
 * bytes may come. Memory is one line of at most FOCUS_RECORD_MAX.
 *
 * Threads: one per file.
 */
#ifndef ACCOUNTING_FOCUS_FILE_H
#define ACCOUNTING_FOCUS_FILE_H

#include "accounting/focus_columns.h"

enum { FOCUS_RECORD_MAX = 64 * 1024, FOCUS_FIELDS_MAX = 256, FOCUS_FAULT_MAX = 160 };

struct json_object;

struct focus_file {
    FILE *in; /* borrow */
    enum focus_form form;
    uint64_t line;  /* number of the line that was read last; a CSV's header is 1 */
    uint64_t lines; /* of data */
    bool present[FOCUS_COLUMNS];
    bool misplaced;              /* a FOCUS column stands behind one of ours */
    bool twice;                  /* a column stands twice */
    bool foreign;                /* a name that is neither a FOCUS column's nor begins with x_ */
    struct focus_cells cells;    /* of the line. borrow: until the next one is read */
    bool empty[FOCUS_COLUMNS];   /* an empty string where null is meant */
    bool wrong[FOCUS_COLUMNS];   /* not of the type that the column has in JSON lines */
    char fault[FOCUS_FAULT_MAX]; /* why reading ended with -EBADMSG */

    /* private */
    unsigned field_count;
    enum focus_column columns[FOCUS_FIELDS_MAX]; /* of a CSV's fields; FOCUS_COLUMNS: none */
    struct text fields[FOCUS_FIELDS_MAX];
    bool quoted[FOCUS_FIELDS_MAX];
    unsigned fields_read;
    int line_end; /* '\r' or '\n', 0: none was seen yet */
    struct json_object *root;
    size_t used;
    char text[FOCUS_RECORD_MAX];
};

/* Reads a CSV's header. -EBADMSG: see fault; -EIO. -ENOMEM leaves *ret_file alone, everything else
 * gives it. borrow: in. */
int focus_file_open(FILE *in, enum focus_form form, struct focus_file **ret_file);
void focus_file_close(struct focus_file *file); /* accepts NULL */
/* 1: a line; 0: that was all; -EBADMSG: see fault; -EIO. */
int focus_file_next(struct focus_file *file);

#endif
