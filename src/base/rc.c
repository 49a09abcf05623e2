/* Names of result codes, for logs and metric labels. */
#include "base/rc.h"

const char *sl_rc_name(enum sl_rc rc)
{
    switch (rc) {
    case SL_OK:
        return "ok";
    case SL_AGAIN:
        return "again";
    case SL_EOF:
        return "eof";
    case SL_NOMEM:
        return "nomem";
    case SL_LIMIT:
        return "limit";
    case SL_INVALID:
        return "invalid";
    case SL_NOTFOUND:
        return "notfound";
    case SL_IO:
        return "io";
    case SL_TIMEOUT:
        return "timeout";
    case SL_CLOSED:
        return "closed";
    case SL_DENIED:
        return "denied";
    case SL_UNSUPPORTED:
        return "unsupported";
    }
    return "unknown";
}
