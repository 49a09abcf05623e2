/*
 * Text to snapshot: whatever the bytes are, the loader ends, says why not, and leaks nothing. A
 * tree that parses also dumps to text that parses to as many nodes.
 */
#include "config/config.h"

#include <stdlib.h>

static const char *no_variable(void *ctx, const char *name)
{
    (void)ctx;
    return name[0] == 'K' ? "value$K" : NULL;
}

static uint32_t count(const struct sl_yaml *root)
{
    uint32_t n = 1;
    for (uint32_t i = 0; i < root->n; i++)
        n += count(root->items[i]);
    return n;
}

static void round_trip(sl_str text)
{
    struct sl_arena arena;
    struct sl_yaml *root = NULL;
    struct sl_yaml *again = NULL;
    struct sl_buf out;
    const struct sl_yaml_limits limits = {.max_nodes = 20000, .max_depth = 64};
    sl_arena_init(&arena, NULL, 64u << 20);
    sl_buf_init(&out, 8u << 20);
    if (sl_yaml_parse(&root, &arena, text, &limits, NULL) == SL_OK) {
        sl_yaml_dump(&out, root);
        if (sl_buf_rc(&out) == SL_OK) {
            if (sl_yaml_parse(&again, &arena, sl_buf_str(&out), NULL, NULL) != SL_OK)
                abort();
            if (count(root) != count(again))
                abort();
        }
    }
    sl_buf_free(&out);
    sl_arena_reset(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sl_str text = sl_str_of(data, size);
    if (size > 16384)
        return 0;
    round_trip(text);
    struct sl_arena arena;
    struct sl_diags diags;
    struct sl_config *config = NULL;
    const struct sl_load_options options = {.getenv = no_variable};
    sl_arena_init(&arena, NULL, 64u << 20);
    sl_diags_init(&diags, &arena, 200);
    enum sl_rc rc = sl_config_load_text(&config, text, &options, &diags);
    if ((rc == SL_OK) != (config != NULL) || (rc != SL_OK && !diags.n_errors))
        abort();
    sl_config_unref(config);
    sl_arena_reset(&arena);
    return 0;
}
