/* config_text.c - addresses, URLs, names and paths of the configuration.
 *
 * No complaint here repeats the value: people paste keys into the wrong line, and a complaint ends
 * in a log. */
#include "server/config_value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    URL_BYTES_MAX = 2048,
    NAME_BYTES_MAX = 32,
    VARIABLE_BYTES_MAX = 64,
    LABEL_BYTES_MAX = 63,
    MODEL_BYTES_MAX = 256, /* as a ledger row has room for */
    MEMBER_BYTES_MAX = 64,
    DIGEST_DIGITS = 64,
};

#define DIGITS "0123456789"
#define HEX DIGITS "abcdef"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SMALL "abcdefghijklmnopqrstuvwxyz"

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
    return false;
}

/* A host name, or an IPv4 address in its one usual form: the resolver would also take 127.1 and
 * 0x7f000001, whose place on or off loopback nobody sees. */
static bool host_name_ok(const char *host)
{
    struct in_addr v4;
    const char *label = host;
    for (;;) {
        size_t len = strspn(label, DIGITS CAPITALS SMALL "-_");
        if (len == 0 || len > LABEL_BYTES_MAX)
            return false;
        if (label[len] == '\0')
            break;
        if (label[len] != '.')
            return false;
        label += len + 1;
    }
    if (strchr(DIGITS, *label) != NULL)
        return inet_pton(AF_INET, host, &v4) == 1;
    return true;
}

/* Takes host or [v6] from *text into ret_host and moves *text behind it. */
static bool host_parse(const char **text, char ret_host[CONFIG_HOST_MAX + 1])
{
    bool bracketed = **text == '[';
    const char *from = *text + (bracketed ? 1 : 0);
    size_t len = bracketed ? strcspn(from, "]") : strcspn(from, ":/");
    struct in6_addr v6;
    if (len == 0 || len > CONFIG_HOST_MAX)
        return false;
    if (bracketed && from[len] != ']')
        return false;
    memcpy(ret_host, from, len);
    ret_host[len] = '\0';
    *text = from + len + (bracketed ? 1 : 0);
    return bracketed ? inet_pton(AF_INET6, ret_host, &v6) == 1 : host_name_ok(ret_host);
}

/* A port stands at the end of text up to `end`; at most 65535. */
static bool port_parse(const char *text, const char *end, uint16_t *ret_port)
{
    char number[8] = "";
    size_t len = (size_t)(end - text);
    uint64_t port;
    if (len == 0 || len >= sizeof(number))
        return false;
    memcpy(number, text, len);
    if (config_count_parse(number, &port) < 0 || port > UINT16_MAX)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

const char *config_address_parse(const char *text, struct config_address *ret_address)
{
    static const char form[] = "must be host:port, such as 127.0.0.1:8080, 0.0.0.0:8080 or, "
                               "with its quotes, \"[::1]:8080\"";
    struct config_address address;
    if (!host_parse(&text, address.host))
        return form;
    if (*text != ':')
        return form;
    text++;
    if (!port_parse(text, text + strlen(text), &address.port))
        return form;
    address.loopback = is_loopback(address.host);
    *ret_address = address;
    return NULL;
}

/* What follows the authority: printable ASCII that needs no second look. */
static const char *url_path_check(const char *path)
{
    if (strpbrk(path, "?#") != NULL)
        return "must have no query (?) and no fragment (#)";
    for (; *path != '\0'; path++) {
        if (*path <= ' ' || *path > '~' || strchr("\"<>\\^`{|}", *path) != NULL)
            return "must hold no spaces, quotes or other characters that need escaping in a URL";
    }
    return NULL;
}

const char *config_url_check(const char *text, size_t *ret_len)
{
    bool tls = strncmp(text, "https://", 8) == 0;
    size_t len = strlen(text);
    const char *at = text + (tls ? 8 : 7), *authority = at, *complaint;
    char host[CONFIG_HOST_MAX + 1];
    if (!tls && strncmp(text, "http://", 7) != 0)
        return "must begin with https:// (or http:// for a host on loopback)";
    if (len > URL_BYTES_MAX)
        return "must be at most 2048 bytes long";
    if (memchr(at, '@', strcspn(at, "/?#")) != NULL)
        return "must not hold a user name or password; name the variable of the key in api_key_env";
    complaint = url_path_check(at);
    if (complaint != NULL)
        return complaint;
    if (!host_parse(&at, host))
        return "must name a host, such as https://ai-gateway.vercel.sh/v1";
    if (*at == ':') {
        const char *end = at + strcspn(at, "/");
        uint16_t port;
        if (!port_parse(at + 1, end, &port) || port == 0)
            return "must have a port of 1 to 65535, or none";
        at = end;
    }
    if (*at != '/' && *at != '\0')
        return "must name a host, such as https://ai-gateway.vercel.sh/v1";
    if (!tls && !is_loopback(host))
        return "must begin with https://: over http:// to a host off loopback the keys would "
               "travel in clear";
    while (len > (size_t)(authority - text) && text[len - 1] == '/')
        len--;
    *ret_len = len;
    return NULL;
}

const char *config_name_check(const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len > NAME_BYTES_MAX || strspn(text, DIGITS SMALL "_-") != len)
        return "must be 1 to 32 of a-z, 0-9, _ and -";
    return NULL;
}

/* Capitals only, so that a pasted key is refused here instead of being quoted as a name later. */
const char *config_variable_check(const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len > VARIABLE_BYTES_MAX || strspn(text, DIGITS CAPITALS "_") != len ||
        strchr(DIGITS, *text) != NULL)
        return "must be the name of an environment variable, of A-Z, 0-9 and _, such as "
               "AI_GATEWAY_API_KEY; the secret itself never stands in this file";
    return NULL;
}

const char *config_path_check(const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len >= CONFIG_TEXT_MAX)
        return "must be a path of 1 to 4095 bytes";
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return "must hold no control characters";
    }
    if (text[0] == '~' && (text[1] == '/' || text[1] == '\0'))
        return "must not begin with ~, which only a shell understands; write the directory out";
    return NULL;
}

/* Visible ASCII; what else a vendor puts into its ids is the vendor's. */
static bool model_ok(const char *text, bool pattern)
{
    size_t len = strlen(text);
    if (len == 0 || len > MODEL_BYTES_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~' || strchr("\"\\", text[i]) != NULL)
            return false;
        if (text[i] == '*' && !pattern)
            return false;
    }
    return strstr(text, "@preset/") == NULL;
}

const char *config_model_check(const char *text)
{
    if (model_ok(text, false))
        return NULL;
    return "must be the id of a model, such as openai/gpt-5-mini: 1 to 256 characters without "
           "spaces, quotes, * or @preset/";
}

const char *config_pattern_check(const char *text)
{
    if (model_ok(text, true))
        return NULL;
    return "must be a pattern such as anthropic/*: 1 to 256 characters without spaces, quotes or "
           "@preset/";
}

/* Characters, or 0 when one of them is a control character. YAML has checked the UTF-8. */
static size_t line_characters(const char *text)
{
    size_t count = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return 0;
        if ((unsigned char)c[0] == 0xc2 && (unsigned char)c[1] < 0xa0) /* U+0080 to U+009F */
            return 0;
        count += ((unsigned char)*c & 0xc0) != 0x80;
    }
    return count;
}

const char *config_label_check(const char *text)
{
    if (line_characters(text) == 0 || strlen(text) > CONFIG_LABEL_MAX)
        return "must be 1 to 128 bytes of text without control characters";
    return NULL;
}

const char *config_tag_check(const char *text)
{
    size_t count = line_characters(text);
    if (count == 0 || count > CONFIG_TAG_MAX)
        return "must be 1 to 64 characters, none of them a control character";
    return NULL;
}

/* In lower case, so that equal hashes are equal texts. */
const char *config_digest_check(const char *text)
{
    if (strncmp(text, "sha256:", 7) != 0 || strlen(text) != 7 + DIGEST_DIGITS ||
        strspn(text + 7, HEX) != DIGEST_DIGITS)
        return "must be sha256: and 64 hex digits in lower case, as `tollgate keys new NAME` "
               "prints it; the key itself never stands in this file";
    return NULL;
}

const char *config_members_check(const char *text)
{
    static const char form[] = "must be the names of 1 to 8 members with dots between them, such "
                               "as usage.cost; each of a-z, A-Z, 0-9, _, - and $";
    for (unsigned parts = 1; parts <= CONFIG_MEMBERS_MAX; parts++) {
        size_t len = strspn(text, DIGITS CAPITALS SMALL "_-$");
        if (len == 0 || len > MEMBER_BYTES_MAX)
            return form;
        if (text[len] == '\0')
            return NULL;
        if (text[len] != '.')
            return form;
        text += len + 1;
    }
    return form;
}
