/* sim_things.c - see sim_things.h. */
#include "tests/sim/sim_things.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct thing {
    enum sim_api api; /* SIM_NO_API: the slot is empty */
    struct sim_text id, json;
};

struct sim_things {
    pthread_mutex_t lock; /* guards everything below */
    size_t next;
    struct thing slots[SIM_THINGS_MAX]; /* a ring */
};

struct sim_things *sim_things_new(void)
{
    struct sim_things *things = calloc(1, sizeof(*things));

    if (things == NULL || pthread_mutex_init(&things->lock, NULL) != 0)
        abort();
    return things;
}

static void thing_clear(struct thing *thing)
{
    sim_text_release(&thing->id);
    sim_text_release(&thing->json);
    thing->api = SIM_NO_API;
}

void sim_things_forget(struct sim_things *things)
{
    pthread_mutex_lock(&things->lock);
    for (size_t i = 0; i < SIM_THINGS_MAX; i++)
        thing_clear(&things->slots[i]);
    pthread_mutex_unlock(&things->lock);
}

static const char *prefix_of(enum sim_api api)
{
    if (api == SIM_FILES)
        return "file_";
    return api == SIM_BATCHES ? "batch_" : "video_";
}

void sim_things_keep(struct sim_things *things, enum sim_api api, struct sim_span id,
                     struct sim_span json)
{
    struct thing *thing;

    if (json.len > SIM_THING_BYTES_MAX)
        return;
    pthread_mutex_lock(&things->lock);
    thing = &things->slots[things->next++ % SIM_THINGS_MAX];
    thing_clear(thing);
    thing->api = api;
    sim_text_str(&thing->id, prefix_of(api));
    sim_text_span(&thing->id, id);
    sim_text_span(&thing->json, json);
    pthread_mutex_unlock(&things->lock);
}

bool sim_things_find(struct sim_things *things, enum sim_api api, struct sim_span id, bool take,
                     struct sim_text *text)
{
    bool found = false;

    pthread_mutex_lock(&things->lock);
    for (size_t i = 0; i < SIM_THINGS_MAX && !found; i++) {
        struct thing *thing = &things->slots[i];
        if (thing->api != api || thing->id.len != id.len ||
            memcmp(thing->id.bytes, id.bytes, id.len) != 0)
            continue;
        found = true;
        sim_text_add(text, thing->json.bytes, thing->json.len);
        if (take)
            thing_clear(thing);
    }
    pthread_mutex_unlock(&things->lock);
    return found;
}

void sim_things_list(struct sim_things *things, enum sim_api api, struct sim_text *text)
{
    const char *separator = "";

    pthread_mutex_lock(&things->lock);
    for (size_t i = 0; i < SIM_THINGS_MAX; i++) {
        struct thing *thing = &things->slots[i];
        if (thing->api != api)
            continue;
        sim_text_str(text, separator);
        sim_text_add(text, thing->json.bytes, thing->json.len);
        separator = ",";
    }
    pthread_mutex_unlock(&things->lock);
}
