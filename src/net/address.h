#pragma once
/* Which addresses the public internet has. For calls to hosts that somebody else named. */
#include <stdbool.h>
#include <sys/socket.h>

/* False for loopback, private, link-local, shared, reserved, multicast and unspecified addresses (RFC 6890),
 * also where IPv6 carries such an IPv4 address, and for families other than IPv4 and IPv6. */
bool address_is_public(const struct sockaddr *address);
