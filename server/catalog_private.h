/* catalog_private.h - shared by the catalog_*.c files and catalogs.c only.
 *
 * Whatever schema an entry came in, it is read into facts, and both schemas are written from
 * facts. An entry that is in the asked-for schema already is spliced instead, byte for byte.
 */
#ifndef SERVER_CATALOG_PRIVATE_H
#define SERVER_CATALOG_PRIVATE_H

#include "server/catalog.h"

#include <stdatomic.h>

/* --- snapshots (catalog.c) --- */

struct catalog_entry {
    uint32_t token;   /* its object */
    struct text id;   /* unescaped */
    struct text slug; /* OpenRouter's canonical_slug, under which it can be asked for as well */
    char *unescaped;  /* owned; NULL: id lies in the text */
};

struct catalog_name {
    struct text name;
    uint32_t entry;
};

/* Immutable; shared by reference. */
struct catalog {
    atomic_uint references;
    enum config_dialect dialect;
    char *text; /* owned: what doc is over */
    struct json_doc doc;
    struct catalog_entry *entries;
    unsigned count;
    struct catalog_name *names; /* sorted; ids and slugs */
    unsigned name_count;
    bool patterns; /* an id holds a star */
};

struct catalog *catalog_ref(struct catalog *catalog);    /* share */
int catalog_compare_texts(struct text a, struct text b); /* by bytes, then by length */

/* --- prices (catalog_price.c) --- */

enum catalog_cost {
    COST_PROMPT,
    COST_COMPLETION,
    COST_CACHE_READ,
    COST_CACHE_WRITE,
    COST_WEB_SEARCH,
    COST_IMAGE_OUTPUT,
    COST_AUDIO,
    COST_AUDIO_OUTPUT,
    COSTS,
};
enum { CATALOG_BRACKETS_MAX = 16 };

/* Prices by the size of the prompt: a bracket holds from `from` tokens up to the next one's, all
 * its prices whole, for the whole request. The first begins at 0. */
struct catalog_prices {
    struct {
        int64_t from;
        struct text cost[COSTS]; /* decimal text, borrowed from the catalogue; empty: not known */
    } bracket[CATALOG_BRACKETS_MAX];
    unsigned count; /* at least 1 */
};

/* pricing: that member of an entry, or JSON_NONE. What cannot be read whole is not known at all. */
void catalog_prices_read(const struct json_doc *doc, uint32_t pricing,
                         struct catalog_prices *ret_prices);
/* The value of `pricing`. no_completion: a kind of model that has no completion tokens. */
void catalog_prices_print(const struct catalog_prices *prices, enum config_dialect to,
                          bool no_completion, struct out *out);
/* USD per token below the first threshold, as 1e-15 USD; -1: not known. */
int64_t catalog_price_femto(const struct catalog_prices *prices, enum catalog_cost price);

/* --- entries (catalog_entry.c, catalog_print.c) --- */

enum catalog_modality {
    MODALITY_TEXT = 1,
    MODALITY_IMAGE = 2,
    MODALITY_FILE = 4,
    MODALITY_AUDIO = 8,
    MODALITY_VIDEO = 16,
    MODALITY_EMBEDDINGS = 32,
    MODALITY_RERANK = 64,
    MODALITY_SPEECH = 128,
    MODALITY_TRANSCRIPTION = 256,
    MODALITY_DECISIONS = 512,
};
enum { MODALITIES = 10 };

struct catalog_fact {
    const struct catalog *catalog; /* borrow */
    const struct catalog_entry *entry;
    char id[ROW_NAME_MAX + 1]; /* in the words of `to` */
    bool native;               /* the entry is in the schema of `to`, under its own id */
    unsigned inputs, outputs;  /* sets of enum catalog_modality */
    int64_t created_s, context, max_tokens; /* -1: not known */
    struct text group;                      /* OpenRouter's word for the family of its tokenizer */
    struct catalog_prices prices;
};

/* What a client of that dialect calls an entry. A name that would lead elsewhere when the client
 * says it is not given: then the entry keeps its own, which leads back to it. map NULL: so do all.
 */
void catalog_entry_name(const struct catalog *catalog, unsigned entry, enum config_dialect to,
                        const struct model_map *map, char ret_id[ROW_NAME_MAX + 1]);
void catalog_fact_read(const struct catalog *catalog, unsigned entry, enum config_dialect to,
                       const struct model_map *map, struct catalog_fact *ret_fact);
/* The value of a member of the entry, first by the one name, then by the other. */
uint32_t catalog_fact_value(const struct catalog_fact *fact, const char *name, const char *other);
bool catalog_fact_lists(const struct catalog_fact *fact, const char *name, const char *item);
/* Vercel's tag for what a parameter of OpenRouter's list says; NULL: there is none. */
const char *catalog_tag_of(struct text parameter);
/* One modality as a word of that dialect. */
const char *catalog_modality_name(unsigned index, enum config_dialect dialect);
/* A word of either dialect; 0: none. */
unsigned catalog_modality_find(struct text word);
/* Vercel's `type`. */
const char *catalog_fact_type(const struct catalog_fact *fact);

void catalog_fact_print(const struct catalog_fact *fact, enum config_dialect to, struct out *out);

/* --- the union (catalog_view.c) --- */

struct catalog_row {
    struct catalog *catalog; /* borrowed from the view */
    uint32_t entry;
    size_t id_at, id_len;     /* in view->ids */
    size_t text_at, text_len; /* in view->text */
    int64_t created_s, context;
    int64_t prompt, completion; /* 1e-15 USD per token; -1: not known */
    unsigned inputs, outputs;
    struct text group;
};

/* All catalogues in the schema and the words of one dialect. Immutable; shared by reference. */
struct catalog_view {
    atomic_uint references;
    uint64_t version; /* of the catalogues that it was made from */
    struct catalog *catalogs[CONFIG_UPSTREAMS_MAX];
    struct out ids, text;
    struct catalog_row *rows; /* in the order of upstreams, and each one's own */
    uint32_t *sorted;         /* rows by id */
    unsigned count;
};

/* catalogs: NULL where nothing is known. share. NULL: no memory. */
struct catalog_view *catalog_view_new(struct catalog *const *catalogs, unsigned count,
                                      enum config_dialect to, const struct model_map *map);
void catalog_view_unref(struct catalog_view *view);
struct text catalog_row_id(const struct catalog_view *view, const struct catalog_row *row);
/* By id, else by canonical slug; NULL: none. */
const struct catalog_row *catalog_view_find(const struct catalog_view *view, struct text id);
void catalog_view_providers(const struct catalog_view *view, enum config_dialect to,
                            const struct model_map *map, struct out *out);

/* --- questions (catalog_query.c) --- */

/* Percent-encoding, in place; what is no valid escape stays. plus: `+` is a space. */
struct text catalog_decode(char *bytes, size_t len, bool plus);

/* Writes the list, or the number of its entries. now_s: unix seconds. 0, -EINVAL or -ENOMEM. */
int catalog_query_print(const struct catalog_view *view, enum catalog_question question,
                        enum config_dialect to, struct text query, int64_t now_s, struct out *out,
                        const char **ret_detail);

#endif
