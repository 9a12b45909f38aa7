/* bill_fuzz.c - any bytes are a vendor's report or are refused with a message and without output;
 * of what is one the lines and the causes add up to the totals, the lines are in order, and it
 * agrees when every line does. */
#include "accounting/bill.h"
#include "accounting/ledger_rollup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

#define NOVEMBER INT64_C(1793491200000) /* 2026-11-01T00:00:00Z */
#define DECEMBER INT64_C(1796083200000)
#define HOUR INT64_C(3600000)

/* A ledger of four groups; ledger_reader.c is not linked because of this. */
int ledger_reader_sums(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                       int (*fn)(void *arg, const struct rollup_group *group), void *arg,
                       uint64_t *rows_read)
{
    static const struct {
        const char *model;
        int64_t hours, femto;
        enum verdict verdict;
    } groups[] = {
        {"a/x", 0, INT64_C(1000000000000), VERDICT_MATCHED},
        {"a/x", 30, INT64_C(2000000000000), VERDICT_OVER},
        {"b/y", 0, INT64_C(3000000000000), VERDICT_MATCHED},
        {"b/y", 719, 0, VERDICT_PENDING},
    };
    int result = 0;

    (void)reader;
    (void)rows_read;
    require(from_ms == NOVEMBER && to_ms == DECEMBER);
    for (unsigned i = 0; i < sizeof(groups) / sizeof(*groups) && result == 0; i++) {
        struct rollup_group group = {
            .hour_ms = NOVEMBER + groups[i].hours * HOUR,
            .model = text_of(groups[i].model),
            .upstream = TEXT("gate"),
            .cache = CACHE_MISS,
            .verdict = groups[i].verdict,
            .byok = (int)i % 2,
            .requests = 1 + i,
            .unbilled = groups[i].verdict == VERDICT_PENDING,
            .tokens = {100, 10, 40, USAGE_ABSENT, 5},
        };
        group.money[TALLY_BILLED].known = groups[i].verdict != VERDICT_PENDING;
        group.money[TALLY_BILLED].money.femto = groups[i].femto;
        result = fn(arg, &group);
    }
    return result;
}

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;

    require(json_object_object_get_ex(object, name, &found));
    return found;
}

/* Sums have more digits than money_parse() takes as they are. */
static __int128 femto_of(struct json_object *text)
{
    const char *at = json_object_get_string(text);
    bool negative = *at == '-', behind = false;
    unsigned decimals = 0;
    __int128 femto = 0;

    for (at += negative; *at != '\0'; at++) {
        if (*at == '.') {
            behind = true;
            continue;
        }
        require(*at >= '0' && *at <= '9');
        femto = femto * 10 + (*at - '0');
        decimals += behind;
    }
    require(decimals <= MONEY_DECIMALS);
    for (; decimals < MONEY_DECIMALS; decimals++)
        femto *= 10;
    return negative ? -femto : femto;
}

/* The sum of the list's differences; counts lines that differ. */
static __int128 add_up(struct json_object *list, int64_t *ret_differing)
{
    const char *last = "";
    __int128 sum = 0;

    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *line = json_object_array_get_idx(list, i), *agrees, *day;
        __int128 difference = femto_of(member(line, "difference_usd"));
        sum += difference;
        if (!json_object_object_get_ex(line, "agrees", &agrees))
            continue;
        if (difference < 0)
            difference = -difference;
        require(json_object_get_boolean(agrees) == (difference <= BILL_TOLERANCE));
        *ret_differing += !json_object_get_boolean(agrees);
        day = member(line, "day");
        if (day == NULL)
            continue;
        require(strcmp(last, json_object_get_string(day)) <= 0);
        last = json_object_get_string(day);
    }
    return sum;
}

static void require_laws(const char *text, bool agrees)
{
    struct json_object *root = json_tokener_parse(text);
    int64_t differing = 0, none = 0;
    __int128 total;

    require(root != NULL);
    total = femto_of(member(member(root, "totals"), "difference_usd"));
    require(add_up(member(root, "lines"), &differing) == total);
    require(add_up(member(root, "causes"), &none) == total);
    require(json_object_get_int64(member(root, "differing")) == differing);
    require(agrees == (differing == 0));
    require(json_object_get_boolean(member(root, "agrees")) == agrees);
    json_object_put(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bill_order order = {
        .from_ms = NOVEMBER, .to_ms = DECEMBER, .report = (const char *)data, .report_len = len};
    int results[2];
    bool agrees[2] = {false, false};

    for (unsigned i = 0; i < 2; i++) {
        char error[256] = "", *text = NULL;
        size_t text_len = 0;
        FILE *out = open_memstream(&text, &text_len);
        require(out != NULL);
        order.json = i == 0;
        results[i] = bill_write(NULL, &order, out, error, sizeof(error), &agrees[i]);
        fclose(out);
        if (results[i] == 0 && order.json)
            require_laws(text, agrees[i]);
        if (results[i] == 0)
            require(error[0] == '\0' && text_len > 0);
        else
            require(error[0] != '\0' && text_len == 0 &&
                    (results[i] == -EINVAL || results[i] == -EFBIG || results[i] == -EOVERFLOW));
        free(text);
    }
    require(results[0] == results[1] && agrees[0] == agrees[1]);
    return 0;
}
