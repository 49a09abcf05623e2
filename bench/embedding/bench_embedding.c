/*
 * Signals over embeddings, without the model: what a policy of 20 rules with 10 examples each costs
 * when the vector of the text (384 numbers, as MiniLM's) is there. CPU time, best of five batches;
 * beside it the bare products of that vector with all examples.
 */
#include "config/config.h"
#include "route/bank.h"
#include "route/policy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N_RULES    20
#define N_EXAMPLES 10
#define DIMENSION  384
#define BAR_US     5.0
#define ROUNDS     20000

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static float *random_vector(void)
{
    float *v = malloc(DIMENSION * sizeof(float));
    float sum = 0;
    for (int i = 0; v && i < DIMENSION; i++) {
        v[i] = (float)rand() / (float)RAND_MAX - 0.5f;
        sum += v[i] * v[i];
    }
    for (int i = 0; v && i < DIMENSION; i++)
        v[i] /= sqrtf(sum);
    return v;
}

static void answer(struct sl_infer *infer)
{
    for (uint32_t i = 0; i < infer->n; i++)
        if (infer->asks[i].status == SL_INFER_OPEN)
            sl_infer_answer(infer, i, (struct sl_vector){random_vector(), DIMENSION});
}

static sl_str write_policy(struct sl_arena *arena)
{
    struct sl_buf out;
    sl_buf_init(&out, 1 << 20);
    sl_buf_add(&out, SL_STR("version: v0.3\n"
                            "listeners: [{name: l, address: 127.0.0.1, port: 8801}]\n"
                            "providers: {defaults: {default_model: m}, models: [{name: m,\n"
                            "  backend_refs: [{name: b, endpoint: '127.0.0.1:9'}]}]}\n"
                            "global: {model_catalog: {embeddings: {semantic: {\n"
                            "  endpoint: {base_url: 'http://127.0.0.1:9', model: stub},\n"
                            "  embedding_config: {backend: openai_compatible,\n"
                            "    model_type: remote, target_dimension: 384,\n"
                            "    prototype_scoring: {max_prototypes: 10}}}}}}\n"
                            "routing:\n"
                            "  modelCards: [{name: m}]\n"
                            "  decisions:\n"));
    for (int r = 0; r < N_RULES; r++)
        sl_buf_printf(
            &out,
            "  - {name: d%d, priority: %d, modelRefs: [{model: m}], rules: {operator: OR,\n"
            "     conditions: [{type: embedding, name: r%d}]}}\n",
            r, r, r);
    sl_buf_add(&out, SL_STR("  signals:\n    embeddings:\n"));
    for (int r = 0; r < N_RULES; r++) {
        sl_buf_printf(&out, "    - {name: r%d, threshold: 0.4, candidates: [", r);
        for (int k = 0; k < N_EXAMPLES; k++)
            sl_buf_printf(&out, "%sexample %d of rule %d", k ? ", " : "", k, r);
        sl_buf_add(&out, SL_STR("]}\n"));
    }
    sl_str text = sl_arena_dup(arena, sl_buf_str(&out));
    sl_buf_free(&out);
    return text;
}

static struct sl_config *load(struct sl_arena *arena)
{
    struct sl_config *config;
    struct sl_diags diags;
    struct sl_infer infer;
    struct sl_err err = {0};
    const struct sl_load_options options = {.name = SL_STR("bench")};
    sl_diags_init(&diags, arena, 10);
    sl_infer_init(&infer, arena, 10000);
    if (sl_config_load_text(&config, write_policy(arena), &options, &diags) != SL_OK ||
        sl_policy_compile(config, &diags) != SL_OK) {
        fprintf(stderr, "%.*s\n", SL_FMT(diags.items[0].message));
        exit(1);
    }
    if (sl_policy_ask(config, &infer) != SL_OK)
        exit(1);
    answer(&infer);
    if (sl_policy_learn(config, &infer, &err) != SL_OK)
        exit(1);
    return config;
}

/* One request whose vector is there; the time includes everything that routing does. */
static void route_once(const struct sl_config *config, struct sl_vector query,
                       struct sl_scratch *scratch, struct sl_arena *arena)
{
    const sl_str text = SL_STR("write a function that parses dates");
    const struct sl_facts facts = {.current = text, .eval = text, .has_message_facts = true};
    struct sl_infer infer;
    struct sl_verdict verdict;
    sl_infer_init(&infer, arena, SL_INFER_MAX_ASKS);
    const struct sl_route_options options = {.infer = &infer};
    if (sl_route(config, SL_STR("auto"), &facts, &options, scratch, arena, &verdict) != SL_AGAIN)
        exit(1);
    sl_infer_answer(&infer, 0, query);
    if (sl_route_resume(config, SL_STR("auto"), scratch, &verdict) != SL_OK)
        exit(1);
    sl_arena_reset(arena);
}

int main(void)
{
    struct sl_arena kept, arena;
    struct sl_arena_pool pool;
    srand(5);
    sl_arena_init(&kept, NULL, 256 << 20);
    sl_arena_pool_init(&pool, 64);
    sl_arena_init(&arena, &pool, 16 << 20);
    struct sl_config *config = load(&kept);
    struct sl_scratch *scratch = sl_scratch_new();
    struct sl_vector query = {random_vector(), DIMENSION}, examples[N_RULES * N_EXAMPLES];
    for (int i = 0; i < N_RULES * N_EXAMPLES; i++)
        examples[i] = (struct sl_vector){random_vector(), DIMENSION};
    double ours = 1e30, limit = 1e30;
    float sum = 0;
    for (int batch = 0; batch < 5; batch++) {
        double begin = cpu_us();
        for (int i = 0; i < ROUNDS; i++)
            route_once(config, query, scratch, &arena);
        double took = (cpu_us() - begin) / ROUNDS;
        ours = took < ours ? took : ours;
        begin = cpu_us();
        for (int i = 0; i < ROUNDS; i++)
            for (int k = 0; k < N_RULES * N_EXAMPLES; k++)
                sum += sl_vector_dot(examples[k], query);
        took = (cpu_us() - begin) / ROUNDS;
        limit = took < limit ? took : limit;
    }
    printf("20 rules x 10 examples, %d numbers: %.2f us a request (bar %.0f), the bare products "
           "%.2f us, ratio %.1f%s\n",
           DIMENSION, ours, BAR_US, limit, ours / limit, sum == 12345 ? "!" : "");
    return 0;
}
