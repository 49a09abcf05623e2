/* A whole file, mapped for reading. The view is valid until it is unmapped; who maps, unmaps. */
#ifndef SL_ML_WEIGHTS_MAPPED_H
#define SL_ML_WEIGHTS_MAPPED_H

#include "base/err.h"

#include <sys/stat.h>

struct sl_mapped {
    sl_str bytes; /* p == NULL for an empty file */
    struct timespec changed;
};

/* SL_NOTFOUND: no such file. SL_IO: it cannot be read; SL_LIMIT: it holds more than max_bytes. */
SL_MUST_USE enum sl_rc sl_map_file(struct sl_mapped *out, const char *path, size_t max_bytes,
                                   struct sl_err *err);
void sl_unmap_file(struct sl_mapped *m);

/* The file `name` in `folder`, as sl_map_file. */
SL_MUST_USE enum sl_rc sl_map_in(struct sl_mapped *out, const char *folder, const char *name,
                                 size_t max_bytes, struct sl_err *err);

#endif
