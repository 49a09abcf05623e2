/* Option parsing and the help text, both from the tables in the subcommands' records. */
#include "main/options.h"

#include "main/terminal.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

int sl_usage_error(const struct sl_options *o, const char *format, ...)
{
    const struct sl_command *command = o->command;
    va_list args;
    va_start(args, format);
    fprintf(stderr, "sluice %s: ", command->name);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\nusage: %s\n`sluice %s --help` tells more.\n", command->usage, command->name);
    va_end(args);
    return 2;
}

static const struct sl_option help_option = {"--help", 'h', NULL, "this text"};

static void print_option(const struct sl_option *option, int column)
{
    char left[96];
    snprintf(left, sizeof(left), "%c%c%s%s%s%s", option->letter ? '-' : ' ',
             option->letter ? option->letter : ' ', option->letter ? ", " : "  ", option->name,
             option->argument ? " " : "", option->argument ? option->argument : "");
    printf("  %-*s  %s\n", column, left, option->help);
}

static void print_help(const struct sl_command *command)
{
    int column = 0;
    for (const struct sl_option *p = command->options; p && p->name; p++) {
        int width = (int)(5 + strlen(p->name) + (p->argument ? strlen(p->argument) : 0));
        column = width > column ? width : column;
    }
    printf("sluice %s: %s\n\n%susage:%s %s\n\n%s\n\n%soptions:%s\n", command->name,
           command->summary, sl_style(stdout, SL_BOLD), sl_style(stdout, SL_PLAIN), command->usage,
           command->help, sl_style(stdout, SL_BOLD), sl_style(stdout, SL_PLAIN));
    for (const struct sl_option *p = command->options; p && p->name; p++)
        print_option(p, column < 12 ? 12 : column);
    print_option(&help_option, column < 12 ? 12 : column);
}

static const struct sl_option *find_long(const struct sl_command *command, sl_str name)
{
    for (const struct sl_option *p = command->options; p && p->name; p++)
        if (sl_str_eq(sl_str_from(p->name), name))
            return p;
    return sl_str_eq(name, SL_STR("--help")) ? &help_option : NULL;
}

static const struct sl_option *find_letter(const struct sl_command *command, char letter)
{
    for (const struct sl_option *p = command->options; p && p->name; p++)
        if (p->letter == letter)
            return p;
    return letter == 'h' ? &help_option : NULL;
}

static int unknown(const struct sl_options *o, sl_str given)
{
    const char *names[64];
    unsigned n = 0;
    for (const struct sl_option *p = o->command->options; p && p->name && n + 2 < 64; p++)
        names[n++] = p->name;
    names[n++] = help_option.name;
    names[n] = NULL;
    const char *nearest = sl_str_nearest(given, names);
    if (nearest)
        return sl_usage_error(o, "no option \"%.*s\"; did you mean \"%s\"?", SL_FMT(given),
                              nearest);
    return sl_usage_error(o, "no option \"%.*s\"", SL_FMT(given));
}

static int record(struct sl_options *o, const struct sl_option *option, const char *value)
{
    if (o->n_given == SL_OPTIONS_MAX)
        return sl_usage_error(o, "more than %d options", SL_OPTIONS_MAX);
    o->given[o->n_given].option = option;
    o->given[o->n_given].value = value;
    o->n_given++;
    return SL_OPTIONS_RUN;
}

/* One argument that begins with '-'; *i moves over a value that is the next argument. */
static int take(struct sl_options *o, int argc, char **argv, int *i)
{
    char *arg = argv[*i];
    bool is_long = arg[1] == '-';
    sl_str name = sl_str_from(arg);
    const char *value = NULL;
    if (is_long) {
        size_t equals = sl_str_chr(name, '=');
        if (equals < name.n)
            value = arg + equals + 1;
        name.n = equals;
    } else {
        name.n = 2;
        value = arg[2] ? arg + 2 : NULL;
    }
    const struct sl_option *option =
        is_long ? find_long(o->command, name) : find_letter(o->command, arg[1]);
    if (!option)
        return unknown(o, name);
    if (option == &help_option) {
        print_help(o->command);
        return 0;
    }
    if (!option->argument) {
        if (value)
            return sl_usage_error(o, "%s takes no value, found \"%s\"", option->name, value);
        return record(o, option, "");
    }
    if (!value && *i + 1 < argc)
        value = argv[++*i];
    if (!value)
        return sl_usage_error(o, "%s needs a value: %s", option->name, option->argument);
    return record(o, option, value);
}

int sl_options_parse(struct sl_options *o, int argc, char **argv)
{
    memset(o, 0, sizeof(*o));
    for (const struct sl_command *const *c = sl_commands; *c; c++)
        if (!strcmp((*c)->name, argv[0]))
            o->command = *c;
    o->operands = argv + 1;
    bool is_operand = false;
    for (int i = 1; i < argc; i++) {
        char *arg = argv[i];
        if (!is_operand && !strcmp(arg, "--")) {
            is_operand = true;
        } else if (is_operand || arg[0] != '-' || !arg[1]) {
            o->operands[o->n_operands++] = arg; /* never ahead of i: options only shrink it */
        } else {
            int status = take(o, argc, argv, &i);
            if (status != SL_OPTIONS_RUN)
                return status;
        }
    }
    return SL_OPTIONS_RUN;
}

const char *sl_option(const struct sl_options *o, const char *name)
{
    for (unsigned i = o->n_given; i > 0; i--)
        if (!strcmp(o->given[i - 1].option->name, name))
            return o->given[i - 1].value;
    return NULL;
}

const char *sl_option_at(const struct sl_options *o, const char *name, unsigned i)
{
    for (unsigned k = 0; k < o->n_given; k++)
        if (!strcmp(o->given[k].option->name, name) && i-- == 0)
            return o->given[k].value;
    return NULL;
}

bool sl_option_f64(const struct sl_options *o, const char *name, double min, double max,
                   double *out)
{
    const char *text = sl_option(o, name);
    double value;
    if (!text)
        return true;
    if (!sl_str_to_f64(sl_str_from(text), &value) || !(value >= min && value <= max)) {
        sl_usage_error(o, "%s: found \"%s\", expected a number from %g to %g", name, text, min,
                       max);
        return false;
    }
    *out = value;
    return true;
}

bool sl_option_u64(const struct sl_options *o, const char *name, uint64_t min, uint64_t max,
                   uint64_t *out)
{
    const char *text = sl_option(o, name);
    int64_t value;
    if (!text)
        return true;
    if (!sl_str_to_i64(sl_str_from(text), &value) || value < 0 || (uint64_t)value < min ||
        (uint64_t)value > max) {
        sl_usage_error(o, "%s: found \"%s\", expected a whole number from %llu to %llu", name, text,
                       (unsigned long long)min, (unsigned long long)max);
        return false;
    }
    *out = (uint64_t)value;
    return true;
}

struct unit {
    sl_str suffix;
    double factor;
};

/* A number and one of `units` (the one without suffix last), as a whole number of base units. */
static bool with_unit(sl_str text, const struct unit *units, uint64_t *out)
{
    for (; units->factor > 0; units++) {
        if (!sl_str_ends(text, units->suffix))
            continue;
        double value;
        if (!sl_str_to_f64(sl_str_sub(text, 0, text.n - units->suffix.n), &value))
            return false;
        value *= units->factor;
        if (!(value >= 0 && value < 1e15))
            return false;
        *out = (uint64_t)llround(value);
        return true;
    }
    return false;
}

bool sl_option_ms(const struct sl_options *o, const char *name, uint64_t *out_ms)
{
    static const struct unit units[] = {
        {SL_STR_INIT("ms"), 1},     {SL_STR_INIT("s"), 1000},  {SL_STR_INIT("m"), 60000},
        {SL_STR_INIT("h"), 3600e3}, {SL_STR_INIT(""), 1000.0}, {SL_STR_INIT(""), 0},
    };
    const char *text = sl_option(o, name);
    if (!text || with_unit(sl_str_from(text), units, out_ms))
        return true;
    sl_usage_error(o, "%s: found \"%s\", expected a duration such as 250ms, 10s or 5m", name, text);
    return false;
}

bool sl_option_bytes(const struct sl_options *o, const char *name, uint64_t *out)
{
    static const struct unit units[] = {
        {SL_STR_INIT("K"), 1024},
        {SL_STR_INIT("M"), 1024 * 1024},
        {SL_STR_INIT(""), 1},
        {SL_STR_INIT(""), 0},
    };
    const char *text = sl_option(o, name);
    if (!text || with_unit(sl_str_from(text), units, out))
        return true;
    sl_usage_error(o, "%s: found \"%s\", expected a size such as 320, 4K or 1M", name, text);
    return false;
}

bool sl_listen_parse(sl_str text, sl_str *address, uint16_t *port)
{
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    sl_str host = sl_str_sub(text, 0, colon ? colon - 1 : 0);
    int64_t number;
    if (!sl_str_to_i64(sl_str_sub(text, colon, text.n), &number) || number < 0 || number > 65535)
        return false;
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = sl_str_sub(host, 1, host.n - 1);
    else if (sl_str_chr(host, ':') < host.n)
        return false; /* an IPv6 address needs its brackets */
    if (host.n)
        *address = host;
    *port = (uint16_t)number;
    return true;
}

bool sl_option_address(const struct sl_options *o, const char *name, sl_str *address,
                       uint16_t *port)
{
    const char *text = sl_option(o, name);
    if (!text || sl_listen_parse(sl_str_from(text), address, port))
        return true;
    sl_usage_error(o,
                   "%s: found \"%s\", expected ADDRESS:PORT such as 127.0.0.1:8801 or [::1]:8801",
                   name, text);
    return false;
}
