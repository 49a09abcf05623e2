/* The parts of the kernel benchmark. */
#ifndef SL_BENCH_KERNEL_PARTS_H
#define SL_BENCH_KERNEL_PARTS_H

#include <stdbool.h>
#include <stdint.h>

/* int8 GOP/s (a multiply and an add are two) of a loop of VPDPBUSD over registers; 0 when the
 * machine has none. */
double peak_i8(void);
/* f32 GFLOP/s of a loop of FMAs over registers; 0 when the machine has no AVX-512. */
double peak_f32(void);

/* oneDNN: out [m, n] f32 = (u8 activations x s8 weights) * scale per channel + bias, weights in
 * the layout that it likes best, prepared before. false: it refused. */
bool rival_prepare(uint32_t m, uint32_t n, uint32_t k);
void rival_run(void);
void rival_release(void);

double seconds_now(void);

#endif
