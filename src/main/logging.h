/* The two options of programs that run for long: how much they log, and in which form. */
#ifndef SL_MAIN_LOGGING_H
#define SL_MAIN_LOGGING_H

#include "base/err.h"
#include "main/options.h"

/* Rows for a subcommand's option table. */
#define SL_LOGGING_OPTIONS                                                                         \
    {"--log-level", 0, "LEVEL", "debug, info (the default), warn, error or off"},                  \
    {                                                                                              \
        "--log-format", 0, "FORMAT", "text (the default) or json, one object a line"               \
    }

/* Sets the log up as the options say. False: a wrong value, which has been printed; return 2. */
bool sl_logging_setup(const struct sl_options *o);

/* Mistakes of a configuration: on standard error for people, or as events of a JSON log. */
void sl_logging_diags(const struct sl_diags *diags, sl_str file);
/* Why the program does not run, likewise. */
void sl_logging_fatal(const char *command, const char *format, ...) SL_PRINTF(2, 3);

#endif
