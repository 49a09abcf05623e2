/*
 * Text is the default everywhere, also where nobody looks at a terminal: journals and container
 * runtimes keep lines as they are, and a collector that wants JSON is configured, not guessed.
 */
#include "main/logging.h"

#include "base/log.h"
#include "main/policy_file.h"

#include <stdarg.h>

static bool pick(const struct sl_options *o, const char *name, const char *const *values,
                 unsigned *out)
{
    const char *text = sl_option(o, name);
    if (!text)
        return true;
    for (unsigned i = 0; values[i]; i++)
        if (sl_str_eq(sl_str_from(text), sl_str_from(values[i]))) {
            *out = i;
            return true;
        }
    const char *nearest = sl_str_nearest(sl_str_from(text), values);
    char all[64];
    size_t n = 0;
    for (unsigned i = 0; values[i]; i++)
        n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", i ? ", " : "", values[i]);
    sl_usage_error(o, "%s: found \"%s\", expected one of %s%s%s%s", name, text, all,
                   nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                   nearest ? "\"?" : "");
    return false;
}

bool sl_logging_setup(const struct sl_options *o)
{
    static const char *const levels[] = {"debug", "info", "warn", "error", "off", NULL};
    static const char *const formats[] = {"text", "json", NULL};
    unsigned level = SL_LOG_INFO, format = 0;
    if (!pick(o, "--log-level", levels, &level) || !pick(o, "--log-format", formats, &format))
        return false;
    sl_log_setup((enum sl_log_level)level, format == 1);
    return true;
}

void sl_logging_diags(const struct sl_diags *diags, sl_str file)
{
    static const enum sl_log_level levels[] = {
        [SL_ERROR] = SL_LOG_ERROR, [SL_WARNING] = SL_LOG_WARN, [SL_NOTE] = SL_LOG_INFO};
    if (!sl_log_is_json()) {
        sl_diags_print(stderr, diags, file, false);
        return;
    }
    for (uint32_t i = 0; i < diags->n; i++) {
        const struct sl_diag *d = &diags->items[i];
        sl_str place = d->file.n ? d->file : file;
        sl_log(levels[d->severity], "config_finding", "%.*s:%u:%u: %.*s%s%.*s", SL_FMT(place),
               d->line, d->column, SL_FMT(d->path), d->path.n ? ": " : "", SL_FMT(d->message));
    }
}

void sl_logging_fatal(const char *command, const char *format, ...)
{
    char why[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    if (sl_log_is_json())
        sl_log(SL_LOG_ERROR, "start_failed", "%s", why);
    else
        fprintf(stderr, "sluice %s: %s\n", command, why);
}
