/* Instruction sets: what the processor reports (CPUID), cut to what the operating system saves and
 * restores (XGETBV; Intel SDM volume 1, sections 13.3 and 14.5) or reports itself (AT_HWCAP). */
#include "sys/cpu.h"

#include <stdatomic.h>
#include <stdbool.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    XCR0_AVX = 0x6,     /* SSE and AVX state */
    XCR0_AVX512 = 0xe6, /* and the masks and upper registers */
    XCR0_AMX = 0x60000, /* tile configuration and data */
    ARCH_REQ_XCOMP_PERM = 0x1023,
    XFEATURE_TILE_DATA = 18,
};

static unsigned long long xcr0(void)
{
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (unsigned long long)high << 32 | low;
}

/* Linux hands out the tile registers on request only. */
static bool may_use_tiles(void)
{
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_TILE_DATA) == 0;
}

static unsigned find(void)
{
    unsigned a, b, c, d, features = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return 0;
    const unsigned fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28, f16c = 1u << 29;
    const unsigned base = fma | osxsave | avx | f16c;
    unsigned b7, c7, d7, a71 = 0;
    if ((c & base) != base || !__get_cpuid_count(7, 0, &a, &b7, &c7, &d7))
        return 0;
    unsigned subleaves = a;
    if (subleaves >= 1)
        __get_cpuid_count(7, 1, &a71, &b, &c, &d);
    unsigned long long saved = xcr0();
    if ((saved & XCR0_AVX) != XCR0_AVX || !(b7 >> 5 & 1))
        return 0;
    features |= SL_CPU_AVX2;
    if (a71 >> 4 & 1)
        features |= SL_CPU_AVXVNNI;
    const unsigned f = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31;
    if ((saved & XCR0_AVX512) != XCR0_AVX512 || (b7 & (f | dq | bw | vl)) != (f | dq | bw | vl))
        return features;
    features |= SL_CPU_AVX512;
    if (c7 >> 11 & 1)
        features |= SL_CPU_AVX512_VNNI;
    if (a71 >> 5 & 1)
        features |= SL_CPU_AVX512_BF16;
    const unsigned amx_bf16 = 1u << 22, amx_tile = 1u << 24, amx_int8 = 1u << 25;
    if ((saved & XCR0_AMX) == XCR0_AMX && (d7 & amx_tile) && may_use_tiles()) {
        features |= d7 & amx_int8 ? SL_CPU_AMX_INT8 : 0;
        features |= d7 & amx_bf16 ? SL_CPU_AMX_BF16 : 0;
    }
    return features;
}
#elif defined(__aarch64__)
#include <sys/auxv.h>

static unsigned find(void)
{
    const unsigned long dotprod = 1ul << 20; /* HWCAP_ASIMDDP */
    return getauxval(AT_HWCAP) & dotprod ? SL_CPU_NEON_DOTPROD : 0;
}
#else
static unsigned find(void)
{
    return 0;
}
#endif

unsigned sl_cpu_features(void)
{
    static const unsigned known = 1u << 31;
    static atomic_uint found;
    unsigned features = atomic_load_explicit(&found, memory_order_relaxed);
    if (!features) {
        features = find() | known;
        atomic_store_explicit(&found, features, memory_order_relaxed);
    }
    return features & ~known;
}
