/* config.json: any bytes; what is accepted keeps the bounds that the encoder relies on. */
#include "ml/weights/model_config.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_arena arena;
    struct sl_model_config c;
    struct sl_err err;
    sl_arena_init(&arena, NULL, 64 << 20);
    if (sl_model_config_parse(&c, &arena, sl_str_of(data, size), &err) == SL_OK) {
        if (c.n_layers == 0 || c.n_layers > SL_MAX_LAYERS || c.heads == 0 || c.kv_heads == 0 ||
            c.heads % c.kv_heads != 0 || c.head_dim == 0 || c.head_dim > SL_MAX_HEAD_DIM ||
            c.hidden == 0 || c.max_positions == 0 || !(c.attention_scale > 0))
            abort();
    }
    sl_arena_reset(&arena);
    return 0;
}
