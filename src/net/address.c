/*
 * net/address.c: is this address one of the public internet?
 *
 * Two tables of networks that are not (IANA special-purpose registries, RFC 6890); IPv6 forms that carry an
 * IPv4 address (mapped, NAT64, 6to4) are judged by that.
 * Fails by nothing. Invariant: what is not known to be public is not.
 */
#include "net/address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/macro.h"

static const struct {
    uint8_t bytes[4];
    int bits;
} closed4[] = {
    {{0, 0, 0, 0}, 8},      {{10, 0, 0, 0}, 8},    {{100, 64, 0, 0}, 10},   {{127, 0, 0, 0}, 8},
    {{169, 254, 0, 0}, 16}, {{172, 16, 0, 0}, 12}, {{192, 0, 0, 0}, 24},    {{192, 0, 2, 0}, 24},
    {{192, 168, 0, 0}, 16}, {{198, 18, 0, 0}, 15}, {{198, 51, 100, 0}, 24}, {{203, 0, 113, 0}, 24},
    {{224, 0, 0, 0}, 3}, /* multicast, reserved, broadcast */
};

static bool is_in(const uint8_t *address, const uint8_t *network, int bits)
{
    if (memcmp(address, network, (size_t)bits / 8) != 0)
        return false;
    int rest = bits % 8;
    return rest == 0 || (address[bits / 8] ^ network[bits / 8]) >> (8 - rest) == 0;
}

static bool is_public4(const uint8_t *address)
{
    for (size_t i = 0; i < ARRAY_COUNT(closed4); i++)
        if (is_in(address, closed4[i].bytes, closed4[i].bits))
            return false;
    return true;
}

static bool is_public6(const uint8_t *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    static const uint8_t six_to_four[2] = {0x20, 0x02};
    static const uint8_t global[1] = {0x20};              /* 2000::/3, all that is given out */
    static const uint8_t special[3] = {0x20, 0x01, 0x00}; /* 2001::/23: protocols, Teredo too */
    static const uint8_t examples[4] = {0x20, 0x01, 0x0d, 0xb8};
    if (is_in(address, mapped, 96) || is_in(address, nat64, 96))
        return is_public4(address + 12);
    if (is_in(address, six_to_four, 16))
        return is_public4(address + 2);
    return is_in(address, global, 3) && !is_in(address, special, 23) &&
           !is_in(address, examples, 32);
}

bool address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof(v4));
        return is_public4((const uint8_t *)&v4.sin_addr);
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof(v6));
        return is_public6((const uint8_t *)&v6.sin6_addr);
    }
    return false;
}
