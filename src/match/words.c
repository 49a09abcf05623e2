/* Words of a text. ASCII goes through one table: class and lower case in one look. */
#include "match/words.h"

#include "base/unicode.h"
#include "base/utf8.h"

#define JOINER 1

/* Lower case of ASCII letters and digits, JOINER for '_' and '-', 0 for the rest. */
static const unsigned char ascii[128] = {
    ['0'] = '0',    ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6',
    ['7'] = '7',    ['8'] = '8', ['9'] = '9', ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd',
    ['E'] = 'e',    ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k',
    ['L'] = 'l',    ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r',
    ['S'] = 's',    ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y',
    ['Z'] = 'z',    ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f',
    ['g'] = 'g',    ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm',
    ['n'] = 'n',    ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't',
    ['u'] = 'u',    ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z', ['_'] = JOINER,
    ['-'] = JOINER,
};

/* sl_word_bit of ASCII letters in lower case, and of digits. */
static const unsigned char bits[128] = {
    ['0'] = 26, ['1'] = 27, ['2'] = 28, ['3'] = 29, ['4'] = 30, ['5'] = 31, ['6'] = 26, ['7'] = 27,
    ['8'] = 28, ['9'] = 29, ['a'] = 0,  ['b'] = 1,  ['c'] = 2,  ['d'] = 3,  ['e'] = 4,  ['f'] = 5,
    ['g'] = 6,  ['h'] = 7,  ['i'] = 8,  ['j'] = 9,  ['k'] = 10, ['l'] = 11, ['m'] = 12, ['n'] = 13,
    ['o'] = 14, ['p'] = 15, ['q'] = 16, ['r'] = 17, ['s'] = 18, ['t'] = 19, ['u'] = 20, ['v'] = 21,
    ['w'] = 22, ['x'] = 23, ['y'] = 24, ['z'] = 25,
};

/* The lower-cased character at `at` when it belongs to a word, else 0. */
static inline uint32_t word_char(const struct sl_words *w, size_t at, unsigned *n)
{
    unsigned char c = (unsigned char)w->text.p[at];
    if (c < 0x80) {
        *n = 1;
        uint32_t lower = ascii[c];
        if (lower == JOINER)
            return w->has_joiners ? c : 0;
        return w->keeps_case && lower ? c : lower;
    }
    uint32_t cp = sl_utf8_at(w->text, at, n);
    if (!sl_unicode_is_alnum(cp))
        return 0;
    return w->keeps_case ? cp : sl_unicode_lower(cp);
}

bool sl_words_next(struct sl_words *w, struct sl_word *out)
{
    unsigned n = 1;
    uint32_t cp = 0;
    while (w->at < w->text.n && !(cp = word_char(w, w->at, &n)))
        w->at += n;
    if (w->at >= w->text.n)
        return false;
    out->from = w->at;
    out->n = 0;
    out->letters = 0;
    do {
        if (out->n < SL_WORD_MAX)
            out->cp[out->n] = cp;
        out->n++;
        out->letters |= sl_word_bit(cp);
        w->at += n;
    } while (w->at < w->text.n && (cp = word_char(w, w->at, &n)));
    out->to = w->at;
    return true;
}

void sl_words_plain(sl_str word, struct sl_word *out)
{
    uint32_t letters = 0;
    for (size_t i = 0; i < word.n; i++) {
        uint32_t cp = ascii[word.p[i] & 127];
        out->cp[i] = cp;
        letters |= 1u << bits[cp & 127];
    }
    out->n = (uint32_t)word.n;
    out->letters = letters;
    out->from = 0;
    out->to = word.n;
}
