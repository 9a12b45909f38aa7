/* bill_private.h - what the parts of bill.h share: the report's reader (bill_report.c), the search
 * for causes (bill_cause.c), both forms of output (bill_print.c).
 *
 * Threads: one per bill.
 */
#ifndef ACCOUNTING_BILL_PRIVATE_H
#define ACCOUNTING_BILL_PRIVATE_H

#include "accounting/bill.h"
#include "accounting/ledger_month.h"
#include "accounting/report_table.h"
#include "accounting/tally.h"

enum {
    BILL_LINES_MAX = 250000, /* days and models of both sides; the rest is one line, "(others)" */
    BILL_DAY_SIZE = 32,
    BILL_NO_DAY = -1,
};

/* The order of the table in bill_print.c. */
enum bill_cause {
    BILL_EQUAL,
    BILL_NOT_IN_REPORT,
    BILL_NOT_IN_LEDGER,
    BILL_PENDING,
    BILL_UNREPORTED,
    BILL_BYOK,
    BILL_SURCHARGE,
    BILL_REQUESTS,
    BILL_DAY_BORDER,
    BILL_TOKEN_COUNT,
    BILL_UNEXPLAINED,
    BILL_CAUSES,
};

/* What one side says of a line. Counts: negative where it does not say. */
struct bill_side {
    bool present; /* it has rows for the line */
    int64_t requests;
    int64_t tokens[TALLY_TOKENS];
    struct maybe_money cost;      /* what the gateway bills, fees included */
    struct maybe_money market;    /* list price */
    struct maybe_money surcharge; /* the vendor's only: fees within cost */
    struct maybe_money upstream;  /* what the model's vendor bills besides, under one's own key */
};

struct bill_line {
    struct bill_side vendor, ledger;
    int64_t pending, unreported, byok; /* requests of the ledger */
    struct maybe_money byok_cost;      /* of the ledger's cost, under one's own key */
    int64_t day_ms;                    /* BILL_NO_DAY: not by day */
    size_t rank;                       /* by model and day */
    struct money difference;           /* vendor - ledger */
    bool agrees;
    enum bill_cause cause;
};

enum bill_vendor { BILL_VERCEL, BILL_OPENROUTER };

struct bill {
    const struct bill_order *order; /* borrow */
    enum bill_vendor vendor;
    bool by_day, by_model;
    size_t rows;                       /* of the report, in the month */
    int64_t first_day_ms, last_day_ms; /* of those; BILL_NO_DAY */
    size_t outside_rows;               /* of other months: left out */
    struct maybe_money outside;
    char first_upstream[ROW_NAME_MAX + 1]; /* of the ledger's rows */
    bool several_upstreams;

    struct report_table *table; /* struct bill_line, by model and day */
    struct report_table *names; /* of models: bill_report.c */
    struct bill_line **lines;   /* by day, then model; after bill_settle() */
    size_t count, differing;
    struct bill_line total;
    struct {
        size_t lines;
        struct money difference;
    } causes[BILL_CAUSES];
};

extern const struct bill_line bill_line_empty;

/* The line of a model and a day, either of which may be none; NULL: no memory. */
struct bill_line *bill_line(struct bill *bill, struct text model, int64_t day_ms);

int bill_side_add(struct bill_side *sum, const struct bill_side *side); /* -EOVERFLOW */

/* Adds the report's rows to the vendor's sides. Errors as bill_write(). */
int bill_read_report(struct bill *bill, char *error, size_t error_size);
/* The report's name of a model of ours: a dated name that the report knows counts as its model.
 * -ENOMEM. borrow: from model or from the bill. */
int bill_name(struct bill *bill, struct text model, struct text *ret_name);

/* Sorts the lines, finds differences and causes, adds up. -ENOMEM, -EOVERFLOW. */
int bill_settle(struct bill *bill);

int bill_print_text(const struct bill *bill, FILE *out); /* -ENOMEM */
void bill_print_json(const struct bill *bill, FILE *out);
/* "2026-11-20"; "" for BILL_NO_DAY. */
void bill_day_print(int64_t day_ms, char text[BILL_DAY_SIZE]);

#endif
