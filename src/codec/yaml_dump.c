/*
 * The tree as block-style YAML, through libyaml's emitter, which knows when a text needs quotes.
 * A text that was quoted stays quoted and a plain one plain, so that parsing gives the same tree.
 */
#include "codec/yaml.h"

#include <yaml.h>

struct dump_frame {
    const struct sl_yaml *node;
    uint32_t next;
};

enum { MAX_DUMP_DEPTH = 1024 };

static int write_out(void *to, unsigned char *bytes, size_t n)
{
    struct sl_buf *out = to;
    sl_buf_add(out, sl_str_of(bytes, n));
    return !out->is_full;
}

static bool emit_scalar(yaml_emitter_t *emitter, const struct sl_yaml *node)
{
    yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE;
    sl_str text = node->text;
    bool is_plain = !node->is_quoted || node->is_expanded;
    if (node->kind == SL_YAML_NULL) {
        text = SL_STR("null");
        is_plain = true;
    } else if (!is_plain || sl_yaml_is_null_text(text)) {
        is_plain = false;
        style = sl_str_chr(text, '\n') < text.n ? YAML_LITERAL_SCALAR_STYLE
                                                : YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    }
    yaml_event_t event;
    return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text.p,
                                        (int)text.n, is_plain, true, style) &&
           yaml_emitter_emit(emitter, &event);
}

/* Keys are names: one that is spelt like null keeps its spelling, so that two stay two. */
static bool emit_key(yaml_emitter_t *emitter, const struct sl_yaml *key)
{
    struct sl_yaml name = *key;
    if (name.kind == SL_YAML_NULL)
        name.kind = SL_YAML_SCALAR;
    return emit_scalar(emitter, &name);
}

static bool emit_open(yaml_emitter_t *emitter, const struct sl_yaml *node)
{
    yaml_event_t event;
    if (node->kind == SL_YAML_MAP)
        return yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                                   node->n ? YAML_BLOCK_MAPPING_STYLE
                                                           : YAML_FLOW_MAPPING_STYLE) &&
               yaml_emitter_emit(emitter, &event);
    return yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                                node->n ? YAML_BLOCK_SEQUENCE_STYLE
                                                        : YAML_FLOW_SEQUENCE_STYLE) &&
           yaml_emitter_emit(emitter, &event);
}

static bool emit_close(yaml_emitter_t *emitter, const struct sl_yaml *node)
{
    yaml_event_t event;
    int ok = node->kind == SL_YAML_MAP ? yaml_mapping_end_event_initialize(&event)
                                       : yaml_sequence_end_event_initialize(&event);
    return ok && yaml_emitter_emit(emitter, &event);
}

static bool is_container(const struct sl_yaml *node)
{
    return node->kind == SL_YAML_MAP || node->kind == SL_YAML_LIST;
}

static bool emit_tree(yaml_emitter_t *emitter, const struct sl_yaml *root)
{
    if (!is_container(root))
        return emit_scalar(emitter, root);
    struct dump_frame stack[MAX_DUMP_DEPTH];
    uint32_t depth = 1;
    stack[0] = (struct dump_frame){root, 0};
    if (!emit_open(emitter, root))
        return false;
    while (depth) {
        struct dump_frame *top = &stack[depth - 1];
        if (top->next == top->node->n) {
            if (!emit_close(emitter, top->node))
                return false;
            depth--;
            continue;
        }
        uint32_t i = top->next++;
        const struct sl_yaml *child = top->node->items[i];
        if (top->node->kind == SL_YAML_MAP && !emit_key(emitter, top->node->keys[i]))
            return false;
        if (!is_container(child)) {
            if (!emit_scalar(emitter, child))
                return false;
            continue;
        }
        if (depth == MAX_DUMP_DEPTH || !emit_open(emitter, child))
            return false;
        stack[depth++] = (struct dump_frame){child, 0};
    }
    return true;
}

void sl_yaml_dump(struct sl_buf *out, const struct sl_yaml *root)
{
    yaml_emitter_t emitter;
    yaml_event_t event;
    if (!yaml_emitter_initialize(&emitter)) {
        out->is_full = true;
        return;
    }
    yaml_emitter_set_output(&emitter, write_out, out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    yaml_emitter_set_indent(&emitter, 2);
    bool ok = yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
              yaml_emitter_emit(&emitter, &event) &&
              yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
              yaml_emitter_emit(&emitter, &event) && emit_tree(&emitter, root) &&
              yaml_document_end_event_initialize(&event, 1) &&
              yaml_emitter_emit(&emitter, &event) && yaml_stream_end_event_initialize(&event) &&
              yaml_emitter_emit(&emitter, &event) && yaml_emitter_flush(&emitter);
    yaml_emitter_delete(&emitter);
    if (!ok)
        out->is_full = true;
}
