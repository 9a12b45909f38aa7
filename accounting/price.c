/* price.c - the price table: read once, then only looked up. See price.h. */
#include "accounting/price.h"
#include "accounting/price_private.h"
#include "accounting/price_time.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE_MS = 60 * 1000 };
#define DAY_MS (INT64_C(24) * 60 * MINUTE_MS)

static const char *const unit_names[PRICE_UNITS] = {
    [PRICE_INPUT] = "input",
    [PRICE_OUTPUT] = "output",
    [PRICE_CACHE_READ] = "input_cache_read",
    [PRICE_CACHE_WRITE] = "input_cache_write",
    [PRICE_CACHE_WRITE_1H] = "input_cache_write_1h",
    [PRICE_REASONING] = "reasoning",
    [PRICE_INPUT_AUDIO] = "input_audio",
    [PRICE_OUTPUT_IMAGE] = "output_image",
    [PRICE_WEB_SEARCH] = "web_search",
    [PRICE_REQUEST] = "request",
    [PRICE_OUTPUT_AUDIO] = "output_audio",
    [PRICE_INPUT_IMAGE] = "input_image",
    [PRICE_INPUT_VIDEO] = "input_video",
    [PRICE_IMAGE] = "image",
};

_Static_assert(PRICE_UNITS <= 32, "struct price_rates.known has 32 bits");

const char *price_unit_name(enum price_unit unit)
{
    assert((unsigned)unit < PRICE_UNITS);
    return unit_names[unit];
}

enum price_unit price_unit_find(const char *name)
{
    unsigned unit = 0;

    while (unit < PRICE_UNITS && strcmp(name, unit_names[unit]) != 0)
        unit++;
    return (enum price_unit)unit;
}

/* ---- names ---- */

/* Bytes of the UTF-8 sequence that begins the text, in its shortest form; 0 when there is none.
 * json-c lets overlong forms and surrogates pass. */
static size_t utf8_sequence(const unsigned char *text, size_t len)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = text[0] < 0x80   ? 1
                  : text[0] < 0xc0 ? 0
                  : text[0] < 0xe0 ? 2
                  : text[0] < 0xf0 ? 3
                  : text[0] < 0xf8 ? 4
                                   : 0;
    uint32_t code = size > 1 ? text[0] & (0x7fU >> size) : text[0];

    if (size == 0 || size > len)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3fU);
    }
    if (code < smallest[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    return size;
}

bool price_model_valid(const char *model, size_t len)
{
    size_t size;

    if (len == 0 || len > PRICE_MODEL_MAX)
        return false;
    for (size_t at = 0; at < len; at += size) {
        size = utf8_sequence((const unsigned char *)model + at, len - at);
        if (size == 0 || (unsigned char)model[at] < 0x20 || model[at] == 0x7f)
            return false;
        if (model[at] == '"' || model[at] == '\\')
            return false;
    }
    return true;
}

/* The names under which answers and requests speak of the standard rates. */
static bool is_standard(struct text name)
{
    static const char *const names[] = {"standard", "default", "auto"};

    if (name.len == 0)
        return true; /* bytes may be NULL */
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (name.len == strlen(names[i]) && memcmp(name.bytes, names[i], name.len) == 0)
            return true;
    }
    return false;
}

bool price_service_valid(const char *name, size_t len)
{
    return len < PRICE_SERVICE_NAME_MAX && price_model_valid(name, len) &&
           !is_standard((struct text){name, len});
}

bool price_source_valid(const char *name, size_t len)
{
    if (len == 0 || len >= PRICE_SOURCE_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        if ((name[i] < 'a' || name[i] > 'z') && (name[i] < '0' || name[i] > '9') &&
            name[i] != '.' && name[i] != '-' && name[i] != '_')
            return false;
    }
    return true;
}

int price_name_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t common = a_len < b_len ? a_len : b_len;
    int order = common > 0 ? memcmp(a, b, common) : 0;

    return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* ---- the table ---- */

struct price_table *price_table_new(size_t count)
{
    struct price_table *table = calloc(1, sizeof(*table));

    if (table == NULL)
        return NULL;
    table->models = calloc(count > 0 ? count : 1, sizeof(*table->models));
    if (table->models == NULL) {
        free(table);
        return NULL;
    }
    return table;
}

static int compare_models(const void *left, const void *right)
{
    const struct price_model *a = left, *b = right;

    return price_name_compare(a->name, a->len, b->name, b->len);
}

void price_table_index(struct price_table *table)
{
    if (table->model_count > 1)
        qsort(table->models, table->model_count, sizeof(*table->models), compare_models);
    table->priced_count = 0;
    for (size_t i = 0; i < table->model_count; i++) {
        const struct price_model *model = &table->models[i];
        size_t version = 0;

        /* Whoever reads a table refuses what stands twice. */
        assert(i == 0 || compare_models(&table->models[i - 1], model) < 0);
        while (version < model->count && !price_known(&model->versions[version]))
            version++;
        table->priced_count += version < model->count;
    }
}

int price_table_digest(struct price_table *table, const void *bytes, size_t len)
{
    unsigned char digest[PRICE_HASH_BYTES];
    unsigned digest_len = 0;

    if (EVP_Digest(bytes, len, digest, &digest_len, EVP_sha256(), NULL) != 1)
        return -ENOMEM;
    assert(digest_len == PRICE_HASH_BYTES);
    for (size_t i = 0; i < PRICE_HASH_BYTES; i++)
        snprintf(table->hash + 2 * i, 3, "%02x", digest[i]);
    return 0;
}

struct price_table *price_table_empty(void)
{
    struct price_table *table = price_table_new(0);

    if (table != NULL && price_table_digest(table, "", 0) < 0) {
        price_table_free(table);
        return NULL;
    }
    return table;
}

void price_release(struct price *price)
{
    free((void *)price->services);
    free((void *)price->off_peak);
    price->services = NULL;
    price->off_peak = NULL;
}

void price_table_free(struct price_table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < table->model_count; i++) {
        struct price_model *model = &table->models[i];
        for (size_t version = 0; version < model->count; version++)
            price_release(&model->versions[version]);
        free(model->versions);
        free(model->name);
    }
    free(table->models);
    free(table);
}

size_t price_table_models(const struct price_table *table)
{
    return table->model_count;
}

size_t price_table_priced(const struct price_table *table)
{
    return table->priced_count;
}

const char *price_table_hash(const struct price_table *table)
{
    return table->hash;
}

struct text price_table_model(const struct price_table *table, size_t index)
{
    assert(index < table->model_count);
    return (struct text){table->models[index].name, table->models[index].len};
}

/* ---- lookup ---- */

bool price_known(const struct price *price)
{
    return price->standard.base.known != 0 || price->standard.tier_count > 0 ||
           price->service_count > 0 || price->off_peak_count > 0;
}

/* Names come from outside, so no hash: a list of colliding ones would make every look-up slow. */
const struct price *price_versions(const struct price_table *table, const char *model, size_t len,
                                   size_t *ret_count)
{
    size_t low = 0, high = table->model_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct price_model *found = &table->models[middle];
        int order = price_name_compare(model, len, found->name, found->len);
        if (order == 0) {
            *ret_count = found->count;
            return found->versions;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct price *price_version_at(const struct price *versions, size_t count, int64_t at_ms)
{
    size_t low = 0, high = count;

    while (low < high) { /* the number of versions that have begun by then */
        size_t middle = low + (high - low) / 2;
        if (versions[middle].from_ms <= at_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? &versions[low - 1] : NULL;
}

const struct price *price_find(const struct price_table *table, const char *model, size_t len,
                               int64_t at_ms)
{
    size_t count = 0;
    const struct price *versions = price_versions(table, model, len, &count);
    const struct price *found = price_version_at(versions, count, at_ms);

    return found != NULL && price_known(found) ? found : NULL;
}

/* ---- picking ---- */

static const struct price_service *find_named(const struct price *price, struct text name)
{
    for (unsigned i = 0; i < price->service_count; i++) {
        const struct price_service *service = &price->services[i];
        if (strlen(service->name) == name.len && memcmp(service->name, name.bytes, name.len) == 0)
            return service;
    }
    return NULL;
}

static const struct price_service *find_service(const struct price *price, struct text name)
{
    static const struct {
        const char *asked, *listed;
    } twins[] = {{"fast", "priority"}, {"batch", "batches"}};
    const struct price_service *found;

    if (is_standard(name))
        return NULL;
    found = find_named(price, name);
    for (size_t i = 0; found == NULL && i < sizeof(twins) / sizeof(twins[0]); i++) {
        if (name.len == strlen(twins[i].asked) && memcmp(name.bytes, twins[i].asked, name.len) == 0)
            found = find_named(price, text_of(twins[i].listed));
    }
    return found;
}

/* The number of the tier that holds for so large a prompt, counted from 1; 0: the base. */
static unsigned tier_of(const struct price_brackets *brackets, int64_t prompt_tokens)
{
    unsigned tier = brackets->tier_count;

    assert(tier <= PRICE_TIERS_MAX);
    while (tier > 0 && prompt_tokens <= brackets->tiers[tier - 1].above)
        tier--;
    return tier;
}

void price_rates_lay_over(struct price_rates *rates, const struct price_rates *over)
{
    for (unsigned unit = 0; unit < PRICE_UNITS; unit++) {
        if ((over->known & 1U << unit) != 0)
            rates->unit[unit] = over->unit[unit];
    }
    rates->known |= over->known;
}

/* Lays the brackets that hold over each other, the lowest first. */
/* Under a service tier reasoning costs that tier's output (pricing-and-focus section 3 rule 4),
 * unless it names a price for it. */
static void price_reasoning(const struct price_brackets *service, unsigned tier,
                            struct price_rates *rates)
{
    uint32_t known = service->base.known | (tier > 0 ? service->tiers[tier - 1].rates.known : 0);

    if ((known & 1U << PRICE_OUTPUT) != 0 && (known & 1U << PRICE_REASONING) == 0)
        rates->unit[PRICE_REASONING] = rates->unit[PRICE_OUTPUT];
}

static void pick_brackets(const struct price *price, int64_t prompt_tokens, struct price_pick *pick)
{
    const struct price_brackets *standard = &price->standard;
    const struct price_brackets *service = pick->tier != NULL ? &pick->tier->brackets : NULL;
    unsigned common = tier_of(standard, prompt_tokens);
    unsigned own = service != NULL ? tier_of(service, prompt_tokens) : 0;
    int64_t common_above = common > 0 ? standard->tiers[common - 1].above : 0;
    int64_t own_above = own > 0 ? service->tiers[own - 1].above : 0;

    pick->rates = standard->base;
    pick->above = common_above > own_above ? common_above : own_above;
    if (service != NULL)
        price_rates_lay_over(&pick->rates, &service->base);
    if (own > 0 && own_above < common_above)
        price_rates_lay_over(&pick->rates, &service->tiers[own - 1].rates);
    if (common > 0)
        price_rates_lay_over(&pick->rates, &standard->tiers[common - 1].rates);
    if (own > 0 && own_above >= common_above)
        price_rates_lay_over(&pick->rates, &service->tiers[own - 1].rates);
    if (service != NULL)
        price_reasoning(service, own, &pick->rates);
}

/* Whether the window holds: it belongs to the day on which it began. */
static bool window_holds(const struct price_off_peak *window, int64_t at_ms)
{
    int64_t day = at_ms / DAY_MS - (at_ms % DAY_MS < 0);
    unsigned minute = (unsigned)((at_ms % DAY_MS + DAY_MS) % DAY_MS / MINUTE_MS);
    bool wraps = window->to_minute <= window->from_minute;

    assert(minute < PRICE_DAY_MINUTES);
    if (minute < window->from_minute && wraps && minute < window->to_minute)
        day--; /* it began yesterday */
    else if (minute < window->from_minute || (!wraps && minute >= window->to_minute))
        return false;
    return (window->weekdays & 1U << ((day % 7 + 10) % 7)) != 0; /* day 0 was a Thursday */
}

struct price_pick price_pick(const struct price *price, const struct price_terms *terms)
{
    struct price_pick pick = {
        .tier = find_service(price, terms->service_tier),
        .multiplier_ppm = price->multiplier_ppm > 0 ? price->multiplier_ppm : PRICE_MULTIPLIER_NONE,
    };

    assert(price->service_count <= PRICE_SERVICES_MAX);
    assert(price->off_peak_count <= PRICE_OFF_PEAK_MAX);
    pick_brackets(price, terms->prompt_tokens, &pick);
    for (unsigned i = 0; i < price->off_peak_count; i++) {
        if (!window_holds(&price->off_peak[i], terms->at_ms))
            continue;
        price_rates_lay_over(&pick.rates, &price->off_peak[i].rates);
        pick.off_peak = true;
    }
    return pick;
}

/* ---- comparing ---- */

bool price_rates_same(const struct price_rates *a, const struct price_rates *b)
{
    if (a->known != b->known)
        return false;
    for (unsigned unit = 0; unit < PRICE_UNITS; unit++) {
        if ((a->known & 1U << unit) != 0 && a->unit[unit].femto != b->unit[unit].femto)
            return false;
    }
    return true;
}

static bool same_brackets(const struct price_brackets *a, const struct price_brackets *b)
{
    if (!price_rates_same(&a->base, &b->base) || a->tier_count != b->tier_count)
        return false;
    for (unsigned tier = 0; tier < a->tier_count; tier++) {
        if (a->tiers[tier].above != b->tiers[tier].above ||
            !price_rates_same(&a->tiers[tier].rates, &b->tiers[tier].rates))
            return false;
    }
    return true;
}

static bool same_window(const struct price_off_peak *a, const struct price_off_peak *b)
{
    return a->from_minute == b->from_minute && a->to_minute == b->to_minute &&
           a->weekdays == b->weekdays && price_rates_same(&a->rates, &b->rates);
}

bool price_same(const struct price *a, const struct price *b)
{
    if (!same_brackets(&a->standard, &b->standard) || a->multiplier_ppm != b->multiplier_ppm ||
        a->service_count != b->service_count || a->off_peak_count != b->off_peak_count)
        return false;
    for (unsigned i = 0; i < a->service_count; i++) {
        if (strcmp(a->services[i].name, b->services[i].name) != 0 ||
            !same_brackets(&a->services[i].brackets, &b->services[i].brackets))
            return false;
    }
    for (unsigned i = 0; i < a->off_peak_count; i++) {
        if (!same_window(&a->off_peak[i], &b->off_peak[i]))
            return false;
    }
    return true;
}
