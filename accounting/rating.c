/* rating.c - the lines of an estimate to text and back, and shares in proportion to them. See
 * rating.h.
 *
 * There is one text for each estimate: numbers without leading zeros, what is the default left out,
 * the order fixed. So the reader need not compare, it only follows the form.
 */
#include "accounting/rating.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    MULTIPLIER_MAX = 100 * PRICE_MULTIPLIER_NONE, /* price.h */
    FLAGS_ALL = ESTIMATE_FALLBACK_PRICE | ESTIMATE_USAGE_INCONSISTENT | ESTIMATE_WRITES_OUTSIDE |
                ESTIMATE_OFF_PEAK | ESTIMATE_SERVICE_UNKNOWN,
    NUMBER_MAX = 19,                                     /* digits of INT64_MAX */
    CLASS_MAX = 2,                                       /* digits of a class */
    LINE_MAX = 1 + 2 * CLASS_MAX + 2 * NUMBER_MAX + 3,   /* ";class:billed:quantity:price" */
    TIER_MAX = 6 + 3 * (PRICE_SERVICE_NAME_MAX - 1),     /* " tier=", every byte escaped */
    HEAD_MAX = 1 + 20 + TIER_MAX + 3 + 9 + 7 + 2,        /* "1 above=... tier=... x=... flags=.." */
    SMALL_CLASSES = PRICE_UNITS < 10 ? PRICE_UNITS : 10, /* of one digit */
    TEXT_BOUND = HEAD_MAX + PRICE_UNITS * LINE_MAX - 2 * SMALL_CLASSES,
};
_Static_assert((int)TEXT_BOUND <= (int)ROW_RATING_BYTES_MAX, "any estimate fits");
_Static_assert((int)FLAGS_ALL < 100, "flags have two digits");
_Static_assert(PRICE_ABOVE_MAX < INT64_C(10000000000000), "a tier's bound has 13 digits");

static const char hex[] = "0123456789ABCDEF";

/* --- printing --- */

struct printer {
    char *text;
    size_t len;
};

static void put(struct printer *printer, const char *bytes, size_t len)
{
    assert(len <= ROW_RATING_BYTES_MAX - printer->len);
    memcpy(printer->text + printer->len, bytes, len);
    printer->len += len;
}

static void put_number(struct printer *printer, int64_t number)
{
    char digits[NUMBER_MAX + 2];
    int len;

    assert(number >= 0);
    len = snprintf(digits, sizeof(digits), "%lld", (long long)number);
    put(printer, digits, (size_t)len);
}

static void put_member(struct printer *printer, const char *name, int64_t number)
{
    put(printer, name, strlen(name));
    put_number(printer, number);
}

/* Bytes that a tier's name may have as they are; others would end it, or hide what it says. */
static bool is_plain(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.';
}

static void put_tier(struct printer *printer, const char *name)
{
    put(printer, " tier=", 6);
    for (size_t i = 0; name[i] != '\0'; i++) {
        unsigned char byte = (unsigned char)name[i];
        char escaped[3] = {'%', hex[byte >> 4], hex[byte & 15]};

        if (is_plain(byte))
            put(printer, &name[i], 1);
        else
            put(printer, escaped, sizeof(escaped));
    }
}

size_t rating_print(const struct estimate *estimate, char text[ROW_RATING_BYTES_MAX])
{
    struct printer printer = {text, 0};

    assert(estimate->count <= PRICE_UNITS);
    assert(estimate->above >= 0 && estimate->above <= PRICE_ABOVE_MAX);
    assert(estimate->multiplier_ppm > 0 && estimate->multiplier_ppm <= MULTIPLIER_MAX);
    assert((estimate->flags & ~(unsigned)FLAGS_ALL) == 0);
    put(&printer, "1", 1);
    if (estimate->above != 0)
        put_member(&printer, " above=", estimate->above);
    if (estimate->service_tier[0] != '\0')
        put_tier(&printer, estimate->service_tier);
    if (estimate->multiplier_ppm != PRICE_MULTIPLIER_NONE)
        put_member(&printer, " x=", estimate->multiplier_ppm);
    if (estimate->flags != 0)
        put_member(&printer, " flags=", estimate->flags);
    for (unsigned i = 0; i < estimate->count; i++) {
        const struct estimate_line *line = &estimate->lines[i];

        put_member(&printer, ";", (int64_t)line->class);
        put_member(&printer, ":", (int64_t)line->billed);
        put_member(&printer, ":", line->quantity);
        put_member(&printer, ":", line->price.femto);
    }
    return printer.len;
}

/* --- parsing --- */

struct reader {
    const char *at, *end;
};

static bool take(struct reader *reader, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, word, len) != 0)
        return false;
    reader->at += len;
    return true;
}

/* A number from 0 to max, in its only spelling. */
static bool take_number(struct reader *reader, int64_t max, int64_t *ret_number)
{
    const char *first = reader->at;
    int64_t number = 0;

    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, *reader->at - '0', &number))
            return false;
    }
    if (reader->at == first || (*first == '0' && reader->at - first > 1) || number > max)
        return false;
    *ret_number = number;
    return true;
}

static int hex_value(char digit)
{
    const char *found = digit != '\0' ? strchr(hex, digit) : NULL;

    return found != NULL ? (int)(found - hex) : -1;
}

static bool take_tier(struct reader *reader, char name[PRICE_SERVICE_NAME_MAX])
{
    size_t len = 0;

    for (; reader->at < reader->end && len < PRICE_SERVICE_NAME_MAX; len++) {
        if (is_plain((unsigned char)*reader->at)) {
            name[len] = *reader->at++;
        } else if (*reader->at == '%' && reader->end - reader->at >= 3) {
            int high = hex_value(reader->at[1]), low = hex_value(reader->at[2]);

            if (high < 0 || low < 0 || high + low == 0 ||
                is_plain((unsigned char)(high << 4 | low)))
                return false;
            name[len] = (char)(unsigned char)(high << 4 | low);
            reader->at += 3;
        } else {
            break;
        }
    }
    return len > 0 && len < PRICE_SERVICE_NAME_MAX;
}

/* What is not the default; a default that is spelt out is not ours. */
static bool take_head(struct reader *reader, struct estimate *estimate)
{
    int64_t flags = 0;

    estimate->multiplier_ppm = PRICE_MULTIPLIER_NONE;
    if (!take(reader, "1"))
        return false;
    if (take(reader, " above=") &&
        (!take_number(reader, PRICE_ABOVE_MAX, &estimate->above) || estimate->above == 0))
        return false;
    if (take(reader, " tier=") && !take_tier(reader, estimate->service_tier))
        return false;
    if (take(reader, " x=") &&
        (!take_number(reader, MULTIPLIER_MAX, &estimate->multiplier_ppm) ||
         estimate->multiplier_ppm == 0 || estimate->multiplier_ppm == PRICE_MULTIPLIER_NONE))
        return false;
    if (take(reader, " flags=") && (!take_number(reader, FLAGS_ALL, &flags) || flags == 0))
        return false;
    estimate->flags = (unsigned)flags;
    return true;
}

/* Whether estimate_cost() ever bills the class at that unit's price. */
static bool is_fallback(enum price_unit class, enum price_unit billed)
{
    if (class == PRICE_CACHE_WRITE_1H)
        return billed == PRICE_CACHE_WRITE || billed == PRICE_INPUT;
    return (class == PRICE_CACHE_READ || class == PRICE_CACHE_WRITE) && billed == PRICE_INPUT;
}

static bool take_line(struct reader *reader, struct estimate *estimate)
{
    struct estimate_line *line = &estimate->lines[estimate->count];
    int64_t class = 0, billed = 0;

    if (estimate->count == PRICE_UNITS || !take_number(reader, PRICE_UNITS - 1, &class) ||
        !take(reader, ":") || !take_number(reader, PRICE_UNITS - 1, &billed) ||
        !take(reader, ":") || !take_number(reader, INT64_MAX, &line->quantity) ||
        !take(reader, ":") || !take_number(reader, INT64_MAX, &line->price.femto))
        return false;
    line->class = (enum price_unit) class;
    line->billed = (enum price_unit)billed;
    if (line->quantity == 0 || (class != billed && !is_fallback(line->class, line->billed)))
        return false;
    if (estimate->count > 0 && line[-1].class >= line->class)
        return false;
    estimate->count++;
    return true;
}

/* The mark for a borrowed price stands where one was borrowed, and only there. */
static bool marks_fallback(const struct estimate *estimate)
{
    bool borrowed = false;

    for (unsigned i = 0; i < estimate->count; i++)
        borrowed |= estimate->lines[i].class != estimate->lines[i].billed;
    return borrowed == ((estimate->flags & ESTIMATE_FALLBACK_PRICE) != 0);
}

static int sum_lines(struct estimate *estimate)
{
    for (unsigned i = 0; i < estimate->count; i++) {
        struct estimate_line *line = &estimate->lines[i];

        if (money_multiply(line->price, line->quantity, &line->cost) < 0 ||
            money_add(estimate->cost, line->cost, &estimate->cost) < 0)
            return -EOVERFLOW;
    }
    return money_scale(estimate->cost, estimate->multiplier_ppm, PRICE_MULTIPLIER_NONE,
                       &estimate->cost);
}

int rating_parse(struct text text, struct estimate *ret_estimate)
{
    struct estimate estimate = {.count = 0};
    struct reader reader;
    int rc;

    if (text.len == 0 || text.len > ROW_RATING_BYTES_MAX)
        return -EBADMSG;
    reader = (struct reader){text.bytes, text.bytes + text.len};
    if (!take_head(&reader, &estimate))
        return -EBADMSG;
    while (take(&reader, ";")) {
        if (!take_line(&reader, &estimate))
            return -EBADMSG;
    }
    if (reader.at != reader.end || !marks_fallback(&estimate))
        return -EBADMSG;
    rc = sum_lines(&estimate);
    if (rc == 0)
        *ret_estimate = estimate;
    return rc;
}

/* --- shares --- */

typedef unsigned __int128 wide;

/* a x b / divisor and what is left over, where a <= divisor. The product may have 256 bits: then it
 * is made bit by bit, from the top, and never grows beyond the divisor. */
static wide multiply_divide(wide a, wide b, wide divisor, wide *ret_rest)
{
    wide quotient = 0, rest = 0, product;

    assert(a <= divisor);
    if (!__builtin_mul_overflow(a, b, &product)) {
        *ret_rest = product % divisor;
        return product / divisor;
    }
    if (a == divisor) {
        *ret_rest = 0;
        return b;
    }
    assert(divisor <= (wide)1 << 127); /* a sum of costs: doubling what is below it cannot wrap */
    for (int bit = 127; bit >= 0; bit--) {
        quotient <<= 1;
        rest <<= 1;
        if (rest >= divisor) {
            rest -= divisor;
            quotient |= 1;
        }
        if ((b >> bit & 1) == 0)
            continue;
        rest += a;
        if (rest >= divisor) {
            rest -= divisor;
            quotient++;
        }
    }
    *ret_rest = rest;
    return quotient;
}

static int sum_costs(const struct estimate *estimate, struct money *ret_sum)
{
    struct money sum = {0};

    for (unsigned i = 0; i < estimate->count; i++) {
        if (estimate->lines[i].cost.femto < 0)
            return -EINVAL;
        if (money_add(sum, estimate->lines[i].cost, &sum) < 0)
            return -EOVERFLOW;
    }
    if (sum.femto == 0)
        return -EINVAL;
    *ret_sum = sum;
    return 0;
}

/* The line with the largest remainder that has not had a unit more yet; the lower one of equals. */
static unsigned largest(const wide *rests, unsigned count)
{
    unsigned best = 0;

    for (unsigned i = 1; i < count; i++) {
        if (rests[i] > rests[best])
            best = i;
    }
    assert(rests[best] > 0); /* there are fewer units left than lines with a remainder */
    return best;
}

int rating_allocate(const struct estimate *estimate, struct money cost,
                    struct money ret_shares[PRICE_UNITS])
{
    wide size = cost.femto < 0 ? -(wide)cost.femto : (wide)cost.femto;
    wide shares[PRICE_UNITS] = {0}, rests[PRICE_UNITS] = {0}, left = size;
    struct money sum = {0};
    int rc = sum_costs(estimate, &sum);

    assert(estimate->count <= PRICE_UNITS);
    if (rc < 0)
        return rc;
    for (unsigned i = 0; i < estimate->count; i++) {
        shares[i] =
            multiply_divide((wide)estimate->lines[i].cost.femto, size, (wide)sum.femto, &rests[i]);
        assert(shares[i] <= left);
        left -= shares[i];
    }
    assert(left < PRICE_UNITS);
    for (; left > 0; left--) {
        unsigned next = largest(rests, estimate->count);

        rests[next] = 0;
        shares[next]++;
    }
    for (unsigned i = 0; i < estimate->count; i++)
        ret_shares[i].femto = (__int128)(cost.femto < 0 ? -shares[i] : shares[i]);
    return 0;
}
