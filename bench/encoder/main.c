/* Our half of the encoder benchmark: opens a model folder and answers commands on standard input,
 * one line each, so that rounds of both sides alternate.
 *
 *   main FOLDER f32|bf16|int8 [kernels [pack file]]
 *   "time N R"   the best of R runs of one sequence of N tokens, in milliseconds of CPU
 *   "embed N"    the embedding of that sequence
 */
#include "base/clock.h"
#include "ml/encoder/encoder.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST = 8192 };

static uint32_t ids[MOST], starts[2];

static void sequence(uint32_t n, uint32_t vocabulary)
{
    for (uint32_t i = 0; i < n; i++)
        ids[i] = (i * 2654435761u >> 8) % (vocabulary < 20000 ? vocabulary : 20000);
    starts[1] = n;
}

/* Of this thread: what neighbours on the machine take does not count. */
static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double best_ms(const struct sl_encoder *e, struct sl_encoder_scratch *s, uint32_t n,
                      uint32_t rounds, float *out)
{
    struct sl_sequences in = {ids, NULL, starts, 1};
    double best = 1e9;
    sequence(n, sl_encoder_info(e).config->vocab_size);
    for (uint32_t r = 0; r < rounds; r++) {
        struct sl_err err = {0};
        double from = cpu_ms();
        if (sl_encoder_embed(e, &in, NULL, s, out, &err) != SL_OK) {
            fprintf(stderr, "%s\n", err.message);
            exit(1);
        }
        double ms = cpu_ms() - from;
        best = ms < best ? ms : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    struct sl_encoder *e;
    struct sl_err err = {0};
    struct sl_encoder_options o = {.precision = SL_DTYPE_I8};
    if (argc < 3)
        return 2;
    if (argv[2][0] == 'f')
        o.precision = SL_DTYPE_F32;
    else if (argv[2][0] == 'b')
        o.precision = SL_DTYPE_BF16;
    if (argc > 3 && argv[3][0] && !(o.kernels = sl_kernels_named(argv[3]))) {
        fprintf(stderr, "no kernels \"%s\" on this machine\n", argv[3]);
        return 2;
    }
    if (argc > 4)
        o.pack_path = argv[4];
    uint64_t from = sl_clock_ns();
    if (sl_encoder_open(&e, argv[1], &o, &err) != SL_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    struct sl_encoder_info info = sl_encoder_info(e);
    struct sl_encoder_scratch *s = sl_encoder_scratch_new(e, info.max_tokens, 1);
    printf("%s %.2f %d %zu %zu\n", info.kernels->name, (double)(sl_clock_ns() - from) / 1e6,
           info.was_packed_before, info.weight_bytes, sl_encoder_scratch_bytes(s));
    fflush(stdout);
    float *out = calloc(info.embedding_dim, sizeof(float));
    char line[64];
    while (fgets(line, sizeof(line), stdin)) {
        unsigned n = 0, rounds = 1;
        if (sscanf(line, "time %u %u", &n, &rounds) == 2) {
            printf("%.4f\n", best_ms(e, s, n, rounds, out));
        } else if (sscanf(line, "embed %u", &n) == 1) {
            best_ms(e, s, n, 1, out);
            for (uint32_t i = 0; i < info.embedding_dim; i++)
                printf("%s%.7g", i ? " " : "", (double)out[i]);
            printf("\n");
        }
        fflush(stdout);
    }
    free(out);
    sl_encoder_scratch_free(s);
    sl_encoder_close(e);
    return 0;
}
