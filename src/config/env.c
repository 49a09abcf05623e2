/*
 * Environment variables in string values, in one pass over the tree. Only ${NAME}, ${NAME:-d},
 * ${NAME-d} and $NAME are read, NAME being letters, digits and underscores with no digit first,
 * so that "$100", "^a$" and "$1" stay as they are; $$ is a dollar sign. What was put in is not
 * looked at again, which keeps secrets that contain a dollar sign whole. An unset variable
 * without a default leaves the text as it is: ${NAME} with a warning, $NAME (prose, prices,
 * regular expressions) in silence.
 */
#include "config/load.h"

#include <stdlib.h>

const char *sl_load_getenv(const struct sl_load *l, const char *name)
{
    if (l->options->getenv)
        return l->options->getenv(l->options->getenv_ctx, name);
    return getenv(name);
}

static bool is_name_byte(char c, bool is_first)
{
    return c == '_' || ((c | 32) >= 'a' && (c | 32) <= 'z') || (!is_first && c >= '0' && c <= '9');
}

static size_t name_length(sl_str s)
{
    size_t n = 0;
    while (n < s.n && is_name_byte(s.p[n], n == 0))
        n++;
    return n;
}

static const char *look_up(struct sl_load *l, sl_str name)
{
    sl_str terminated = sl_arena_dup(l->arena, name);
    return terminated.p ? sl_load_getenv(l, terminated.p) : NULL;
}

/* Where a reference begins at text[0] == '$': its length, and what replaces it. 0: none. */
static size_t read_reference(struct sl_load *l, const struct sl_yaml *node, sl_str text,
                             sl_str *value)
{
    sl_str rest = sl_str_sub(text, 1, text.n);
    if (rest.n && rest.p[0] == '$') {
        *value = SL_STR("$");
        return 2;
    }
    if (!rest.n || rest.p[0] != '{') {
        size_t n = name_length(rest);
        const char *found = n ? look_up(l, sl_str_sub(rest, 0, n)) : NULL;
        *value = sl_str_from(found);
        return found ? n + 1 : 0;
    }
    size_t end = sl_str_chr(rest, '}');
    sl_str inside = sl_str_sub(rest, 1, end);
    size_t n = name_length(inside);
    if (end == rest.n || !n)
        return 0;
    sl_str name = sl_str_sub(inside, 0, n);
    sl_str tail = sl_str_sub(inside, n, inside.n);
    const char *found = look_up(l, name);
    *value = sl_str_from(found);
    if (sl_str_starts(tail, SL_STR(":-"))) {
        if (!found || !*found)
            *value = sl_str_sub(tail, 2, tail.n);
    } else if (sl_str_starts(tail, SL_STR("-"))) {
        if (!found)
            *value = sl_str_sub(tail, 1, tail.n);
    } else if (tail.n) {
        return 0;
    } else if (!found) {
        sl_check_warn(&l->c, node,
                      "the environment variable %.*s is not set; the text stays as it is "
                      "(write ${%.*s:-} for empty)",
                      SL_FMT(name), SL_FMT(name));
        return 0;
    }
    return end + 2;
}

static void expand_scalar(struct sl_load *l, struct sl_yaml *node)
{
    sl_str text = node->text;
    if (sl_str_chr(text, '$') == text.n)
        return;
    struct sl_buf out;
    sl_buf_init(&out, 16u << 20);
    bool is_changed = false;
    for (size_t i = 0; i < text.n;) {
        sl_str value;
        size_t n =
            text.p[i] == '$' ? read_reference(l, node, sl_str_sub(text, i, text.n), &value) : 0;
        if (n) {
            sl_buf_add(&out, value);
            is_changed = true;
            i += n;
            continue;
        }
        sl_buf_add_char(&out, text.p[i++]);
    }
    if (is_changed && sl_buf_rc(&out) == SL_OK) {
        sl_str expanded = sl_arena_dup(l->arena, out.n ? sl_buf_str(&out) : SL_STR(""));
        if (expanded.p) {
            node->text = expanded;
            node->is_expanded = true;
        } else {
            l->is_nomem = true;
        }
    } else if (is_changed) {
        sl_check_error(&l->c, node, "too long once environment variables are put in");
    }
    sl_buf_free(&out);
}

struct frame {
    struct sl_yaml *node;
    uint32_t next;
    size_t path_length; /* to pop to when the node is done */
};

void sl_load_expand_env(struct sl_load *l)
{
    struct frame *stack = SL_LOAD_ARRAY(l, struct frame, 256);
    if (!stack || l->options->is_reading_only)
        return;
    uint32_t depth = 1;
    stack[0] = (struct frame){.node = l->root};
    while (depth) {
        struct frame *top = &stack[depth - 1];
        if (top->next == top->node->n) {
            sl_check_pop(&l->c, top->path_length);
            depth--;
            continue;
        }
        uint32_t i = top->next++;
        struct sl_yaml *child = top->node->items[i];
        size_t length = top->node->kind == SL_YAML_MAP
                            ? sl_check_push(&l->c, top->node->keys[i]->text)
                            : sl_check_push_index(&l->c, i);
        if (child->n && depth < 256) {
            stack[depth++] = (struct frame){.node = child, .path_length = length};
            continue;
        }
        if (child->kind == SL_YAML_SCALAR)
            expand_scalar(l, child);
        sl_check_pop(&l->c, length);
    }
}
