/* The result code of every function that can fail below the edge of the program. */
#ifndef SL_BASE_RC_H
#define SL_BASE_RC_H

enum sl_rc {
    SL_OK = 0,
    SL_AGAIN = -1,    /* would block; try when the descriptor says so */
    SL_EOF = -2,      /* the peer ended in order */
    SL_NOMEM = -3,    /* allocation failed or a configured maximum is reached */
    SL_LIMIT = -4,    /* input larger, deeper or more numerous than allowed */
    SL_INVALID = -5,  /* malformed input or configuration */
    SL_NOTFOUND = -6, /* no such name */
    SL_IO = -7,       /* the operating system refused; errno was recorded */
    SL_TIMEOUT = -8,  /* a deadline passed */
    SL_CLOSED = -9,   /* cancelled, or the other side is gone */
    SL_DENIED = -10,  /* policy or identity forbids it */
    SL_UNSUPPORTED = -11,
};

#define SL_MUST_USE                     __attribute__((warn_unused_result))
#define SL_PRINTF(f, a)                 __attribute__((format(printf, f, a)))
#define SL_LIKELY(x)                    __builtin_expect(!!(x), 1)
#define SL_UNLIKELY(x)                  __builtin_expect(!!(x), 0)
#define SL_COUNT(array)                 (sizeof(array) / sizeof((array)[0]))
#define SL_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* The code's short name ("invalid"), for logs and metric labels. Static storage. */
const char *sl_rc_name(enum sl_rc rc);

#endif
