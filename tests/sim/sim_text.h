/* sim_text.h - a growing byte buffer with the few writers that the simulator's answers need.
 *
 * Out of memory ends the process: a simulator has nobody to tell. Threads: one owner at a time.
 */
#ifndef TESTS_SIM_TEXT_H
#define TESTS_SIM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_text {
    char *bytes;
    size_t len;
    size_t capacity;
};

/* Bytes of somebody else's. */
struct sim_span {
    const char *bytes;
    size_t len;
};

void sim_text_release(struct sim_text *text);
/* Makes room for `more` bytes behind the present end. */
void sim_text_reserve(struct sim_text *text, size_t more);
void sim_text_add(struct sim_text *text, const void *bytes, size_t len);
/* borrow: a NUL-terminated string. */
void sim_text_str(struct sim_text *text, const char *string);
void sim_text_int(struct sim_text *text, int64_t value);
void sim_text_hex(struct sim_text *text, const uint8_t *bytes, size_t len);
void sim_text_span(struct sim_text *text, struct sim_span span);
/* A JSON string, quotes included; the bytes must be UTF-8. */
void sim_text_json(struct sim_text *text, const char *bytes, size_t len);
/* The same of a NUL-terminated string. */
void sim_text_json_str(struct sim_text *text, const char *string);
/* The inside of that string, without its quotes. */
void sim_text_escaped(struct sim_text *text, const char *bytes, size_t len);
/* The same, quotes included, of bytes that need not be UTF-8: read as Latin-1 they always make a
 * valid string. */
void sim_text_json_latin1(struct sim_text *text, const char *bytes, size_t len);
/* "2026-11-20T22:51:51.123Z", quotes included. */
void sim_text_time(struct sim_text *text, int64_t unix_ms);
/* Whether sim_text_json() may have these bytes. */
bool sim_text_is_utf8(const char *bytes, size_t len);
/* Base64, without quotes. */
void sim_text_base64(struct sim_text *text, const void *bytes, size_t len);

#endif
