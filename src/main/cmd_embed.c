/* sluice embed: vectors of texts, by a model folder or by what a policy names. */
#include "base/clock.h"
#include "codec/json_write.h"
#include "config/config.h"
#include "infer/engine.h"
#include "infer/local.h"
#include "main/options.h"
#include "main/policy_file.h"
#include "route/bank.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_TEXTS       65536
#define MAX_INPUT_BYTES ((size_t)256 << 20)
#define ARENA_MAX_BYTES ((size_t)2 << 30)
#define BATCH           16

struct embedding {
    struct sl_arena arena;
    struct sl_infer infer;
    sl_str *texts;
    uint32_t n;
    uint64_t dimension;
};

/* ---- texts --------------------------------------------------------------------------------- */

static bool read_lines(struct embedding *e)
{
    struct sl_buf in;
    char piece[65536];
    size_t n;
    sl_buf_init(&in, MAX_INPUT_BYTES);
    while ((n = fread(piece, 1, sizeof(piece), stdin)) > 0)
        sl_buf_add(&in, sl_str_of(piece, n));
    sl_str rest = sl_arena_dup(&e->arena, sl_buf_str(&in)), line;
    bool is_whole = sl_buf_rc(&in) == SL_OK && rest.p;
    sl_buf_free(&in);
    while (is_whole && sl_str_split(&rest, '\n', &line)) {
        if (!line.n)
            continue;
        if (e->n == MAX_TEXTS)
            return false;
        e->texts[e->n++] = line;
    }
    return is_whole;
}

static bool collect(struct embedding *e, const struct sl_options *o)
{
    sl_arena_init(&e->arena, NULL, ARENA_MAX_BYTES);
    sl_infer_init(&e->infer, &e->arena, MAX_TEXTS);
    e->texts = SL_NEW_ARRAY(&e->arena, sl_str, MAX_TEXTS);
    for (int i = 0; e->texts && i < o->n_operands && e->n < MAX_TEXTS; i++)
        e->texts[e->n++] = sl_str_from(o->operands[i]);
    if (!e->texts || (!o->n_operands && !read_lines(e)))
        return false;
    for (uint32_t i = 0; i < e->n; i++)
        if (!sl_infer_embed(&e->infer, e->texts[i]))
            return false;
    return true;
}

/* ---- models -------------------------------------------------------------------------------- */

static bool ask_folder(struct embedding *e, const char *folder)
{
    struct sl_local_model *model;
    struct sl_err err = {0};
    const struct sl_local_options options = {0};
    if (sl_local_open(&model, folder, &options, &err) != SL_OK) {
        fprintf(stderr, "sluice embed: %s\n", err.message);
        return false;
    }
    struct sl_local_scratch *scratch = sl_local_scratch_new(model);
    struct sl_local_result results[BATCH];
    sl_str texts[BATCH];
    for (uint32_t from = 0; from < e->infer.n; from += BATCH) {
        uint32_t n = e->infer.n - from < BATCH ? e->infer.n - from : BATCH;
        for (uint32_t i = 0; i < n; i++)
            texts[i] = e->infer.asks[from + i].text;
        sl_local_embed(model, scratch, texts, n, results);
        for (uint32_t i = 0; i < n; i++) {
            float *copy = SL_NEW_ARRAY(&e->arena, float, results[i].vector.n + 1);
            if (results[i].error || !copy) {
                e->infer.asks[from + i].error = "the model failed";
                e->infer.asks[from + i].status = SL_INFER_FAILED;
                continue;
            }
            memcpy(copy, results[i].vector.p, results[i].vector.n * sizeof(float));
            sl_infer_answer(&e->infer, from + i, (struct sl_vector){copy, results[i].vector.n});
            e->infer.asks[from + i].n_tok = results[i].n_tok;
        }
    }
    sl_local_scratch_free(scratch);
    sl_local_close(model);
    return true;
}

static bool ask_policy(struct embedding *e, const char *path)
{
    struct sl_engine *engine = NULL;
    struct sl_err err = {0};
    struct sl_config *config = sl_policy_file_load(path, true);
    if (!config)
        return false;
    enum sl_rc rc = sl_engine_open(&engine, config, NULL, &err);
    if (rc != SL_OK || !engine)
        fprintf(stderr, "sluice embed: %s\n",
                rc != SL_OK                      ? err.message
                : config->global.embedding.lacks ? config->global.embedding.lacks
                                                 : "the policy names no embedding model");
    else
        sl_engine_wait(engine, &e->infer);
    bool is_there = engine != NULL;
    sl_engine_unref(engine);
    sl_config_unref(config);
    return is_there;
}

/* ---- output -------------------------------------------------------------------------------- */

static void put_json(const struct embedding *e, const struct sl_infer_ask *ask,
                     struct sl_vector vector)
{
    struct sl_buf line;
    struct sl_json_writer w;
    (void)e;
    sl_buf_init(&line, MAX_INPUT_BYTES);
    sl_json_writer_init(&w, &line);
    sl_json_open(&w, '{');
    sl_json_key(&w, SL_STR("text"));
    sl_json_put_str(&w, ask->text);
    sl_json_key(&w, SL_STR("tokens"));
    sl_json_put_i64(&w, ask->n_tok);
    sl_json_key(&w, SL_STR("dimension"));
    sl_json_put_i64(&w, vector.n);
    sl_json_key(&w, SL_STR("embedding"));
    sl_json_open(&w, '[');
    for (uint32_t k = 0; k < vector.n; k++)
        sl_json_put_f64(&w, (double)vector.p[k]);
    sl_json_close(&w, ']');
    sl_json_close(&w, '}');
    printf("%.*s\n", SL_FMT(sl_buf_str(&line)));
    sl_buf_free(&line);
}

/* The similarity of every text to the first. */
static void put_row(const struct sl_infer_ask *ask, struct sl_vector first, struct sl_vector vector)
{
    sl_str shown = sl_str_sub(ask->text, 0, 60);
    printf("%8.4f  %6u  %.*s%s\n", (double)sl_vector_dot(first, vector), ask->n_tok, SL_FMT(shown),
           shown.n < ask->text.n ? "..." : "");
}

static int print_all(struct embedding *e, bool is_json, double took_ms)
{
    int status = 0;
    struct sl_vector first = {0};
    if (!is_json && e->n)
        printf("%8s  %6s  %s\n", "to first", "tokens", "text");
    for (uint32_t i = 0; i < e->n; i++) {
        const struct sl_infer_ask *ask = sl_infer_embed(&e->infer, e->texts[i]);
        if (ask->status != SL_INFER_DONE) {
            fprintf(stderr, "sluice embed: \"%.*s\": %s\n", SL_FMT(sl_str_sub(ask->text, 0, 60)),
                    ask->error ? ask->error : "no answer");
            status = 1;
            continue;
        }
        struct sl_vector v = sl_vector_cut(ask->vector, (uint32_t)e->dimension, &e->arena);
        if (!first.p)
            first = v;
        if (is_json)
            put_json(e, ask, v);
        else
            put_row(ask, first, v);
    }
    if (!is_json && first.p)
        printf("%u texts, %u numbers each, %.1f ms\n", e->n, first.n, took_ms);
    return status;
}

static int run(int argc, char **argv)
{
    struct sl_options o;
    struct embedding e = {0};
    int status = sl_options_parse(&o, argc, argv);
    if (status != SL_OPTIONS_RUN)
        return status;
    const char *folder = sl_option(&o, "--model"), *policy = sl_option(&o, "--config");
    if (!folder == !policy)
        return sl_usage_error(&o, "whose vectors? give --model FOLDER or -c FILE");
    if (!sl_option_u64(&o, "--dimension", 1, 65536, &e.dimension))
        return 2;
    if (!collect(&e, &o)) {
        fprintf(stderr, "sluice embed: more than %u texts, or out of memory\n", MAX_TEXTS);
        return 1;
    }
    uint64_t before = sl_clock_ns();
    bool is_asked = folder ? ask_folder(&e, folder) : ask_policy(&e, policy);
    double took_ms = (double)(sl_clock_ns() - before) / 1e6;
    status = is_asked ? print_all(&e, sl_option_is_given(&o, "--json"), took_ms) : 1;
    sl_arena_reset(&e.arena);
    return status;
}

static const struct sl_option options[] = {
    {"--model", 'm', "FOLDER", "a Hugging Face folder: config.json, tokenizer.json, weights"},
    {"--config", 'c', "FILE", "the embedding model of a policy, local or remote"},
    {"--dimension", 'd', "N", "keep the first N numbers (brought to length 1 again)"},
    {"--json", 0, NULL, "one object a text: text, tokens, dimension, embedding"},
    {NULL, 0, NULL, NULL},
};

const struct sl_command sl_command_embed = {
    .name = "embed",
    .summary = "vectors of texts, and how near they are to each other",
    .usage = "sluice embed (--model FOLDER | -c FILE) [TEXT ...]",
    .help = "Embeds texts, or the lines of standard input without any. The table shows how near\n"
            "each is to the first (1: the same direction); --json prints the vectors.\n"
            "\n"
            "  sluice embed -m all-MiniLM-L6-v2 'fix my code' 'debug this' 'a cake'\n"
            "  sluice embed -c policy.yaml --json < texts.txt > vectors.jsonl",
    .options = options,
    .run = run,
};
