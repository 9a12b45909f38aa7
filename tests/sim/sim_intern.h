/* sim_intern.h - counted strings, each kept once: a million calls with the same headers cost a
 * million pointers. Threads: the caller locks.
 */
#ifndef TESTS_SIM_INTERN_H
#define TESTS_SIM_INTERN_H

#include <stddef.h>
#include <stdint.h>

struct sim_string {
    struct sim_string *next; /* in its bucket */
    uint64_t hash;
    size_t references;
    size_t len;
    char bytes[];
};

struct sim_intern {
    struct sim_string **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
};

void sim_intern_init(struct sim_intern *intern);
void sim_intern_release(struct sim_intern *intern);
/* share: one reference, to be dropped with sim_intern_unref(). */
struct sim_string *sim_intern_ref(struct sim_intern *intern, const char *bytes, size_t len);
/* string may be NULL. */
void sim_intern_unref(struct sim_intern *intern, struct sim_string *string);

#endif
