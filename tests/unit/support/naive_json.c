#include "support/naive_json.h"

#include <stdio.h>

struct naive {
    const unsigned char *text;
    size_t at, n;
    struct naive_json *out;
    int depth;
};

static bool take(struct naive *s, int c)
{
    if (s->at < s->n && s->text[s->at] == c) {
        s->at++;
        return true;
    }
    return false;
}

static void blanks(struct naive *s)
{
    while (take(s, ' ') || take(s, '\t') || take(s, '\n') || take(s, '\r'))
        ;
}

static bool digits(struct naive *s)
{
    size_t from = s->at;
    while (s->at < s->n && s->text[s->at] >= '0' && s->text[s->at] <= '9')
        s->at++;
    return s->at > from;
}

static bool utf8_char(struct naive *s)
{
    const unsigned char *p = s->text + s->at;
    size_t left = s->n - s->at;
    unsigned code;
    size_t n = p[0] < 0x80             ? 1
               : (p[0] & 0xe0) == 0xc0 ? 2
               : (p[0] & 0xf0) == 0xe0 ? 3
               : (p[0] & 0xf8) == 0xf0 ? 4
                                       : 0;
    if (n == 0 || n > left)
        return false;
    code = n == 1 ? p[0] : p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return false;
        code = code << 6 | (p[i] & 0x3f);
    }
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return false;
    s->at += n;
    return true;
}

static bool string(struct naive *s, uint32_t node)
{
    struct sl_json_node *own = &s->out->nodes[node];
    own->info = SL_JSON_STRING;
    if (!take(s, '"'))
        return false;
    own->offset = (uint32_t)s->at;
    while (s->at < s->n && s->text[s->at] != '"') {
        if (s->text[s->at] < 0x20)
            return false;
        if (take(s, '\\')) {
            own->info |= SL_JSON_ESCAPED;
            if (s->at == s->n || !strchr("\"\\/bfnrtu", s->text[s->at]) || !s->text[s->at])
                return false;
            if (s->text[s->at++] == 'u') {
                for (int i = 0; i < 4; i++, s->at++)
                    if (s->at == s->n || !s->text[s->at] ||
                        !strchr("0123456789abcdefABCDEF", s->text[s->at]))
                        return false;
            }
        } else if (!utf8_char(s)) {
            return false;
        }
    }
    own->len = (uint32_t)s->at - own->offset;
    own->next = node + 1;
    return take(s, '"');
}

static bool number(struct naive *s)
{
    take(s, '-');
    if (!take(s, '0') && !digits(s))
        return false;
    if (take(s, '.') && !digits(s))
        return false;
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+'))
            take(s, '-');
        return digits(s);
    }
    return true;
}

/* Content as UTF-16 units, which is the plainest way to compare escaped keys. */
static size_t units_of(const struct naive *s, uint32_t node, uint16_t *to)
{
    const struct sl_json_node *key = &s->out->nodes[node];
    const unsigned char *p = s->text + key->offset, *end = p + key->len;
    size_t n = 0;
    while (p < end) {
        unsigned code = *p;
        if (*p == '\\' && p[1] == 'u') {
            char hex[5] = {(char)p[2], (char)p[3], (char)p[4], (char)p[5]};
            sscanf(hex, "%x", &code);
            p += 6;
        } else if (*p == '\\') {
            const char *at = strchr("b\bf\fn\nr\rt\t", p[1]);
            code = at && p[1] != '"' ? (unsigned)at[1] : p[1];
            p += 2;
        } else if (*p < 0x80) {
            p++;
        } else {
            size_t length = *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
            code = *p & (0x7fu >> length);
            for (size_t i = 1; i < length; i++)
                code = code << 6 | (p[i] & 0x3f);
            p += length;
            if (code >= 0x10000) {
                to[n++] = (uint16_t)(0xd800 + ((code - 0x10000) >> 10));
                code = 0xdc00 + ((code - 0x10000) & 0x3ff);
            }
        }
        to[n++] = (uint16_t)code;
    }
    for (size_t i = 0; i < n; i++) { /* lone surrogates are U+FFFD */
        if (to[i] >= 0xd800 && to[i] <= 0xdbff && i + 1 < n && to[i + 1] >= 0xdc00 &&
            to[i + 1] <= 0xdfff)
            i++;
        else if (to[i] >= 0xd800 && to[i] <= 0xdfff)
            to[i] = 0xfffd;
    }
    return n;
}

static bool is_key_repeated(const struct naive *s, uint32_t object, uint32_t key)
{
    static uint16_t left[1 << 16], right[1 << 16];
    size_t n = units_of(s, key, left);
    for (uint32_t k = object + 1; k < key; k = s->out->nodes[k + 1].next)
        if (units_of(s, k, right) == n && memcmp(left, right, n * 2) == 0)
            return true;
    return false;
}

static bool value(struct naive *s);

static bool members(struct naive *s, uint32_t node, bool is_object)
{
    char close = is_object ? '}' : ']';
    uint32_t count = 0;
    blanks(s);
    if (!take(s, close)) {
        do {
            if (is_object) {
                blanks(s);
                uint32_t key = s->out->n++;
                if (!string(s, key) || is_key_repeated(s, node, key))
                    return false;
                blanks(s);
                if (!take(s, ':'))
                    return false;
            }
            if (!value(s))
                return false;
            count++;
        } while (take(s, ','));
        if (!take(s, close))
            return false;
    }
    s->out->nodes[node].info |= count << 4;
    return true;
}

static bool word(struct naive *s, const char *name)
{
    for (; *name; name++)
        if (!take(s, *name))
            return false;
    return true;
}

static bool value(struct naive *s)
{
    blanks(s);
    uint32_t node = s->out->n++;
    struct sl_json_node *own = &s->out->nodes[node];
    uint32_t start = (uint32_t)s->at;
    int c = s->at < s->n ? s->text[s->at] : -1;
    if (++s->depth > 513)
        return false;
    bool is_ok;
    *own = (struct sl_json_node){.offset = start};
    switch (c) {
    case '"':
        s->depth--;
        is_ok = string(s, node);
        blanks(s);
        return is_ok;
    case '{':
    case '[':
        s->at++;
        own->info = c == '{' ? SL_JSON_OBJECT : SL_JSON_ARRAY;
        is_ok = members(s, node, c == '{');
        break;
    case 't':
        own->info = SL_JSON_TRUE;
        is_ok = word(s, "true");
        break;
    case 'f':
        own->info = SL_JSON_FALSE;
        is_ok = word(s, "false");
        break;
    case 'n':
        own->info = SL_JSON_NULL;
        is_ok = word(s, "null");
        break;
    default:
        own->info = SL_JSON_NUMBER;
        is_ok = number(s);
    }
    own->len = (uint32_t)s->at - start;
    own->next = s->out->n;
    s->depth--;
    blanks(s);
    return is_ok;
}

bool naive_json_parse(struct naive_json *out, sl_str text)
{
    struct naive s = {(const unsigned char *)text.p, 0, text.n, out, 0};
    out->n = 0;
    return value(&s) && s.at == s.n;
}

/* ---- random texts ------------------------------------------------------------------------ */

uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct out {
    char *p;
    size_t n, cap;
    uint64_t state;
};

static void put(struct out *o, const char *s)
{
    size_t n = strlen(s);
    if (n <= o->cap - o->n) {
        memcpy(o->p + o->n, s, n);
        o->n += n;
    }
}

static void put_blanks(struct out *o)
{
    static const char *const blank[] = {" ", "\n", "\t", "\r", "\n          ", "   \n\n"};
    while (next_random(&o->state) % 8 == 0)
        put(o, blank[next_random(&o->state) % 6]);
}

static void put_string(struct out *o)
{
    static const char *const piece[] = {"a",
                                        "b",
                                        "long plain text without anything special ",
                                        "\\n",
                                        "\\\"",
                                        "\\\\",
                                        "é",
                                        "漢字",
                                        "\\u0061",
                                        "\\ud83d\\ude00",
                                        "\\ud800",
                                        "😀",
                                        "/",
                                        "\\/",
                                        "\\u00e9",
                                        "key"};
    put(o, "\"");
    for (uint64_t n = next_random(&o->state) % (next_random(&o->state) % 8 ? 4 : 20); n; n--)
        put(o, piece[next_random(&o->state) % 16]);
    put(o, "\"");
}

static void put_value(struct out *o, int depth)
{
    static const char *const scalar[] = {"0",     "-1",   "1.5", "1e3",   "-0.0E-2", "true",
                                         "false", "null", "123", "1E+10", "{}",      "[]"};
    put_blanks(o);
    uint64_t kind = next_random(&o->state) % 8;
    if (depth > 6 || o->n > o->cap / 2 || kind < 2) {
        put(o, scalar[next_random(&o->state) % 12]);
    } else if (kind < 5) {
        put_string(o);
    } else {
        bool is_object = kind < 7;
        uint64_t n = next_random(&o->state) % (next_random(&o->state) % 6 ? 5 : 40);
        put(o, is_object ? "{" : "[");
        for (uint64_t i = 0; i < n; i++) {
            if (i)
                put(o, ",");
            put_blanks(o);
            if (is_object) {
                if (next_random(&o->state) % 8) {
                    char key[32];
                    snprintf(key, sizeof key, "\"k%u\"", (unsigned)(i * 7 + depth));
                    put(o, key);
                } else {
                    put_string(o);
                }
                put_blanks(o);
                put(o, ":");
            }
            put_value(o, depth + 1);
        }
        put(o, is_object ? "}" : "]");
    }
    put_blanks(o);
}

size_t random_json(char *to, size_t cap, uint64_t seed)
{
    struct out o = {to, 0, cap, seed};
    put_value(&o, 0);
    static const char odd[] = "\"\\{}[]:,0e.-\x80\xc3\xed\xf4\x01\x7f ntf";
    if (next_random(&o.state) % 3 == 0 && o.n)
        for (uint64_t n = 1 + next_random(&o.state) % 2; n; n--)
            to[next_random(&o.state) % o.n] = odd[next_random(&o.state) % (sizeof odd - 1)];
    return o.n;
}
