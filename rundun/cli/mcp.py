"""The command `mcp`: tools that let an assistant use a service through its public API."""

import os
import re
import stat
import sys
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import click

from rundun.config.settings import MCP_KEY

_API_KEY = "rdk_live_[A-Za-z0-9]{32}"
_NOT_INSTALLED = (
    "`rundun mcp` needs the library mcp, which is not installed: pip install '.[mcp]' in the folder of the source, or "
    "pip install 'WHEEL[mcp]' with the wheel's file name."
)


@click.command()
@click.option("--url", required=True, metavar="URL", help="The service, such as https://checks.example.com.")
@click.option("--key-file", type=click.Path(path_type=Path), metavar="FILE", help=f"The API key; {MCP_KEY} without it.")
@click.option("--write", is_flag=True, help="Offer the tools that change something too.")
def mcp(url: str, key_file: Path | None, write: bool) -> None:
    """Offer tools to an assistant over standard input and output (Model Context Protocol)."""
    warnings: list[str] = []
    key, url = _read_key(key_file, warnings), _read_url(url, warnings)
    try:
        from rundun.mcp.server import serve  # its library is an extra, which may not be installed
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise click.ClickException(_NOT_INSTALLED) from None
    if sys.stdin.isatty():
        click.echo("This is for an assistant to start, which then speaks to it here: see /docs/assistants.", err=True)
    for warning in warnings:
        click.echo(f"Warning: {warning}", err=True)
    serve(url, key, may_write=write, warnings=warnings)


def _read_url(url: str, warnings: list[str]) -> str:
    """Return the service's URL without trailing slash, or raise `BadParameter`; warn if the key would travel
    unencrypted.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or {"?", "#", "@"} & set(url):
        raise click.BadParameter("it must be an address such as https://checks.example.com.", param_hint="--url")
    if parts.scheme == "http" and not _is_loopback(host):
        warnings.append("--url is http, so the API key is readable on the way. Use https.")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_key(file: Path | None, warnings: list[str]) -> str:
    """Return the API key from a file or the environment; raises `ClickException` unless it has the format of a key, so
    that no other secret is sent by mistake. Adds to `warnings` if others can read the file.
    """
    if file is None:
        text, where = os.environ.get(MCP_KEY, ""), MCP_KEY
    else:
        try:
            text, where = file.read_text("utf-8"), str(file)
            mode = file.stat().st_mode
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise click.ClickException(f"{file} cannot be read: {why}.") from None
        if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
            warnings.append(f"others on this machine can read {file}: chmod 600 it.")
    if not text.strip():
        raise click.ClickException(f"There is no API key: name a file with --key-file, or set {MCP_KEY}.")
    if not re.fullmatch(_API_KEY, text.strip()):
        raise click.ClickException(f"{where} holds no API key, which is rdk_live_ and 32 letters and digits.")
    return text.strip()
