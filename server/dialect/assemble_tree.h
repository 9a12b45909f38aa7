/* assemble_tree.h - an object that grows out of the deltas of a stream. Private to assemble*.c.
 *
 * What becomes of a member when it comes again is its rule's to say. Values are kept as the raw
 * text they came in: pieces of a string are joined between their quotes, so that nothing is decoded
 * and the joined text means what the pieces meant. (JSON that this repository reads has no lone
 * surrogates; a character never spans two pieces.)
 *
 * Work is linear in the input. Depth is the rules' own. Memory: at most about twice bytes_max, plus
 * some 700 bytes for each of at most TREE_NODES_MAX values.
 *
 * Threads: one tree, one thread.
 */
#ifndef SERVER_DIALECT_ASSEMBLE_TREE_H
#define SERVER_DIALECT_ASSEMBLE_TREE_H

#include "cache/json.h"
#include "server/dialect/out.h"

enum {
    TREE_NODES_MAX = 32768, /* values, members and elements of one tree */
    TREE_MEMBERS_MAX = 64,  /* of one object */
    TREE_INDEX_MAX = 1024,  /* elements of one array that are told apart by their `index` */
    TREE_DETAILS_BACK = 16, /* how far back a reasoning detail looks for its beginning */
};

/* Whatever the rule, null never replaces a value. */
enum tree_merge {
    TREE_LAST,    /* replaced */
    TREE_FIRST,   /* kept */
    TREE_FIXED,   /* `fixed` takes its place */
    TREE_DROP,    /* ignored */
    TREE_TEXT,    /* strings: joined */
    TREE_LIST,    /* arrays: joined */
    TREE_ITEM,    /* one more element of a TREE_LIST */
    TREE_JSON,    /* strings that joined are a JSON text, which is the value; begins with another */
    TREE_OBJECT,  /* objects: member by member */
    TREE_INDEXED, /* arrays of objects: those with the same `index` are one */
    TREE_DETAILS, /* reasoning_details: pieces of one text have the same `index` and `type` */
};

struct tree_rule {
    const char *name; /* NULL: of all other members, and the end of the table */
    enum tree_merge merge;
    const struct tree_rule *members; /* OBJECT, INDEXED, DETAILS */
    const char *as;                  /* another name in the result; NULL: the same */
    const char *fixed;
};

struct tree_node;

struct assembly_tree {
    struct tree_node *root; /* an object */
    size_t bytes, bytes_max, nodes;
    char *scratch; /* for decoding */
    size_t scratch_size;
};

int assembly_tree_init(struct assembly_tree *tree, size_t bytes_max);
void assembly_tree_release(struct assembly_tree *tree); /* accepts a zeroed one */

/* Merges an object of doc into node. -EBADMSG: an element's index makes no sense; -E2BIG: over one
 * of the maxima; -ENOMEM. */
int tree_merge(struct assembly_tree *tree, struct tree_node *node, const struct tree_rule *rules,
               const struct json_doc *doc, uint32_t object);

/* borrow: the member of an object, the element of an array; NULL: not there. */
struct tree_node *tree_member(struct tree_node *node, const char *name);
size_t tree_count(const struct tree_node *node); /* elements, holes included */
struct tree_node *tree_element(struct tree_node *node, size_t at);
/* The element, made when it is not there yet. */
int tree_make_element(struct assembly_tree *tree, struct tree_node *node, size_t at,
                      struct tree_node **ret_element);
bool tree_is_said(const struct tree_node *node); /* there, and not null */

void tree_print(const struct tree_node *node, struct out *out);

#endif
