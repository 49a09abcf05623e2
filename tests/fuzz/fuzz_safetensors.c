/* The header of a safetensors file: any bytes; what is accepted can be read to its last value. */
#include "ml/weights/safetensors.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_arena arena;
    struct sl_safetensors s;
    struct sl_err err;
    sl_arena_init(&arena, NULL, 64 << 20);
    if (sl_safetensors_parse(&s, &arena, sl_str_of(data, size), &err) == SL_OK) {
        for (uint32_t i = 0; i < s.n; i++) {
            const struct sl_tensor *t = &s.tensors[i];
            float value;
            char shape[64];
            if (t->count > 0) {
                sl_tensor_read(t, 0, 1, &value);
                sl_tensor_read(t, t->count - 1, 1, &value);
            }
            sl_tensor_shape(t, shape);
            if (!sl_safetensors_find(&s, t->name))
                abort();
        }
    }
    sl_arena_reset(&arena);
    return 0;
}
