/* The answers of embedding providers: any bytes become vectors of length 1, or an error. */
#include "infer/remote.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    uint32_t n = 1 + data[0] % 8;
    struct sl_embedding_cfg cfg = {.dimension = data[1] % 16};
    struct sl_vector out[8];
    struct sl_arena arena;
    struct sl_err err = {0};
    sl_arena_init(&arena, NULL, 1 << 22);
    enum sl_rc rc =
        sl_remote_read(out, n, sl_str_of((const char *)data + 2, size - 2), &cfg, &arena, &err);
    for (uint32_t i = 0; rc == SL_OK && i < n; i++) {
        double sum = 0;
        for (uint32_t k = 0; k < out[i].n; k++)
            sum += (double)out[i].p[k] * (double)out[i].p[k];
        if (!isfinite(sum) || (cfg.dimension && out[i].n != cfg.dimension) ||
            (sum > 0 && fabs(sum - 1) > 1e-3))
            abort();
    }
    if (rc != SL_OK && rc != SL_NOMEM && !err.message[0])
        abort();
    sl_arena_reset(&arena);
    return 0;
}
