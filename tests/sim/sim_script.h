/* sim_script.h - the queue of behaviours that POST /sim/script fills and POSTs take from.
 * Threads: any worker; one mutex inside.
 */
#ifndef TESTS_SIM_SCRIPT_H
#define TESTS_SIM_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

struct sim_script;

struct sim_script *sim_script_new(void);
void sim_script_free(struct sim_script *script);
/* Appends one line, for paths that begin with `path` (empty: any). borrow: copied. */
void sim_script_push(struct sim_script *script, const char *line, size_t len, const char *path,
                     size_t path_len);
/* Takes the oldest line for this path; false when there is none. give: *ret_line, from malloc. */
bool sim_script_pop(struct sim_script *script, const char *path, size_t path_len, char **ret_line,
                    size_t *ret_len);
void sim_script_clear(struct sim_script *script);

#endif
