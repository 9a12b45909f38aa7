/* wish.h - what a request asks of the cache, in its headers (openrouter-api.md section 1.1, design
 * 2.3). Pure functions; malformed values never fail a request, they count as absent.
 */
#ifndef SERVER_WISH_H
#define SERVER_WISH_H

#include <stdbool.h>
#include <stddef.h>

enum {
    WISH_TTL_MIN_S = 1,
    WISH_TTL_MAX_S = 86400,
    WISH_SALT_MAX = 1024, /* bytes; longer is refused with 400 by the caller */
};

enum wish_switch { WISH_UNSAID, WISH_ON, WISH_OFF };

struct wish {
    enum wish_switch cache; /* X-OpenRouter-Cache */
    bool clear;             /* X-OpenRouter-Cache-Clear: true */
    unsigned ttl_s;         /* X-OpenRouter-Cache-TTL, clamped; 0: absent or not a number */
    const char *salt;       /* X-OpenRouter-Cache-Salt; borrow */
    size_t salt_len;
    bool no_cache, no_store, only_if_cached; /* Cache-Control */
};

/* "true" and "false" in any case are said, everything else is not. */
enum wish_switch wish_parse_switch(const char *value, size_t len);

/* Begins with a digit, else 0 (absent). Trailing junk and decimals are dropped (60abc -> 60, 1.5 ->
 * 1), out of range is clamped (0 -> 1, 999999 -> 86400). */
unsigned wish_parse_ttl(const char *value, size_t len);

/* Comma list of directives (RFC 9111 section 5.2); unknown ones and arguments are ignored. Adds to
 * what earlier Cache-Control lines said. */
void wish_parse_cache_control(const char *value, size_t len, struct wish *wish);

#endif
