/* Prometheus text as `sluice top` reads it: any bytes, every question. */
#include "obs/scrape.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_arena arena;
    struct sl_scrape s;
    sl_str values[4];
    sl_arena_init(&arena, NULL, 64 << 20);
    if (sl_scrape_parse(&s, &arena, sl_str_of(data, size)) == SL_OK) {
        for (uint32_t i = 0; i < s.n; i++) {
            uint32_t n = sl_scrape_values(&s, s.samples[i].name, SL_STR("a"), values, 4);
            if (n > 4)
                abort();
            sl_scrape_sum(&s, s.samples[i].name, SL_STR("a"), n ? values[0] : SL_STR(""));
            sl_str family = sl_str_sub(s.samples[i].name, 0, s.samples[i].name.n - 7);
            if (sl_str_ends(s.samples[i].name, SL_STR("_bucket")))
                sl_scrape_quantile(NULL, &s, family, SL_STR(""), SL_STR(""), 0.99);
        }
    }
    sl_arena_reset(&arena);
    return 0;
}
