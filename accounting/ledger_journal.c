#include "accounting/ledger_journal.h"

#include "accounting/ledger_crc.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BOOT_ID = 40 };

static const char magic[8] = {'T', 'G', 'J', 'O', 'U', 'R', 'N', 'L'};

struct journal_header {
    char magic[8]; /* written last: a file without it was never finished */
    uint32_t version;
    uint32_t byte_order; /* BYTE_ORDER_MARK as this machine writes it */
    uint64_t size;
    char boot[BOOT_ID];
    _Alignas(256) _Atomic uint64_t tail;
    _Alignas(256) _Atomic uint64_t head;
};
_Static_assert(sizeof(struct journal_header) <= JOURNAL_PAGE, "the header is one page");

static const uint32_t BYTE_ORDER_MARK = 0x01020304;

struct record_header {
    uint32_t length;
    uint32_t crc;
    uint64_t position;
    int64_t created_at_ms;
    uint64_t sequence;
    uint32_t kind;
    uint32_t flags;
};
_Static_assert(sizeof(struct record_header) == JOURNAL_RECORD_HEADER, "no holes in a record");

static uint64_t align(uint64_t bytes)
{
    return (bytes + 7) & ~(uint64_t)7;
}

uint64_t journal_record_bytes(size_t len)
{
    return align(JOURNAL_RECORD_HEADER + (uint64_t)len);
}

/* Empty when the kernel does not say: then no two boots are taken for the same. */
static void read_boot_id(char boot[BOOT_ID])
{
    ssize_t len;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    memset(boot, 0, BOOT_ID);
    if (fd < 0)
        return;
    len = read(fd, boot, BOOT_ID - 1);
    close(fd);
    if (len <= 0)
        memset(boot, 0, BOOT_ID);
}

static int check_header(const struct journal_header *header, off_t file_bytes)
{
    static const char unfinished[sizeof(magic)];
    if (memcmp(header->magic, unfinished, sizeof(magic)) == 0)
        return -ENOENT;
    if (memcmp(header->magic, magic, sizeof(magic)) != 0)
        return -EBADMSG;
    if (header->byte_order != BYTE_ORDER_MARK)
        return -EPROTO;
    if (header->version < JOURNAL_VERSION_READ || header->version > JOURNAL_VERSION)
        return -EPROTO;
    if (header->size < JOURNAL_BYTES_MIN || header->size > JOURNAL_BYTES_MAX)
        return -EBADMSG;
    if (header->size % JOURNAL_PAGE != 0)
        return -EBADMSG;
    return (uint64_t)file_bytes == JOURNAL_PAGE + header->size ? 0 : -EBADMSG;
}

static void set_up(struct journal *journal, int fd, struct journal_header *header)
{
    *journal = (struct journal){
        .fd = fd,
        .header = header,
        .ring = (uint8_t *)header + JOURNAL_PAGE,
        .size = header->size,
        .tail = atomic_load(&header->tail),
        .head_seen = atomic_load(&header->head),
    };
}

int journal_open(const char *path, struct journal *ret_journal)
{
    struct journal_header *header;
    struct stat stat;
    int result, fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &stat) != 0) {
        result = -errno;
        goto out;
    }
    result = -ENOENT;
    if (stat.st_size < JOURNAL_PAGE)
        goto out;
    header = mmap(NULL, (size_t)stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    result = -errno;
    if (header == MAP_FAILED)
        goto out;
    result = check_header(header, stat.st_size);
    if (result < 0) {
        munmap(header, (size_t)stat.st_size);
        goto out;
    }
    set_up(ret_journal, fd, header);
    return 0;
out:
    close(fd);
    return result;
}

int journal_create(const char *path, uint64_t size, uint64_t position, struct journal *ret_journal)
{
    struct journal_header *header = MAP_FAILED;
    int fd, result;

    size = (size + JOURNAL_PAGE - 1) / JOURNAL_PAGE * JOURNAL_PAGE;
    assert(size >= JOURNAL_BYTES_MIN && size <= JOURNAL_BYTES_MAX);
    if (unlink(path) != 0 && errno != ENOENT)
        return -errno;
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    result = -posix_fallocate(fd, 0, (off_t)(JOURNAL_PAGE + size));
    if (result < 0)
        goto fail;
    header = mmap(NULL, JOURNAL_PAGE + size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    result = -errno;
    if (header == MAP_FAILED)
        goto fail;
    header->version = JOURNAL_VERSION;
    header->byte_order = BYTE_ORDER_MARK;
    header->size = size;
    read_boot_id(header->boot);
    atomic_store(&header->tail, align(position));
    atomic_store(&header->head, align(position));
    atomic_signal_fence(memory_order_release);
    memcpy(header->magic, magic, sizeof(magic));
    if (fsync(fd) != 0) {
        result = -errno;
        munmap(header, JOURNAL_PAGE + size);
        goto fail;
    }
    set_up(ret_journal, fd, header);
    return 0;
fail:
    close(fd);
    unlink(path);
    return result;
}

void journal_close(struct journal *journal)
{
    if (journal->header == NULL)
        return;
    munmap(journal->header, JOURNAL_PAGE + journal->size);
    close(journal->fd);
    *journal = (struct journal){.fd = -1};
}

int journal_peek_tail(const char *path, uint64_t *ret_tail)
{
    struct journal_header *header;
    struct stat stat;
    int result = 0, fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &stat) != 0 || stat.st_size < JOURNAL_PAGE) {
        close(fd);
        return -ENOENT;
    }
    header = mmap(NULL, JOURNAL_PAGE, PROT_READ, MAP_SHARED, fd, 0);
    if (header == MAP_FAILED)
        result = -errno;
    close(fd);
    if (result < 0)
        return result;
    result = check_header(header, stat.st_size);
    if (result == 0)
        *ret_tail = atomic_load(&header->tail);
    munmap(header, JOURNAL_PAGE);
    return result;
}

static bool same_boot(const struct journal *journal)
{
    char boot[BOOT_ID];
    read_boot_id(boot);
    return boot[0] != 0 && memcmp(boot, journal->header->boot, BOOT_ID) == 0;
}

int journal_recover(struct journal *journal, uint64_t position)
{
    bool complete = same_boot(journal);
    struct journal_record record;
    uint64_t start, at;

    if (position % 8 != 0 || journal->tail % 8 != 0)
        return -EBADMSG;
    if (position + journal->size < journal->tail) {
        if (complete)
            return -EBADMSG;
        position = journal->tail - journal->size;
    }
    start = position;
    for (at = start;;) {
        if (journal_read(journal, at, UINT64_MAX, &record) == 1) {
            at = record.end;
            continue;
        }
        if (at >= journal->tail)
            break; /* what follows was never finished */
        if (complete)
            return -EBADMSG;
        at += 8;
    }
    journal->tail = at;
    journal->head_seen = start;
    atomic_store(&journal->header->tail, at);
    atomic_store(&journal->header->head, start);
    return 0;
}

void journal_reset(struct journal *journal, uint64_t position)
{
    assert(position % 8 == 0);
    assert(position >= journal_head(journal));
    assert(journal->reserved == 0);
    read_boot_id(journal->header->boot);
    atomic_store(&journal->header->tail, position);
    atomic_store(&journal->header->head, position);
    journal->header->version = JOURNAL_VERSION; /* an empty ring is the same in all of them */
    journal->tail = position;
    journal->head_seen = position;
}

uint64_t journal_tail(const struct journal *journal)
{
    return atomic_load(&journal->header->tail); /* as strong as journal_publish() needs */
}

void journal_publish(struct journal *journal)
{
    atomic_store(&journal->header->tail, journal->tail);
}

uint64_t journal_head(const struct journal *journal)
{
    return atomic_load_explicit(&journal->header->head, memory_order_acquire);
}

void journal_set_head(struct journal *journal, uint64_t position)
{
    assert(position >= journal_head(journal));
    assert(position <= journal_tail(journal));
    atomic_store_explicit(&journal->header->head, position, memory_order_release);
}

/* --- the owner's side --- */

/* Room is counted so that a pad at the end of the ring never eats what is reserved: at most one
 * such pad lies between head and tail, and it is shorter than a record. */
static bool fits(const struct journal *journal, uint64_t bytes)
{
    uint64_t used = journal->tail - journal->head_seen;
    assert(used <= journal->size);
    return used + journal->reserved + bytes + align(JOURNAL_RECORD_MAX) <= journal->size;
}

static void write_record(struct journal *journal, enum journal_kind kind, unsigned flags,
                         const struct ledger_ref *ref, const uint8_t *payload, size_t len,
                         uint64_t bytes)
{
    uint8_t *at = journal->ring + journal->tail % journal->size;
    struct record_header header = {
        .length = (uint32_t)(bytes - JOURNAL_RECORD_HEADER),
        .position = journal->tail,
        .created_at_ms = ref->created_at_ms,
        .sequence = ref->sequence,
        .kind = kind,
        .flags = flags,
    };
    if (journal->tail + bytes - journal->head_seen > journal->size)
        journal->head_seen = journal_head(journal);
    assert(journal->tail + bytes - journal->head_seen <= journal->size);
    if (kind != JOURNAL_PAD)
        header.length = (uint32_t)len;
    header.crc = ledger_crc(0, &header.length, sizeof(header.length));
    header.crc = ledger_crc(header.crc, &header.position,
                            sizeof(header) - offsetof(struct record_header, position));
    header.crc = ledger_crc(header.crc, payload, len);
    if (len > 0)
        memcpy(at + sizeof(header), payload, len);
    memcpy(at, &header, sizeof(header));
    journal->tail += bytes;
    atomic_store_explicit(&journal->header->tail, journal->tail, memory_order_release);
}

static void write_pad(struct journal *journal)
{
    static const struct ledger_ref nothing;
    uint64_t rest = journal->size - journal->tail % journal->size;
    if (rest < JOURNAL_RECORD_HEADER) {
        /* Too short even for a header: readers step over it by the same rule. */
        journal->tail += rest;
        atomic_store_explicit(&journal->header->tail, journal->tail, memory_order_release);
        return;
    }
    write_record(journal, JOURNAL_PAD, 0, &nothing, NULL, 0, rest);
}

/* Goes back to the start of the ring early, when that leaves room enough until the writer has
 * passed the pad. */
static void wrap_early(struct journal *journal, uint64_t bytes)
{
    uint64_t offset = journal->tail % journal->size;
    if (offset < JOURNAL_LAP_BYTES)
        return;
    if (fits(journal, journal->size - offset + bytes))
        write_pad(journal);
}

int journal_make_room(struct journal *journal, uint64_t bytes)
{
    if (!fits(journal, bytes) || journal->tail % journal->size >= JOURNAL_LAP_BYTES)
        journal->head_seen = journal_head(journal);
    if (!fits(journal, bytes))
        return -ENOSPC;
    wrap_early(journal, bytes);
    assert(fits(journal, bytes));
    return 0;
}

void journal_append(struct journal *journal, enum journal_kind kind, unsigned flags,
                    const struct ledger_ref *ref, const uint8_t *payload, size_t len)
{
    uint64_t bytes = journal_record_bytes(len);
    uint64_t recorded = atomic_load_explicit(&journal->recorded, memory_order_relaxed);
    assert(kind > JOURNAL_PAD && kind < JOURNAL_KINDS);
    assert(len <= JOURNAL_PAYLOAD_MAX);
    if (bytes > journal->size - journal->tail % journal->size)
        write_pad(journal);
    write_record(journal, kind, flags, ref, payload, len, bytes);
    atomic_store_explicit(&journal->recorded, recorded + bytes, memory_order_relaxed);
}

/* --- the writer's side --- */

static bool record_is_whole(const struct record_header *header, const uint8_t *payload,
                            size_t payload_len)
{
    uint32_t crc = ledger_crc(0, &header->length, sizeof(header->length));
    crc = ledger_crc(crc, &header->position,
                     sizeof(*header) - offsetof(struct record_header, position));
    return header->crc == ledger_crc(crc, payload, payload_len);
}

int journal_read(const struct journal *journal, uint64_t position, uint64_t limit,
                 struct journal_record *ret_record)
{
    uint64_t offset = position % journal->size, rest = journal->size - offset;
    const uint8_t *at = journal->ring + offset;
    struct record_header header;
    uint64_t end;
    size_t len;

    if (position >= limit)
        return 0;
    if (rest < JOURNAL_RECORD_HEADER) {
        *ret_record = (struct journal_record){.kind = JOURNAL_PAD, .end = position + rest};
        return 1;
    }
    memcpy(&header, at, sizeof(header));
    if (header.position != position || header.kind < JOURNAL_PAD || header.kind >= JOURNAL_KINDS)
        return -EILSEQ;
    if (header.kind == JOURNAL_PAD ? header.length != rest - JOURNAL_RECORD_HEADER
                                   : header.length > JOURNAL_PAYLOAD_MAX)
        return -EILSEQ;
    end = position + journal_record_bytes(header.length);
    if (end - position > rest || end > limit)
        return -EILSEQ;
    len = header.kind == JOURNAL_PAD ? 0 : header.length;
    if (!record_is_whole(&header, at + sizeof(header), len))
        return -EILSEQ;
    *ret_record = (struct journal_record){
        .kind = (enum journal_kind)header.kind,
        .flags = header.flags,
        .ref = {header.created_at_ms, header.sequence},
        .payload = at + sizeof(header),
        .len = len,
        .end = end,
    };
    return 1;
}
