"""Addresses: tables of those a webhook may lead to, and this machine's own."""

import socket
from ipaddress import ip_address

import pytest

from rundun.core.deliveries.forbidden_addresses import forbidden_reason
from rundun.webhook_addresses import is_own_address

NEVER = """
    0.0.0.0 0.1.2.3 127.0.0.1 127.255.255.255 169.254.0.1 169.254.169.254 169.254.170.2 100.100.100.200
    168.63.129.16 192.0.0.1 192.0.0.192 192.0.2.1 198.51.100.1 203.0.113.1 198.18.0.1 198.19.255.255 192.88.99.1
    224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 fe80::1 fe80::1%eth0 febf::1 fec0::1 ff02::1 ff0e::1 fd00:ec2::254 fd20:ce::254
    100::1 64:ff9b:1::1 2001::1 2001:0:102:304::1 2001:10::1 2001:2::1 2001:db8::1 3fff::1
    ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:0.0.0.0 ::ffff:224.0.0.1 ::127.0.0.1 ::8.8.8.8 ::10.0.0.1
    64:ff9b::127.0.0.1 64:ff9b::169.254.169.254 64:ff9b::10.0.0.1 64:ff9b::192.168.0.1 64:ff9b::100.64.0.1
    2002:7f00:1:: 2002:a9fe:a9fe::1 2002:a00:1:: 2002:c0a8:1::1 2002:e000:1::
    4000::1 5f00::1 8000::1 fe00::1 1::1 ::ffff:0:127.0.0.1
""".split()  # noqa: SIM905 - a table is read, a list of strings is not
PRIVATE = """
    10.0.0.1 172.16.0.1 172.31.255.255 192.168.0.1 100.64.0.1 100.127.255.255 fc00::1 fd12:3456:789a::1
    ::ffff:10.0.0.1 ::ffff:192.168.1.1
""".split()  # noqa: SIM905 - a table is read, a list of strings is not
PUBLIC = """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 126.0.0.1 128.0.0.1 172.15.255.255 172.32.0.0 100.63.255.255 100.128.0.0
    169.253.0.1 169.255.0.1 192.0.1.1 192.167.0.1 192.169.0.1 198.17.0.1 198.20.0.1 223.255.255.255 168.63.129.17
    2606:4700::1111 2a00:1450::1 2001:4860:4860::8888 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1
""".split()  # noqa: SIM905 - a table is read, a list of strings is not


def own_address() -> str:
    """An address of this machine that is refused for nothing else."""
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None)]
    except OSError:  # a machine may not know its own name
        found = []
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((elsewhere, 9))
            except OSError:
                continue
            found.append(str(probe.getsockname()[0]))
    for address in found:
        is_allowed = forbidden_reason(address, allow=(), allow_private=True) is None
        if is_allowed and is_own_address(ip_address(address.partition("%")[0])):
            return address
    pytest.skip("this machine has only loopback, and addresses that are refused anyhow")
