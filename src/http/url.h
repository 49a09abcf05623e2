/* URLs in parts. Pure. */
#ifndef SL_HTTP_URL_H
#define SL_HTTP_URL_H

#include "base/str.h"

struct sl_url {
    bool is_tls;
    sl_str host; /* without brackets */
    uint16_t port;
    sl_str target; /* path and query; "/" when the URL has none */
};

/* http:// or https://; a missing scheme is http. Views into text (or static). */
bool sl_url_parse(sl_str text, struct sl_url *out);

#endif
