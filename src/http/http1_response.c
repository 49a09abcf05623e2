/*
 * The head is gathered until its empty line (in one piece as a rule), copied once into the arena
 * and cut into views there; content is never copied. Chunked content goes through http1_chunks, as
 * requests do. Follows RFC 9112 sections 4, 5, 6 and 7 in their strict readings.
 */
#include "http/http1_response.h"

#include "http/http1_text.h"

#define MAX_HEADERS 256u
#define MAX_INTERIM 16u

enum state {
    IN_HEAD,
    AT_BODY_START, /* the head event was given; what follows depends on the framing */
    IN_LENGTH,
    IN_UNTIL_CLOSE,
    IN_CHUNKS,
    DONE,
};

void sl_h1_response_init(struct sl_h1_response *p, struct sl_arena *arena, bool is_for_head,
                         uint32_t max_head_bytes)
{
    *p = (struct sl_h1_response){
        .arena = arena, .is_for_head = is_for_head, .max_head = max_head_bytes};
}

static enum sl_rc fail(struct sl_h1_response *p, enum sl_rc rc, const char *why)
{
    p->error = why;
    return rc;
}

static bool is_token(sl_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!sl_h1_is_token_char((unsigned char)s.p[i]))
            return false;
    return s.n > 0;
}

/* Visible bytes, blanks, tabs and obs-text. */
static bool is_field_text(sl_str s)
{
    return sl_h1_text_end(s.p, 0, s.n) == s.n;
}

static enum sl_rc read_status_line(struct sl_h1_response *p, sl_str line, bool *is_http_10)
{
    if (line.n < 12 || memcmp(line.p, "HTTP/1.", 7) != 0 ||
        (line.p[7] != '0' && line.p[7] != '1') || line.p[8] != ' ')
        return fail(p, SL_INVALID, "the status line is not HTTP/1.0 or HTTP/1.1");
    int status = 0;
    for (int i = 9; i < 12; i++) {
        if (line.p[i] < '0' || line.p[i] > '9')
            return fail(p, SL_INVALID, "the status is not three digits");
        status = status * 10 + (line.p[i] - '0');
    }
    if (status < 100 || status > 599 || (line.n > 12 && line.p[12] != ' '))
        return fail(p, SL_INVALID, "the status is not between 100 and 599");
    if (!is_field_text(line))
        return fail(p, SL_INVALID, "the reason phrase holds control bytes");
    p->status = status;
    *is_http_10 = line.p[7] == '0';
    return SL_OK;
}

struct framing_fields {
    uint64_t length;
    bool has_length, is_chunked, says_close, says_keep_alive;
};

static enum sl_rc read_length(struct sl_h1_response *p, sl_str value, struct framing_fields *f)
{
    if (f->has_length)
        return fail(p, SL_INVALID, "Content-Length appears twice");
    if (value.n == 0 || value.n > 18)
        return fail(p, SL_INVALID, "Content-Length is not a number");
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return fail(p, SL_INVALID, "Content-Length is not a number");
        f->length = f->length * 10 + (uint64_t)(value.p[i] - '0');
    }
    f->has_length = true;
    return SL_OK;
}

static void read_connection(sl_str value, struct framing_fields *f)
{
    sl_str piece;
    while (sl_str_split(&value, ',', &piece)) {
        piece = sl_h1_trim(piece);
        if (sl_str_eq_nocase(piece, SL_STR("close")))
            f->says_close = true;
        else if (sl_str_eq_nocase(piece, SL_STR("keep-alive")))
            f->says_keep_alive = true;
    }
}

static enum sl_rc note_field(struct sl_h1_response *p, const struct sl_header *h,
                             struct framing_fields *f)
{
    switch (h->name.n) {
    case 14:
        if (sl_str_eq_nocase(h->name, SL_STR("content-length")))
            return read_length(p, h->value, f);
        return SL_OK;
    case 17:
        if (!sl_str_eq_nocase(h->name, SL_STR("transfer-encoding")))
            return SL_OK;
        if (f->is_chunked || !sl_str_eq_nocase(h->value, SL_STR("chunked")))
            return fail(p, SL_INVALID, "Transfer-Encoding is not chunked alone");
        f->is_chunked = true;
        return SL_OK;
    case 10:
        if (sl_str_eq_nocase(h->name, SL_STR("connection")))
            read_connection(h->value, f);
        return SL_OK;
    default:
        return SL_OK;
    }
}

static enum sl_rc read_field(struct sl_h1_response *p, sl_str line, struct framing_fields *f)
{
    size_t colon = sl_str_chr(line, ':');
    struct sl_header h = {sl_str_sub(line, 0, colon), {NULL, 0}};
    if (colon == line.n || !is_token(h.name))
        return fail(p, SL_INVALID, "a header line has no valid name");
    h.value = sl_h1_trim(sl_str_sub(line, colon + 1, line.n));
    if (!is_field_text(h.value))
        return fail(p, SL_INVALID, "a header value holds control bytes");
    if (p->headers.n == p->headers.cap)
        return fail(p, SL_LIMIT, "the answer has too many headers");
    p->headers.items[p->headers.n++] = h;
    return note_field(p, &h, f);
}

static enum sl_rc decide_framing(struct sl_h1_response *p, const struct framing_fields *f,
                                 bool is_http_10)
{
    if (f->is_chunked && (f->has_length || is_http_10))
        return fail(p, SL_INVALID, "Transfer-Encoding beside Content-Length or in HTTP/1.0");
    p->is_keep_alive = !f->says_close && (!is_http_10 || f->says_keep_alive);
    p->content_length = UINT64_MAX;
    if (p->is_for_head || p->status == 204 || p->status == 304) {
        p->framing = SL_H1_NO_BODY;
        p->content_length = f->has_length ? f->length : 0;
    } else if (f->is_chunked) {
        p->framing = SL_H1_CHUNKED;
    } else if (f->has_length) {
        p->framing = SL_H1_LENGTH;
        p->content_length = f->length;
    } else {
        p->framing = SL_H1_UNTIL_CLOSE;
        p->is_keep_alive = false;
    }
    return SL_OK;
}

/* `head` ends with its empty line and lives in the arena. */
static enum sl_rc read_head(struct sl_h1_response *p, sl_str head)
{
    struct framing_fields f = {0};
    bool is_http_10 = false;
    uint32_t n_lines = 0;
    for (size_t i = 0; i < head.n; i++)
        n_lines += head.p[i] == '\n';
    p->headers.n = 0;
    p->headers.cap = n_lines < MAX_HEADERS ? n_lines : MAX_HEADERS;
    p->headers.items = SL_NEW_ARRAY(p->arena, struct sl_header, p->headers.cap);
    if (!p->headers.items)
        return fail(p, SL_NOMEM, "out of memory");
    for (bool is_first = true;; is_first = false) {
        size_t lf = sl_str_chr(head, '\n');
        if (lf == head.n || lf == 0 || head.p[lf - 1] != '\r')
            return fail(p, SL_INVALID, "a line of the head does not end in CR LF");
        sl_str line = sl_str_sub(head, 0, lf - 1);
        head = sl_str_sub(head, lf + 1, head.n);
        if (line.n == 0 && !is_first)
            break;
        enum sl_rc rc = is_first ? read_status_line(p, line, &is_http_10) : read_field(p, line, &f);
        if (rc != SL_OK)
            return rc;
    }
    if (p->status == 101)
        return fail(p, SL_INVALID, "the server switched protocols unasked");
    if (p->status < 200)
        return SL_OK;
    return decide_framing(p, &f, is_http_10);
}

/* Offset behind CR LF CR LF, or 0. */
static size_t find_head_end(const char *s, size_t n, size_t from)
{
    while (from < n) {
        const char *lf = memchr(s + from, '\n', n - from);
        if (!lf)
            return 0;
        size_t at = (size_t)(lf - s);
        if (at >= 3 && s[at - 1] == '\r' && s[at - 2] == '\n' && s[at - 3] == '\r')
            return at + 1;
        from = at + 1;
    }
    return 0;
}

/* Refuses early what can only be garbage, so that a peer cannot make us wait for an empty line. */
static bool can_be_head(const char *s, size_t n)
{
    size_t k = n < 7 ? n : 7;
    return memcmp(s, "HTTP/1.", k) == 0;
}

static enum sl_rc carry_head(struct sl_h1_response *p, sl_str more)
{
    if (p->head_n + more.n > p->head_cap) {
        uint32_t cap = (uint32_t)(p->head_n + more.n) * 2 + 512;
        char *grown = sl_arena_alloc(p->arena, cap);
        if (!grown)
            return fail(p, SL_NOMEM, "out of memory");
        if (p->head_n)
            memcpy(grown, p->head, p->head_n);
        p->head = grown;
        p->head_cap = cap;
    }
    memcpy(p->head + p->head_n, more.p, more.n);
    p->head_n += (uint32_t)more.n;
    return SL_OK;
}

/* Takes head bytes; *is_whole when the head is complete and read. */
static enum sl_rc take_head(struct sl_h1_response *p, sl_str *in, bool *is_whole)
{
    *is_whole = false;
    size_t room = p->max_head - p->head_n;
    sl_str take = sl_str_sub(*in, 0, room);
    uint32_t before = p->head_n;
    sl_str head;
    size_t end = before ? 0 : find_head_end(take.p, take.n, 0);
    if (end) {
        head = sl_arena_dup(p->arena, sl_str_sub(take, 0, end));
        if (!head.p)
            return fail(p, SL_NOMEM, "out of memory");
        *in = sl_str_sub(*in, end, in->n);
    } else {
        enum sl_rc rc = carry_head(p, take);
        if (rc != SL_OK)
            return rc;
        if (!can_be_head(p->head, p->head_n))
            return fail(p, SL_INVALID, "the answer does not begin with HTTP/1.");
        end = find_head_end(p->head, p->head_n, before);
        if (!end) {
            *in = sl_str_sub(*in, take.n, in->n);
            return p->head_n == p->max_head ? fail(p, SL_LIMIT, "the head is too large") : SL_OK;
        }
        head = sl_str_of(p->head, end);
        *in = sl_str_sub(*in, end - before, in->n);
    }
    p->head = NULL;
    p->head_n = p->head_cap = 0;
    *is_whole = true;
    return read_head(p, head);
}

static void begin_body(struct sl_h1_response *p)
{
    p->left = p->content_length;
    switch (p->framing) {
    case SL_H1_NO_BODY:
        p->state = DONE;
        break;
    case SL_H1_LENGTH:
        p->state = p->left ? IN_LENGTH : DONE;
        break;
    case SL_H1_CHUNKED:
        p->state = IN_CHUNKS;
        sl_h1_chunks_init(&p->chunks);
        break;
    case SL_H1_UNTIL_CLOSE:
        p->state = IN_UNTIL_CLOSE;
        break;
    }
}

static sl_str take_body(struct sl_h1_response *p, sl_str *in)
{
    size_t n = in->n < p->left ? in->n : (size_t)p->left;
    sl_str body = sl_str_sub(*in, 0, n);
    *in = sl_str_sub(*in, n, in->n);
    p->left -= n;
    if (p->left == 0)
        p->state = DONE;
    return body;
}

static enum sl_rc next_in_head(struct sl_h1_response *p, sl_str *in, enum sl_h1_event *event)
{
    while (in->n) {
        bool is_whole;
        enum sl_rc rc = take_head(p, in, &is_whole);
        if (rc != SL_OK)
            return rc;
        if (!is_whole)
            break;
        if (p->status >= 200) {
            p->state = AT_BODY_START;
            *event = SL_H1_HEAD;
            return SL_OK;
        }
        if (++p->n_interim > MAX_INTERIM)
            return fail(p, SL_LIMIT, "too many 1xx answers");
    }
    *event = SL_H1_MORE;
    return SL_OK;
}

enum sl_rc sl_h1_response_next(struct sl_h1_response *p, sl_str *in, enum sl_h1_event *event,
                               sl_str *body)
{
    if (p->state == IN_HEAD)
        return next_in_head(p, in, event);
    if (p->state == AT_BODY_START)
        begin_body(p);
    while (p->state != DONE && in->n) {
        if (p->state == IN_UNTIL_CLOSE) {
            *body = *in;
            *in = (sl_str){in->p + in->n, 0};
            *event = SL_H1_BODY;
            return SL_OK;
        }
        if (p->state == IN_LENGTH) {
            *body = take_body(p, in);
            *event = SL_H1_BODY;
            return SL_OK;
        }
        bool is_end;
        enum sl_rc rc = sl_h1_chunks_next(&p->chunks, in, body, &is_end);
        if (rc == SL_INVALID)
            return fail(p, rc, p->chunks.error);
        if (is_end)
            p->state = DONE;
        if (rc == SL_OK && body->n) {
            *event = SL_H1_BODY;
            return SL_OK;
        }
    }
    *event = p->state == DONE ? SL_H1_END : SL_H1_MORE;
    return SL_OK;
}

enum sl_rc sl_h1_response_eof(const struct sl_h1_response *p)
{
    bool is_in_order = p->state == DONE || p->state == IN_UNTIL_CLOSE ||
                       (p->state == AT_BODY_START &&
                        (p->framing == SL_H1_UNTIL_CLOSE || p->framing == SL_H1_NO_BODY));
    return is_in_order ? SL_OK : SL_CLOSED;
}
