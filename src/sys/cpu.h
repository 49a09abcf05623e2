/* How many processors this process may use, and what their instruction sets offer. */
#ifndef SL_SYS_CPU_H
#define SL_SYS_CPU_H

/* The affinity mask, cut to the cgroup's quota rounded up (containers); at least 1. */
unsigned sl_cpu_count(void);

enum sl_cpu_feature {
    SL_CPU_AVX2 = 1 << 0,    /* AVX2, FMA, F16C */
    SL_CPU_AVXVNNI = 1 << 1, /* the VEX forms of VNNI */
    SL_CPU_AVX512 = 1 << 2,  /* F, BW, DQ, VL */
    SL_CPU_AVX512_VNNI = 1 << 3,
    SL_CPU_AVX512_BF16 = 1 << 4,
    SL_CPU_AMX_INT8 = 1 << 5, /* with the kernel's permission to use the tile registers */
    SL_CPU_AMX_BF16 = 1 << 6,
    SL_CPU_NEON_DOTPROD = 1 << 7,
};

/* The features that both the processor and the operating system support, as bits of enum
 * sl_cpu_feature. Found once; any thread. The first call asks the kernel for the tile registers
 * where the processor has them. */
unsigned sl_cpu_features(void);

#endif
