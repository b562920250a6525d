"""URLs of webhooks: one spelling for each.

A URL is normalised once, when a request is read. The result is stored, returned, signed as `@target-uri` and sent,
byte for byte; so any part that an HTTP client or a signature library would spell its own way is normalised here, or
the URL is refused.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

import idna

DestinationKey = tuple[str, str, int]

MAX_LENGTH = 2048
DEFAULT_PORTS = {"http": 80, "https": 443}

_URL = re.compile(r"(?P<scheme>[A-Za-z]+)://(?P<authority>[^/?]*)(?P<path>[^?]*)(?P<query>\?.*)?")
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]*))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")  # "_" as container networks name their hosts
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_TO_ESCAPE = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%]")  # all but RFC 3986's pchar, "/" and "?"


def shown_host(origin: str) -> str:
    """Return the host and port of `<scheme>://<host>:<port>`, without the scheme's default port."""
    scheme, _, authority = origin.partition("://")
    return authority.removesuffix(f":{DEFAULT_PORTS.get(scheme)}")


@dataclass(frozen=True, slots=True)
class Destination:
    """A normalised URL in its parts; `host` is without brackets, `port` never missing, `target` is path + query."""

    url: str
    scheme: str
    host: str
    port: int
    target: str

    @property
    def destination_key(self) -> DestinationKey:
        """Return the scheme, host and port that per-destination limits count by."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """Return the `Host` header: the host, and the port unless it is the scheme's default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@lru_cache(maxsize=1024)
def normalise(url: str) -> Destination:
    """Return the normalised URL with its parts: scheme, host, port, and path with query. Raises ValueError with a
    sentence for a URL that is not http or https, is malformed or too long, or has a user name or a fragment.

    Scheme and host in lower case, names as A-labels (IDNA 2008), addresses canonical, no default port, "/" for an empty
    path, no dot segments, everything outside RFC 3986's characters percent-encoded; existing escapes stay.
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
    """Return the dotted form of an address that `inet_aton` accepts, such as 127.1, 0x7f.0.0.1, 0177.1, 2130706433."""
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
    """Return the path without dot segments (RFC 3986, section 5.2.4), "/" for "". Clients drop them before signing."""
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
