/* disk_open.c - opening the database, closing it, and reopening it when it refuses to write.
 *
 * Opening reads what each generation is, never the heads, so it takes no longer for more entries
 * than their tables' indexes take to load.
 */
#include "cache/disk_state.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_FAMILIES = 2 /* "default", "head" */ };

#define DISK_BYTES_MIN (UINT64_C(16) << 20)

/* --- errors --- */

int disk_error(char *text)
{
    static const struct {
        const char *part;
        int error;
    } known[] = {
        {"Corruption", -EBADMSG},       {"No space left on device", -ENOSPC},
        {"While lock file", -EBUSY},    {"lock hold by current process", -EBUSY},
        {"Permission denied", -EACCES}, {"Too many open files", -EMFILE},
    };
    int error = -EIO;
    assert(text != NULL);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]) && error == -EIO; i++) {
        if (strstr(text, known[i].part) != NULL)
            error = known[i].error;
    }
    rocksdb_free(text);
    return error;
}

int disk_write_error(struct disk *disk, char *text)
{
    atomic_store(&disk->broken, true);
    return disk_error(text) == -ENOSPC ? -ENOSPC : -EIO;
}

/* --- the families of a database --- */

struct families {
    size_t count;
    const char **names;
    const rocksdb_options_t **options;
    rocksdb_column_family_handle_t **handles;
    uint64_t *numbers; /* of a generation's family */
};

static void families_release(struct families *families)
{
    for (size_t i = FIRST_FAMILIES; i < families->count && families->names != NULL; i++)
        free((char *)families->names[i]);
    free(families->names);
    free(families->options);
    free(families->handles);
    free(families->numbers);
    *families = (struct families){0};
}

static int families_init(struct families *families, size_t max)
{
    families->names = calloc(max, sizeof(*families->names));
    families->options = calloc(max, sizeof(const rocksdb_options_t *));
    families->handles = calloc(max, sizeof(rocksdb_column_family_handle_t *));
    families->numbers = calloc(max, sizeof(*families->numbers));
    if (families->names == NULL || families->options == NULL || families->handles == NULL ||
        families->numbers == NULL) {
        families_release(families);
        return -ENOMEM;
    }
    return 0;
}

static bool parse_name(const char *name, uint64_t *ret_number)
{
    char again[24];
    if (name[0] != 'g' || name[1] < '0' || name[1] > '9')
        return false;
    uint64_t number = strtoull(name + 1, NULL, 10);
    snprintf(again, sizeof(again), "g%" PRIu64, number);
    if (strcmp(again, name) != 0)
        return false;
    *ret_number = number;
    return true;
}

static int compare_numbers(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

/* Generations by number, ascending, behind the first two. -EPROTO: a family that is none of ours.
 */
static int sort_listed(struct disk *disk, char **listed, size_t count, struct families *families)
{
    assert(families->names != NULL);
    families->names[0] = "default";
    families->options[0] = disk->base_options;
    families->names[1] = "head";
    families->options[1] = disk->head_options;
    families->count = FIRST_FAMILIES;
    size_t generations = 0;
    for (size_t i = 0; i < count; i++) {
        if (parse_name(listed[i], &families->numbers[FIRST_FAMILIES + generations]))
            generations++;
        else if (strcmp(listed[i], "default") != 0 && strcmp(listed[i], "head") != 0)
            return -EPROTO;
    }
    qsort(families->numbers + FIRST_FAMILIES, generations, sizeof(uint64_t), compare_numbers);
    for (size_t i = FIRST_FAMILIES; i < FIRST_FAMILIES + generations; i++) {
        char *name = NULL;
        if (asprintf(&name, "g%" PRIu64, families->numbers[i]) < 0)
            return -ENOMEM;
        families->names[i] = name;
        families->options[i] = disk->body_options;
        families->count = i + 1;
    }
    return 0;
}

static int list_families(struct disk *disk, struct families *families)
{
    char *current, *text = NULL;
    char **listed = NULL;
    size_t count = 0;
    if (asprintf(&current, "%s/CURRENT", disk->dir) < 0)
        return -ENOMEM;
    bool exists = access(current, F_OK) == 0;
    free(current);
    if (exists)
        listed = rocksdb_list_column_families(disk->base_options, disk->dir, &count, &text);
    int error = text != NULL ? disk_error(text) : families_init(families, count + FIRST_FAMILIES);
    if (error == 0)
        error = sort_listed(disk, listed, count, families);
    if (listed != NULL)
        rocksdb_list_column_families_destroy(listed, count); /* an empty one, after an error */
    return error;
}

/* --- opening --- */

void disk_number_key(uint64_t number, char key[DISK_NUMBER_KEY_BYTES])
{
    static const char kind[] = {'g', 'e', 'n'};
    memcpy(key, kind, sizeof(kind));
    for (int i = 0; i < 8; i++)
        key[sizeof(kind) + (size_t)i] = (char)(number >> (56 - 8 * i));
}

static uint64_t number_of_key(const char key[DISK_NUMBER_KEY_BYTES])
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | (uint8_t)key[3 + i];
    return number;
}

/* give: *ret_value, NULL when there is none; rocksdb_free() it. */
static int base_get(struct disk *disk, const char *key, size_t key_len, char **ret_value,
                    size_t *ret_len)
{
    char *text = NULL;
    char *value = rocksdb_get_cf(disk->db, disk->read_options, disk->base_family, key, key_len,
                                 ret_len, &text);
    if (text != NULL)
        return disk_error(text);
    *ret_value = value;
    return 0;
}

static int flush_family(struct disk *disk, rocksdb_column_family_handle_t *family)
{
    char *text = NULL;
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    rocksdb_flush_cf(disk->db, options, family, &text);
    rocksdb_flushoptions_destroy(options);
    return text == NULL ? 0 : disk_error(text);
}

/* Lets go of old logs. Which of them are needed is reckoned only when something is flushed, and not
 * as finely as it could be while another flush is under way; so once everything else is at rest,
 * something is written and flushed for that alone. */
static int release_logs(struct disk *disk)
{
    char *text = NULL;
    rocksdb_put_cf(disk->db, disk->write_options, disk->base_family, DISK_FORMAT_KEY,
                   strlen(DISK_FORMAT_KEY), DISK_FORMAT, strlen(DISK_FORMAT), &text);
    return text == NULL ? flush_family(disk, disk->base_family) : disk_error(text);
}

/* A database without a format is new, or its maker died right after making it. */
static int check_format(struct disk *disk, bool empty)
{
    char *value = NULL;
    size_t len = 0;
    uint64_t heads = 0;
    int error = base_get(disk, DISK_FORMAT_KEY, strlen(DISK_FORMAT_KEY), &value, &len);
    if (error != 0)
        return error;
    if (value != NULL) {
        bool known = len == strlen(DISK_FORMAT) && memcmp(value, DISK_FORMAT, len) == 0;
        rocksdb_free(value);
        return known ? 0 : -EPROTO;
    }
    rocksdb_property_int_cf(disk->db, disk->head_family, "rocksdb.estimate-num-keys", &heads);
    return empty && heads == 0 ? 0 : -EPROTO;
}

/* Adds the generation to the list, or drops its family when nothing is known of it. */
static int load_generation(struct disk *disk, uint64_t number,
                           rocksdb_column_family_handle_t **family)
{
    char key[DISK_NUMBER_KEY_BYTES];
    char *value = NULL, *text = NULL;
    size_t len = 0;
    uint64_t bytes = 0;
    struct disk_facts facts;
    disk_number_key(number, key);
    int error = base_get(disk, key, sizeof(key), &value, &len);
    if (error != 0)
        return error;
    bool known =
        value != NULL && disk_facts_decode(value, len, &facts) == 0 && facts.number == number;
    rocksdb_free(value);
    if (known) {
        rocksdb_property_int_cf(disk->db, *family, "rocksdb.total-sst-files-size", &bytes);
        if (facts.bytes < bytes)
            facts.bytes = bytes; /* what was put since the facts were written */
        error = disk_generations_add(&disk->generations, &facts, *family);
        if (error == 0)
            *family = NULL;
        return error;
    }
    rocksdb_drop_column_family(disk->db, *family, &text);
    return text == NULL ? 0 : disk_error(text);
}

static int load_next_number(struct disk *disk)
{
    char *value = NULL;
    size_t len = 0;
    int error = base_get(disk, DISK_NEXT_KEY, strlen(DISK_NEXT_KEY), &value, &len);
    if (error != 0)
        return error;
    if (value != NULL && len == DISK_NUMBER_KEY_BYTES)
        disk->next_number = number_of_key(value);
    rocksdb_free(value);
    return 0;
}

/* Facts whose family is gone: their maker or dropper died in between. */
static int clear_facts(struct disk *disk)
{
    size_t len;
    char *text = NULL;
    rocksdb_iterator_t *at =
        rocksdb_create_iterator_cf(disk->db, disk->read_options, disk->base_family);
    for (rocksdb_iter_seek(at, "gen", 3); rocksdb_iter_valid(at); rocksdb_iter_next(at)) {
        const char *key = rocksdb_iter_key(at, &len);
        if (len != DISK_NUMBER_KEY_BYTES || memcmp(key, "gen", 3) != 0)
            break;
        if (!disk_generations_have(&disk->generations, number_of_key(key)))
            rocksdb_delete_cf(disk->db, disk->write_options, disk->base_family, key, len, &text);
        if (text != NULL)
            break;
    }
    rocksdb_iter_destroy(at);
    return text == NULL ? 0 : disk_error(text);
}

static int load(struct disk *disk, struct families *families)
{
    int error = check_format(disk, families->count == FIRST_FAMILIES);
    disk->next_number = 1;
    if (error == 0)
        error = load_next_number(disk);
    for (size_t i = FIRST_FAMILIES; i < families->count && error == 0; i++) {
        error = load_generation(disk, families->numbers[i], &families->handles[i]);
        if (families->numbers[i] >= disk->next_number)
            disk->next_number = families->numbers[i] + 1;
    }
    if (error == 0)
        error = clear_facts(disk);
    return error == 0 ? release_logs(disk) : error; /* writes the format, too */
}

/* About how many heads lead nowhere: what was put since the facts were written counts as dead once,
 * and one sweep sets it right. */
static void estimate_dead(struct disk *disk)
{
    uint64_t heads = 0;
    rocksdb_property_int_cf(disk->db, disk->head_family, "rocksdb.estimate-num-keys", &heads);
    disk->dead = heads > disk->generations.entries ? heads - disk->generations.entries : 0;
    disk->sweep_slices = 0;
}

static void close_database(struct disk *disk)
{
    atomic_store(&disk->loaded, false);
    for (size_t i = 0; i < disk->generations.count; i++) {
        rocksdb_column_family_handle_destroy(disk->generations.items[i]->family);
        disk->generations.items[i]->family = NULL;
    }
    if (disk->db != NULL) {
        rocksdb_column_family_handle_destroy(disk->base_family);
        rocksdb_column_family_handle_destroy(disk->head_family);
        rocksdb_close(disk->db);
    }
    disk->db = NULL;
    disk_generations_release(&disk->generations);
    disk_generations_init(&disk->generations);
}

static int open_database(struct disk *disk, int64_t now_ms)
{
    struct families families = {0};
    char *text = NULL;
    int error = list_families(disk, &families);
    if (error != 0)
        goto out;
    disk->db =
        rocksdb_open_column_families(disk->base_options, disk->dir, (int)families.count,
                                     families.names, families.options, families.handles, &text);
    if (text != NULL) {
        disk->db = NULL;
        error = disk_error(text);
        goto out;
    }
    disk->base_family = families.handles[0];
    disk->head_family = families.handles[1];
    error = load(disk, &families);
    for (size_t i = FIRST_FAMILIES; i < families.count; i++) {
        if (families.handles[i] != NULL)
            rocksdb_column_family_handle_destroy(families.handles[i]);
    }
    if (error != 0) {
        close_database(disk);
        goto out;
    }
    atomic_store(&disk->now_ms, now_ms);
    atomic_store(&disk->broken, false);
    atomic_store(&disk->loaded, true);
    estimate_dead(disk);
    disk_expire_locked(disk, now_ms);
    disk_measure_locked(disk);
out:
    families_release(&families);
    return error;
}

/* A cleared entry that came back would be served; an empty cache is only slower. */
static void empty_distrusted(struct disk *disk)
{
    char *text = NULL;
    if (!atomic_load(&disk->distrusted))
        return;
    rocksdb_destroy_db(disk->base_options, disk->dir, &text);
    if (text == NULL)
        atomic_store(&disk->distrusted, false);
    rocksdb_free(text);
}

void disk_heal_locked(struct disk *disk, int64_t now_ms)
{
    pthread_mutex_lock(&disk->keeper);
    disk_measure_locked(disk);
    if (!atomic_load(&disk->filesystem_full)) {
        close_database(disk);
        empty_distrusted(disk);
        open_database(disk, now_ms); /* when it fails, the disk answers -EIO until it succeeds */
    }
    pthread_mutex_unlock(&disk->keeper);
}

static const char *explain(int error)
{
    switch (error) {
    case -EPROTO:
        return "written by another version; remove it or use the version that wrote it";
    case -EBUSY:
        return "in use by another process; stop that one or choose another data_dir";
    case -EBADMSG:
        return "damaged; remove it, it is a cache";
    case -ENOSPC:
        return "no space left on the device; free some or lower cache.disk";
    case -EMFILE:
        return "too many open files; raise the limit (ulimit -n)";
    default:
        return strerror(-error);
    }
}

int disk_open(const char *dir, uint64_t bytes_max, int64_t now_ms, struct disk **ret_disk,
              char *error, size_t error_size)
{
    int code = 0;
    if (bytes_max < DISK_BYTES_MIN) {
        snprintf(error, error_size, "%s: cache.disk must be at least 16MiB", dir);
        return -EINVAL;
    }
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        code = -errno;
        snprintf(error, error_size, "%s: cannot create: %s", dir, strerror(-code));
        return code;
    }
    struct disk *disk = disk_new(dir, bytes_max);
    code = disk == NULL ? -ENOMEM : open_database(disk, now_ms);
    if (code != 0) {
        snprintf(error, error_size, "%s: %s", dir, explain(code));
        if (disk != NULL)
            disk_free(disk);
        return code;
    }
    *ret_disk = disk;
    return 0;
}

/* So that the next start knows what the open generations hold. */
static void keep_facts(struct disk *disk)
{
    for (size_t i = 0; i < disk->generations.count; i++) {
        char key[DISK_NUMBER_KEY_BYTES];
        uint8_t bytes[DISK_FACTS_BYTES_MAX];
        char *text = NULL;
        const struct disk_facts *facts = &disk->generations.items[i]->facts;
        size_t len = disk_facts_encode(facts, bytes);
        disk_number_key(facts->number, key);
        rocksdb_put_cf(disk->db, disk->write_options, disk->base_family, key, sizeof(key),
                       (const char *)bytes, len, &text);
        rocksdb_free(text); /* the facts kept before still hold */
    }
}

/* Without it the next start would play back the log. Nothing is lost either way, so what fails here
 * is nobody's business. */
static void flush(struct disk *disk)
{
    for (size_t i = 0; i < disk->generations.count; i++)
        flush_family(disk, disk->generations.items[i]->family);
    flush_family(disk, disk->head_family);
    release_logs(disk);
}

void disk_close(struct disk *disk)
{
    if (disk == NULL)
        return;
    if (disk->db != NULL && !atomic_load(&disk->broken)) {
        keep_facts(disk);
        flush(disk);
    }
    close_database(disk);
    disk_free(disk);
}
