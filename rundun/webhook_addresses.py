"""Checks of webhooks' addresses: look-ups, the core's table of forbidden addresses, and this machine's own ones."""

import errno
import socket
import struct
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address
from threading import Thread

from rundun.core.deliveries.forbidden_addresses import Address, Network, forbidden_reason, is_literal

VERDICT_SECONDS = 2  # that a verdict is cached; network interfaces come and go

Judge = Callable[[str], str | None]

_NOT_HERE = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL}
_NEVER_OWN = {4: ip_address("240.0.0.1"), 6: ip_address("100::1")}  # reserved, and never an interface's
_RTM_NEWROUTE, _RTM_GETROUTE, _NLM_F_REQUEST, _RTA_DST, _RTN_LOCAL = 24, 26, 1, 1, 2


def make_judge(allow: tuple[Network, ...], allow_private: bool) -> Judge:
    """Return a function that returns the reason why nothing may be sent to an address, with the setting that would
    allow it, or None if allowed. Its verdicts are at most `VERDICT_SECONDS` old.
    """

    @lru_cache(1024)
    def judged(address: str, period: int) -> str | None:
        return forbidden_reason(address, allow=allow, allow_private=allow_private, is_own=is_own_address)

    return lambda address: judged(address, int(time.monotonic() / VERDICT_SECONDS))


def host_refusal(host: str, verdicts: Mapping[str, str | None]) -> str | None:
    """Return why none of a host's addresses (keys of `verdicts`, at least one) may be dialled; None if one may."""
    first = next(iter(verdicts.values()))
    if first is None or not all(verdicts.values()):
        return None
    return first if is_literal(host) else f"{host} leads to a forbidden address: {first}"


def system_resolver(host: str) -> list[str]:
    """Return all addresses of a name in the system's order of preference (RFC 6724); raise OSError if there is none."""
    entries = socket.getaddrinfo(host.encode("ascii"), None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


def look_up(hosts: Iterable[str], seconds: float) -> dict[str, list[str]]:
    """Look up hosts in parallel for at most `seconds`; return the addresses of those found in time, by host; a literal
    is its own address. Blocks; look-ups that hang in the system's resolver are left to daemon threads.
    """
    found: dict[str, list[str]] = {}

    def resolve(host: str) -> None:
        with suppress(OSError, UnicodeError):
            found[host] = system_resolver(host)

    threads = []
    for host in dict.fromkeys(hosts):
        if is_literal(host):
            found[host] = [host]
        else:
            threads.append(Thread(target=resolve, args=(host,), daemon=True, name=f"look up {host}"))
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    return {host: addresses for host, addresses in found.copy().items() if addresses}


def is_own_address(ip: Address) -> bool:
    """Tell whether `ip` is an address of this machine, of any interface, at this moment.

    A socket can only be bound to an own address. That holds on every system, while a list of interfaces lacks networks
    routed to this machine (on `lo`, for example). Two settings defeat it: the sysctl `ip_nonlocal_bind` allows any
    address, a unit's `SocketBindDeny` none. Both are Linux's, which is then asked for the route.
    """
    code = _bind(ip)
    if code in _NOT_HERE:
        return False
    if code in (0, errno.EADDRINUSE) and _bind(_NEVER_OWN[ip.version]) in _NOT_HERE:
        return True
    return _has_local_route(ip)


def _bind(ip: Address) -> int:
    """Bind a socket to an address for a moment; return 0, or the error number."""
    try:
        with socket.socket(socket.AF_INET if ip.version == 4 else socket.AF_INET6) as probe:
            probe.bind((str(ip), 0))
    except OSError as error:
        return error.errno or errno.EINVAL
    return 0


def _has_local_route(ip: Address) -> bool:
    """Tell whether Linux (rtnetlink(7)) routes an address to this machine; False if it gives no answer."""
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    wanted = struct.pack("=BB6xI", family, ip.max_prefixlen, 0)
    wanted += struct.pack("=HH", 4 + len(ip.packed), _RTA_DST) + ip.packed
    head = struct.pack("=IHHII", 16 + len(wanted), _RTM_GETROUTE, _NLM_F_REQUEST, 0, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) as kernel:
            kernel.send(head + wanted)
            reply = kernel.recv(4096)
    except (AttributeError, OSError):
        return False
    (kind,) = struct.unpack_from("=H", reply, 4)
    return kind == _RTM_NEWROUTE and reply[16 + 7] == _RTN_LOCAL  # rtm_type, behind the head of 16 bytes
