/* json.c - the parser: one pass over the bytes, no recursion, one token per value or key.
 *
 * `at` never passes `end`, and on failure it stays on the byte that was refused.
 */
#include "cache/json.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    TOKENS_FIRST = 64, /* a small chat request needs about 40 */
};

/* What a byte can be, as bits. */
enum {
    SPACE = 1 << 0,  /* the four that RFC 8259 allows between tokens */
    DIGIT = 1 << 1,  /* 0-9 */
    HEX = 1 << 2,    /* 0-9 a-f A-F */
    ESCAPE = 1 << 3, /* may follow a backslash alone; u is handled apart */
    PLAIN = 1 << 4,  /* ASCII that may stand in a string as it is */
};

static const uint8_t class_of[256] = {
    ['\t'] = SPACE,
    ['\n'] = SPACE,
    ['\r'] = SPACE,
    [' '] = SPACE | PLAIN,
    ['!'] = PLAIN,
    ['"'] = ESCAPE,
    ['#' ... '.'] = PLAIN,
    ['/'] = PLAIN | ESCAPE,
    ['0' ... '9'] = PLAIN | DIGIT | HEX,
    [':' ... '@'] = PLAIN,
    ['A' ... 'F'] = PLAIN | HEX,
    ['G' ... '['] = PLAIN,
    ['\\'] = ESCAPE,
    [']' ... '`'] = PLAIN,
    ['a'] = PLAIN | HEX,
    ['b'] = PLAIN | HEX | ESCAPE,
    ['c' ... 'e'] = PLAIN | HEX,
    ['f'] = PLAIN | HEX | ESCAPE,
    ['g' ... 'm'] = PLAIN,
    ['n'] = PLAIN | ESCAPE,
    ['o' ... 'q'] = PLAIN,
    ['r'] = PLAIN | ESCAPE,
    ['s'] = PLAIN,
    ['t'] = PLAIN | ESCAPE,
    ['u' ... 0x7f] = PLAIN,
};

/* What the grammar allows next. */
enum expect {
    VALUE,
    VALUE_OR_END, /* behind [ */
    KEY,
    KEY_OR_END, /* behind { */
    SEPARATOR,  /* behind a value: a comma, the end of the container, or of the text */
};

struct reader {
    struct json_doc *doc;
    const uint8_t *text, *at, *end;
    uint32_t depth;
    uint32_t open[JSON_DEPTH_MAX]; /* tokens of the containers around `at` */
};

void json_doc_init(struct json_doc *doc)
{
    *doc = (struct json_doc){0};
}

void json_doc_release(struct json_doc *doc)
{
    if (doc == NULL)
        return;
    free(doc->tokens);
    *doc = (struct json_doc){0};
}

void json_doc_clear(struct json_doc *doc)
{
    if (doc->capacity > JSON_TOKENS_KEPT) {
        free(doc->tokens);
        doc->tokens = NULL;
        doc->capacity = 0;
    }
    doc->text = NULL;
    doc->len = 0;
    doc->count = 0;
}

/* Doubles, but never beyond what the text could fill: every token but the first needs a byte of
 * its own and a comma or colon or a bracket that closes its parent; only the brackets of the at
 * most JSON_DEPTH_MAX open containers may still be missing. */
static int tokens_grow(struct reader *reader)
{
    struct json_doc *doc = reader->doc;
    size_t most = ((size_t)(reader->end - reader->text) + JSON_DEPTH_MAX) / 2 + 1;
    size_t wanted = doc->capacity == 0 ? TOKENS_FIRST : (size_t)doc->capacity * 2;

    if (wanted > most)
        wanted = most;
    assert(wanted > doc->capacity);
    assert(wanted < JSON_NONE);
    struct json_token *tokens = reallocarray(doc->tokens, wanted, sizeof(*tokens));
    if (tokens == NULL)
        return -ENOMEM;
    doc->tokens = tokens;
    doc->capacity = (uint32_t)wanted;
    return 0;
}

/* The token of [start, at). A container's end and next are written when it closes. */
static inline int add_token(struct reader *reader, enum json_type type, const uint8_t *start,
                            bool escaped)
{
    struct json_doc *doc = reader->doc;

    if (doc->count == doc->capacity) {
        int error = tokens_grow(reader);
        if (error != 0)
            return error;
    }
    doc->tokens[doc->count] = (struct json_token){
        .start = (uint32_t)(start - reader->text),
        .end = (uint32_t)(reader->at - reader->text),
        .next = doc->count + 1,
        .type = (uint8_t)type,
        .escaped = escaped,
    };
    doc->count++;
    return 0;
}

static inline void skip_space(struct reader *reader)
{
    while (reader->at < reader->end && (class_of[*reader->at] & SPACE) != 0)
        reader->at++;
}

/* Skips ASCII that needs no look, eight bytes at a time. Each test sets the high bit of the first
 * byte it is looking for; a borrow can only spoil bytes behind that one, so the lowest set bit is
 * right. */
static inline const uint8_t *skip_plain(const uint8_t *at, const uint8_t *end)
{
    const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;

    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        word = le64toh(word);
        uint64_t quote = word ^ (ones * '"');
        uint64_t backslash = word ^ (ones * '\\');
        uint64_t control = (word - ones * 0x20) & ~word;
        quote = (quote - ones) & ~quote;
        backslash = (backslash - ones) & ~backslash;
        uint64_t stop = (word | control | quote | backslash) & highs;
        if (stop != 0)
            return at + __builtin_ctzll(stop) / 8;
        at += 8;
    }
    while (at < end && (class_of[*at] & PLAIN) != 0)
        at++;
    return at;
}

static inline bool continues(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Length of the UTF-8 sequence at `at`, 0 when it is malformed, overlong, a surrogate or beyond
 * U+10FFFF: the table of RFC 3629, section 4. */
static size_t utf8_length(const uint8_t *at, size_t left)
{
    uint8_t lead = at[0];

    if (lead < 0xc2 || lead > 0xf4 || left < 2 || !continues(at[1]))
        return 0;
    if (lead < 0xe0)
        return 2;
    if (left < 3 || !continues(at[2]))
        return 0;
    if (lead < 0xf0) {
        if ((lead == 0xe0 && at[1] < 0xa0) || (lead == 0xed && at[1] >= 0xa0))
            return 0;
        return 3;
    }
    if (left < 4 || !continues(at[3]))
        return 0;
    if ((lead == 0xf0 && at[1] < 0x90) || (lead == 0xf4 && at[1] >= 0x90))
        return 0;
    return 4;
}

/* The four hex digits of \uXXXX; `at` is behind the u. */
static int read_hex(struct reader *reader, uint32_t *ret_unit)
{
    uint32_t unit = 0;

    for (int i = 0; i < 4; i++) {
        if (reader->at == reader->end || (class_of[*reader->at] & HEX) == 0)
            return -EBADMSG;
        uint32_t digit = *reader->at++;
        unit = unit * 16 + (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    *ret_unit = unit;
    return 0;
}

/* A surrogate is worth something only as a pair, high one first. */
static int read_unicode_escape(struct reader *reader)
{
    uint32_t high, low;

    int error = read_hex(reader, &high);
    if (error != 0)
        return error;
    if (high < 0xd800 || high > 0xdfff)
        return 0;
    if (high >= 0xdc00 || reader->end - reader->at < 2 || reader->at[0] != '\\' ||
        reader->at[1] != 'u')
        return -EBADMSG;
    reader->at += 2;
    error = read_hex(reader, &low);
    if (error != 0)
        return error;
    return low >= 0xdc00 && low <= 0xdfff ? 0 : -EBADMSG;
}

/* `at` is on the backslash. */
static int read_escape(struct reader *reader)
{
    reader->at++;
    if (reader->at == reader->end)
        return -EBADMSG;
    if (*reader->at == 'u') {
        reader->at++;
        return read_unicode_escape(reader);
    }
    if ((class_of[*reader->at] & ESCAPE) == 0)
        return -EBADMSG;
    reader->at++;
    return 0;
}

/* `at` is on a byte beyond ASCII; takes all up to the next ASCII. */
static int read_utf8(struct reader *reader)
{
    do {
        size_t length = utf8_length(reader->at, (size_t)(reader->end - reader->at));
        if (length == 0)
            return -EBADMSG;
        reader->at += length;
    } while (reader->at < reader->end && *reader->at >= 0x80);
    return 0;
}

/* `at` is on the opening quote. */
static int read_string(struct reader *reader)
{
    const uint8_t *start = reader->at++;
    bool escaped = false;

    for (;;) {
        reader->at = skip_plain(reader->at, reader->end);
        if (reader->at == reader->end)
            return -EBADMSG;
        uint8_t byte = *reader->at;
        if (byte == '"') {
            reader->at++;
            return add_token(reader, JSON_STRING, start, escaped);
        }
        if (byte == '\\') {
            escaped = true;
            int error = read_escape(reader);
            if (error != 0)
                return error;
        } else if (byte >= 0x80) {
            int error = read_utf8(reader);
            if (error != 0)
                return error;
        } else {
            return -EBADMSG; /* a raw control character */
        }
    }
}

static int read_digits(struct reader *reader)
{
    const uint8_t *start = reader->at;

    while (reader->at < reader->end && (class_of[*reader->at] & DIGIT) != 0)
        reader->at++;
    return reader->at > start ? 0 : -EBADMSG;
}

static inline bool take(struct reader *reader, char byte)
{
    if (reader->at == reader->end || *reader->at != (uint8_t)byte)
        return false;
    reader->at++;
    return true;
}

/* A zero ends the integer part, so the 1 of "01" is refused by whoever reads on. */
static int read_number(struct reader *reader)
{
    const uint8_t *start = reader->at;

    take(reader, '-');
    if (!take(reader, '0') && read_digits(reader) != 0)
        return -EBADMSG;
    if (take(reader, '.') && read_digits(reader) != 0)
        return -EBADMSG;
    if (take(reader, 'e') || take(reader, 'E')) {
        if (!take(reader, '+'))
            take(reader, '-');
        if (read_digits(reader) != 0)
            return -EBADMSG;
    }
    return add_token(reader, JSON_NUMBER, start, false);
}

static int read_word(struct reader *reader, enum json_type type, const char *word)
{
    const uint8_t *start = reader->at;

    while (*word != '\0') {
        if (!take(reader, *word++))
            return -EBADMSG;
    }
    return add_token(reader, type, start, false);
}

static int open_container(struct reader *reader, enum json_type type, enum expect *ret_expect)
{
    if (reader->depth == JSON_DEPTH_MAX)
        return -E2BIG;
    uint32_t token = reader->doc->count;
    int error = add_token(reader, type, reader->at, false);
    if (error != 0)
        return error;
    reader->at++;
    reader->open[reader->depth++] = token;
    *ret_expect = type == JSON_OBJECT ? KEY_OR_END : VALUE_OR_END;
    return 0;
}

/* `at` is on the closing bracket. */
static void close_container(struct reader *reader, enum expect *ret_expect)
{
    assert(reader->depth > 0);
    struct json_token *token = &reader->doc->tokens[reader->open[--reader->depth]];
    reader->at++;
    token->end = (uint32_t)(reader->at - reader->text);
    token->next = reader->doc->count;
    *ret_expect = SEPARATOR;
}

static int read_value(struct reader *reader, enum expect *expect)
{
    switch (*reader->at) {
    case '{':
        return open_container(reader, JSON_OBJECT, expect);
    case '[':
        return open_container(reader, JSON_ARRAY, expect);
    default:
        break;
    }
    *expect = SEPARATOR;
    switch (*reader->at) {
    case '"':
        return read_string(reader);
    case 't':
        return read_word(reader, JSON_TRUE, "true");
    case 'f':
        return read_word(reader, JSON_FALSE, "false");
    case 'n':
        return read_word(reader, JSON_NULL, "null");
    case '-':
    case '0' ... '9':
        return read_number(reader);
    default:
        return -EBADMSG;
    }
}

static int read_key(struct reader *reader, enum expect *ret_expect)
{
    if (*reader->at != '"')
        return -EBADMSG;
    int error = read_string(reader);
    if (error != 0)
        return error;
    skip_space(reader);
    if (!take(reader, ':'))
        return -EBADMSG;
    *ret_expect = VALUE;
    return 0;
}

static int read_separator(struct reader *reader, enum expect *ret_expect)
{
    if (reader->depth == 0)
        return -EBADMSG; /* something behind the one value */
    bool object = reader->doc->tokens[reader->open[reader->depth - 1]].type == JSON_OBJECT;
    if (*reader->at == ',') {
        reader->at++;
        *ret_expect = object ? KEY : VALUE;
        return 0;
    }
    if (*reader->at != (object ? '}' : ']'))
        return -EBADMSG;
    close_container(reader, ret_expect);
    return 0;
}

static int read_next(struct reader *reader, enum expect *expect)
{
    switch (*expect) {
    case VALUE_OR_END:
        if (*reader->at == ']') {
            close_container(reader, expect);
            return 0;
        }
        return read_value(reader, expect);
    case VALUE:
        return read_value(reader, expect);
    case KEY_OR_END:
        if (*reader->at == '}') {
            close_container(reader, expect);
            return 0;
        }
        return read_key(reader, expect);
    case KEY:
        return read_key(reader, expect);
    case SEPARATOR:
        return read_separator(reader, expect);
    }
    return -EBADMSG;
}

static int read_document(struct reader *reader)
{
    enum expect expect = VALUE;

    for (;;) {
        skip_space(reader);
        if (reader->at == reader->end)
            return expect == SEPARATOR && reader->depth == 0 ? 0 : -EBADMSG;
        int error = read_next(reader, &expect);
        if (error != 0)
            return error;
    }
}

int json_parse(struct json_doc *doc, const char *text, size_t len, size_t *ret_error_at)
{
    struct reader reader;
    size_t stopped = 0;
    int error = -EBADMSG;

    doc->text = text;
    doc->len = len;
    doc->count = 0;
    if (len >= UINT32_MAX) {
        error = -E2BIG;
    } else if (len > 0) {
        reader.doc = doc;
        reader.text = reader.at = (const uint8_t *)text;
        reader.end = reader.text + len;
        reader.depth = 0;
        error = read_document(&reader);
        stopped = (size_t)(reader.at - reader.text);
    }
    if (error != 0) {
        doc->count = 0;
        if (ret_error_at != NULL)
            *ret_error_at = stopped;
        return error;
    }
    assert(doc->count > 0);
    assert(doc->tokens[0].next == doc->count);
    return 0;
}
