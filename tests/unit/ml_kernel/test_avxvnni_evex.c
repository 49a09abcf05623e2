/* The AVX-VNNI table on a machine with AVX-512 VL VNNI: the same source, its one instruction in the
 * EVEX encoding. */
#define VPDPBUSD "vpdpbusd"
#include "ml/kernel/avxvnni.c"

#include "support/kernel_cases.h"
#include "sys/cpu.h"
#include "unit.h"

static void same_as_plain_c(void **state)
{
    const unsigned needs = SL_CPU_AVX512 | SL_CPU_AVX512_VNNI;
    (void)state;
    if ((sl_cpu_features() & needs) != needs) {
        print_message("SKIP: this machine has no AVX-512 VNNI\n");
        skip();
    }
    assert_int_equal(kernel_cases_run(&sl_kernels_avxvnni), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_plain_c)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
