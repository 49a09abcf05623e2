/* Model lists of local servers: any bytes, then ranking and the policy, which must be valid YAML.
 */
#include "codec/yaml.h"
#include "discover/discover_impl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_pool pool = {.n_sources = 1, .cap_models = 64};
    struct sl_policy_options options = {.address = SL_STR("127.0.0.1"), .port = 8801};
    struct sl_arena arena;
    struct sl_yaml *root;
    struct sl_buf text;
    struct sl_err err;
    sl_arena_init(&pool.arena, NULL, 16 << 20);
    sl_arena_init(&arena, NULL, 32 << 20);
    sl_buf_init(&text, 4 << 20);
    pool.sources = SL_NEW_ARRAY(&pool.arena, struct sl_source, 1);
    pool.models = SL_NEW_ARRAY(&pool.arena, struct sl_found_model, pool.cap_models);
    pool.sources[0] =
        (struct sl_source){.name = SL_STR("x"), .host = SL_STR("h"), .port = 1, .is_local = true};
    sl_shape_read(&pool, 0, sl_str_of(data, size));
    sl_pool_rank(&pool);
    if (pool.roles.large != SL_NO_MODEL) {
        sl_pool_policy(&text, &pool, &options);
        if (!text.is_full &&
            sl_yaml_parse(&root, &arena, sl_buf_str(&text), NULL, &err) == SL_INVALID)
            abort();
    }
    sl_buf_free(&text);
    sl_arena_reset(&arena);
    sl_arena_reset(&pool.arena);
    return 0;
}
