/* What json.c, json_read.c and json_keys.c share: escapes and key equality. Not for other rooms. */
#ifndef SL_CODEC_JSON_PARTS_H
#define SL_CODEC_JSON_PARTS_H

#include "codec/json.h"

/*
 * Undoes the escapes of a validated string; lone surrogates become U+FFFD. `to` has room for raw.n
 * bytes; returns the length written.
 */
size_t sl_json_unescape(char *to, sl_str raw);

/* True when a validated escaped string's content is s. */
bool sl_json_escaped_is(sl_str raw, sl_str s);

/* True when two validated escaped strings have the same content. */
bool sl_json_escaped_equal(sl_str a, sl_str b);

/* True when two string nodes of one text have the same content. */
bool sl_json_keys_equal(const char *text, const struct sl_json_node *a,
                        const struct sl_json_node *b);

/* Working memory of sl_json_keys_check, reused from object to object. Zero but for the arena. */
struct sl_json_keys {
    struct sl_arena *arena;
    struct sl_json_key_slot *slots;
    size_t cap_slots;
    char *plain; /* an escaped key without its escapes */
    size_t cap_plain;
};

/* *repeated = node of the first key of `object` (of `count` keys) that equals an earlier one. */
SL_MUST_USE enum sl_rc sl_json_keys_check(struct sl_json_keys *k, const char *text,
                                          const struct sl_json_node *nodes, uint32_t object,
                                          uint32_t count, uint32_t *repeated);

#endif
