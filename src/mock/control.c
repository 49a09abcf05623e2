/*
 * What the loops of one mock share: the record of received requests, counters, and the faults that
 * POST /mock/faults sets. The mutex is taken once a request only where recording or faults are on.
 */
#include "mock/mock_impl.h"

#include "codec/json_write.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define RECORD_MAX_BODY (1u << 20)

struct record {
    char *text; /* one JSON object */
    size_t n;
};

struct sl_mock_shared {
    struct sl_mock_options options;
    _Atomic uint64_t counts[SL_MOCK_TOKENS + 1];
    _Atomic bool has_faults;
    pthread_mutex_t mutex; /* guards all below */
    struct sl_mock_plan faults;
    bool is_set[32]; /* knobs that the faults set; order of sl_mock_knobs */
    char model[128]; /* faults are for this model only; empty: for all */
    uint64_t n_seen, n_faulty;
    struct record *records; /* ring */
    uint64_t n_recorded;
};

void sl_mock_default_options(struct sl_mock_options *options)
{
    static const sl_str models[] = {SL_STR_INIT("mock-small"), SL_STR_INIT("mock-large")};
    *options = (struct sl_mock_options){
        .models = models,
        .n_models = SL_COUNT(models),
        .n_recorded = 32,
        .plan = {.tokens = 16, .retry_after_s = -1, .cut_after = -1, .error_after = -1, .every = 1},
    };
}

struct sl_mock_shared *sl_mock_shared_new(const struct sl_mock_options *options)
{
    struct sl_mock_shared *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->options = *options;
    if (options->n_recorded) {
        s->records = calloc(options->n_recorded, sizeof(struct record));
        if (!s->records) {
            free(s);
            return NULL;
        }
    }
    pthread_mutex_init(&s->mutex, NULL);
    return s;
}

void sl_mock_shared_free(struct sl_mock_shared *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; s->records && i < s->options.n_recorded; i++)
        free(s->records[i].text);
    free(s->records);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

const struct sl_mock_options *sl_mock_shared_options(const struct sl_mock_shared *s)
{
    return &s->options;
}

void sl_mock_count(struct sl_mock_shared *s, enum sl_mock_event event, uint64_t n)
{
    atomic_fetch_add_explicit(&s->counts[event], n, memory_order_relaxed);
}

void sl_mock_put_received(struct sl_buf *out, const struct sl_exchange *x, sl_str body)
{
    struct sl_json_writer w;
    sl_json_writer_init(&w, out);
    sl_json_open(&w, '{');
    sl_json_key(&w, SL_STR("method"));
    sl_json_put_str(&w, x->method_text);
    sl_json_key(&w, SL_STR("path"));
    sl_json_put_str(&w, x->target);
    sl_json_key(&w, SL_STR("headers")); /* pairs: names may repeat */
    sl_json_open(&w, '[');
    for (uint32_t i = 0; i < x->headers.n; i++) {
        sl_json_open(&w, '[');
        sl_json_put_str(&w, x->headers.items[i].name);
        sl_json_put_str(&w, x->headers.items[i].value);
        sl_json_close(&w, ']');
    }
    sl_json_close(&w, ']');
    sl_json_key(&w, SL_STR("body"));
    sl_json_put_str(&w, sl_str_sub(body, 0, RECORD_MAX_BODY));
    sl_json_close(&w, '}');
}

void sl_mock_record(struct sl_mock_shared *s, const struct sl_exchange *x, sl_str body)
{
    if (!s->records)
        return;
    struct sl_buf out;
    sl_buf_init(&out, SL_MOCK_MAX_ANSWER);
    sl_mock_put_received(&out, x, body);
    if (out.is_full) {
        sl_buf_free(&out);
        return;
    }
    pthread_mutex_lock(&s->mutex);
    struct record *record = &s->records[s->n_recorded++ % s->options.n_recorded];
    char *old = record->text;
    record->text = out.p; /* the record owns the buffer's memory now */
    record->n = out.n;
    pthread_mutex_unlock(&s->mutex);
    free(old);
}

void sl_mock_apply_faults(struct sl_mock_shared *s, sl_str model, struct sl_mock_plan *plan)
{
    if (!atomic_load_explicit(&s->has_faults, memory_order_acquire))
        return;
    pthread_mutex_lock(&s->mutex);
    bool is_meant = !s->model[0] || sl_str_eq(sl_str_from(s->model), model);
    if (is_meant && s->n_seen++ % (uint64_t)s->faults.every == 0 &&
        (!s->faults.count || s->n_faulty < (uint64_t)s->faults.count)) {
        s->n_faulty++;
        for (unsigned i = 0; sl_mock_knobs[i].name; i++)
            if (s->is_set[i])
                memcpy((char *)plan + sl_mock_knobs[i].offset,
                       (char *)&s->faults + sl_mock_knobs[i].offset, sizeof(int64_t));
    }
    pthread_mutex_unlock(&s->mutex);
}

static void set_faults(struct sl_mock *mock, struct sl_exchange *x, sl_str body)
{
    struct sl_mock_shared *s = mock->shared;
    struct sl_json json;
    struct sl_err err;
    struct sl_mock_plan plan;
    sl_str bad = SL_STR("");
    memset(&plan, 0x81, sizeof(plan)); /* a value no knob can have: what changes was set */
    struct sl_mock_plan untouched = plan;
    if (sl_json_parse(&json, x->arena, body, NULL, &err) != SL_OK ||
        sl_json_type(&json, 0) != SL_JSON_OBJECT ||
        !sl_mock_read_object(&json, 0, &plan, x->arena, &bad)) {
        sl_buf_reset(&mock->out);
        sl_buf_add(&mock->out, SL_STR("{\"error\":{\"message\":\"expected an object of knobs; see "
                                      "`sluice mock --help`. Found: "));
        struct sl_buf quoted;
        sl_buf_init(&quoted, 4096);
        sl_json_escape(&quoted, sl_str_sub(bad.n ? bad : body, 0, 256));
        sl_buf_add(&mock->out, sl_str_sub(sl_buf_str(&quoted), 1, quoted.n ? quoted.n - 1 : 0));
        sl_buf_free(&quoted);
        sl_buf_add(&mock->out, SL_STR("\"}}"));
        sl_mock_json(x, 400, sl_buf_str(&mock->out));
        return;
    }
    sl_str model = sl_json_str(&json, sl_json_get(&json, 0, SL_STR("model")), x->arena);
    pthread_mutex_lock(&s->mutex);
    s->faults = plan;
    for (unsigned i = 0; sl_mock_knobs[i].name; i++)
        s->is_set[i] = memcmp((char *)&plan + sl_mock_knobs[i].offset,
                              (char *)&untouched + sl_mock_knobs[i].offset, sizeof(int64_t)) != 0;
    if (s->faults.every == untouched.every)
        s->faults.every = 1;
    if (s->faults.count == untouched.count)
        s->faults.count = 0;
    size_t n = model.p && model.n < sizeof(s->model) ? model.n : 0;
    if (n)
        memcpy(s->model, model.p, n);
    s->model[n] = '\0';
    s->n_seen = s->n_faulty = 0;
    pthread_mutex_unlock(&s->mutex);
    atomic_store_explicit(&s->has_faults, true, memory_order_release);
    sl_mock_json(x, 200, SL_STR("{\"ok\":true}"));
}

static void show_requests(struct sl_mock *mock, struct sl_exchange *x)
{
    struct sl_mock_shared *s = mock->shared;
    sl_buf_reset(&mock->out);
    sl_buf_add(&mock->out, SL_STR("{\"requests\":["));
    pthread_mutex_lock(&s->mutex);
    uint64_t kept = s->n_recorded < s->options.n_recorded ? s->n_recorded : s->options.n_recorded;
    for (uint64_t i = s->n_recorded - kept; i < s->n_recorded; i++) {
        struct record *record = &s->records[i % s->options.n_recorded];
        if (i != s->n_recorded - kept)
            sl_buf_add_char(&mock->out, ',');
        sl_buf_add(&mock->out, sl_str_of(record->text, record->n));
    }
    pthread_mutex_unlock(&s->mutex);
    sl_buf_add(&mock->out, SL_STR("]}"));
    sl_mock_json(x, mock->out.is_full ? 500 : 200, sl_buf_str(&mock->out));
}

static void show_stats(struct sl_mock *mock, struct sl_exchange *x)
{
    struct sl_mock_shared *s = mock->shared;
    static const char *const names[] = {"requests", "streams", "aborted", "tokens"};
    sl_buf_reset(&mock->out);
    for (unsigned i = 0; i <= SL_MOCK_TOKENS; i++)
        sl_buf_printf(&mock->out, "%s\"%s\":%llu", i ? "," : "{", names[i],
                      (unsigned long long)atomic_load(&s->counts[i]));
    sl_buf_add_char(&mock->out, '}');
    sl_mock_json(x, 200, sl_buf_str(&mock->out));
}

bool sl_mock_control(struct sl_mock *mock, struct sl_exchange *x, sl_str body)
{
    struct sl_mock_shared *s = mock->shared;
    bool is_delete = x->method == SL_DELETE;
    if (sl_str_eq(x->path, SL_STR("/mock/requests"))) {
        if (!is_delete) {
            show_requests(mock, x);
            return true;
        }
        pthread_mutex_lock(&s->mutex);
        s->n_recorded = 0;
        pthread_mutex_unlock(&s->mutex);
    } else if (sl_str_eq(x->path, SL_STR("/mock/faults"))) {
        if (!is_delete) {
            set_faults(mock, x, body);
            return true;
        }
        atomic_store_explicit(&s->has_faults, false, memory_order_release);
    } else if (sl_str_eq(x->path, SL_STR("/mock/stats"))) {
        if (!is_delete) {
            show_stats(mock, x);
            return true;
        }
        for (unsigned i = 0; i <= SL_MOCK_TOKENS; i++)
            atomic_store(&s->counts[i], 0);
    } else {
        return false;
    }
    sl_mock_json(x, 200, SL_STR("{\"ok\":true}"));
    return true;
}
