/*
 * Edits are kept as marks on nodes: a value is replaced or removed, a container gains members.
 * Rendering turns marks into cuts, ranges of the original with the pieces that stand there instead,
 * sorts them and copies what lies between. A cut that begins inside an earlier one belongs to a
 * value that is gone and is dropped.
 *
 * Members: a container whose membership changed is walked once. Between two kept neighbours the
 * original bytes stay; where members went or came, the gap before the next kept member (its comma
 * and blanks) is kept, so that indentation survives.
 */
#include "codec/splice.h"
#include "codec/json_write.h"

#include <stdlib.h>

struct addition {
    struct addition *next;
    sl_str key;     /* object: plain; else p == NULL */
    sl_str opening; /* object: "key": with quotes and colon */
    sl_str value;
    uint32_t at; /* array: stands before this element; object: UINT32_MAX */
};

struct mark {
    struct mark *next;
    sl_json_ref node;
    bool is_replaced;
    bool is_removed;
    bool has_changed_members;
    sl_str value;               /* when is_replaced */
    struct addition *additions; /* by `at`, then in order of calls */
};

struct sl_splice {
    const struct sl_json *doc;
    struct sl_arena *arena;
    struct mark **by_node; /* NULL until the first edit */
    struct mark *marks;    /* newest first */
};

struct cut {
    uint32_t from, to;
    uint32_t first_piece, n_pieces;
};

/* The growing result of one rendering. */
struct render {
    struct sl_splice *s;
    struct cut *cuts;
    uint32_t n_cuts, cap_cuts;
    struct iovec *pieces;
    uint32_t n_pieces, cap_pieces;
    bool is_out_of_memory;
};

struct sl_splice *sl_splice_new(const struct sl_json *doc, struct sl_arena *arena)
{
    struct sl_splice *s = SL_NEW(arena, struct sl_splice);
    if (!s)
        return NULL;
    s->doc = doc;
    s->arena = arena;
    return s;
}

/* ---- marks ------------------------------------------------------------------------------- */

static struct mark *mark_of(struct sl_splice *s, sl_json_ref v)
{
    if (!s->by_node && !(s->by_node = SL_NEW_ARRAY(s->arena, struct mark *, s->doc->n_nodes)))
        return NULL;
    struct mark *m = s->by_node[v];
    if (m)
        return m;
    m = SL_NEW(s->arena, struct mark);
    if (!m)
        return NULL;
    m->node = v;
    m->next = s->marks;
    s->marks = s->by_node[v] = m;
    return m;
}

static bool is_container(const struct sl_splice *s, sl_json_ref v, enum sl_json_type type)
{
    return v != SL_JSON_NONE && v < s->doc->n_nodes && sl_json_type(s->doc, v) == type;
}

/* `parent` is the container when removing, else SL_JSON_NONE. */
static enum sl_rc remove_value(struct sl_splice *s, sl_json_ref parent, sl_json_ref v)
{
    struct mark *own = mark_of(s, v), *outer = own ? mark_of(s, parent) : NULL;
    if (!outer)
        return SL_NOMEM;
    own->is_removed = true;
    outer->has_changed_members = true;
    return SL_OK;
}

enum sl_rc sl_splice_replace(struct sl_splice *s, sl_json_ref v, sl_str value)
{
    if (v == SL_JSON_NONE || v >= s->doc->n_nodes)
        return SL_INVALID;
    struct mark *m = mark_of(s, v);
    if (!m)
        return SL_NOMEM;
    m->is_replaced = true;
    m->is_removed = false;
    m->value = value;
    return SL_OK;
}

/* "key": with its escapes, in the arena. */
static sl_str opening_of(struct sl_arena *arena, sl_str key)
{
    struct sl_buf text;
    sl_buf_init(&text, key.n * 6 + 16);
    sl_json_escape(&text, key);
    sl_buf_add_char(&text, ':');
    sl_str opening = sl_buf_rc(&text) ? (sl_str){NULL, 0} : sl_arena_dup(arena, sl_buf_str(&text));
    sl_buf_free(&text);
    return opening;
}

static enum sl_rc add_member(struct sl_splice *s, struct mark *m, uint32_t at, sl_str key,
                             sl_str value)
{
    struct addition **place = &m->additions;
    for (; *place && (*place)->at <= at; place = &(*place)->next) {
        if (key.p && sl_str_eq((*place)->key, key)) {
            (*place)->value = value;
            return SL_OK;
        }
    }
    struct addition *a = SL_NEW(s->arena, struct addition);
    if (!a)
        return SL_NOMEM;
    *a = (struct addition){.next = *place, .value = value, .at = at};
    if (key.p) {
        a->key = sl_arena_dup(s->arena, key);
        a->opening = opening_of(s->arena, key);
        if (!a->key.p || !a->opening.p)
            return SL_NOMEM;
    }
    *place = a;
    m->has_changed_members = true;
    return SL_OK;
}

enum sl_rc sl_splice_set(struct sl_splice *s, sl_json_ref v, sl_str key, sl_str value)
{
    if (!is_container(s, v, SL_JSON_OBJECT))
        return SL_INVALID;
    sl_json_ref present = sl_json_get(s->doc, v, key);
    if (present != SL_JSON_NONE)
        return sl_splice_replace(s, present, value);
    struct mark *m = mark_of(s, v);
    if (!m)
        return SL_NOMEM;
    if (!key.p)
        key.p = "";
    return add_member(s, m, UINT32_MAX, key, value);
}

enum sl_rc sl_splice_remove(struct sl_splice *s, sl_json_ref v, sl_str key)
{
    if (!is_container(s, v, SL_JSON_OBJECT))
        return SL_INVALID;
    sl_json_ref present = sl_json_get(s->doc, v, key);
    if (present != SL_JSON_NONE)
        return remove_value(s, v, present);
    struct mark *m = s->by_node ? s->by_node[v] : NULL;
    for (struct addition **place = m ? &m->additions : NULL; place && *place;
         place = &(*place)->next) {
        if (sl_str_eq((*place)->key, key)) {
            *place = (*place)->next;
            break;
        }
    }
    return SL_OK;
}

enum sl_rc sl_splice_remove_member(struct sl_splice *s, sl_json_ref v, sl_json_ref key)
{
    return is_container(s, v, SL_JSON_OBJECT) ? remove_value(s, v, key + 1) : SL_INVALID;
}

enum sl_rc sl_splice_insert(struct sl_splice *s, sl_json_ref v, uint32_t i, sl_str value)
{
    if (!is_container(s, v, SL_JSON_ARRAY) || i > sl_json_count(s->doc, v))
        return SL_INVALID;
    struct mark *m = mark_of(s, v);
    return m ? add_member(s, m, i, (sl_str){NULL, 0}, value) : SL_NOMEM;
}

enum sl_rc sl_splice_remove_at(struct sl_splice *s, sl_json_ref v, uint32_t i)
{
    sl_json_ref element = SL_JSON_NONE;
    if (is_container(s, v, SL_JSON_ARRAY))
        element = sl_json_at(s->doc, v, i);
    return element == SL_JSON_NONE ? SL_INVALID : remove_value(s, v, element);
}

static bool is_mark_live(const struct mark *m)
{
    return m->is_replaced || m->is_removed || m->has_changed_members;
}

bool sl_splice_is_edited(const struct sl_splice *s, sl_json_ref v)
{
    if (!s->by_node || v == SL_JSON_NONE)
        return false;
    for (sl_json_ref r = v; r < s->doc->nodes[v].next; r++)
        if (s->by_node[r] && is_mark_live(s->by_node[r]))
            return true;
    return false;
}

bool sl_splice_is_empty(const struct sl_splice *s)
{
    for (const struct mark *m = s->marks; m; m = m->next)
        if (is_mark_live(m))
            return false;
    return true;
}

/* ---- rendering --------------------------------------------------------------------------- */

static void *grow(struct render *r, void *items, uint32_t n, uint32_t *cap, size_t size)
{
    if (n < *cap)
        return items;
    uint32_t wanted = *cap ? *cap * 2 : 32;
    void *grown = sl_arena_alloc(r->s->arena, wanted * size);
    if (!grown) {
        r->is_out_of_memory = true;
        return NULL;
    }
    if (n)
        memcpy(grown, items, n * size);
    *cap = wanted;
    return grown;
}

static void add_piece(struct render *r, sl_str text)
{
    if (text.n == 0 || r->is_out_of_memory)
        return;
    struct iovec *grown = grow(r, r->pieces, r->n_pieces, &r->cap_pieces, sizeof *grown);
    if (!grown)
        return;
    r->pieces = grown;
    r->pieces[r->n_pieces++] = (struct iovec){(void *)(uintptr_t)text.p, text.n};
}

/* Begins a cut; the pieces added until the next one are its own. */
static void add_cut(struct render *r, uint32_t from, uint32_t to)
{
    struct cut *grown = grow(r, r->cuts, r->n_cuts, &r->cap_cuts, sizeof *grown);
    if (!grown)
        return;
    r->cuts = grown;
    r->cuts[r->n_cuts++] = (struct cut){.from = from, .to = to, .first_piece = r->n_pieces};
}

static void end_cut(struct render *r)
{
    if (r->is_out_of_memory)
        return;
    struct cut *c = &r->cuts[r->n_cuts - 1];
    c->n_pieces = r->n_pieces - c->first_piece;
}

static inline sl_str original(const struct render *r, uint32_t from, uint32_t to)
{
    return (sl_str){r->s->doc->text.p + from, to - from};
}

struct span {
    uint32_t from, to;
};

static struct span span_of(const struct sl_json *doc, sl_json_ref v)
{
    sl_str raw = sl_json_raw(doc, v);
    uint32_t from = (uint32_t)(raw.p - doc->text.p);
    return (struct span){from, from + (uint32_t)raw.n};
}

/* A walk over one container's members: what happened since the last kept member. */
struct walk {
    uint32_t inside_from, inside_to; /* between the brackets */
    uint32_t first_from;             /* of the first original member, or inside_to */
    uint32_t kept_to;                /* end of the last kept member, or inside_from */
    uint32_t before_to;              /* end of the last original member seen, kept or not */
    bool has_kept;
    bool has_removed;
    struct addition *from, *to; /* additions of this gap: [from, to) */
};

static const sl_str comma = SL_STR_INIT(",");

/* Writes the gap up to the kept member that begins at `next`, or to the bracket. */
static void close_gap(struct render *r, const struct walk *w, uint32_t next, bool is_end)
{
    if (!w->has_removed && w->from == w->to)
        return;
    bool has_output = w->has_kept;
    add_cut(r, w->kept_to, next);
    if (!w->has_kept && w->first_from != w->inside_to)
        add_piece(r, original(r, w->inside_from, w->first_from));
    for (struct addition *a = w->from; a != w->to; a = a->next) {
        if (has_output)
            add_piece(r, comma);
        add_piece(r, a->opening);
        add_piece(r, a->value);
        has_output = true;
    }
    if (is_end)
        add_piece(r, original(r, w->before_to, next));
    else if (has_output && next == w->first_from)
        add_piece(r, comma);
    else if (has_output)
        add_piece(r, original(r, w->before_to, next));
    end_cut(r);
}

static void cut_members(struct render *r, const struct mark *m)
{
    const struct sl_json *doc = r->s->doc;
    struct span outer = span_of(doc, m->node);
    bool is_object = sl_json_type(doc, m->node) == SL_JSON_OBJECT;
    sl_json_ref first = sl_json_first(doc, m->node);
    struct walk w = {.inside_from = outer.from + 1, .inside_to = outer.to - 1};
    w.first_from = first == SL_JSON_NONE ? w.inside_to : span_of(doc, first).from;
    w.kept_to = w.before_to = w.inside_from;
    w.from = w.to = m->additions;
    uint32_t i = 0;
    for (sl_json_ref it = first; it != SL_JSON_NONE; it = sl_json_after(doc, m->node, it), i++) {
        sl_json_ref value = is_object ? it + 1 : it;
        while (w.to && w.to->at <= i)
            w.to = w.to->next;
        struct span start = span_of(doc, it), end = span_of(doc, value);
        const struct mark *own = r->s->by_node[value];
        if (own && own->is_removed) {
            w.has_removed = true;
        } else {
            close_gap(r, &w, start.from, false);
            w.kept_to = end.to;
            w.has_kept = true;
            w.has_removed = false;
            w.from = w.to;
        }
        w.before_to = end.to;
    }
    w.to = NULL;
    close_gap(r, &w, w.inside_to, true);
}

/* By start; an insertion before the value that begins there; then the wider first. */
static int by_place(const void *left, const void *right)
{
    const struct cut *a = left, *b = right;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    bool is_a_empty = a->from == a->to, is_b_empty = b->from == b->to;
    if (is_a_empty != is_b_empty)
        return is_a_empty ? -1 : 1;
    return a->to > b->to ? -1 : a->to < b->to;
}

static void make_cuts(struct render *r)
{
    for (const struct mark *m = r->s->marks; m && !r->is_out_of_memory; m = m->next) {
        if (m->is_removed)
            continue;
        if (m->is_replaced) {
            struct span v = span_of(r->s->doc, m->node);
            add_cut(r, v.from, v.to);
            add_piece(r, m->value);
            end_cut(r);
        } else if (m->has_changed_members) {
            cut_members(r, m);
        }
    }
    if (r->n_cuts > 1)
        qsort(r->cuts, r->n_cuts, sizeof *r->cuts, by_place);
}

enum sl_rc sl_splice_iov(struct sl_splice *s, const struct iovec **iov, size_t *n_iov,
                         size_t *total)
{
    struct render cuts = {.s = s}, out = {.s = s};
    make_cuts(&cuts);
    uint32_t at = 0;
    for (uint32_t i = 0; i < cuts.n_cuts && !cuts.is_out_of_memory; i++) {
        const struct cut *c = &cuts.cuts[i];
        if (c->from < at)
            continue;
        add_piece(&out, original(&out, at, c->from));
        for (uint32_t k = 0; k < c->n_pieces; k++) {
            const struct iovec *piece = &cuts.pieces[c->first_piece + k];
            add_piece(&out, sl_str_of(piece->iov_base, piece->iov_len));
        }
        at = c->to;
    }
    add_piece(&out, original(&out, at, (uint32_t)s->doc->text.n));
    if (cuts.is_out_of_memory || out.is_out_of_memory)
        return SL_NOMEM;
    *iov = out.pieces;
    *n_iov = out.n_pieces;
    *total = 0;
    for (uint32_t i = 0; i < out.n_pieces; i++)
        *total += out.pieces[i].iov_len;
    return SL_OK;
}

enum sl_rc sl_splice_flat(struct sl_splice *s, sl_str *out)
{
    const struct iovec *iov;
    size_t n, total;
    enum sl_rc rc = sl_splice_iov(s, &iov, &n, &total);
    if (rc)
        return rc;
    char *text = sl_arena_alloc_aligned(s->arena, total + 1, 1);
    if (!text)
        return SL_NOMEM;
    *out = (sl_str){text, total};
    for (size_t i = 0; i < n; i++) {
        memcpy(text, iov[i].iov_base, iov[i].iov_len);
        text += iov[i].iov_len;
    }
    *text = 0;
    return SL_OK;
}
