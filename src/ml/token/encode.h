/* One text to tokens, and tokens into the template. Internal to this room. */
#ifndef SL_ML_TOKEN_ENCODE_H
#define SL_ML_TOKEN_ENCODE_H

#include "ml/token/parts.h"

#define SL_TOKEN_MAX_TEXT (1u << 30) /* bytes; its offsets and those of its pieces fit 32 bits */

/* The tokens of one text without the template. SL_NOMEM at the scratch's maximum. */
SL_MUST_USE enum sl_rc sl_token_encode_text(const struct sl_tokenizer *t,
                                            struct sl_token_scratch *s, sl_str source,
                                            bool parse_specials, struct sl_token_list *out);

/* Tokens [from, to) of a text that was encoded into scratch->texts. */
struct sl_token_slice {
    uint32_t from;
    uint32_t to;
};

/* The template over slices of the one or two texts of the scratch. SL_NOMEM. */
SL_MUST_USE enum sl_rc sl_template_apply(const struct sl_tokenizer *t, struct sl_token_scratch *s,
                                         const struct sl_token_slice slices[2], bool is_pair,
                                         bool without_specials, struct sl_tokens *out);

#endif
