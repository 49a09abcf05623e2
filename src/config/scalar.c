/* Numbers and their kin as YAML 1.1 and the reference's parser spell them. */
#include "config/scalar.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_plain(const struct sl_yaml *node)
{
    return node && node->kind == SL_YAML_SCALAR && (!node->is_quoted || node->is_expanded);
}

/* Digits of `base` with underscores between them; `text` has no sign and no prefix. */
static bool parse_digits(sl_str text, unsigned base, bool is_negative, int64_t *out)
{
    uint64_t value = 0;
    uint64_t limit = (uint64_t)INT64_MAX + is_negative;
    bool has_digit = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        unsigned digit = 99;
        if (c == '_')
            continue;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            digit = (unsigned)((c | 32) - 'a') + 10;
        if (digit >= base || value > (limit - digit) / base)
            return false;
        value = value * base + digit;
        has_digit = true;
    }
    *out = is_negative ? (int64_t)(0 - value) : (int64_t)value;
    return has_digit;
}

static bool parse_int(sl_str text, int64_t *out)
{
    bool is_negative = text.n && text.p[0] == '-';
    if (text.n && (text.p[0] == '-' || text.p[0] == '+'))
        text = sl_str_sub(text, 1, text.n);
    if (!text.n || text.p[0] == '_')
        return false;
    if (text.n > 1 && text.p[0] == '0') {
        char mark = text.p[1] | 32;
        if (mark == 'x')
            return parse_digits(sl_str_sub(text, 2, text.n), 16, is_negative, out);
        if (mark == 'b')
            return parse_digits(sl_str_sub(text, 2, text.n), 2, is_negative, out);
        if (mark == 'o')
            return parse_digits(sl_str_sub(text, 2, text.n), 8, is_negative, out);
        return parse_digits(sl_str_sub(text, 1, text.n), 8, is_negative, out);
    }
    return parse_digits(text, 10, is_negative, out);
}

/* A decimal number of digits, at most one dot and an exponent: not "nan", "inf", "0x1p3". */
static bool looks_decimal(sl_str text)
{
    bool has_digit = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c >= '0' && c <= '9')
            has_digit = true;
        else if (c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E')
            return false;
    }
    return has_digit;
}

bool sl_scalar_float(const struct sl_yaml *node, double *out)
{
    if (!is_plain(node))
        return false;
    sl_str text = node->is_expanded ? sl_str_trim(node->text) : node->text;
    if (looks_decimal(text))
        return sl_str_to_f64(text, out) && isfinite(*out);
    int64_t whole;
    if (!parse_int(text, &whole))
        return false;
    *out = (double)whole;
    return true;
}

bool sl_scalar_int(const struct sl_yaml *node, int64_t *out)
{
    if (!is_plain(node))
        return false;
    if (parse_int(node->is_expanded ? sl_str_trim(node->text) : node->text, out))
        return true;
    double value;
    if (!sl_scalar_float(node, &value) || value != floor(value) || fabs(value) > 9e18)
        return false;
    *out = (int64_t)value;
    return true;
}

static bool unit_ms(sl_str unit, double *ms)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"ns", 1e-6}, {"us", 1e-3}, {"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}};
    for (size_t i = 0; i < SL_COUNT(units); i++) {
        if (sl_str_eq(unit, sl_str_from(units[i].name))) {
            *ms = units[i].ms;
            return true;
        }
    }
    return false;
}

bool sl_parse_duration(sl_str text, int64_t *out_ms)
{
    text = sl_str_trim(text);
    bool is_negative = text.n && text.p[0] == '-';
    if (text.n && (text.p[0] == '-' || text.p[0] == '+'))
        text = sl_str_sub(text, 1, text.n);
    double total = 0;
    if (sl_str_eq(text, SL_STR("0"))) {
        *out_ms = 0;
        return true;
    }
    if (!text.n)
        return false;
    while (text.n) {
        size_t digits = 0;
        while (digits < text.n &&
               ((text.p[digits] >= '0' && text.p[digits] <= '9') || text.p[digits] == '.'))
            digits++;
        size_t end = digits;
        while (end < text.n && text.p[end] >= 'a' && text.p[end] <= 'z')
            end++;
        double value;
        double ms;
        if (!digits || !sl_str_to_f64(sl_str_sub(text, 0, digits), &value) ||
            !unit_ms(sl_str_sub(text, digits, end), &ms))
            return false;
        total += value * ms;
        text = sl_str_sub(text, end, text.n);
    }
    if (total > 9e15)
        return false;
    *out_ms = (int64_t)(is_negative ? -total : total);
    return true;
}

bool sl_parse_tokens(sl_str text, int64_t *out)
{
    text = sl_str_trim(text);
    double scale = 1;
    if (text.n && (text.p[text.n - 1] | 32) == 'k')
        scale = 1e3;
    else if (text.n && (text.p[text.n - 1] | 32) == 'm')
        scale = 1e6;
    if (scale > 1)
        text = sl_str_trim(sl_str_sub(text, 0, text.n - 1));
    double value;
    if (!looks_decimal(text) || !sl_str_to_f64(text, &value) || fabs(value * scale) > 9e15)
        return false;
    *out = (int64_t)(value * scale);
    return true;
}

struct sl_found sl_found(const struct sl_yaml *node)
{
    struct sl_found found = {"nothing"};
    if (!node || node->kind == SL_YAML_NULL)
        return found;
    double number;
    bool truth;
    if (node->kind == SL_YAML_MAP)
        snprintf(found.text, sizeof found.text, "a map");
    else if (node->kind == SL_YAML_LIST)
        snprintf(found.text, sizeof found.text, "a list");
    else if (sl_scalar_float(node, &number))
        snprintf(found.text, sizeof found.text, "%.*s", SL_FMT(sl_str_sub(node->text, 0, 40)));
    else if (sl_yaml_bool(node, &truth))
        snprintf(found.text, sizeof found.text, "%s", truth ? "true" : "false");
    else
        snprintf(found.text, sizeof found.text, "%s \"%.*s%s\"",
                 node->is_quoted && !node->is_expanded ? "the text" : "text",
                 SL_FMT(sl_str_sub(node->text, 0, 60)), node->text.n > 60 ? "..." : "");
    return found;
}
