/* sim_responses.h - what a response and its events share. For sim_responses.c, which writes the
 * object, and sim_responses_events.c, which streams it.
 *
 * Threads: pure, apart from the text that is written.
 */
#ifndef TESTS_SIM_RESPONSES_H
#define TESTS_SIM_RESPONSES_H

#include "tests/sim/sim_forms.h"

enum sim_progress { SIM_BEGUN, SIM_FINISHED, SIM_FAILED };

/* The whole response object. Begun: no output, no usage. */
void sim_response_write(struct sim_text *text, const struct sim_plan *plan,
                        const struct sim_moment *moment, enum sim_progress progress);
/* One item of its output; begun: with nothing in it. */
void sim_response_item(struct sim_text *text, const struct sim_plan *plan,
                       const struct sim_moment *moment, enum sim_block block,
                       enum sim_progress progress);
/* The item's id, quotes included. */
void sim_response_item_id(struct sim_text *text, const struct sim_moment *moment,
                          enum sim_block block);

#endif
