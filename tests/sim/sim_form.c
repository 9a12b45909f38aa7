/* sim_form.c - a multipart/form-data body (RFC 7578) as far as uploads need it. See sim_request.h.
 */
#include "tests/sim/sim_request.h"
#include "tests/sim/sim_text.h"

#include <string.h>
#include <strings.h>

enum { BOUNDARY_MAX = 70, PARTS_MAX = 64 }; /* the first by RFC 2046 */

static const char *find(const char *bytes, size_t len, const char *what, size_t what_len)
{
    return len >= what_len ? memmem(bytes, len, what, what_len) : NULL;
}

static h2o_iovec_t between(const char *at, const char *end)
{
    return h2o_iovec_init(at, (size_t)(end - at));
}

/* The value of a parameter in a header's text, quotes removed. */
static h2o_iovec_t parameter(const char *text, size_t len, const char *name)
{
    const char *at = find(text, len, name, strlen(name)), *end = text + len, *stop;

    if (at == NULL)
        return (h2o_iovec_t){0};
    at += strlen(name);
    if (at < end && *at == '"') {
        at++;
        stop = memchr(at, '"', (size_t)(end - at));
        return stop != NULL ? between(at, stop) : (h2o_iovec_t){0};
    }
    for (stop = at; stop < end && *stop != ';' && *stop != ' ' && *stop != '\r';)
        stop++;
    return between(at, stop);
}

static bool is(h2o_iovec_t value, const char *text)
{
    return h2o_memis(value.base, value.len, text, strlen(text));
}

/* One part: `head` up to the blank line, then its value. */
static void part_read(struct sim_request *request, h2o_iovec_t head, h2o_iovec_t value)
{
    h2o_iovec_t name = parameter(head.base, head.len, " name=");
    h2o_iovec_t filename = parameter(head.base, head.len, "filename=");

    if (filename.base != NULL) {
        request->filename = filename;
        request->file_bytes += value.len;
    } else if (!sim_text_is_utf8(value.base, value.len)) {
        return; /* it could not be quoted in an answer */
    } else if (is(name, "model")) {
        request->model = value;
    } else if (is(name, "purpose")) {
        request->purpose = value;
    } else if (is(name, "stream")) {
        request->stream = is(value, "true");
    } else if (is(name, "prompt")) {
        request->first_user = request->last_user = value;
        request->text_bytes += value.len;
    } else if (is(name, "n") && value.len == 1 && value.base[0] > '0' && value.base[0] <= '9') {
        request->count = value.base[0] - '0';
    }
}

bool sim_form_read(h2o_req_t *req, struct sim_request *request)
{
    static const char kind[] = "multipart/form-data";
    h2o_iovec_t type = sim_header(req, "content-type"), boundary;
    const char *at = req->entity.base, *end = at + req->entity.len;
    char mark[BOUNDARY_MAX + 4] = "--";
    size_t mark_len;

    if (type.len < sizeof(kind) - 1 || strncasecmp(type.base, kind, sizeof(kind) - 1) != 0)
        return false;
    boundary = parameter(type.base, type.len, "boundary=");
    if (boundary.len == 0 || boundary.len > BOUNDARY_MAX)
        return false;
    memcpy(mark + 2, boundary.base, boundary.len);
    mark_len = 2 + boundary.len;
    at = find(at, req->entity.len, mark, mark_len);
    if (at == NULL)
        return false;
    for (int part = 0; part < PARTS_MAX; part++) {
        const char *head = at + mark_len, *blank, *next;
        blank = find(head, (size_t)(end - head), "\r\n\r\n", 4);
        next = blank != NULL ? find(blank, (size_t)(end - blank), mark, mark_len) : NULL;
        if (next == NULL || next - blank < 6)
            return part > 0;
        part_read(request, between(head, blank), between(blank + 4, next - 2));
        at = next;
    }
    return true;
}
