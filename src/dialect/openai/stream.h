/*
 * A streaming answer (server-sent chat.completion.chunk events) on its way to the client: counts
 * what passes, takes out the usage chunk that only the router asked for, and knows whether the
 * stream ended as it should. Every other byte passes unchanged, frame by frame: at most the frame
 * in progress is held, so that what the client has seen always ends between two events.
 *
 * Pure: no clock, no socket. One owner.
 */
#ifndef SL_DIALECT_OPENAI_STREAM_H
#define SL_DIALECT_OPENAI_STREAM_H

#include "base/buf.h"
#include "dialect/openai/answer.h"

struct sl_chat_stream {
    /* What was observed so far; read-only for others. */
    struct sl_usage usage;
    uint64_t n_frames;        /* events with data, [DONE] included */
    uint64_t n_text_frames;   /* of them with text, reasoning or tool-call arguments */
    uint64_t text_bytes;      /* delta.content of all choices, unescaped */
    uint64_t reasoning_bytes; /* delta.reasoning_content and delta.reasoning */
    uint64_t tool_call_bytes; /* arguments of tool calls */
    uint32_t n_finished;      /* finish reasons seen */
    char finish_reason[24];   /* the latest; "" = none yet */
    bool has_error;           /* a frame carried an "error" object */
    bool is_done;             /* data: [DONE] */
    bool is_oversized;        /* a frame was larger than the bound and passed unread */

    bool takes_usage_out;
    struct sl_buf held; /* bytes of the frame in progress */
    struct sl_arena_pool pool;
    struct sl_arena arena; /* of one frame's parse */
    size_t max_frame_bytes;
    size_t line_bytes;  /* of the line in progress */
    bool had_cr;        /* the byte before was CR: a LF belongs to it */
    bool was_taken_out; /* the last complete frame: where a late LF goes */
    bool is_passing;    /* inside an oversized frame */
};

/* Receives bytes for the client in order; the view dies with the call. */
typedef enum sl_rc sl_stream_emit(void *ctx, sl_str bytes);

/* takes_usage_out: sl_chat_adds_usage(). A frame beyond max_frame_bytes passes unread. */
void sl_chat_stream_init(struct sl_chat_stream *s, bool takes_usage_out, size_t max_frame_bytes);
void sl_chat_stream_free(struct sl_chat_stream *s);

/* Bytes from the backend, cut anywhere. Returns emit's code when it is not SL_OK. */
SL_MUST_USE enum sl_rc sl_chat_stream_feed(struct sl_chat_stream *s, sl_str bytes,
                                           sl_stream_emit *emit, void *ctx);

/*
 * The backend closed. A last frame without its blank line passes when it is whole (with the blank
 * line put behind it); a torn one is dropped. True when the stream is complete: [DONE], or a
 * finish reason and nothing torn behind it.
 */
bool sl_chat_stream_end(struct sl_chat_stream *s, sl_stream_emit *emit, void *ctx);

/* An error event in the client's dialect, for a stream that was cut: `data: {"error":...}`. */
void sl_chat_stream_error(const struct sl_chat_stream *s, struct sl_buf *out, int status,
                          sl_str message);

#endif
