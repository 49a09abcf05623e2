/* Splices equal parse-edit-print: the first 8 bytes seed random edits of the text behind them. */
#include "support/naive_json.c"
#include "support/naive_splice.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_arena arena;
    struct sl_json doc, again;
    uint64_t seed;
    if (size < sizeof seed || size > 4096)
        return 0;
    memcpy(&seed, data, sizeof seed);
    sl_arena_init(&arena, NULL, 256 << 20);
    struct sl_json_limits limits = {.max_nodes = 1000};
    sl_str text = sl_str_of(data + sizeof seed, size - sizeof seed), spliced;
    if (sl_json_parse(&doc, &arena, text, &limits, NULL) == SL_OK) {
        struct sl_buf naive, compact;
        sl_buf_init(&naive, 1 << 20);
        sl_buf_init(&compact, 1 << 20);
        random_edits(&doc, &arena, seed, &spliced, &naive);
        if (sl_json_parse(&again, &arena, spliced, NULL, NULL))
            abort();
        compact_json(&compact, &again, 0);
        if (!sl_str_eq(sl_buf_str(&compact), sl_buf_str(&naive)))
            abort();
        sl_buf_free(&naive);
        sl_buf_free(&compact);
    }
    sl_arena_reset(&arena);
    return 0;
}
