"""The kinds of values that settings have: the documentation of each, its check and its normal form."""

import errno
import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_interface
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import idna
from pydantic import AfterValidator, Field, StringConstraints, TypeAdapter, ValidationError

Network = IPv4Network | IPv6Network
FOLDER_SECONDS = 2.0  # that a disk may take to answer whether a path is a file


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: `says` describes it in the docs, `type` is checked by pydantic.

    `written` is its form in the environment and in flags: plain text, one TOML value, or a list in JSON or separated by
    commas. A secret is never shown.
    """

    says: str
    type: Any
    written: Literal["text", "value", "list"] = "text"
    is_secret: bool = False

    def parse(self, value: object) -> Any:
        """Return a value of TOML checked and normalised; raises `ValueError` with the reason, empty if `says` is
        enough.
        """
        try:
            return _validator(self.type).validate_python(value, strict=True)
        except ValidationError as error:
            reasons = [found["ctx"]["error"] for found in error.errors() if found["type"] == "value_error"]
            raise ValueError(*reasons[:1]) from None


@cache
def _validator(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)  # compiles it


def _check_printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError
    return value


def _read_path(value: object) -> Path:  # not pydantic's str: names of files need not be UTF-8
    if not isinstance(value, str | Path) or not str(value).strip() or "\0" in str(value):
        raise ValueError
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError("there is no such user's home folder") from None


def _check_file_exists(path: Path) -> Path:
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
    except PermissionError as error:
        raise ValueError(f"{path} can't be reached: {error.strerror}") from None
    except OSError:
        is_file = False
    if not is_file:
        raise ValueError(f"there is no file {path}")
    return path


def _check_no_file(path: Path) -> Path:
    from rundun.pool import call_within  # needed here only

    with suppress(TimeoutError):  # a disk that does not answer: opening the folder reports it later
        if call_within(FOLDER_SECONDS, lambda: os.path.isfile(path)):
            raise ValueError(f"{path} is a file")
    return path


def _check_no_folder(path: Path) -> Path:
    if _is_link_loop(path):
        raise ValueError(f"{path} is a symbolic link that leads in a circle")
    if os.path.isdir(path):
        raise ValueError(f"{path} is a folder")
    return path


def _is_link_loop(path: Path) -> bool:
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def _read_network(value: str) -> Network:
    try:
        written = ip_interface(value.strip())
    except ValueError:
        raise ValueError(f"{value!r} is neither a network nor an address") from None
    if int(written.ip) != int(written.network.network_address):  # an address with a zone equals none
        raise ValueError(f"{value!r} has bits set beyond its length; the network is {written.network}")
    return written.network


_PUBLIC = re.compile(r"https?://[^\s/?#@\\]+/?", re.IGNORECASE)


def _read_origin(typed: str) -> str:
    """Return `http(s)://host[:port]` in lower case and IDNA, without default port and slash; raises `ValueError`."""
    value = typed.strip()
    if not _PUBLIC.fullmatch(value):
        raise ValueError("it takes no path, query, user or fragment" if "://" in value else "")
    parts = urlsplit(value)
    scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
    if port == 0 or not host:
        raise ValueError
    if ":" in host:
        host = f"[{ip_address(host.partition('%')[0])}]"
    elif not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode()
        except idna.IDNAError as error:
            raise ValueError(f"its host name is not valid: {error}") from None
    elif not re.fullmatch(r"[a-z0-9._-]{1,253}", host):
        raise ValueError("its host name is not valid")
    return origin_url(scheme, host, port)


def origin_url(scheme: str, host: str, port: int | None) -> str:
    plain = port is None or port == {"http": 80, "https": 443}[scheme]
    return f"{scheme}://{host}" if plain else f"{scheme}://{host}:{port}"


_PATH = Annotated[Any, AfterValidator(_read_path)]
_PRINTABLE = AfterValidator(_check_printable)

HOST = Kind("text", Annotated[str, Field(max_length=253), _PRINTABLE, AfterValidator(str.strip), Field(min_length=1)])
BOOLEAN = Kind("`true` or `false`", bool, "value")
FILE = Kind("the path of a file", Annotated[_PATH, AfterValidator(_check_no_folder)])
FOLDER = Kind("the path of a folder", Annotated[_PATH, AfterValidator(_check_no_file)])
EXISTING_FILE = Kind("the path of a file that exists", Annotated[_PATH, AfterValidator(_check_file_exists)])
WEB_ORIGIN = Kind(
    "`https://host` or `http://host`, with `:port` if need be", Annotated[str, AfterValidator(_read_origin)]
)
WEB_ADDRESS = Kind(  # not normalised; the webhook client checks it again
    "`https://…` or `http://…`, without user and fragment",
    Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"(?i)^https?://[^\s/?#@\\]+([/?][^\s#\\]*)?$")],
)
SECRET = Kind(
    "12 to 256 printable characters", Annotated[str, Field(min_length=12, max_length=256), _PRINTABLE], is_secret=True
)
NETWORKS = Kind(
    "a list of networks such as `10.1.0.0/16` or addresses",
    Annotated[list[Annotated[str, AfterValidator(_read_network)]], Field(max_length=1000), AfterValidator(tuple)],
    "list",
)


def choice(*words: str) -> Kind:
    return Kind(" or ".join(f"`{word}`" for word in words), Literal[words])


def integer(minimum: int, maximum: int) -> Kind:
    says = f"a whole number from {minimum} to {maximum}"
    return Kind(says, Annotated[int, Field(ge=minimum, le=maximum)], "value")


def number(minimum: float, maximum: float) -> Kind:
    says = f"a number from {minimum} to {maximum}"
    return Kind(says, Annotated[int | float, Field(ge=minimum, le=maximum)], "value")


def numbers(minimum: float, maximum: float, max_length: int) -> Kind:
    says = f"a list of at most {max_length} numbers from {minimum} to {maximum}"
    item = Annotated[int | float, Field(ge=minimum, le=maximum)]
    return Kind(says, Annotated[list[item], Field(max_length=max_length), AfterValidator(tuple)], "list")
