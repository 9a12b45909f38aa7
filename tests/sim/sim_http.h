/* sim_http.h - small answers, for the files that have endpoints. Threads: the request's worker. */
#ifndef TESTS_SIM_HTTP_H
#define TESTS_SIM_HTTP_H

#include "tests/sim/sim_worker.h"

int sim_respond(h2o_req_t *req, int status, const char *type, const char *bytes, size_t len);
/* take: text. */
int sim_respond_json(h2o_req_t *req, int status, struct sim_text *text);
/* In Vercel's envelope. */
int sim_respond_error(h2o_req_t *req, int status, const char *type, const char *message);

bool sim_method_is(h2o_req_t *req, const char *method);
/* The value of a parameter of the query, not decoded; bytes NULL without one. */
struct sim_span sim_query(h2o_req_t *req, const char *name);

#endif
