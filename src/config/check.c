/* The path of the field being checked, and reports at it. */
#include "config/schema.h"

size_t sl_check_push(struct sl_check *c, sl_str key)
{
    size_t length = c->path.n;
    if (length)
        sl_buf_add_char(&c->path, '.');
    sl_buf_add(&c->path, key);
    return length;
}

size_t sl_check_push_index(struct sl_check *c, uint32_t index)
{
    size_t length = c->path.n;
    sl_buf_printf(&c->path, "[%u]", index);
    return length;
}

void sl_check_pop(struct sl_check *c, size_t length)
{
    c->path.n = length;
    c->path.is_full = false;
}

SL_PRINTF(4, 0)
static void report(struct sl_check *c, enum sl_severity severity, const struct sl_yaml *node,
                   const char *format, va_list args)
{
    sl_str message = sl_arena_vprintf(c->diags->arena, format, args);
    sl_diags_add(c->diags, severity, node ? node->line : 0, node ? node->column : 0,
                 sl_buf_str(&c->path), "%.*s", SL_FMT(message));
}

void sl_check_error(struct sl_check *c, const struct sl_yaml *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(c, SL_ERROR, node, format, args);
    va_end(args);
}

void sl_check_warn(struct sl_check *c, const struct sl_yaml *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(c, SL_WARNING, node, format, args);
    va_end(args);
}
