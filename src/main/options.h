/*
 * Command lines over the option tables of subcommands: long and short options, `--name=value`,
 * `-c FILE` and `-cFILE`, `--` ends options, operands anywhere. --help and -h always work.
 * Main thread only.
 */
#ifndef SL_MAIN_OPTIONS_H
#define SL_MAIN_OPTIONS_H

#include "base/str.h"
#include "main/command.h"

#define SL_OPTIONS_MAX 128 /* given options on one command line */
#define SL_OPTIONS_RUN (-1)

struct sl_options {
    const struct sl_command *command;
    struct {
        const struct sl_option *option;
        const char *value; /* "" for flags */
    } given[SL_OPTIONS_MAX];
    unsigned n_given;
    char **operands; /* into argv, in their order */
    int n_operands;
};

/*
 * Parses argv[1..] with the table of the command that argv[0] names. SL_OPTIONS_RUN: go on; else
 * the exit status to return: 0 after --help, 2 after a mistake, which has been printed with the
 * nearest option's name.
 */
int sl_options_parse(struct sl_options *o, int argc, char **argv);

/* Value of the last `name` given ("--config"; "" for a flag), or NULL. */
const char *sl_option(const struct sl_options *o, const char *name);
/* The i-th value of an option that may be repeated, or NULL. */
const char *sl_option_at(const struct sl_options *o, const char *name, unsigned i);
static inline bool sl_option_is_given(const struct sl_options *o, const char *name)
{
    return sl_option(o, name) != NULL;
}

/*
 * Typed values. When the option is absent *out stays as it is. False: the value is wrong and that
 * has been printed; return 2.
 */
bool sl_option_u64(const struct sl_options *o, const char *name, uint64_t min, uint64_t max,
                   uint64_t *out);
bool sl_option_f64(const struct sl_options *o, const char *name, double min, double max,
                   double *out);
/* "250ms", "10s", "5m"; a bare number is seconds. */
bool sl_option_ms(const struct sl_options *o, const char *name, uint64_t *out_ms);
/* "4096", "4K", "1M" (1024-based). */
bool sl_option_bytes(const struct sl_options *o, const char *name, uint64_t *out);
/* "127.0.0.1:8000", "[::1]:8000", ":8000", "8000"; without an address: *address unchanged. */
bool sl_option_address(const struct sl_options *o, const char *name, sl_str *address,
                       uint16_t *port);
bool sl_listen_parse(sl_str text, sl_str *address, uint16_t *port);

/* "sluice bench: ..." on standard error, with a pointer to --help. Returns 2. */
int sl_usage_error(const struct sl_options *o, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
