/* cors.h - what browsers are told (openrouter-api.md section 8, WHATWG Fetch): any origin, and
 * beside OpenRouter's lists our cache headers, so that pages can send and read them.
 *
 * Threads: a request's own worker.
 */
#ifndef SERVER_CORS_H
#define SERVER_CORS_H

#include <h2o.h>

/* On the answer to a request with an Origin: who may read it, and which headers. */
void cors_add(h2o_req_t *req);
void cors_add_if_asked(h2o_req_t *req);

/* Answers OPTIONS with 204: a preflight, or the question which methods there are. methods: as for
 * Allow. */
void cors_answer(h2o_req_t *req, const char *methods);

#endif
