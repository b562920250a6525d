"""Who a client is, by its address."""

from ipaddress import IPv6Address, ip_address


def customer_of(host: str) -> str:
    """Return an IPv4 address, also if mapped to IPv6, or the first address of an IPv6 address's /64 network, which one
    customer has; a host that is no IP address unchanged.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
    return host
