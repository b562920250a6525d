"""Every setting, once: name, default, kind, help and unit; and how they are read, all mistakes told at once.

Sources, later ones win: the defaults below, `rundun.toml`, environment variables `RUNDUN_<SECTION>_<NAME>`, flags.
"""

from __future__ import annotations

import json
import os
import socket
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from rundun.kinds import (
    Kind,
    Network,
    file_path,
    networks,
    number,
    numbers,
    one_of,
    origin_url,
    switch,
    text,
    web_origin,
    whole,
)

PREFIX = "RUNDUN_"
DEFAULT_FILE = Path("rundun.toml")


class ConfigError(Exception):
    """Settings that cannot be used; `problems` holds one sentence for each, all of them at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it is documented; `default` is the typed value, None where it is worked out or left out."""

    section: str
    name: str
    default: Any
    kind: Kind
    help: str
    unit: str
    flag: str

    @property
    def key(self) -> str:
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        return f"{PREFIX}{self.section}_{self.name}".upper()


# ---- the settings themselves


def setting(default: Any, kind: Kind, help: str, *, unit: str = "", flag: str = "") -> Any:
    return field(default=default, metadata={"kind": kind, "help": help, "unit": unit, "flag": flag})


@dataclass(frozen=True, slots=True)
class Server:
    host: str = setting(
        "127.0.0.1",
        text(253),
        "Address to listen on; `0.0.0.0` or `::` means all of this machine's.",
        flag="--host",
    )
    port: int = setting(8000, whole(0, 65535), "Port to listen on; `0` takes any free one.", flag="--port")
    public_url: str | None = setting(
        None,
        web_origin(),
        "What links and photo addresses begin with; never taken from a request. "
        "Default: the address listened on, or this machine's address in its network when listening on all.",
    )
    tls_certificate: Path | None = setting(
        None,
        file_path(must_exist=True),
        "Certificate chain (PEM) to serve HTTPS with, without a proxy in front.",
    )
    tls_key: Path | None = setting(
        None,
        file_path(must_exist=True),
        "Its private key (PEM); not needed if the certificate's file holds it.",
    )
    trusted_proxies: tuple[Network, ...] = setting(
        (ip_network("127.0.0.1/32"), ip_network("::1/128")),
        networks(),
        "Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.",
    )


@dataclass(frozen=True, slots=True)
class Database:
    path: Path = setting(
        Path("rundun.db"),
        file_path(must_exist=False),
        "The SQLite file that holds everything, photos included; made if it is missing.",
        flag="--database",
    )


@dataclass(frozen=True, slots=True)
class Runs:
    grace_hours: float = setting(
        24,
        number(0, 8760),
        "How long a started run keeps accepting answers after it expired; `0` = not.",
        unit="hours",
    )


@dataclass(frozen=True, slots=True)
class Webhooks:
    timeout_seconds: float = setting(
        10, number(0.1, 120), "Time for one whole attempt, from look-up to answer.", unit="seconds"
    )
    retry_delays_seconds: tuple[float, ...] = setting(
        (30, 120, 600, 3600),
        numbers(0, 604800, 20),
        "Pauses before the second attempt, the third, and so on; after the last one a delivery has failed.",
        unit="seconds",
    )
    allow_private: bool = setting(
        True, switch(), "Whether webhooks may go to private networks such as 10.0.0.0/8."
    )
    allow: tuple[Network, ...] = setting(
        (), networks(), "Networks webhooks may go to although they are refused otherwise, loopback for one."
    )
    concurrency: int = setting(256, whole(1, 10000), "Attempts under way at the same time.")
    per_destination: int = setting(
        4, whole(1, 1000), "The same to one scheme, host and port, for each organization."
    )
    ca_file: Path | None = setting(
        None,
        file_path(must_exist=True),
        "Certificates (PEM) to trust besides the usual ones, for receivers of your own.",
    )


@dataclass(frozen=True, slots=True)
class Limits:
    photo_mebibytes: int = setting(15, whole(1, 256), "Largest photo taken.", unit="MiB")
    photo_megapixels: int = setting(50, whole(1, 200), "Largest picture decoded.", unit="megapixels")
    requests_per_minute: int = setting(
        600,
        whole(0, 10**6),
        "Requests that one API key may make, and all phones on one run; `0` = any number.",
    )
    failures_per_minute: int = setting(
        60,
        whole(0, 10**6),
        "Requests with an unknown key or link that one address may make; `0` = any number.",
    )
    body_kibibytes: int = setting(1024, whole(16, 65536), "Largest JSON body taken.", unit="KiB")


@dataclass(frozen=True, slots=True)
class Logs:
    level: str = setting("info", one_of("debug", "info", "warning", "error"), "What is worth a line.")
    format: str = setting(
        "text", one_of("text", "json"), "`text` is `event key=value …`, `json` one object a line."
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, typed. `public_url` is the effective one, without a trailing slash."""

    server: Server = Server()
    database: Database = Database()
    runs: Runs = Runs()
    webhooks: Webhooks = Webhooks()
    limits: Limits = Limits()
    logs: Logs = Logs()
    public_url: str = ""

    def __post_init__(self) -> None:
        if not self.public_url:
            object.__setattr__(self, "public_url", self.server.public_url or own_address(self.server))


SECTIONS: dict[str, type] = {
    "server": Server,
    "database": Database,
    "runs": Runs,
    "webhooks": Webhooks,
    "limits": Limits,
    "logs": Logs,
}

SETTINGS: tuple[Setting, ...] = tuple(
    Setting(section, one.name, one.default, **one.metadata)
    for section, shape in SECTIONS.items()
    for one in fields(shape)
)


def own_address(server: Server) -> str:
    """Where this server is reached if nobody says otherwise: the bound address, or the LAN's when bound to all."""
    host = server.host
    if host in ("0.0.0.0", "::", ""):
        host = lan_address()
    return origin_url(
        "https" if server.tls_certificate else "http", f"[{host}]" if ":" in host else host, server.port
    )


def lan_address() -> str:
    """The address this machine has in the network its traffic leaves by. Connecting UDP sends nothing."""
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((elsewhere, 9))
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return "127.0.0.1"


# ---- reading them


@dataclass(frozen=True, slots=True)
class _Given:
    """One value as somebody gave it, and where, for the messages."""

    setting: Setting
    source: str
    value: Any


def load(
    file: str | Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Settings:
    """The effective settings; raises ConfigError with everything that is wrong.

    `file` must exist; without it `rundun.toml` in the working directory is read if there is one. `flags` maps keys
    such as `server.port` to values, None meaning not given.
    """
    problems: list[str] = []
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    given = [
        *_from_file(file, problems),
        *_from_environment(os.environ if environment is None else environment, problems),
        *_from_flags(flags or {}),
    ]
    for one in given:
        try:
            values[one.setting.section][one.setting.name] = one.setting.kind.parse(one.value)
        except ValueError as wrong:
            why = f" ({wrong})" if str(wrong) else ""
            problems.append(
                f"{one.setting.key} in {one.source} is {_show(one.value)}; it must be {one.setting.kind.says}{why}."
            )
    server = values["server"]
    if "tls_key" in server and "tls_certificate" not in server:
        problems.append(
            "server.tls_key is set, but server.tls_certificate is not; HTTPS needs the certificate."
        )
    if problems:
        raise ConfigError(problems)
    return Settings(**{section: shape(**values[section]) for section, shape in SECTIONS.items()})


def _from_file(file: str | Path | None, problems: list[str]) -> Iterator[_Given]:
    path = Path(file) if file is not None else DEFAULT_FILE
    if file is None and not path.exists():
        return
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        problems.append(f"There is no settings file {path}.")
        return
    except (OSError, UnicodeError) as wrong:
        problems.append(f"{path} cannot be read: {getattr(wrong, 'strerror', None) or wrong}.")
        return
    except tomllib.TOMLDecodeError as wrong:
        problems.append(f"{path} is not valid TOML: {wrong}.")
        return
    known = {(one.section, one.name): one for one in SETTINGS}
    for section, table in content.items():
        if section not in SECTIONS:
            problems.append(f"[{section}] in {path} is not a section{_nearest(section, SECTIONS)}.")
        elif not isinstance(table, dict):
            problems.append(f"{section} in {path} must be a section, [{section}].")
        else:
            for name, value in table.items():
                if (section, name) in known:
                    yield _Given(known[section, name], str(path), value)
                else:
                    meant = _nearest(f"{section}.{name}", [one.key for one in SETTINGS])
                    problems.append(f"{section}.{name} in {path} is not a setting{meant}.")


def _from_environment(environment: Mapping[str, str], problems: list[str]) -> Iterator[_Given]:
    known = {one.variable: one for one in SETTINGS}
    for variable in sorted(environment):
        if not variable.startswith(PREFIX):
            continue
        if variable not in known:
            problems.append(f"{variable} in the environment is not a setting{_nearest(variable, known)}.")
        elif environment[variable].strip():  # empty = not given, as compose files and unit files leave it
            one = known[variable]
            yield _Given(
                one, f"the environment ({variable})", _from_text(one.kind, environment[variable].strip())
            )


def _from_flags(flags: Mapping[str, Any]) -> Iterator[_Given]:
    known = {one.key: one for one in SETTINGS}
    for key, value in flags.items():
        if value is not None:
            one = known[key]
            yield _Given(
                one, f"the flag {one.flag}", _from_text(one.kind, value) if isinstance(value, str) else value
            )


def _from_text(kind: Kind, value: str) -> Any:
    """What TOML would have held, read from plain text; text that makes no sense stays text and is refused later."""
    if kind.is_text:
        return value
    if kind.is_list and not value.startswith("["):
        return [_scalar(item.strip()) for item in value.split(",") if item.strip()]
    return _scalar(value)


def _scalar(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _nearest(word: str, words: Any) -> str:
    near = get_close_matches(word, list(words), n=1, cutoff=0.6)
    return f"; the nearest is {near[0]}" if near else ""


def _show(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 80 else shown[:79] + "…"
