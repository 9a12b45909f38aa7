/* row.c - a row to msgpack and back.
 *
 * One table names every field: its number on disk, its form, where it lives in the struct and how
 * long it may be. Packing is msgpack-c's. Reading is a walk of our own (row_msgpack.c),
 * because a month is read at a million rows a second and msgpack-c's unpacker builds a tree of
 * objects per row; it allocates nothing and never looks past the end.
 */
#include "accounting/row.h"

#include "accounting/ledger_crc.h"
#include "accounting/row_msgpack.h"

#include <assert.h>
#include <errno.h>
#include <msgpack.h>
#include <string.h>

enum form {
    FORM_NONE,
    FORM_TEXT,
    FORM_LIST,    /* a JSON array: cut between elements */
    FORM_INSTANT, /* always stored */
    FORM_COUNT,   /* int64_t, negative is unknown */
    FORM_STATUS,  /* int, 0 is unknown */
    FORM_FLAG,    /* bool, stored when true */
    FORM_BYOK,    /* int, negative is unknown */
    FORM_NUMBER,  /* unsigned, stored when not 0 */
    FORM_CODE,    /* an enum, 0 is unknown, max is its number of values */
    FORM_MONEY,
};

struct field {
    enum form form;
    uint16_t max; /* bytes of a text, values of an enum */
    uint16_t offset;
};

/* The numbers are on disk: append, never renumber, never reuse. */
enum row_field {
    FIELD_ID = 1,
    FIELD_CREATED_AT = 2,
    FIELD_API = 3,
    FIELD_STREAMED = 4,
    FIELD_CLIENT = 5,
    FIELD_KEY_ID = 6,
    FIELD_PROJECT = 7,
    FIELD_USER = 8,
    FIELD_SESSION = 9,
    FIELD_APP = 10,
    FIELD_ENVIRONMENT = 11,
    FIELD_TAGS = 12,
    FIELD_MODEL_REQUESTED = 13,
    FIELD_MODEL = 14,
    FIELD_PROVIDER = 15,
    FIELD_UPSTREAM = 16,
    FIELD_UPSTREAM_ID = 17,
    FIELD_ROUTE = 18,
    FIELD_CACHE = 19,
    FIELD_SOURCE_ID = 20,
    FIELD_STATUS = 21,
    FIELD_FINISH_REASON = 22,
    FIELD_PROMPT_TOKENS = 23,
    FIELD_COMPLETION_TOKENS = 24,
    FIELD_CACHED_TOKENS = 25,
    FIELD_CACHE_WRITE_TOKENS = 26,
    FIELD_CACHE_WRITE_1H_TOKENS = 27,
    FIELD_REASONING_TOKENS = 28,
    FIELD_AUDIO_TOKENS = 29,
    FIELD_IMAGE_TOKENS = 30,
    FIELD_WEB_SEARCHES = 31,
    FIELD_EXCLUSIVE = 32,
    FIELD_BILLED = 33,
    FIELD_UPSTREAM_COST = 34,
    FIELD_MARKET = 35,
    FIELD_ESTIMATED = 36,
    FIELD_BOOKED = 37,
    FIELD_DIFFERENCE = 38,
    FIELD_VERDICT = 39,
    FIELD_SAVED = 40,
    FIELD_BYOK = 41,
    FIELD_LATENCY = 42,
    FIELD_TTFT = 43,
    FIELD_PRICE_HASH = 44,
    FIELD_ATTEMPTS = 45,
    FIELD_PRESET = 46,
    FIELD_NATIVE_FINISH_REASON = 47,
    FIELD_SERVICE_TIER = 48,
    FIELD_ORIGIN = 49,
    FIELD_RATING = 50,
    FIELD_OBSERVED = 51,
    FIELD_VERSION = 52,
    FIELD_CAUSE = 53,
    FIELD_CORRECTS = 54,
    FIELD_IMAGE_INPUT_TOKENS = 55,
    FIELD_VIDEO_INPUT_TOKENS = 56,
    FIELD_AUDIO_OUTPUT_TOKENS = 57,
    FIELD_IMAGES = 58,
    FIELD_HELD = 59,
    FIELD_CHECK = 60, /* always the last one written */
    FIELDS,
};

#define AT(member) offsetof(struct ledger_row, member)
#define ID(member)                                                                                 \
    {                                                                                              \
        FORM_TEXT, ROW_ID_MAX, AT(member)                                                          \
    }
#define NAME(member)                                                                               \
    {                                                                                              \
        FORM_TEXT, ROW_NAME_MAX, AT(member)                                                        \
    }
#define COUNT(member)                                                                              \
    {                                                                                              \
        FORM_COUNT, 0, AT(member)                                                                  \
    }
#define MONEY(member)                                                                              \
    {                                                                                              \
        FORM_MONEY, 0, AT(member)                                                                  \
    }

static const struct field fields[FIELDS] = {
    [FIELD_ID] = ID(id),
    [FIELD_CREATED_AT] = {FORM_INSTANT, 0, AT(created_at_ms)},
    [FIELD_API] = {FORM_CODE, APIS, AT(api)},
    [FIELD_STREAMED] = {FORM_FLAG, 0, AT(streamed)},
    [FIELD_CLIENT] = NAME(client),
    [FIELD_KEY_ID] = NAME(key_id),
    [FIELD_PROJECT] = NAME(project),
    [FIELD_USER] = NAME(user),
    [FIELD_SESSION] = NAME(session),
    [FIELD_APP] = NAME(app),
    [FIELD_ENVIRONMENT] = NAME(environment),
    [FIELD_TAGS] = {FORM_LIST, ROW_TAGS_BYTES_MAX, AT(tags)},
    [FIELD_MODEL_REQUESTED] = NAME(model_requested),
    [FIELD_MODEL] = NAME(model),
    [FIELD_PROVIDER] = NAME(provider),
    [FIELD_UPSTREAM] = NAME(upstream),
    [FIELD_UPSTREAM_ID] = ID(upstream_id),
    [FIELD_ROUTE] = NAME(route),
    [FIELD_CACHE] = {FORM_CODE, CACHES, AT(cache)},
    [FIELD_SOURCE_ID] = ID(source_id),
    [FIELD_STATUS] = {FORM_STATUS, 0, AT(status)},
    [FIELD_FINISH_REASON] = NAME(finish_reason),
    [FIELD_PROMPT_TOKENS] = COUNT(usage.prompt_tokens),
    [FIELD_COMPLETION_TOKENS] = COUNT(usage.completion_tokens),
    [FIELD_CACHED_TOKENS] = COUNT(usage.cached_tokens),
    [FIELD_CACHE_WRITE_TOKENS] = COUNT(usage.cache_write_tokens),
    [FIELD_CACHE_WRITE_1H_TOKENS] = COUNT(usage.cache_write_1h_tokens),
    [FIELD_REASONING_TOKENS] = COUNT(usage.reasoning_tokens),
    [FIELD_AUDIO_TOKENS] = COUNT(usage.audio_tokens),
    [FIELD_IMAGE_TOKENS] = COUNT(usage.image_tokens),
    [FIELD_WEB_SEARCHES] = COUNT(usage.web_searches),
    [FIELD_EXCLUSIVE] = {FORM_FLAG, 0, AT(usage.exclusive)},
    [FIELD_BILLED] = MONEY(billed),
    [FIELD_UPSTREAM_COST] = MONEY(upstream_cost),
    [FIELD_MARKET] = MONEY(market),
    [FIELD_ESTIMATED] = MONEY(estimated),
    [FIELD_BOOKED] = MONEY(booked),
    [FIELD_DIFFERENCE] = MONEY(difference),
    [FIELD_VERDICT] = {FORM_CODE, VERDICTS, AT(verdict)},
    [FIELD_SAVED] = MONEY(saved),
    [FIELD_BYOK] = {FORM_BYOK, 0, AT(byok)},
    [FIELD_LATENCY] = COUNT(latency_ms),
    [FIELD_TTFT] = COUNT(ttft_ms),
    [FIELD_PRICE_HASH] = NAME(price_hash),
    [FIELD_ATTEMPTS] = {FORM_LIST, ROW_ATTEMPTS_BYTES_MAX, AT(attempts)},
    [FIELD_PRESET] = NAME(preset),
    [FIELD_NATIVE_FINISH_REASON] = NAME(native_finish_reason),
    [FIELD_SERVICE_TIER] = NAME(service_tier),
    [FIELD_ORIGIN] = NAME(origin),
    [FIELD_RATING] = {FORM_TEXT, ROW_RATING_BYTES_MAX, AT(rating)},
    [FIELD_OBSERVED] = {FORM_LIST, ROW_OBSERVED_BYTES_MAX, AT(observed)},
    [FIELD_VERSION] = {FORM_NUMBER, 0, AT(version)},
    [FIELD_CAUSE] = {FORM_CODE, CAUSES, AT(cause)},
    [FIELD_CORRECTS] = {FORM_TEXT, ROW_PLACE_MAX, AT(corrects)},
    [FIELD_IMAGE_INPUT_TOKENS] = COUNT(usage.image_input_tokens),
    [FIELD_VIDEO_INPUT_TOKENS] = COUNT(usage.video_input_tokens),
    [FIELD_AUDIO_OUTPUT_TOKENS] = COUNT(usage.audio_output_tokens),
    [FIELD_IMAGES] = COUNT(usage.images),
    [FIELD_HELD] = MONEY(held),
};

enum {
    MONEY_BYTES = 16, /* a sum beyond 64 bits: big-endian two's complement, as a bin */
    STATUS_MAX = 999,
    MAP_BYTES = 3,
    CHECK_BYTES = ROW_CHECK_BYTES,
    /* Worst case of every field at once, headers included. */
    ENCODED_BOUND = 3 + 3 * (ROW_ID_MAX + 4) + 18 * (ROW_NAME_MAX + 5) + ROW_TAGS_BYTES_MAX + 5 +
                    ROW_ATTEMPTS_BYTES_MAX + 5 + ROW_RATING_BYTES_MAX + 5 + ROW_OBSERVED_BYTES_MAX +
                    5 + ROW_PLACE_MAX + 4 + 8 * (MONEY_BYTES + 4) + 16 * 11 + 9 * 6 + CHECK_BYTES,
};
_Static_assert((int)ENCODED_BOUND <= (int)ROW_ENCODED_MAX, "a row always fits its bound");
_Static_assert((int)FIELDS <= 128, "a field's number is one byte");
_Static_assert(sizeof(struct ledger_row) <= UINT16_MAX, "offsets fit");
_Static_assert(sizeof(enum row_api) == sizeof(unsigned), "enums are read as unsigned");
_Static_assert(sizeof(enum cause) == sizeof(unsigned), "enums are read as unsigned");

const char *row_api_name(enum row_api api)
{
    static const char *const names[APIS] = {
        "",      "chat",   "responses", "messages", "embeddings",  "completions",  "images",
        "audio", "videos", "batches",   "files",    "ai-language", "ai-embedding", "ai-other",
    };
    return (unsigned)api < APIS ? names[api] : "";
}

const char *row_cache_name(enum row_cache cache)
{
    static const char *const names[CACHES] = {"",    "hit",   "collapsed", "miss",
                                              "off", "stale", "refresh"};
    return (unsigned)cache < CACHES ? names[cache] : "";
}

const char *cause_name(enum cause cause)
{
    static const char *const names[CAUSES] = {
        [CAUSE_NONE] = "",
        [CAUSE_CACHE_IGNORED] = "cached-tokens-ignored",
        [CAUSE_TIER_MISSED] = "tier-missed",
        [CAUSE_SERVICE_TIER] = "service-tier",
        [CAUSE_CACHE_TTL] = "cache-write-ttl",
        [CAUSE_SURCHARGE] = "surcharge",
        [CAUSE_DISCOUNT] = "discount",
        [CAUSE_MARKUP] = "markup",
        [CAUSE_BYOK] = "byok",
        [CAUSE_SEARCH_FEE] = "search-fee",
        [CAUSE_TOKEN_COUNT] = "token-count",
        [CAUSE_PRICE_VERSION] = "price-version",
        [CAUSE_UNEXPLAINED] = "unexplained",
    };
    return (unsigned)cause < CAUSES ? names[cause] : "";
}

void row_init(struct ledger_row *row)
{
    memset(row, 0, sizeof(*row));
    row->usage = USAGE_INIT;
    row->byok = -1;
    row->latency_ms = -1;
    row->ttft_ms = -1;
}

/* The longest beginning of text, at most max bytes, that ends between two characters. */
static size_t cut_text(const char *bytes, size_t len, size_t max)
{
    size_t cut = max;
    if (len <= max)
        return len;
    while (cut > 0 && max - cut < 4 && ((unsigned char)bytes[cut] & 0xc0) == 0x80)
        cut--;
    /* Four continuation bytes in a row are no UTF-8 at all: there is no boundary to respect. */
    return max - cut < 4 ? cut : max;
}

/* A list stays a JSON array when it is cut: whole elements are kept, and the caller writes the
 * bracket. Returns the length before the bracket; 0 when not even "[" is left of it. */
static size_t cut_list(const char *bytes, size_t len, size_t max)
{
    size_t kept = 1, depth = 0;
    bool quoted = false;
    if (len == 0 || bytes[0] != '[' || max < 2)
        return 0;
    for (size_t i = 1; i < len && i < max; i++) {
        if (quoted && bytes[i] == '\\')
            i++;
        else if (bytes[i] == '"')
            quoted = !quoted;
        else if (quoted)
            continue;
        else if (bytes[i] == '{' || bytes[i] == '[')
            depth++;
        else if (depth > 0 && (bytes[i] == '}' || bytes[i] == ']'))
            depth--;
        else if (depth == 0 && bytes[i] == ',')
            kept = i;
    }
    return kept;
}

struct writer {
    uint8_t *bytes;
    size_t size, len;
};

static int write_bytes(void *arg, const char *bytes, size_t len)
{
    struct writer *writer = arg;
    if (len > writer->size - writer->len)
        return -1;
    memcpy(writer->bytes + writer->len, bytes, len);
    writer->len += len;
    return 0;
}

static bool field_known(const struct field *field, const void *at)
{
    switch (field->form) {
    case FORM_TEXT:
    case FORM_LIST:
        return ((const struct text *)at)->len > 0;
    case FORM_INSTANT:
        return true;
    case FORM_COUNT:
        return *(const int64_t *)at >= 0;
    case FORM_STATUS:
        return *(const int *)at > 0;
    case FORM_FLAG:
        return *(const bool *)at;
    case FORM_BYOK:
        return *(const int *)at >= 0;
    case FORM_NUMBER:
    case FORM_CODE:
        return *(const unsigned *)at != 0;
    case FORM_MONEY:
        return ((const struct maybe_money *)at)->known;
    case FORM_NONE:
        break;
    }
    return false;
}

static int pack_money(msgpack_packer *packer, struct money money)
{
    unsigned char bytes[MONEY_BYTES];
    unsigned __int128 rest = (unsigned __int128)money.femto;
    if (money.femto >= INT64_MIN && money.femto <= INT64_MAX)
        return msgpack_pack_int64(packer, (int64_t)money.femto);
    for (int i = MONEY_BYTES - 1; i >= 0; i--) {
        bytes[i] = (unsigned char)rest;
        rest >>= 8;
    }
    return msgpack_pack_bin_with_body(packer, bytes, sizeof(bytes));
}

static int pack_list(msgpack_packer *packer, const struct text *list, size_t max)
{
    size_t kept;
    if (list->len <= max)
        return msgpack_pack_str_with_body(packer, list->bytes, list->len);
    kept = cut_list(list->bytes, list->len, max);
    if (kept == 0) /* no array: nothing of it can be kept honestly */
        return msgpack_pack_str_with_body(packer, "[]", 2);
    if (msgpack_pack_str(packer, kept + 1) != 0)
        return -1;
    if (msgpack_pack_str_body(packer, list->bytes, kept) != 0)
        return -1;
    return msgpack_pack_str_body(packer, "]", 1);
}

static int pack_field(msgpack_packer *packer, const struct field *field, const void *at)
{
    const struct text *text = at;
    switch (field->form) {
    case FORM_TEXT:
        return msgpack_pack_str_with_body(packer, text->bytes,
                                          cut_text(text->bytes, text->len, field->max));
    case FORM_LIST:
        return pack_list(packer, text, field->max);
    case FORM_INSTANT:
    case FORM_COUNT:
        return msgpack_pack_int64(packer, *(const int64_t *)at);
    case FORM_STATUS:
        assert(*(const int *)at <= STATUS_MAX);
        return msgpack_pack_int(packer, *(const int *)at);
    case FORM_FLAG:
        return msgpack_pack_true(packer);
    case FORM_BYOK:
        return *(const int *)at != 0 ? msgpack_pack_true(packer) : msgpack_pack_false(packer);
    case FORM_NUMBER:
        return msgpack_pack_unsigned_int(packer, *(const unsigned *)at);
    case FORM_CODE:
        assert(*(const unsigned *)at < field->max);
        return msgpack_pack_unsigned_int(packer, *(const unsigned *)at);
    case FORM_MONEY:
        return pack_money(packer, ((const struct maybe_money *)at)->money);
    case FORM_NONE:
        break;
    }
    return -1;
}

/* CRC-32C of the place and all fields before it, for whoever proves rows: a flipped bit in a text
 * breaks no other law. Reading a row does not ask for it. */
static bool write_check(struct writer *writer, uint64_t sequence)
{
    uint64_t place = __builtin_bswap64(sequence);
    uint32_t check = ledger_crc(ledger_crc(0, &place, sizeof place), writer->bytes + MAP_BYTES,
                                writer->len - MAP_BYTES);
    uint8_t *at = writer->bytes + writer->len;

    if (writer->size - writer->len < CHECK_BYTES)
        return false;
    at[0] = FIELD_CHECK;
    at[1] = 0xce; /* msgpack: 32 bits, big endian */
    check = __builtin_bswap32(check);
    memcpy(at + 2, &check, sizeof check);
    writer->len += CHECK_BYTES;
    return true;
}

int row_encode(const struct ledger_row *row, uint8_t *buffer, size_t size, size_t *ret_len)
{
    struct writer writer = {buffer, size, MAP_BYTES};
    msgpack_packer packer;
    unsigned count = 0;

    if (size < MAP_BYTES)
        return -ENOBUFS;
    msgpack_packer_init(&packer, &writer, write_bytes);
    for (unsigned i = 1; i < FIELD_CHECK; i++) {
        const struct field *field = &fields[i];
        const void *at = (const char *)row + field->offset;
        if (!field_known(field, at))
            continue;
        if (writer.len == size)
            return -ENOBUFS;
        buffer[writer.len++] = (uint8_t)i; /* a small number packs as itself */
        if (pack_field(&packer, field, at) != 0)
            return -ENOBUFS;
        count++;
    }
    if (!write_check(&writer, row->sequence))
        return -ENOBUFS;
    count++;
    /* How many there are is known now: the map's head, in the form that holds any such number. */
    buffer[0] = 0xde;
    buffer[1] = (uint8_t)(count >> 8);
    buffer[2] = (uint8_t)count;
    assert(writer.len <= ROW_ENCODED_MAX);
    *ret_len = writer.len;
    return 0;
}

/* --- reading --- */

static bool store_money(const struct msgpack_value *value, struct maybe_money *money)
{
    unsigned __int128 number = 0;
    if (value->kind == VALUE_INT) {
        *money = (struct maybe_money){true, {value->number}};
        return true;
    }
    if (value->kind != VALUE_BIN || value->len != MONEY_BYTES)
        return false;
    for (unsigned i = 0; i < MONEY_BYTES; i++)
        number = number << 8 | value->bytes[i];
    *money = (struct maybe_money){true, {(__int128)number}};
    return true;
}

static bool store_number(const struct field *field, const struct msgpack_value *value, void *at)
{
    int64_t number;
    if (value->kind != VALUE_INT)
        return false;
    number = value->number;
    if (field->form == FORM_INSTANT) {
        *(int64_t *)at = number;
        return true;
    }
    if (number < 0)
        return false;
    if (field->form == FORM_COUNT)
        *(int64_t *)at = number;
    else if (field->form == FORM_STATUS && number <= STATUS_MAX)
        *(int *)at = (int)number;
    else if (field->form == FORM_NUMBER && number <= UINT32_MAX)
        *(unsigned *)at = (unsigned)number;
    else if (field->form == FORM_CODE) /* a newer version's word is not known to us */
        *(unsigned *)at = number < field->max ? (unsigned)number : 0;
    else
        return false;
    return true;
}

static bool store(const struct field *field, const struct msgpack_value *value, void *at)
{
    switch (field->form) {
    case FORM_TEXT:
    case FORM_LIST:
        if (value->kind != VALUE_TEXT || value->len > field->max)
            return false;
        *(struct text *)at = value->len > 0 ? (struct text){(const char *)value->bytes, value->len}
                                            : (struct text){NULL, 0};
        return true;
    case FORM_FLAG:
    case FORM_BYOK:
        if (value->kind != VALUE_BOOL)
            return false;
        if (field->form == FORM_FLAG)
            *(bool *)at = value->number != 0;
        else
            *(int *)at = (int)value->number;
        return true;
    case FORM_MONEY:
        return store_money(value, at);
    case FORM_INSTANT:
    case FORM_COUNT:
    case FORM_STATUS:
    case FORM_NUMBER:
    case FORM_CODE:
        return store_number(field, value, at);
    case FORM_NONE:
        break;
    }
    return false;
}

/* The number of the next field; 0 for one that is none of ours. */
static inline bool read_key(struct msgpack_walk *walk, unsigned *ret_number)
{
    struct msgpack_value key;
    if (walk->at < walk->end && *walk->at < 0x80) {
        *ret_number = *walk->at++;
        return true;
    }
    if (!msgpack_walk_value(walk, &key) || key.kind != VALUE_INT)
        return false;
    *ret_number = 0; /* numbers of more than one byte are not used yet */
    return true;
}

int row_decode(const uint8_t *bytes, size_t len, struct ledger_row *ret_row)
{
    struct msgpack_walk walk = {bytes, bytes + len};
    struct ledger_row row;
    struct msgpack_value value;
    uint64_t count;

    if (len == 0 || len > ROW_ENCODED_MAX || !msgpack_walk_map(&walk, &count))
        return -EBADMSG;
    row_init(&row);
    for (; count > 0; count--) {
        unsigned number;
        if (!read_key(&walk, &number) || !msgpack_walk_value(&walk, &value))
            return -EBADMSG;
        if (number == 0 || number >= FIELDS || number == FIELD_CHECK) {
            if (!msgpack_walk_skip(&walk, value.children))
                return -EBADMSG;
            continue;
        }
        if (!store(&fields[number], &value, (char *)&row + fields[number].offset))
            return -EBADMSG;
    }
    if (walk.at != walk.end)
        return -EBADMSG;
    *ret_row = row;
    return 0;
}

/* --- looking without decoding --- */

static bool is_text(const struct msgpack_value *value, struct text text)
{
    return value->kind == VALUE_TEXT && value->len == text.len &&
           memcmp(value->bytes, text.bytes, text.len) == 0;
}

/* Fields are written in the order of their numbers, so what is behind key_id need not be seen. */
bool row_may_match(const uint8_t *bytes, size_t len, struct text id, struct text key_id)
{
    struct msgpack_walk walk = {bytes, bytes + len};
    struct msgpack_value value;
    bool has_id = id.len == 0, has_key = key_id.len == 0;
    uint64_t count;

    if (!msgpack_walk_map(&walk, &count))
        return true;
    for (; count > 0 && !(has_id && has_key); count--) {
        unsigned number;
        if (!read_key(&walk, &number) || !msgpack_walk_value(&walk, &value))
            return true;
        if (number == FIELD_ID && id.len > 0 && !is_text(&value, id))
            return false;
        if (number == FIELD_KEY_ID && key_id.len > 0 && !is_text(&value, key_id))
            return false;
        has_id |= number == FIELD_ID;
        has_key |= number == FIELD_KEY_ID;
        if (number > FIELD_KEY_ID)
            return false;
        if (value.children > 0 && !msgpack_walk_skip(&walk, value.children))
            return true;
    }
    return has_id && has_key;
}
