/* Numeric socket addresses, IPv4 and IPv6: a value to copy, print and parse. */
#ifndef SL_NET_ADDRESS_H
#define SL_NET_ADDRESS_H

#include "base/str.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct sl_address {
    union {
        struct sockaddr any; /* any.sa_family tells which; AF_UNSPEC: none */
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
    socklen_t n;
};

#define SL_ADDRESS_TEXT_BYTES 64

/* "192.0.2.1", "::1", "[::1]", "fe80::1%eth0". False when it is not numeric. */
bool sl_address_parse(sl_str text, uint16_t port, struct sl_address *out);

/* From what accept or getaddrinfo gave; false for other families. */
bool sl_address_from(const struct sockaddr *from, struct sl_address *out);

/* Without port and brackets; IPv4-mapped IPv6 prints as IPv4. The view is into `buffer`. */
sl_str sl_address_print(const struct sl_address *a, char buffer[SL_ADDRESS_TEXT_BYTES]);

uint16_t sl_address_port(const struct sl_address *a);
void sl_address_set_port(struct sl_address *a, uint16_t port);

#endif
