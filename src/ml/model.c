/* Texts -> windows of tokens -> runs of the encoder. Windows of an embedding are gathered until a
 * run is full; a classification runs window by window, so that its memory has a bound. */
#include "ml/model.h"

#include "ml/weights/mapped.h"

#include <stdlib.h>

enum { WINDOW_TOKENS = 512, RUN_TOKENS = 1024, RUN_SEQUENCES = 64, ADDED_TOKENS = 128 };
#define MAX_TOKENIZER_BYTES ((size_t)256 << 20)
#define MAX_LABEL_BYTES     ((size_t)16 << 20)
#define TOKEN_SCRATCH_BYTES ((size_t)512 << 20)

struct sl_model {
    struct sl_arena arena;
    struct sl_encoder *encoder;
    struct sl_tokenizer *tokenizer;
    uint32_t window, overlap, max_windows;
    struct sl_labels labels; /* of the label map; n == 0: none */
};

struct sl_model_scratch {
    const struct sl_model *model;
    struct sl_encoder_scratch *encoder;
    struct sl_token_scratch *tokens;
    uint32_t max_tokens, max_lanes;
    uint32_t n, n_tokens; /* gathered for the next run */
    uint32_t *ids;        /* [max_tokens] */
    uint8_t *types;       /* [max_tokens] */
    uint32_t *from, *to;  /* [window] */
    uint32_t starts[RUN_SEQUENCES + 1], owners[RUN_SEQUENCES];
    float *vectors; /* [RUN_SEQUENCES, embedding_dim] */
    float *logits;  /* [max_lanes, widest head] */
    size_t logits_stride;
};

static enum sl_rc load_tokenizer(struct sl_model *m, const char *folder, struct sl_err *err)
{
    struct sl_mapped file;
    struct sl_err inner = {0};
    enum sl_rc rc = sl_map_in(&file, folder, "tokenizer.json", MAX_TOKENIZER_BYTES, err);
    if (rc)
        return rc;
    rc = sl_tokenizer_load(&m->tokenizer, file.bytes, &inner);
    sl_unmap_file(&file);
    if (rc)
        return sl_err_set(err, rc, "%.100s/tokenizer.json: %.140s", folder, inner.message);
    /* A few added tokens may lie behind the encoder's table (EmbeddingGemma has the one for images
     * there): texts do not make them, and a run refuses such an id. */
    uint32_t vocabulary = sl_encoder_info(m->encoder).config->vocab_size;
    if (sl_tokenizer_size(m->tokenizer) > vocabulary + ADDED_TOKENS)
        return sl_err_set(err, SL_INVALID,
                          "%.100s: tokenizer.json has ids up to %u, the encoder's vocabulary is %u",
                          folder, sl_tokenizer_size(m->tokenizer) - 1, vocabulary);
    return SL_OK;
}

static enum sl_rc load_labels(struct sl_model *m, const char *path, struct sl_err *err)
{
    if (!path)
        return SL_OK;
    struct sl_mapped file;
    struct sl_err inner = {0};
    enum sl_rc rc = sl_map_file(&file, path, MAX_LABEL_BYTES, err);
    if (rc)
        return rc;
    rc = sl_labels_parse(&m->labels, &m->arena, file.bytes, &inner);
    sl_unmap_file(&file);
    if (rc)
        return sl_err_set(err, rc, "%.110s: %.140s", path, inner.message);
    uint32_t n = sl_encoder_head(m->encoder, SL_NO_ADAPTER).n_labels;
    if (n && n != m->labels.n)
        return sl_err_set(err, SL_INVALID, "%.150s: %u labels, the classifier has %u", path,
                          m->labels.n, n);
    return SL_OK;
}

enum sl_rc sl_model_open(struct sl_model **out, const char *folder,
                         const struct sl_model_options *options, struct sl_err *err)
{
    static const struct sl_model_options plain;
    const struct sl_model_options *o = options ? options : &plain;
    *out = NULL;
    struct sl_model *m = calloc(1, sizeof(*m));
    if (!m)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    sl_arena_init(&m->arena, NULL, 64 << 20);
    enum sl_rc rc = sl_encoder_open(&m->encoder, folder, &o->encoder, err);
    if (!rc)
        rc = load_tokenizer(m, folder, err);
    if (!rc)
        rc = load_labels(m, o->label_map, err);
    if (!rc) {
        uint32_t most = sl_encoder_info(m->encoder).max_tokens;
        m->window = o->window_tokens ? o->window_tokens : WINDOW_TOKENS;
        m->window = m->window < most ? m->window : most;
        m->overlap = o->overlap_tokens ? o->overlap_tokens : m->window / 8;
        m->max_windows = o->max_windows;
        if (m->overlap + sl_tokenizer_n_template(m->tokenizer, false) >= m->window)
            rc = sl_err_set(err, SL_INVALID, "windows of %u tokens cannot overlap by %u", m->window,
                            m->overlap);
    }
    if (rc) {
        sl_model_close(m);
        return rc;
    }
    *out = m;
    return SL_OK;
}

void sl_model_close(struct sl_model *m)
{
    if (!m)
        return;
    if (m->tokenizer)
        sl_tokenizer_free(m->tokenizer);
    sl_encoder_close(m->encoder);
    sl_arena_reset(&m->arena);
    free(m);
}

const struct sl_encoder *sl_model_encoder(const struct sl_model *m)
{
    return m->encoder;
}

const struct sl_tokenizer *sl_model_tokenizer(const struct sl_model *m)
{
    return m->tokenizer;
}

const struct sl_labels *sl_model_labels(const struct sl_model *m, uint32_t adapter)
{
    struct sl_head_info head = sl_encoder_head(m->encoder, adapter);
    return m->labels.n && m->labels.n == head.n_labels ? &m->labels : head.labels;
}

/* The widest answer that one window of any head has. */
static size_t widest_logits(const struct sl_model *m)
{
    size_t most = 1;
    uint32_t n = sl_encoder_info(m->encoder).n_adapters;
    for (uint32_t i = 0; i <= n; i++) {
        struct sl_head_info h = sl_encoder_head(m->encoder, i < n ? i : SL_NO_ADAPTER);
        size_t values = (size_t)h.n_labels * (h.kind == SL_HEAD_TOKENS ? m->window : 1);
        most = values > most ? values : most;
    }
    return most;
}

struct sl_model_scratch *sl_model_scratch_new(const struct sl_model *m, uint32_t max_lanes)
{
    struct sl_model_scratch *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->model = m;
    s->max_lanes = max_lanes ? max_lanes : 1;
    s->max_tokens = m->window > RUN_TOKENS ? m->window : RUN_TOKENS;
    s->logits_stride = widest_logits(m);
    s->encoder = sl_encoder_scratch_new(m->encoder, s->max_tokens, s->max_lanes);
    s->tokens = sl_token_scratch_new(TOKEN_SCRATCH_BYTES);
    s->ids = malloc(s->max_tokens * sizeof(*s->ids));
    s->types = malloc(s->max_tokens);
    s->from = malloc(m->window * sizeof(*s->from));
    s->to = malloc(m->window * sizeof(*s->to));
    s->vectors =
        malloc((size_t)RUN_SEQUENCES * sl_encoder_info(m->encoder).embedding_dim * sizeof(float));
    s->logits = malloc(s->max_lanes * s->logits_stride * sizeof(float));
    if (s->encoder && s->tokens && s->ids && s->types && s->from && s->to && s->vectors &&
        s->logits)
        return s;
    sl_model_scratch_free(s);
    return NULL;
}

void sl_model_scratch_free(struct sl_model_scratch *s)
{
    if (!s)
        return;
    sl_encoder_scratch_free(s->encoder);
    sl_token_scratch_free(s->tokens);
    free(s->ids);
    free(s->types);
    free(s->from);
    free(s->to);
    free(s->vectors);
    free(s->logits);
    free(s);
}

static enum sl_rc begin_windows(struct sl_token_windows *w, const struct sl_model *m, sl_str text,
                                sl_str pair, struct sl_model_scratch *s, struct sl_err *err)
{
    struct sl_token_options o = {
        .max_tokens = m->window, .overlap = m->overlap, .cut = SL_TOKEN_CUT_FIRST};
    enum sl_rc rc = sl_token_windows_begin(w, m->tokenizer, text, pair, &o, s->tokens);
    if (rc == SL_LIMIT)
        return sl_err_set(err, rc, "the second text leaves no room in a window of %u tokens",
                          m->window);
    if (rc)
        return sl_err_set(err, rc, "a text of %zu bytes cannot be tokenized (%s)", text.n,
                          sl_rc_name(rc));
    if (m->max_windows && w->n_total > m->max_windows)
        return sl_err_set(err, SL_LIMIT, "a text of %zu bytes makes %u windows, at most %u are run",
                          text.n, w->n_total, m->max_windows);
    return SL_OK;
}

/* Runs what is gathered and adds each window's vector, times its tokens, to its text's. */
static enum sl_rc flush(struct sl_model_scratch *s, const struct sl_embed_options *o, uint32_t dim,
                        float *out, struct sl_err *err)
{
    struct sl_sequences in = {s->ids, s->types, s->starts, s->n};
    enum sl_rc rc = sl_encoder_embed(s->model->encoder, &in, o, s->encoder, s->vectors, err);
    for (uint32_t i = 0; i < s->n && !rc; i++) {
        float weight = (float)(s->starts[i + 1] - s->starts[i]);
        float *to = out + (size_t)s->owners[i] * dim;
        for (uint32_t j = 0; j < dim; j++)
            to[j] += weight * s->vectors[(size_t)i * dim + j];
    }
    s->n = s->n_tokens = 0;
    return rc;
}

static void gather(struct sl_model_scratch *s, const struct sl_tokens *t, uint32_t owner)
{
    memcpy(s->ids + s->n_tokens, t->ids, t->n * sizeof(*t->ids));
    memcpy(s->types + s->n_tokens, t->types, t->n);
    s->owners[s->n++] = owner;
    s->n_tokens += t->n;
    s->starts[s->n] = s->n_tokens;
}

enum sl_rc sl_model_embed(const struct sl_model *m, const sl_str *texts, uint32_t n,
                          const struct sl_embed_options *options, struct sl_model_scratch *s,
                          float *out, uint32_t *n_tokens, struct sl_err *err)
{
    struct sl_embed_options o = options ? *options : (struct sl_embed_options){0};
    uint32_t dim = o.dim ? o.dim : sl_encoder_info(m->encoder).embedding_dim;
    if (dim > sl_encoder_info(m->encoder).embedding_dim)
        return sl_err_set(err, SL_INVALID, "dimension %u: the model has 1 to %u", dim,
                          sl_encoder_info(m->encoder).embedding_dim);
    memset(out, 0, (size_t)n * dim * sizeof(float));
    s->n = s->n_tokens = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct sl_token_windows w;
        struct sl_tokens t;
        uint32_t of_text = 0;
        enum sl_rc rc = begin_windows(&w, m, texts[i], (sl_str){NULL, 0}, s, err);
        while (!rc && (rc = sl_token_windows_next(&w, &t)) == SL_OK) {
            if (s->n == RUN_SEQUENCES || s->n_tokens + t.n > s->max_tokens)
                rc = flush(s, &o, dim, out, err);
            if (!rc)
                gather(s, &t, i);
            of_text += t.n;
        }
        if (rc != SL_EOF)
            return rc;
        if (n_tokens)
            n_tokens[i] = of_text;
    }
    enum sl_rc rc = s->n ? flush(s, &o, dim, out, err) : SL_OK;
    const struct sl_kernels *k = sl_encoder_info(m->encoder).kernels;
    for (uint32_t i = 0; i < n && !rc && !o.is_raw; i++)
        k->l2_normalise(dim, out + (size_t)i * dim, 1e-12f);
    return rc;
}

/* One window through the heads of `lanes`; logits become probabilities. */
static enum sl_rc run_window(const struct sl_model *m, struct sl_model_scratch *s,
                             const struct sl_tokens *t, const struct sl_lane *lanes, uint32_t n,
                             struct sl_err *err)
{
    uint32_t starts[2] = {0, t->n};
    struct sl_sequences in = {t->ids, t->types, starts, 1};
    enum sl_rc rc = sl_encoder_logits(m->encoder, &in, lanes, n, s->encoder, err);
    for (uint32_t i = 0; i < n && !rc; i++) {
        struct sl_head_info head = sl_encoder_head(m->encoder, lanes[i].adapter);
        uint32_t rows = head.kind == SL_HEAD_TOKENS ? t->n : 1;
        sl_probabilities(head.problem, rows, head.n_labels, lanes[i].logits);
    }
    return rc;
}

static void add_window(const struct sl_model_verdict *v, uint32_t n, const float *p, float weight,
                       bool is_first)
{
    for (uint32_t j = 0; j < n; j++) {
        v->mean[j] = (is_first ? 0 : v->mean[j]) + weight * p[j];
        if (v->most)
            v->most[j] = is_first || p[j] > v->most[j] ? p[j] : v->most[j];
    }
}

enum sl_rc sl_model_classify(const struct sl_model *m, sl_str text, sl_str pair,
                             const struct sl_model_verdict *verdicts, uint32_t n_verdicts,
                             struct sl_model_scratch *s, uint32_t *n_windows, struct sl_err *err)
{
    struct sl_lane lanes[SL_MAX_ADAPTERS + 1];
    if (n_verdicts == 0 || n_verdicts > s->max_lanes || n_verdicts > SL_COUNT(lanes))
        return sl_err_set(err, SL_LIMIT, "%u verdicts in one run, the scratch is for %u",
                          n_verdicts, s->max_lanes);
    for (uint32_t i = 0; i < n_verdicts; i++) {
        if (sl_encoder_head(m->encoder, verdicts[i].adapter).kind != SL_HEAD_SEQUENCE)
            return sl_err_set(err, SL_UNSUPPORTED, "the model has no head for whole texts");
        lanes[i] = (struct sl_lane){verdicts[i].adapter, s->logits + i * s->logits_stride};
    }
    struct sl_token_windows w;
    struct sl_tokens t;
    uint32_t n = 0;
    float total = 0;
    enum sl_rc rc = begin_windows(&w, m, text, pair, s, err);
    while (!rc && (rc = sl_token_windows_next(&w, &t)) == SL_OK) {
        rc = run_window(m, s, &t, lanes, n_verdicts, err);
        for (uint32_t i = 0; i < n_verdicts && !rc; i++)
            add_window(&verdicts[i], sl_encoder_head(m->encoder, verdicts[i].adapter).n_labels,
                       lanes[i].logits, (float)t.n, n == 0);
        total += (float)t.n;
        n++;
    }
    if (rc != SL_EOF)
        return rc;
    for (uint32_t i = 0; i < n_verdicts; i++) {
        uint32_t labels = sl_encoder_head(m->encoder, verdicts[i].adapter).n_labels;
        for (uint32_t j = 0; j < labels; j++)
            verdicts[i].mean[j] /= total;
    }
    if (n_windows)
        *n_windows = n;
    return SL_OK;
}

enum sl_rc sl_model_spans(const struct sl_model *m, uint32_t adapter, sl_str text,
                          struct sl_model_scratch *s, struct sl_span *spans, uint32_t *n,
                          uint32_t max, struct sl_err *err)
{
    *n = 0;
    if (sl_encoder_head(m->encoder, adapter).kind != SL_HEAD_TOKENS)
        return sl_err_set(err, SL_UNSUPPORTED, "the model has no head for tokens");
    struct sl_span_labels labels = sl_span_labels_of(sl_model_labels(m, adapter));
    struct sl_lane lane = {adapter, s->logits};
    struct sl_token_windows w;
    struct sl_tokens t;
    bool is_full = false;
    enum sl_rc rc = begin_windows(&w, m, text, (sl_str){NULL, 0}, s, err);
    while (!rc && (rc = sl_token_windows_next(&w, &t)) == SL_OK) {
        rc = run_window(m, s, &t, &lane, 1, err);
        for (uint32_t i = 0; i < t.n && !rc; i++) {
            bool is_text = t.texts[i] == 0;
            s->from[i] = is_text ? t.spans[i].from : 0;
            s->to[i] = is_text ? t.spans[i].to : 0;
        }
        struct sl_span_tokens in = {s->logits, s->from, s->to, t.n, text, 0};
        if (!rc)
            is_full |= sl_spans_find(&labels, &in, spans, n, max) == SL_LIMIT;
    }
    if (rc != SL_EOF)
        return rc;
    *n = sl_spans_settle(spans, *n);
    return is_full ? sl_err_set(err, SL_LIMIT, "more than %u entities", max) : SL_OK;
}
