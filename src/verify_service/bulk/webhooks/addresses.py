"""Where a webhook may go: over https to a public address. The address is looked at again when it is connected to.

A name is resolved by the connection itself and every address is judged just before a socket is made for it, so a name
that means one thing at registration and another one later (DNS rebinding) gains nothing. A deployment may allow networks
of its own (VERIFY_WEBHOOK_NETWORKS); plain http is for loopback alone, and only where loopback is allowed.
"""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from verify_service.errors import InvalidInput

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
MOST_CHARACTERS = 2_000
_POINTER = "/url"
# Prefixes that carry an IPv4 address inside: whoever translates them would reach it (RFC 6052, 3056, 4380, 4291 2.5.5);
# and what IANA calls global although it is a protocol's own (RFC 6890, 3068).
_SPECIAL: tuple[Network, ...] = (
    *map(IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")),
    *map(IPv4Network, ("192.0.0.0/24", "192.88.99.0/24")),
)


class ForbiddenAddress(OSError):
    """The address is not one that a webhook may go to."""

    def __init__(self) -> None:
        super().__init__("the address is not public")


def is_allowed(address: Address, networks: Sequence[Network]) -> bool:
    """Say whether a webhook may go to an address: a public one, or one of the allowed networks."""
    plain = address.ipv4_mapped if isinstance(address, IPv6Address) and address.ipv4_mapped is not None else address
    if _is_within(plain, networks):
        return True
    return plain.is_global and not plain.is_multicast and not plain.is_reserved and not _is_within(plain, _SPECIAL)


def _is_within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def socket_factory(networks: Sequence[Network]) -> Callable[[tuple[Any, ...]], socket.socket]:
    """Return what makes a socket for an address that was resolved. It raises ForbiddenAddress instead of connecting."""

    def make(found: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, place = found
        if not is_allowed(ip_address(str(place[0]).partition("%")[0]), networks):
            raise ForbiddenAddress
        return socket.socket(family, kind, protocol)

    return make


def expect_url(url: str, networks: Sequence[Network]) -> None:
    """Raise InvalidInput unless a webhook could go to this URL."""
    parts = _parts(url)
    if parts is None or not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise InvalidInput.at(_POINTER, "webhook_url", "an https URL in ASCII with a host, without user, password or fragment")
    literal = _literal(parts.hostname)
    if literal is not None and not is_allowed(literal, networks):
        raise InvalidInput.at(_POINTER, "public_address", "a public address, or one of the networks that the deployment allows")
    if parts.scheme != "https" and not (parts.scheme == "http" and literal is not None and literal.is_loopback):
        raise InvalidInput.at(_POINTER, "https", "https; plain http only to a loopback address where the deployment allows it")


def _parts(url: str) -> SplitResult | None:
    """Return the parts of what can be read as a URL."""
    if len(url) > MOST_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        is_reachable = parts.port != 0
    except ValueError:
        return None
    return parts if is_reachable else None


def _literal(host: str) -> Address | None:
    """Return the address that a host is written as, if it is one."""
    try:
        return ip_address(host)
    except ValueError:
        return None
