/* rollup_codec.c - a table of sums to bytes and back.
 *
 *   map of 2: 0 -> version, 1 -> array of groups, in their order
 *   group: map of small numbers (below) -> value; what is not known, empty or 0 is left out
 *
 * Times to first byte are a bin of pairs: bucket u8, count u32 (big endian), ascending, counts
 * above 0. A sum beyond 64 bits is a bin of 16 bytes, as in rows.
 */
#include "accounting/rollup_table.h"

#include "accounting/row_msgpack.h"

#include <assert.h>
#include <errno.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

enum {
    VERSION = 1,
    KEY_VERSION = 0,
    KEY_GROUPS = 1,
    MONEY_BYTES = 16,
    TTFT_PAIR = 5,
};

/* On disk: append, never renumber. */
enum field {
    FIELD_HOUR = 1,
    FIELD_TEXTS = 2, /* and the five that follow */
    FIELD_API = 8,
    FIELD_CACHE = 9,
    FIELD_VERDICT = 10,
    FIELD_CAUSE = 11,
    FIELD_BYOK = 12,
    FIELD_REQUESTS = 13,
    FIELD_UNBILLED = 14,
    FIELD_ESTIMATED_REQUESTS = 15,
    FIELD_LATENCY_SUM = 16,
    FIELD_LATENCY_COUNT = 17,
    FIELD_TTFT = 18,
    FIELD_TOKENS = 20, /* and those that follow */
    FIELD_MONEY = 30,
    FIELD_CACHE_WRITE_COST = 40,
    FIELD_CACHE_READ_SAVING = 41,
    FIELDS,
};
_Static_assert((int)FIELD_TEXTS + (int)ROLLUP_TEXTS == (int)FIELD_API, "texts have their numbers");
_Static_assert((int)FIELD_TOKENS + (int)TALLY_TOKENS <= (int)FIELD_MONEY, "tokens have theirs");
_Static_assert((int)FIELD_MONEY + (int)TALLY_MONEY <= (int)FIELD_CACHE_WRITE_COST, "sums, too");
_Static_assert((int)FIELDS < 128, "a number is one byte");

/* --- writing --- */

struct packing {
    msgpack_sbuffer fields; /* of one group */
    msgpack_packer packer;
    uint32_t count;
    int result;
};

static void pack_key(struct packing *packing, int field)
{
    packing->result |= msgpack_pack_int(&packing->packer, field);
    packing->count++;
}

static void pack_number(struct packing *packing, int field, int64_t number, int64_t absent)
{
    if (number == absent)
        return;
    pack_key(packing, field);
    packing->result |= msgpack_pack_int64(&packing->packer, number);
}

static void pack_text(struct packing *packing, int field, struct text text)
{
    if (text.len == 0)
        return;
    pack_key(packing, field);
    packing->result |= msgpack_pack_str_with_body(&packing->packer, text.bytes, text.len);
}

static void pack_money(struct packing *packing, int field, const struct maybe_money *money)
{
    unsigned char bytes[MONEY_BYTES];
    unsigned __int128 rest = (unsigned __int128)money->money.femto;
    if (!money->known)
        return;
    pack_key(packing, field);
    if (money->money.femto >= INT64_MIN && money->money.femto <= INT64_MAX) {
        packing->result |= msgpack_pack_int64(&packing->packer, (int64_t)money->money.femto);
        return;
    }
    for (int i = MONEY_BYTES - 1; i >= 0; i--) {
        bytes[i] = (unsigned char)rest;
        rest >>= 8;
    }
    packing->result |= msgpack_pack_bin_with_body(&packing->packer, bytes, sizeof(bytes));
}

static void pack_ttft(struct packing *packing, const uint32_t ttft[ROLLUP_TTFT_BUCKETS])
{
    unsigned char bytes[ROLLUP_TTFT_BUCKETS * TTFT_PAIR];
    size_t len = 0;
    for (unsigned i = 0; i < ROLLUP_TTFT_BUCKETS; i++) {
        uint32_t count = __builtin_bswap32(ttft[i]);
        if (count == 0)
            continue;
        bytes[len] = (unsigned char)i;
        memcpy(bytes + len + 1, &count, sizeof(count));
        len += TTFT_PAIR;
    }
    if (len == 0)
        return;
    pack_key(packing, FIELD_TTFT);
    packing->result |= msgpack_pack_bin_with_body(&packing->packer, bytes, len);
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "counts on disk are big endian");

static void pack_fields(struct packing *packing, const struct rollup_group *group)
{
    struct text texts[ROLLUP_TEXTS];
    pack_number(packing, FIELD_HOUR, group->hour_ms, 0);
    rollup_texts(group, texts);
    for (int i = 0; i < ROLLUP_TEXTS; i++)
        pack_text(packing, FIELD_TEXTS + i, texts[i]);
    pack_number(packing, FIELD_API, (int64_t)group->api, 0);
    pack_number(packing, FIELD_CACHE, (int64_t)group->cache, 0);
    pack_number(packing, FIELD_VERDICT, (int64_t)group->verdict, 0);
    pack_number(packing, FIELD_CAUSE, (int64_t)group->cause, 0);
    pack_number(packing, FIELD_BYOK, group->byok, -1);
    pack_number(packing, FIELD_REQUESTS, group->requests, 0);
    pack_number(packing, FIELD_UNBILLED, group->unbilled, 0);
    pack_number(packing, FIELD_ESTIMATED_REQUESTS, group->estimated_requests, 0);
    pack_number(packing, FIELD_LATENCY_SUM, group->latency_sum_ms, 0);
    pack_number(packing, FIELD_LATENCY_COUNT, group->latency_count, 0);
    pack_ttft(packing, group->ttft);
    for (int i = 0; i < TALLY_TOKENS; i++)
        pack_number(packing, FIELD_TOKENS + i, group->tokens[i], USAGE_ABSENT);
    for (int i = 0; i < TALLY_MONEY; i++)
        pack_money(packing, FIELD_MONEY + i, &group->money[i]);
    pack_money(packing, FIELD_CACHE_WRITE_COST, &group->cache_write_cost);
    pack_money(packing, FIELD_CACHE_READ_SAVING, &group->cache_read_saving);
}

/* A map says first how many pairs it has, so a group's are packed aside. */
static int pack_group(msgpack_sbuffer *out, struct packing *packing,
                      const struct rollup_group *group)
{
    msgpack_packer head;
    int result;
    msgpack_sbuffer_clear(&packing->fields);
    packing->count = 0;
    pack_fields(packing, group);
    msgpack_packer_init(&head, out, msgpack_sbuffer_write);
    result = packing->result | msgpack_pack_map(&head, packing->count);
    if (packing->fields.size == 0)
        return result;
    return result | msgpack_sbuffer_write(out, packing->fields.data, packing->fields.size);
}

int rollup_encode(struct rollup *rollup, uint8_t **ret_bytes, size_t *ret_len)
{
    struct packing packing = {.result = 0};
    msgpack_sbuffer out;
    msgpack_packer packer;
    size_t count;
    const struct rollup_group *const *groups = rollup_sort(rollup, &count);
    int result;
    if (groups == NULL)
        return -ENOMEM;
    msgpack_sbuffer_init(&out);
    msgpack_sbuffer_init(&packing.fields);
    msgpack_packer_init(&packing.packer, &packing.fields, msgpack_sbuffer_write);
    msgpack_packer_init(&packer, &out, msgpack_sbuffer_write);
    result = msgpack_pack_map(&packer, 2) | msgpack_pack_int(&packer, KEY_VERSION) |
             msgpack_pack_int(&packer, VERSION) | msgpack_pack_int(&packer, KEY_GROUPS) |
             msgpack_pack_array(&packer, count);
    for (size_t i = 0; i < count && result == 0; i++)
        result = pack_group(&out, &packing, groups[i]);
    msgpack_sbuffer_destroy(&packing.fields);
    if (result != 0) {
        msgpack_sbuffer_destroy(&out);
        return -ENOMEM;
    }
    *ret_len = out.size;
    *ret_bytes = (uint8_t *)msgpack_sbuffer_release(&out);
    return 0;
}

/* --- reading --- */

static bool read_number(const struct msgpack_value *value, int64_t least, int64_t most,
                        int64_t *ret_number)
{
    if (value->kind != VALUE_INT || value->number < least || value->number > most)
        return false;
    *ret_number = value->number;
    return true;
}

static bool read_text(const struct msgpack_value *value, struct text *ret_text)
{
    if (value->kind != VALUE_TEXT || value->len == 0 || value->len > ROW_NAME_MAX)
        return false;
    *ret_text = (struct text){(const char *)value->bytes, value->len};
    return true;
}

static bool read_money(const struct msgpack_value *value, struct maybe_money *ret_money)
{
    unsigned __int128 number = 0;
    if (value->kind == VALUE_INT) {
        *ret_money = (struct maybe_money){true, {value->number}};
        return true;
    }
    if (value->kind != VALUE_BIN || value->len != MONEY_BYTES)
        return false;
    for (unsigned i = 0; i < MONEY_BYTES; i++)
        number = number << 8 | value->bytes[i];
    *ret_money = (struct maybe_money){true, {(__int128)number}};
    return true;
}

static bool read_ttft(const struct msgpack_value *value, uint32_t ttft[ROLLUP_TTFT_BUCKETS])
{
    int last = -1;
    if (value->kind != VALUE_BIN || value->len == 0 || value->len % TTFT_PAIR != 0)
        return false;
    for (size_t at = 0; at < value->len; at += TTFT_PAIR) {
        int bucket = value->bytes[at];
        uint32_t count;
        memcpy(&count, value->bytes + at + 1, sizeof(count));
        if (bucket <= last || bucket >= ROLLUP_TTFT_BUCKETS || count == 0)
            return false;
        ttft[bucket] = __builtin_bswap32(count);
        last = bucket;
    }
    return true;
}

static struct text *text_at(struct rollup_group *group, int64_t index)
{
    struct text *const texts[ROLLUP_TEXTS] = {
        &group->model,  &group->provider, &group->upstream,
        &group->key_id, &group->client,   &group->project,
    };
    assert(index >= 0 && index < ROLLUP_TEXTS);
    return texts[index];
}

static bool read_code(int64_t field, const struct msgpack_value *value, struct rollup_group *group)
{
    int64_t number;
    switch (field) {
    case FIELD_API:
        if (!read_number(value, 1, APIS - 1, &number))
            return false;
        group->api = (enum row_api)number;
        return true;
    case FIELD_CACHE:
        if (!read_number(value, 1, CACHES - 1, &number))
            return false;
        group->cache = (enum row_cache)number;
        return true;
    case FIELD_VERDICT:
        if (!read_number(value, 1, VERDICTS - 1, &number))
            return false;
        group->verdict = (enum verdict)number;
        return true;
    case FIELD_CAUSE:
        if (!read_number(value, 1, CAUSES - 1, &number))
            return false;
        group->cause = (enum cause)number;
        return true;
    case FIELD_BYOK:
        if (!read_number(value, 0, 1, &number))
            return false;
        group->byok = (int)number;
        return true;
    default:
        return false;
    }
}

static bool read_count(int64_t field, const struct msgpack_value *value, struct rollup_group *group)
{
    switch (field) {
    case FIELD_REQUESTS:
        return read_number(value, 1, INT64_MAX, &group->requests);
    case FIELD_UNBILLED:
        return read_number(value, 1, INT64_MAX, &group->unbilled);
    case FIELD_ESTIMATED_REQUESTS:
        return read_number(value, 1, INT64_MAX, &group->estimated_requests);
    case FIELD_LATENCY_SUM:
        return read_number(value, 1, INT64_MAX, &group->latency_sum_ms);
    case FIELD_LATENCY_COUNT:
        return read_number(value, 1, INT64_MAX, &group->latency_count);
    case FIELD_TTFT:
        return read_ttft(value, group->ttft);
    default:
        return false;
    }
}

static bool read_field(int64_t field, const struct msgpack_value *value, struct rollup_group *group)
{
    if (field == FIELD_HOUR)
        return read_number(value, INT64_MIN, INT64_MAX, &group->hour_ms);
    if (field >= FIELD_TEXTS && field < FIELD_TEXTS + ROLLUP_TEXTS)
        return read_text(value, text_at(group, field - FIELD_TEXTS));
    if (field >= FIELD_TOKENS && field < FIELD_TOKENS + TALLY_TOKENS)
        return read_number(value, 0, INT64_MAX, &group->tokens[field - FIELD_TOKENS]);
    if (field >= FIELD_MONEY && field < FIELD_MONEY + TALLY_MONEY)
        return read_money(value, &group->money[field - FIELD_MONEY]);
    if (field == FIELD_CACHE_WRITE_COST)
        return read_money(value, &group->cache_write_cost);
    if (field == FIELD_CACHE_READ_SAVING)
        return read_money(value, &group->cache_read_saving);
    if (field >= FIELD_API && field <= FIELD_BYOK)
        return read_code(field, value, group);
    return read_count(field, value, group);
}

/* Numbers ascend, so that no field comes twice. */
static bool read_group(struct msgpack_walk *walk, struct rollup_group *group)
{
    uint64_t pairs;
    int64_t last = 0;
    if (!msgpack_walk_map(walk, &pairs))
        return false;
    rollup_group_init(group);
    for (; pairs > 0; pairs--) {
        struct msgpack_value key, value;
        if (!msgpack_walk_value(walk, &key) || !msgpack_walk_value(walk, &value))
            return false;
        if (key.kind != VALUE_INT || key.number <= last || value.children != 0)
            return false;
        if (!read_field(key.number, &value, group))
            return false;
        last = key.number;
    }
    return true;
}

static bool read_head(struct msgpack_walk *walk, uint64_t *ret_count)
{
    struct msgpack_value key, value;
    uint64_t pairs;
    if (!msgpack_walk_map(walk, &pairs) || pairs != 2)
        return false;
    if (!msgpack_walk_value(walk, &key) || key.kind != VALUE_INT || key.number != KEY_VERSION)
        return false;
    if (!msgpack_walk_value(walk, &value) || value.kind != VALUE_INT || value.number != VERSION)
        return false;
    if (!msgpack_walk_value(walk, &key) || key.kind != VALUE_INT || key.number != KEY_GROUPS)
        return false;
    if (!msgpack_walk_value(walk, &value) || value.kind != VALUE_OTHER)
        return false;
    *ret_count = value.children;
    return true;
}

int rollup_decode(const uint8_t *bytes, size_t len,
                  int (*fn)(void *arg, const struct rollup_group *group), void *arg)
{
    struct msgpack_walk walk = {bytes, bytes + len};
    struct rollup_group groups[2]; /* the one before, too: their order is checked */
    uint64_t count;
    if (!read_head(&walk, &count) || count > ROLLUP_GROUPS_MAX)
        return -EBADMSG;
    for (uint64_t i = 0; i < count; i++) {
        struct rollup_group *group = &groups[i % 2];
        int result;
        if (!read_group(&walk, group))
            return -EBADMSG;
        if (i > 0 && rollup_compare(&groups[(i + 1) % 2], group) >= 0)
            return -EBADMSG;
        result = fn(arg, group);
        if (result != 0)
            return result;
    }
    return walk.at == walk.end ? 0 : -EBADMSG;
}
