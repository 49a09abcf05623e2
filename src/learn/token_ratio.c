/*
 * Bytes per token. The ratio is a 32-bit float beside a 32-bit count in one atomic word, replaced
 * by compare and swap: a lost race is retried, a reader never sees half an update.
 */
#include "learn/token_ratio.h"

#include <stdatomic.h>
#include <string.h>

static uint64_t pack(float ratio, uint32_t samples)
{
    uint32_t bits;
    memcpy(&bits, &ratio, sizeof bits);
    return (uint64_t)samples << 32 | bits;
}

static float ratio_of(uint64_t word)
{
    uint32_t bits = (uint32_t)word;
    float ratio;
    memcpy(&ratio, &bits, sizeof ratio);
    return ratio;
}

void sl_token_ratio_learn(struct sl_token_ratio *r, uint64_t text_bytes, uint64_t prompt_tok,
                          bool is_text_only)
{
    if (!text_bytes || !prompt_tok || !is_text_only)
        return;
    float seen = (float)text_bytes / (float)prompt_tok;
    uint64_t word = atomic_load_explicit(&r->word, memory_order_relaxed);
    uint64_t next;
    do {
        uint32_t samples = (uint32_t)(word >> 32);
        float ratio = ratio_of(word);
        if (samples == 0)
            ratio = seen;
        else
            ratio += (seen < ratio ? 0.9f : 0.1f) * (seen - ratio);
        next = pack(ratio, samples == UINT32_MAX ? samples : samples + 1);
    } while (!atomic_compare_exchange_weak_explicit(&r->word, &word, next, memory_order_relaxed,
                                                    memory_order_relaxed));
}

double sl_token_ratio_get(const struct sl_token_ratio *r)
{
    uint64_t word = atomic_load_explicit(&r->word, memory_order_relaxed);
    bool knows_enough = word >> 32 >= SL_TOKEN_RATIO_MIN_SAMPLES;
    return knows_enough ? (double)ratio_of(word) : SL_TOKEN_RATIO_START;
}

uint32_t sl_token_ratio_samples(const struct sl_token_ratio *r)
{
    return (uint32_t)(atomic_load_explicit(&r->word, memory_order_relaxed) >> 32);
}
