/* Compares one table of kernels with the plain C one over every tail shape, the extremes of int8,
 * NaN and infinity, in-place use and guarded memory. Without cmocka, so that it also runs as a bare
 * program of another processor. */
#ifndef SL_TESTS_SUPPORT_KERNEL_CASES_H
#define SL_TESTS_SUPPORT_KERNEL_CASES_H

#include "ml/kernel/kernel.h"

/* The number of deviations; the first few are printed on stderr. */
unsigned kernel_cases_run(const struct sl_kernels *kernels);

#endif
