/* answer_replay.h - what a replay of an answer shows instead of the original. Private to answer*.c.
 */
#ifndef SERVER_ANSWER_REPLAY_H
#define SERVER_ANSWER_REPLAY_H

#include "server/dialect/answer.h"

/* Notes what the grammar's rules change in answer->doc, whose value is an object: sorted, disjoint,
 * inside the text. Where members are given twice, each of them is edited. Sets too_many_edits when
 * they do not fit; those that do stay noted. */
void answer_replay_note(struct answer *answer);

#endif
