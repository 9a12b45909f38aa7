/* ledger_journal.h - one lane's journal: a ring of records in a memory-mapped file.
 *
 * What is stored into a shared mapping belongs to the kernel at once, so a record survives
 * kill -9 from the moment it is written, without a system call.
 *
 * File: one header page, then the ring, all of it allocated when the file is made (a full disk can
 * then not fault a store). Positions are absolute: they count bytes since the lane began, pads
 * included, and never go back; position modulo size is the place in the ring. Integers are in the
 * byte order of the machine, which the magic pins down.
 *
 *   record, aligned to 8:  length u32  payload bytes
 *                          crc u32     CRC-32C over length, all that follows, and the payload
 *                          position u64  tells a record of this lap from a leftover of the last
 *                          created_at i64, sequence u64   which row it is about
 *                          kind u32, flags u32
 *                          payload     msgpack of a row; SEEN: the upstream's id
 *
 * A record is never split: where it does not fit before the end of the ring a pad fills up. Pads
 * are also written early: while little is in flight only the first JOURNAL_LAP_BYTES are used, so
 * that an idle gateway does not keep the whole ring in memory.
 *
 * Threads: the owner of the lane appends; the writer reads up to the tail that it loaded, and moves
 * the head. Each of the two is an atomic on a cache line of its own.
 */
#ifndef ACCOUNTING_LEDGER_JOURNAL_H
#define ACCOUNTING_LEDGER_JOURNAL_H

#include "accounting/ledger.h"

#include <stdatomic.h>

enum journal_kind {
    JOURNAL_PAD = 1,
    JOURNAL_HOLD,
    JOURNAL_SEEN,
    JOURNAL_POST,
    JOURNAL_ROW,
    JOURNAL_SETTLE, /* version 1 only: what a look-up found. Its row stays listed, and is looked up
                       again */
    JOURNAL_CHANGE, /* what a listed row has become */
    JOURNAL_KINDS,
};
/* What flags hold. POST, CHANGE: whether the row stays listed as one that may still change. ROW:
 * whether it is found by its id through the index; whether it corrects a row of a closed month,
 * which leaves the list with it. HOLD: whether it takes the place of a hold of the same name. */
enum journal_flag {
    JOURNAL_PENDING = 1,
    JOURNAL_INDEXED = 2,
    JOURNAL_REPLACES = 4,
    JOURNAL_CORRECTS = 8,
};

enum {
    JOURNAL_VERSION = 2,
    JOURNAL_VERSION_READ = 1, /* the oldest that is drained; what is written has the newest */
    JOURNAL_PAGE = 4096,
    JOURNAL_RECORD_HEADER = 40,
    JOURNAL_PAYLOAD_MAX = ROW_ENCODED_MAX,
    JOURNAL_RECORD_MAX = JOURNAL_RECORD_HEADER + JOURNAL_PAYLOAD_MAX,
    JOURNAL_LAP_BYTES = 4 * 1024 * 1024,
    JOURNAL_BYTES_MIN = 64 * 1024,
    JOURNAL_PATH_MAX = 4096,
};
#define JOURNAL_BYTES_MAX ((uint64_t)1 << 30)

struct journal_header;

struct journal {
    int fd;
    struct journal_header *header;
    uint8_t *ring;
    uint64_t size;
    /* The owner's. */
    _Alignas(128) uint64_t tail;
    uint64_t head_seen;        /* an old value of head: still a safe one */
    uint64_t reserved;         /* for posts and ids of open holds */
    _Atomic uint64_t recorded; /* bytes of records so far, without pads */
};

struct journal_record {
    enum journal_kind kind;
    unsigned flags;
    struct ledger_ref ref;
    const uint8_t *payload; /* borrow: in the ring, until the head passes it */
    size_t len;
    uint64_t end; /* position behind it */
};

/* Opens a file that exists. -ENOENT when there is none, or one that was never finished; -EPROTO
 * for a version that we do not know; -EBADMSG when it is no journal. One of an older version that
 * we do know is read as it is, and becomes one of ours when it is empty (journal_reset()). */
int journal_open(const char *path, struct journal *ret_journal);
/* Makes a new file, replacing what is there. size is that of the ring, rounded up to pages. */
int journal_create(const char *path, uint64_t size, uint64_t position, struct journal *ret_journal);
/* Accepts a closed journal. The file stays. */
void journal_close(struct journal *journal);
/* The tail in the header of a journal file, without opening it for writing: for readers. */
int journal_peek_tail(const char *path, uint64_t *ret_tail);

/* Finds out what a dead process left: from position, up to which it is known to be drained, to the
 * last whole record; both ends are set so. While the machine has not been restarted all that was
 * stored must be there, and a gap is -EBADMSG. After a restart pages may be missing (the journal
 * promises that much only with LEDGER_POWER): then what is whole is kept, and journal_read() says
 * -EILSEQ in the gaps. */
int journal_recover(struct journal *journal, uint64_t position);
/* After recovery: everything is drained, position is both ends, this boot owns it. */
void journal_reset(struct journal *journal, uint64_t position);

/* What a record of len payload bytes takes. */
uint64_t journal_record_bytes(size_t len);
/* Makes sure that bytes more can be written or reserved, whatever is written first. -ENOSPC. */
int journal_make_room(struct journal *journal, uint64_t bytes);
/* Appends. The room must have been made or reserved: asserted. */
void journal_append(struct journal *journal, enum journal_kind kind, unsigned flags,
                    const struct ledger_ref *ref, const uint8_t *payload, size_t len);

uint64_t journal_tail(const struct journal *journal); /* any thread; acquire */
/* Orders the tail before what the caller loads next, as a waker must. Owner only. */
void journal_publish(struct journal *journal);
uint64_t journal_head(const struct journal *journal);
void journal_set_head(struct journal *journal, uint64_t position); /* the writer; release */

/* Reads the record at position. 1: there is one; 0: position has reached limit; -EILSEQ: what is
 * there is no whole record of this position. */
int journal_read(const struct journal *journal, uint64_t position, uint64_t limit,
                 struct journal_record *ret_record);

#endif
