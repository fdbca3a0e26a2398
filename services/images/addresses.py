"""Which addresses of the network are open to everybody."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""Carries an IPv4 address in its last 32 bits (RFC 6052)."""

_METADATA = frozenset({ipaddress.IPv4Address("168.63.129.16")})
"""Azure's platform address: public by its number, answered by the machine's own host."""


def is_public(text: str) -> bool:
    """Whether an IP address is anybody's to reach: not private, loopback, link-local, shared by
    carriers (100.64.0.0/10), multicast, reserved, nor a cloud's metadata service, however it is wrapped."""
    address = _unwrapped(ipaddress.ip_address(text.partition("%")[0]))
    return address.is_global and not address.is_multicast and not address.is_reserved and address not in _METADATA


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one: mapped, 6to4, Teredo or NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)
