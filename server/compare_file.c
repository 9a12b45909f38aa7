#include "server/compare_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int compare_file_read(const char *path, size_t max, struct out *text, char *error,
                      size_t error_size)
{
    FILE *file = fopen(path, "re");
    char chunk[16 * 1024];
    int result = file == NULL ? -errno : 0;
    size_t len = 1;

    while (result == 0 && len > 0 && text->len <= max) {
        errno = 0;
        len = fread(chunk, 1, sizeof(chunk), file);
        if (len == 0 && ferror(file) != 0)
            result = errno != 0 ? -errno : -EIO;
        out_bytes(text, chunk, len);
        if (text->error != 0)
            result = text->error;
    }
    if (file != NULL)
        fclose(file);
    if (result == 0 && text->len > max)
        result = -EFBIG;
    if (result == -EFBIG)
        snprintf(error, error_size, "%s: over %zu MiB", path, max / (1024 * 1024));
    else if (result != 0)
        snprintf(error, error_size, "%s: %s", path, strerror(-result));
    return result;
}
