/*
 * Bytes per token, learned from the usage that providers report, for estimates of a text's
 * length in tokens. Conservative: it follows a lower ratio (more tokens than thought) at once and a
 * higher one slowly, so that an estimate errs towards too long.
 *
 * Threads: update and read from any thread; one lock-free word.
 */
#ifndef SL_LEARN_TOKEN_RATIO_H
#define SL_LEARN_TOKEN_RATIO_H

#include "base/rc.h"

#include <stdbool.h>
#include <stdint.h>

#define SL_TOKEN_RATIO_START       4.0 /* bytes per token until enough was seen */
#define SL_TOKEN_RATIO_MIN_SAMPLES 10

struct sl_token_ratio {
    _Atomic uint64_t word; /* the ratio as a float and the number of samples, in one */
};

/*
 * One answer's usage: text_bytes of the request's text, prompt_tok as reported. Ignored when
 * either is 0 or the request had parts that are no text (images, audio), whose tokens are not in
 * the bytes.
 */
void sl_token_ratio_learn(struct sl_token_ratio *r, uint64_t text_bytes, uint64_t prompt_tok,
                          bool is_text_only);

/* Ratio to estimate with: SL_TOKEN_RATIO_START until SL_TOKEN_RATIO_MIN_SAMPLES were seen. */
double sl_token_ratio_get(const struct sl_token_ratio *r);

uint32_t sl_token_ratio_samples(const struct sl_token_ratio *r);

#endif
