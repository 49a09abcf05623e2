/*
 * The head is read line by line; a line is taken only when its CR LF is there, and what was
 * already looked at of an unfinished one is not looked at again, so that a head sent byte by byte
 * costs no more than linear time. Every verdict depends on the bytes up to the offending one
 * alone: feeding whole and feeding in pieces give the same answer. Follows RFC 9112 sections 2 to
 * 6 in their strict readings; the table of refusals is tests/vectors/http1/.
 */
#include "http/http1_request.h"

#include "http/http1_text.h"

#define MAX_METHOD_BYTES 32u
#define MAX_NAME_BYTES   256u

enum phase { IN_REQUEST_LINE, IN_FIELDS };

void sl_h1_request_init(struct sl_h1_request *r, struct sl_arena *arena, uint32_t max_head_bytes)
{
    *r = (struct sl_h1_request){.arena = arena, .max_bytes = max_head_bytes};
}

static enum sl_rc refuse(struct sl_h1_request *r, int status, const char *why)
{
    r->status = status;
    r->error = why;
    return SL_INVALID;
}

static void move_view(sl_str *view, const char *from, const char *to)
{
    if (view->p)
        view->p = to + (view->p - from);
}

void sl_h1_request_rebase(struct sl_h1_request *r, const char *base)
{
    if (r->base == base)
        return;
    sl_str *const views[] = {&r->method_text, &r->target, &r->path, &r->query, &r->host};
    for (size_t i = 0; i < SL_COUNT(views); i++)
        move_view(views[i], r->base, base);
    for (uint32_t i = 0; i < r->headers.n; i++) {
        move_view(&r->headers.items[i].name, r->base, base);
        move_view(&r->headers.items[i].value, r->base, base);
    }
    r->base = base;
}

/*
 * The text from `from` to its CR LF. SL_OK: *text has it and *next is behind the line. Anything
 * but CR LF that is not text refuses the request.
 */
static enum sl_rc take_text(struct sl_h1_request *r, sl_str bytes, size_t from, sl_str *text,
                            size_t *next)
{
    size_t start = r->scanned > from ? r->scanned : from;
    size_t end = sl_h1_text_end(bytes.p, start, bytes.n);
    r->scanned = end;
    if (end == bytes.n)
        return SL_AGAIN;
    if (bytes.p[end] != '\r')
        return refuse(r, 400,
                      bytes.p[end] == '\n' ? "a line of the head ends in a bare LF"
                                           : "the head holds a control byte");
    if (end + 1 == bytes.n)
        return SL_AGAIN;
    if (bytes.p[end + 1] != '\n')
        return refuse(r, 400, "the head holds a bare CR");
    *text = sl_str_of(bytes.p + from, end - from);
    *next = end + 2;
    r->scanned = 0;
    return SL_OK;
}

/* ---- request line ------------------------------------------------------------------------ */

static bool is_authority(sl_str s)
{
    static const char extra[] = "-._~%!$&'()*+;=:[]";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i], folded = c | 0x20;
        bool is_plain = (c >= '0' && c <= '9') || (folded >= 'a' && folded <= 'z');
        if (!is_plain && !memchr(extra, c, sizeof extra - 1))
            return false;
    }
    return s.n > 0;
}

/* Cuts scheme and authority off an absolute-form target; the authority must equal Host later. */
static enum sl_rc split_absolute(struct sl_h1_request *r, sl_str *rest)
{
    size_t scheme = sl_str_eq_nocase(sl_str_sub(*rest, 0, 7), SL_STR("http://"))    ? 7
                    : sl_str_eq_nocase(sl_str_sub(*rest, 0, 8), SL_STR("https://")) ? 8
                                                                                    : 0;
    if (!scheme)
        return refuse(r, 400, "the target is neither a path nor an http URL");
    sl_str behind = sl_str_sub(*rest, scheme, rest->n);
    size_t end = 0;
    while (end < behind.n && behind.p[end] != '/' && behind.p[end] != '?')
        end++;
    r->host = sl_str_sub(behind, 0, end);
    if (!is_authority(r->host))
        return refuse(r, 400, "the target's authority is not valid");
    *rest = sl_str_sub(behind, end, behind.n);
    return SL_OK;
}

static enum sl_rc read_target(struct sl_h1_request *r)
{
    sl_str rest = r->target;
    if (rest.n == 1 && rest.p[0] == '*') {
        if (r->method != SL_OPTIONS)
            return refuse(r, 400, "the target * is for OPTIONS only");
    } else if (rest.p[0] != '/') {
        enum sl_rc rc = split_absolute(r, &rest);
        if (rc != SL_OK)
            return rc;
    }
    size_t question = sl_str_chr(rest, '?');
    r->path = question ? sl_str_sub(rest, 0, question) : SL_STR("");
    r->query = sl_str_sub(rest, question + 1, rest.n);
    return SL_OK;
}

static enum sl_rc read_version(struct sl_h1_request *r, sl_str text)
{
    if (text.n != 8 || memcmp(text.p, "HTTP/", 5) != 0 || text.p[5] < '0' || text.p[5] > '9' ||
        text.p[6] != '.' || text.p[7] < '0' || text.p[7] > '9')
        return refuse(r, 400, "the request line does not end in a HTTP version");
    if (text.p[5] != '1' || text.p[7] > '1')
        return refuse(r, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    r->is_http_10 = text.p[7] == '0';
    return SL_OK;
}

/* What can be said of a request line before it is complete; *space is behind the method. */
static enum sl_rc check_method(struct sl_h1_request *r, sl_str bytes, size_t *space)
{
    size_t most = bytes.n < MAX_METHOD_BYTES + 1 ? bytes.n : MAX_METHOD_BYTES + 1, at = 0;
    while (at < most && sl_h1_is_token_char((unsigned char)bytes.p[at]))
        at++;
    if (at > MAX_METHOD_BYTES)
        return refuse(r, 501, "the method is not known here");
    if (at == bytes.n)
        return SL_AGAIN;
    if (at == 0 || bytes.p[at] != ' ')
        return refuse(r, 400, "the request does not begin with a method and one blank");
    *space = at;
    return SL_OK;
}

static enum sl_rc check_target_bytes(struct sl_h1_request *r, sl_str target)
{
    if (target.n == 0)
        return refuse(r, 400, "the request line has no target");
    for (size_t i = 0; i < target.n; i++) {
        unsigned char c = (unsigned char)target.p[i];
        if (c <= ' ' || c >= 0x7f || c == '#')
            return refuse(r, 400, "the target holds a byte that must be percent-encoded");
    }
    return SL_OK;
}

static enum sl_rc read_request_line(struct sl_h1_request *r, sl_str bytes)
{
    size_t space, next;
    sl_str line;
    enum sl_rc rc = check_method(r, bytes, &space);
    if (rc != SL_OK)
        return rc;
    sl_str window = sl_str_sub(bytes, 0, space + SL_H1_MAX_TARGET + 16);
    rc = take_text(r, window, space + 1, &line, &next);
    if (rc == SL_AGAIN && window.n == space + SL_H1_MAX_TARGET + 16)
        return refuse(r, 414, "the target is too long");
    if (rc != SL_OK)
        return rc;
    size_t end = sl_str_chr(line, ' ');
    r->method_text = sl_str_of(bytes.p, space);
    r->method = sl_http_method_of(r->method_text);
    r->target = sl_str_sub(line, 0, end);
    if (r->target.n > SL_H1_MAX_TARGET)
        return refuse(r, 414, "the target is too long");
    rc = check_target_bytes(r, r->target);
    if (rc == SL_OK)
        rc = read_version(r, sl_str_sub(line, end + 1, line.n));
    if (rc == SL_OK && sl_str_eq(r->method_text, SL_STR("CONNECT")))
        rc = refuse(r, 501, "CONNECT is not spoken here");
    if (rc == SL_OK)
        rc = read_target(r);
    r->line = next;
    return rc;
}

/* ---- fields ------------------------------------------------------------------------------ */

static enum sl_rc note_length(struct sl_h1_request *r, sl_str value)
{
    if (r->has_length)
        return refuse(r, 400, "Content-Length appears twice");
    if (value.n == 0 || value.n > 18)
        return refuse(r, 400, "Content-Length is not a number");
    uint64_t length = 0;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return refuse(r, 400, "Content-Length is not a number");
        length = length * 10 + (uint64_t)(value.p[i] - '0');
    }
    r->has_length = true;
    r->content_length = length;
    return SL_OK;
}

static enum sl_rc note_coding(struct sl_h1_request *r, sl_str value)
{
    if (r->is_chunked)
        return refuse(r, 400, "Transfer-Encoding appears twice");
    if (!sl_str_eq_nocase(value, SL_STR("chunked")))
        return refuse(r, 501, "the only transfer coding understood here is chunked");
    r->is_chunked = true;
    return SL_OK;
}

static enum sl_rc note_host(struct sl_h1_request *r, sl_str value)
{
    if (r->has_host)
        return refuse(r, 400, "Host appears twice");
    if (!is_authority(value))
        return refuse(r, 400, "Host is not a name or address");
    if (r->host.n && !sl_str_eq_nocase(r->host, value))
        return refuse(r, 400, "Host differs from the target's authority");
    r->has_host = true;
    r->host = value;
    return SL_OK;
}

static void note_connection(struct sl_h1_request *r, sl_str value)
{
    sl_str piece;
    while (sl_str_split(&value, ',', &piece)) {
        piece = sl_h1_trim(piece);
        if (sl_str_eq_nocase(piece, SL_STR("close")))
            r->says_close = true;
        else if (sl_str_eq_nocase(piece, SL_STR("keep-alive")))
            r->says_keep_alive = true;
    }
}

static enum sl_rc note_field(struct sl_h1_request *r, sl_str name, sl_str value)
{
    switch (name.n) {
    case 4:
        return sl_str_eq_nocase(name, SL_STR("host")) ? note_host(r, value) : SL_OK;
    case 6:
        if (!sl_str_eq_nocase(name, SL_STR("expect")))
            return SL_OK;
        if (!sl_str_eq_nocase(value, SL_STR("100-continue")))
            return refuse(r, 417, "the only expectation met here is 100-continue");
        r->expects_continue = true;
        return SL_OK;
    case 10:
        if (sl_str_eq_nocase(name, SL_STR("connection")))
            note_connection(r, value);
        return SL_OK;
    case 14:
        return sl_str_eq_nocase(name, SL_STR("content-length")) ? note_length(r, value) : SL_OK;
    case 17:
        return sl_str_eq_nocase(name, SL_STR("transfer-encoding")) ? note_coding(r, value) : SL_OK;
    default:
        return SL_OK;
    }
}

/* SL_OK: *colon is the offset of the colon behind the name that begins at `from`. */
static enum sl_rc find_colon(struct sl_h1_request *r, sl_str bytes, size_t from, size_t *colon)
{
    size_t at = from;
    while (at < bytes.n && sl_h1_is_token_char((unsigned char)bytes.p[at]))
        if (++at - from > MAX_NAME_BYTES)
            return refuse(r, 431, "a header name is too long");
    if (at == bytes.n)
        return SL_AGAIN;
    if (at == from && (bytes.p[at] == ' ' || bytes.p[at] == '\t'))
        return refuse(r, 400, "a header line begins with a blank");
    if (at == from || bytes.p[at] != ':')
        return refuse(r, 400, "a header line has no valid name");
    *colon = at;
    return SL_OK;
}

static enum sl_rc read_field(struct sl_h1_request *r, sl_str bytes)
{
    size_t colon, next;
    sl_str value;
    enum sl_rc rc = find_colon(r, bytes, r->line, &colon);
    if (rc == SL_OK)
        rc = take_text(r, bytes, colon + 1, &value, &next);
    if (rc != SL_OK)
        return rc;
    sl_str name = sl_str_of(bytes.p + r->line, colon - r->line);
    if (r->headers.n == SL_H1_MAX_HEADERS)
        return refuse(r, 431, "the request has too many headers");
    value = sl_h1_trim(value);
    r->line = next;
    rc = sl_headers_add(&r->headers, r->arena, name, value);
    return rc == SL_OK ? note_field(r, name, value) : rc;
}

static enum sl_rc conclude(struct sl_h1_request *r)
{
    if (!r->has_host && !r->is_http_10)
        return refuse(r, 400, "Host is missing");
    if (r->is_chunked && r->has_length)
        return refuse(r, 400, "Content-Length beside Transfer-Encoding");
    if (r->is_chunked && r->is_http_10)
        return refuse(r, 400, "Transfer-Encoding in HTTP/1.0");
    if (r->is_chunked)
        r->content_length = UINT64_MAX;
    if (r->is_http_10)
        r->expects_continue = false;
    r->is_keep_alive = !r->says_close && (!r->is_http_10 || r->says_keep_alive);
    return SL_OK;
}

/* SL_OK at the empty line; *head_bytes is behind it. */
static enum sl_rc read_fields(struct sl_h1_request *r, sl_str bytes, size_t *head_bytes)
{
    while (r->line < bytes.n) {
        if (bytes.p[r->line] != '\r') {
            enum sl_rc rc = read_field(r, bytes);
            if (rc != SL_OK)
                return rc;
            continue;
        }
        if (r->line + 1 == bytes.n)
            return SL_AGAIN;
        if (bytes.p[r->line + 1] != '\n')
            return refuse(r, 400, "the head holds a bare CR");
        *head_bytes = r->line + 2;
        return conclude(r);
    }
    return SL_AGAIN;
}

enum sl_rc sl_h1_request_feed(struct sl_h1_request *r, sl_str bytes, size_t *head_bytes)
{
    sl_h1_request_rebase(r, bytes.p);
    sl_str seen = sl_str_sub(bytes, 0, r->max_bytes);
    enum sl_rc rc = SL_OK;
    if (r->phase == IN_REQUEST_LINE) {
        rc = read_request_line(r, seen);
        if (rc == SL_OK)
            r->phase = IN_FIELDS;
    }
    if (rc == SL_OK)
        rc = read_fields(r, seen, head_bytes);
    if (rc == SL_AGAIN && seen.n == r->max_bytes)
        return refuse(r, 431, "the head of the request is too large");
    return rc;
}
