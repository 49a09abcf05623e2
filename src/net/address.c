/* Numeric socket addresses. */
#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>

static bool parse_v6(char *text, uint16_t port, struct sl_address *out)
{
    uint32_t scope = 0;
    char *zone = strchr(text, '%');
    if (zone) {
        *zone++ = 0;
        scope = if_nametoindex(zone);
        if (!scope)
            return false;
    }
    struct in6_addr address;
    if (inet_pton(AF_INET6, text, &address) != 1)
        return false;
    *out = (struct sl_address){.n = sizeof out->v6};
    out->v6 = (struct sockaddr_in6){
        .sin6_family = AF_INET6,
        .sin6_port = htons(port),
        .sin6_addr = address,
        .sin6_scope_id = scope,
    };
    return true;
}

bool sl_address_parse(sl_str text, uint16_t port, struct sl_address *out)
{
    char copy[SL_ADDRESS_TEXT_BYTES];
    bool is_bracketed = text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']';
    if (is_bracketed)
        text = sl_str_sub(text, 1, text.n - 1);
    if (text.n == 0 || text.n >= sizeof copy || memchr(text.p, 0, text.n))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    struct in_addr address;
    if (!is_bracketed && inet_pton(AF_INET, copy, &address) == 1) {
        *out = (struct sl_address){.n = sizeof out->v4};
        out->v4 = (struct sockaddr_in){
            .sin_family = AF_INET,
            .sin_port = htons(port),
            .sin_addr = address,
        };
        return true;
    }
    return parse_v6(copy, port, out);
}

bool sl_address_from(const struct sockaddr *from, struct sl_address *out)
{
    *out = (struct sl_address){.n = 0};
    if (from->sa_family == AF_INET)
        out->n = sizeof out->v4;
    else if (from->sa_family == AF_INET6)
        out->n = sizeof out->v6;
    else
        return false;
    memcpy(&out->any, from, out->n);
    return true;
}

sl_str sl_address_print(const struct sl_address *a, char buffer[SL_ADDRESS_TEXT_BYTES])
{
    const char *text = NULL;
    if (a->any.sa_family == AF_INET)
        text = inet_ntop(AF_INET, &a->v4.sin_addr, buffer, SL_ADDRESS_TEXT_BYTES);
    else if (a->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr))
        text = inet_ntop(AF_INET, &a->v6.sin6_addr.s6_addr[12], buffer, SL_ADDRESS_TEXT_BYTES);
    else if (a->any.sa_family == AF_INET6)
        text = inet_ntop(AF_INET6, &a->v6.sin6_addr, buffer, SL_ADDRESS_TEXT_BYTES);
    return text ? sl_str_from(text) : SL_STR("");
}

uint16_t sl_address_port(const struct sl_address *a)
{
    return ntohs(a->any.sa_family == AF_INET6 ? a->v6.sin6_port : a->v4.sin_port);
}

void sl_address_set_port(struct sl_address *a, uint16_t port)
{
    if (a->any.sa_family == AF_INET6)
        a->v6.sin6_port = htons(port);
    else
        a->v4.sin_port = htons(port);
}
