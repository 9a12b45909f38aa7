/* sim_behaviour.h - the JSON object that says how one answer behaves (keys: README.md).
 *
 * Strict: an unknown key, a wrong type or a combination that cannot be played is refused with a
 * sentence, so that a misspelt key fails a test instead of testing nothing.
 *
 * Ownership: strings live in the pool that was given, or in the text that was read.
 */
#ifndef TESTS_SIM_BEHAVIOUR_H
#define TESTS_SIM_BEHAVIOUR_H

#include "cache/json.h"
#include "tests/sim/sim_cost.h"

#include "tests/sim/sim_h2o.h"
#include <stdbool.h>
#include <stdint.h>

enum sim_place { SIM_NOWHERE, SIM_CONNECT, SIM_HEADERS, SIM_MIDDLE, SIM_END };
enum sim_metadata {
    SIM_METADATA_USUAL, /* as Vercel spells it on that API */
    SIM_METADATA_SNAKE,
    SIM_METADATA_CAMEL,
    SIM_METADATA_NONE,
};
enum sim_usage_place { SIM_USAGE_LAST, SIM_USAGE_SEPARATE };

#define SIM_UNSET INT64_MIN

enum {
    SIM_RECORD_NEVER = -1,
    SIM_ERROR_SIZE = 160,
    SIM_TRIED_MAX = 8,
};

struct sim_behaviour {
    h2o_iovec_t text, raw, content_type, retry_after;    /* base NULL: not given */
    h2o_iovec_t reasoning, provider, served_model, path; /* likewise */
    h2o_iovec_t models_tried[SIM_TRIED_MAX]; /* each failed before the one that served */
    h2o_iovec_t service_tier, cost_member;
    h2o_iovec_t tool_name, tool_arguments;                 /* tool_name.base NULL: no tool call */
    int64_t size, delay, chunks, gap, status, error_frame; /* SIM_UNSET: not given */
    int64_t prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens, reasoning_tokens;
    int64_t write_1h_tokens, web_searches;
    int64_t record_prompt_tokens, record_completion_tokens, record_errors;
    int64_t comment_ms;
    int64_t tried_count; /* of models_tried */
    int64_t generation;  /* ms, SIM_RECORD_NEVER or SIM_UNSET */
    struct sim_billing billing;
    __int128 record_cost; /* negative: as billed */
    enum sim_place die, hang;
    enum sim_cost_format cost_format;
    enum sim_metadata metadata;
    enum sim_usage_place usage;
    bool no_cost, no_done, no_finish, endless, gzip, refuse_html, empty, delta_cost,
        record_wrong_id;
};

/* What an empty object means. */
struct sim_behaviour sim_behaviour_default(void);

/* Reads one object. doc: scratch. On failure -EINVAL with the reason in error, and *ret_behaviour
 * keeps its value. */
int sim_behaviour_read(struct json_doc *doc, h2o_mem_pool_t *pool, const char *json, size_t len,
                       struct sim_behaviour *ret_behaviour, char error[SIM_ERROR_SIZE]);

/* Length of the JSON object that text begins with, found by its braces; 0 when it never closes. */
size_t sim_behaviour_span(const char *text, size_t len);

#endif
