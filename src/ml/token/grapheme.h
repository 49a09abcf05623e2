/* Extended grapheme clusters (UAX 29), but for rule GB9c: see grapheme.c. Pure. */
#ifndef SL_ML_TOKEN_GRAPHEME_H
#define SL_ML_TOKEN_GRAPHEME_H

#include "base/str.h"

/* Behind the cluster that begins at byte `at` (at < text.n) of valid UTF-8. */
uint32_t sl_grapheme_end(sl_str text, uint32_t at);

#endif
