/* sim_things.h - what was uploaded or started and can be asked for again: files, batches, videos.
 * The last SIM_THINGS_MAX are kept, each as the JSON that its POST was answered with.
 *
 * Threads: any worker; one mutex inside.
 */
#ifndef TESTS_SIM_THINGS_H
#define TESTS_SIM_THINGS_H

#include "tests/sim/sim_route.h"
#include "tests/sim/sim_text.h"

enum { SIM_THINGS_MAX = 256, SIM_THING_BYTES_MAX = 65536 };

struct sim_things;

struct sim_things *sim_things_new(void);
void sim_things_forget(struct sim_things *things);
/* id: of the call that made it. One larger than SIM_THING_BYTES_MAX is not kept. borrow: copied. */
void sim_things_keep(struct sim_things *things, enum sim_api api, struct sim_span id,
                     struct sim_span json);
/* Appends the JSON of the thing that id (file_..., batch_..., video_...) names; false when there is
 * none. take: it is gone then. */
bool sim_things_find(struct sim_things *things, enum sim_api api, struct sim_span id, bool take,
                     struct sim_text *text);
/* Appends all things of an API with commas between them. */
void sim_things_list(struct sim_things *things, enum sim_api api, struct sim_text *text);

#endif
