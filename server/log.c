#include "server/log.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct line {
    char bytes[LOG_LINE_MAX];
    size_t len;
};

/* Cuts what does not fit and leaves room for the closing brace and the newline. */
static void put(struct line *line, const char *bytes, size_t len)
{
    size_t room = LOG_LINE_MAX - 3 - line->len;

    if (len > room)
        len = room;
    memcpy(line->bytes + line->len, bytes, len);
    line->len += len;
}

static void put_text(struct line *line, const char *text)
{
    char escape[8];

    put(line, "\"", 1);
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        /* A cut in the middle of an escape would break the line for every reader. */
        if (line->len > LOG_LINE_MAX - 64)
            break;
        if (*at == '"' || *at == '\\' || *at < 0x20)
            put(line, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", *at));
        else
            put(line, (const char *)at, 1);
    }
    put(line, "\"", 1);
}

static void put_field(struct line *line, const struct log_field *field)
{
    char number[32];

    put(line, ",\"", 2);
    put(line, field->name, strlen(field->name));
    put(line, "\":", 2);
    if (field->text != NULL)
        put_text(line, field->text);
    else
        put(line, number,
            (size_t)snprintf(number, sizeof number, "%lld", (long long)field->number));
}

static void put_time(struct line *line, const struct timespec *now)
{
    char text[48];
    struct tm parts;

    gmtime_r(&now->tv_sec, &parts);
    size_t len = strftime(text, sizeof text, "{\"time\":\"%Y-%m-%dT%H:%M:%S", &parts);
    put(line, text, len);
    put(line, text, (size_t)snprintf(text, sizeof text, ".%03ldZ\"", now->tv_nsec / 1000000));
}

static void write_line(struct line *line)
{
    size_t done = 0;

    line->bytes[line->len++] = '}';
    line->bytes[line->len++] = '\n';
    while (done < line->len) {
        ssize_t wrote = write(STDERR_FILENO, line->bytes + done, line->len - done);
        if (wrote <= 0)
            return; /* nobody to tell */
        done += (size_t)wrote;
    }
}

/* True when this second's share is spent; *ret_dropped: lines of an earlier second to report. */
static bool over_rate(time_t second, int64_t *ret_dropped)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static time_t current;
    static int64_t lines, dropped;
    bool over;

    pthread_mutex_lock(&lock);
    if (second != current) {
        *ret_dropped = dropped;
        current = second;
        lines = dropped = 0;
    }
    over = ++lines > LOG_LINES_PER_SECOND;
    if (over)
        dropped++;
    pthread_mutex_unlock(&lock);
    return over;
}

void log_event(enum log_level level, const char *event, const struct log_field *fields,
               size_t count)
{
    static const char *const names[] = {"info", "warning", "error"};
    struct line line = {.len = 0};
    struct timespec now;
    int64_t dropped = 0;

    clock_gettime(CLOCK_REALTIME, &now);
    if (level != LOG_INFO && over_rate(now.tv_sec, &dropped))
        return;
    put_time(&line, &now);
    put_field(&line, &LOG_TEXT("level", names[level]));
    put_field(&line, &LOG_TEXT("event", event));
    for (size_t i = 0; i < count; i++)
        put_field(&line, &fields[i]);
    if (dropped > 0)
        put_field(&line, &LOG_NUMBER("lines_dropped_before", dropped));
    write_line(&line);
}
