/* compare.h - the same prompts through several upstreams and models: `tollgate compare`.
 *
 * compare_prompts.c reads what to ask, compare_answer.c what came, compare_gateway.c finds or
 * starts the gateway that asks, compare_print.c shows it, compare_baseline.c holds it against an
 * earlier run; command_compare.c puts them together.
 *
 * Threads: one.
 */
#ifndef SERVER_COMPARE_H
#define SERVER_COMPARE_H

#include "accounting/price.h"
#include "accounting/row.h"
#include "server/config.h"
#include "server/dialect/out.h"

#include <stdio.h>
#include <sys/types.h>

enum {
    COMPARE_PROMPTS_MAX = 10000,
    COMPARE_PROMPTS_BYTES_MAX = 16 * 1024 * 1024,
    COMPARE_BASELINE_BYTES_MAX = 256 * 1024 * 1024,
    COMPARE_ANSWER_BYTES_MAX = 16 * 1024 * 1024, /* of one answer, as it travels */
    COMPARE_MODELS_MAX = 32,
    COMPARE_ERROR_MAX = 256,
    COMPARE_ID_MAX = 128, /* bytes of a prompt's id */
};

/* --- what is asked --- */

struct compare_prompt {
    char id[COMPARE_ID_MAX + 1]; /* as stated, else the number of its line */
    struct out members;          /* of the body, behind the model: `"messages":[...],...` */
};
struct compare_prompts {
    struct compare_prompt *prompt;
    unsigned count;
};
/* JSON lines: {"id"?, "prompt"} or {"id"?, "messages"}, and any other members of a chat body; blank
 * lines are passed over. 0; -EINVAL with "line N: what is wrong" in error; -ENOMEM. give: prompts,
 * also on failure. */
int compare_prompts_read(const char *text, size_t len, struct compare_prompts *prompts, char *error,
                         size_t error_size);
void compare_prompts_release(struct compare_prompts *prompts);
/* The whole body, streaming. */
void compare_prompt_body(const struct compare_prompt *prompt, const char *model, struct out *body);

/* --- what came --- */

struct compare_result {
    const char *prompt, *model, *upstream; /* borrow */
    long status;                           /* 0: there was no answer */
    bool cached; /* the first request was a hit already: an earlier run's */
    char provider[ROW_NAME_MAX + 1], served[ROW_NAME_MAX + 1]; /* empty: not said */
    int64_t first_us, total_us, hit_us; /* to the first token, to the end; -1: not known */
    struct maybe_money reported, estimated;
    struct usage usage;
    struct out answer;
    char error[COMPARE_ERROR_MAX]; /* empty: it is an answer */
};

/* One answer while it comes. Times are of a monotonic clock, in microseconds. */
struct compare_reader;
/* give; NULL: no memory. */
struct compare_reader *compare_reader_new(int64_t now_us);
void compare_reader_free(struct compare_reader *reader);
void compare_reader_header(struct compare_reader *reader, struct text name, struct text value);
/* 0; -EFBIG; -ENOMEM. */
int compare_reader_bytes(struct compare_reader *reader, const char *bytes, size_t len,
                         int64_t now_us);
bool compare_reader_is_hit(const struct compare_reader *reader);
/* Into result: all but the names and hit_us. prices NULL: none. now_ms: wall clock. */
void compare_reader_end(struct compare_reader *reader, long status, int64_t now_us,
                        const struct price_table *prices, int64_t now_ms,
                        struct compare_result *result);

/* --- who asks --- */

struct compare_gateway {
    char *url;           /* "http://127.0.0.1:8080" */
    const char *ca_file; /* its own certificate, or NULL; borrowed from the configuration */
    pid_t child;         /* 0: it ran already */
    int output;          /* the child's standard output */
    unsigned stop_ms;    /* how long it may take to stop */
};
/* One that answers at the first address of the configuration, else a child of ours. 0; a negative
 * errno with what is wrong in error. */
int compare_gateway_open(const struct config *config, struct compare_gateway *gateway, char *error,
                         size_t error_size);
void compare_gateway_close(struct compare_gateway *gateway); /* stops the child */
/* The address in the line that serve prints when it is ready, where this machine reaches it: 0 or
 * -EINVAL. give: *ret_url. */
int compare_gateway_read_line(const char *line, char **ret_url);

/* --- what is shown --- */

/* Of an earlier run's --json. */
struct compare_baseline;
/* -EINVAL with "line N: what is wrong" in error; -ENOMEM. borrow: text, as long as the baseline.
 * give. */
int compare_baseline_read(const char *text, size_t len, struct compare_baseline **ret_baseline,
                          char *error, size_t error_size);
void compare_baseline_free(struct compare_baseline *baseline);
struct compare_difference {
    bool found; /* the earlier run has this prompt, model and upstream, with an answer */
    struct maybe_money cost; /* now - then; unknown when either is */
    bool first_known, total_known;
    int64_t first_us, total_us; /* now - then */
    bool same_answer;
};
void compare_baseline_find(const struct compare_baseline *baseline,
                           const struct compare_result *result,
                           struct compare_difference *ret_difference);

struct compare_widths {
    int prompt, model, upstream;
};
/* difference NULL: there is no baseline. */
void compare_print_head(const struct compare_widths *widths, bool baseline, FILE *out);
void compare_print_row(const struct compare_widths *widths, const struct compare_result *result,
                       const struct compare_difference *difference, FILE *out);
int compare_print_json(const struct compare_result *result,
                       const struct compare_difference *difference, FILE *out);

#endif
