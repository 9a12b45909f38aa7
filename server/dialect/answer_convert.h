/* answer_convert.h - an upstream's answer in the words of its client (vercel-ai-gateway-api.md
 * section 13, openrouter-api.md sections 2.4 to 3.3), body by body or event by event.
 *
 * Pairs: VERCEL -> OPENROUTER, OPENROUTER -> VERCEL, OPENAI -> either; the same dialect needs
 * nothing but the model's name, and assembling. Driven by tables; what no row names is spliced byte
 * for byte. It keeps costs as the decimal text they came in.
 *
 * A chunk of a chat stream that ends a choice is held back until the next event tells whether its
 * usage follows: the vendors place the two differently. Costs that nobody reported are left out.
 *
 * Threads: one converter, one thread.
 */
#ifndef SERVER_DIALECT_ANSWER_CONVERT_H
#define SERVER_DIALECT_ANSWER_CONVERT_H

#include "server/dialect/model_map.h"
#include "server/dialect/out.h"

#include <stdint.h>

enum {
    /* What comes out is at most this often what went in (an event, a body), and this much more:
     * the texts of the conversion and what is made of them. */
    ANSWER_GROWTH_FACTOR = 8,
    ANSWER_GROWTH_BYTES = 32 * 1024,
};

struct answer_conversion {
    enum row_api api;
    enum config_dialect from, to; /* upstream's, client's */
    const struct model_map *map;
    struct text model_requested; /* as the client said it */
    struct text model_sent;      /* as the upstream was asked; the same in an answer: requested */
    bool stream;                 /* the client gets a stream */
    bool assemble;               /* upstream streams, the client gets one body */
    bool metadata;               /* X-OpenRouter-Metadata: enabled */
    struct text
        shown_id; /* not empty: the id that the client was shown already; replaces the body's */
    struct text
        attempts; /* earlier attempts: JSON array [{"upstream","model","status"}] or empty */
    struct text upstream; /* its name in the configuration */
    struct text row_id;   /* id of an error frame that comes before any other; empty: it has none */
    int64_t now_s;        /* its time, seconds since 1970; 0: it has none */
    size_t body_max;      /* assemble: bytes of the assembled body at most */
};

struct answer_converter;

/* False: bytes go to the client as they are. */
bool answer_conversion_is_needed(const struct answer_conversion *conversion);

/* borrow: conversion's texts as long as the converter. give; NULL: no memory. */
struct answer_converter *answer_converter_new(const struct answer_conversion *conversion);
void answer_converter_free(struct answer_converter *converter); /* accepts NULL */

/* One event for the client. bytes[0..len) is the whole event with its blank line; its payload is at
 * data_at, data_len bytes (0: none, e.g. a comment). */
struct answer_event {
    const char *bytes; /* borrow: during the callback */
    size_t len, data_at, data_len;
};
typedef int answer_sink(void *arg, const struct answer_event *event);

/* One upstream event: payload of its data line, and its `event:` value (may be empty). Calls sink
 * for every client event (none, one or several); what sink returns other than 0 ends it. An event
 * that cannot be understood is passed on unchanged. assemble: gathers, sink is not called. -ENOMEM;
 * -E2BIG: the assembled answer is larger than body_max. */
int answer_convert_event(struct answer_converter *converter, struct text event, struct text payload,
                         answer_sink *sink, void *arg);
/* The upstream's stream ended in order: what was held back. */
int answer_convert_end(struct answer_converter *converter, answer_sink *sink, void *arg);

/* assemble: the whole body, once the stream's end was seen; -ENODATA when it was not whole or was
 * an error: when the stream told one, out holds its envelope and *ret_status its status (told, else
 * the one its kind has), else both stay as they were. -E2BIG: larger than body_max; -ENOMEM. */
int answer_convert_assembled(struct answer_converter *converter, struct out *out, int *ret_status);

/* A whole 200 body. -EBADMSG: not JSON; out is empty and the body goes out as it is. */
int answer_convert_body(struct answer_converter *converter, struct text body, struct out *out);

/* An answer that is not 200, into the envelope of (to, api): from JSON in any dialect's envelope,
 * flat or nested, from HTML, text or nothing. The message, type/code and what is machine-readable
 * are kept (openrouter-api.md section 4, vercel section 8; Anthropic's on MESSAGES). When the body
 * already is an envelope of that dialect and api, out stays empty: it goes out as it came. */
int answer_convert_error(const struct answer_conversion *conversion, int status, struct text body,
                         struct out *out);

#endif
