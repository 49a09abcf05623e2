/*
 * The generator. A timerfd (a loop's timers are a millisecond coarse) wakes when the next request
 * is due; each of n_concurrent slots carries one request at a time; requests that are due while
 * every slot is busy wait, and their waiting counts. A slot whose request is over is started
 * again at the end of the loop's turn, when the client has let go of its call.
 */
#include "load/load.h"

#include "base/clock.h"
#include "load/frames.h"

#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define SLOT_ARENA_BYTES (4u << 20)

struct slot {
    struct sl_load *load;
    struct sl_arena arena;
    struct slot *next; /* of the idle list */
    struct iovec body;
    uint64_t due_ns, sent_ns, last_frame_ns, first_frame_ns;
    int status;
    bool is_stream;
    bool counts; /* behind the warm-up */
    struct sl_frames frames;
};

struct sl_load {
    struct sl_loop *loop;
    struct sl_load_options options;
    struct sl_client *client;
    struct sl_io timer_io;
    struct sl_deferred deferred;
    struct sl_timer grace; /* after the end: the last answers have this long */
    struct slot *slots;
    struct slot *idle;
    uint32_t n_busy;
    uint64_t started_ns, end_ns, warm_ns;
    uint64_t n_due; /* requests started so far: number n is due at started + n * interval */
    double interval_ns;
    bool is_over;
    void (*on_over)(void *ctx);
    void *ctx;
    struct sl_load_result result;
    struct sl_load_progress progress;
};

static uint64_t due_of(const struct sl_load *load, uint64_t n)
{
    return load->started_ns + (uint64_t)((double)n * load->interval_ns);
}

static bool has_more(const struct sl_load *load, uint64_t due_ns)
{
    if (load->options.n_requests && load->n_due >= load->options.n_requests)
        return false;
    return !load->options.duration_ms || due_ns < load->end_ns;
}

static void finish(struct sl_load *load)
{
    if (load->is_over)
        return;
    load->is_over = true;
    sl_timer_stop(load->loop, &load->grace);
    load->on_over(load->ctx);
}

static void release(struct slot *slot, bool is_good)
{
    struct sl_load *load = slot->load;
    _Atomic uint64_t *counter = is_good ? &load->progress.n_done : &load->progress.n_bad;
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
    load->result.last_ns = sl_clock_ns();
    slot->next = load->idle;
    load->idle = slot;
    load->n_busy--;
    atomic_store_explicit(&load->progress.n_in_flight, load->n_busy, memory_order_relaxed);
    sl_loop_defer(load->loop, &load->deferred);
}

static void on_head(void *ctx, const struct sl_response *response)
{
    struct slot *slot = ctx;
    sl_str type = sl_headers_get(&response->headers, SL_STR("content-type"));
    slot->status = response->status;
    slot->is_stream = sl_str_starts(type, SL_STR("text/event-stream"));
    sl_frames_reset(&slot->frames);
}

static void on_frame(struct slot *slot, uint64_t sent_ns)
{
    struct sl_load_result *r = &slot->load->result;
    uint64_t pace_ns = slot->load->options.frame_ms * 1000000u;
    uint64_t now = sl_clock_ns();
    if (!slot->first_frame_ns) {
        slot->first_frame_ns = now;
        sl_hist_add(&r->first_frame, now - slot->due_ns);
    } else {
        sl_hist_add(&r->frame_gap, now - slot->last_frame_ns);
    }
    slot->last_frame_ns = now;
    uint64_t expected = sent_ns;
    if (!expected && pace_ns)
        expected = slot->first_frame_ns + (slot->frames.n - 1) * pace_ns;
    if (expected)
        sl_hist_add(&r->frame_late, now > expected ? now - expected : 0);
    r->n_frames++;
}

static void on_body(void *ctx, sl_str bytes)
{
    struct slot *slot = ctx;
    uint64_t sent_ns;
    slot->load->result.bytes_in += bytes.n;
    if (!slot->is_stream)
        return;
    while (sl_frames_feed(&slot->frames, &bytes, &sent_ns))
        if (slot->counts)
            on_frame(slot, sent_ns);
}

static void on_end(void *ctx)
{
    struct slot *slot = ctx;
    struct sl_load_result *r = &slot->load->result;
    uint64_t now = sl_clock_ns();
    bool is_good = slot->status >= 200 && slot->status < 300;
    bool is_cut = slot->is_stream && is_good && !slot->frames.is_done;
    if (slot->counts) {
        r->n_status[slot->status >= 100 && slot->status < 600 ? slot->status / 100 : 0]++;
        r->n_streams += slot->is_stream;
        r->n_incomplete += is_cut;
        if (is_good && !is_cut) {
            r->n_ok++;
            sl_hist_add(&r->latency, now - slot->due_ns);
            sl_hist_add(&r->service, now - slot->sent_ns);
        }
    }
    release(slot, is_good && !is_cut);
}

static void note_failure(struct sl_load_result *r, const char *text)
{
    if (r->first_failure[0] || !text)
        return;
    memcpy(r->first_failure, text, strnlen(text, sizeof(r->first_failure) - 1));
}

static void on_fail(void *ctx, enum sl_rc rc, enum sl_call_phase phase, bool was_sent,
                    bool got_bytes, const char *reason)
{
    struct slot *slot = ctx;
    struct sl_load_result *r = &slot->load->result;
    (void)was_sent;
    (void)got_bytes;
    if (slot->counts) {
        if (rc == SL_TIMEOUT)
            r->n_timeout++;
        else
            r->n_failed[phase]++;
        note_failure(r, reason);
    }
    release(slot, false);
}

static void send_one(struct sl_load *load, struct slot *slot, uint64_t due_ns)
{
    static const struct sl_call_callbacks callbacks = {
        .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_fail = on_fail};
    const struct sl_load_options *o = &load->options;
    uint64_t now = sl_clock_ns();
    sl_arena_reset(&slot->arena);
    slot->due_ns = due_ns;
    slot->sent_ns = now;
    slot->first_frame_ns = 0;
    slot->status = 0;
    slot->is_stream = false;
    slot->counts = due_ns >= load->warm_ns;
    slot->body = (struct iovec){(void *)(uintptr_t)o->body.p, o->body.n};
    struct sl_request request = {
        .host = o->host,
        .port = o->port,
        .tls = o->tls,
        .method = o->method,
        .target = o->target,
        .headers = o->headers,
        .body = &slot->body,
        .n_body = o->body.n ? 1 : 0,
        .timeouts = {.total_ms = o->timeout_ms},
        .arena = &slot->arena,
    };
    if (slot->counts) {
        load->result.n_sent++;
        sl_hist_add(&load->result.start_late, now > due_ns ? now - due_ns : 0);
        if (!load->result.first_ns)
            load->result.first_ns = due_ns;
    }
    load->n_busy++;
    if (sl_client_start(load->client, &request, &callbacks, slot))
        return;
    load->options.n_requests = load->n_due; /* the next would fail alike */
    on_fail(slot, SL_NOMEM, SL_PHASE_RESOLVE, false, false,
            "the request cannot be made: out of memory, or a bad target or header");
}

/* Wakes at `due_ns`; the clock is CLOCK_MONOTONIC, as sl_clock_ns. */
static void wake_at(struct sl_load *load, uint64_t due_ns)
{
    struct itimerspec when = {
        .it_value = {(time_t)(due_ns / 1000000000u), (long)(due_ns % 1000000000u)}};
    timerfd_settime(load->timer_io.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void start_due(struct sl_load *load)
{
    bool is_open_loop = load->options.rate_per_s > 0;
    uint64_t now = sl_clock_ns();
    uint64_t due = is_open_loop ? due_of(load, load->n_due) : now;
    while (load->idle && has_more(load, due) && due <= now) {
        struct slot *slot = load->idle;
        load->idle = slot->next;
        load->n_due++;
        send_one(load, slot, due);
        now = sl_clock_ns();
        due = is_open_loop ? due_of(load, load->n_due) : now;
    }
    if (!has_more(load, due)) {
        if (!load->n_busy)
            finish(load);
    } else if (due > now) {
        wake_at(load, due);
    }
}

static void on_wake(struct sl_loop *loop, struct sl_io *io, uint32_t events)
{
    struct sl_load *load = SL_CONTAINER(io, struct sl_load, timer_io);
    uint64_t ticks;
    (void)loop;
    (void)events;
    if (read(io->fd, &ticks, sizeof(ticks)) == (ssize_t)sizeof(ticks) && !load->is_over)
        start_due(load);
}

static void on_turn_end(struct sl_loop *loop, struct sl_deferred *deferred)
{
    struct sl_load *load = SL_CONTAINER(deferred, struct sl_load, deferred);
    (void)loop;
    if (!load->is_over)
        start_due(load);
}

/* Requests that were due but have found no slot by now will never be sent. */
static void on_grace_over(struct sl_loop *loop, struct sl_timer *timer)
{
    struct sl_load *load = SL_CONTAINER(timer, struct sl_load, grace);
    (void)loop;
    if (load->interval_ns > 0) {
        uint64_t n_planned =
            (uint64_t)((double)(load->end_ns - load->started_ns) / load->interval_ns);
        if (load->options.n_requests && n_planned > load->options.n_requests)
            n_planned = load->options.n_requests;
        load->result.n_unsent = n_planned > load->n_due ? n_planned - load->n_due : 0;
    }
    load->result.n_timeout += load->n_busy;
    finish(load);
}

static void make_slots(struct sl_load *load)
{
    for (uint32_t i = load->options.n_concurrent; i > 0; i--) {
        struct slot *slot = &load->slots[i - 1];
        slot->load = load;
        sl_arena_init(&slot->arena, sl_loop_arena_pool(load->loop), SLOT_ARENA_BYTES);
        slot->next = load->idle;
        load->idle = slot;
    }
}

static void set_times(struct sl_load *load)
{
    const struct sl_load_options *o = &load->options;
    load->interval_ns = o->rate_per_s > 0 ? 1e9 / o->rate_per_s : 0;
    load->started_ns = sl_clock_ns();
    load->warm_ns = load->started_ns + o->warm_up_ms * 1000000u;
    load->end_ns = load->warm_ns + o->duration_ms * 1000000u;
    if (o->duration_ms)
        sl_timer_start(load->loop, &load->grace,
                       o->warm_up_ms + o->duration_ms + o->timeout_ms + 100);
}

struct sl_load *sl_load_start(struct sl_loop *loop, const struct sl_load_options *options,
                              void (*on_over)(void *ctx), void *ctx)
{
    struct sl_load *load = calloc(1, sizeof(*load));
    if (!load)
        return NULL;
    load->loop = loop;
    load->options = *options;
    load->on_over = on_over;
    load->ctx = ctx;
    load->timer_io = (struct sl_io){.fd = -1, .on_event = on_wake};
    load->deferred.run = on_turn_end;
    load->grace.on_timer = on_grace_over;
    load->slots = calloc(options->n_concurrent, sizeof(struct slot));
    struct sl_client_options client = {.resolver = options->resolver,
                                       .max_idle_per_host = options->n_concurrent,
                                       .idle_ms = 60000};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd >= 0)
        load->timer_io.fd = fd;
    if (!load->slots || fd < 0 || sl_client_create(&load->client, loop, &client) != SL_OK ||
        sl_loop_add(loop, &load->timer_io) != SL_OK) {
        sl_load_free(load);
        return NULL;
    }
    make_slots(load);
    set_times(load);
    sl_loop_defer(loop, &load->deferred);
    return load;
}

void sl_load_free(struct sl_load *load)
{
    if (!load)
        return;
    load->is_over = true;
    sl_timer_stop(load->loop, &load->grace);
    if (load->client)
        sl_client_destroy(load->client);
    if (load->timer_io.fd >= 0) {
        sl_loop_remove(load->loop, &load->timer_io);
        close(load->timer_io.fd);
    }
    for (uint32_t i = 0; load->slots && i < load->options.n_concurrent; i++)
        if (load->slots[i].load)
            sl_arena_reset(&load->slots[i].arena);
    free(load->slots);
    free(load);
}

const struct sl_load_result *sl_load_get_result(const struct sl_load *load)
{
    return &load->result;
}

const struct sl_load_progress *sl_load_get_progress(const struct sl_load *load)
{
    return &load->progress;
}

void sl_load_merge(struct sl_load_result *into, const struct sl_load_result *from)
{
    sl_hist_merge(&into->latency, &from->latency);
    sl_hist_merge(&into->service, &from->service);
    sl_hist_merge(&into->first_frame, &from->first_frame);
    sl_hist_merge(&into->frame_gap, &from->frame_gap);
    sl_hist_merge(&into->frame_late, &from->frame_late);
    sl_hist_merge(&into->start_late, &from->start_late);
    into->n_ok += from->n_ok;
    into->n_streams += from->n_streams;
    into->n_frames += from->n_frames;
    into->n_incomplete += from->n_incomplete;
    into->n_timeout += from->n_timeout;
    into->n_sent += from->n_sent;
    into->n_unsent += from->n_unsent;
    into->bytes_in += from->bytes_in;
    for (unsigned i = 0; i < SL_COUNT(into->n_status); i++)
        into->n_status[i] += from->n_status[i];
    for (unsigned i = 0; i < SL_COUNT(into->n_failed); i++)
        into->n_failed[i] += from->n_failed[i];
    if (from->first_ns && (!into->first_ns || from->first_ns < into->first_ns))
        into->first_ns = from->first_ns;
    if (from->last_ns > into->last_ns)
        into->last_ns = from->last_ns;
    note_failure(into, from->first_failure[0] ? from->first_failure : NULL);
}
