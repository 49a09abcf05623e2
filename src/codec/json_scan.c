/* Chooses the kernels for the processor we run on. */
#include "codec/json_scan.h"

#include <stdatomic.h>

#if defined(__x86_64__)
static const struct sl_json_scan *const sets_avx512[] = {&sl_json_scan_ref, &sl_json_scan_avx2,
                                                         &sl_json_scan_avx512, NULL};
static const struct sl_json_scan *const sets_avx2[] = {&sl_json_scan_ref, &sl_json_scan_avx2, NULL};
#endif
static const struct sl_json_scan *const sets_ref[] = {&sl_json_scan_ref, NULL};

const struct sl_json_scan *const *sl_json_scan_all(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi"))
        return sets_ref;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        return sets_avx512;
    return sets_avx2;
#else
    return sets_ref;
#endif
}

const struct sl_json_scan *sl_json_scan_best(void)
{
    /* Threads that race here store the same pointer. */
    static const struct sl_json_scan *_Atomic chosen;
    const struct sl_json_scan *best = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (SL_UNLIKELY(!best)) {
        const struct sl_json_scan *const *sets = sl_json_scan_all();
        while (sets[1])
            sets++;
        best = *sets;
        atomic_store_explicit(&chosen, best, memory_order_relaxed);
    }
    return best;
}
