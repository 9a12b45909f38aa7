/* price_table_write.c - a price table in our format, printed. See price_private.h.
 *
 * The form is canonical: the same prices are the same bytes, and what is written reads back alike.
 */
#include "accounting/price_private.h"
#include "accounting/price_time.h"

#include <assert.h>
#include <inttypes.h>

/* before: what stands between an object's beginning, or its last member, and the first rate. */
static void write_rates(FILE *out, const struct price_rates *rates, const char *before)
{
    char text[MONEY_TEXT_MAX];

    for (unsigned unit = 0; unit < PRICE_UNITS; unit++) {
        if ((rates->known & 1U << unit) == 0)
            continue;
        money_print((struct money){rates->unit[unit].femto}, text);
        fprintf(out, "%s\"%s\": \"%s\"", before, price_unit_name((enum price_unit)unit), text);
        before = ", ";
    }
}

static void write_tiers(FILE *out, const struct price_brackets *brackets, const char *before)
{
    for (unsigned tier = 0; tier < brackets->tier_count; tier++) {
        fprintf(out, "%s{\"above\": %" PRId64, tier == 0 ? before : ",\n      ",
                brackets->tiers[tier].above);
        write_rates(out, &brackets->tiers[tier].rates, ", ");
        fputs("}", out);
    }
    if (brackets->tier_count > 0)
        fputs("]", out);
}

static void write_services(FILE *out, const struct price *version)
{
    for (unsigned i = 0; i < version->service_count; i++) {
        const struct price_service *service = &version->services[i];
        fprintf(out, "%s\"%s\": {", i == 0 ? ",\n      \"service_tiers\": {" : ",\n      ",
                service->name);
        write_rates(out, &service->brackets.base, "");
        write_tiers(out, &service->brackets,
                    service->brackets.base.known != 0 ? ",\n      \"tiers\": [" : "\"tiers\": [");
        fputs("}", out);
    }
    if (version->service_count > 0)
        fputs("}", out);
}

static void write_off_peak(FILE *out, const struct price *version)
{
    for (unsigned i = 0; i < version->off_peak_count; i++) {
        const struct price_off_peak *window = &version->off_peak[i];
        char hours[PRICE_HOURS_SIZE], weekdays[PRICE_WEEKDAYS_SIZE];

        price_hours_print(window->from_minute, window->to_minute, hours);
        fprintf(out, "%s{\"utc\": \"%s\"", i == 0 ? ",\n      \"off_peak\": [" : ",\n      ",
                hours);
        price_weekdays_print(window->weekdays, weekdays);
        if (window->weekdays != PRICE_WEEKDAYS_ALL)
            fprintf(out, ", \"weekdays\": \"%s\"", weekdays);
        write_rates(out, &window->rates, ", ");
        fputs("}", out);
    }
    if (version->off_peak_count > 0)
        fputs("]", out);
}

void price_write_version(FILE *out, bool first, const struct price *version)
{
    char text[MONEY_TEXT_MAX], from[PRICE_INSTANT_SIZE];

    price_instant_print(version->from_ms, from);
    fprintf(out, "%s{\"from\": \"%s\"", first ? "" : ",\n     ", from);
    if (version->source[0] != '\0')
        fprintf(out, ", \"source\": \"%s\"", version->source);
    write_rates(out, &version->standard.base, ", ");
    write_tiers(out, &version->standard, ",\n      \"tiers\": [");
    write_services(out, version);
    write_off_peak(out, version);
    assert(version->multiplier_ppm > 0);
    if (version->multiplier_ppm != PRICE_MULTIPLIER_NONE) {
        /* Millionths are 1e9 times the unit of money. */
        money_print((struct money){(__int128)version->multiplier_ppm * 1000000000}, text);
        fprintf(out, ",\n      \"multiplier\": \"%s\"", text);
    }
    fputs("}", out);
}

static void weigh_brackets(const struct price_brackets *brackets, size_t *containers,
                           size_t *values)
{
    *containers += brackets->tier_count + (brackets->tier_count > 0);
    *values += (size_t)__builtin_popcount(brackets->base.known) + 1;
    for (unsigned tier = 0; tier < brackets->tier_count; tier++)
        *values += (size_t)__builtin_popcount(brackets->tiers[tier].rates.known) + 2;
}

void price_write_weigh(const struct price *version, size_t *containers, size_t *values)
{
    *containers += 1;
    *values += 4; /* from, source, multiplier, and its own place */
    weigh_brackets(&version->standard, containers, values);
    *containers += version->service_count > 0;
    for (unsigned i = 0; i < version->service_count; i++) {
        *containers += 1;
        *values += 1;
        weigh_brackets(&version->services[i].brackets, containers, values);
    }
    *containers += version->off_peak_count + (version->off_peak_count > 0);
    for (unsigned i = 0; i < version->off_peak_count; i++)
        *values += (size_t)__builtin_popcount(version->off_peak[i].rates.known) + 3;
}

void price_write_head(FILE *out)
{
    fprintf(out, "{\n  \"format\": %d,\n  \"models\": {", PRICE_FORMAT);
}

void price_write_model_begin(FILE *out, bool first, const char *name, size_t len)
{
    assert(price_model_valid(name, len));
    fprintf(out, "%s    \"%.*s\": [", first ? "\n" : ",\n", (int)len, name);
}

void price_write_model_end(FILE *out)
{
    fputs("]", out);
}

void price_write_tail(FILE *out)
{
    fputs("\n  }\n}\n", out);
}
