/*
 * Tokenizers over vocabularies of a few tokens: each kind, offsets into the source, control tokens
 * in text, the template, truncation, windows, files that must not load. The comparison with the
 * `tokenizers` package over real text is tests/tokenizer/compare.py.
 */
#include "ml/token/tokenizer.h"
#include "unit.h"

#include <stdio.h>

#define BERT_HEAD                                                                                  \
    "\"normalizer\":{\"type\":\"BertNormalizer\",\"lowercase\":true},"                             \
    "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
#define BERT_ADDED                                                                                 \
    "\"added_tokens\":[{\"id\":1,\"content\":\"[CLS]\",\"special\":true},"                         \
    "{\"id\":2,\"content\":\"[SEP]\",\"special\":true}],"
#define BERT_POST                                                                                  \
    "\"post_processor\":{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",2],\"cls\":[\"[CLS]\",1]}" \
    ","
#define BERT_MODEL                                                                                 \
    "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":"     \
    "\"##\",\"max_input_chars_per_word\":8,\"vocab\":{\"[UNK]\":0,\"[CLS]\":1,\"[SEP]\":2,"        \
    "\"play\":3,\"##ing\":4,\"##ed\":5,\"e\":6,\"[\":7,\"]\":8,\"sep\":9,\"!\":10,\"cafe\":11}}"

static const char bert[] = "{" BERT_ADDED BERT_HEAD BERT_POST BERT_MODEL "}";

static const char bytes[] =
    "{\"added_tokens\":[{\"content\":\"<|e|>\",\"special\":true}],\"pre_tokenizer\":{\"type\":"
    "\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":true},\"model\":{\"type\":\"BPE\","
    "\"vocab\":{\"a\":0,\"b\":1,\"\\u0120\":2,\"ab\":3,\"\\u0120ab\":4,\"\\u00c3\":5,\"\\u00a9\":6,"
    "\"<\":7,\"|\":8,\"e\":9,\">\":10},\"merges\":[\"a b\",\"\\u0120 ab\"]}}";

static const char sentence[] =
    "{\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\\u2581\"},"
    "\"model\":{\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"fuse_unk\":true,\"byte_fallback\":true,"
    "\"vocab\":{\"<unk>\":0,\"a\":1,\"\\u2581\":2,\"\\u2581a\":3,\"<0xC3>\":4,\"<0xA9>\":5},"
    "\"merges\":[[\"\\u2581\",\"a\"]]}}";

static const char unigram[] =
    "{\"added_tokens\":[{\"content\":\"</s>\",\"special\":true}],\"pre_tokenizer\":{\"type\":"
    "\"Metaspace\",\"replacement\":\"\\u2581\",\"prepend_scheme\":\"always\"},\"model\":{\"type\":"
    "\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<unk>\",0],[\"</s>\",0],[\"\\u2581\",-2],[\"a\",-3],"
    "[\"b\",-3],[\"ab\",-4],[\"\\u2581ab\",-5],[\"s\",-3]]}}";

static struct sl_tokenizer *load(const char *json)
{
    struct sl_tokenizer *t;
    struct sl_err err = {0};
    if (sl_tokenizer_load(&t, sl_str_from(json), &err) != SL_OK)
        fail_msg("%s", err.message);
    return t;
}

/* The tokens as "id:from:to ...". */
static const char *shown(const struct sl_tokens *tokens)
{
    static char out[2048];
    size_t n = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < tokens->n && n + 40 < sizeof out; i++)
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%u:%u:%u", i ? " " : "", tokens->ids[i],
                              tokens->spans[i].from, tokens->spans[i].to);
    return out;
}

static void expect(const char *json, sl_str text, struct sl_token_options options,
                   const char *wanted)
{
    struct sl_tokenizer *t = load(json);
    struct sl_token_scratch *s = sl_token_scratch_new(4 << 20);
    struct sl_tokens tokens;
    assert_int_equal(sl_tokenizer_encode(t, text, (sl_str){0}, &options, s, &tokens), SL_OK);
    assert_string_equal(shown(&tokens), wanted);
    sl_token_scratch_free(s);
    sl_tokenizer_free(t);
}

static const struct sl_token_options plain = {.without_specials = true};

static void wordpiece(void **state)
{
    (void)state;
    expect(bert, SL_STR("Playing played!"), (struct sl_token_options){0},
           "1:0:0 3:0:4 4:4:7 3:8:12 5:12:14 10:14:15 2:0:0");
    /* Accents go, the letter keeps the bytes of both; a control character goes. */
    expect(bert,
           SL_STR("Caf\xc3\xa9 e\xcc\x81 pl\x01"
                  "ay"),
           plain, "11:0:5 6:6:7 3:10:15");
    expect(bert, SL_STR("zebra"), plain, "0:0:5");
    expect(bert, SL_STR("playplayplay"), plain,
           "0:0:12"); /* longer than max_input_chars_per_word */
    expect(bert, SL_STR(""), (struct sl_token_options){0}, "1:0:0 2:0:0");
}

static void malformed_bytes_keep_offsets(void **state)
{
    (void)state;
    expect(bert, SL_STR("\xff\xc3 play\xe2\x28"), plain, "3:3:7 0:8:9");
    expect(bytes, SL_STR("a\xff"), plain, "0:0:1");
    expect(sentence, SL_STR("a\xff"), plain, "1:0:1 0:1:2");
}

static void byte_level(void **state)
{
    (void)state;
    expect(bytes, SL_STR("ab ab"), plain, "3:0:2 4:2:5");
    /* Each byte of a character is a token; both stand for the character. */
    expect(bytes, SL_STR("\xc3\xa9"), plain, "5:0:2 6:0:2");
}

static void byte_fallback(void **state)
{
    (void)state;
    expect(sentence, SL_STR("a a\xc3\xa9"), plain, "1:0:1 3:1:3 4:3:5 5:3:5");
    expect(sentence, SL_STR("xyz"), plain, "0:0:3"); /* fused */
}

static const char composed[] =
    "{\"normalizer\":{\"type\":\"NFC\"},\"model\":{\"type\":\"BPE\",\"unk_token\":\"u\",\"vocab\":"
    "{\"u\":0,\"\\u1fb4\":1,\"a\":2,\"\\u0301\":3},\"merges\":[]}}";

static void a_mark_goes_into_a_composed_letter(void **state)
{
    (void)state;
    /* U+1FB3 ends in a mark of a higher class than U+0301: together they are U+1FB4. */
    expect(composed,
           SL_STR("a\xe1\xbe\xb3\xcc\x81"
                  "a"),
           plain, "2:0:1 1:1:4 2:6:7");
}

static void unigram_takes_the_best_path(void **state)
{
    (void)state;
    expect(unigram, SL_STR("ab"), plain, "6:0:2");
    expect(unigram, SL_STR("xyab"), plain, "2:0:1 0:0:2 5:2:4");
}

static void control_tokens_in_text_are_text(void **state)
{
    (void)state;
    struct sl_token_options parse = {.without_specials = true, .parse_specials = true};
    expect(bert, SL_STR("[SEP]"), plain, "7:0:1 9:1:4 8:4:5");
    expect(bert, SL_STR("[SEP]"), parse, "2:0:5");
    expect(bytes, SL_STR("<|e|>"), plain, "7:0:1 8:1:2 9:2:3 8:3:4 10:4:5");
    expect(bytes, SL_STR("<|e|>"), parse, "11:0:5");
    expect(unigram, SL_STR("</s>"), parse, "1:0:4");
    expect(unigram, SL_STR("</s>"), plain, "2:0:1 0:0:2 7:2:3 0:3:4");
}

static void pairs_and_truncation(void **state)
{
    (void)state;
    struct sl_tokenizer *t = load(bert);
    struct sl_token_scratch *s = sl_token_scratch_new(4 << 20);
    struct sl_tokens tokens;
    struct sl_token_options options = {0};
    sl_str a = SL_STR("play play play play"), b = SL_STR("e e");
    assert_int_equal(sl_tokenizer_encode(t, a, b, &options, s, &tokens), SL_OK);
    assert_int_equal(tokens.n, 9);
    assert_int_equal(tokens.texts[6], 1);
    assert_int_equal(tokens.types[6], 1);
    assert_int_equal(tokens.texts[8], SL_TOKEN_OF_TEMPLATE);
    assert_int_equal(sl_tokenizer_n_template(t, true), 3);

    options.max_tokens = 7;
    options.cut = SL_TOKEN_CUT_FIRST;
    assert_int_equal(sl_tokenizer_encode(t, a, b, &options, s, &tokens), SL_OK);
    assert_string_equal(shown(&tokens), "1:0:0 3:0:4 3:5:9 2:0:0 6:0:1 6:2:3 2:0:0");
    assert_int_equal(tokens.n_left_out, 2);
    options.max_tokens = 5; /* no room for one token of the first text beside the second */
    assert_int_equal(sl_tokenizer_encode(t, a, b, &options, s, &tokens), SL_LIMIT);
    options.max_tokens = 1;
    assert_int_equal(sl_tokenizer_encode(t, a, (sl_str){0}, &options, s, &tokens), SL_LIMIT);
    sl_token_scratch_free(s);
    sl_tokenizer_free(t);
}

static void windows_hold_every_token(void **state)
{
    (void)state;
    struct sl_tokenizer *t = load(bert);
    struct sl_token_scratch *s = sl_token_scratch_new(4 << 20);
    struct sl_token_windows w;
    struct sl_tokens tokens;
    struct sl_token_options options = {.max_tokens = 5, .overlap = 1};
    sl_str text = SL_STR("play e play e play e");
    assert_int_equal(sl_token_windows_begin(&w, t, text, (sl_str){0}, &options, s), SL_OK);
    assert_int_equal(w.n_total, 3);
    static const char *const wanted[] = {"1:0:0 3:0:4 6:5:6 3:7:11 2:0:0",
                                         "1:0:0 3:7:11 6:12:13 3:14:18 2:0:0",
                                         "1:0:0 3:14:18 6:19:20 2:0:0"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sl_token_windows_next(&w, &tokens), SL_OK);
        assert_string_equal(shown(&tokens), wanted[i]);
    }
    assert_int_equal(sl_token_windows_next(&w, &tokens), SL_EOF);

    /* The answer whole in each window, the context slides. */
    options = (struct sl_token_options){.max_tokens = 8, .cut = SL_TOKEN_CUT_FIRST};
    assert_int_equal(sl_token_windows_begin(&w, t, text, SL_STR("sep e"), &options, s), SL_OK);
    assert_int_equal(w.n_total, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sl_token_windows_next(&w, &tokens), SL_OK);
        assert_int_equal(tokens.n, 8);
        assert_int_equal(tokens.ids[5], 9);
    }
    options.max_tokens = 5;
    assert_int_equal(sl_token_windows_begin(&w, t, text, SL_STR("sep e"), &options, s), SL_LIMIT);
    options = (struct sl_token_options){.max_tokens = 4, .overlap = 2};
    assert_int_equal(sl_token_windows_begin(&w, t, text, (sl_str){0}, &options, s), SL_LIMIT);
    sl_token_scratch_free(s);
    sl_tokenizer_free(t);
}

static void scratch_has_a_maximum(void **state)
{
    (void)state;
    static char text[200000];
    memset(text, 'a', sizeof text);
    static const char *const files[] = {bert, bytes, sentence, unigram};
    for (size_t i = 0; i < SL_COUNT(files); i++) {
        struct sl_tokenizer *t = load(files[i]);
        struct sl_token_scratch *small = sl_token_scratch_new(8000);
        struct sl_token_scratch *large = sl_token_scratch_new(64 << 20);
        struct sl_tokens tokens;
        sl_str all = sl_str_of(text, sizeof text);
        enum sl_rc rc = sl_tokenizer_encode(t, all, (sl_str){0}, &plain, small, &tokens);
        assert_true(i == 0 ? rc == SL_OK : rc == SL_NOMEM);
        rc = sl_tokenizer_encode(t, all, (sl_str){0}, &plain, large, &tokens);
        assert_int_equal(rc, SL_OK);
        sl_token_scratch_free(small);
        sl_token_scratch_free(large);
        sl_tokenizer_free(t);
    }
}

static void texts_and_ids(void **state)
{
    (void)state;
    struct sl_tokenizer *t = load(bytes);
    assert_int_equal(sl_tokenizer_size(t), 12);
    assert_int_equal(sl_tokenizer_id(t, SL_STR("<|e|>")), 11);
    assert_true(sl_str_eq(sl_tokenizer_text(t, 11), SL_STR("<|e|>")));
    assert_true(sl_str_eq(sl_tokenizer_text(t, 2), SL_STR("\xc4\xa0")));
    assert_null(sl_tokenizer_text(t, 12).p);
    assert_int_equal(sl_tokenizer_id(t, SL_STR("nothing")), UINT32_MAX);
    sl_tokenizer_free(t);
}

static void refusals_name_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *json, *message;
    } cases[] = {
        {"", "expected"},
        {"[]", "an object is expected, found Array"},
        {"{}", "there is no \"model\""},
        {"{\"model\":{\"type\":\"WordLevel\",\"vocab\":{}}}", "model type \"WordLevel\""},
        {"{\"model\":{\"type\":\"WordPiece\",\"vocab\":[]}}", "model.vocab must be an object"},
        {"{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0}}}", "model.unk_token is missing"},
        {"{\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"u\",\"vocab\":{\"a\":0}}}",
         "model.unk_token \"u\" is not in the vocabulary"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a b\"]}}",
         "model.merges[0]: its right side is not in the vocabulary"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":99999999},\"merges\":[]}}", "an id is not"},
        {"{\"model\":{\"type\":\"BPE\",\"dropout\":0.5,\"vocab\":{},\"merges\":[]}}", "dropout"},
        {"{\"model\":{\"type\":\"Unigram\",\"unk_id\":3,\"vocab\":[[\"a\",0]]}}", "model.unk_id 3"},
        {"{\"normalizer\":{\"type\":\"NFX\"},\"model\":{}}",
         "normalizer type \"NFX\" is not supported; did you mean"},
        {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"[a-z]+\"},\"behavior\":"
         "\"Isolated\"},\"model\":{}}",
         "the regular expression \"[a-z]+\" is not among those known"},
        {"{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"ByteLevel\"},"
         "{\"type\":\"Whitespace\"}]},\"model\":{}}",
         "a pre-tokenizer behind ByteLevel (Whitespace)"},
        {"{\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAAA\"},"
         "\"model\":{}}",
         "\"precompiled_charsmap\" is damaged"},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_tokenizer *t;
        struct sl_err err = {0};
        assert_int_not_equal(sl_tokenizer_load(&t, sl_str_from(cases[i].json), &err), SL_OK);
        assert_null(t);
        if (!strstr(err.message, cases[i].message))
            fail_msg("case %zu: \"%s\" lacks \"%s\"", i, err.message, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wordpiece),
        cmocka_unit_test(malformed_bytes_keep_offsets),
        cmocka_unit_test(byte_level),
        cmocka_unit_test(byte_fallback),
        cmocka_unit_test(a_mark_goes_into_a_composed_letter),
        cmocka_unit_test(unigram_takes_the_best_path),
        cmocka_unit_test(control_tokens_in_text_are_text),
        cmocka_unit_test(pairs_and_truncation),
        cmocka_unit_test(windows_hold_every_token),
        cmocka_unit_test(scratch_has_a_maximum),
        cmocka_unit_test(texts_and_ids),
        cmocka_unit_test(refusals_name_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
