/* admin_body.c - bodies of POST, and who asks. */
#include "server/admin_query.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

/* --- bodies --- */

/* What a member must be; NULL: it was read. */
typedef const char *read_member(void *into, const struct json_doc *doc, uint32_t value);

struct member {
    const char *name;
    read_member *read;
    bool required;
};

/* Every member of the object must be one of these; the last one counts, as everywhere (json.h). */
static int read_object(const struct json_doc *doc, const struct member *members, size_t count,
                       void *into, struct admin_error *error)
{
    const char *must;

    if (doc->count == 0 || doc->tokens[0].type != JSON_OBJECT)
        return admin_error_set(error, 400, "bad_request", "the body must be a JSON object");
    for (uint32_t key = json_first(doc, 0); key != JSON_NONE;) {
        uint32_t value = json_next(doc, 0, key);
        size_t i = 0;
        while (i < count && !json_string_is(doc, key, members[i].name))
            i++;
        if (i == count)
            return admin_error_set(error, 400, "bad_request",
                                   "the body has a member that is not known here: see the "
                                   "documentation of the admin address");
        must = members[i].read(into, doc, value);
        if (must != NULL)
            return admin_error_set(error, 400, "bad_request", "%s %s", members[i].name, must);
        key = json_next(doc, 0, value);
    }
    for (size_t i = 0; i < count; i++)
        if (members[i].required && json_get(doc, 0, members[i].name) == JSON_NONE)
            return admin_error_set(error, 400, "bad_request", "%s is required", members[i].name);
    return 0;
}

static int read_body(struct text body, const struct member *members, size_t count, void *into,
                     struct admin_error *error)
{
    struct json_doc doc;
    size_t at = 0;
    int result;

    json_doc_init(&doc);
    result = json_parse(&doc, body.bytes, body.len, &at);
    if (result == 0)
        result = read_object(&doc, members, count, into, error);
    else if (result == -ENOMEM)
        result = admin_error_ledger(error, result, "");
    else
        result =
            admin_error_set(error, 400, "bad_request", "the body is not JSON (at byte %zu)", at);
    json_doc_release(&doc);
    return result;
}

/* An absolute path without `..`, so that what is shown is what is meant. */
static bool is_path(const char *bytes, size_t len)
{
    if (len < 2 || len >= ADMIN_PATH_MAX || bytes[0] != '/' || bytes[len - 1] == '/')
        return false;
    for (size_t at = 0; at < len;) {
        const char *slash = memchr(bytes + at + 1, '/', len - at - 1);
        size_t end = slash != NULL ? (size_t)(slash - bytes) : len;
        if (end - at - 1 == 2 && memcmp(bytes + at + 1, "..", 2) == 0)
            return false;
        at = end;
    }
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f)
            return false;
    return true;
}

static int read_path(const struct json_doc *doc, uint32_t value, char path[ADMIN_PATH_MAX])
{
    char scratch[ADMIN_PATH_MAX];
    const char *bytes;
    size_t len;

    if (json_string(doc, value, scratch, sizeof scratch, &bytes, &len) != 0 || !is_path(bytes, len))
        return -EINVAL;
    memcpy(path, bytes, len);
    path[len] = '\0';
    return 0;
}

static const char *read_month(void *into, const struct json_doc *doc, uint32_t value)
{
    struct admin_close_body *body = into;
    char scratch[64];
    const char *bytes;
    size_t len;

    if (json_string(doc, value, scratch, sizeof scratch, &bytes, &len) != 0 ||
        export_month_parse(bytes, len, &body->from_ms, &body->to_ms) != 0)
        return "must be a month such as \"2026-10\" (UTC)";
    memcpy(body->month, bytes, len);
    body->month[len] = '\0';
    return NULL;
}

static const char *read_with_pending(void *into, const struct json_doc *doc, uint32_t value)
{
    struct admin_close_body *body = into;
    uint8_t type = doc->tokens[value].type;

    if (type != JSON_TRUE && type != JSON_FALSE)
        return "must be true or false";
    body->with_pending = type == JSON_TRUE;
    return NULL;
}

/* A file of another name, a shell's or ssh's, cannot be made this way, whatever stands in rows. */
static const char *read_export(void *into, const struct json_doc *doc, uint32_t value)
{
    struct admin_close_body *body = into;
    size_t len;

    body->export_path[0] = '\0';
    if (doc->tokens[value].type == JSON_NULL)
        return NULL;
    if (read_path(doc, value, body->export_path) == 0) {
        len = strlen(body->export_path);
        if (len > 5 && strcmp(body->export_path + len - 4, ".csv") == 0)
            return NULL;
        body->export_path[0] = '\0';
    }
    return "must be an absolute path that ends in .csv, without \"..\", or null";
}

static const char *read_dir(void *into, const struct json_doc *doc, uint32_t value)
{
    struct admin_backup_body *body = into;

    if (read_path(doc, value, body->dir) != 0)
        return "must be an absolute path, without \"..\" and without a slash at its end";
    return NULL;
}

int admin_close_parse(struct text text, struct admin_close_body *ret_body,
                      struct admin_error *error)
{
    static const struct member members[] = {{"month", read_month, true},
                                            {"with_pending", read_with_pending, false},
                                            {"export", read_export, false}};
    struct admin_close_body body = {.with_pending = false};

    if (read_body(text, members, sizeof members / sizeof *members, &body, error) != 0)
        return -1;
    *ret_body = body;
    return 0;
}

int admin_backup_parse(struct text text, struct admin_backup_body *ret_body,
                       struct admin_error *error)
{
    static const struct member members[] = {{"dir", read_dir, true}};
    struct admin_backup_body body = {.dir = ""};

    if (read_body(text, members, 1, &body, error) != 0)
        return -1;
    *ret_body = body;
    return 0;
}

/* --- who asks --- */

void admin_token_digest(struct text token, uint8_t ret_digest[ADMIN_DIGEST])
{
    unsigned len = 0;
    int done = EVP_Digest(token.bytes, token.len, ret_digest, &len, EVP_sha256(), NULL);

    assert(done == 1); /* half a digest on either side must never come to be compared */
    assert(len == ADMIN_DIGEST);
}

bool admin_token_matches(const uint8_t digest[ADMIN_DIGEST], struct text authorization)
{
    static const char scheme[] = "bearer ";
    uint8_t theirs[ADMIN_DIGEST];
    bool matches;

    if (authorization.len < sizeof scheme - 1)
        return false;
    for (size_t i = 0; i < sizeof scheme - 1; i++) {
        char byte = authorization.bytes[i];
        if (byte >= 'A' && byte <= 'Z')
            byte = (char)(byte | 0x20);
        if (byte != scheme[i])
            return false;
    }
    admin_token_digest((struct text){authorization.bytes + sizeof scheme - 1,
                                     authorization.len - sizeof scheme + 1},
                       theirs);
    matches = CRYPTO_memcmp(digest, theirs, ADMIN_DIGEST) == 0;
    OPENSSL_cleanse(theirs, sizeof theirs);
    return matches;
}

static bool is_port(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] < '0' || bytes[i] > '9')
            return false;
    return len > 0 && len <= 5;
}

static bool is_localhost(const char *bytes, size_t len)
{
    static const char name[] = "localhost";

    if (len != sizeof name - 1)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((bytes[i] | 0x20) != name[i])
            return false;
    return true;
}

bool admin_host_is_local(struct text host)
{
    char name[64];
    struct in_addr address;
    const char *end;
    size_t len;

    if (host.len == 0)
        return true;
    if (host.bytes[0] == '[') {
        end = memchr(host.bytes, ']', host.len);
        len = end != NULL ? (size_t)(end - host.bytes) + 1 : 0;
    } else {
        end = memchr(host.bytes, ':', host.len);
        len = end != NULL ? (size_t)(end - host.bytes) : host.len;
    }
    if (len < host.len &&
        (host.bytes[len] != ':' || !is_port(host.bytes + len + 1, host.len - len - 1)))
        return false;
    if (len == 0 || len >= sizeof name)
        return false;
    memcpy(name, host.bytes, len);
    name[len] = '\0';
    if (strcmp(name, "[::1]") == 0 || is_localhost(name, len))
        return true;
    return inet_pton(AF_INET, name, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}
