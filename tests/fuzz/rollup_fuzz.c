/* rollup_fuzz.c - any bytes are a table of sums or are refused; and what is one stays the same when
 * it is written and read again. */
#include "accounting/rollup.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

struct reading {
    struct rollup *rollup;
    size_t groups;
    bool too_large; /* sums of one group fit by themselves, so this cannot be */
};

static int take(void *arg, const struct rollup_group *group)
{
    struct reading *reading = arg;
    reading->groups++;
    if (rollup_merge(reading->rollup, group) < 0)
        reading->too_large = true;
    return 0;
}

static int read_table(const uint8_t *data, size_t len, struct reading *reading)
{
    *reading = (struct reading){.rollup = rollup_new()};
    require(reading->rollup != NULL);
    return rollup_decode(data, len, take, reading);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct reading once, twice;
    uint8_t *bytes, *again;
    size_t bytes_len, again_len;
    if (read_table(data, len, &once) < 0) {
        rollup_free(once.rollup);
        return 0;
    }
    require(!once.too_large);
    require(rollup_encode(once.rollup, &bytes, &bytes_len) == 0);
    require(read_table(bytes, bytes_len, &twice) == 0);
    require(twice.groups == once.groups);
    require(rollup_encode(twice.rollup, &again, &again_len) == 0);
    require(again_len == bytes_len);
    require(memcmp(again, bytes, bytes_len) == 0);
    free(bytes);
    free(again);
    rollup_free(once.rollup);
    rollup_free(twice.rollup);
    return 0;
}
