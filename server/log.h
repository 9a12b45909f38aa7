/* log.h - one structured line per event on stderr, JSON, rate-limited.
 *
 * Never give it a prompt, an answer or an API key: there is no field for them.
 * Threads: any; a line is one write().
 */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_INFO, LOG_WARNING, LOG_ERROR };

struct log_field {
    const char *name;
    const char *text; /* NULL: the number counts */
    int64_t number;
};
#define LOG_TEXT(name, text) ((struct log_field){(name), (text), 0})
#define LOG_NUMBER(name, number) ((struct log_field){(name), NULL, (int64_t)(number)})

/* {"time":"...","level":"...","event":"...",fields}. More than LOG_LINES_PER_SECOND warnings and
 * errors in a second are counted, and the count is logged instead. */
enum { LOG_LINES_PER_SECOND = 100, LOG_LINE_MAX = 2048 };
void log_event(enum log_level level, const char *event, const struct log_field *fields,
               size_t count);

#define log_line(level, event, ...)                                                                \
    log_event((level), (event), (const struct log_field[]){__VA_ARGS__},                           \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

#endif
