/*
 * Timer wheel after Varghese and Lauck: level L holds timers due within 64^(L+1) ticks, its slots
 * are 64^L ticks wide and are dealt out to the lower levels when their time begins. A timer that
 * was restarted for later is only re-filed when its old slot comes up, because nearly all timers
 * here are timeouts that keep being pushed away and never fire.
 */
#include "sys/wheel.h"

#define SLOT_BITS 6
#define LONGEST   ((UINT64_C(1) << (SLOT_BITS * SL_WHEEL_LEVELS)) - 1)

/* To the nearest tick: half a tick early or late. */
static uint64_t tick_of(uint64_t ns)
{
    return (ns + SL_WHEEL_TICK_NS / 2) / SL_WHEEL_TICK_NS;
}

static void list_init(struct sl_timer *head)
{
    head->prev = head->next = head;
}

static void list_add(struct sl_timer *head, struct sl_timer *timer)
{
    timer->prev = head->prev;
    timer->next = head;
    head->prev->next = timer;
    head->prev = timer;
}

static void list_cut(struct sl_timer *timer)
{
    timer->prev->next = timer->next;
    timer->next->prev = timer->prev;
    timer->prev = timer->next = NULL;
}

/* Moves all of `from` to the empty list `to`. */
static void list_take(struct sl_timer *to, struct sl_timer *from)
{
    list_init(to);
    if (from->next == from)
        return;
    to->next = from->next;
    to->prev = from->prev;
    to->next->prev = to->prev->next = to;
    list_init(from);
}

void sl_wheel_init(struct sl_wheel *w, uint64_t now_ns)
{
    w->tick = now_ns / SL_WHEEL_TICK_NS;
    for (unsigned level = 0; level < SL_WHEEL_LEVELS; level++) {
        w->occupied[level] = 0;
        for (unsigned slot = 0; slot < SL_WHEEL_SLOTS; slot++)
            list_init(&w->slots[level][slot]);
    }
}

/* Files the timer under its due time, not before tick `earliest`. */
static void file(struct sl_wheel *w, struct sl_timer *timer, uint64_t earliest)
{
    uint64_t due = tick_of(timer->due_ns);
    if (due < earliest)
        due = earliest;
    if (due - w->tick > LONGEST)
        due = w->tick + LONGEST;
    uint64_t delta = due - w->tick;
    unsigned level = (unsigned)(63 - __builtin_clzll(delta | 1)) / SLOT_BITS;
    unsigned slot = (unsigned)(due >> (SLOT_BITS * level)) % SL_WHEEL_SLOTS;
    list_add(&w->slots[level][slot], timer);
    w->occupied[level] |= UINT64_C(1) << slot;
}

void sl_wheel_start(struct sl_wheel *w, struct sl_timer *timer, uint64_t due_ns)
{
    bool is_later = due_ns >= timer->due_ns;
    timer->due_ns = due_ns;
    if (timer->prev) {
        if (is_later)
            return;
        list_cut(timer);
    }
    file(w, timer, w->tick + 1);
}

void sl_wheel_stop(struct sl_timer *timer)
{
    if (timer->prev)
        list_cut(timer);
}

static void deal_out(struct sl_wheel *w, unsigned level, unsigned slot)
{
    struct sl_timer moving;
    list_take(&moving, &w->slots[level][slot]);
    w->occupied[level] &= ~(UINT64_C(1) << slot);
    while (moving.next != &moving) {
        struct sl_timer *timer = moving.next;
        list_cut(timer);
        file(w, timer, w->tick); /* the current tick's slot is fired after the dealing */
    }
}

static void fire(struct sl_wheel *w, struct sl_loop *loop, unsigned slot)
{
    struct sl_timer due;
    list_take(&due, &w->slots[0][slot]);
    w->occupied[0] &= ~(UINT64_C(1) << slot);
    while (due.next != &due) {
        struct sl_timer *timer = due.next;
        list_cut(timer);
        if (tick_of(timer->due_ns) > w->tick)
            file(w, timer, w->tick + 1);
        else
            timer->on_timer(loop, timer);
    }
}

/* Distance in slots (1 to 64) from `current` to the first occupied slot; 0 when none is. */
static unsigned next_slot(struct sl_wheel *w, unsigned level, uint64_t current)
{
    while (w->occupied[level]) {
        unsigned turn = (unsigned)(current + 1) % SL_WHEEL_SLOTS;
        uint64_t bits = w->occupied[level];
        bits = turn ? bits >> turn | bits << (SL_WHEEL_SLOTS - turn) : bits;
        unsigned distance = (unsigned)__builtin_ctzll(bits) + 1;
        unsigned slot = (unsigned)(current + distance) % SL_WHEEL_SLOTS;
        if (w->slots[level][slot].next != &w->slots[level][slot])
            return distance;
        w->occupied[level] &= ~(UINT64_C(1) << slot);
    }
    return 0;
}

/* The first tick at which a slot of any level comes up; UINT64_MAX when all are empty. */
static uint64_t next_tick(struct sl_wheel *w)
{
    uint64_t first = UINT64_MAX;
    for (unsigned level = 0; level < SL_WHEEL_LEVELS; level++) {
        uint64_t current = w->tick >> (SLOT_BITS * level);
        unsigned distance = next_slot(w, level, current);
        uint64_t at = (current + distance) << (SLOT_BITS * level);
        if (distance && at < first)
            first = at;
    }
    return first;
}

void sl_wheel_advance(struct sl_wheel *w, struct sl_loop *loop, uint64_t now_ns)
{
    uint64_t now = now_ns / SL_WHEEL_TICK_NS;
    while (w->tick < now) {
        uint64_t next = next_tick(w);
        if (next > now) {
            w->tick = now;
            return;
        }
        w->tick = next;
        for (unsigned level = 1; level < SL_WHEEL_LEVELS; level++) {
            if (w->tick & ((UINT64_C(1) << (SLOT_BITS * level)) - 1))
                break;
            deal_out(w, level, (unsigned)(w->tick >> (SLOT_BITS * level)) % SL_WHEEL_SLOTS);
        }
        fire(w, loop, (unsigned)w->tick % SL_WHEEL_SLOTS);
    }
}

uint64_t sl_wheel_next_ns(struct sl_wheel *w)
{
    uint64_t next = next_tick(w);
    return next == UINT64_MAX ? next : next * SL_WHEEL_TICK_NS;
}
