/* Label maps: any bytes; accepted ones have a name for every index and find it again. */
#include "ml/weights/labels.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_arena arena;
    struct sl_labels l;
    struct sl_err err;
    sl_arena_init(&arena, NULL, 64 << 20);
    if (sl_labels_parse(&l, &arena, sl_str_of(data, size), &err) == SL_OK) {
        for (uint32_t i = 0; i < l.n && i < 1000; i++) {
            if (sl_labels_index(&l, l.names[i]) != i)
                abort();
        }
    }
    sl_arena_reset(&arena);
    return 0;
}
