/* Length of a text in words, for densities: CJK characters one by one, other words as runs. */
#ifndef SL_MATCH_UNITS_H
#define SL_MATCH_UNITS_H

#include "base/str.h"

/* CJK characters plus runs of other letters and digits. */
uint64_t sl_text_units(sl_str text);

/* Offset behind `needle` at or after `from`, case ignored when asked; SIZE_MAX when absent. */
size_t sl_text_find(sl_str text, size_t from, sl_str needle, bool is_case_sensitive);

#endif
