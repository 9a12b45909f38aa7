/* request_form.c - what a multipart form (RFC 7578) says, as far as it matters to us.
 *
 * Readers of forms differ: in line ends, in what follows a boundary, in how names are written. A
 * client could show us one model and the upstream another. So whatever any of them may take for the
 * beginning of a part is one here, and what we cannot read for sure is refused.
 */
#include "server/request.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum { BOUNDARY_MAX = 70 }; /* RFC 2046 section 5.1.1 */

struct form {
    char boundary[BOUNDARY_MAX + 2]; /* with its two hyphens */
    size_t boundary_len;
    const char *at, *end; /* behind the boundary of the part that comes next; NULL: none */
};

struct part {
    struct text headers, value;
    bool whole; /* its headers have an end */
};

static const char *find(const char *from, const char *end, const char *what, size_t len)
{
    return from < end ? memmem(from, (size_t)(end - from), what, len) : NULL;
}

/* The text at `from` begins with word, whatever its case. */
static bool begins(const char *from, const char *end, const char *word)
{
    size_t len = strlen(word);

    return (size_t)(end - from) >= len && strncasecmp(from, word, len) == 0;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* A parameter's value behind its name; what has escapes or spaces around is not for us. */
static int read_parameter(const char *at, const char *end, struct text *ret_value)
{
    const char *from = at;

    if (at == end || *at != '=')
        return -EINVAL;
    from = ++at;
    if (at < end && *at == '"') {
        from++;
        at = memchr(from, '"', (size_t)(end - from));
        if (at == NULL)
            return -EINVAL;
    } else {
        while (at < end && *at != ';' && *at != '"' && !is_blank(*at))
            at++;
    }
    *ret_value = (struct text){from, (size_t)(at - from)};
    for (; from < at; from++)
        if (*from == '\\' || *from == '%' || *from == '\r' || *from == '\n')
            return -EINVAL;
    return 0;
}

/* -ENOENT: no form. */
static int read_boundary(struct text type, struct form *form)
{
    const char *end = type.bytes + type.len;
    struct text value = {NULL, 0};

    if (type.len < 10 || strncasecmp(type.bytes, "multipart/", 10) != 0)
        return -ENOENT;
    for (const char *at = type.bytes + 10; at < end; at++) {
        if (!begins(at, end, "boundary"))
            continue;
        if (value.bytes != NULL || read_parameter(at + 8, end, &value) != 0)
            return -EINVAL;
        at = value.bytes + value.len - 1;
    }
    if (value.len == 0 || value.len > BOUNDARY_MAX)
        return -EINVAL;
    memcpy(form->boundary, "--", 2);
    memcpy(form->boundary + 2, value.bytes, value.len);
    form->boundary_len = value.len + 2;
    return 0;
}

/* Behind the next boundary that begins a line, or NULL. *ret_line: where the boundary begins. */
static const char *find_boundary(const struct form *form, const char *from, const char *begin,
                                 const char **ret_line)
{
    const char *at = from;

    while ((at = find(at, form->end, form->boundary, form->boundary_len)) != NULL) {
        *ret_line = at;
        if (at == begin || at[-1] == '\n' || at[-1] == '\r')
            return at + form->boundary_len;
        at++;
    }
    *ret_line = form->end;
    return NULL;
}

static int open_form(struct text content_type, struct text body, struct form *form)
{
    const char *line;
    int result = read_boundary(content_type, form);

    if (result != 0)
        return result;
    form->at = NULL;
    form->end = body.bytes + body.len;
    if (body.len > 0)
        form->at = find_boundary(form, body.bytes, body.bytes, &line);
    return 0;
}

/* The blank line behind a part's headers: *ret_value is behind it. NULL: there is none. */
static const char *find_blank_line(const char *from, const char *end, const char **ret_value)
{
    const char *at = from;

    while ((at = find(at, end, "\n", 1)) != NULL) {
        const char *next = at + 1;
        while (next < end && *next == '\r')
            next++;
        if (next < end && *next == '\n') {
            *ret_value = next + 1;
            return at;
        }
        at = next;
    }
    return NULL;
}

static bool next_part(struct form *form, struct part *part)
{
    const char *from = form->at, *line, *value = NULL, *blank;

    if (from == NULL)
        return false;
    form->at = find_boundary(form, from, from - 1, &line);
    blank = find_blank_line(from, line, &value);
    part->whole = blank != NULL;
    part->headers = (struct text){from, (size_t)((part->whole ? blank : line) - from)};
    part->value = (struct text){line, 0};
    if (!part->whole)
        return true;
    if (line > value && line[-1] == '\n')
        line--;
    if (line > value && line[-1] == '\r')
        line--;
    part->value = (struct text){value, (size_t)(line - value)};
    return true;
}

/* 1: this may be the part's name; 0: it is not; -EINVAL: not sure. */
static int is_named(const struct part *part, const char *name)
{
    const char *at = part->headers.bytes, *end = at + part->headers.len;
    size_t len = strlen(name);

    for (; at < end; at++) {
        struct text value;
        if (!begins(at, end, "name") ||
            (at > part->headers.bytes && at[-1] != ';' && at[-1] != '"' && !is_blank(at[-1])))
            continue;
        if (read_parameter(at + 4, end, &value) != 0)
            return -EINVAL;
        if (value.len == len && strncasecmp(value.bytes, name, len) == 0)
            return 1;
    }
    return 0;
}

static bool has_encoding(const struct part *part)
{
    const char *at = part->headers.bytes, *end = at + part->headers.len;

    for (; at < end; at++)
        if (begins(at, end, "transfer-encoding"))
            return true;
    return false;
}

int request_find_form_model(struct text content_type, struct text body, struct text *ret_model)
{
    struct form form;
    struct part part;
    struct text model = {NULL, 0};
    int result = open_form(content_type, body, &form);

    *ret_model = model;
    if (result != 0)
        return result == -ENOENT ? 0 : result;
    while (next_part(&form, &part)) {
        result = is_named(&part, "model");
        if (result == 0)
            continue;
        if (result < 0 || !part.whole || has_encoding(&part) || part.value.len > ROW_NAME_MAX)
            return -EINVAL;
        if (model.bytes != NULL &&
            (model.len != part.value.len || memcmp(model.bytes, part.value.bytes, model.len) != 0))
            return -EINVAL;
        model = part.value;
    }
    *ret_model = model;
    return 0;
}

/* -1: it is no number. */
static int64_t read_digits(struct text text)
{
    int64_t number = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (is_blank(text.bytes[i]))
            continue;
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return -1;
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, text.bytes[i] - '0', &number))
            return INT64_MAX;
    }
    return number;
}

void request_measure_form(struct text content_type, struct text body, int64_t *ret_parts,
                          int64_t *ret_n)
{
    struct form form;
    struct part part;

    *ret_parts = *ret_n = 0;
    if (open_form(content_type, body, &form) != 0)
        return;
    *ret_n = 1;
    while (next_part(&form, &part)) {
        int64_t number = is_named(&part, "n") == 1 ? read_digits(part.value) : -1;
        (*ret_parts)++;
        if (number > *ret_n)
            *ret_n = number;
    }
}
