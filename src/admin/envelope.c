/* See envelope.h; the shape is the reference's. */
#include "admin/envelope.h"

#include "codec/json_write.h"

#include <time.h>

void sl_admin_time(int64_t unix_s, char out[32])
{
    struct tm utc;
    time_t at = (time_t)unix_s;
    out[0] = 0;
    if (gmtime_r(&at, &utc))
        strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

void sl_admin_error(struct sl_buf *out, int64_t unix_s, const char *code, const char *message)
{
    char now[32];
    struct sl_json_writer w;
    sl_admin_time(unix_s, now);
    sl_json_writer_init(&w, out);
    sl_json_open(&w, '{');
    sl_json_key(&w, SL_STR("error"));
    sl_json_open(&w, '{');
    sl_json_key(&w, SL_STR("code"));
    sl_json_put_str(&w, sl_str_from(code));
    sl_json_key(&w, SL_STR("message"));
    sl_json_put_str(&w, sl_str_from(message));
    sl_json_key(&w, SL_STR("timestamp"));
    sl_json_put_str(&w, sl_str_from(now));
    sl_json_close(&w, '}');
    sl_json_close(&w, '}');
}
