/* catalog.h - what each upstream says it has: GET {base_url}/models, read at start and every
 * models.catalog_ttl by worker 0, kept as immutable snapshots; and the answers made from it.
 *
 * An upstream whose list could not be read yet (or ever) is not known: nothing is refused for it.
 * A later failure keeps the last good one; so does a list without a single model, which is not
 * believed. After a failure it is tried again in 5 s, twice as long each time, up to 60 s. At most
 * CATALOG_BYTES_MAX of text and CATALOG_MODELS_MAX models each.
 *
 * Threads: catalogs_has(), catalogs_put() and catalogs_print() on any; the rest on worker 0.
 */
#ifndef SERVER_CATALOG_H
#define SERVER_CATALOG_H

#include "server/dialect/model_map.h"
#include "server/dialect/out.h"

enum {
    CATALOG_BYTES_MAX = 16 * 1024 * 1024,
    CATALOG_MODELS_MAX = 16384,
    CATALOG_TTL_S = 120,
};

struct catalogs;
struct gateway;
struct worker;

/* give; NULL: no memory. */
struct catalogs *catalogs_new(struct gateway *gateway);
void catalogs_free(struct catalogs *catalogs);
void catalogs_tick(struct catalogs *catalogs, struct worker *worker); /* worker 0, once a second */
void catalogs_stop(struct catalogs *catalogs); /* worker 0, at shutdown: stops what runs */

/* What that upstream has from now on; NULL: it is not known. take: catalog. */
struct catalog;
void catalogs_put(struct catalogs *catalogs, unsigned upstream, struct catalog *catalog);

enum catalog_has { CATALOG_UNKNOWN, CATALOG_YES, CATALOG_NO };
/* id in the words of that upstream; an OpenRouter model's canonical slug counts as well. */
enum catalog_has catalogs_has(struct catalogs *catalogs, unsigned upstream, struct text id);

/* The bodies of GET models and its relatives, in the schema of `to` (vercel section 9, openrouter
 * section 5.2), ids in the words of `to`, prices as decimal strings; the union of all catalogues,
 * the earlier upstream wins. An entry that is in that schema already is spliced byte for byte
 * (OpenRouter's gets what its clients insist on and it lacks); a price that is not known is "-1" in
 * OpenRouter's schema, absent in Vercel's. query: the request's query string, percent-encoded,
 * without `?` (OpenRouter's filters and paging, catalog_query.c says which; Vercel ignores it).
 * What is printed is made once for each change of a catalogue; an answer costs a copy. */
enum catalog_question {
    CATALOG_MODELS,           /* GET models */
    CATALOG_COUNT,            /* GET models/count */
    CATALOG_MODEL,            /* GET models/{creator}/{model}, model/{author}/{slug} */
    CATALOG_PROVIDERS,        /* GET providers */
    CATALOG_EMBEDDING_MODELS, /* GET embeddings/models */
};
/* 0; -ENOENT: no such model; -EAGAIN: no catalogue is known yet; -EINVAL: a filter's value is none
 * (detail: static text); -ENOMEM. model: for CATALOG_MODEL, in the words of `to`, also percent-
 * encoded; OpenRouter's canonical slugs resolve. OpenRouter's {data: Model}, Vercel's bare entry.
 */
int catalogs_print(struct catalogs *catalogs, enum catalog_question question,
                   enum config_dialect to, struct text model, struct text query, struct out *out,
                   const char **ret_detail);

/* One snapshot, for tests, check --models and fuzzing: pure. Entries without a usable id are left
 * out. -EBADMSG: no list of models, or too long; -ENOMEM. give. */
int catalog_parse(const char *text, size_t len, enum config_dialect dialect,
                  struct catalog **ret_catalog);
void catalog_free(struct catalog *catalog);
bool catalog_has(const struct catalog *catalog, struct text id);
/* Some ids are patterns (`openai/` and a star, as LiteLLM lists them): what is not listed may be
 * there all the same. */
bool catalog_has_patterns(const struct catalog *catalog);
unsigned catalog_count(const struct catalog *catalog);

#endif
