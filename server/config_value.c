/* config_value.c - numbers, sizes, durations and percentages of the configuration. Addresses and
 * other text are in config_text.c. */
#include "server/config_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MONEY_DIGITS = 15 };

/* Ascending: printing takes the largest unit that divides, parsing any. */
struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit size_units[] = {
    {"B", 1},
    {"KiB", UINT64_C(1) << 10},
    {"MiB", UINT64_C(1) << 20},
    {"GiB", UINT64_C(1) << 30},
    {"TiB", UINT64_C(1) << 40},
    {NULL, 0},
};

static const struct unit span_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}, {NULL, 0},
};

static const struct unit period_units[] = {
    {"s", 1}, {"m", 60}, {"h", 60 * 60}, {"d", 24 * 60 * 60}, {NULL, 0},
};

static uint64_t saturating_multiply(uint64_t a, uint64_t b)
{
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static uint64_t saturating_add(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* Moves *text past the digits. A leading zero is refused: YAML 1.1 reads 010 as eight. */
static int digits(const char **text, uint64_t *ret_value)
{
    const char *at = *text;
    uint64_t value = 0;
    while (*at >= '0' && *at <= '9') {
        value = saturating_multiply(value, 10);
        value = saturating_add(value, (uint64_t)(*at - '0'));
        at++;
    }
    if (at == *text)
        return -EINVAL;
    if (**text == '0' && at - *text > 1)
        return -EINVAL;
    *text = at;
    *ret_value = value;
    return 0;
}

int config_flag_parse(const char *text, uint64_t *ret_flag)
{
    static const char *const words[] = {"off", "on", "false", "true", "no", "yes"};
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i]) == 0) {
            *ret_flag = i % 2;
            return 0;
        }
    }
    return -EINVAL;
}

int config_count_parse(const char *text, uint64_t *ret_count)
{
    uint64_t count;
    if (digits(&text, &count) < 0 || *text != '\0')
        return -EINVAL;
    *ret_count = count;
    return 0;
}

/* plain: the factor of a number without a unit, 0 when it needs one. */
static int number_with_unit(const char *text, const struct unit *unit, uint64_t plain,
                            uint64_t *ret_value)
{
    uint64_t value;
    if (digits(&text, &value) < 0)
        return -EINVAL;
    if (*text == '\0' && plain != 0) {
        *ret_value = saturating_multiply(value, plain);
        return 0;
    }
    for (; unit->name != NULL; unit++) {
        if (strcmp(text, unit->name) == 0) {
            *ret_value = saturating_multiply(value, unit->factor);
            return 0;
        }
    }
    return -EINVAL;
}

int config_size_parse(const char *text, uint64_t *ret_bytes)
{
    return number_with_unit(text, size_units, 1, ret_bytes);
}

int config_span_parse(const char *text, uint64_t *ret_ms)
{
    return number_with_unit(text, span_units, 0, ret_ms);
}

int config_period_parse(const char *text, uint64_t *ret_seconds)
{
    return number_with_unit(text, period_units, 0, ret_seconds);
}

int config_percent_parse(const char *text, uint64_t *ret_ppm)
{
    uint64_t whole, part = 0, scale = CONFIG_PPM_PERCENT;
    if (digits(&text, &whole) < 0)
        return -EINVAL;
    if (*text == '.') {
        const char *first = ++text;
        for (; *text >= '0' && *text <= '9' && scale > 1; text++) {
            scale /= 10;
            part += (uint64_t)(*text - '0') * scale;
        }
        if (text == first)
            return -EINVAL;
    }
    if (strcmp(text, "%") != 0)
        return -EINVAL;
    *ret_ppm = saturating_add(saturating_multiply(whole, CONFIG_PPM_PERCENT), part);
    return 0;
}

int config_months_parse(const char *text, uint64_t *ret_months)
{
    uint64_t months;
    if (digits(&text, &months) < 0)
        return -EINVAL;
    if (*text != '\0' && strcmp(text, " months") != 0 && strcmp(text, " month") != 0)
        return -EINVAL;
    *ret_months = months;
    return 0;
}

/* Plain decimals only: what a price list writes with an exponent nobody budgets with. */
int config_money_parse(const char *text, struct money *ret_money)
{
    const char *at = text;
    enum money_precision precision;
    struct money money;
    uint64_t whole;
    size_t decimals = 0;
    if (digits(&at, &whole) < 0)
        return -EINVAL;
    if (*at == '.') {
        decimals = strspn(at + 1, "0123456789");
        at += 1 + decimals;
        if (decimals == 0)
            return -EINVAL;
    }
    if (*at != '\0' || decimals > MONEY_DIGITS)
        return -EINVAL;
    if (money_parse(text, strlen(text), &money, &precision) < 0 || precision != MONEY_EXACT)
        return -EINVAL;
    *ret_money = money;
    return 0;
}

static void print_with_unit(uint64_t value, const struct unit *unit, char text[CONFIG_NUMBER_SIZE])
{
    const struct unit *best = unit;
    for (; unit->name != NULL; unit++) {
        if (value % unit->factor == 0)
            best = unit;
    }
    snprintf(text, CONFIG_NUMBER_SIZE, "%" PRIu64 "%s", value / best->factor, best->name);
}

void config_size_print(uint64_t bytes, char text[CONFIG_NUMBER_SIZE])
{
    if (bytes == 0)
        snprintf(text, CONFIG_NUMBER_SIZE, "0");
    else
        print_with_unit(bytes, size_units, text);
}

void config_span_print(uint64_t ms, char text[CONFIG_NUMBER_SIZE])
{
    if (ms == 0)
        snprintf(text, CONFIG_NUMBER_SIZE, "0s");
    else
        print_with_unit(ms, span_units, text);
}

void config_period_print(uint64_t seconds, char text[CONFIG_NUMBER_SIZE])
{
    if (seconds == 0)
        snprintf(text, CONFIG_NUMBER_SIZE, "0s");
    else
        print_with_unit(seconds, period_units, text);
}

void config_months_print(uint64_t months, char text[CONFIG_NUMBER_SIZE])
{
    if (months == 0)
        snprintf(text, CONFIG_NUMBER_SIZE, "0");
    else
        snprintf(text, CONFIG_NUMBER_SIZE, "%" PRIu64 " month%s", months, months == 1 ? "" : "s");
}

void config_percent_print(uint64_t ppm, char text[CONFIG_NUMBER_SIZE])
{
    uint64_t part = ppm % CONFIG_PPM_PERCENT;
    int places = 4;
    if (part == 0) {
        snprintf(text, CONFIG_NUMBER_SIZE, "%" PRIu64 "%%", ppm / CONFIG_PPM_PERCENT);
        return;
    }
    for (; part % 10 == 0; part /= 10)
        places--;
    snprintf(text, CONFIG_NUMBER_SIZE, "%" PRIu64 ".%0*" PRIu64 "%%", ppm / CONFIG_PPM_PERCENT,
             places, part);
}
