/* Samples a long text from its head, middle and tail; see window.h. */
#include "route/window.h"

#define HEAD   682u
#define MIDDLE 682u
#define TAIL   684u

static const sl_str marker =
    SL_STR_INIT("\n... [content sampled for routing signal evaluation] ...\n");

static bool begins_code_point(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

static size_t count_code_points(sl_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += begins_code_point(s.p[i]);
    return n;
}

/* Offset of the n-th code point at or behind `from`. */
static size_t skip_code_points(sl_str s, size_t from, size_t n)
{
    size_t i = from;
    while (i < s.n && n) {
        i++;
        while (i < s.n && !begins_code_point(s.p[i]))
            i++;
        n--;
    }
    return i;
}

static char *put(char *at, sl_str s)
{
    memcpy(at, s.p, s.n);
    return at + s.n;
}

sl_str sl_window(sl_str text, struct sl_arena *arena)
{
    if (text.n <= SL_WINDOW_CODE_POINTS)
        return text;
    size_t n = count_code_points(text);
    if (n <= SL_WINDOW_CODE_POINTS)
        return text;
    size_t head_end = skip_code_points(text, 0, HEAD);
    size_t middle = skip_code_points(text, head_end, (n - MIDDLE) / 2 - HEAD);
    size_t middle_end = skip_code_points(text, middle, MIDDLE);
    size_t tail = text.n, left = TAIL;
    while (tail > 0 && left)
        left -= begins_code_point(text.p[--tail]);
    size_t bytes = head_end + (middle_end - middle) + (text.n - tail) + 2 * marker.n;
    char *p = sl_arena_alloc(arena, bytes + 1);
    if (!p)
        return (sl_str){NULL, 0};
    char *at = put(p, sl_str_sub(text, 0, head_end));
    at = put(at, marker);
    at = put(at, sl_str_sub(text, middle, middle_end));
    at = put(at, marker);
    at = put(at, sl_str_sub(text, tail, text.n));
    *at = 0;
    return (sl_str){p, bytes};
}
