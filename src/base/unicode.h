/*
 * Classes of code points, scripts and simple case folding, from tables that
 * tools/unicode_tables.py writes at build time. Pure lookups; any thread.
 */
#ifndef SL_BASE_UNICODE_H
#define SL_BASE_UNICODE_H

#include "base/str.h"

/* General categories, in the order of the generated table. */
enum sl_gc {
    SL_GC_LU,
    SL_GC_LL,
    SL_GC_LT,
    SL_GC_LM,
    SL_GC_LO,
    SL_GC_MN,
    SL_GC_MC,
    SL_GC_ME,
    SL_GC_ND,
    SL_GC_NL,
    SL_GC_NO,
    SL_GC_PC,
    SL_GC_PD,
    SL_GC_PS,
    SL_GC_PE,
    SL_GC_PI,
    SL_GC_PF,
    SL_GC_PO,
    SL_GC_SM,
    SL_GC_SC,
    SL_GC_SK,
    SL_GC_SO,
    SL_GC_ZS,
    SL_GC_ZL,
    SL_GC_ZP,
    SL_GC_CC,
    SL_GC_CF,
    SL_GC_CS,
    SL_GC_CO,
    SL_GC_CN,
};

/* Scripts of letters, marks and digits, by name (see the tool); everything else is Common. */
enum sl_script {
    SL_SCRIPT_COMMON,
    SL_SCRIPT_LATIN,
    SL_SCRIPT_GREEK,
    SL_SCRIPT_CYRILLIC,
    SL_SCRIPT_ARMENIAN,
    SL_SCRIPT_HEBREW,
    SL_SCRIPT_ARABIC,
    SL_SCRIPT_SYRIAC,
    SL_SCRIPT_THAANA,
    SL_SCRIPT_DEVANAGARI,
    SL_SCRIPT_BENGALI,
    SL_SCRIPT_GURMUKHI,
    SL_SCRIPT_GUJARATI,
    SL_SCRIPT_ORIYA,
    SL_SCRIPT_TAMIL,
    SL_SCRIPT_TELUGU,
    SL_SCRIPT_KANNADA,
    SL_SCRIPT_MALAYALAM,
    SL_SCRIPT_SINHALA,
    SL_SCRIPT_THAI,
    SL_SCRIPT_LAO,
    SL_SCRIPT_TIBETAN,
    SL_SCRIPT_MYANMAR,
    SL_SCRIPT_GEORGIAN,
    SL_SCRIPT_HANGUL,
    SL_SCRIPT_ETHIOPIC,
    SL_SCRIPT_CHEROKEE,
    SL_SCRIPT_KHMER,
    SL_SCRIPT_MONGOLIAN,
    SL_SCRIPT_HIRAGANA,
    SL_SCRIPT_KATAKANA,
    SL_SCRIPT_BOPOMOFO,
    SL_SCRIPT_HAN,
    SL_SCRIPT_JAVANESE,
    SL_SCRIPT_BALINESE,
    SL_SCRIPT_YI,
    SL_SCRIPT_OTHER,
    SL_N_SCRIPTS,
};

enum sl_gc sl_unicode_gc(uint32_t code_point);
enum sl_script sl_unicode_script(uint32_t code_point);
const char *sl_script_name(enum sl_script script); /* "Cyrillic" */

bool sl_unicode_is_letter(uint32_t code_point); /* L* */
bool sl_unicode_is_number(uint32_t code_point); /* N* */
bool sl_unicode_is_alnum(uint32_t code_point);  /* L* or N* */
bool sl_unicode_is_space(uint32_t code_point);  /* White_Space */

/* Part of a word in any script: letters, marks, digits and the underscore. */
bool sl_unicode_is_word(uint32_t code_point);

/* Han, Hiragana, Katakana, Hangul. */
bool sl_unicode_is_cjk(uint32_t code_point);
bool sl_unicode_is_han(uint32_t code_point);

/* Scripts in which words stand side by side without blanks: CJK, Thai, Lao, Khmer, Myanmar, ... */
bool sl_unicode_is_unspaced(uint32_t code_point);

/* Simple case folding: equal for all members of a case orbit (k, K and the Kelvin sign). */
uint32_t sl_unicode_fold(uint32_t code_point);

/* Simple lower case. */
uint32_t sl_unicode_lower(uint32_t code_point);

/* The next member of the case orbit, circular; the code point itself when it has no other case. */
uint32_t sl_unicode_next_case(uint32_t code_point);

/* The ASCII letter or digit below the marks (e for é, O for Ø); the code point itself without. */
uint32_t sl_unicode_base(uint32_t code_point);

#endif
