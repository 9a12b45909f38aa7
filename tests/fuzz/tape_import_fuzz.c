/* Law: what imports, exports as the very same bytes; and reading it in any view stays inside.
 * Input: u16 length of the front, the front, then the body. */
#include "cache/tape.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint64_t read_all(struct tape *tape, enum tape_view view)
{
    static const struct tape_stamp stamp = {.slot = {{"gen-1-abc", 9}, {"17", 2}}};
    struct tape_reader reader;
    char buffer[37];
    uint64_t total = 0;
    size_t got;
    int err = tape_reader_init(&reader, tape, view, &stamp);
    assert(err == 0);
    uint64_t expected = tape_remaining(&reader);
    while (tape_read(&reader, 0, buffer, sizeof(buffer), &got) == TAPE_READ_BYTES)
        total += got;
    assert(total == expected);
    tape_reader_release(&reader);
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tape *tape;
    void *front;
    const char *body;
    size_t front_len, body_len;
    if (len < 2)
        return 0;
    size_t given_front = (size_t)data[0] | (size_t)data[1] << 8;
    if (given_front > len - 2)
        return 0;
    size_t given_body = len - 2 - given_front;
    char *body_copy = malloc(given_body > 0 ? given_body : 1);
    assert(body_copy != NULL);
    memcpy(body_copy, data + 2 + given_front, given_body);
    if (tape_import(data + 2, given_front, body_copy, given_body, &tape) != 0)
        return 0;
    int err = tape_export(tape, &front, &front_len, &body, &body_len);
    assert(err == 0);
    assert(front_len == given_front);
    assert(memcmp(front, data + 2, front_len) == 0);
    assert(body_len == given_body);
    assert(memcmp(body, data + 2 + given_front, body_len) == 0);
    uint64_t original = read_all(tape, TAPE_ORIGINAL);
    assert(original == body_len);
    read_all(tape, TAPE_REPLAY);
    free(front);
    tape_unref(tape);
    return 0;
}
