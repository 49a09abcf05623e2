/*
 * A tokenizer.json of any bytes: it loads or says why not, and what loads can encode. The text to
 * encode is a fixed one that reaches every kind of step.
 */
#include "ml/token/tokenizer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_true)
{
    if (!is_true)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] =
        " Hello, Wörld's a\xcc\x81 12  ﷺ\xff 中文 [SEP]\n\n<s> \xf0\x9f\x98\x80 x";
    struct sl_tokenizer *t;
    struct sl_err err = {0};
    enum sl_rc rc = sl_tokenizer_load(&t, sl_str_of(data, size), &err);
    check((rc == SL_OK) == (t != NULL) && (rc == SL_OK || err.message[0]));
    if (!t)
        return 0;
    struct sl_token_scratch *s = sl_token_scratch_new(1 << 20);
    struct sl_tokens tokens;
    struct sl_token_options options = {.parse_specials = size % 2};
    rc = sl_tokenizer_encode(t, SL_STR(text), SL_STR("pair"), &options, s, &tokens);
    for (uint32_t i = 0; rc == SL_OK && i < tokens.n; i++) {
        check(tokens.ids[i] < sl_tokenizer_size(t));
        check(tokens.spans[i].to <= sizeof text);
    }
    sl_token_scratch_free(s);
    sl_tokenizer_free(t);
    return 0;
}
