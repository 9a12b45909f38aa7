#include "accounting/rollup_table.h"

#include "accounting/rating.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_START = 256 /* a power of two */, TTFT_PARTS = 8, HOUR_MS = 3600000 };

/* What a row shares with its group, small enough to be made for every row. */
struct columns {
    int64_t hour_ms;
    uint64_t codes; /* api, cache, verdict, cause, byok */
    struct text texts[ROLLUP_TEXTS];
};

struct node {
    uint64_t hash;
    struct columns columns; /* the group's, once more */
    struct rollup_group group;
    char texts[]; /* what both borrow */
};

struct rollup {
    struct node **table; /* open addressing */
    size_t room, count;
    const struct rollup_group **sorted; /* NULL until it is asked for */
};

struct rollup *rollup_new(void)
{
    return calloc(1, sizeof(struct rollup));
}

void rollup_free(struct rollup *rollup)
{
    if (rollup == NULL)
        return;
    for (size_t i = 0; i < rollup->room; i++)
        free(rollup->table[i]);
    free(rollup->table);
    free(rollup->sorted);
    free(rollup);
}

void rollup_group_init(struct rollup_group *group)
{
    memset(group, 0, sizeof(*group));
    group->byok = -1;
    for (unsigned i = 0; i < TALLY_TOKENS; i++)
        group->tokens[i] = USAGE_ABSENT;
}

/* --- the columns --- */

void rollup_texts(const struct rollup_group *group, struct text texts[ROLLUP_TEXTS])
{
    texts[0] = group->model;
    texts[1] = group->provider;
    texts[2] = group->upstream;
    texts[3] = group->key_id;
    texts[4] = group->client;
    texts[5] = group->project;
}

static int compare_text(struct text a, struct text b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter == 0 ? 0 : memcmp(a.bytes, b.bytes, shorter);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_number(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int rollup_compare(const struct rollup_group *a, const struct rollup_group *b)
{
    struct text left[ROLLUP_TEXTS], right[ROLLUP_TEXTS];
    int order = compare_number(a->hour_ms, b->hour_ms);
    rollup_texts(a, left);
    rollup_texts(b, right);
    for (unsigned i = 0; i < ROLLUP_TEXTS && order == 0; i++)
        order = compare_text(left[i], right[i]);
    if (order == 0)
        order = compare_number(a->api, b->api);
    if (order == 0)
        order = compare_number(a->cache, b->cache);
    if (order == 0)
        order = compare_number(a->verdict, b->verdict);
    if (order == 0)
        order = compare_number(a->cause, b->cause);
    return order != 0 ? order : compare_number(a->byok, b->byok);
}

static bool same_columns(const struct columns *a, const struct columns *b)
{
    if (a->hour_ms != b->hour_ms || a->codes != b->codes)
        return false;
    for (unsigned i = 0; i < ROLLUP_TEXTS; i++)
        if (a->texts[i].len != b->texts[i].len)
            return false;
    for (unsigned i = 0; i < ROLLUP_TEXTS; i++)
        if (a->texts[i].len > 0 &&
            memcmp(a->texts[i].bytes, b->texts[i].bytes, a->texts[i].len) != 0)
            return false;
    return true;
}

static uint64_t codes_of(enum row_api api, enum row_cache cache, enum verdict verdict,
                         enum cause cause, int byok)
{
    assert(byok >= -1 && byok <= 1);
    return (uint64_t)api << 32 | (uint64_t)cache << 24 | (uint64_t)verdict << 16 |
           (uint64_t)cause << 8 | (uint64_t)(byok + 1);
}
_Static_assert((int)CACHES <= 256, "a code has a byte");
_Static_assert((int)VERDICTS <= 256, "a code has a byte");
_Static_assert((int)CAUSES <= 256, "a code has a byte");

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static uint64_t mix_text(uint64_t hash, struct text text)
{
    uint64_t word;
    hash = mix(hash, text.len);
    for (; text.len >= sizeof(word); text.bytes += sizeof(word), text.len -= sizeof(word)) {
        memcpy(&word, text.bytes, sizeof(word));
        hash = mix(hash, word);
    }
    word = 0;
    if (text.len > 0)
        memcpy(&word, text.bytes, text.len);
    return text.len > 0 ? mix(hash, word) : hash;
}

static uint64_t hash_of(const struct columns *columns)
{
    uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), (uint64_t)columns->hour_ms);
    hash = mix(hash, columns->codes);
    for (unsigned i = 0; i < ROLLUP_TEXTS; i++)
        hash = mix_text(hash, columns->texts[i]);
    return hash ^ hash >> 29;
}

/* --- the table --- */

/* The place of a group, or the free place where it goes. */
static size_t place_of(struct node *const *table, size_t room, uint64_t hash,
                       const struct columns *columns)
{
    size_t at = hash & (room - 1);
    while (table[at] != NULL &&
           (table[at]->hash != hash || !same_columns(&table[at]->columns, columns)))
        at = (at + 1) & (room - 1);
    return at;
}

static int grow(struct rollup *rollup)
{
    size_t room = rollup->room == 0 ? TABLE_START : 2 * rollup->room;
    struct node **table = calloc(room, sizeof(struct node *));
    if (table == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < rollup->room; i++) {
        struct node *node = rollup->table[i];
        if (node != NULL)
            table[place_of(table, room, node->hash, &node->columns)] = node;
    }
    free(rollup->table);
    rollup->table = table;
    rollup->room = room;
    return 0;
}

static void unpack_codes(uint64_t codes, struct rollup_group *group)
{
    group->api = (enum row_api)(codes >> 32);
    group->cache = (enum row_cache)(codes >> 24 & 0xff);
    group->verdict = (enum verdict)(codes >> 16 & 0xff);
    group->cause = (enum cause)(codes >> 8 & 0xff);
    group->byok = (int)(codes & 0xff) - 1;
}

static struct node *new_node(uint64_t hash, const struct columns *columns)
{
    struct node *node;
    struct rollup_group *group;
    size_t len = 0;
    char *at;
    for (unsigned i = 0; i < ROLLUP_TEXTS; i++)
        len += columns->texts[i].len;
    node = malloc(sizeof(*node) + len);
    if (node == NULL)
        return NULL;
    node->hash = hash;
    node->columns = *columns;
    at = node->texts;
    for (unsigned i = 0; i < ROLLUP_TEXTS; i++) {
        struct text *text = &node->columns.texts[i];
        if (text->len > 0)
            memcpy(at, text->bytes, text->len);
        text->bytes = text->len > 0 ? at : NULL;
        at += text->len;
    }
    assert(at == node->texts + len);
    group = &node->group;
    rollup_group_init(group);
    group->hour_ms = columns->hour_ms;
    unpack_codes(columns->codes, group);
    group->model = node->columns.texts[0];
    group->provider = node->columns.texts[1];
    group->upstream = node->columns.texts[2];
    group->key_id = node->columns.texts[3];
    group->client = node->columns.texts[4];
    group->project = node->columns.texts[5];
    return node;
}

/* The group of these columns; made where there is none. */
static int find_group(struct rollup *rollup, const struct columns *columns,
                      struct rollup_group **ret_group)
{
    uint64_t hash = hash_of(columns);
    size_t at;
    assert(rollup->sorted == NULL);
    if (2 * rollup->count >= rollup->room) {
        int result = grow(rollup);
        if (result < 0)
            return result;
    }
    at = place_of(rollup->table, rollup->room, hash, columns);
    if (rollup->table[at] == NULL) {
        if (rollup->count >= ROLLUP_GROUPS_MAX)
            return -E2BIG;
        rollup->table[at] = new_node(hash, columns);
        if (rollup->table[at] == NULL)
            return -ENOMEM;
        rollup->count++;
    }
    *ret_group = &rollup->table[at]->group;
    return 0;
}

/* --- adding up --- */

static int add_count(int64_t *sum, int64_t count)
{
    assert(count >= 0);
    return __builtin_add_overflow(*sum, count, sum) ? -EOVERFLOW : 0;
}

static int add_tokens(int64_t *sum, int64_t count)
{
    if (count < 0)
        return 0;
    if (*sum < 0)
        *sum = 0;
    return add_count(sum, count);
}

static int add_money(struct maybe_money *sum, const struct maybe_money *money)
{
    if (!money->known)
        return 0;
    sum->known = true;
    return money_add(sum->money, money->money, &sum->money);
}

static unsigned ttft_bucket(int64_t ms)
{
    unsigned power = 0;
    int64_t base = 1;
    if (ms < 1)
        return 0;
    while (power < ROLLUP_TTFT_BUCKETS / TTFT_PARTS && ms >= 4 * base) {
        base *= 4;
        power++;
    }
    if (power == ROLLUP_TTFT_BUCKETS / TTFT_PARTS)
        return ROLLUP_TTFT_BUCKETS - 1;
    return power * TTFT_PARTS + (unsigned)((ms - base) * TTFT_PARTS / (3 * base));
}

int64_t rollup_ttft_bound(unsigned bucket)
{
    int64_t base = (int64_t)1 << 2 * (bucket / TTFT_PARTS);
    int64_t part = bucket % TTFT_PARTS + 1;
    assert(bucket < ROLLUP_TTFT_BUCKETS);
    return base + (3 * base * part + TTFT_PARTS - 1) / TTFT_PARTS - 1;
}

int64_t rollup_ttft_percentile(const uint64_t counts[ROLLUP_TTFT_BUCKETS], unsigned percent)
{
    unsigned __int128 total = 0, before = 0, wanted;
    assert(percent <= 100);
    for (unsigned i = 0; i < ROLLUP_TTFT_BUCKETS; i++)
        total += counts[i];
    if (total == 0)
        return -1;
    wanted = total * percent; /* in hundredths of a row */
    for (unsigned i = 0; i < ROLLUP_TTFT_BUCKETS; i++) {
        int64_t above = i == 0 ? 0 : rollup_ttft_bound(i - 1);
        uint64_t width = (uint64_t)(rollup_ttft_bound(i) - above);
        if (counts[i] > 0 && (before + counts[i]) * 100 >= wanted) {
            unsigned __int128 into = wanted > before * 100 ? wanted - before * 100 : 0;
            unsigned __int128 each = (unsigned __int128)counts[i] * 100;
            return above + (int64_t)((into * width + each / 2) / each);
        }
        before += counts[i];
    }
    return rollup_ttft_bound(ROLLUP_TTFT_BUCKETS - 1);
}

/* --- prompt caches --- */

static const struct estimate_line *line_of(const struct estimate *estimate, enum price_unit class)
{
    for (unsigned i = 0; i < estimate->count; i++)
        if (estimate->lines[i].class == class)
            return &estimate->lines[i];
    return NULL;
}

static int add_scaled(struct maybe_money *sum, const struct estimate *estimate, struct money money)
{
    struct maybe_money scaled = {.known = true, .money = money};
    int result = 0;
    if (estimate->multiplier_ppm != PRICE_MULTIPLIER_NONE)
        result = money_scale(money, estimate->multiplier_ppm, PRICE_MULTIPLIER_NONE, &scaled.money);
    return result < 0 ? result : add_money(sum, &scaled);
}

static int add_writes(struct rollup_group *group, const struct estimate *estimate)
{
    static const enum price_unit classes[] = {PRICE_CACHE_WRITE, PRICE_CACHE_WRITE_1H};
    int result = 0;
    for (unsigned i = 0; i < 2 && result == 0; i++) {
        const struct estimate_line *line = line_of(estimate, classes[i]);
        if (line != NULL)
            result = add_scaled(&group->cache_write_cost, estimate, line->cost);
    }
    return result;
}

static int add_saving(struct rollup_group *group, const struct estimate *estimate)
{
    const struct estimate_line *read = line_of(estimate, PRICE_CACHE_READ);
    const struct estimate_line *input = line_of(estimate, PRICE_INPUT);
    struct money saving;
    int result;
    if (read == NULL || input == NULL)
        return 0;
    result = money_multiply(input->price, read->quantity, &saving);
    if (result == 0)
        result = money_subtract(saving, read->cost, &saving);
    return result < 0 ? result : add_scaled(&group->cache_read_saving, estimate, saving);
}

/* A hit wrote and read nothing: its rating is of what it avoided. */
static int add_rating(struct rollup_group *group, const struct ledger_row *row)
{
    bool cached = row->usage.cached_tokens > 0,
         wrote = row->usage.cache_write_tokens > 0 || row->usage.cache_write_1h_tokens > 0;
    struct estimate estimate;
    int result = 0;
    if (row->rating.len == 0 || (!cached && !wrote))
        return 0;
    if (row->cache == CACHE_HIT || row->cache == CACHE_COLLAPSED)
        return 0;
    if (rating_parse(row->rating, &estimate) < 0)
        return 0; /* `verify` says so */
    if (wrote)
        result = add_writes(group, &estimate);
    return result == 0 && cached ? add_saving(group, &estimate) : result;
}

/* --- rows --- */

static struct columns columns_of(const struct ledger_row *row)
{
    int64_t into = row->created_at_ms % HOUR_MS;
    return (struct columns){
        .hour_ms = row->created_at_ms - (into < 0 ? into + HOUR_MS : into),
        .codes = codes_of(row->api, row->cache, row->verdict, row->cause, row->byok),
        .texts = {row->model, row->provider, row->upstream, row->key_id, row->client, row->project},
    };
}

static int add_sums(struct rollup_group *group, const struct ledger_row *row)
{
    const int64_t tokens[TALLY_TOKENS] = {
        [TALLY_PROMPT] = row->usage.prompt_tokens,
        [TALLY_COMPLETION] = row->usage.completion_tokens,
        [TALLY_CACHED] = row->usage.cached_tokens,
        [TALLY_CACHE_WRITE] = row->usage.cache_write_tokens,
        [TALLY_REASONING] = row->usage.reasoning_tokens,
    };
    const struct maybe_money *money[TALLY_MONEY] = {
        [TALLY_BILLED] = &row->billed, [TALLY_UPSTREAM] = &row->upstream_cost,
        [TALLY_MARKET] = &row->market, [TALLY_ESTIMATED] = &row->estimated,
        [TALLY_BOOKED] = &row->booked, [TALLY_DIFFERENCE] = &row->difference,
        [TALLY_SAVED] = &row->saved,
    };
    int result = 0;
    for (unsigned i = 0; i < TALLY_TOKENS && result == 0; i++)
        result = add_tokens(&group->tokens[i], tokens[i]);
    for (unsigned i = 0; i < TALLY_MONEY && result == 0; i++)
        result = add_money(&group->money[i], money[i]);
    return result;
}

static int add_request(struct rollup_group *group, const struct ledger_row *row)
{
    uint32_t *ttft = row->ttft_ms < 0 ? NULL : &group->ttft[ttft_bucket(row->ttft_ms)];
    int result = 0;
    group->requests++;
    if (!row->billed.known && row->verdict != VERDICT_FAILED)
        group->unbilled++; /* a failed row was not billed, which is known */
    if (row->estimated.known)
        group->estimated_requests++;
    if (row->latency_ms >= 0) {
        result = add_count(&group->latency_sum_ms, row->latency_ms);
        group->latency_count++;
    }
    if (result == 0 && ttft != NULL)
        result = __builtin_add_overflow(*ttft, 1, ttft) ? -EOVERFLOW : 0;
    return result < 0 ? result : add_rating(group, row);
}

int rollup_add(struct rollup *rollup, const struct ledger_row *row)
{
    const struct columns columns = columns_of(row);
    struct rollup_group *group;
    int result = find_group(rollup, &columns, &group);
    if (result < 0)
        return result;
    result = add_sums(group, row);
    if (result < 0 || row->corrects.len > 0)
        return result;
    return add_request(group, row);
}

/* --- groups --- */

static int merge_sums(struct rollup_group *to, const struct rollup_group *from)
{
    int result = 0;
    for (unsigned i = 0; i < TALLY_TOKENS && result == 0; i++)
        result = add_tokens(&to->tokens[i], from->tokens[i]);
    for (unsigned i = 0; i < TALLY_MONEY && result == 0; i++)
        result = add_money(&to->money[i], &from->money[i]);
    if (result == 0)
        result = add_money(&to->cache_write_cost, &from->cache_write_cost);
    if (result == 0)
        result = add_money(&to->cache_read_saving, &from->cache_read_saving);
    return result;
}

static int merge_counts(struct rollup_group *to, const struct rollup_group *from)
{
    int result = add_count(&to->requests, from->requests);
    if (result == 0)
        result = add_count(&to->unbilled, from->unbilled);
    if (result == 0)
        result = add_count(&to->estimated_requests, from->estimated_requests);
    if (result == 0)
        result = add_count(&to->latency_sum_ms, from->latency_sum_ms);
    if (result == 0)
        result = add_count(&to->latency_count, from->latency_count);
    for (unsigned i = 0; i < ROLLUP_TTFT_BUCKETS && result == 0; i++)
        if (__builtin_add_overflow(to->ttft[i], from->ttft[i], &to->ttft[i]))
            result = -EOVERFLOW;
    return result;
}

int rollup_merge(struct rollup *rollup, const struct rollup_group *from)
{
    struct columns columns = {
        .hour_ms = from->hour_ms,
        .codes = codes_of(from->api, from->cache, from->verdict, from->cause, from->byok),
    };
    struct rollup_group *group;
    int result;
    rollup_texts(from, columns.texts);
    result = find_group(rollup, &columns, &group);
    if (result == 0)
        result = merge_sums(group, from);
    return result < 0 ? result : merge_counts(group, from);
}

static int compare_sorted(const void *a, const void *b)
{
    return rollup_compare(*(const struct rollup_group *const *)a,
                          *(const struct rollup_group *const *)b);
}

const struct rollup_group *const *rollup_sort(struct rollup *rollup, size_t *ret_count)
{
    size_t count = 0;
    *ret_count = rollup->count;
    if (rollup->sorted != NULL)
        return rollup->sorted;
    rollup->sorted = calloc(rollup->count + 1, sizeof(const struct rollup_group *));
    if (rollup->sorted == NULL)
        return NULL;
    for (size_t i = 0; i < rollup->room; i++)
        if (rollup->table[i] != NULL)
            rollup->sorted[count++] = &rollup->table[i]->group;
    assert(count == rollup->count);
    if (count > 0)
        qsort(rollup->sorted, count, sizeof(const struct rollup_group *), compare_sorted);
    return rollup->sorted;
}
