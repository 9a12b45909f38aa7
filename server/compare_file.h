/* compare_file.h - a file that a command was given, whole and bounded. */
#ifndef SERVER_COMPARE_FILE_H
#define SERVER_COMPARE_FILE_H

#include "server/dialect/out.h"

/* Adds the file's bytes to text. -EFBIG above max bytes; on failure writes "path: what is wrong"
 * into error. */
int compare_file_read(const char *path, size_t max, struct out *text, char *error,
                      size_t error_size);

#endif
