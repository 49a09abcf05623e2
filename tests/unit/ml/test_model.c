/* Texts through a whole model: small random encoders with a vocabulary of letters. Windows cover
 * long texts, offsets are the text's own bytes, control tokens in a text are text, empty and odd
 * texts are answered. */
#include "unit.h"

#include "support/encoder_case.h"

#include "ml/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* [PAD] [UNK] [CLS] [SEP], a-z, ##a-##z and some marks: 64 ids of the 97. */
static void put_tokenizer(const char *folder)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/tokenizer.json", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[");
    static const char *const specials[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]"};
    for (int i = 0; i < 4; i++)
        fprintf(f,
                "%s{\"id\":%d,\"content\":\"%s\",\"single_word\":false,\"lstrip\":false,"
                "\"rstrip\":false,\"normalized\":false,\"special\":true}",
                i ? "," : "", i, specials[i]);
    fprintf(f,
            "],\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,"
            "\"handle_chinese_chars\":true,\"strip_accents\":null,\"lowercase\":true},"
            "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"post_processor\":{"
            "\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"[CLS]\","
            "\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"SpecialToken\":{"
            "\"id\":\"[SEP]\",\"type_id\":0}}],\"pair\":[{\"SpecialToken\":{\"id\":\"[CLS]\","
            "\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"SpecialToken\":{"
            "\"id\":\"[SEP]\",\"type_id\":0}},{\"Sequence\":{\"id\":\"B\",\"type_id\":1}},{"
            "\"SpecialToken\":{\"id\":\"[SEP]\",\"type_id\":1}}],\"special_tokens\":{"
            "\"[CLS]\":{\"id\":\"[CLS]\",\"ids\":[2],\"tokens\":[\"[CLS]\"]},\"[SEP]\":{"
            "\"id\":\"[SEP]\",\"ids\":[3],\"tokens\":[\"[SEP]\"]}}},\"decoder\":null,\"model\":{"
            "\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":\"##\","
            "\"max_input_chars_per_word\":100,\"vocab\":{");
    for (int i = 0; i < 4; i++)
        fprintf(f, "%s\"%s\":%d", i ? "," : "", specials[i], i);
    for (int i = 0; i < 26; i++)
        fprintf(f, ",\"%c\":%d,\"##%c\":%d", 'a' + i, 4 + i, 'a' + i, 30 + i);
    fprintf(f, ",\"[\":56,\"]\":57,\".\":58,\"@\":59}}}");
    fclose(f);
}

struct fixture {
    struct encoder_case c;
    struct sl_model *m;
    struct sl_model_scratch *s;
};

static void open_model(struct fixture *f, const char *name, uint32_t window)
{
    struct sl_err err = {0};
    encoder_case_open(&f->c, name);
    put_tokenizer(f->c.folder);
    struct sl_model_options o = {.encoder = {.precision = SL_DTYPE_F32,
                                             .adapters = f->c.adapter_names,
                                             .n_adapters = f->c.n_adapters},
                                 .window_tokens = window};
    if (sl_model_open(&f->m, f->c.folder, &o, &err) != SL_OK)
        fail_msg("%s", err.message);
    f->s = sl_model_scratch_new(f->m, 3);
    assert_non_null(f->s);
}

static void close_model(struct fixture *f)
{
    sl_model_scratch_free(f->s);
    sl_model_close(f->m);
    encoder_case_close(&f->c);
}

static void embeddings(void **state)
{
    (void)state;
    struct fixture f;
    open_model(&f, "modernbert_embedding", 32);
    static char many[3000];
    for (size_t i = 0; i + 1 < sizeof(many); i++)
        many[i] = i % 7 == 6 ? ' ' : (char)('a' + i % 26);
    const sl_str texts[] = {SL_STR("hello world"), SL_STR(""),
                            sl_str_from(many),     SL_STR("[SEP]"),
                            SL_STR("\xff\xfe ok"), SL_STR("hello world"),
                            SL_STR("hello worlds")};
    enum { N = SL_COUNT(texts), D = 48 };
    float all[N * D], single[D];
    uint32_t of_texts[N] = {0}, n_tokens = 0;
    struct sl_err err = {0};
    assert_int_equal(sl_model_embed(f.m, texts, N, NULL, f.s, all, of_texts, &err), SL_OK);
    for (uint32_t i = 0; i < N; i++)
        n_tokens += of_texts[i];
    assert_true(n_tokens > sizeof(many) * 6 / 7); /* every letter is a token, nothing is cut */
    for (uint32_t i = 0; i < N; i++) {
        double dot = 0, norm = 0;
        assert_int_equal(sl_model_embed(f.m, &texts[i], 1, NULL, f.s, single, NULL, &err), SL_OK);
        for (int j = 0; j < D; j++) {
            dot += (double)single[j] * all[i * D + (uint32_t)j];
            norm += (double)single[j] * single[j];
        }
        assert_true(fabs(dot - 1) < 1e-4 && fabs(norm - 1) < 1e-4);
    }
    assert_memory_equal(all, all + 5 * D, sizeof(single));
    assert_memory_not_equal(all, all + 6 * D, sizeof(single));
    assert_memory_not_equal(all + D, all + 3 * D, sizeof(single)); /* "[SEP]" is no template */
    struct sl_embed_options o = {.dim = 500};
    assert_int_equal(sl_model_embed(f.m, texts, 1, &o, f.s, all, NULL, &err), SL_INVALID);
    close_model(&f);
}

static void verdicts(void **state)
{
    (void)state;
    struct fixture f;
    open_model(&f, "lora_bert", 32);
    static char many[400];
    memset(many, 'q', sizeof(many));
    for (size_t i = 5; i < sizeof(many); i += 6)
        many[i] = ' ';
    float mean[3][3], most[3][3], alone[3];
    struct sl_model_verdict v[] = {
        {SL_NO_ADAPTER, mean[0], most[0]}, {0, mean[1], most[1]}, {1, mean[2], NULL}};
    uint32_t n_windows;
    struct sl_err err = {0};
    assert_int_equal(sl_model_classify(f.m, sl_str_of(many, sizeof(many)), SL_STR("pair"), v, 3,
                                       f.s, &n_windows, &err),
                     SL_OK);
    assert_true(n_windows > 8);
    for (int i = 0; i < 3; i++) {
        float sum = mean[i][0] + mean[i][1] + mean[i][2];
        assert_true(fabsf(sum - 1) < 1e-4f);
        for (int j = 0; j < 3 && i < 2; j++)
            assert_true(most[i][j] >= mean[i][j] - 1e-6f);
        struct sl_model_verdict one = {v[i].adapter, alone, NULL};
        assert_int_equal(sl_model_classify(f.m, sl_str_of(many, sizeof(many)), SL_STR("pair"), &one,
                                           1, f.s, NULL, &err),
                         SL_OK);
        for (int j = 0; j < 3; j++)
            assert_true(fabsf(alone[j] - mean[i][j]) < 1e-5f);
    }
    assert_int_equal(
        sl_model_classify(f.m, SL_STR(""), (sl_str){NULL, 0}, v, 1, f.s, &n_windows, &err), SL_OK);
    assert_int_equal(n_windows, 1);
    struct sl_span spans[4];
    uint32_t n;
    assert_int_equal(sl_model_spans(f.m, SL_NO_ADAPTER, SL_STR("x"), f.s, spans, &n, 4, &err),
                     SL_UNSUPPORTED);
    /* A pair that leaves no room. */
    assert_int_equal(
        sl_model_classify(f.m, SL_STR("x"), sl_str_of(many, sizeof(many)), v, 1, f.s, NULL, &err),
        SL_LIMIT);
    close_model(&f);
}

static void entities(void **state)
{
    (void)state;
    struct fixture f;
    open_model(&f, "bert_tokens", 16);
    static const char text[] = "one t\xc3\xa9xt of many words. and @ more of them to slide over";
    struct sl_span spans[64];
    uint32_t n;
    struct sl_err err = {0};
    assert_int_equal(
        sl_model_spans(f.m, SL_NO_ADAPTER, sl_str_from(text), f.s, spans, &n, 64, &err), SL_OK);
    for (uint32_t i = 0; i < n; i++) {
        assert_true(spans[i].from < spans[i].to && spans[i].to < sizeof(text));
        assert_true(i == 0 || spans[i - 1].from <= spans[i].from);
        assert_true(spans[i].confidence > 0 && spans[i].confidence <= 1);
        assert_true((text[spans[i].from] & 0xc0) != 0x80); /* never inside a character */
    }
    assert_true(n > 0);
    uint32_t fewer;
    assert_int_equal(
        sl_model_spans(f.m, SL_NO_ADAPTER, sl_str_from(text), f.s, spans, &fewer, 1, &err),
        n > 1 ? SL_LIMIT : SL_OK);
    close_model(&f);
}

static void label_maps(void **state)
{
    (void)state;
    struct encoder_case c;
    struct sl_model *m;
    struct sl_err err = {0};
    encoder_case_open(&c, "bert_sequence");
    struct sl_model_options o = {.encoder = {.precision = SL_DTYPE_F32}};
    assert_int_equal(sl_model_open(&m, c.folder, &o, &err), SL_NOTFOUND); /* no tokenizer.json */
    assert_non_null(strstr(err.message, "tokenizer.json"));
    put_tokenizer(c.folder);
    char path[128];
    snprintf(path, sizeof(path), "%s/map.json", c.folder);
    o.label_map = path;
    FILE *out = fopen(path, "w");
    fputs("{\"label_to_idx\":{\"x\":0,\"y\":1}}", out);
    fclose(out);
    assert_int_equal(sl_model_open(&m, c.folder, &o, &err), SL_INVALID);
    assert_non_null(strstr(err.message, "2 labels, the classifier has 3"));
    out = fopen(path, "w");
    fputs("{\"label_to_idx\":{\"x\":0,\"y\":1,\"z\":2}}", out);
    fclose(out);
    assert_int_equal(sl_model_open(&m, c.folder, &o, &err), SL_OK);
    assert_int_equal(sl_labels_index(sl_model_labels(m, SL_NO_ADAPTER), SL_STR("z")), 2);
    sl_model_close(m);
    encoder_case_close(&c);
}

/* Bounded work is asked for, and told: nothing of such a text is run. */
static void too_many_windows(void **state)
{
    (void)state;
    struct encoder_case c;
    struct sl_model *m;
    struct sl_err err = {0};
    encoder_case_open(&c, "bert_embedding");
    put_tokenizer(c.folder);
    struct sl_model_options o = {.window_tokens = 16, .max_windows = 3};
    assert_int_equal(sl_model_open(&m, c.folder, &o, &err), SL_OK);
    struct sl_model_scratch *s = sl_model_scratch_new(m, 1);
    char text[200];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i % 2 ? ' ' : 'a';
    float v[48];
    sl_str fits = sl_str_of(text, 60), long_one = sl_str_of(text, sizeof(text));
    if (sl_model_embed(m, &fits, 1, NULL, s, v, NULL, &err) != SL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(sl_model_embed(m, &long_one, 1, NULL, s, v, NULL, &err), SL_LIMIT);
    assert_non_null(strstr(err.message, "windows, at most 3 are run"));
    sl_model_scratch_free(s);
    sl_model_close(m);
    encoder_case_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(embeddings), cmocka_unit_test(verdicts),
                                       cmocka_unit_test(entities), cmocka_unit_test(label_maps),
                                       cmocka_unit_test(too_many_windows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
