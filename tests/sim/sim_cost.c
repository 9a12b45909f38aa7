/* sim_cost.c - see sim_cost.h. */
#include "tests/sim/sim_cost.h"

#include <assert.h>
#include <string.h>

enum {
    COST_DECIMALS = 15,
    COST_DIGITS_MAX = 40, /* 2^127 has 39 */
};

#define ONE_DOLLAR ((__int128)1000000000000000)

/* The rate of one unit: that of the highest tier below `prompt`, if the tier names the unit, else
 * the base's. Zero with *ret_known left alone means that the vendor lists none. */
static __int128 rate_of(const struct price_brackets *brackets, enum price_unit unit, int64_t prompt,
                        bool *ret_known)
{
    const struct price_rates *rates = &brackets->base;
    int64_t highest = -1;

    for (unsigned i = 0; i < brackets->tier_count; i++) {
        if (prompt > brackets->tiers[i].above && brackets->tiers[i].above > highest) {
            rates = &brackets->tiers[i].rates;
            highest = brackets->tiers[i].above;
        }
    }
    if ((rates->known & (1u << unit)) == 0)
        rates = &brackets->base;
    if ((rates->known & (1u << unit)) == 0)
        return 0;
    *ret_known = true;
    return rates->unit[unit].femto;
}

/* value x factor / 1, one half-even rounding. */
static __int128 scale(__int128 value, __int128 factor)
{
    __int128 whole = value / ONE_DOLLAR, rest = value % ONE_DOLLAR;
    __int128 product = rest * factor; /* below 1e30 for any factor the parser lets through */
    __int128 scaled = whole * factor + product / ONE_DOLLAR;
    __int128 twice = product % ONE_DOLLAR * 2;

    if (twice > ONE_DOLLAR || (twice == ONE_DOLLAR && scaled % 2 != 0))
        scaled++;
    return scaled;
}

static __int128 input_cost(const struct price_brackets *brackets, const struct sim_tokens *tokens,
                           __int128 input)
{
    bool read_known = false, write_known = false, hour_known = false;
    __int128 read = rate_of(brackets, PRICE_CACHE_READ, tokens->prompt, &read_known);
    __int128 write = rate_of(brackets, PRICE_CACHE_WRITE, tokens->prompt, &write_known);
    __int128 hour = rate_of(brackets, PRICE_CACHE_WRITE_1H, tokens->prompt, &hour_known);
    __int128 uncached = tokens->prompt - tokens->cached - tokens->written;

    assert(uncached >= 0);
    return uncached * input + tokens->cached * (read_known ? read : input) +
           (tokens->written - tokens->written_1h) * (write_known ? write : input) +
           tokens->written_1h * (hour_known    ? hour
                                 : write_known ? write
                                               : input);
}

static struct sim_costs bill(__int128 market, __int128 output, const struct sim_billing *billing)
{
    struct sim_costs costs = {
        .known = true,
        .market = market,
        .market_output = output,
        .surcharge = billing->surcharge,
    };

    if (billing->byok) {
        costs.upstream = market;
    } else {
        costs.cost = billing->billed >= 0 ? billing->billed : scale(market, billing->factor);
        costs.output = scale(output, billing->factor);
        costs.input = costs.cost - costs.output;
    }
    costs.gateway = costs.cost + costs.surcharge;
    assert(costs.gateway >= costs.surcharge);
    return costs;
}

/* The rates of a service tier that the price names; what it leaves out is not looked for elsewhere.
 */
static const struct price_brackets *brackets_of(const struct price *price, const char *tier)
{
    for (unsigned i = 0; i < price->service_count && tier != NULL; i++) {
        if (strcmp(price->services[i].name, tier) == 0)
            return &price->services[i].brackets;
    }
    return &price->standard;
}

struct sim_costs sim_cost_of(const struct price *price, const char *service_tier,
                             const struct sim_tokens *tokens, const struct sim_billing *billing)
{
    bool known = false, other_known = false;
    const struct price_brackets *brackets;
    __int128 input, output, request, market;

    if (price == NULL)
        return (struct sim_costs){0};
    brackets = brackets_of(price, service_tier);
    input = rate_of(brackets, PRICE_INPUT, tokens->prompt, &known);
    if (!known)
        return (struct sim_costs){0};
    input = input_cost(brackets, tokens, input);
    output = tokens->completion * rate_of(brackets, PRICE_OUTPUT, tokens->prompt, &known);
    request = rate_of(&price->standard, PRICE_REQUEST, tokens->prompt, &other_known) +
              tokens->searches *
                  rate_of(&price->standard, PRICE_WEB_SEARCH, tokens->prompt, &other_known);
    market = billing->market >= 0 ? billing->market : input + output + request;
    return bill(market, output < market ? output : market, billing);
}

struct sim_costs sim_cost_flat(__int128 market, const struct sim_billing *billing)
{
    return bill(market, 0, billing);
}

/* The digits of a value without sign, most significant first; at least `least` of them. */
static size_t digits_of(__int128 value, size_t least, char digits[COST_DIGITS_MAX])
{
    char reversed[COST_DIGITS_MAX];
    size_t count = 0;
    uint64_t small; /* most amounts fit, and dividing 128 bits is slow */

    assert(value >= 0);
    while (value > UINT64_MAX) {
        reversed[count++] = (char)('0' + (int)(value % 10));
        value /= 10;
    }
    for (small = (uint64_t)value; small != 0 || count < least; small /= 10)
        reversed[count++] = (char)('0' + (int)(small % 10));
    for (size_t i = 0; i < count; i++)
        digits[i] = reversed[count - 1 - i];
    return count;
}

void sim_cost_plain(struct sim_text *text, __int128 femto)
{
    char digits[COST_DIGITS_MAX];
    size_t count = digits_of(femto, COST_DECIMALS + 1, digits);
    size_t whole = count - COST_DECIMALS;

    while (count > whole && digits[count - 1] == '0')
        count--;
    sim_text_add(text, digits, whole);
    if (count == whole)
        return;
    sim_text_add(text, ".", 1);
    sim_text_add(text, digits + whole, count - whole);
}

static void cost_exponent(struct sim_text *text, __int128 femto)
{
    char digits[COST_DIGITS_MAX];
    size_t count = digits_of(femto, 1, digits);
    int exponent = (int)count - 1 - COST_DECIMALS;

    while (count > 1 && digits[count - 1] == '0')
        count--;
    sim_text_add(text, digits, 1);
    if (count > 1) {
        sim_text_add(text, ".", 1);
        sim_text_add(text, digits + 1, count - 1);
    }
    sim_text_str(text, exponent < 0 ? "e" : "e+");
    sim_text_int(text, exponent);
}

void sim_cost_json(struct sim_text *text, __int128 femto, enum sim_cost_format format)
{
    bool tiny = femto < ONE_DOLLAR / 1000000; /* from there on JavaScript prints plainly */

    if (format == SIM_COST_STRING) {
        sim_text_add(text, "\"", 1);
        sim_cost_plain(text, femto);
        sim_text_add(text, "\"", 1);
    } else if (femto != 0 && (tiny || format == SIM_COST_EXPONENT)) {
        cost_exponent(text, femto);
    } else {
        sim_cost_plain(text, femto);
    }
}
