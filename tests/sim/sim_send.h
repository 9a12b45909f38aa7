/* sim_send.h - sends a rendered answer: its delay, its pieces in their time, its fault.
 *
 *     sim_send -> (delay) -> begin -> advance <-> in flight (libh2o writes) -> settled
 *                                        |  \-> waiting for the next piece (timer)
 *                                        \----> fault: die (settled) or hang (until the client
 * goes)
 *
 * Every call is settled once: done when its last byte was handed over, died by its fault, or
 * aborted when the request was disposed of before either. Threads: the worker's own.
 */
#ifndef TESTS_SIM_SEND_H
#define TESTS_SIM_SEND_H

#include "tests/sim/sim_worker.h"

/* take: answer (the caller's is left empty). borrow: plan; its strings live as long as req; id. */
void sim_send(struct sim_worker *worker, h2o_req_t *req, const struct sim_plan *plan,
              struct sim_answer *answer, uint64_t serial, const char *id);

#endif
