/* Scores of sentences for compression. Internal to match/. */
#ifndef SL_MATCH_COMPRESS_SCORE_H
#define SL_MATCH_COMPRESS_SCORE_H

#include "match/compress.h"

/* scores[i], 0 to 1: the profile's weighted mean of TextRank, position, TF-IDF and novelty. */
SL_MUST_USE enum sl_rc sl_compress_score(const sl_str *sentences, uint32_t n,
                                         const struct sl_compress_profile *profile,
                                         struct sl_arena *arena, double *scores);

/* 1 - depth * sin(pi * i / (n - 1)); 1 for a single sentence. */
double sl_compress_position(uint32_t i, uint32_t n, double depth);

#endif
