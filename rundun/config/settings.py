"""Every setting, once: name, default, kind, help and unit. `config/loader.py` reads them."""

import socket
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from rundun.config import kinds
from rundun.config.kinds import Kind, Network

PREFIX = "RUNDUN_"
MCP_KEY = f"{PREFIX}MCP_KEY"  # the variable that holds the key of `rundun mcp`, not a setting of the service


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it is documented: `default` is the typed value, None if it is computed or may be missing;
    `example` is shown in place of a missing default.
    """

    section: str
    name: str
    default: Any
    kind: Kind
    help: str
    unit: str
    flag: str
    example: Any

    @property
    def key(self) -> str:
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        return f"{PREFIX}{self.section}_{self.name}".upper()


def setting(default: Any, kind: Kind, help: str, *, unit: str = "", flag: str = "", example: Any = None) -> Any:
    metadata = {"kind": kind, "help": help, "unit": unit, "flag": flag, "example": example}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class ServerSettings:
    host: str = setting(
        "127.0.0.1", kinds.HOST, "Address to listen on; `0.0.0.0` or `::` means all of this machine's.", flag="--host"
    )
    port: int = setting(8000, kinds.integer(0, 65535), "Port to listen on; `0` takes any free one.", flag="--port")
    public_url: str | None = setting(
        None,
        kinds.WEB_ORIGIN,
        "Start of links and photo addresses; never taken from a request. "
        "Default: the address listened on, or this machine's address in its network when listening on all.",
        example="https://check.example.com",
    )
    tls_certificate: Path | None = setting(
        None,
        kinds.EXISTING_FILE,
        "Certificate chain (PEM) to serve HTTPS with, without a proxy in front.",
        example="chain.pem",
    )
    tls_key: Path | None = setting(
        None,
        kinds.EXISTING_FILE,
        "Private key (PEM) of the certificate; not needed if the certificate's file holds it.",
        example="key.pem",
    )
    trusted_proxies: tuple[Network, ...] = setting(
        (ip_network("127.0.0.1/32"), ip_network("::1/128")),
        kinds.NETWORKS,
        "Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.",
    )
    hsts: bool = setting(
        True,
        kinds.BOOLEAN,
        "Whether browsers are told, where `public_url` begins with https, to reach its host over HTTPS only: for a "
        "year, on every port of it, and on no other name (`Strict-Transport-Security`).",
    )


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    path: Path = setting(
        Path("rundun.db"),
        kinds.FILE,
        "The SQLite file that holds everything, photos included; made if it is missing.",
        flag="--database",
    )
    external_checkpoints: bool = setting(
        False,
        kinds.BOOLEAN,
        "Whether all checkpoints are left to another program, Litestream for one; without that program the log beside "
        "the file grows for ever.",
    )


@dataclass(frozen=True, slots=True)
class BackupSettings:
    folder: Path | None = setting(
        None,
        kinds.FOLDER,
        "Folder for automatic backups, best on another disk; it must exist. Without it only `backup FILE` makes any.",
        example="/mnt/backups",
    )
    every_hours: float = setting(
        24, kinds.number(0.01, 8760), "Time from the last good backup to the next.", unit="hours"
    )
    keep: int = setting(7, kinds.integer(1, 10000), "Number of backups kept; older ones are deleted.")

    @property
    def every(self) -> int:
        """Return `every_hours` in milliseconds."""
        return int(self.every_hours * 3_600_000)


@dataclass(frozen=True, slots=True)
class RunsSettings:
    grace_hours: float = setting(
        24,
        kinds.number(0, 8760),
        "How long a started run keeps accepting answers after it expired; `0` = not.",
        unit="hours",
    )

    @property
    def grace(self) -> int:
        """Return `grace_hours` in milliseconds."""
        return int(self.grace_hours * 3_600_000)


@dataclass(frozen=True, slots=True)
class WebhooksSettings:
    timeout_seconds: float = setting(
        10, kinds.number(0.1, 120), "Time for one whole attempt, from look-up to answer.", unit="seconds"
    )
    retry_delays_seconds: tuple[float, ...] = setting(
        (30, 120, 600, 3600),
        kinds.numbers(0, 604800, 20),
        "Pauses before the second attempt, the third, and so on, each up to a tenth longer by chance; after the last "
        "one a delivery has failed.",
        unit="seconds",
    )
    allow_private: bool = setting(
        True, kinds.BOOLEAN, "Whether webhooks may go to private networks such as 10.0.0.0/8."
    )
    allow: tuple[Network, ...] = setting(
        (), kinds.NETWORKS, "Networks webhooks may go to although they are refused otherwise, such as loopback."
    )
    concurrency: int = setting(256, kinds.integer(1, 10000), "Attempts under way at the same time.")
    per_destination: int = setting(
        4,
        kinds.integer(1, 1000),
        "Attempts of one organization under way at the same time to one scheme, host and port.",
    )
    ca_file: Path | None = setting(
        None,
        kinds.EXISTING_FILE,
        "Certificates (PEM) to trust besides the usual ones, for receivers of your own.",
        example="our-authority.pem",
    )


@dataclass(frozen=True, slots=True)
class AlertsSettings:
    url: str | None = setting(
        None,
        kinds.WEB_ADDRESS,
        "Receiver of a POST for each delivery that has failed for good, each quota that is nearly used up, and "
        "missed backups; it is checked as webhooks are.",
        example="https://alerts.example.com/rundun",
    )
    secret: str | None = setting(
        None,
        kinds.SECRET,
        "Secret that signs alerts, as webhooks are signed; without it there is a digest only.",
        example="make up a secret of your own",
    )


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    secrets_days: float = setting(
        30,
        kinds.number(0, 36500),
        "How long a webhook's secret is kept once its run is closed and its last delivery, `run.erased` where the "
        "webhook names it, has arrived or failed; `0` = for ever.",
        unit="days",
    )


@dataclass(frozen=True, slots=True)
class LimitsSettings:
    photo_mebibytes: int = setting(15, kinds.integer(1, 256), "Largest photo taken.", unit="MiB")
    photo_megapixels: int = setting(
        50,
        kinds.integer(1, 200),
        "Largest picture decoded; 2.2 times as many of a baseline JPEG, which shrinks while it is decoded.",
        unit="megapixels",
    )
    organization_mebibytes: int = setting(
        0,
        kinds.integer(0, 2**30),
        "Storage of one organization, unless `orgs quota` gave it a quota of its own; `0` = any amount.",
        unit="MiB",
    )
    requests_per_minute: int = setting(
        600,
        kinds.integer(0, 10**6),
        "Requests that one API key, all phones on one run, or one operator may make; `0` = any number.",
    )
    organization_requests_per_minute: int | None = setting(
        None,
        kinds.integer(0, 10**7),
        "Requests that all API keys of one organization, or all its operators, may make together; its phones, beyond "
        "60 on each run, may make four times as many; `0` = any number. Default: four times "
        "`limits.requests_per_minute`.",
        example=2400,
    )
    failures_per_minute: int = setting(
        60, kinds.integer(0, 10**6), "Requests with an unknown key or link that one address may make; `0` = any number."
    )
    body_kibibytes: int = setting(1024, kinds.integer(16, 65536), "Largest JSON body taken.", unit="KiB")

    @property
    def photo_bytes(self) -> int:
        """Return `photo_mebibytes` in bytes."""
        return self.photo_mebibytes * 2**20

    @property
    def organization_bytes(self) -> int:
        """Return `organization_mebibytes` in bytes; 0 means no limit."""
        return self.organization_mebibytes * 2**20

    @property
    def body_bytes(self) -> int:
        """Return `body_kibibytes` in bytes."""
        return self.body_kibibytes * 1024


@dataclass(frozen=True, slots=True)
class LogsSettings:
    level: str = setting(
        "info",
        kinds.choice("debug", "info", "warning", "error"),
        "Lowest level that is logged: `debug`, `info`, `warning` or `error`.",
    )
    format: str = setting(
        "text", kinds.choice("text", "json"), "`text` is `event key=value …`, `json` one object a line."
    )


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """All settings, typed. `public_url` is the effective one, without a trailing slash."""

    server: ServerSettings = ServerSettings()
    database: DatabaseSettings = DatabaseSettings()
    backup: BackupSettings = BackupSettings()
    runs: RunsSettings = RunsSettings()
    webhooks: WebhooksSettings = WebhooksSettings()
    alerts: AlertsSettings = AlertsSettings()
    retention: RetentionSettings = RetentionSettings()
    limits: LimitsSettings = LimitsSettings()
    logs: LogsSettings = LogsSettings()
    public_url: str = ""

    def __post_init__(self) -> None:
        if not self.public_url:
            object.__setattr__(self, "public_url", self.server.public_url or default_url(self.server))

    @property
    def is_https(self) -> bool:
        """Tell whether `public_url` begins with https: TLS of this service, or of a proxy in front."""
        return self.public_url.startswith("https://")


SECTIONS: dict[str, Any] = {item.name: item.type for item in fields(ServiceSettings) if item.name != "public_url"}

SETTINGS: tuple[Setting, ...] = tuple(
    Setting(section, item.name, item.default, **item.metadata)
    for section, shape in SECTIONS.items()
    for item in fields(shape)
)


def default_url(server: ServerSettings) -> str:
    """Return the URL of the server's `host` and port, `lan_address` if that means all; https with a certificate."""
    host = server.host
    if host in ("0.0.0.0", "::", ""):
        host = lan_address()
    return kinds.origin_url(
        "https" if server.tls_certificate else "http", f"[{host}]" if ":" in host else host, server.port
    )


def lan_address() -> str:
    """Return this machine's address in the network that its traffic leaves by, an IPv6 one only without IPv4;
    127.0.0.1 without a network. Connecting a UDP socket sends nothing.
    """
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((elsewhere, 9))
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return "127.0.0.1"
