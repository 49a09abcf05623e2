/* The writer. Numbers are spelled as Go's encoding/json spells them, since clients compare. */
#include "codec/json_write.h"
#include "codec/json_scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_DEPTH = 64 };

void sl_json_writer_init(struct sl_json_writer *w, struct sl_buf *out)
{
    *w = (struct sl_json_writer){.out = out};
}

/* The comma before a member or element, when it is not the first. */
static void begin_value(struct sl_json_writer *w)
{
    if (w->is_after_key) {
        w->is_after_key = false;
        return;
    }
    if (w->depth == 0)
        return;
    uint64_t bit = 1ull << (w->depth - 1);
    if (w->has_member & bit)
        sl_buf_add_char(w->out, ',');
    w->has_member |= bit;
}

void sl_json_open(struct sl_json_writer *w, char bracket)
{
    begin_value(w);
    if (w->depth == MAX_DEPTH) {
        w->out->is_full = true;
        return;
    }
    w->depth++;
    w->has_member &= ~(1ull << (w->depth - 1));
    sl_buf_add_char(w->out, bracket);
}

void sl_json_close(struct sl_json_writer *w, char bracket)
{
    if (w->depth)
        w->depth--;
    sl_buf_add_char(w->out, bracket);
}

void sl_json_key(struct sl_json_writer *w, sl_str key)
{
    begin_value(w);
    sl_json_escape(w->out, key);
    sl_buf_add_char(w->out, ':');
    w->is_after_key = true;
}

void sl_json_put_str(struct sl_json_writer *w, sl_str s)
{
    begin_value(w);
    sl_json_escape(w->out, s);
}

void sl_json_put_i64(struct sl_json_writer *w, int64_t v)
{
    begin_value(w);
    if (v < 0)
        sl_buf_add_char(w->out, '-');
    sl_buf_add_u64(w->out, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

/*
 * The fewest digits that read back; "d.ddde+xx" into text. Up to 15 always do for a normal number
 * written with 15, so fewer are tried only for subnormal ones.
 */
static void shortest(char text[32], double v)
{
    for (int digits = isnormal(v) ? 15 : 1; digits <= 17; digits++) {
        snprintf(text, 32, "%.*e", digits - 1, v);
        if (strtod(text, NULL) == v)
            return;
    }
}

void sl_json_put_f64(struct sl_json_writer *w, double v)
{
    if (!isfinite(v)) {
        sl_json_put_null(w);
        return;
    }
    begin_value(w);
    char text[32], digits[20];
    shortest(text, fabs(v));
    int n = 0, exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    for (const char *p = text; *p != 'e'; p++)
        if (*p != '.')
            digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    if (signbit(v))
        sl_buf_add_char(w->out, '-');
    if (v != 0 && (exponent < -6 || exponent >= 21)) {
        sl_buf_add_char(w->out, digits[0]);
        if (n > 1)
            sl_buf_printf(w->out, ".%.*s", n - 1, digits + 1);
        sl_buf_printf(w->out, "e%c%d", exponent < 0 ? '-' : '+', abs(exponent));
        return;
    }
    if (exponent < 0) {
        sl_buf_printf(w->out, "0.%.*s%.*s", -exponent - 1, "000000", n, digits);
        return;
    }
    int whole = exponent + 1;
    sl_buf_add(w->out, sl_str_of(digits, (size_t)(n < whole ? n : whole)));
    for (int i = n; i < whole; i++)
        sl_buf_add_char(w->out, '0');
    if (n > whole)
        sl_buf_printf(w->out, ".%.*s", n - whole, digits + whole);
}

void sl_json_put_bool(struct sl_json_writer *w, bool v)
{
    begin_value(w);
    sl_buf_add(w->out, v ? SL_STR("true") : SL_STR("false"));
}

void sl_json_put_null(struct sl_json_writer *w)
{
    begin_value(w);
    sl_buf_add(w->out, SL_STR("null"));
}

void sl_json_put_raw(struct sl_json_writer *w, sl_str json)
{
    begin_value(w);
    sl_buf_add(w->out, json);
}

/* ---- strings ----------------------------------------------------------------------------- */

static size_t plain_run(const char *p, size_t n)
{
    size_t at = 0;
    while (n - at >= 8) {
        uint64_t special = sl_json_special8(sl_load_le64(p + at));
        if (special)
            return at + (size_t)(__builtin_ctzll(special) >> 3);
        at += 8;
    }
    while (at < n && p[at] != '"' && p[at] != '\\' && (unsigned char)p[at] >= 0x20)
        at++;
    return at;
}

static void escape_char(struct sl_buf *out, char c)
{
    static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *p = named; *p; p += 2) {
        if (*p == c) {
            sl_buf_add(out, (sl_str){(const char[]){'\\', p[1]}, 2});
            return;
        }
    }
    sl_buf_printf(out, "\\u%04x", (unsigned char)c);
}

static void escape_valid(struct sl_buf *out, const char *p, size_t n)
{
    while (n) {
        size_t run = plain_run(p, n);
        sl_buf_add(out, (sl_str){p, run});
        p += run;
        n -= run;
        for (; n && (*p == '"' || *p == '\\' || (unsigned char)*p < 0x20); p++, n--)
            escape_char(out, *p);
    }
}

void sl_json_escape(struct sl_buf *out, sl_str s)
{
    sl_buf_add_char(out, '"');
    size_t valid = s.n ? sl_json_scan_best()->utf8(s.p, s.n) : 0;
    escape_valid(out, s.p, valid);
    while (valid < s.n) {
        /* The portable kernel stops at the first fault: many faults stay linear. */
        sl_buf_add(out, SL_STR("\xef\xbf\xbd"));
        s = sl_str_sub(s, valid + 1, s.n);
        valid = sl_json_scan_ref.utf8(s.p, s.n);
        escape_valid(out, s.p, valid);
    }
    sl_buf_add_char(out, '"');
}

void sl_json_add_str(struct sl_json_writer *w, const char *key, sl_str value)
{
    sl_json_key(w, sl_str_from(key));
    sl_json_put_str(w, value);
}

void sl_json_add_i64(struct sl_json_writer *w, const char *key, int64_t value)
{
    sl_json_key(w, sl_str_from(key));
    sl_json_put_i64(w, value);
}

void sl_json_add_f64(struct sl_json_writer *w, const char *key, double value)
{
    sl_json_key(w, sl_str_from(key));
    sl_json_put_f64(w, value);
}

void sl_json_add_bool(struct sl_json_writer *w, const char *key, bool value)
{
    sl_json_key(w, sl_str_from(key));
    sl_json_put_bool(w, value);
}
