"""Findings about the address that links begin with, and about the service's own certificate."""

import re
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pyasn1.codec.der.decoder import decode
from pyasn1.error import PyAsn1Error
from pyasn1_modules import rfc5280

from rundun.config.settings import ServiceSettings
from rundun.core import times
from rundun.core.deliveries.forbidden_addresses import is_loopback
from rundun.core.text import join_names

ENDS_SOON = 14 * times.DAY
_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)  # RFC 7468

State = Literal["good", "note", "wrong"]
Result = tuple[str, State, str]  # the check's name, its state and a sentence


def judge(settings: ServiceSettings, now: int, needing_https: Sequence[str] = ()) -> Iterator[Result]:
    """Yield (name, state, sentence) of the findings about the address that links begin with and, if it is set, the
    service's own certificate. `needing_https` are the names of templates with steps that need HTTPS pages. Blocks.
    """
    yield "address", *_address(settings, needing_https)
    if settings.server.tls_certificate is not None:
        yield "certificate", *_certificate(settings.server.tls_certificate, now)


def _address(settings: ServiceSettings, needing_https: Sequence[str]) -> tuple[State, str]:
    url = settings.public_url
    if is_loopback(urlsplit(url).hostname or ""):
        return (
            "note",
            f"Links begin with {url}, which only this machine can open; let server.public_url name what phones reach.",
        )
    if not settings.is_https:
        asking = f" Asked for in {join_names(needing_https)}." if needing_https else ""
        return "note", f"Links begin with {url}: on plain HTTP, phones give no position and do not scan live.{asking}"
    return "good", f"Links begin with {url}."


def certificate_ends_at(pem: bytes) -> int:
    """Return when the first certificate of a PEM file ends, in milliseconds; raises ValueError without one."""
    try:
        first = _CERTIFICATE.search(pem.decode("ascii", "replace"))
        certificate, _ = decode(ssl.PEM_cert_to_DER_cert(first[0] if first else ""), asn1Spec=rfc5280.Certificate())
        not_after = certificate["tbsCertificate"]["validity"]["notAfter"].getComponent()
        return int(not_after.asDateTime.timestamp()) * times.SECOND
    except (ValueError, PyAsn1Error):
        raise ValueError("it has no readable certificate") from None


def _certificate(file: Path, now: int) -> tuple[State, str]:
    try:
        ends_at = certificate_ends_at(file.read_bytes())
    except (OSError, ValueError) as error:
        return "wrong", f"{file}: {getattr(error, 'strerror', None) or error}."
    state: State = "wrong" if ends_at <= now else "note" if ends_at <= now + ENDS_SOON else "good"
    return state, f"{file} {'ended' if ends_at <= now else 'ends'} {times.wire(ends_at)}."
