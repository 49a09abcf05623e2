/* The AMX products over a software model of the tile registers. */
#include "support/amx_model.h"

#include "ml/kernel/amx.c"

#include "support/kernel_cases.h"
#include "sys/cpu.h"
#include "unit.h"

static void same_as_plain_c(void **state)
{
    const unsigned needs = SL_CPU_AVX512 | SL_CPU_AVX512_VNNI;
    (void)state;
    if ((sl_cpu_features() & needs) != needs) {
        print_message("SKIP: this machine has no AVX-512 for the rest of the table\n");
        skip();
    }
    assert_int_equal(kernel_cases_run(&sl_kernels_amx), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_plain_c)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
