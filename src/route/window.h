/* The text that signals with a bounded view see: chapter 01 section 5.1. */
#ifndef SL_ROUTE_WINDOW_H
#define SL_ROUTE_WINDOW_H

#include "base/arena.h"

#define SL_WINDOW_CODE_POINTS 2048

/*
 * text itself when it has at most 2,048 code points; else its first 682, middle 682 and last 684
 * with a marker between them, made in the arena. p == NULL when the arena is full.
 */
sl_str sl_window(sl_str text, struct sl_arena *arena);

#endif
