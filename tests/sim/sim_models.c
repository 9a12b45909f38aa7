/* sim_models.c - the price table as Vercel's catalogue (GET /v1/models), at the prices of today.
 *
 * The names come from the file itself: price.h rates a model that is named and lists none.
 */
#include "tests/sim/sim_timer.h"
#include "tests/sim/sim_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
    MODEL_CREATED = 1755815280, /* unix seconds; the file does not know when a model appeared */
    READ_BYTES = 65536,
};

static const struct {
    enum price_unit unit;
    const char *name;
} units[] = {
    {PRICE_INPUT, "input"},
    {PRICE_OUTPUT, "output"},
    {PRICE_CACHE_READ, "input_cache_read"},
    {PRICE_CACHE_WRITE, "input_cache_write"},
};

static int read_file(const char *path, struct sim_text *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;
    int rc;

    if (fd < 0)
        return -errno;
    do {
        sim_text_reserve(text, READ_BYTES);
        got = read(fd, text->bytes + text->len, READ_BYTES);
        text->len += got > 0 ? (size_t)got : 0;
    } while (got > 0 && text->len <= PRICE_FILE_MAX);
    rc = got < 0 ? -errno : got > 0 ? -EFBIG : 0;
    close(fd);
    return rc;
}

static void add_price(struct sim_text *text, const struct price_rates *rates, enum price_unit unit)
{
    sim_cost_json(text, rates->unit[unit].femto, SIM_COST_STRING);
}

/* Vercel's brackets: `min` is inclusive and `max` exclusive, where our tiers hold above a count. */
static void add_tiers(struct sim_text *text, const struct price *price, enum price_unit unit)
{
    sim_text_str(text, "[{\"cost\":");
    add_price(text, &price->base, unit);
    for (unsigned i = 0; i < price->tier_count; i++) {
        const struct price_rates *rates = &price->tiers[i].rates;
        bool named = (rates->known & (1u << unit)) != 0;
        sim_text_str(text, ",\"max\":");
        sim_text_int(text, price->tiers[i].above + 1);
        sim_text_str(text, "},{\"cost\":");
        add_price(text, named ? rates : &price->base, unit);
        sim_text_str(text, ",\"min\":");
        sim_text_int(text, price->tiers[i].above + 1);
    }
    sim_text_str(text, "}]");
}

static void add_pricing(struct sim_text *text, const struct price *price)
{
    const char *separator = "";

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if ((price->base.known & (1u << units[i].unit)) == 0)
            continue;
        sim_text_str(text, separator);
        sim_text_json(text, units[i].name, strlen(units[i].name));
        sim_text_str(text, ":");
        add_price(text, &price->base, units[i].unit);
        separator = ",";
        if (price->tier_count == 0)
            continue;
        sim_text_str(text, ",\"");
        sim_text_str(text, units[i].name);
        sim_text_str(text, "_tiers\":");
        add_tiers(text, price, units[i].unit);
    }
}

/* price: NULL for a model without one; Vercel lists those with an empty object. */
static void add_model(struct sim_text *text, const char *id, size_t len, const struct price *price)
{
    const char *slash = memchr(id, '/', len);

    sim_text_str(text, "{\"id\":");
    sim_text_json(text, id, len);
    sim_text_str(text, ",\"object\":\"model\",\"created\":");
    sim_text_int(text, MODEL_CREATED);
    sim_text_str(text, ",\"owned_by\":");
    sim_text_json(text, id, slash != NULL ? (size_t)(slash - id) : len);
    sim_text_str(text, ",\"name\":");
    sim_text_json(text, id, len);
    sim_text_str(text, ",\"type\":\"language\",\"pricing\":{");
    if (price != NULL)
        add_pricing(text, price);
    sim_text_str(text, "}}");
}

static int add_models(struct sim_text *text, const struct json_doc *doc,
                      const struct price_table *prices)
{
    uint32_t models = json_get(doc, 0, "models");
    char scratch[PRICE_MODEL_MAX];
    const char *separator = "", *id;
    size_t len;

    for (uint32_t name = json_first(doc, models); name != JSON_NONE;) {
        int rc = json_string(doc, name, scratch, sizeof(scratch), &id, &len);
        if (rc < 0)
            return rc;
        sim_text_str(text, separator);
        add_model(text, id, len, price_find(prices, id, len, sim_unix_ms()));
        separator = ",";
        name = json_next(doc, models, json_next(doc, models, name));
    }
    return 0;
}

int sim_models_render(const char *path, const struct price_table *prices,
                      struct sim_text *catalogue)
{
    struct sim_text file = {0};
    struct json_doc doc;
    int rc;

    json_doc_init(&doc);
    rc = read_file(path, &file);
    if (rc == 0)
        rc = json_parse(&doc, file.bytes, file.len, NULL);
    if (rc == 0) {
        sim_text_str(catalogue, "{\"object\":\"list\",\"data\":[");
        rc = add_models(catalogue, &doc, prices);
        sim_text_str(catalogue, "]}");
    }
    json_doc_release(&doc);
    sim_text_release(&file);
    return rc;
}
