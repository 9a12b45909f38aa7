/* assemble.h - an upstream's event stream becomes the plain body that its own dialect would have
 * answered with: for requests that an upstream only takes as a stream.
 *
 * chat, completions: the deltas of each choice joined, by index, as its message; tool calls by
 *                    index; reasoning_details by index and type; the last usage and metadata
 * messages:          message_start, the content blocks with their deltas, message_delta
 * responses:         the response of the event that ends it
 *
 * Threads: one assembler, one thread.
 */
#ifndef SERVER_DIALECT_ASSEMBLE_H
#define SERVER_DIALECT_ASSEMBLE_H

#include "server/dialect/out.h"

struct assembler;

/* give; NULL: no memory. body_max: bytes of the assembled body. */
struct assembler *assembler_new(enum row_api api, size_t body_max);
void assembler_free(struct assembler *assembler); /* accepts NULL */

/* The payload of one data line. An event that cannot be read spoils the answer, which finish tells.
 * -E2BIG: larger than body_max; -ENOMEM. */
int assembler_event(struct assembler *assembler, struct text payload);

/* Writes the body. -ENODATA: it was not whole, or an error, whose object (with a member `error`)
 * is then in error; -E2BIG; -ENOMEM. */
int assembler_finish(struct assembler *assembler, struct out *body, struct out *error);

#endif
