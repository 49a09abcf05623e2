/* Colour only for people at a terminal: https://no-color.org, and TERM=dumb. */
#include "main/terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool sl_terminal_has_colour(FILE *to)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    if (no_color && *no_color)
        return false;
    return isatty(fileno(to)) && term && strcmp(term, "dumb") != 0;
}

const char *sl_style(FILE *to, enum sl_style style)
{
    static const char *const codes[] = {
        [SL_PLAIN] = "\033[0m", [SL_BOLD] = "\033[1m",   [SL_DIM] = "\033[2m",
        [SL_RED] = "\033[31m",  [SL_GREEN] = "\033[32m", [SL_YELLOW] = "\033[33m",
        [SL_BLUE] = "\033[34m", [SL_CYAN] = "\033[36m",
    };
    return sl_terminal_has_colour(to) ? codes[style] : "";
}

unsigned sl_terminal_height(FILE *to)
{
    struct winsize size;
    bool is_known = isatty(fileno(to)) && ioctl(fileno(to), TIOCGWINSZ, &size) == 0;
    return is_known && size.ws_row ? size.ws_row : 24;
}
