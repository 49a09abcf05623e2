/* What the terminal can do: colour and height. Main thread only. */
#ifndef SL_MAIN_TERMINAL_H
#define SL_MAIN_TERMINAL_H

#include "base/str.h"

#include <stdio.h>

enum sl_style { SL_PLAIN, SL_BOLD, SL_DIM, SL_RED, SL_GREEN, SL_YELLOW, SL_BLUE, SL_CYAN };

/* True when `to` is a terminal, NO_COLOR is unset or empty, and TERM is not "dumb". */
bool sl_terminal_has_colour(FILE *to);
/* Escape sequence that begins the style (SL_PLAIN: ends it), or "" without colour. */
const char *sl_style(FILE *to, enum sl_style style);
/* Rows of the terminal behind `to`; 24 where it is none. */
unsigned sl_terminal_height(FILE *to);

#endif
