/* Skipping to a byte in one of a few ranges, near and far, against a plain loop. */
#include "match/byteskip.h"
#include "unit.h"

#include <stdlib.h>

static uint32_t seed = 1;

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)seed * below >> 32);
}

static void every_start_finds_what_a_loop_finds(void **state)
{
    (void)state;
    for (int round = 0; round < 3000; round++) {
        size_t n = draw(400);
        /* Exactly n bytes, so that a read beyond them is seen by a sanitizer. */
        unsigned char *text = malloc(n ? n : 1);
        struct sl_range ranges[4];
        uint32_t n_ranges = 1 + draw(4);
        for (uint32_t r = 0; r < n_ranges; r++) {
            unsigned char low = (unsigned char)draw(256);
            ranges[r] = (struct sl_range){low, (unsigned char)(low + draw(256u - low) % 12)};
        }
        for (size_t i = 0; i < n; i++) {
            text[i] = (unsigned char)draw(256);
            while (draw(40) && sl_byteskip_tail(text, i, i + 1, ranges, n_ranges) == i)
                text[i] = (unsigned char)draw(256);
        }
        for (size_t at = 0; at <= n; at++)
            assert_int_equal(sl_byteskip(text, at, n, ranges, n_ranges),
                             sl_byteskip_tail(text, at, n, ranges, n_ranges));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_start_finds_what_a_loop_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
