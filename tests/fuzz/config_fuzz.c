/* config_fuzz.c - laws of the configuration reader:
 *   1. what is accepted is accepted without a word, prints, and its print is a fixed point: it is
 *      accepted again and prints the same;
 *   2. a preset's parameters are a JSON object, its version survives the print, and a route's
 *      upstreams exist, each once;
 *   3. no two clients share a name or a key, with zdr nothing is cached, and budgets survive the
 *      print to the last digit;
 *   4. what is refused is refused with at least one complaint, each with its place in the file, and
 *      gives no configuration. */
#include "cache/json.h"
#include "server/config_draft.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int parse(const char *text, size_t len, char **ret_errors, struct config **ret_config)
{
    size_t errors_len;
    FILE *errors = open_memstream(ret_errors, &errors_len);
    int error;
    assert(errors != NULL);
    error = config_parse("fuzz.yaml", "/nowhere/at/all", text, len, false, errors, ret_config);
    fclose(errors);
    return error;
}

static char *print(const struct config *config)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    assert(out != NULL);
    config_print(config, out);
    fclose(out);
    assert(strstr(text, "\n# printing failed here\n") == NULL);
    return text;
}

static void check_refusal(const char *errors, size_t len)
{
    assert(*errors != '\0');
    while (*errors != '\0') {
        char *end;
        unsigned long line;
        assert(strncmp(errors, "fuzz.yaml:", 10) == 0);
        line = strtoul(errors + 10, &end, 10);
        assert(line >= 1);
        assert(line <= len + 1);
        assert(strncmp(end, ": ", 2) == 0);
        end = strchr(end, '\n');
        assert(end != NULL);
        errors = end + 1;
    }
}

static void check_preset(const struct config_preset *preset, const struct config_preset *again)
{
    struct json_doc doc;
    assert(strlen(preset->version) == 16);
    assert(strcmp(preset->version, again->version) == 0);
    assert(preset->cache_enabled >= -1 && preset->cache_enabled <= 1);
    if (preset->parameters == NULL)
        return;
    assert(strcmp(preset->parameters, again->parameters) == 0);
    json_doc_init(&doc);
    if (json_parse(&doc, preset->parameters, strlen(preset->parameters), NULL) != 0)
        abort();
    assert(doc.tokens[0].type == JSON_OBJECT);
    assert(json_get(&doc, 0, "model") == JSON_NONE);
    json_doc_release(&doc);
}

static void check_route(const struct config *config, const struct config_route *route)
{
    unsigned seen = 0;
    assert(route->upstream_count > 0);
    assert(route->split_ppm == 0 || route->upstream_count > 1);
    for (unsigned i = 0; i < route->upstream_count; i++) {
        assert(route->upstream[i] < config->upstream_count);
        assert((seen >> route->upstream[i] & 1) == 0);
        seen |= 1U << route->upstream[i];
    }
}

static void check_client(const struct config *config, const struct config *again, unsigned n)
{
    const struct config_client *client = &config->client[n], *other = &again->client[n];
    assert(strlen(client->key_hash) == 7 + 64);
    assert(memcmp(client->key_digest, other->key_digest, sizeof(client->key_digest)) == 0);
    assert(client->requests_per_minute <= 1000000);
    assert(client->requests_per_minute == other->requests_per_minute);
    assert(!client->zdr || !client->cache);
    for (unsigned i = 0; i < BUDGET_PERIODS; i++) {
        const struct maybe_money *limit = &client->budget.limit[i];
        assert(limit->known == other->budget.limit[i].known);
        assert(!limit->known || limit->money.femto > 0);
        assert(limit->money.femto == other->budget.limit[i].money.femto);
    }
    for (unsigned i = 0; i < n; i++) {
        assert(strcmp(client->name, config->client[i].name) != 0);
        assert(strcmp(client->key_hash, config->client[i].key_hash) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct config *config = NULL, *again = NULL;
    char *errors, *printed, *reprinted;
    int error = parse((const char *)data, len, &errors, &config);
    if (error < 0) {
        assert(error == -EINVAL);
        assert(config == NULL);
        check_refusal(errors, len);
        free(errors);
        return 0;
    }
    assert(*errors == '\0');
    free(errors);
    assert(config->workers > 0);
    assert(config->listen_count > 0);
    assert(config->upstream_count > 0);
    assert(config->cache.max_entry_bytes <= config->limits.buffered_bytes);
    printed = print(config);
    error = parse(printed, strlen(printed), &errors, &again);
    assert(error == 0);
    assert(again->preset_count == config->preset_count);
    for (unsigned i = 0; i < config->preset_count; i++)
        check_preset(&config->preset[i], &again->preset[i]);
    assert(again->client_count == config->client_count);
    for (unsigned i = 0; i < config->client_count; i++)
        check_client(config, again, i);
    for (unsigned i = 0; i < config->route_count; i++)
        check_route(config, &config->route[i]);
    reprinted = print(again);
    assert(strcmp(printed, reprinted) == 0);
    free(reprinted);
    free(printed);
    free(errors);
    config_free(again);
    config_free(config);
    return 0;
}
