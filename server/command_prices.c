/* command_prices.c - tollgate prices: import a vendor's price list, show a model's price. */
#include "accounting/price.h"
#include "server/commands.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { INPUT_BYTES_MAX = 128 * 1024 * 1024 };

static const char help[] =
    "usage: tollgate prices import vercel FILE [--from TIME] -o FILE\n"
    "       tollgate prices show FILE MODEL [--at TIME]\n\n"
    "import reads the answer of Vercel's GET /v1/models and writes our price table; what it could\n"
    "not use is named on standard error. --from: since when the prices hold (default: now).\n"
    "show prints a model's rates in USD per unit. TIME is 2026-11-20 or 2026-11-20T22:51:51Z "
    "(UTC).\n";

struct wanted {
    const char *out, *from, *at;
    char **words;
    int word_count;
};

static int parse_time(const char *text, int64_t *ret_ms)
{
    struct tm parts = {0};
    const char *end = strptime(text, "%Y-%m-%d", &parts);
    time_t seconds;

    if (end != NULL && *end == 'T')
        end = strptime(end, "T%H:%M:%SZ", &parts);
    if (end == NULL || *end != '\0')
        return -EINVAL;
    seconds = timegm(&parts);
    *ret_ms = (int64_t)seconds * 1000;
    return 0;
}

static int time_or_now(const char *text, int64_t *ret_ms)
{
    if (text == NULL) {
        *ret_ms = (int64_t)time(NULL) * 1000;
        return 0;
    }
    if (parse_time(text, ret_ms) == 0)
        return 0;
    fprintf(stderr, "tollgate prices: %s: not a time; write it as 2026-11-20T22:51:51Z\n", text);
    return -EINVAL;
}

static int read_file(const char *path, char **ret_bytes, size_t *ret_len)
{
    FILE *file = fopen(path, "r");
    char *bytes = NULL;
    size_t len = 0, size = 0;

    if (file == NULL) {
        fprintf(stderr, "tollgate prices: %s: %s\n", path, strerror(errno));
        return -errno;
    }
    do {
        char *larger;
        size = size == 0 ? 64 * 1024 : size * 2;
        larger = size <= INPUT_BYTES_MAX * 2UL ? realloc(bytes, size) : NULL;
        if (larger == NULL) {
            fprintf(stderr, "tollgate prices: %s: larger than 128 MiB\n", path);
            free(bytes);
            fclose(file);
            return -EFBIG;
        }
        bytes = larger;
        len += fread(bytes + len, 1, size - len, file);
    } while (len == size);
    fclose(file);
    *ret_bytes = bytes;
    *ret_len = len;
    return 0;
}

/* Written beside and renamed: a failed import leaves the old table in place. */
static int import_to(const char *from, const char *json, size_t len, int64_t from_ms,
                     const char *path)
{
    char beside[4096], error[1024] = "";
    FILE *out;
    int result;

    snprintf(beside, sizeof beside, "%s.new", path);
    out = fopen(beside, "w");
    if (out == NULL) {
        fprintf(stderr, "tollgate prices: %s: %s\n", beside, strerror(errno));
        return -errno;
    }
    result = price_import_vercel(json, len, from_ms, out, stderr, error, sizeof error);
    if (fclose(out) != 0 && result == 0)
        result = -errno;
    if (result == 0 && rename(beside, path) != 0)
        result = -errno;
    if (result != 0) {
        remove(beside);
        fprintf(stderr, "%s: %s\n", from, error[0] != '\0' ? error : strerror(-result));
    }
    return result;
}

static int import(const struct wanted *wanted)
{
    char *json = NULL;
    size_t len = 0;
    int64_t from_ms;
    int result;

    if (strcmp(wanted->words[1], "vercel") != 0) {
        fprintf(stderr, "tollgate prices import: there is no importer \"%s\"; known: vercel\n",
                wanted->words[1]);
        return EXIT_MISUSE;
    }
    if (wanted->out == NULL) {
        fputs("tollgate prices import: -o FILE is missing\n", stderr);
        return EXIT_MISUSE;
    }
    if (time_or_now(wanted->from, &from_ms) != 0)
        return EXIT_MISUSE;
    if (read_file(wanted->words[2], &json, &len) != 0)
        return EXIT_FAILED;
    result = import_to(wanted->words[2], json, len, from_ms, wanted->out);
    free(json);
    return result == 0 ? EXIT_OK : EXIT_FAILED;
}

static void print_rates(const struct price_rates *rates)
{
    for (int unit = 0; unit < PRICE_UNITS; unit++) {
        char text[MONEY_TEXT_MAX];
        if (!(rates->known >> unit & 1))
            continue;
        money_print((struct money){.femto = rates->unit[unit].femto}, text);
        printf("  %-22s %s\n", price_unit_name((enum price_unit)unit), text);
    }
}

static int show(const struct wanted *wanted)
{
    struct price_table *table;
    const struct price *price;
    const char *model = wanted->words[2];
    char error[1024] = "";
    int64_t at_ms;

    if (time_or_now(wanted->at, &at_ms) != 0)
        return EXIT_MISUSE;
    if (price_table_open(wanted->words[1], &table, error, sizeof error) != 0) {
        fprintf(stderr, "%s\n", error);
        return EXIT_FAILED;
    }
    price = price_find(table, model, strlen(model), at_ms);
    if (price == NULL) {
        fprintf(stderr, "%s: %s: no price known then (unknown is not free)\n", wanted->words[1],
                model);
        price_table_free(table);
        return EXIT_FAILED;
    }
    printf("%s, USD per unit\n", model);
    print_rates(&price->base);
    for (unsigned i = 0; i < price->tier_count; i++) {
        printf(" above %lld prompt tokens\n", (long long)price->tiers[i].above);
        print_rates(&price->tiers[i].rates);
    }
    price_table_free(table);
    return EXIT_OK;
}

int command_prices(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"at", required_argument, NULL, 'a'},
                                            {0}};
    struct wanted wanted = {0};
    int option;

    while ((option = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
        switch (option) {
        case 'h':
            fputs(help, stdout);
            return EXIT_OK;
        case 'o':
            wanted.out = optarg;
            break;
        case 'f':
            wanted.from = optarg;
            break;
        case 'a':
            wanted.at = optarg;
            break;
        default:
            return EXIT_MISUSE;
        }
    }
    wanted.words = argv + optind;
    wanted.word_count = argc - optind;
    if (wanted.word_count == 3 && strcmp(wanted.words[0], "import") == 0)
        return import(&wanted);
    if (wanted.word_count == 3 && strcmp(wanted.words[0], "show") == 0)
        return show(&wanted);
    fputs(help, stderr);
    return EXIT_MISUSE;
}
