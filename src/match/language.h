/*
 * Which language a text is in: by script where a script has one language, else by a small linear
 * model over hashed character n-grams (training/language). A guess or none (nothing is known, or
 * the text has up to five letters and the guess more likely wrong than right); one pass over at
 * most the first 512 letters. Pure; any thread.
 */
#ifndef SL_MATCH_LANGUAGE_H
#define SL_MATCH_LANGUAGE_H

#include "base/arena.h"
#include "base/err.h"

struct sl_language_model;

struct sl_language_guess {
    char code[4];     /* ISO 639-1, NUL-terminated; empty: no letters, or no language known */
    float confidence; /* 0..1 */
};

/* A view of a model file's bytes (aligned to 64), which must outlive it. */
SL_MUST_USE enum sl_rc sl_language_open(struct sl_language_model **out, struct sl_arena *arena,
                                        const void *bytes, size_t n, struct sl_err *err);

/* The model that is built in. */
extern const unsigned char sl_language_data[];
extern const size_t sl_language_data_n;

struct sl_language_guess sl_language_detect(const struct sl_language_model *model, sl_str text);

#endif
