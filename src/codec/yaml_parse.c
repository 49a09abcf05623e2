/*
 * libyaml's event stream to a tree, with an explicit stack instead of recursion. An alias becomes
 * a copy of what its anchor named (edits to one place then leave the others alone); every copied
 * node counts against max_nodes, which is what bounds "billion laughs" documents.
 */
#include "base/map.h"
#include "codec/yaml.h"

#include <yaml.h>

struct anchor {
    sl_str name;
    struct sl_yaml *node;
    bool is_open; /* its end has not been read: an alias to it would contain itself */
};

struct frame {
    struct sl_yaml *node;
    struct sl_yaml *key; /* map: key read, value awaited */
    uint32_t anchor;     /* index + 1; 0: none */
};

struct parse {
    struct sl_arena *arena;
    struct sl_err *err;
    struct sl_yaml *root;
    struct frame *frames;
    uint32_t depth;
    uint32_t max_depth;
    uint32_t n_nodes;
    uint32_t max_nodes;
    struct anchor *anchors;
    uint32_t n_anchors;
    uint32_t cap_anchors;
};

static enum sl_rc fail_at(struct parse *p, enum sl_rc code, uint32_t line, uint32_t column,
                          const char *message)
{
    if (p->err) {
        sl_err_set(p->err, code, "%s", message);
        p->err->line = line;
        p->err->column = column;
    }
    return code;
}

static enum sl_rc fail(struct parse *p, enum sl_rc code, yaml_mark_t at, const char *message)
{
    return fail_at(p, code, (uint32_t)at.line + 1, (uint32_t)at.column + 1, message);
}

static enum sl_rc fail_nomem(struct parse *p)
{
    return fail_at(p, SL_NOMEM, 0, 0, "out of memory");
}

static enum sl_rc count_node(struct parse *p, uint32_t line, uint32_t column)
{
    if (++p->n_nodes <= p->max_nodes)
        return SL_OK;
    return fail_at(p, SL_LIMIT, line, column,
                   "too many values once aliases are expanded; the limit guards against documents "
                   "that grow without end");
}

static enum sl_rc new_node(struct parse *p, enum sl_yaml_kind kind, yaml_mark_t at,
                           struct sl_yaml **out)
{
    enum sl_rc rc = count_node(p, (uint32_t)at.line + 1, (uint32_t)at.column + 1);
    if (rc != SL_OK)
        return rc;
    struct sl_yaml *node = sl_yaml_new(p->arena, kind, NULL);
    if (!node)
        return fail_nomem(p);
    node->line = (uint32_t)at.line + 1;
    node->column = (uint32_t)at.column + 1;
    *out = node;
    return SL_OK;
}

/* ---- anchors ------------------------------------------------------------------------------- */

static enum sl_rc add_anchor(struct parse *p, const yaml_char_t *name, struct sl_yaml *node,
                             bool is_open, uint32_t *index)
{
    if (p->n_anchors == p->cap_anchors) {
        uint32_t cap = p->cap_anchors ? p->cap_anchors * 2 : 8;
        struct anchor *grown = SL_NEW_ARRAY(p->arena, struct anchor, cap);
        if (!grown)
            return fail_nomem(p);
        if (p->n_anchors)
            memcpy(grown, p->anchors, p->n_anchors * sizeof *grown);
        p->anchors = grown;
        p->cap_anchors = cap;
    }
    sl_str copy = sl_arena_dup(p->arena, sl_str_from((const char *)name));
    if (!copy.p)
        return fail_nomem(p);
    p->anchors[p->n_anchors] = (struct anchor){copy, node, is_open};
    *index = ++p->n_anchors;
    return SL_OK;
}

/* The latest anchor of that name: YAML lets a name be used again. */
static struct anchor *find_anchor(struct parse *p, sl_str name)
{
    for (uint32_t i = p->n_anchors; i-- > 0;)
        if (sl_str_eq(p->anchors[i].name, name))
            return &p->anchors[i];
    return NULL;
}

struct copy_frame {
    const struct sl_yaml *from;
    struct sl_yaml *to;
    uint32_t next;
};

static struct sl_yaml *copy_shallow(struct sl_arena *arena, const struct sl_yaml *from)
{
    struct sl_yaml *to = SL_NEW(arena, struct sl_yaml);
    if (!to)
        return NULL;
    *to = *from;
    to->cap = from->n;
    to->items = from->n ? SL_NEW_ARRAY(arena, struct sl_yaml *, from->n) : NULL;
    to->keys = from->n && from->kind == SL_YAML_MAP ? SL_NEW_ARRAY(arena, struct sl_yaml *, from->n)
                                                    : NULL;
    if (from->n && (!to->items || (from->kind == SL_YAML_MAP && !to->keys)))
        return NULL;
    return to;
}

/* The copy's nodes are counted in *n_nodes up to max_nodes; beyond it NULL with *is_over. */
static struct sl_yaml *copy_tree(struct sl_arena *arena, const struct sl_yaml *from,
                                 uint32_t max_depth, uint32_t *n_nodes, uint32_t max_nodes)
{
    struct copy_frame *stack = SL_NEW_ARRAY(arena, struct copy_frame, max_depth + 1);
    struct sl_yaml *root = stack ? copy_shallow(arena, from) : NULL;
    if (!root)
        return NULL;
    uint32_t depth = 0;
    stack[0] = (struct copy_frame){from, root, 0};
    for (;;) {
        struct copy_frame *top = &stack[depth];
        if (top->next == top->from->n) {
            if (depth-- == 0)
                return root;
            continue;
        }
        uint32_t i = top->next++;
        if (++*n_nodes > max_nodes)
            return NULL;
        struct sl_yaml *child = copy_shallow(arena, top->from->items[i]);
        if (!child || (top->from->items[i]->n && depth == max_depth))
            return NULL;
        top->to->items[i] = child;
        if (top->to->keys)
            top->to->keys[i] = top->from->keys[i];
        if (child->n)
            stack[++depth] = (struct copy_frame){top->from->items[i], child, 0};
    }
}

struct sl_yaml *sl_yaml_copy(struct sl_arena *arena, const struct sl_yaml *node)
{
    uint32_t n_nodes = 0;
    return copy_tree(arena, node, 1024, &n_nodes, UINT32_MAX - 1);
}

/* ---- building ------------------------------------------------------------------------------ */

static enum sl_rc attach(struct parse *p, struct sl_yaml *node)
{
    if (p->depth == 0) {
        p->root = node;
        return SL_OK;
    }
    struct frame *top = &p->frames[p->depth - 1];
    if (top->node->kind == SL_YAML_LIST)
        return sl_yaml_push(p->arena, top->node, node) == SL_OK ? SL_OK : fail_nomem(p);
    if (top->key) {
        struct sl_yaml *key = top->key;
        top->key = NULL;
        return sl_yaml_add(p->arena, top->node, key, node) == SL_OK ? SL_OK : fail_nomem(p);
    }
    if (node->kind != SL_YAML_SCALAR && node->kind != SL_YAML_NULL)
        return fail_at(p, SL_INVALID, node->line, node->column,
                       "found a map or list as a key, expected a text");
    top->key = node;
    return SL_OK;
}

/* Own keys win over merged ones, earlier merged maps over later ones. */
static enum sl_rc merge_map(struct parse *p, struct sl_yaml *into, const struct sl_yaml *from)
{
    if (from->kind != SL_YAML_MAP)
        return fail_at(p, SL_INVALID, from->line, from->column,
                       "found something else under the merge key \"<<\", expected a map or a list "
                       "of maps");
    for (uint32_t i = 0; i < from->n; i++)
        if (!sl_yaml_get(into, from->keys[i]->text) &&
            sl_yaml_add(p->arena, into, from->keys[i], from->items[i]) != SL_OK)
            return fail_nomem(p);
    return SL_OK;
}

static bool is_merge_key(const struct sl_yaml *key)
{
    return !key->is_quoted && sl_str_eq(key->text, SL_STR("<<"));
}

static enum sl_rc resolve_merges(struct parse *p, struct sl_yaml *map)
{
    struct sl_yaml *merged = NULL;
    for (uint32_t i = 0; i < map->n && !merged; i++)
        if (is_merge_key(map->keys[i]))
            merged = map->items[i];
    if (!merged)
        return SL_OK;
    sl_yaml_remove(map, SL_STR("<<"));
    if (merged->kind != SL_YAML_LIST)
        return merge_map(p, map, merged);
    for (uint32_t i = 0; i < merged->n; i++) {
        enum sl_rc rc = merge_map(p, map, merged->items[i]);
        if (rc != SL_OK)
            return rc;
    }
    return SL_OK;
}

static enum sl_rc fail_duplicate(struct parse *p, const struct sl_yaml *first,
                                 const struct sl_yaml *second)
{
    if (p->err) {
        sl_err_set(p->err, SL_INVALID, "the key \"%.*s\" is given twice; first at %u:%u",
                   SL_FMT(sl_str_sub(second->text, 0, 100)), first->line, first->column);
        p->err->line = second->line;
        p->err->column = second->column;
    }
    return SL_INVALID;
}

static enum sl_rc check_duplicates(struct parse *p, const struct sl_yaml *map)
{
    if (map->n <= 16) {
        for (uint32_t i = 1; i < map->n; i++)
            for (uint32_t j = 0; j < i; j++)
                if (sl_str_eq(map->keys[i]->text, map->keys[j]->text))
                    return fail_duplicate(p, map->keys[j], map->keys[i]);
        return SL_OK;
    }
    struct sl_map seen;
    sl_map_init(&seen, p->arena, 0);
    for (uint32_t i = 0; i < map->n; i++) {
        uint64_t first = 0;
        if (sl_map_get(&seen, map->keys[i]->text, &first))
            return fail_duplicate(p, map->keys[first], map->keys[i]);
        if (sl_map_put(&seen, map->keys[i]->text, i) != SL_OK)
            return fail_nomem(p);
    }
    return SL_OK;
}

/* ---- events -------------------------------------------------------------------------------- */

static bool is_tag(const yaml_char_t *tag, const char *name)
{
    return tag && strcmp((const char *)tag, name) == 0;
}

static enum sl_rc on_scalar(struct parse *p, const yaml_event_t *event)
{
    sl_str text = sl_str_of(event->data.scalar.value, event->data.scalar.length);
    const yaml_char_t *tag = event->data.scalar.tag;
    bool is_str = is_tag(tag, YAML_STR_TAG) || is_tag(tag, "!");
    if (tag && !is_str && !is_tag(tag, YAML_INT_TAG) && !is_tag(tag, YAML_FLOAT_TAG) &&
        !is_tag(tag, YAML_BOOL_TAG) && !is_tag(tag, YAML_NULL_TAG))
        return fail(p, SL_INVALID, event->start_mark,
                    "this tag is not supported; expected none, !!str, !!int, !!float, !!bool or "
                    "!!null");
    if (memchr(text.p, 0, text.n))
        return fail(p, SL_INVALID, event->start_mark, "found a NUL character in a text");
    struct sl_yaml *node = NULL;
    enum sl_rc rc = new_node(p, SL_YAML_SCALAR, event->start_mark, &node);
    if (rc != SL_OK)
        return rc;
    node->text = sl_arena_dup(p->arena, text);
    if (!node->text.p)
        return fail_nomem(p);
    node->is_quoted = is_str || (!tag && event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE);
    if (!node->is_quoted && sl_yaml_is_null_text(text))
        node->kind = SL_YAML_NULL;
    uint32_t unused;
    if (event->data.scalar.anchor &&
        (rc = add_anchor(p, event->data.scalar.anchor, node, false, &unused)) != SL_OK)
        return rc;
    return attach(p, node);
}

static enum sl_rc on_alias(struct parse *p, const yaml_event_t *event)
{
    sl_str name = sl_str_from((const char *)event->data.alias.anchor);
    const struct anchor *anchor = find_anchor(p, name);
    if (!anchor)
        return fail(p, SL_INVALID, event->start_mark, "this alias names no anchor above it");
    if (anchor->is_open)
        return fail(p, SL_INVALID, event->start_mark, "this alias would contain itself");
    enum sl_rc rc =
        count_node(p, (uint32_t)event->start_mark.line + 1, (uint32_t)event->start_mark.column + 1);
    if (rc != SL_OK)
        return rc;
    uint32_t room = p->max_depth > p->depth ? p->max_depth - p->depth : 0;
    struct sl_yaml *copy = copy_tree(p->arena, anchor->node, room, &p->n_nodes, p->max_nodes);
    if (!copy && p->n_nodes > p->max_nodes)
        return count_node(p, (uint32_t)event->start_mark.line + 1,
                          (uint32_t)event->start_mark.column + 1);
    if (!copy)
        return fail(p, SL_LIMIT, event->start_mark, "this alias expands too deep");
    return attach(p, copy);
}

static enum sl_rc on_open(struct parse *p, const yaml_event_t *event, enum sl_yaml_kind kind,
                          const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (tag && !is_tag(tag, YAML_MAP_TAG) && !is_tag(tag, YAML_SEQ_TAG) && !is_tag(tag, "!"))
        return fail(p, SL_INVALID, event->start_mark, "this tag is not supported");
    if (p->depth == p->max_depth)
        return fail(p, SL_LIMIT, event->start_mark, "nested too deep");
    struct sl_yaml *node = NULL;
    enum sl_rc rc = new_node(p, kind, event->start_mark, &node);
    if (rc == SL_OK)
        rc = attach(p, node);
    uint32_t index = 0;
    if (rc == SL_OK && anchor)
        rc = add_anchor(p, anchor, node, true, &index);
    if (rc == SL_OK)
        p->frames[p->depth++] = (struct frame){.node = node, .anchor = index};
    return rc;
}

static enum sl_rc on_close(struct parse *p)
{
    struct frame *top = &p->frames[--p->depth];
    if (top->anchor)
        p->anchors[top->anchor - 1].is_open = false;
    if (top->node->kind != SL_YAML_MAP)
        return SL_OK;
    enum sl_rc rc = check_duplicates(p, top->node);
    return rc != SL_OK ? rc : resolve_merges(p, top->node);
}

static enum sl_rc on_event(struct parse *p, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return on_scalar(p, event);
    case YAML_ALIAS_EVENT:
        return on_alias(p, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_open(p, event, SL_YAML_LIST, event->data.sequence_start.anchor,
                       event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return on_open(p, event, SL_YAML_MAP, event->data.mapping_start.anchor,
                       event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_close(p);
    default:
        return SL_OK;
    }
}

static enum sl_rc fail_syntax(struct parse *p, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return fail_nomem(p);
    char text[200];
    const char *context = parser->context ? parser->context : "";
    snprintf(text, sizeof text, "not YAML: %s%s%s", parser->problem ? parser->problem : "error",
             *context ? " " : "", context);
    if (parser->error == YAML_READER_ERROR) {
        enum sl_rc rc = fail_at(p, SL_INVALID, 1, 1, text);
        if (p->err)
            p->err->offset = parser->problem_offset;
        return rc;
    }
    return fail(p, SL_INVALID, parser->problem_mark, text);
}

static enum sl_rc read_events(struct parse *p, yaml_parser_t *parser)
{
    bool has_document = false;
    for (;;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return fail_syntax(p, parser);
        enum sl_rc rc = SL_OK;
        bool is_end = event.type == YAML_STREAM_END_EVENT || event.type == YAML_NO_EVENT;
        if (event.type == YAML_DOCUMENT_START_EVENT && has_document)
            rc = fail(p, SL_INVALID, event.start_mark,
                      "a second document begins here, expected one document");
        else
            rc = on_event(p, &event);
        has_document |= event.type == YAML_DOCUMENT_START_EVENT;
        yaml_event_delete(&event);
        if (rc != SL_OK || is_end)
            return rc;
    }
}

enum sl_rc sl_yaml_parse(struct sl_yaml **out, struct sl_arena *arena, sl_str text,
                         const struct sl_yaml_limits *limits, struct sl_err *err)
{
    static const struct sl_yaml_limits none;
    if (!limits)
        limits = &none;
    struct parse p = {
        .arena = arena,
        .err = err,
        .max_depth = limits->max_depth ? limits->max_depth : 128,
        .max_nodes = limits->max_nodes ? limits->max_nodes : 1u << 20,
    };
    *out = NULL;
    if (text.n > (limits->max_bytes ? limits->max_bytes : (size_t)32 << 20))
        return fail_at(&p, SL_LIMIT, 1, 1, "the document is too large");
    p.frames = SL_NEW_ARRAY(arena, struct frame, p.max_depth);
    yaml_parser_t parser;
    if (!p.frames || !yaml_parser_initialize(&parser))
        return fail_nomem(&p);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
    enum sl_rc rc = read_events(&p, &parser);
    yaml_parser_delete(&parser);
    if (rc != SL_OK)
        return rc;
    *out = p.root ? p.root : sl_yaml_new(arena, SL_YAML_NULL, NULL);
    return *out ? SL_OK : fail_nomem(&p);
}
