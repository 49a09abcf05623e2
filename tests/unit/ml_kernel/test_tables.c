/* Every table that this machine can run, against the plain C one. */
#include "support/kernel_cases.h"
#include "unit.h"

static void every_table(void **state)
{
    const struct sl_kernels *kernels;
    (void)state;
    for (unsigned i = 1; (kernels = sl_kernels_at(i)); i++) {
        print_message("%s: %s\n", kernels->name, kernels->what);
        assert_int_equal(kernel_cases_run(kernels), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
