/* Prometheus text, as much of it as exposition.c writes: one sample a line, labels in braces. */
#include "obs/scrape.h"

#include <math.h>

#define MAX_BOUNDS 64

/* Offset behind the closing brace's position in `line`, or SIZE_MAX; quotes may hold braces. */
static size_t find_close(sl_str line, size_t from)
{
    bool is_quoted = false;
    for (size_t i = from; i < line.n; i++) {
        if (is_quoted && line.p[i] == '\\')
            i++;
        else if (line.p[i] == '"')
            is_quoted = !is_quoted;
        else if (!is_quoted && line.p[i] == '}')
            return i;
    }
    return SIZE_MAX;
}

static bool parse_line(sl_str line, struct sl_sample *out)
{
    size_t brace = sl_str_chr(line, '{'), blank = sl_str_chr(line, ' ');
    sl_str value;
    if (!line.n || line.p[0] == '#')
        return false;
    if (brace < blank) {
        size_t close = find_close(line, brace + 1);
        if (close == SIZE_MAX)
            return false;
        out->name = sl_str_sub(line, 0, brace);
        out->labels = sl_str_sub(line, brace + 1, close);
        value = sl_str_trim(sl_str_sub(line, close + 1, line.n));
    } else {
        out->name = sl_str_sub(line, 0, blank);
        out->labels = SL_STR("");
        value = sl_str_trim(sl_str_sub(line, blank, line.n));
    }
    value = sl_str_sub(value, 0, sl_str_chr(value, ' ')); /* a time stamp may follow */
    return out->name.n && sl_str_to_f64(value, &out->value);
}

enum sl_rc sl_scrape_parse(struct sl_scrape *out, struct sl_arena *arena, sl_str text)
{
    sl_str rest = text, line;
    uint32_t n_lines = 0;
    for (size_t i = 0; i < text.n; i++)
        n_lines += text.p[i] == '\n';
    out->n = 0;
    out->samples = SL_NEW_ARRAY(arena, struct sl_sample, n_lines + 1);
    if (!out->samples)
        return SL_NOMEM;
    while (sl_str_split(&rest, '\n', &line))
        if (parse_line(line, &out->samples[out->n]))
            out->n++;
    return SL_OK;
}

sl_str sl_sample_label(const struct sl_sample *sample, sl_str key)
{
    sl_str rest = sample->labels;
    while (rest.n) {
        size_t equals = sl_str_chr(rest, '=');
        if (equals + 1 >= rest.n || rest.p[equals + 1] != '"')
            break;
        sl_str name = sl_str_sub(rest, 0, equals);
        size_t end = equals + 2;
        while (end < rest.n && rest.p[end] != '"')
            end += rest.p[end] == '\\' ? 2 : 1;
        if (sl_str_eq(name, key))
            return sl_str_sub(rest, equals + 2, end);
        rest = sl_str_sub(rest, end + 2, rest.n); /* the quote and the comma */
    }
    return (sl_str){0};
}

static bool is_meant(const struct sl_sample *s, sl_str name, sl_str key, sl_str value)
{
    return sl_str_eq(s->name, name) && (!key.n || sl_str_eq(sl_sample_label(s, key), value));
}

double sl_scrape_sum(const struct sl_scrape *s, sl_str name, sl_str key, sl_str value)
{
    double sum = 0;
    for (uint32_t i = 0; i < s->n; i++)
        if (is_meant(&s->samples[i], name, key, value))
            sum += s->samples[i].value;
    return sum;
}

uint32_t sl_scrape_values(const struct sl_scrape *s, sl_str name, sl_str key, sl_str *out,
                          uint32_t cap)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n && n < cap; i++) {
        sl_str value = sl_sample_label(&s->samples[i], key);
        if (!value.p || !sl_str_eq(s->samples[i].name, name))
            continue;
        uint32_t k = 0;
        while (k < n && !sl_str_eq(out[k], value))
            k++;
        if (k == n)
            out[n++] = value;
    }
    return n;
}

struct bounds {
    double bound[MAX_BOUNDS];
    double count[MAX_BOUNDS]; /* cumulative */
    uint32_t n;
};

static bool has_suffix(sl_str name, sl_str family)
{
    return sl_str_starts(name, family) &&
           sl_str_eq(sl_str_sub(name, family.n, name.n), SL_STR("_bucket"));
}

static void add_buckets(struct bounds *b, const struct sl_scrape *s, sl_str name, sl_str key,
                        sl_str value, double sign)
{
    for (uint32_t i = 0; i < s->n; i++) {
        const struct sl_sample *sample = &s->samples[i];
        if (!has_suffix(sample->name, name) ||
            (key.n && !sl_str_eq(sl_sample_label(sample, key), value)))
            continue;
        sl_str text = sl_sample_label(sample, SL_STR("le"));
        double bound = INFINITY;
        if (!sl_str_eq(text, SL_STR("+Inf")) && !sl_str_to_f64(text, &bound))
            continue;
        uint32_t k = 0;
        while (k < b->n && b->bound[k] != bound)
            k++;
        if (k == MAX_BOUNDS)
            continue;
        if (k == b->n)
            b->bound[b->n++] = bound;
        b->count[k] += sign * sample->value;
    }
}

double sl_scrape_quantile(const struct sl_scrape *before, const struct sl_scrape *now, sl_str name,
                          sl_str key, sl_str value, double quantile)
{
    struct bounds b = {0};
    add_buckets(&b, now, name, key, value, 1);
    if (before)
        add_buckets(&b, before, name, key, value, -1);
    double total = 0, lower = 0, below = 0;
    for (uint32_t i = 0; i < b.n; i++)
        total = b.count[i] > total ? b.count[i] : total;
    if (total <= 0)
        return -1;
    for (uint32_t i = 0; i < b.n; i++) { /* bounds rise, as they were written */
        double inside = b.count[i] - below;
        if (b.count[i] >= quantile * total && inside > 0) {
            if (isinf(b.bound[i]))
                return lower;
            return lower + (b.bound[i] - lower) * (quantile * total - below) / inside;
        }
        lower = b.bound[i];
        below = b.count[i];
    }
    return lower;
}
