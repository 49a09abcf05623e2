/*
 * Any text through one tokenizer of each kind: spans lie within it, ids within the vocabulary, no
 * control token comes of text, and windows hold the same tokens in the same order. The first byte
 * chooses the tokenizer and the options.
 */
#include "ml/token/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>

#define N_KINDS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_true)
{
    if (!is_true)
        abort();
}

/* Small vocabularies, one a kind; id 0 is its control token. */
static const char *const files[N_KINDS] = {
    "{\"added_tokens\":[{\"content\":\"[SEP]\",\"special\":true,\"normalized\":false}],"
    "\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,"
    "\"strip_accents\":null,\"lowercase\":true},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
    "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":\"##"
    "\","
    "\"max_input_chars_per_word\":9,\"vocab\":{\"[SEP]\":0,\"[UNK]\":1,\"a\":2,\"##a\":3,\"ab\":4,"
    "\"##bc\":5,\"[\":6,\"]\":7,\"sep\":8,\"\\u4e2d\":9,\"e\":10,\"##e\":11,\"##abcd\":12}}}",
    "{\"added_tokens\":[{\"content\":\"<|e|>\",\"special\":true,\"normalized\":false},"
    "{\"content\":\"  \",\"special\":false,\"normalized\":true}],"
    "\"normalizer\":{\"type\":\"NFC\"},\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":["
    "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}"
    "\\\\p{N}]?\\\\p{L}+|\\\\p{N}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|"
    "\\\\s+(?!\\\\S)|\\\\s+\"},\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\","
    "\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":false}]},\"post_processor\":"
    "{\"type\":\"ByteLevel\",\"trim_offsets\":true,\"add_prefix_space\":true},"
    "\"model\":{\"type\":\"BPE\",\"ignore_merges\":true,\"vocab\":{\"<|e|>\":0,\"a\":1,\"b\":2,"
    "\"\\u0120\":3,\"ab\":4,\"\\u0120ab\":5,\"\\u010a\":6,\"aab\":7,\"<\":8,\"|\":9,\">\":10},"
    "\"merges\":[\"a b\",\"\\u0120 ab\",\"a ab\"]}}",
    "{\"added_tokens\":[{\"content\":\"<s>\",\"special\":true,\"normalized\":false}],"
    "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFKD\"},{\"type\":"
    "\"Prepend\","
    "\"prepend\":\"\\u2581\"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":"
    "\"\\u2581\"}]},\"model\":{\"type\":\"BPE\",\"unk_token\":\"<u>\",\"fuse_unk\":true,"
    "\"byte_fallback\":true,\"vocab\":{\"<s>\":0,\"<u>\":1,\"a\":2,\"\\u2581\":3,\"\\u2581a\":4,"
    "\"<0xC3>\":5,\"<0xA9>\":6,\"aa\":7,\"\\u2581aa\":8,\"<0x41>\":9},\"merges\":[[\"a\",\"a\"],"
    "[\"\\u2581\",\"a\"],[\"\\u2581\",\"aa\"]]}}",
    "{\"added_tokens\":[{\"content\":\"</s>\",\"special\":true,\"normalized\":false,"
    "\"lstrip\":true}],\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFKC\"},"
    "{\"type\":\"Strip\",\"strip_left\":true,\"strip_right\":true},{\"type\":\"Replace\","
    "\"pattern\":"
    "{\"Regex\":\" {2,}\"},\"content\":\" \"}]},\"pre_tokenizer\":{\"type\":\"Metaspace\","
    "\"replacement\":\"\\u2581\",\"prepend_scheme\":\"first\",\"split\":true},\"model\":{\"type\":"
    "\"Unigram\",\"unk_id\":1,\"vocab\":[[\"</s>\",0],[\"<u>\",0],[\"\\u2581\",-2],[\"a\",-3],"
    "[\"ab\",-3.5],[\"\\u2581ab\",-4],[\"b\",-5],[\"\\u00e9\",-6],[\"/\",-7]]}}",
};

static struct sl_tokenizer *tokenizer(unsigned kind)
{
    static struct sl_tokenizer *loaded[N_KINDS];
    struct sl_err err = {0};
    if (!loaded[kind] &&
        sl_tokenizer_load(&loaded[kind], sl_str_from(files[kind]), &err) != SL_OK) {
        fprintf(stderr, "kind %u: %s\n", kind, err.message);
        abort();
    }
    return loaded[kind];
}

static void check_tokens(const struct sl_tokenizer *t, const struct sl_tokens *tokens, sl_str text,
                         bool may_be_control)
{
    for (uint32_t i = 0; i < tokens->n; i++) {
        check(tokens->ids[i] < sl_tokenizer_size(t));
        check(may_be_control || tokens->ids[i] != 0);
        check(tokens->spans[i].from <= text.n && tokens->spans[i].to <= text.n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const struct sl_tokenizer *t = tokenizer(data[0] % N_KINDS);
    sl_str text = sl_str_of(data + 1, size - 1);
    struct sl_token_options options = {.parse_specials = data[0] & 0x10,
                                       .max_tokens = data[0] & 0x20 ? 3 : 0,
                                       .overlap = data[0] & 0x40 ? 1 : 0};
    static struct sl_token_scratch *all_s, *window_s;
    if (!all_s) {
        all_s = sl_token_scratch_new(64 << 20);
        window_s = sl_token_scratch_new(64 << 20);
    }
    struct sl_token_options whole = {.parse_specials = options.parse_specials};
    struct sl_tokens all, part;
    if (sl_tokenizer_encode(t, text, (sl_str){0}, &whole, all_s, &all) != SL_OK)
        return 0;
    check_tokens(t, &all, text, options.parse_specials);
    struct sl_token_windows windows;
    check(sl_token_windows_begin(&windows, t, text, (sl_str){0}, &options, window_s) == SL_OK);
    uint32_t at = 0, n_windows = 0;
    while (sl_token_windows_next(&windows, &part) == SL_OK) {
        at -= n_windows++ ? options.overlap : 0;
        for (uint32_t i = 0; i < part.n; i++, at++)
            check(at < all.n && part.ids[i] == all.ids[at]);
    }
    check(at == all.n && n_windows == windows.n_total);
    return 0;
}
