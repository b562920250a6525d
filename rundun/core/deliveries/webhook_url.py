"""URLs of webhooks: one spelling for each, and the table of addresses that nothing may be sent to.

The URL is normalised once, when it comes in. What comes out is what is stored, returned, signed as `@target-uri`,
and sent, byte for byte; so everything that an HTTP client or a signature library would spell its own way is either
settled here or refused. The addresses are judged when they are dialled, after the look-up, by an explicit table and by
whether they are this machine's own.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import idna

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Key = tuple[str, str, int]

MAX_LENGTH = 2048
DEFAULT_PORTS = {"http": 80, "https": 443}

_URL = re.compile(r"(?P<scheme>[A-Za-z]+)://(?P<authority>[^/?]*)(?P<path>[^?]*)(?P<query>\?.*)?")
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]*))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")  # "_" as container networks name their hosts
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_TO_ESCAPE = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%]")  # all but RFC 3986's pchar, "/" and "?"


def shown_host(origin: str) -> str:
    """Return the host of `<scheme>://<host>:<port>` for people: without its scheme's usual port."""
    scheme, _, authority = origin.partition("://")
    return authority.removesuffix(f":{DEFAULT_PORTS.get(scheme)}")


@dataclass(frozen=True, slots=True)
class Destination:
    """A normalised URL in its parts; `host` is without brackets, `port` is always there, `target` is path + query."""

    url: str
    scheme: str
    host: str
    port: int
    target: str

    @property
    def key(self) -> Key:
        """Return what the limits per destination count by."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """Return the `Host` header, without the scheme's own port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@lru_cache(maxsize=1024)
def normalise(url: str) -> Destination:
    """Return the one spelling of a URL (RFC 3986, section 6.2); raises ValueError with a sentence for people.

    Scheme and host in lower case, names as A-labels (IDNA 2008), addresses canonical, no default port, "/" for an
    empty path, no dot segments, everything outside RFC 3986's characters percent-encoded.
    """
    if len(url) > MAX_LENGTH:
        raise ValueError(f"The URL is longer than {MAX_LENGTH} characters.")
    _refuse_characters(url)
    match = _URL.fullmatch(url)
    scheme = match["scheme"].lower() if match else ""
    if match is None or scheme not in DEFAULT_PORTS:
        raise ValueError("The URL must start with http:// or https://.")
    if "@" in match["authority"]:
        raise ValueError("The URL must not contain a user name or password.")
    authority = _AUTHORITY.fullmatch(match["authority"])
    if authority is None:
        raise ValueError("The URL has no valid host and port.")
    host = _host(authority["host"])
    port = _port(authority["port"], scheme)
    if _BAD_ESCAPE.search(match["path"] + (match["query"] or "")):
        raise ValueError('The URL has a "%" that is not followed by two hexadecimal digits.')
    target = _escape(_without_dots(match["path"])) + _escape(match["query"] or "")
    parts = Destination("", scheme, host, port, target)
    normalised = f"{scheme}://{parts.authority}{target}"
    if len(normalised) > MAX_LENGTH:
        raise ValueError(f"The URL is longer than {MAX_LENGTH} characters once it is percent-encoded.")
    return Destination(normalised, scheme, host, port, target)


def _refuse_characters(url: str) -> None:
    if "#" in url:
        raise ValueError("The URL must not have a fragment (#…).")
    if "\\" in url:
        raise ValueError("The URL must not contain backslashes.")
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zs", "Zl", "Zp"} for char in url):
        raise ValueError("The URL must not contain spaces, line breaks or control characters.")


def _host(text: str) -> str:
    if text.startswith("["):
        return _ipv6(text[1:-1])
    host = text
    if not text.isascii():
        try:  # the mapping of UTS 46 also turns full-width digits and ideographic full stops into ASCII
            host = idna.encode(text, uts46=True).decode("ascii") if len(text) <= 253 else ""
        except (idna.IDNAError, UnicodeError):
            raise ValueError("The URL's host is not a valid internationalised name.") from None
    host = host.lower().removesuffix(".")
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(labels)
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("The URL's host is not a valid name.")
    return host


def _ipv4(parts: list[str]) -> str:
    """Return the dotted form of what `inet_aton` would take for an address: 127.1, 0x7f.0.0.1, 0177.1, 2130706433."""
    try:
        *heads, tail = [_number(part) for part in parts]
        if len(heads) > 3 or any(head > 255 for head in heads) or tail >= 256 ** (4 - len(heads)):
            raise ValueError
        return str(IPv4Address(int.from_bytes(bytes(heads)) * 256 ** (4 - len(heads)) + tail))
    except ValueError:
        raise ValueError("The URL's host looks like an IPv4 address but is not one.") from None


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text) or len(text) > 16:
        raise ValueError
    if text.startswith("0x"):
        return int(text[2:], 16)
    return int(text, 8 if text.startswith("0") and text != "0" else 10)


def _ipv6(text: str) -> str:
    if "%" in text:
        raise ValueError("The URL's IPv6 address must not have a zone.")
    try:
        return str(IPv6Address(text))
    except ValueError:
        raise ValueError("The URL's host is not a valid IPv6 address.") from None


def _port(text: str | None, scheme: str) -> int:
    if not text:
        return DEFAULT_PORTS[scheme]
    digits = text.lstrip("0")
    if not digits or len(digits) > 5 or int(digits) > 65535:
        raise ValueError("The URL's port must be between 1 and 65535.")
    return int(digits)


def _without_dots(path: str) -> str:
    """Remove dot segments (RFC 3986, section 5.2.4). Clients do this on their own, so signing has to come after."""
    stack: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            stack[-1:] = []
        elif segment != ".":
            stack.append(segment)
    if segments and segments[-1] in {".", ".."}:
        stack.append("")
    return "/" + "/".join(stack)


def _escape(text: str) -> str:
    return _TO_ESCAPE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), text)


# Reasons in the order they are looked up: the narrow one before the wide one. Sources: the IANA special-purpose
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
# Networks that stand for an IPv4 address, and how many bits lie to the right of it: NAT64 (RFC 6052), 6to4 (RFC 3056).
_EMBEDDING = ((IPv6Network("64:ff9b::/96"), 0, "NAT64"), (IPv6Network("2002::/16"), 80, "6to4"))
_GLOBAL_UNICAST = IPv6Network("2000::/3")


def _nobodys(ip: Address) -> bool:
    return False


def forbidden(
    address: str, *, allow: Iterable[Network], allow_private: bool, is_own: Callable[[Address], bool] = _nobodys
) -> str | None:
    """Return why nothing may be sent to an address, with the setting that would allow it; None where it may.

    `address` is an IPv4 or IPv6 address as text, such as a look-up answers; `is_own` tells this machine's own ones. A
    network in `allow` overrides everything.
    """
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address) and ip in _MAPPED:
        ip = _embedded(ip, 0)  # the kernel dials the IPv4 address itself, so it is judged as that one
    if any(ip in network for network in allow):
        return None
    reason = _reason(ip, allow_private, is_own)
    if reason is None:
        return None
    line = f'allow = ["{ip}/{ip.max_prefixlen}"]'
    return f"{ip} is {reason}. To allow it, set {line} under [webhooks] in rundun.toml, then restart."


def may_be_read(address: str, *, allow: Iterable[Network]) -> bool:
    """Tell whether what an address answers may be shown to whoever named it: if it is public, or named in `allow`. An
    integrator could else read a network that only this service can reach.
    """
    return forbidden(address, allow=allow, allow_private=False) is None


@lru_cache(maxsize=1024)
def is_literal(host: str) -> bool:
    """Tell whether a host is an address itself, so that there is nothing to look up."""
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
        if ip in network:  # a translator's view of "private" is not ours, so private ones are refused as well
            inner = _embedded(ip, shift)
            return None if _reason(inner, False, is_own) is None else f"the {name} form of {inner}"
    return None if ip in _GLOBAL_UNICAST else "reserved"


def _embedded(ip: IPv6Address, shift: int) -> IPv4Address:
    return IPv4Address(int(ip) >> shift & 0xFFFFFFFF)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can open addresses of a host, given as a name or a literal."""
    is_name = host == "localhost" or host.endswith(".localhost")
    return is_name or (is_literal(host) and ip_address(host).is_loopback)


def is_local(host: str) -> bool:
    """Tell whether only machines of one network can open addresses of a host, given as a name or a literal: a private
    or link-local address (RFC 1918, 4193, 6598), a name of RFC 6762 or 8375, or one without a dot.
    """
    if not is_literal(host):
        return "." not in host or host.endswith(_LOCAL_NAMES)
    ip = ip_address(host)
    return ip.is_link_local or any(ip in network for network in _PRIVATE)
