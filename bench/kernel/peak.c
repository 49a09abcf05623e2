/* What the multiply units give when nothing but registers is involved. */
#include "parts.h"
#include "sys/cpu.h"

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vnni")))

enum { ROUNDS = 300000 };

/* Twelve chains, s0 .. s11: as an array the compiler would keep them in memory. */
#define EACH(X)     X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define KEEP(i)     __asm__ volatile("" : "+v"(s##i));
#define ZERO_I8(i)  __m512i s##i = _mm512_setzero_si512();
#define STEP_I8(i)  s##i = _mm512_dpbusd_epi32(s##i, x, x);
#define ZERO_F32(i) __m512 s##i = _mm512_setzero_ps();
#define STEP_F32(i) s##i = _mm512_fmadd_ps(s##i, x, x);

AVX512 static double vnni_loop(void)
{
    double best = 0;
    for (int attempt = 0; attempt < 12; attempt++) {
        __m512i x = _mm512_set1_epi8(1);
        EACH(ZERO_I8)
        double from = seconds_now();
        for (int round = 0; round < ROUNDS; round++) {
            EACH(STEP_I8)
            EACH(KEEP)
        }
        double rate = 12.0 * 128 * ROUNDS / (seconds_now() - from) / 1e9;
        best = rate > best ? rate : best;
    }
    return best;
}

AVX512 static double fma_loop(void)
{
    double best = 0;
    for (int attempt = 0; attempt < 12; attempt++) {
        __m512 x = _mm512_set1_ps(0.5F);
        EACH(ZERO_F32)
        double from = seconds_now();
        for (int round = 0; round < ROUNDS; round++) {
            EACH(STEP_F32)
            EACH(KEEP)
        }
        double rate = 12.0 * 32 * ROUNDS / (seconds_now() - from) / 1e9;
        best = rate > best ? rate : best;
    }
    return best;
}

double peak_i8(void)
{
    return sl_cpu_features() & SL_CPU_AVX512_VNNI ? vnni_loop() : 0;
}

double peak_f32(void)
{
    return sl_cpu_features() & SL_CPU_AVX512 ? fma_loop() : 0;
}
