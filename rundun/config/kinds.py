"""The kinds of values settings can have: what each says in the docs, and how it is checked and normalised."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import idna

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: how it reads in the docs, and a function that returns it checked or raises ValueError.

    `parse` takes what TOML can hold; `is_list` says that text from the environment is JSON or comma-separated,
    `is_text` that it is taken as it stands, otherwise it is read as one TOML value; `is_secret` that it is never shown.
    """

    says: str
    parse: Callable[[object], Any]
    is_list: bool = False
    is_text: bool = False
    is_secret: bool = False


def text(maximum: int = 1000) -> Kind:
    def parse(value: object) -> str:
        if not isinstance(value, str) or not value.strip() or len(value) > maximum or not value.isprintable():
            raise ValueError
        return value.strip()

    return Kind("text", parse, is_text=True)


def integer(minimum: int, maximum: int) -> Kind:
    def parse(value: object) -> int:
        if type(value) is not int or not minimum <= value <= maximum:
            raise ValueError
        return value

    return Kind(f"a whole number from {minimum} to {maximum}", parse)


def number(minimum: float, maximum: float) -> Kind:
    def parse(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not minimum <= value <= maximum:
            raise ValueError
        return value

    return Kind(f"a number from {minimum} to {maximum}", parse)


def boolean() -> Kind:
    def parse(value: object) -> bool:
        if type(value) is not bool:
            raise ValueError
        return value

    return Kind("`true` or `false`", parse)


def one_of(*words: str) -> Kind:
    def parse(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError
        return value

    return Kind(" or ".join(f"`{word}`" for word in words), parse, is_text=True)


def file_path(*, must_exist: bool) -> Kind:
    def parse(value: object) -> Path:
        if not isinstance(value, str | Path) or not str(value).strip() or "\0" in str(value):
            raise ValueError
        path = Path(value).expanduser()
        if must_exist and not path.is_file():
            raise ValueError(f"there is no file {path}")
        if not must_exist and path.is_dir():
            raise ValueError(f"{path} is a folder")
        return path

    return Kind("the path of a file that exists" if must_exist else "the path of a file", parse, is_text=True)


def web_origin() -> Kind:
    """Return the kind of `http(s)://host[:port]`, normalised: lower case, IDNA, no default port, no trailing slash."""

    def parse(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError
        try:
            return _origin(value.strip())
        except UnicodeError as error:  # idna's errors are subclasses
            raise ValueError(f"its host name is not valid: {error}") from None

    return Kind("`https://host` or `http://host`, with `:port` if need be", parse, is_text=True)


def web_address() -> Kind:
    """Return the kind of any `http(s)` URL, as it stands; the webhook client has the last word."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or not _ADDRESS.fullmatch(value.strip()):
            raise ValueError
        return value.strip()

    return Kind("`https://…` or `http://…`, without user and fragment", parse, is_text=True)


def secret() -> Kind:
    def parse(value: object) -> str:
        if not isinstance(value, str) or not 12 <= len(value) <= 256 or not value.isprintable():
            raise ValueError
        return value

    return Kind("12 to 256 printable characters", parse, is_text=True, is_secret=True)


def networks(minimum: int = 0) -> Kind:
    def parse(value: object) -> tuple[Network, ...]:
        if not isinstance(value, list | tuple) or not minimum <= len(value) <= 1000:
            raise ValueError
        return tuple(_network(item) for item in value)

    return Kind("a list of networks such as `10.1.0.0/16` or addresses", parse, is_list=True)


def numbers(minimum: float, maximum: float, max_length: int) -> Kind:
    item_kind = number(minimum, maximum)

    def parse(value: object) -> tuple[float, ...]:
        if not isinstance(value, list | tuple) or len(value) > max_length:
            raise ValueError
        return tuple(item_kind.parse(item) for item in value)

    return Kind(f"a list of at most {max_length} numbers from {minimum} to {maximum}", parse, is_list=True)


def _network(value: object) -> Network:
    if not isinstance(value, str):
        raise ValueError
    try:
        return ip_network(value.strip())
    except ValueError:
        pass
    try:
        meant = ip_network(value.strip(), strict=False)
    except ValueError:
        raise ValueError(f"{value!r} is neither a network nor an address") from None
    raise ValueError(f"{value!r} has bits set beyond its length; the network is {meant}")


_ADDRESS = re.compile(r"https?://[^\s/?#@\\]+([/?][^\s#\\]*)?", re.IGNORECASE)
_PUBLIC = re.compile(r"https?://[^\s/?#@\\]+/?", re.IGNORECASE)


def _origin(value: str) -> str:
    if not _PUBLIC.fullmatch(value):
        raise ValueError("it takes no path, query, user or fragment" if "://" in value else "")
    parts = urlsplit(value)
    scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
    if port == 0 or not host:
        raise ValueError
    if ":" in host:
        host = f"[{ip_address(host.partition('%')[0])}]"
    elif not host.isascii():
        host = idna.encode(host, uts46=True).decode()
    elif not re.fullmatch(r"[a-z0-9._-]{1,253}", host):
        raise ValueError("its host name is not valid")
    return origin_url(scheme, host, port)


def origin_url(scheme: str, host: str, port: int | None) -> str:
    plain = port is None or port == {"http": 80, "https": 443}[scheme]
    return f"{scheme}://{host}" if plain else f"{scheme}://{host}:{port}"
