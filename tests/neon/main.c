/* The kernel cases as a program of their own: the tables named, or every one there is. */
#include "support/kernel_cases.h"

#include <stdio.h>

static int run(const struct sl_kernels *kernels, const char *name)
{
    if (!kernels) {
        fprintf(stderr, "no table \"%s\" on this machine\n", name);
        return 1;
    }
    unsigned failures = kernel_cases_run(kernels);
    printf("%s (%s): %u deviations\n", kernels->name, kernels->what, failures);
    return failures != 0;
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed |= run(sl_kernels_named(argv[i]), argv[i]);
    return failed;
}
