/* What holds of every run: packing several sequences changes nothing, lanes change nothing, bad
 * input and damaged weights are told, packed files are kept, refused when they lie, made anew. */
#include "unit.h"

#include "support/encoder_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct sl_sequences one(const struct encoder_case *c, uint32_t i, uint32_t starts[2])
{
    starts[0] = 0;
    starts[1] = c->starts[i + 1] - c->starts[i];
    return (struct sl_sequences){c->ids + c->starts[i], c->types ? c->types + c->starts[i] : NULL,
                                 starts, 1};
}

static void neighbours_change_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"bert_embedding", "modernbert_embedding", "qwen3_embedding",
                                        "gemma3_embedding", "deberta"};
    static const enum sl_dtype precisions[] = {SL_DTYPE_F32, SL_DTYPE_BF16, SL_DTYPE_I8};
    for (size_t k = 0; k < SL_COUNT(names) * SL_COUNT(precisions); k++) {
        struct encoder_case c;
        encoder_case_open(&c, names[k % SL_COUNT(names)]);
        struct sl_encoder *e = encoder_case_encoder(&c, precisions[k / SL_COUNT(names)], NULL);
        struct sl_encoder_scratch *s = sl_encoder_scratch_new(e, c.n_tokens, 1);
        uint32_t d = sl_encoder_info(e).embedding_dim, starts[2];
        float *all = calloc(c.n_sequences * d, sizeof(float)), *single = calloc(d, sizeof(float));
        struct sl_sequences in = encoder_case_sequences(&c);
        struct sl_err err = {0};
        assert_int_equal(sl_encoder_embed(e, &in, NULL, s, all, &err), SL_OK);
        for (uint32_t i = 0; i < c.n_sequences; i++) {
            struct sl_sequences alone = one(&c, i, starts);
            assert_int_equal(sl_encoder_embed(e, &alone, NULL, s, single, &err), SL_OK);
            double dot = 0, norm = 0;
            for (uint32_t j = 0; j < d; j++) {
                dot += (double)single[j] * all[i * d + j];
                norm += (double)single[j] * single[j];
            }
            if (!(dot > 0.9999) || fabs(sqrt(norm) - 1) > 1e-3)
                fail_msg("%s sequence %u: %f, norm %f", c.name, i, dot, norm);
        }
        free(all);
        free(single);
        sl_encoder_scratch_free(s);
        sl_encoder_close(e);
        encoder_case_close(&c);
    }
}

/* All lanes in one run answer as each alone. */
static void lanes_together(void **state)
{
    (void)state;
    struct encoder_case c;
    encoder_case_open(&c, "lora_modernbert");
    struct sl_encoder *e = encoder_case_encoder(&c, SL_DTYPE_F32, NULL);
    struct sl_encoder_scratch *s = sl_encoder_scratch_new(e, c.n_tokens, 3);
    struct sl_sequences in = encoder_case_sequences(&c);
    struct sl_err err = {0};
    float together[3][64], alone[64];
    struct sl_lane lanes[] = {{0, together[0]}, {SL_NO_ADAPTER, together[1]}, {1, together[2]}};
    uint32_t n = c.n_sequences * sl_encoder_head(e, 0).n_labels;
    assert_true(n <= 64);
    assert_int_equal(sl_encoder_logits(e, &in, lanes, 3, s, &err), SL_OK);
    for (int l = 0; l < 3; l++) {
        struct sl_lane lane = {lanes[l].adapter, alone};
        assert_int_equal(sl_encoder_logits(e, &in, &lane, 1, s, &err), SL_OK);
        for (uint32_t i = 0; i < n; i++)
            assert_true(fabsf(alone[i] - together[l][i]) < 1e-5f);
    }
    lanes[0].adapter = 7;
    assert_int_equal(sl_encoder_logits(e, &in, lanes, 3, s, &err), SL_INVALID);
    sl_encoder_scratch_free(s);
    sl_encoder_close(e);
    encoder_case_close(&c);
}

static void limits(void **state)
{
    (void)state;
    struct encoder_case c;
    encoder_case_open(&c, "bert_embedding");
    struct sl_encoder *e = encoder_case_encoder(&c, SL_DTYPE_F32, NULL);
    struct sl_encoder_scratch *s = sl_encoder_scratch_new(e, 100, 1);
    uint32_t ids[101] = {0}, starts[3] = {0, 65, 65};
    float out[3 * 48];
    struct sl_err err = {0};
    struct sl_sequences in = {ids, NULL, starts, 1};
    assert_int_equal(sl_encoder_info(e).max_tokens, 64);
    assert_int_equal(sl_encoder_embed(e, &in, NULL, s, out, &err), SL_LIMIT);
    assert_non_null(strstr(err.message, "65 tokens, the encoder takes 64"));
    starts[1] = 64, starts[2] = 101, in.n = 2;
    assert_int_equal(sl_encoder_embed(e, &in, NULL, s, out, &err), SL_LIMIT);
    assert_non_null(strstr(err.message, "the scratch is for 100"));
    starts[1] = 3, starts[2] = 2;
    assert_int_equal(sl_encoder_embed(e, &in, NULL, s, out, &err), SL_INVALID);
    starts[1] = 3, starts[2] = 3; /* the second has no tokens */
    assert_int_equal(sl_encoder_embed(e, &in, NULL, s, out, &err), SL_OK);
    for (int j = 0; j < 48; j++)
        assert_true(out[48 + j] == 0);
    ids[1] = 97;
    assert_int_equal(sl_encoder_embed(e, &in, NULL, s, out, &err), SL_INVALID);
    assert_non_null(strstr(err.message, "token id 97"));
    ids[1] = 0;
    uint8_t types[3] = {0, 2, 0};
    in.types = types;
    assert_int_equal(sl_encoder_embed(e, &in, NULL, s, out, &err), SL_INVALID);
    in.types = NULL;
    struct sl_embed_options o = {.layer = 4};
    assert_int_equal(sl_encoder_embed(e, &in, &o, s, out, &err), SL_INVALID);
    o = (struct sl_embed_options){.dim = 49};
    assert_int_equal(sl_encoder_embed(e, &in, &o, s, out, &err), SL_INVALID);
    struct sl_lane lane = {SL_NO_ADAPTER, out};
    in.n = 1;
    assert_int_equal(sl_encoder_logits(e, &in, &lane, 1, s, &err), SL_UNSUPPORTED);
    in.n = 0;
    assert_int_equal(sl_encoder_embed(e, &in, NULL, s, out, &err), SL_OK);
    sl_encoder_scratch_free(s);
    sl_encoder_close(e);
    encoder_case_close(&c);
}

static void damaged_weights_are_no_verdict(void **state)
{
    (void)state;
    static const enum sl_dtype precisions[] = {SL_DTYPE_F32, SL_DTYPE_BF16, SL_DTYPE_I8};
    static const char *const parts[] = {"layers.2.mlp.Wo", "classifier.weight", "norm"};
    for (size_t k = 0; k < SL_COUNT(precisions) * SL_COUNT(parts); k++) {
        struct encoder_case c;
        encoder_case_open(&c, "modernbert_sequence_mean");
        encoder_case_spoil(&c, parts[k % SL_COUNT(parts)], NAN);
        struct sl_encoder *e = encoder_case_encoder(&c, precisions[k / SL_COUNT(parts)], NULL);
        struct sl_encoder_scratch *s = sl_encoder_scratch_new(e, c.n_tokens, 1);
        struct sl_sequences in = encoder_case_sequences(&c);
        float logits[64];
        struct sl_lane lane = {SL_NO_ADAPTER, logits};
        struct sl_err err = {0};
        assert_int_equal(sl_encoder_logits(e, &in, &lane, 1, s, &err), SL_INVALID);
        assert_non_null(strstr(err.message, "damaged"));
        sl_encoder_scratch_free(s);
        sl_encoder_close(e);
        encoder_case_close(&c);
    }
}

static struct sl_encoder *open_packed(const struct encoder_case *c, const char *path)
{
    struct sl_encoder *e;
    struct sl_err err = {0};
    struct sl_encoder_options o = {.precision = SL_DTYPE_I8, .pack_path = path};
    if (sl_encoder_open(&e, c->folder, &o, &err) != SL_OK)
        fail_msg("%s", err.message);
    return e;
}

static void first_value(const struct encoder_case *c, const struct sl_encoder *e, float *out)
{
    struct sl_encoder_scratch *s = sl_encoder_scratch_new(e, c->n_tokens, 1);
    float *all = calloc(c->n_sequences * sl_encoder_info(e).embedding_dim, sizeof(float));
    struct sl_sequences in = encoder_case_sequences(c);
    struct sl_err err = {0};
    assert_int_equal(sl_encoder_embed(e, &in, NULL, s, all, &err), SL_OK);
    *out = all[0];
    free(all);
    sl_encoder_scratch_free(s);
}

static void change_byte(const char *path, long at)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    int byte = fgetc(f);
    fseek(f, at, at < 0 ? SEEK_END : SEEK_SET);
    fputc(byte ^ 0x40, f);
    fclose(f);
}

static void packed_files(void **state)
{
    (void)state;
    struct encoder_case c;
    encoder_case_open(&c, "bert_embedding");
    char path[128];
    snprintf(path, sizeof(path), "%s/weights.pack", c.folder);
    float fresh, kept;
    struct sl_encoder *e = open_packed(&c, path);
    assert_false(sl_encoder_info(e).was_packed_before);
    assert_string_equal(sl_encoder_info(e).note, "");
    first_value(&c, e, &fresh);
    sl_encoder_close(e);
    e = open_packed(&c, path);
    assert_true(sl_encoder_info(e).was_packed_before);
    first_value(&c, e, &kept);
    assert_true(fresh == kept);
    sl_encoder_close(e);

    /* Header, directory, weights: whatever changed, the file is made anew and says so. */
    static const long places[] = {0, 9, 40, 200, 2000, -40};
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    for (size_t i = 0; i < SL_COUNT(places) + 2; i++) {
        if (i < SL_COUNT(places))
            change_byte(path, places[i] == -40 ? st.st_size * 9 / 10 : places[i]);
        else
            assert_int_equal(truncate(path, i == SL_COUNT(places) ? 20 : st.st_size - 64), 0);
        e = open_packed(&c, path);
        if (sl_encoder_info(e).was_packed_before || !strstr(sl_encoder_info(e).note, "packed anew"))
            fail_msg("change %zu was not seen: \"%s\"", i, sl_encoder_info(e).note);
        first_value(&c, e, &kept);
        assert_true(fresh == kept);
        sl_encoder_close(e);
    }
    /* Other sources. */
    encoder_case_spoil(&c, "pooler", 0.5f);
    e = open_packed(&c, path);
    assert_non_null(strstr(sl_encoder_info(e).note, "other sources"));
    sl_encoder_close(e);
    /* Nowhere to write. */
    snprintf(path, sizeof(path), "%s/none/weights.pack", c.folder);
    e = open_packed(&c, path);
    assert_non_null(strstr(sl_encoder_info(e).note, "kept in memory"));
    first_value(&c, e, &kept);
    assert_true(fresh == kept);
    sl_encoder_close(e);
    encoder_case_close(&c);
}

static void bad_folders(void **state)
{
    (void)state;
    struct encoder_case c;
    struct sl_encoder *e;
    struct sl_err err = {0};
    char path[128];
    assert_int_equal(sl_encoder_open(&e, "/tmp/no-such-folder", NULL, &err), SL_NOTFOUND);
    encoder_case_open(&c, "bert");
    snprintf(path, sizeof(path), "%s/model.safetensors", c.folder);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - 100), 0);
    assert_int_equal(sl_encoder_open(&e, c.folder, NULL, &err), SL_INVALID);
    assert_non_null(strstr(err.message, "cut"));
    unlink(path);
    assert_int_equal(sl_encoder_open(&e, c.folder, NULL, &err), SL_NOTFOUND);
    assert_null(e);
    encoder_case_close(&c);

    /* The weights of one family under the config of another. */
    struct encoder_case other;
    encoder_case_open(&c, "bert");
    encoder_case_open(&other, "modernbert");
    snprintf(path, sizeof(path), "%s/config.json", other.folder);
    char to[128];
    snprintf(to, sizeof(to), "%s/config.json", c.folder);
    assert_int_equal(rename(path, to), 0);
    assert_int_equal(sl_encoder_open(&e, c.folder, NULL, &err), SL_INVALID);
    assert_non_null(strstr(err.message, "tok_embeddings"));
    encoder_case_close(&c);
    encoder_case_close(&other);
}

static void probabilities(void **state)
{
    (void)state;
    float x[] = {1, 1, 1000, 0, 0, 0};
    sl_probabilities(SL_PROBLEM_SINGLE, 2, 3, x);
    assert_true(x[0] == 0 && x[2] == 1 && fabsf(x[3] - 1.0f / 3) < 1e-6f);
    float y[] = {0, 100, -100};
    sl_probabilities(SL_PROBLEM_MULTI, 1, 3, y);
    assert_true(y[0] == 0.5f && y[1] == 1 && y[2] < 1e-30f);
}

static void put_beside(const char *folder, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* Adapters of texts and of tokens over one base, with labels of their own. */
static void adapters_are_their_own_tasks(void **state)
{
    (void)state;
    struct encoder_case c;
    encoder_case_open(&c, "lora_mixed_bert");
    put_beside(c.adapters[1], "label_mapping.json",
               "{\"label_to_id\":{\"a\":0,\"b\":1,\"c\":2,\"d\":3}}");
    struct sl_encoder *e = encoder_case_encoder(&c, SL_DTYPE_F32, NULL);
    assert_int_equal(sl_encoder_head(e, SL_NO_ADAPTER).kind, SL_HEAD_NONE);
    struct sl_head_info tokens = sl_encoder_head(e, 0), text = sl_encoder_head(e, 1);
    assert_int_equal(tokens.kind, SL_HEAD_TOKENS);
    assert_int_equal(tokens.n_labels, 5);
    assert_string_equal(tokens.labels->names[4].p, "LABEL_4");
    assert_int_equal(text.kind, SL_HEAD_SEQUENCE);
    assert_int_equal(text.n_labels, 4);
    assert_string_equal(text.labels->names[2].p, "c");
    sl_encoder_close(e);

    put_beside(c.adapters[1], "label_mapping.json", "{\"label_to_id\":{\"a\":0,\"b\":1}}");
    struct sl_encoder_options o = {.adapters = c.adapter_names, .n_adapters = c.n_adapters};
    struct sl_err err = {0};
    assert_int_equal(sl_encoder_open(&e, c.folder, &o, &err), SL_INVALID);
    assert_non_null(strstr(err.message, "2 labels, the classifier has 4 rows"));
    put_beside(c.adapters[1], "label_mapping.json", "{\"label_to_id\":{\"a\":0,\"b\":2}}");
    assert_int_equal(sl_encoder_open(&e, c.folder, &o, &err), SL_INVALID);
    encoder_case_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(neighbours_change_nothing),
                                       cmocka_unit_test(lanes_together),
                                       cmocka_unit_test(limits),
                                       cmocka_unit_test(damaged_weights_are_no_verdict),
                                       cmocka_unit_test(packed_files),
                                       cmocka_unit_test(bad_folders),
                                       cmocka_unit_test(probabilities),
                                       cmocka_unit_test(adapters_are_their_own_tasks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
