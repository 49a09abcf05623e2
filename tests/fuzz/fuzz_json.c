/*
 * The JSON parser on any bytes, with the first byte choosing limits: what it accepts must read back
 * consistently (spans, counts, order), and its kernels must agree with the portable ones.
 */
#include "codec/json.h"
#include "codec/json_scan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_true)
{
    if (!is_true)
        abort();
}

static void check_kernels(sl_str text)
{
    for (const struct sl_json_scan *const *k = sl_json_scan_all(); *k; k++) {
        uint32_t flags = 0, ref_flags = 0;
        check((*k)->utf8(text.p, text.n) == sl_json_scan_ref.utf8(text.p, text.n));
        check((*k)->string(text.p, text.p + text.n, &flags) ==
              sl_json_scan_ref.string(text.p, text.p + text.n, &ref_flags));
        check(flags == ref_flags);
    }
}

static void check_tape(const struct sl_json *j, struct sl_arena *arena)
{
    check(j->n_nodes >= 1 && j->nodes[0].next == j->n_nodes);
    for (sl_json_ref v = 0; v < j->n_nodes; v++) {
        const struct sl_json_node *node = &j->nodes[v];
        check(node->next > v && node->next <= j->n_nodes);
        check((size_t)node->offset + node->len <= j->text.n);
        uint32_t n = 0;
        for (sl_json_ref r = sl_json_first(j, v); r != SL_JSON_NONE; r = sl_json_after(j, v, r)) {
            if (sl_json_type(j, v) == SL_JSON_OBJECT && n < 32) {
                sl_str key = sl_json_str(j, r, arena);
                check(key.p != NULL && sl_json_get(j, v, key) == r + 1);
            }
            n++;
        }
        check(sl_json_type(j, v) < SL_JSON_ARRAY || n == sl_json_count(j, v));
        int64_t whole;
        double real;
        if (sl_json_i64(j, v, &whole))
            check(sl_json_f64(j, v, &real) && real == (double)whole);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_arena arena;
    struct sl_json j;
    struct sl_err err;
    struct sl_json_limits limits = {0};
    sl_arena_init(&arena, NULL, 64 << 20);
    if (size && data[0] == 0xfe) { /* no JSON text begins with it */
        limits = (struct sl_json_limits){.max_depth = 3, .max_nodes = 20, .max_bytes = 200};
        data++;
        size--;
    }
    sl_str text = sl_str_of(data, size);
    if (size)
        check_kernels(text);
    enum sl_rc rc = sl_json_parse(&j, &arena, text, &limits, &err);
    if (rc == SL_OK)
        check_tape(&j, &arena);
    else
        check(err.code == rc && err.message[0]);
    sl_arena_reset(&arena);
    return 0;
}
