/* reads_private.h - shared by the reads_*.c files only.
 *
 * A ledger question is a job: made on a worker, answered on the reads thread (ask), sent on its
 * worker again. Whoever asked may be gone by then: the job holds a ticket that the request takes
 * back when it ends. No file but reads.c and reads_upstream.c knows sockets.
 */
#ifndef SERVER_READS_PRIVATE_H
#define SERVER_READS_PRIVATE_H

#include "accounting/ledger_find.h"
#include "accounting/price.h"
#include "accounting/tally.h"
#include "accounting/tally_keys.h"
#include "cache/store.h"
#include "server/dialect/model_map.h"
#include "server/dialect/out.h"
#include "server/dialect/problem.h"
#include "server/gateway.h"
#include "server/identity.h"
#include "server/reads.h"
#include "server/request_log.h"

enum {
    READS_QUEUE_MAX = 256,     /* questions that wait for the thread: 503 beyond */
    READS_WAIT_MS = 2000,      /* for rows to come out of the lanes */
    READS_DAYS_MAX = 366,      /* of one report */
    READS_ACTIVITY_DAYS = 30,  /* completed UTC days, as OpenRouter has it */
    READS_GROUPS_MAX = 10000,  /* of one answer */
    READS_VALUE_MAX = 1024,    /* bytes of a query parameter's value */
    READS_KEYS_MAX = 65536,    /* whose sums are kept in memory */
    READS_UPSTREAM_MS = 10000, /* for an upstream's answer about credits or endpoints */
    READS_UPSTREAM_BYTES = 4 * 1024 * 1024,
};

/* In whose words an answer is. All borrowed, all immutable. */
struct reads_view {
    const struct config *config;
    const struct model_map *models;
    enum config_dialect to;
};

/* One report. Texts are filters, empty where any value will do. */
enum report_group {
    REPORT_DAY,
    REPORT_USER,
    REPORT_MODEL,
    REPORT_TAG,
    REPORT_PROVIDER,
    REPORT_CREDENTIAL,
    REPORT_ZDR,
    REPORT_KEY_NAME,
    REPORT_GROUPS,
};
struct report_query {
    int64_t from_ms, to_ms; /* [from, to) */
    enum report_group group;
    bool by_hour; /* REPORT_DAY only */
    char user[ROW_NAME_MAX + 1], model[ROW_NAME_MAX + 1], provider[ROW_NAME_MAX + 1];
    int byok;                       /* -1: any, 0: system, 1: byok */
    char tags[READS_VALUE_MAX + 1]; /* comma list */
    bool all_tags;                  /* else any of them */
};

struct activity_query {
    int64_t from_ms, to_ms;
};

/* What is sent: a problem in the dialect's envelope, or a body. */
struct reads_reply {
    enum problem problem; /* PROBLEMS: none, body counts */
    char detail[256];     /* of a problem; empty: its own message */
    int status;           /* of the body */
    struct out body;      /* JSON */
};

struct reads_job;
struct reads_ticket; /* reads.c */

struct reads_job {
    struct reads_job *next, *all_next, **all_pointer; /* under reads->lock */
    struct reads *reads;
    struct worker *worker;
    struct reads_ticket *ticket;        /* NULL: the client left. Touched on the worker only */
    void (*ask)(struct reads_job *job); /* on the reads thread: fills reply */
    const struct route *route;
    struct reads_view view;
    int64_t now_ms;
    char key_id[IDENTITY_KEY_ID_LEN + 1];
    const struct config_client *client; /* NULL: none are configured */
    struct request_seal seal;           /* of the client's logged requests; wiped with the job */
    union {
        char id[ROW_ID_MAX + 1];
        struct report_query report;
        struct activity_query activity;
    } query;
    bool found; /* READ_GENERATIONS: row is to be printed with its logged request */
    struct ledger_row row;
    uint8_t bytes[ROW_ENCODED_MAX]; /* that row borrows from */
    struct reads_reply reply;
};

/* --- reads.c --- */

struct gateway *reads_gateway(const struct reads *reads);
const _Atomic bool *reads_stopping(const struct reads *reads);
/* On the reads thread: sums by key up to *reads_settled(); reads_key.c keeps both in step. */
struct tally_keys **reads_keys(struct reads *reads);
int64_t *reads_settled(struct reads *reads);

/* Sends what there is: with HEAD its head only. cache_control: static text. */
void reads_send(h2o_req_t *req, int status, struct text body, const char *cache_control);
void reads_refuse(h2o_req_t *req, const struct route *route, enum problem problem,
                  const char *detail);

/* reads_upstream.c: answered without the ledger, on the worker. */
void reads_answer_catalog(struct worker *worker, h2o_req_t *req, const struct route *route,
                          struct text rest, struct text query);
void reads_ask_credits(struct worker *worker, h2o_req_t *req, const struct route *route,
                       struct text api_key);
/* The same where clients are configured: the upstream's balance is not theirs to see. */
void reads_show_credits(struct worker *worker, h2o_req_t *req, const struct route *route,
                        const struct config_client *client);
void reads_ask_endpoints(struct worker *worker, h2o_req_t *req, const struct route *route,
                         struct text rest, struct text api_key);
/* What the words of an answer depend on. */
struct reads_view reads_view(const struct gateway *gateway, const struct route *route);

void reads_problem(struct reads_reply *reply, enum problem problem, const char *detail);
/* What an errno of the ledger is to a client. */
void reads_ledger_error(struct reads_reply *reply, int error);

/* --- reads_query.c: pure --- */

/* The value of the first parameter of that name, decoded, with a NUL. -ENOENT: there is none;
 * -EINVAL: it is not UTF-8 in percent-encoding, holds a NUL, or is longer than size - 1. */
int reads_query_get(struct text query, const char *name, char *value, size_t size, size_t *ret_len);
/* "2026-11-20" -> the day's first millisecond; -EINVAL. Years 1970 to 9998. */
int reads_parse_date(struct text text, int64_t *ret_ms);
/* YYYY-MM-DD, and with `hour` THH behind it. */
enum { READS_DAY_TEXT = 13 };
size_t reads_print_day(int64_t ms, bool hour, char text[READS_DAY_TEXT + 1]);
void reads_print_time(struct out *out, int64_t ms); /* "2026-11-20T22:51:51.123Z" with quotes */

/* What a question of a kind says. 0, or -EINVAL and what is wrong in detail (static text). */
int reads_parse_report(struct text query, struct report_query *ret_query, const char **ret_detail);
int reads_parse_activity(struct text query, int64_t now_ms, struct activity_query *ret_query,
                         const char **ret_detail);

/* --- words (reads_words.c): pure --- */

/* A row's model in the words of the view; the text lives in buffer or in the row. */
struct text reads_model(const struct reads_view *view, const struct ledger_row *row,
                        char buffer[ROW_NAME_MAX + 1]);
struct text reads_provider(const struct reads_view *view, const struct ledger_row *row,
                           char buffer[ROW_NAME_MAX + 1]);
/* All input, cache reads and writes included, whatever the API's own count leaves out. */
int64_t reads_prompt(const struct usage *usage);
/* A member of an object; unknown is null. */
void reads_text(struct out *out, const char *name, struct text text);
void reads_count(struct out *out, const char *name, int64_t count);
void reads_money(struct out *out, const char *name, struct maybe_money money);
void reads_bool(struct out *out, const char *name, bool value);
void reads_null(struct out *out, const char *name);

/* --- printing --- */

/* One row as {"data":{...}} in the view's dialect. -EAGAIN: its cost is not known yet; -ENODATA: it
 * never will be; out is empty then. */
int reads_print_generation(const struct reads_view *view, const struct ledger_row *row,
                           struct out *out);
/* One row in AI Stats' shape; request: the logged JSON, or empty. */
void reads_print_record(const struct reads_view *view, const struct ledger_row *row,
                        struct text request, struct out *out);
/* client: whose key it is, with the states of its budgets; NULL: none is configured. */
void reads_print_key(const char *key_id, const struct tally_key *key,
                     const struct config_client *client,
                     const struct budget_state states[BUDGET_PERIODS], struct out *out);
/* Which of these periods has the least left, and how much (not below 0); -1: none is limited. */
int reads_tightest(const struct budget_state states[BUDGET_PERIODS], struct money *ret_left);
/* What a client may still spend, instead of the balance of whoever pays: its tightest budget, in
 * the words of `to`. -ENOENT: it has none. */
int reads_print_own_credits(const struct budget_state states[BUDGET_PERIODS],
                            enum config_dialect to, struct out *out);
/* {"balance","total_used"} or {"data":{"total_credits","total_usage"}}, whichever it is, as the
 * other; -EBADMSG: neither. */
int reads_print_credits(struct text answer, enum config_dialect to, struct out *out);
/* An upstream's list of endpoints in the words of `to`; id: as the client asked. -EBADMSG. */
int reads_print_endpoints(const struct reads_view *view, enum config_dialect from, struct text id,
                          struct text answer, struct out *out);

/* --- groups: rows in, one after the other, then the answer --- */

struct report;
struct report *report_new(const struct reads_view *view, const struct report_query *query);
void report_free(struct report *report);
int report_add(struct report *report, const struct ledger_row *row);
void report_print(struct report *report, struct out *out);

struct activity;
struct activity *activity_new(const struct reads_view *view);
void activity_free(struct activity *activity);
int activity_add(struct activity *activity, const struct ledger_row *row);
void activity_print(struct activity *activity, struct out *out);

/* --- questions: on the reads thread --- */

void reads_ask_generation(struct reads_job *job);
void reads_ask_record(struct reads_job *job);
void reads_ask_key(struct reads_job *job);
void reads_ask_activity(struct reads_job *job);
void reads_ask_report(struct reads_job *job);

#endif
