#include "accounting/focus_lines.h"

#include "accounting/focus_text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TABLE_START = 1024, /* a power of two */
    CHUNK_BYTES = 256 * 1024,
    SHARED_TEXTS = 6,
    SHARED_KEY_MAX = 64 * 1024,
    SKU_MAX = FOCUS_CLEAN_MAX * ROW_NAME_MAX + 256,
};

struct chunk {
    struct chunk *next;
    _Alignas(16) char bytes[CHUNK_BYTES];
};

/* What it points at is the hash of an entry, inside it. */
struct slots {
    uint64_t **at;
    size_t room, count;
};

/* key: what makes two of them the same, packed; the texts of `shared` lie in it. */
struct kept {
    struct focus_shared shared;
    size_t key_len;
    char key[];
};

struct focus_lines {
    struct chunk *first, *current;
    size_t used; /* of the current chunk */
    size_t bytes;
    struct slots shared, lines;
    struct focus_line **sorted;
    size_t sorted_room;
    char key[SHARED_KEY_MAX];
};

/* --- memory --- */

struct focus_lines *focus_lines_new(void)
{
    return calloc(1, sizeof(struct focus_lines));
}

void focus_lines_free(struct focus_lines *lines)
{
    if (lines == NULL)
        return;
    while (lines->first != NULL) {
        struct chunk *next = lines->first->next;
        free(lines->first);
        lines->first = next;
    }
    free(lines->shared.at);
    free(lines->lines.at);
    free(lines->sorted);
    free(lines);
}

static void forget(struct slots *slots)
{
    if (slots->at != NULL)
        memset(slots->at, 0, slots->room * sizeof(*slots->at));
    slots->count = 0;
}

void focus_lines_clear(struct focus_lines *lines)
{
    forget(&lines->shared);
    forget(&lines->lines);
    lines->current = lines->first;
    lines->used = 0;
}

bool focus_lines_empty(const struct focus_lines *lines)
{
    return lines->lines.count == 0;
}

static int next_chunk(struct focus_lines *lines)
{
    struct chunk *chunk = lines->current != NULL ? lines->current->next : lines->first;
    if (chunk == NULL) {
        if (lines->bytes + sizeof(*chunk) > FOCUS_LINES_BYTES_MAX)
            return -E2BIG;
        chunk = malloc(sizeof(*chunk));
        if (chunk == NULL)
            return -ENOMEM;
        chunk->next = NULL;
        lines->bytes += sizeof(*chunk);
        if (lines->current != NULL)
            lines->current->next = chunk;
        else
            lines->first = chunk;
    }
    lines->current = chunk;
    lines->used = 0;
    return 0;
}

static int allocate(struct focus_lines *lines, size_t size, void **ret_at)
{
    size = (size + 15) & ~(size_t)15;
    assert(size <= CHUNK_BYTES);
    if (lines->current == NULL || CHUNK_BYTES - lines->used < size) {
        int result = next_chunk(lines);
        if (result < 0)
            return result;
    }
    *ret_at = lines->current->bytes + lines->used;
    lines->used += size;
    return 0;
}

/* --- tables --- */

static uint64_t hash_bytes(const char *bytes, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325), word;
    for (; len >= sizeof(word); bytes += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, bytes, sizeof(word));
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    for (; len > 0; bytes++, len--)
        hash = (hash ^ (unsigned char)*bytes) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 29;
}

static uint64_t hash_with(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static int make_room(struct focus_lines *lines, struct slots *slots)
{
    size_t room = slots->room == 0 ? TABLE_START : 2 * slots->room;
    uint64_t **table;
    if (2 * slots->count < slots->room)
        return 0;
    if (lines->bytes + room * sizeof(*table) > FOCUS_LINES_BYTES_MAX)
        return -E2BIG;
    table = calloc(room, sizeof(*table));
    if (table == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < slots->room; i++) {
        size_t at;
        if (slots->at[i] == NULL)
            continue;
        at = *slots->at[i] & (room - 1);
        while (table[at] != NULL)
            at = (at + 1) & (room - 1);
        table[at] = slots->at[i];
    }
    lines->bytes += (room - slots->room) * sizeof(*table);
    free(slots->at);
    slots->at = table;
    slots->room = room;
    return 0;
}

/* --- what lines share --- */

static size_t put_number(char *at, int64_t number)
{
    memcpy(at, &number, sizeof(number));
    return sizeof(number);
}

/* Packs the key; lens: of its texts, in the order in which they lie at its end. Tags are clean
 * already (focus_tags.c). */
static size_t pack(const struct focus_shared *want, char *key, size_t lens[SHARED_TEXTS])
{
    const struct text texts[SHARED_TEXTS] = {want->account, want->model, want->provider,
                                             want->gateway, want->tier,  want->tags};
    size_t len = 0, numbers;
    len += put_number(key + len, want->hour_ms);
    len += put_number(key + len, want->above);
    len += put_number(key + len, (int64_t)want->account_type << 8 | want->correction |
                                     want->saving << 1 | want->off_peak << 2);
    numbers = len;
    len += SHARED_TEXTS * sizeof(uint32_t);
    for (unsigned i = 0; i < SHARED_TEXTS; i++) {
        uint32_t narrow;
        bool tags = i == SHARED_TEXTS - 1;
        assert(len + (tags ? texts[i].len : FOCUS_CLEAN_MAX * (size_t)ROW_NAME_MAX) <=
               SHARED_KEY_MAX);
        lens[i] = focus_clean(key + len, texts[i], tags ? texts[i].len : ROW_NAME_MAX);
        narrow = (uint32_t)lens[i];
        memcpy(key + numbers + i * sizeof(narrow), &narrow, sizeof(narrow));
        len += lens[i];
    }
    return len;
}

static struct text vendor_of(const struct focus_shared *shared)
{
    const char *slash =
        shared->model.len > 0 ? memchr(shared->model.bytes, '/', shared->model.len) : NULL;
    if (slash != NULL && slash > shared->model.bytes)
        return (struct text){shared->model.bytes, (size_t)(slash - shared->model.bytes)};
    return shared->provider.len > 0 ? shared->provider : shared->gateway;
}

/* Points the texts of a kept one at its key, and makes what is made of them. */
static int fill(struct focus_lines *lines, struct kept *kept, const struct focus_shared *want,
                const size_t lens[SHARED_TEXTS])
{
    struct focus_shared *shared = &kept->shared;
    struct text *const texts[SHARED_TEXTS] = {&shared->account, &shared->model, &shared->provider,
                                              &shared->gateway, &shared->tier,  &shared->tags};
    const char *at = kept->key + kept->key_len;
    void *resource;
    int result;
    *shared = *want;
    for (unsigned i = SHARED_TEXTS; i > 0; i--) {
        at -= lens[i - 1];
        *texts[i - 1] = (struct text){at, lens[i - 1]};
    }
    shared->vendor = vendor_of(shared);
    shared->resource = shared->model;
    if (shared->provider.len == 0)
        return 0;
    result = allocate(lines, shared->provider.len + 1 + shared->model.len, &resource);
    if (result < 0)
        return result;
    memcpy(resource, shared->provider.bytes, shared->provider.len);
    ((char *)resource)[shared->provider.len] = '/';
    memcpy((char *)resource + shared->provider.len + 1, shared->model.bytes, shared->model.len);
    shared->resource = (struct text){resource, shared->provider.len + 1 + shared->model.len};
    return 0;
}

static struct kept *kept_of(uint64_t *hash)
{
    return (struct kept *)(void *)((char *)hash - offsetof(struct kept, shared.hash));
}

int focus_lines_share(struct focus_lines *lines, const struct focus_shared *want,
                      const struct focus_shared **ret_shared)
{
    size_t lens[SHARED_TEXTS], len = pack(want, lines->key, lens), at;
    uint64_t hash = hash_bytes(lines->key, len);
    struct kept *kept;
    void *room;
    int result = make_room(lines, &lines->shared);
    if (result < 0)
        return result;
    assert(want->model.len > 0);
    for (at = hash & (lines->shared.room - 1); lines->shared.at[at] != NULL;
         at = (at + 1) & (lines->shared.room - 1)) {
        kept = kept_of(lines->shared.at[at]);
        if (kept->shared.hash == hash && kept->key_len == len &&
            memcmp(kept->key, lines->key, len) == 0) {
            *ret_shared = &kept->shared;
            return 0;
        }
    }
    result = allocate(lines, sizeof(*kept) + len, &room);
    if (result < 0)
        return result;
    kept = room;
    kept->key_len = len;
    memcpy(kept->key, lines->key, len);
    result = fill(lines, kept, want, lens);
    if (result < 0)
        return result;
    kept->shared.hash = hash;
    lines->shared.at[at] = &kept->shared.hash;
    lines->shared.count++;
    *ret_shared = &kept->shared;
    return 0;
}

/* --- lines --- */

/* "@" and the tier, and what sets it apart from the standard rates. A service tier's name holds no
 * "@", so that the SkuId is what stands before the last one. */
static size_t print_tier(const struct focus_shared *shared, char *text, size_t size)
{
    char above[40] = "";
    if (shared->above > 0 && shared->above % 1000 == 0)
        snprintf(above, sizeof(above), "+>%lldk", (long long)(shared->above / 1000));
    else if (shared->above > 0)
        snprintf(above, sizeof(above), "+>%lld", (long long)shared->above);
    if (shared->tier.len == 0)
        return (size_t)snprintf(text, size, "@standard%s%s", above,
                                shared->off_peak ? "+off-peak" : "");
    return (size_t)snprintf(text, size, "@%.*s%s%s", (int)shared->tier.len, shared->tier.bytes,
                            above, shared->off_peak ? "+off-peak" : "");
}

static int name_sku(struct focus_lines *lines, struct focus_line *line)
{
    const struct focus_shared *shared = line->shared;
    char text[SKU_MAX];
    size_t len;
    void *kept;
    int result;
    if (line->kind == FOCUS_KIND_SURCHARGE)
        len = (size_t)snprintf(text, sizeof(text), "%s", FOCUS_SURCHARGE_SKU);
    else
        len = (size_t)snprintf(text, sizeof(text), "%.*s/%s", (int)shared->model.len,
                               shared->model.bytes, focus_class(line->kind, line->class)->name);
    if (shared->saving)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", FOCUS_SAVING);
    line->sku_len = len;
    len += print_tier(shared, text + len, sizeof(text) - len);
    assert(len < sizeof(text));
    result = allocate(lines, len, &kept);
    if (result < 0)
        return result;
    memcpy(kept, text, len);
    line->sku_price = (struct text){kept, len};
    return 0;
}

static bool is_line(const struct focus_line *line, const struct focus_shared *shared,
                    const struct focus_line_key *key)
{
    return line->shared == shared && line->kind == key->kind && line->class == key->class &&
           line->own == key->own && line->price.femto == key->price.femto &&
           line->multiplier_ppm == key->multiplier_ppm;
}

static int add_line(struct focus_lines *lines, size_t at, uint64_t hash,
                    const struct focus_shared *shared, const struct focus_line_key *key,
                    struct focus_line **ret_line)
{
    struct focus_line *line;
    void *room;
    int result = allocate(lines, sizeof(*line), &room);
    if (result < 0)
        return result;
    line = room;
    *line = (struct focus_line){
        .hash = hash,
        .shared = shared,
        .kind = key->kind,
        .class = key->class,
        .own = key->own,
        .price = key->price,
        .multiplier_ppm = key->multiplier_ppm,
    };
    result = name_sku(lines, line);
    if (result < 0)
        return result;
    lines->lines.at[at] = &line->hash;
    lines->lines.count++;
    *ret_line = line;
    return 0;
}

/* Where the vendor and the gateway have one name there is one who invoices. */
static bool is_own(const struct focus_shared *shared, const struct focus_line_key *key)
{
    struct text vendor = shared->provider.len > 0 ? shared->provider : shared->vendor;
    return key->own && focus_compare(vendor, shared->gateway) != 0;
}

static uint64_t hash_key(const struct focus_shared *shared, const struct focus_line_key *key)
{
    uint64_t what = (uint64_t)key->kind << 16 | (uint64_t)key->class << 8 | (uint64_t)key->own;
    uint64_t hash = hash_with(shared->hash, what);
    return hash_with(hash_with(hash, (uint64_t)key->price.femto), (uint64_t)key->multiplier_ppm);
}

int focus_lines_find(struct focus_lines *lines, const struct focus_shared *shared,
                     const struct focus_line_key *wanted, struct focus_line **ret_line)
{
    struct focus_line_key key = *wanted;
    uint64_t hash;
    size_t at;
    int result = make_room(lines, &lines->lines);
    if (result < 0)
        return result;
    key.own = is_own(shared, wanted);
    hash = hash_key(shared, &key);
    for (at = hash & (lines->lines.room - 1); lines->lines.at[at] != NULL;
         at = (at + 1) & (lines->lines.room - 1)) {
        struct focus_line *line = (struct focus_line *)(void *)lines->lines.at[at];
        if (line->hash == hash && is_line(line, shared, &key)) {
            *ret_line = line;
            return 0;
        }
    }
    return add_line(lines, at, hash, shared, &key, ret_line);
}
_Static_assert(offsetof(struct focus_line, hash) == 0, "a line is found by its hash");

int focus_lines_hash(struct focus_lines *lines, struct focus_line *line, struct text price_hash)
{
    void *kept;
    int result;
    if (price_hash.len == 0 || line->several_hashes)
        return 0;
    if (line->price_hash.len > 0) {
        line->several_hashes =
            line->price_hash.len != price_hash.len ||
            memcmp(line->price_hash.bytes, price_hash.bytes, price_hash.len) != 0;
        return 0;
    }
    result = allocate(lines, price_hash.len, &kept);
    if (result < 0)
        return result;
    memcpy(kept, price_hash.bytes, price_hash.len);
    line->price_hash = (struct text){kept, price_hash.len};
    return 0;
}

/* --- order --- */

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

const char *focus_account_name(enum focus_account account)
{
    static const char *const names[] = {
        [FOCUS_NO_ACCOUNT] = "",
        [FOCUS_PROJECT] = "Project",
        [FOCUS_CLIENT] = "Client",
        [FOCUS_KEY] = "Key",
    };
    return names[account];
}

struct text focus_issuer(const struct focus_line *line)
{
    const struct focus_shared *shared = line->shared;
    if (!line->own)
        return shared->gateway;
    return shared->provider.len > 0 ? shared->provider : shared->vendor;
}

struct text focus_service(const struct focus_line *line)
{
    struct text gateway = line->shared->gateway;
    return focus_compare(gateway, TEXT("Vercel")) == 0 ? TEXT("Vercel AI Gateway") : gateway;
}

/* What pricing-and-focus section 7 sorts by, then the rest of what makes a line one of its own
 * (focus_grain.c looks at the same, in this order). */
static int compare_lines(const void *left, const void *right)
{
    const struct focus_line *a = *(const struct focus_line *const *)left;
    const struct focus_line *b = *(const struct focus_line *const *)right;
    int order = compare_numbers(a->shared->hour_ms, b->shared->hour_ms);
    if (order == 0)
        order = focus_compare(a->shared->account, b->shared->account);
    if (order == 0)
        order = focus_compare(a->sku_price, b->sku_price);
    if (order == 0)
        order = focus_compare(a->shared->tags, b->shared->tags);
    if (order == 0)
        order = focus_compare(text_of(focus_account_name(a->shared->account_type)),
                              text_of(focus_account_name(b->shared->account_type)));
    if (order == 0)
        order = focus_compare(a->shared->resource, b->shared->resource);
    if (order == 0)
        order = focus_compare(a->shared->model, b->shared->model);
    if (order == 0)
        order = focus_compare(focus_service(a), focus_service(b));
    if (order == 0)
        order = focus_compare(focus_issuer(a), focus_issuer(b));
    if (order == 0)
        order = compare_numbers(a->shared->correction, b->shared->correction);
    if (order == 0)
        order = compare_numbers(a->price.femto, b->price.femto);
    return order != 0 ? order : compare_numbers(a->multiplier_ppm, b->multiplier_ppm);
}

int focus_lines_sort(struct focus_lines *lines, struct focus_line *const **ret_sorted,
                     size_t *ret_count)
{
    size_t count = 0;
    if (lines->sorted_room < lines->lines.count) {
        struct focus_line **sorted = realloc(lines->sorted, lines->lines.room * sizeof(*sorted));
        if (sorted == NULL)
            return -ENOMEM;
        lines->sorted = sorted;
        lines->sorted_room = lines->lines.room;
    }
    for (size_t i = 0; i < lines->lines.room; i++) {
        if (lines->lines.at[i] != NULL)
            lines->sorted[count++] = (struct focus_line *)(void *)lines->lines.at[i];
    }
    assert(count == lines->lines.count);
    if (count > 0)
        qsort(lines->sorted, count, sizeof(struct focus_line *), compare_lines);
    *ret_sorted = lines->sorted;
    *ret_count = count;
    return 0;
}
