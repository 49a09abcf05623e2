/* The generated tables behind chars.h: two stages, blocks of 128 code points. */
#ifndef SL_ML_TOKEN_CHARS_TABLES_H
#define SL_ML_TOKEN_CHARS_TABLES_H

#include <stdint.h>

extern const uint16_t sl_token_flag_index[], sl_token_flag_blocks[];
extern const uint16_t sl_token_lower_index[];
extern const uint8_t sl_token_lower_blocks[];
extern const int32_t sl_token_lower_deltas[];
extern const uint16_t sl_token_ccc_index[];
extern const uint8_t sl_token_ccc_blocks[];
extern const uint16_t sl_token_gcb_index[];
extern const uint8_t sl_token_gcb_blocks[];
extern const uint16_t sl_token_canonical_index[], sl_token_canonical_blocks[];
extern const uint16_t sl_token_compatible_index[], sl_token_compatible_blocks[];
extern const uint32_t sl_token_canonical_pool[], sl_token_compatible_pool[];
extern const uint32_t sl_token_pairs[][3]; /* sorted: first, second, composed */
extern const uint32_t sl_token_n_pairs;

#endif
