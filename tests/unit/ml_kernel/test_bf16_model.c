/* The AVX512-BF16 products over a software model of VDPBF16PS. */
#include <immintrin.h>

static __m512 model(__m512 sum, __m512i x, __m512i w);
#define VDPBF16PS model
#include "ml/kernel/avx512_bf16.c"

#include "support/kernel_cases.h"
#include "sys/cpu.h"
#include "unit.h"

#include <math.h>

static float bf16(uint16_t half)
{
    return half & 0x7f80 ? sl_bf16_to_f32(half) : 0; /* denormals are zeros */
}

/* Intel SDM, VDPBF16PS: in each lane the upper product is added first, then the lower. */
static __m512 model(__m512 sum, __m512i x, __m512i w)
{
    float sums[16];
    uint16_t xs[32], ws[32];
    memcpy(sums, &sum, sizeof sums);
    memcpy(xs, &x, sizeof xs);
    memcpy(ws, &w, sizeof ws);
    for (int i = 0; i < 16; i++) {
        sums[i] = fmaf(bf16(xs[2 * i + 1]), bf16(ws[2 * i + 1]), sums[i]);
        sums[i] = fmaf(bf16(xs[2 * i]), bf16(ws[2 * i]), sums[i]);
    }
    memcpy(&sum, sums, sizeof sums);
    return sum;
}

static void same_as_plain_c(void **state)
{
    const unsigned needs = SL_CPU_AVX512 | SL_CPU_AVX512_VNNI;
    (void)state;
    if ((sl_cpu_features() & needs) != needs) {
        print_message("SKIP: this machine has no AVX-512 for the rest of the table\n");
        skip();
    }
    assert_int_equal(kernel_cases_run(&sl_kernels_avx512bf16), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_plain_c)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
