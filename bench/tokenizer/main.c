/*
 * MB/s of encoding on one core: main TOKENIZER.json CORPUS SECONDS. The corpus is texts of 4 bytes
 * of length each; they are encoded over and over for about SECONDS. Prints MB/s and tokens of one
 * round.
 */
#include "ml/token/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static sl_str read_all(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END))
        exit(1);
    size_t n = (size_t)ftell(f);
    char *bytes = malloc(n + 1);
    rewind(f);
    if (!bytes || fread(bytes, 1, n, f) != n)
        exit(1);
    fclose(f);
    return sl_str_of(bytes, n);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    struct sl_err err = {0};
    struct sl_tokenizer *t;
    if (argc != 4)
        return 2;
    sl_str json = read_all(argv[1]), corpus = read_all(argv[2]);
    double seconds = strtod(argv[3], NULL), start = now_s(), best = 0;
    if (sl_tokenizer_load(&t, json, &err) != SL_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    double load_ms = (now_s() - start) * 1e3;
    struct sl_token_scratch *s = sl_token_scratch_new((size_t)256 << 20);
    struct sl_token_options options = {0};
    size_t n_bytes = 0, n_tokens = 0;
    for (double end = now_s() + seconds; now_s() < end;) {
        n_bytes = n_tokens = 0;
        start = now_s();
        for (size_t at = 0; at + 4 <= corpus.n;) {
            uint32_t n;
            struct sl_tokens tokens;
            memcpy(&n, corpus.p + at, 4);
            sl_str text = sl_str_of(corpus.p + at + 4, n);
            if (sl_tokenizer_encode(t, text, (sl_str){0}, &options, s, &tokens) != SL_OK)
                return 1;
            n_bytes += n;
            n_tokens += tokens.n;
            at += 4 + n;
        }
        double rate = (double)n_bytes / 1e6 / (now_s() - start);
        best = rate > best ? rate : best;
    }
    printf("%.1f %zu %zu %.1f\n", best, n_bytes, n_tokens, load_ms);
    return 0;
}
