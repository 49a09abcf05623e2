/* The generated tables behind unicode.h: two stages, blocks of 128 code points. */
#ifndef SL_BASE_UNICODE_TABLES_H
#define SL_BASE_UNICODE_TABLES_H

#include <stdint.h>

extern const uint16_t sl_unicode_property_index[], sl_unicode_property_blocks[];
extern const uint16_t sl_unicode_fold_index[];
extern const uint8_t sl_unicode_fold_blocks[];
extern const uint16_t sl_unicode_lower_index[];
extern const uint8_t sl_unicode_lower_blocks[];
extern const int32_t sl_unicode_deltas[];
extern const uint32_t sl_unicode_orbits[][2]; /* sorted: code point, the next of its case orbit */
extern const uint32_t sl_unicode_n_orbits;
extern const uint32_t sl_unicode_bases[][2]; /* sorted: code point, its ASCII base */
extern const uint32_t sl_unicode_n_bases;

#endif
