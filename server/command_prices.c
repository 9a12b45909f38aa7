/* command_prices.c - tollgate prices: import a price list, show what a model costs, list models. */
#include "accounting/price_import.h"
#include "accounting/price_time.h"
#include "server/commands.h"
#include "server/prices_file.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    NEAR_MAX = 5, /* names suggested for one that is not known */
    NEAR_PREFIX = 4,
    ERROR_BYTES = 1024,
};

static const char help[] =
    "usage: tollgate prices import SOURCE FILE [--from TIME] [--replace] -o FILE\n"
    "       tollgate prices show FILE MODEL [--at TIME] [--prompt TOKENS] [--tier NAME]\n"
    "       tollgate prices list FILE\n\n"
    "import reads a public price list and writes our price table. SOURCE is what FILE holds:\n"
    "litellm (its map of models), vercel (the answer of GET /v1/models), openrouter (GET /models) "
    "or\n"
    "models.dev (api.json; --provider NAME takes one provider's models under their own ids). "
    "Where\n"
    "the table exists the import adds to it: a model whose rates changed gets a version that "
    "holds\n"
    "from --from on (default: now); --replace starts anew. What could not be used is named on\n"
    "standard error.\n"
    "show prints the rates in force, in USD per unit: all of them, or with --prompt or --tier "
    "those\n"
    "of such a request. TIME is 2026-11-20 or 2026-11-20T22:51:51Z (UTC; default: now).\n";

struct wanted {
    const char *out, *from, *at, *prompt, *tier, *provider;
    bool replace;
    char **words;
    int word_count;
};

/* ---- arguments ---- */

static int parse_time(const char *text, int64_t *ret_ms)
{
    char whole[PRICE_INSTANT_SIZE];
    size_t len = strlen(text);

    if (len == strlen("2026-11-20")) {
        snprintf(whole, sizeof whole, "%sT00:00:00Z", text);
        text = whole;
        len = strlen(whole);
    }
    return price_instant_parse(text, len, ret_ms) == 0 && *ret_ms >= 0 ? 0 : -EINVAL;
}

static int time_or_now(const char *text, int64_t *ret_ms)
{
    int64_t ms = (int64_t)time(NULL) * 1000;

    if (text != NULL && parse_time(text, &ms) != 0) {
        fprintf(stderr, "tollgate prices: %s: not a time; write it as 2026-11-20T22:51:51Z\n",
                text);
        return -EINVAL;
    }
    *ret_ms = ms;
    return 0;
}

static int parse_tokens(const char *text, int64_t *ret_tokens)
{
    char *end = NULL;
    intmax_t tokens = 0;

    errno = 0;
    if (text != NULL)
        tokens = strtoimax(text, &end, 10);
    if (text != NULL && (end == text || *end != '\0' || errno != 0 || tokens < 0)) {
        fprintf(stderr, "tollgate prices: %s: not a number of tokens\n", text);
        return -EINVAL;
    }
    *ret_tokens = tokens;
    return 0;
}

static int open_table(const char *path, struct price_table **ret_table)
{
    char error[ERROR_BYTES] = "";
    int result = price_table_open(path, ret_table, error, sizeof error);

    if (result != 0)
        fprintf(stderr, "%s\n", error);
    return result;
}

/* ---- import ---- */

static int read_file(const char *path, char **ret_bytes, size_t *ret_len)
{
    FILE *file = fopen(path, "r");
    char *bytes = NULL;
    size_t len = 0, size = 0;
    int result = file == NULL ? -errno : 0;

    while (result == 0 && len == size) {
        char *larger;
        size = size == 0 ? 64 * 1024 : size * 2;
        larger = len <= PRICE_FILE_MAX ? realloc(bytes, size) : NULL;
        if (larger == NULL) {
            result = len > PRICE_FILE_MAX ? -EFBIG : -ENOMEM;
            break;
        }
        bytes = larger;
        len += fread(bytes + len, 1, size - len, file);
        if (ferror(file))
            result = errno > 0 ? -errno : -EIO;
    }
    if (file != NULL)
        fclose(file);
    if (result != 0) {
        fprintf(stderr, "tollgate prices: %s: %s\n", path,
                result == -EFBIG ? "larger than 128 MiB" : strerror(-result));
        free(bytes);
        return result;
    }
    *ret_bytes = bytes;
    *ret_len = len;
    return 0;
}

static void print_result(const struct price_import_result *result, const char *what)
{
    fprintf(stderr,
            "%zu models, %zu with a price; %zu new, %zu changed, %zu no longer listed; %zu notes; "
            "%s\n",
            result->models, result->priced, result->added, result->changed, result->missing,
            result->notes, what);
}

/* What is to become the table is read as one before it does: a failed import leaves the old table
 * in place. */
static int put_in_place(struct prices_file *file, const struct wanted *wanted, const char *text,
                        size_t len)
{
    char error[ERROR_BYTES] = "";
    struct price_table *table = NULL;
    int result = price_table_read(wanted->out, text, len, &table, error, sizeof error);

    price_table_free(table);
    if (result != 0) {
        fprintf(stderr, "%s\n", error);
        return result;
    }
    result = prices_file_replace(file, text, len);
    if (result != 0)
        fprintf(stderr, "tollgate prices: %s: %s\n", wanted->out, strerror(-result));
    return result;
}

static int import_to(struct price_import_order *order, struct prices_file *file,
                     const struct wanted *wanted, const char *json, size_t len)
{
    char error[ERROR_BYTES] = "", *text = NULL;
    struct price_import_result done = {0};
    size_t text_len = 0;
    int result;

    order->out = open_memstream(&text, &text_len);
    if (order->out == NULL) {
        fprintf(stderr, "tollgate prices: %s\n", strerror(errno));
        return -ENOMEM;
    }
    result = price_import(order, json, len, &done, error, sizeof error);
    if (result != 0)
        fprintf(stderr, "%s: %s\n", wanted->words[2], error);
    if (fclose(order->out) != 0 && result == 0) {
        fprintf(stderr, "tollgate prices: %s\n", strerror(ENOMEM));
        result = -ENOMEM;
    }
    if (result == 0 && order->old != NULL && done.added + done.changed == 0) {
        print_result(&done, "nothing new, the table stays as it is");
    } else if (result == 0) {
        result = put_in_place(file, wanted, text, text_len);
        if (result == 0)
            print_result(&done, "written");
    }
    free(text);
    return result;
}

/* The table that is added to; none where there is no file yet. */
static int open_old(const struct prices_file *file, const struct wanted *wanted,
                    struct price_table **ret_old)
{
    if (wanted->replace || !file->exists)
        return 0;
    if (open_table(wanted->out, ret_old) == 0)
        return 0;
    fprintf(stderr, "tollgate prices: nothing is imported; --replace overwrites that file\n");
    return -EINVAL;
}

/* Nobody else changes the table meanwhile: neither another import nor a gateway's refresh. */
static int import_locked(struct price_import_order *order, const struct wanted *wanted,
                         const char *json, size_t len)
{
    struct price_table *old = NULL;
    struct prices_file file;
    int result = prices_file_lock(wanted->out, NULL, &file);

    if (result != 0) {
        fprintf(stderr, "tollgate prices: %s: %s\n", wanted->out,
                result == -EBUSY ? "somebody else is changing it" : strerror(-result));
        return result;
    }
    result = open_old(&file, wanted, &old);
    order->old = old;
    if (result == 0)
        result = import_to(order, &file, wanted, json, len);
    price_table_free(old);
    prices_file_unlock(&file);
    return result;
}

static int import(const struct wanted *wanted)
{
    struct price_import_order order = {.report = stderr};
    char *json = NULL;
    size_t len = 0;
    int result;

    if (price_source_parse(wanted->words[1], &order.source) != 0) {
        fprintf(stderr,
                "tollgate prices import: there is no importer \"%s\"; known: litellm, vercel, "
                "openrouter, models.dev\n",
                wanted->words[1]);
        return EXIT_MISUSE;
    }
    if (wanted->out == NULL) {
        fputs("tollgate prices import: -o FILE is missing\n", stderr);
        return EXIT_MISUSE;
    }
    if (wanted->provider != NULL && order.source != PRICE_SOURCE_MODELS_DEV) {
        fputs("tollgate prices import: --provider is for models.dev\n", stderr);
        return EXIT_MISUSE;
    }
    if (time_or_now(wanted->from, &order.from_ms) != 0)
        return EXIT_MISUSE;
    order.provider = text_of(wanted->provider != NULL ? wanted->provider : "");
    if (read_file(wanted->words[2], &json, &len) != 0)
        return EXIT_FAILED;
    result = import_locked(&order, wanted, json, len);
    free(json);
    return result == 0 ? EXIT_OK : EXIT_FAILED;
}

/* ---- names that are near ---- */

/* The part of a name behind its vendor. */
static struct text own_name(struct text name)
{
    for (size_t i = name.len; i > 0; i--) {
        if (name.bytes[i - 1] == '/')
            return (struct text){name.bytes + i, name.len - i};
    }
    return name;
}

/* Letters and digits count, whatever their case: "claude-haiku-4.5" is near "claude-haiku-4-5".
 * Returns how many are alike from the beginning; *ret_whole where both end together. */
static size_t common_part(struct text a, struct text b, bool *ret_whole)
{
    size_t i = 0, j = 0, count = 0;

    for (;;) {
        while (i < a.len && !isalnum((unsigned char)a.bytes[i]))
            i++;
        while (j < b.len && !isalnum((unsigned char)b.bytes[j]))
            j++;
        *ret_whole = i == a.len && j == b.len;
        if (i == a.len || j == b.len ||
            tolower((unsigned char)a.bytes[i]) != tolower((unsigned char)b.bytes[j]))
            return count;
        i++;
        j++;
        count++;
    }
}

struct near {
    struct text name;
    size_t score;
};

/* Up to NEAR_MAX names of the table, the nearest first. */
static size_t find_near(const struct price_table *table, struct text asked, struct near *near)
{
    size_t count = 0;

    for (size_t i = 0; i < price_table_models(table); i++) {
        struct near found = {.name = price_table_model(table, i)};
        bool whole = false;
        size_t at;

        found.score = common_part(own_name(asked), own_name(found.name), &whole);
        if (found.score < NEAR_PREFIX && found.score < own_name(asked).len && !whole)
            continue;
        found.score += whole ? PRICE_MODEL_MAX : 0;
        for (at = count; at > 0 && near[at - 1].score < found.score; at--)
            if (at < NEAR_MAX)
                near[at] = near[at - 1];
        if (at < NEAR_MAX)
            near[at] = found;
        count += count < NEAR_MAX;
    }
    return count;
}

static void say_unknown(const struct price_table *table, const char *path, const char *model,
                        int64_t at_ms)
{
    char text[PRICE_INSTANT_SIZE];
    struct near near[NEAR_MAX];
    size_t count = 0;
    const struct price *versions = price_versions(table, model, strlen(model), &count);

    price_instant_print(at_ms, text);
    fprintf(stderr, "%s: %s: no price is known at %s (unknown is not free)\n", path, model, text);
    for (size_t i = 0; i < count; i++) {
        if (!price_known(&versions[i]) || versions[i].from_ms <= at_ms)
            continue;
        price_instant_print(versions[i].from_ms, text);
        fprintf(stderr, "its next price holds from %s on\n", text);
        return;
    }
    if (versions != NULL)
        return;
    count = find_near(table, text_of(model), near);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "%s%.*s%s", i == 0 ? "near: " : ", ", (int)near[i].name.len,
                near[i].name.bytes, i + 1 == count ? "\n" : "");
}

/* ---- show ---- */

static void print_rates(const struct price_rates *rates)
{
    for (unsigned unit = 0; unit < PRICE_UNITS; unit++) {
        char text[MONEY_TEXT_MAX];
        if ((rates->known >> unit & 1) == 0)
            continue;
        money_print((struct money){.femto = rates->unit[unit].femto}, text);
        printf("  %-22s %s\n", price_unit_name((enum price_unit)unit), text);
    }
}

static void print_brackets(const struct price_brackets *brackets)
{
    print_rates(&brackets->base);
    for (unsigned i = 0; i < brackets->tier_count; i++) {
        printf(" above %" PRId64 " prompt tokens\n", brackets->tiers[i].above);
        print_rates(&brackets->tiers[i].rates);
    }
}

static void print_multiplier(int64_t ppm)
{
    char text[MONEY_TEXT_MAX];

    if (ppm == PRICE_MULTIPLIER_NONE)
        return;
    money_print((struct money){(__int128)ppm * 1000000000}, text);
    printf(" the sum of a request is multiplied by %s\n", text);
}

static void print_price(const struct price *price)
{
    print_brackets(&price->standard);
    for (unsigned i = 0; i < price->service_count; i++) {
        printf(" service tier %s\n", price->services[i].name);
        print_brackets(&price->services[i].brackets);
    }
    for (unsigned i = 0; i < price->off_peak_count; i++) {
        const struct price_off_peak *window = &price->off_peak[i];
        char hours[PRICE_HOURS_SIZE], weekdays[PRICE_WEEKDAYS_SIZE];

        price_hours_print(window->from_minute, window->to_minute, hours);
        price_weekdays_print(window->weekdays, weekdays);
        printf(" off-peak %s UTC%s%s\n", hours, window->weekdays == PRICE_WEEKDAYS_ALL ? "" : ", ",
               window->weekdays == PRICE_WEEKDAYS_ALL ? "" : weekdays);
        print_rates(&window->rates);
    }
    print_multiplier(price->multiplier_ppm);
}

static void print_head(const struct price_table *table, const char *model,
                       const struct price *price)
{
    char text[PRICE_INSTANT_SIZE];
    size_t count = 0;
    const struct price *versions = price_versions(table, model, strlen(model), &count);

    price_instant_print(price->from_ms, text);
    printf("%s, USD per unit\n since %s", model, text);
    if (price + 1 < versions + count) {
        price_instant_print(price[1].from_ms, text);
        printf(" until %s", text);
    }
    printf("\n source %s\n table %s\n", price->source[0] != '\0' ? price->source : "not said",
           price_table_hash(table));
}

static void print_pick(const struct price *price, const struct price_terms *terms)
{
    struct price_pick pick = price_pick(price, terms);

    printf(" for a prompt of %" PRId64 " tokens: ", terms->prompt_tokens);
    if (pick.above > 0)
        printf("above %" PRId64 ", ", pick.above);
    printf("%s%s%s\n", pick.tier != NULL ? "service tier " : "standard rates",
           pick.tier != NULL ? pick.tier->name : "", pick.off_peak ? ", off-peak" : "");
    if (pick.tier == NULL && terms->service_tier.len > 0)
        printf(" no service tier %.*s is listed\n", (int)terms->service_tier.len,
               terms->service_tier.bytes);
    print_rates(&pick.rates);
    print_multiplier(pick.multiplier_ppm);
}

static int show(const struct wanted *wanted)
{
    struct price_terms terms = {
        .service_tier = text_of(wanted->tier != NULL ? wanted->tier : ""),
    };
    struct price_table *table = NULL;
    const char *model = wanted->words[2];
    const struct price *price;

    if (time_or_now(wanted->at, &terms.at_ms) != 0 ||
        parse_tokens(wanted->prompt, &terms.prompt_tokens) != 0)
        return EXIT_MISUSE;
    if (open_table(wanted->words[1], &table) != 0)
        return EXIT_FAILED;
    price = price_find(table, model, strlen(model), terms.at_ms);
    if (price == NULL) {
        say_unknown(table, wanted->words[1], model, terms.at_ms);
        price_table_free(table);
        return EXIT_FAILED;
    }
    print_head(table, model, price);
    if (wanted->prompt != NULL || wanted->tier != NULL)
        print_pick(price, &terms);
    else
        print_price(price);
    price_table_free(table);
    return EXIT_OK;
}

/* ---- list ---- */

static int list(const struct wanted *wanted)
{
    struct price_table *table = NULL;

    if (open_table(wanted->words[1], &table) != 0)
        return EXIT_FAILED;
    for (size_t i = 0; i < price_table_models(table); i++) {
        struct text name = price_table_model(table, i);
        char since[PRICE_INSTANT_SIZE] = "-";
        size_t count = 0;
        const struct price *versions = price_versions(table, name.bytes, name.len, &count);

        if (count > 0)
            price_instant_print(versions[count - 1].from_ms, since);
        printf("%.*s\t%zu\t%s\t%s\n", (int)name.len, name.bytes, count, since,
               count == 0 || !price_known(&versions[count - 1]) ? "unpriced"
               : versions[count - 1].source[0] != '\0'          ? versions[count - 1].source
                                                                : "not said");
    }
    fprintf(stderr, "%zu models, %zu with a price; table %s\n", price_table_models(table),
            price_table_priced(table), price_table_hash(table));
    price_table_free(table);
    return EXIT_OK;
}

static bool is_verb(const struct wanted *wanted, const char *verb, int words)
{
    return wanted->word_count == words && strcmp(wanted->words[0], verb) == 0;
}

int command_prices(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},       {"from", required_argument, NULL, 'f'},
        {"at", required_argument, NULL, 'a'},   {"prompt", required_argument, NULL, 'p'},
        {"tier", required_argument, NULL, 't'}, {"provider", required_argument, NULL, 'v'},
        {"replace", no_argument, NULL, 'r'},    {0}};
    struct wanted wanted = {0};
    int option;

    while ((option = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
        switch (option) {
        case 'h':
            fputs(help, stdout);
            return EXIT_OK;
        case 'r':
            wanted.replace = true;
            break;
        case 'o':
        case 'f':
        case 'a':
        case 'p':
        case 't':
        case 'v':
            *(option == 'o'   ? &wanted.out
              : option == 'f' ? &wanted.from
              : option == 'a' ? &wanted.at
              : option == 'p' ? &wanted.prompt
              : option == 't' ? &wanted.tier
                              : &wanted.provider) = optarg;
            break;
        default:
            return EXIT_MISUSE;
        }
    }
    wanted.words = argv + optind;
    wanted.word_count = argc - optind;
    if (is_verb(&wanted, "import", 3))
        return import(&wanted);
    if (is_verb(&wanted, "show", 3))
        return show(&wanted);
    if (is_verb(&wanted, "list", 2))
        return list(&wanted);
    fputs(help, stderr);
    return EXIT_MISUSE;
}
