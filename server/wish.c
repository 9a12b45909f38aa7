#include "server/wish.h"

#include <string.h>
#include <strings.h>

static bool is(const char *value, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(value, word, len) == 0;
}

enum wish_switch wish_parse_switch(const char *value, size_t len)
{
    if (is(value, len, "true"))
        return WISH_ON;
    if (is(value, len, "false"))
        return WISH_OFF;
    return WISH_UNSAID;
}

unsigned wish_parse_ttl(const char *value, size_t len)
{
    unsigned seconds = 0;

    if (len == 0 || value[0] < '0' || value[0] > '9')
        return 0;
    for (size_t i = 0; i < len && value[i] >= '0' && value[i] <= '9'; i++) {
        seconds = seconds * 10 + (unsigned)(value[i] - '0');
        if (seconds > WISH_TTL_MAX_S)
            return WISH_TTL_MAX_S;
    }
    return seconds < WISH_TTL_MIN_S ? WISH_TTL_MIN_S : seconds;
}

static void read_directive(const char *word, size_t len, struct wish *wish)
{
    const char *equals = memchr(word, '=', len);

    if (equals != NULL)
        len = (size_t)(equals - word);
    while (len > 0 && (word[len - 1] == ' ' || word[len - 1] == '\t'))
        len--;
    if (is(word, len, "no-cache"))
        wish->no_cache = true;
    else if (is(word, len, "no-store"))
        wish->no_store = true;
    else if (is(word, len, "only-if-cached"))
        wish->only_if_cached = true;
}

void wish_parse_cache_control(const char *value, size_t len, struct wish *wish)
{
    const char *at = value, *end = value + len;

    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma != NULL ? comma : end;
        while (at < stop && (*at == ' ' || *at == '\t'))
            at++;
        read_directive(at, (size_t)(stop - at), wish);
        at = stop + 1;
    }
}
