"""Addresses that nothing may be sent to: a table of networks, and this machine's own. They are checked when dialled."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Reasons in the order of their look-up: narrow networks before wide ones. Sources: the IANA special-purpose
# address registries (RFC 6890 and its updates) and the clouds' documentation of their metadata services. An explicit
# table, since `ipaddress.is_global` differs between Python versions and lets several of these through.
_NEVER: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), reason)
    for network, reason in (
        ("0.0.0.0/32", "the unspecified address"),
        ("0.0.0.0/8", 'an address of "this network"'),
        ("127.0.0.0/8", "a loopback address"),
        ("169.254.0.0/16", "a link-local address, where clouds keep their metadata"),
        ("100.100.100.200/32", "a cloud metadata address"),
        ("168.63.129.16/32", "a cloud platform address"),
        ("192.0.0.192/32", "a cloud metadata address"),
        ("192.0.0.0/24", "reserved for protocol assignments"),
        ("192.0.2.0/24", "reserved for documentation"),
        ("198.51.100.0/24", "reserved for documentation"),
        ("203.0.113.0/24", "reserved for documentation"),
        ("198.18.0.0/15", "reserved for benchmarks"),
        ("192.88.99.0/24", "reserved (formerly 6to4 relays)"),
        ("224.0.0.0/4", "a multicast address"),
        ("255.255.255.255/32", "the broadcast address"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "the unspecified address"),
        ("::1/128", "a loopback address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a site-local address"),
        ("ff00::/8", "a multicast address"),
        ("fd00:ec2::254/128", "a cloud metadata address"),
        ("fd00:ec2::23/128", "a cloud metadata address"),
        ("fd20:ce::254/128", "a cloud metadata address"),
        ("64:ff9b:1::/48", "reserved for local address translation"),
        ("100::/64", "an address that discards what it gets"),
        ("2001::/32", "a Teredo address"),
        ("2001::/23", "reserved for protocol assignments"),
        ("2001:db8::/32", "reserved for documentation"),
        ("3fff::/20", "reserved for documentation"),
    )
)
_PRIVATE = tuple(
    ip_network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
_LOCAL_NAMES = (".local", ".home.arpa", ".internal", ".lan")
_MAPPED = IPv6Network("::ffff:0:0/96")
# Networks whose addresses contain an IPv4 address, with the number of bits to the right of it: NAT64 (RFC 6052), 6to4
# (RFC 3056).
_EMBEDDING = ((IPv6Network("64:ff9b::/96"), 0, "NAT64"), (IPv6Network("2002::/16"), 80, "6to4"))
_GLOBAL_UNICAST = IPv6Network("2000::/3")


def _never_own(ip: Address) -> bool:
    return False


def forbidden_reason(
    address: str, *, allow: Iterable[Network], allow_private: bool, is_own: Callable[[Address], bool] = _never_own
) -> str | None:
    """Return a text with the reason why nothing may be sent to an address, and the setting that would allow it; None if
    it is allowed.

    `address` is an IPv4 or IPv6 address as text, as look-ups return it; `is_own` tells whether an address is one of
    this machine. A network in `allow` overrides all other rules.
    """
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address) and ip in _MAPPED:
        ip = _embedded(ip, 0)  # the kernel dials the IPv4 address, so that one is checked
    if any(ip in network for network in allow):
        return None
    reason = _reason(ip, allow_private, is_own)
    if reason is None:
        return None
    line = f'allow = ["{ip}/{ip.max_prefixlen}"]'
    return f"{ip} is {reason}. To allow it, set {line} under [webhooks] in rundun.toml, then restart."


def may_be_read(address: str, *, allow: Iterable[Network]) -> bool:
    """Tell whether integrators may see answers from an address: only if it is public or in `allow`. Otherwise they
    could read a network that only this service can reach.
    """
    return forbidden_reason(address, allow=allow, allow_private=False) is None


@lru_cache(maxsize=1024)
def is_literal(host: str) -> bool:
    """Tell whether a host is an IP address, without brackets, so that no look-up is needed."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _reason(ip: Address, allow_private: bool, is_own: Callable[[Address], bool]) -> str | None:
    for network, reason in _NEVER:
        if ip in network:
            return reason
    if is_own(ip):
        return "an address of this machine"
    if any(ip in network for network in _PRIVATE):
        return None if allow_private else "a private address, and webhooks.allow_private is false"
    if isinstance(ip, IPv4Address):
        return None
    for network, shift, name in _EMBEDDING:
        if ip in network:  # a translator may see other networks as private than we do, so private ones are refused
            inner = _embedded(ip, shift)
            return None if _reason(inner, False, is_own) is None else f"the {name} form of {inner}"
    return None if ip in _GLOBAL_UNICAST else "reserved"


def _embedded(ip: IPv6Address, shift: int) -> IPv4Address:
    return IPv4Address(int(ip) >> shift & 0xFFFFFFFF)


def is_loopback(host: str) -> bool:
    """Tell whether a host, a lower-case name or an IP address without brackets, is `localhost`, a name in `.localhost`
    or a loopback address; names are not looked up.
    """
    is_name = host == "localhost" or host.endswith(".localhost")
    return is_name or (is_literal(host) and ip_address(host).is_loopback)


def is_local(host: str) -> bool:
    """Tell whether a host, a lower-case name or an IP address without brackets, is a private or link-local address (RFC
    1918, 4193, 6598), a name in `.local`, `.home.arpa`, `.internal` or `.lan`, or a name without a dot, `localhost`
    included; names are not looked up.
    """
    if not is_literal(host):
        return "." not in host or host.endswith(_LOCAL_NAMES)
    ip = ip_address(host)
    return ip.is_link_local or any(ip in network for network in _PRIVATE)
