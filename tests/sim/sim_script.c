/* sim_script.c - see sim_script.h. */
#include "tests/sim/sim_script.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct line {
    struct line *next;
    size_t len;
    char *bytes;
};

struct sim_script {
    pthread_mutex_t lock; /* guards the list */
    struct line *first, **last;
    atomic_size_t count; /* lets the benchmark's path see an empty queue without the lock */
};

struct sim_script *sim_script_new(void)
{
    struct sim_script *script = calloc(1, sizeof(*script));

    if (script == NULL || pthread_mutex_init(&script->lock, NULL) != 0)
        abort();
    script->last = &script->first;
    return script;
}

void sim_script_free(struct sim_script *script)
{
    if (script == NULL)
        return;
    sim_script_clear(script);
    pthread_mutex_destroy(&script->lock);
    free(script);
}

void sim_script_push(struct sim_script *script, const char *bytes, size_t len)
{
    struct line *line = calloc(1, sizeof(*line));

    if (line == NULL)
        abort();
    line->bytes = malloc(len + 1);
    if (line->bytes == NULL)
        abort();
    memcpy(line->bytes, bytes, len);
    line->bytes[len] = '\0';
    line->len = len;
    pthread_mutex_lock(&script->lock);
    *script->last = line;
    script->last = &line->next;
    atomic_fetch_add(&script->count, 1);
    pthread_mutex_unlock(&script->lock);
}

bool sim_script_pop(struct sim_script *script, char **ret_line, size_t *ret_len)
{
    struct line *line;

    if (atomic_load(&script->count) == 0)
        return false;
    pthread_mutex_lock(&script->lock);
    line = script->first;
    if (line != NULL) {
        script->first = line->next;
        if (script->first == NULL)
            script->last = &script->first;
        atomic_fetch_sub(&script->count, 1);
    }
    pthread_mutex_unlock(&script->lock);
    if (line == NULL)
        return false;
    *ret_line = line->bytes;
    *ret_len = line->len;
    free(line);
    return true;
}

void sim_script_clear(struct sim_script *script)
{
    char *line;
    size_t len;

    while (sim_script_pop(script, &line, &len))
        free(line);
}
