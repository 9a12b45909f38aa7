/* error_convert.h - what went wrong, read from any vendor's envelope and said in another's
 * (openrouter-api.md section 4, vercel-ai-gateway-api.md section 8). Private to server/dialect/.
 *
 * One table (error_convert_kind.c) pairs the vendors' words with each other and with statuses.
 * Threads: pure functions.
 */
#ifndef SERVER_DIALECT_ERROR_CONVERT_H
#define SERVER_DIALECT_ERROR_CONVERT_H

#include "server/dialect/answer_convert.h"

/* What client libraries tell apart. */
enum error_kind {
    ERROR_INVALID,
    ERROR_PRECONDITION,
    ERROR_TOO_LARGE,
    ERROR_UNPROCESSABLE,
    ERROR_AUTHENTICATION,
    ERROR_PAYMENT,
    ERROR_PERMISSION,
    ERROR_NOT_FOUND,
    ERROR_MODEL_NOT_FOUND,
    ERROR_TIMEOUT,
    ERROR_DEPENDENCY,
    ERROR_RATE,
    ERROR_SERVER,
    ERROR_UNAVAILABLE,
    ERROR_OVERLOADED,
    ERROR_KINDS,
};

struct error_words {
    int status;             /* of an error that does not tell its own */
    const char *openrouter; /* error.metadata.error_type */
    const char *vercel;     /* error.type */
    const char *anthropic;  /* error.type of the messages endpoint */
    const char *responses;  /* code of a failed response */
};

const struct error_words *error_words(enum error_kind kind);
/* Of a status that is no success. */
enum error_kind error_kind_of_status(int status);
/* Any vendor's word; false: not one of them. */
bool error_kind_of_word(const char *word, enum error_kind *ret_kind);

enum { ERROR_MESSAGE_MAX = 2048, ERROR_TYPE_MAX = 64 };

/* An error as it was said. Tokens are of doc, JSON_NONE when not said. */
struct error_said {
    const struct json_doc *doc; /* borrow */
    int status;                 /* 0: the text does not tell */
    enum error_kind kind;
    char type[ERROR_TYPE_MAX + 1];       /* a word of the upstream's, or empty */
    char message[ERROR_MESSAGE_MAX + 1]; /* cut at a character's boundary; may be empty */
    uint32_t code, param, metadata, availability;
    uint32_t generation_id, request_id; /* of the envelope */
};

/* top: an object that is an envelope, nested or flat, or holds one in `error`. status: of the
 * answer, 0 for an event of a stream. False: there is no error in it. borrow: doc. */
bool error_read(const struct json_doc *doc, uint32_t top, int status, struct error_said *ret_said);

/* An error of which only the status is known (0: of a stream). */
void error_said_nothing(const struct json_doc *doc, int status, struct error_said *ret_said);

/* The whole envelope; a stream's frames have their error in another place, see below. */
void error_print(const struct error_said *said, const struct answer_conversion *conversion,
                 struct out *out);
/* Only the value of `error` in the envelope of (to, api). */
void error_print_value(const struct error_said *said, const struct answer_conversion *conversion,
                       struct out *out);
/* The event that ends a stream of the responses endpoint. sequence: JSON_NONE, or its number. */
void error_print_responses(const struct error_said *said,
                           const struct answer_conversion *conversion, uint32_t sequence,
                           struct out *out);

#endif
