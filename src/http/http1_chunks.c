/*
 * A state machine over the framing bytes around bulk data. Extensions must be well-formed
 * (;name or ;name=token or ;name="quoted") and short, trailers well-formed header lines; both are
 * read over. No blanks anywhere around sizes: there rivals disagree.
 */
#include "http/http1_chunks.h"

#include "http/http1_text.h"

#define MAX_DIGITS        15u
#define MAX_LINE_BYTES    256u
#define MAX_TRAILER_BYTES 8192u

enum state {
    AT_SIZE, /* no digit seen */
    IN_SIZE,
    AT_EXTENSION_NAME,
    IN_EXTENSION_NAME,
    AT_EXTENSION_VALUE,
    IN_EXTENSION_VALUE,
    IN_QUOTED,
    IN_QUOTED_PAIR,
    AFTER_QUOTED,
    AT_SIZE_LF,
    IN_DATA,
    AT_DATA_CR,
    AT_DATA_LF,
    AT_TRAILER,
    IN_TRAILER_NAME,
    IN_TRAILER_VALUE,
    AT_TRAILER_LF,
    AT_LAST_LF,
    DONE,
};

void sl_h1_chunks_init(struct sl_h1_chunks *c)
{
    *c = (struct sl_h1_chunks){.state = AT_SIZE};
}

static enum sl_rc refuse(struct sl_h1_chunks *c, const char *why)
{
    c->error = why;
    return SL_INVALID;
}

static int hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum sl_rc size_byte(struct sl_h1_chunks *c, unsigned char byte)
{
    int digit = hex_value(byte);
    if (digit >= 0) {
        if (++c->line_bytes > MAX_DIGITS)
            return refuse(c, "a chunk size is too long");
        c->left = c->left << 4 | (uint64_t)digit;
        c->state = IN_SIZE;
        return SL_OK;
    }
    if (c->state == AT_SIZE || (byte != ';' && byte != '\r'))
        return refuse(c, "a chunk size is not hexadecimal");
    c->state = byte == ';' ? AT_EXTENSION_NAME : AT_SIZE_LF;
    return SL_OK;
}

/* The byte behind a complete extension. */
static bool ends_extension(struct sl_h1_chunks *c, unsigned char byte)
{
    if (byte != ';' && byte != '\r')
        return false;
    c->state = byte == ';' ? AT_EXTENSION_NAME : AT_SIZE_LF;
    return true;
}

static bool is_text(unsigned char byte)
{
    return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}

static bool extension_byte_fits(struct sl_h1_chunks *c, unsigned char byte)
{
    bool is_token = sl_h1_is_token_char(byte);
    switch (c->state) {
    case AT_EXTENSION_NAME:
        c->state = IN_EXTENSION_NAME;
        return is_token;
    case IN_EXTENSION_NAME:
        if (byte == '=')
            c->state = AT_EXTENSION_VALUE;
        return is_token || byte == '=' || ends_extension(c, byte);
    case AT_EXTENSION_VALUE:
        c->state = byte == '"' ? IN_QUOTED : IN_EXTENSION_VALUE;
        return is_token || byte == '"';
    case IN_EXTENSION_VALUE:
        return is_token || ends_extension(c, byte);
    case IN_QUOTED:
        if (byte == '"' || byte == '\\')
            c->state = byte == '"' ? AFTER_QUOTED : IN_QUOTED_PAIR;
        return is_text(byte);
    case IN_QUOTED_PAIR:
        c->state = IN_QUOTED;
        return is_text(byte);
    default: /* AFTER_QUOTED */
        return ends_extension(c, byte);
    }
}

static bool trailer_byte_fits(struct sl_h1_chunks *c, unsigned char byte)
{
    switch (c->state) {
    case AT_TRAILER:
        c->state = byte == '\r' ? AT_LAST_LF : IN_TRAILER_NAME;
        return byte == '\r' || sl_h1_is_token_char(byte);
    case IN_TRAILER_NAME:
        if (byte == ':')
            c->state = IN_TRAILER_VALUE;
        return byte == ':' || sl_h1_is_token_char(byte);
    default: /* IN_TRAILER_VALUE */
        if (byte == '\r')
            c->state = AT_TRAILER_LF;
        return byte == '\r' || is_text(byte);
    }
}

static enum sl_rc expect_byte(struct sl_h1_chunks *c, unsigned char byte, char wanted,
                              enum state next)
{
    if (byte != (unsigned char)wanted)
        return refuse(c, "chunk framing lacks CR LF");
    c->state = (uint8_t)next;
    return SL_OK;
}

static enum sl_rc framing_byte(struct sl_h1_chunks *c, unsigned char byte)
{
    switch (c->state) {
    case AT_SIZE:
    case IN_SIZE:
        return size_byte(c, byte);
    case AT_SIZE_LF:
        return expect_byte(c, byte, '\n', c->left ? IN_DATA : AT_TRAILER);
    case AT_DATA_CR:
        return expect_byte(c, byte, '\r', AT_DATA_LF);
    case AT_DATA_LF:
        c->line_bytes = 0;
        return expect_byte(c, byte, '\n', AT_SIZE);
    case AT_TRAILER:
    case IN_TRAILER_NAME:
    case IN_TRAILER_VALUE:
        if (++c->trailer_bytes > MAX_TRAILER_BYTES || !trailer_byte_fits(c, byte))
            return refuse(c, "the trailers are malformed or too long");
        return SL_OK;
    case AT_TRAILER_LF:
        return expect_byte(c, byte, '\n', AT_TRAILER);
    case AT_LAST_LF:
        return expect_byte(c, byte, '\n', DONE);
    default:
        if (++c->line_bytes > MAX_LINE_BYTES || !extension_byte_fits(c, byte))
            return refuse(c, "a chunk extension is malformed or too long");
        return SL_OK;
    }
}

enum sl_rc sl_h1_chunks_next(struct sl_h1_chunks *c, sl_str *in, sl_str *data, bool *is_end)
{
    *data = (sl_str){in->p, 0};
    *is_end = false;
    while (in->n) {
        if (c->state == IN_DATA) {
            size_t take = c->left < in->n ? (size_t)c->left : in->n;
            *data = sl_str_sub(*in, 0, take);
            *in = sl_str_sub(*in, take, in->n);
            c->left -= take;
            if (c->left == 0)
                c->state = AT_DATA_CR;
            return SL_OK;
        }
        enum sl_rc rc = framing_byte(c, (unsigned char)in->p[0]);
        if (rc != SL_OK)
            return rc;
        *in = sl_str_sub(*in, 1, in->n);
        if (c->state == DONE) {
            *is_end = true;
            return SL_OK;
        }
    }
    return SL_AGAIN;
}
