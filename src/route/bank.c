/* Banks of examples; see bank.h. Filling is quadratic in the examples of one bank, once a policy.
 */
#include "route/bank.h"

#include "ml/kernel/kernel.h"

#include <math.h>
#include <stdlib.h>

#define MAX_CLUSTERED 4096 /* examples of one bank: 64 MB of similarities for a moment */

float sl_vector_dot(struct sl_vector a, struct sl_vector b)
{
    uint32_t n = a.n < b.n ? a.n : b.n;
    float dot = 0;
    if (n)
        sl_kernels_best()->dot_f32(1, n, a.p, b.p, n, &dot);
    return dot;
}

struct sl_vector sl_vector_cut(struct sl_vector v, uint32_t dimension, struct sl_arena *arena)
{
    if (!dimension || v.n <= dimension)
        return v;
    float *cut = SL_NEW_ARRAY(arena, float, dimension);
    if (!cut)
        return (struct sl_vector){v.p, dimension};
    struct sl_vector front = {v.p, dimension};
    float length = sqrtf(sl_vector_dot(front, front));
    for (uint32_t i = 0; i < dimension; i++)
        cut[i] = length > 0 ? v.p[i] / length : 0;
    return (struct sl_vector){cut, dimension};
}

/* ---- making -------------------------------------------------------------------------------- */

static bool is_known(const sl_str *texts, uint32_t n, sl_str text)
{
    for (uint32_t i = 0; i < n; i++)
        if (sl_str_eq(texts[i], text))
            return true;
    return false;
}

struct sl_bank *sl_bank_new(struct sl_bank **all, struct sl_arena *arena,
                            const struct sl_strs *lists, uint32_t n_lists, uint32_t dimension,
                            const struct sl_prototype_cfg *cfg)
{
    struct sl_bank *bank = SL_NEW(arena, struct sl_bank);
    uint32_t n = 0;
    for (uint32_t l = 0; l < n_lists; l++)
        n += lists[l].n;
    sl_str *texts = SL_NEW_ARRAY(arena, sl_str, n);
    if (!bank || !texts)
        return NULL;
    *bank = (struct sl_bank){.texts = texts, .dimension = dimension, .cfg = cfg, .next = *all};
    for (uint32_t l = 0; l < n_lists; l++)
        for (uint32_t i = 0; i < lists[l].n; i++) {
            sl_str text = lists[l].items[i];
            if (sl_str_trim(text).n && !is_known(texts, bank->n_texts, text))
                texts[bank->n_texts++] = text;
        }
    bank->is_filled = bank->n_texts == 0;
    return *all = bank;
}

/* ---- prototypes ---------------------------------------------------------------------------- */

struct cluster {
    uint32_t medoid;
    uint32_t n_members;
    float mean; /* similarity of the medoid to all members */
    sl_str text;
};

struct clustering {
    const struct sl_bank *bank;
    const struct sl_vector *vectors;
    float *similar;    /* n * n */
    bool *is_taken;    /* by an earlier cluster */
    uint32_t *n_near;  /* of those not taken, itself included */
    uint32_t *members; /* of the cluster at hand */
    struct cluster *clusters;
    uint32_t n, n_clusters;
};

static bool is_near(const struct clustering *c, uint32_t a, uint32_t b)
{
    return a == b ||
           (double)c->similar[(size_t)a * c->n + b] >= c->bank->cfg->cluster_similarity_threshold;
}

static void compare_all(struct clustering *c)
{
    for (uint32_t i = 0; i < c->n; i++)
        for (uint32_t k = 0; k < c->n; k++)
            c->similar[(size_t)i * c->n + k] = sl_vector_dot(c->vectors[i], c->vectors[k]);
    for (uint32_t i = 0; i < c->n; i++)
        for (uint32_t k = 0; k < c->n; k++)
            c->n_near[i] += is_near(c, i, k);
}

/* The seed of the largest cluster among what is left; ties go to the smaller text. */
static uint32_t choose_seed(const struct clustering *c)
{
    uint32_t best = c->n, most = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        if (c->is_taken[i])
            continue;
        uint32_t n = c->n_near[i];
        if (n > most ||
            (n == most && best < c->n && sl_str_cmp(c->bank->texts[i], c->bank->texts[best]) < 0)) {
            most = n;
            best = i;
        }
    }
    return best;
}

static float mean_similarity(const struct clustering *c, uint32_t i, uint32_t n_members)
{
    float sum = 0;
    for (uint32_t k = 0; k < n_members; k++)
        sum += c->members[k] == i ? 1 : c->similar[(size_t)i * c->n + c->members[k]];
    return sum / (float)n_members;
}

static void take_cluster(struct clustering *c, uint32_t seed)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n; i++)
        if (!c->is_taken[i] && is_near(c, seed, i))
            c->members[n++] = i;
    struct cluster *out = &c->clusters[c->n_clusters++];
    *out = (struct cluster){.n_members = n, .mean = -2};
    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = c->members[k];
        float mean = mean_similarity(c, i, n);
        if (mean > out->mean ||
            (mean == out->mean && sl_str_cmp(c->bank->texts[i], out->text) < 0)) {
            out->mean = mean;
            out->medoid = i;
            out->text = c->bank->texts[i];
        }
    }
    for (uint32_t k = 0; k < n; k++) {
        c->is_taken[c->members[k]] = true;
        for (uint32_t i = 0; i < c->n; i++)
            c->n_near[i] -= is_near(c, i, c->members[k]);
    }
}

static int by_weight(const void *a, const void *b)
{
    const struct cluster *x = a, *y = b;
    if (x->n_members != y->n_members)
        return x->n_members > y->n_members ? -1 : 1;
    if (x->mean != y->mean)
        return x->mean > y->mean ? -1 : 1;
    return sl_str_cmp(x->text, y->text);
}

/* Which examples become prototypes, in their order; how many. */
static enum sl_rc choose_prototypes(const struct sl_bank *bank, const struct sl_vector *vectors,
                                    uint32_t *sources, uint32_t *n_sources)
{
    uint32_t n = bank->n_texts;
    struct clustering c = {.bank = bank, .vectors = vectors, .n = n};
    enum sl_rc rc = SL_NOMEM;
    if (n > MAX_CLUSTERED)
        return SL_LIMIT;
    c.similar = malloc((size_t)n * n * sizeof(*c.similar));
    c.is_taken = calloc(n, sizeof(*c.is_taken));
    c.n_near = calloc(n, sizeof(*c.n_near));
    c.members = malloc(n * sizeof(*c.members));
    c.clusters = malloc(n * sizeof(*c.clusters));
    if (!c.similar || !c.is_taken || !c.n_near || !c.members || !c.clusters)
        goto out;
    compare_all(&c);
    for (uint32_t seed; (seed = choose_seed(&c)) < n;)
        take_cluster(&c, seed);
    qsort(c.clusters, c.n_clusters, sizeof(*c.clusters), by_weight);
    *n_sources = c.n_clusters;
    if (bank->cfg->max_prototypes > 0 && bank->cfg->max_prototypes < (int64_t)c.n_clusters)
        *n_sources = (uint32_t)bank->cfg->max_prototypes;
    for (uint32_t i = 0; i < *n_sources; i++)
        sources[i] = c.clusters[i].medoid;
    rc = SL_OK;
out:
    free(c.similar);
    free(c.is_taken);
    free(c.n_near);
    free(c.members);
    free(c.clusters);
    return rc;
}

enum sl_rc sl_bank_fill(struct sl_bank *bank, struct sl_arena *arena,
                        const struct sl_vector *vectors)
{
    uint32_t n = bank->n_texts;
    struct sl_vector *cut = SL_NEW_ARRAY(arena, struct sl_vector, n);
    uint32_t *sources = SL_NEW_ARRAY(arena, uint32_t, n);
    if (!cut || !sources)
        return SL_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        cut[i] = sl_vector_cut(vectors[i], bank->dimension, arena);
        sources[i] = i;
    }
    bank->n = n;
    if (bank->cfg && bank->cfg->enabled && n) {
        enum sl_rc rc = choose_prototypes(bank, cut, sources, &bank->n);
        if (rc != SL_OK)
            return rc;
    }
    bank->n_floats = n ? cut[0].n : 0;
    float *floats = SL_NEW_ARRAY(arena, float, (size_t)bank->n * bank->n_floats);
    if (!floats)
        return SL_NOMEM;
    for (uint32_t i = 0; i < bank->n; i++)
        memcpy(floats + (size_t)i * bank->n_floats, cut[sources[i]].p,
               bank->n_floats * sizeof(float));
    bank->vectors = floats;
    bank->sources = sources;
    bank->kernels = sl_kernels_best();
    bank->is_filled = true;
    return SL_OK;
}

/* ---- scoring ------------------------------------------------------------------------------- */

/* Mean of the m largest; the order of the others is lost. */
static double mean_of_largest(float *all, uint32_t n, uint32_t m)
{
    double sum = 0;
    for (uint32_t i = 0; i < m; i++) {
        uint32_t best = i;
        for (uint32_t k = i + 1; k < n && m < n; k++)
            if (all[k] > all[best])
                best = k;
        float t = all[i];
        all[i] = all[best];
        all[best] = t;
        sum += all[i];
    }
    return sum / m;
}

struct sl_bank_score sl_bank_score(const struct sl_bank *bank, struct sl_vector query, bool is_mean,
                                   float *scratch)
{
    struct sl_bank_score out = {0};
    uint32_t n = bank->n, best = 0;
    if (!n)
        return out;
    uint32_t d = bank->n_floats < query.n ? bank->n_floats : query.n;
    bank->kernels->dot_f32(n, d, query.p, bank->vectors, bank->n_floats, scratch);
    for (uint32_t i = 1; i < n; i++)
        if (scratch[i] > scratch[best])
            best = i;
    int64_t m = bank->cfg && !is_mean ? bank->cfg->top_m : 0;
    double weight = is_mean || !bank->cfg ? 0 : bank->cfg->best_weight;
    if (weight <= 0 && !is_mean)
        weight = 0.75;
    out.best = scratch[best];
    out.nearest = bank->texts[bank->sources[best]];
    out.support = mean_of_largest(scratch, n, m <= 0 || m > n ? n : (uint32_t)m);
    out.score = weight * out.best + (1 - weight) * out.support;
    return out;
}
