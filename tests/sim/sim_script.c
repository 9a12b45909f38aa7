/* sim_script.c - see sim_script.h. */
#include "tests/sim/sim_script.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct line {
    struct line *next;
    size_t len, path_len;
    char *bytes, *path; /* path: a prefix of the paths it is for */
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

static char *copy_of(const char *bytes, size_t len)
{
    char *copy = malloc(len + 1);

    if (copy == NULL)
        abort();
    if (len > 0)
        memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}

void sim_script_push(struct sim_script *script, const char *bytes, size_t len, const char *path,
                     size_t path_len)
{
    struct line *line = calloc(1, sizeof(*line));

    if (line == NULL)
        abort();
    line->bytes = copy_of(bytes, len);
    line->len = len;
    line->path = copy_of(path, path_len);
    line->path_len = path_len;
    pthread_mutex_lock(&script->lock);
    *script->last = line;
    script->last = &line->next;
    atomic_fetch_add(&script->count, 1);
    pthread_mutex_unlock(&script->lock);
}

/* Unlinks the first line that may be taken for path; the lock is held. */
static struct line *take_locked(struct sim_script *script, const char *path, size_t len)
{
    for (struct line **at = &script->first; *at != NULL; at = &(*at)->next) {
        struct line *line = *at;
        if (line->path_len > len || memcmp(line->path, path, line->path_len) != 0)
            continue;
        *at = line->next;
        if (line->next == NULL)
            script->last = at;
        atomic_fetch_sub(&script->count, 1);
        return line;
    }
    return NULL;
}

bool sim_script_pop(struct sim_script *script, const char *path, size_t path_len, char **ret_line,
                    size_t *ret_len)
{
    struct line *line;

    if (atomic_load(&script->count) == 0)
        return false;
    pthread_mutex_lock(&script->lock);
    line = take_locked(script, path, path_len);
    pthread_mutex_unlock(&script->lock);
    if (line == NULL)
        return false;
    *ret_line = line->bytes;
    *ret_len = line->len;
    free(line->path);
    free(line);
    return true;
}

void sim_script_clear(struct sim_script *script)
{
    struct line *line;

    pthread_mutex_lock(&script->lock);
    while ((line = script->first) != NULL) {
        script->first = line->next;
        free(line->bytes);
        free(line->path);
        free(line);
    }
    script->last = &script->first;
    atomic_store(&script->count, 0);
    pthread_mutex_unlock(&script->lock);
}
