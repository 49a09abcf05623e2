/*
 * Sentence scores. A sentence becomes a sparse vector of term frequencies, sorted by term number;
 * cosine similarities are merges of two such vectors. n <= 500 sentences, so the similarity matrix
 * is at most 1 MB of floats.
 */
#include "match/compress_score.h"

#include "base/map.h"
#include "base/unicode.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>

struct term {
    uint32_t id;
    float tf;
};

struct vector {
    struct term *terms; /* ascending id */
    uint32_t n;
    double norm;
};

struct bag { /* the terms of one sentence while it is read */
    struct sl_map *ids;
    struct sl_arena *arena;
    uint32_t *list;
    uint32_t n, cap;
    bool is_out_of_memory;
};

static void add_term(struct bag *b, sl_str term)
{
    uint64_t id;
    if (!sl_map_get(b->ids, term, &id)) {
        id = b->ids->n;
        if (sl_map_put(b->ids, term, id) != SL_OK)
            b->is_out_of_memory = true;
    }
    if (b->n == b->cap) {
        uint32_t cap = b->cap ? b->cap * 2 : 64;
        uint32_t *grown = SL_NEW_ARRAY(b->arena, uint32_t, cap);
        if (!grown) {
            b->is_out_of_memory = true;
            return;
        }
        if (b->n)
            memcpy(grown, b->list, b->n * sizeof *grown);
        b->list = grown;
        b->cap = cap;
    }
    b->list[b->n++] = (uint32_t)id;
}

static sl_str lower(struct bag *b, sl_str word)
{
    char *to = sl_arena_alloc_aligned(b->arena, word.n * 2 + 4, 1);
    if (!to) {
        b->is_out_of_memory = true;
        return word;
    }
    size_t n = 0;
    unsigned step;
    for (size_t at = 0; at < word.n; at += step)
        n += sl_utf8_encode(sl_unicode_lower(sl_utf8_at(word, at, &step)), to + n);
    return sl_str_of(to, n);
}

/* A trimmed field: its CJK characters and their bigrams, and each run of other characters. */
static void add_field(struct bag *b, sl_str field)
{
    unsigned step;
    size_t run = 0, previous = SIZE_MAX;
    for (size_t at = 0; at < field.n; at += step) {
        bool is_cjk = sl_unicode_is_cjk(sl_utf8_at(field, at, &step));
        if (!is_cjk) {
            previous = SIZE_MAX;
            continue;
        }
        if (at > run)
            add_term(b, lower(b, sl_str_sub(field, run, at)));
        add_term(b, sl_str_sub(field, at, at + step));
        if (previous != SIZE_MAX)
            add_term(b, sl_str_sub(field, previous, at + step));
        previous = at;
        run = at + step;
    }
    if (field.n > run)
        add_term(b, lower(b, sl_str_sub(field, run, field.n)));
}

static sl_str trim_to_alnum(sl_str field)
{
    unsigned step;
    while (field.n && !sl_unicode_is_alnum(sl_utf8_at(field, 0, &step)))
        field = sl_str_sub(field, step, field.n);
    while (field.n && !sl_unicode_is_alnum(sl_utf8_before(field, field.n, &step)))
        field.n -= step;
    return field;
}

static void add_sentence(struct bag *b, sl_str sentence)
{
    unsigned step;
    size_t from = 0;
    for (size_t at = 0; at <= sentence.n; at += step) {
        step = 1;
        if (at < sentence.n && !sl_unicode_is_space(sl_utf8_at(sentence, at, &step)))
            continue;
        sl_str field = trim_to_alnum(sl_str_sub(sentence, from, at));
        if (field.n)
            add_field(b, field);
        from = at + step;
    }
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static bool make_vector(struct bag *b, struct vector *v)
{
    *v = (struct vector){.terms = SL_NEW_ARRAY(b->arena, struct term, b->n)};
    if (!v->terms)
        return false;
    if (!b->n)
        return true;
    qsort(b->list, b->n, sizeof *b->list, by_number);
    for (uint32_t i = 0; i < b->n; i++) {
        if (!v->n || v->terms[v->n - 1].id != b->list[i])
            v->terms[v->n++].id = b->list[i];
        v->terms[v->n - 1].tf += 1;
    }
    double sum = 0;
    for (uint32_t i = 0; i < v->n; i++) {
        v->terms[i].tf /= (float)b->n;
        sum += (double)v->terms[i].tf * v->terms[i].tf;
    }
    v->norm = sqrt(sum);
    return true;
}

static double cosine(const struct vector *a, const struct vector *b)
{
    double dot = 0;
    for (uint32_t i = 0, j = 0; i < a->n && j < b->n;) {
        if (a->terms[i].id == b->terms[j].id)
            dot += (double)a->terms[i++].tf * b->terms[j++].tf;
        else if (a->terms[i].id < b->terms[j].id)
            i++;
        else
            j++;
    }
    return a->norm > 0 && b->norm > 0 ? dot / (a->norm * b->norm) : 0;
}

static void divide_by_max(double *scores, uint32_t n)
{
    double max = 0;
    for (uint32_t i = 0; i < n; i++)
        max = scores[i] > max ? scores[i] : max;
    for (uint32_t i = 0; max > 0 && i < n; i++)
        scores[i] /= max;
}

static bool textrank(const struct vector *v, uint32_t n, struct sl_arena *arena, double *scores)
{
    const double damping = 0.85;
    float *weight = SL_NEW_ARRAY(arena, float, (size_t)n *n);
    double *out = SL_NEW_ARRAY(arena, double, n), *next = SL_NEW_ARRAY(arena, double, n);
    if (!weight || !out || !next)
        return false;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = i + 1; j < n; j++)
            weight[i * n + j] = weight[j * n + i] = (float)cosine(&v[i], &v[j]);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++)
            out[j] += (double)weight[i * n + j];
    for (uint32_t i = 0; i < n; i++)
        scores[i] = 1.0 / n;
    for (int round = 0; round < 100; round++) {
        double delta = 0;
        for (uint32_t i = 0; i < n; i++) {
            double sum = 0;
            for (uint32_t j = 0; j < n; j++)
                sum += out[j] > 0 ? (double)weight[i * n + j] / out[j] * scores[j] : 0;
            next[i] = (1 - damping) / n + damping * sum;
            delta = fmax(delta, fabs(next[i] - scores[i]));
        }
        memcpy(scores, next, n * sizeof *scores);
        if (delta < 1e-5)
            break;
    }
    divide_by_max(scores, n);
    return true;
}

double sl_compress_position(uint32_t i, uint32_t n, double depth)
{
    depth = depth < 0 ? 0 : depth > 1 ? 1 : depth;
    return n < 2 ? 1 : 1 - depth * sin(M_PI * i / (n - 1));
}

static bool tfidf_and_novelty(const struct vector *v, uint32_t n, uint32_t n_terms,
                              struct sl_arena *arena, double *tfidf, double *novelty)
{
    uint32_t *df = SL_NEW_ARRAY(arena, uint32_t, n_terms);
    struct vector mean = {.terms = SL_NEW_ARRAY(arena, struct term, n_terms), .n = n_terms};
    if (!df || !mean.terms)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < v[i].n; k++) {
            df[v[i].terms[k].id]++;
            mean.terms[v[i].terms[k].id].tf += v[i].terms[k].tf / (float)n;
        }
    }
    double sum = 0;
    for (uint32_t t = 0; t < n_terms; t++) {
        mean.terms[t].id = t;
        sum += (double)mean.terms[t].tf * mean.terms[t].tf;
    }
    mean.norm = sqrt(sum);
    for (uint32_t i = 0; i < n; i++) {
        tfidf[i] = 0;
        for (uint32_t k = 0; k < v[i].n; k++)
            tfidf[i] += (double)v[i].terms[k].tf * log((n + 1.0) / (df[v[i].terms[k].id] + 1.0));
        novelty[i] = 1 - cosine(&v[i], &mean);
    }
    divide_by_max(tfidf, n);
    divide_by_max(novelty, n);
    return true;
}

enum sl_rc sl_compress_score(const sl_str *sentences, uint32_t n,
                             const struct sl_compress_profile *profile, struct sl_arena *arena,
                             double *scores)
{
    struct sl_map ids;
    sl_map_init(&ids, arena, 0);
    struct bag bag = {.ids = &ids, .arena = arena};
    struct vector *v = SL_NEW_ARRAY(arena, struct vector, n);
    double *rank = SL_NEW_ARRAY(arena, double, n), *tfidf = SL_NEW_ARRAY(arena, double, n),
           *novelty = SL_NEW_ARRAY(arena, double, n);
    if (!v || !rank || !tfidf || !novelty)
        return SL_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        bag.n = 0;
        add_sentence(&bag, sentences[i]);
        if (bag.is_out_of_memory || !make_vector(&bag, &v[i]))
            return SL_NOMEM;
    }
    if (!textrank(v, n, arena, rank) || !tfidf_and_novelty(v, n, ids.n, arena, tfidf, novelty))
        return SL_NOMEM;

    double w[] = {profile->textrank_weight, profile->position_weight, profile->tfidf_weight,
                  profile->novelty_weight};
    double sum = w[0] + w[1] + w[2] + w[3];
    for (size_t k = 0; k < SL_COUNT(w); k++)
        w[k] = sum > 0 ? w[k] / sum : 0.25;
    for (uint32_t i = 0; i < n; i++)
        scores[i] = w[0] * rank[i] + w[1] * sl_compress_position(i, n, profile->position_depth) +
                    w[2] * tfidf[i] + w[3] * novelty[i];
    return SL_OK;
}
