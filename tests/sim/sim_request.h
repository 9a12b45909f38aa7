/* sim_request.h - what a POST asks for, read from whichever shape its API has.
 *
 * Ownership: strings live in the request's pool or in its body. Threads: doc is the worker's own.
 */
#ifndef TESTS_SIM_REQUEST_H
#define TESTS_SIM_REQUEST_H

#include "cache/json.h"
#include "tests/sim/sim_h2o.h"
#include "tests/sim/sim_route.h"

#include <stdbool.h>
#include <stdint.h>

enum { SIM_FALLBACKS_MAX = 8, SIM_INPUTS_MAX = 4096 };

struct sim_request {
    bool valid;         /* a JSON object, or a form where forms are accepted */
    bool complete;      /* what the API cannot do without is there, the model apart */
    const char *wanted; /* names of that, for a refusal; static */
    h2o_iovec_t model;  /* base NULL: not said */
    h2o_iovec_t first_user, last_user; /* text of the first and the last thing the user says */
    size_t text_bytes;                 /* of everything that counts as prompt */
    bool stream;
    bool include_usage;  /* stream_options.include_usage */
    bool thinking;       /* the request asks for it */
    bool base64;         /* encoding_format */
    bool metadata;       /* X-OpenRouter-Metadata: enabled */
    int64_t output_max;  /* tokens, reasoning included; -1: not said */
    int64_t dimensions;  /* of vectors; -1: not said */
    int64_t count;       /* images wanted; at least 1 */
    h2o_iovec_t *inputs; /* embeddings: each input; rerank: each document */
    size_t input_count;
    h2o_iovec_t fallbacks[SIM_FALLBACKS_MAX]; /* models after the first */
    size_t fallback_count;
    h2o_iovec_t filename, purpose; /* of an uploaded file */
    size_t file_bytes;
};

/* Always reads something. */
void sim_request_read(struct json_doc *doc, h2o_req_t *req, const struct sim_route *route,
                      struct sim_request *ret_request);

/* sim_form.c: the same of a multipart form. False: the body is none. */
bool sim_form_read(h2o_req_t *req, struct sim_request *request);

/* The value of a request header; base NULL without one. */
h2o_iovec_t sim_header(h2o_req_t *req, const char *name);

#endif
