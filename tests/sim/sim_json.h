/* sim_json.h - writes JSON from a template that looks like it: apostrophes stand for quotes.
 *
 *     sim_json(text, "{'id':%j,'created':%i,'model':%v}", id, seconds, &model);
 *
 * | directive | argument | writes |
 * |---|---|---|
 * | %j | const char * | a string; null for NULL |
 * | %v | const h2o_iovec_t * | a string |
 * | %e | const h2o_iovec_t * | the inside of a string |
 * | %r | const char * | the text as it is |
 * | %i | int64_t | a number |
 * | %b | int | true or false |
 * | %d | const __int128 * | 1e-15 USD as a decimal in quotes |
 * | %n | const __int128 *, int (enum sim_cost_format) | the same as that format says |
 * | %h | const uint8_t *, size_t | hex digits |
 *
 * The compiler does not check the arguments; each must have exactly its type.
 *
 * Threads: pure, apart from text.
 */
#ifndef TESTS_SIM_JSON_H
#define TESTS_SIM_JSON_H

#include "tests/sim/sim_cost.h"
#include "tests/sim/sim_h2o.h"

void sim_json(struct sim_text *text, const char *template, ...);

#endif
