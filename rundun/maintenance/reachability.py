"""Findings of `check` from outside the service: whether it runs, and whether its public address leads to it."""

import http.client
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import closing
from urllib.parse import urlsplit

from rundun import webhook_addresses
from rundun.config.settings import ServiceSettings
from rundun.control_socket import ALERT_TEST_COMMAND, NotListening, find_listener, send_command, socket_path
from rundun.core import times
from rundun.errors import Problem
from rundun.maintenance.diagnostics import Finding, without_path
from rundun.maintenance.https_health import ENDS_SOON
from rundun.pool import call_within
from rundun.read_only import reading
from rundun.store.erasure import journal, journal_file
from rundun.store.organizations import api_keys as key_rows
from rundun.store.sqlite.transaction import wall_clock

NO_KEY = "No API key works; make one with rundun keys create."
ASKED = "/r/sw.js"  # all phones fetch it, so a proxy does not block it, as it may block /healthz
OTHERWISE = (
    "Links begin with this address, and it does not lead to this service. Where it is only this machine that doesn't "
    "get there, give the name the proxy's address in /etc/hosts."
)
SECONDS = 5.0  # for looking up the name, and again for the answer


def examine(settings: ServiceSettings, found: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the findings about the running service, or that there is none; about `server.public_url`, if set; and,
    unless `found`, the findings in its database, report damage, that no API key works, if so. Blocks.
    """
    listener = find_listener(socket_path(settings.database.path))
    if listener is None:
        text = "No service serves this database. Start it, unless you have stopped it yourself."
        yield Finding("service", "note", text)
    else:
        yield Finding("service", "good", f"Process {listener} serves this database." if listener else "One serves.")
    yield from _public_url(settings, is_served=listener is not None)
    is_damaged = any(one.name == "integrity" and one.state == "wrong" for one in found)
    if not is_damaged and not has_key(settings):
        yield Finding("keys", "note", NO_KEY)


def try_alert(settings: ServiceSettings) -> Finding:
    """Have the running service send a test alert, and return the result as a finding. Blocks."""
    if settings.alerts.url is None:
        return Finding("alert", "wrong", "alerts.url is not set, so there are no alerts.")
    try:
        sent = send_command(socket_path(settings.database.path), ALERT_TEST_COMMAND, {})
    except NotListening:
        return Finding("alert", "wrong", "No test alert was sent: only a running service sends alerts.")
    except Problem as problem:
        return Finding("alert", "wrong", f"No test alert was sent. {problem.detail}")
    where = without_path(settings.alerts.url)
    if not sent["ok"]:
        return Finding("alert", "wrong", f"The test alert to {where} did not arrive. {sent['error']}")
    signed = "signed with alerts.secret" if sent["is_signed"] else "not signed, since alerts.secret is not set"
    return Finding(
        "alert", "good", f"A test alert arrived at {where}, {signed}: {sent['status']} after {sent['duration_ms']} ms."
    )


def has_key(settings: ServiceSettings) -> bool:
    """Tell whether there is an API key that is not revoked, nor will be by the erasure journal at the next start. An
    unreadable journal counts as empty.
    """
    with reading(settings, wall_clock) as tx:
        valid = {key.key_id for key in key_rows.list_all(tx) if key.revoked_at is None}
    try:
        entries = journal_file.read(journal.journal_path(settings.database.path))
    except OSError:  # the start reports it
        return bool(valid)
    return bool(valid - {entry.id for entry in entries if entry.what == "key"})


def _public_url(settings: ServiceSettings, *, is_served: bool) -> Iterator[Finding]:
    """Yield the finding that the name of `server.public_url` is not found or, if a service runs, whether `ASKED` can be
    fetched there; none without that setting.
    """
    url = settings.server.public_url
    if url is None:  # then links begin with the address at which the service listens
        return
    host = urlsplit(url).hostname or ""
    if not webhook_addresses.look_up([host], SECONDS):
        yield Finding("public_url", "wrong", f"No address was found for {host}, with which links begin.")
    elif is_served:
        try:
            ends_at = _ask(url, settings)
        except _LeadsElsewhere as error:
            yield Finding("public_url", "wrong", f"GET {url}{ASKED} {error}. {OTHERWISE}")
            return
        except ValueError as error:
            yield Finding("public_url", "note", f"GET {url}{ASKED} {error}.")
            return
        if ends_at is not None and ends_at <= wall_clock() + ENDS_SOON:
            yield Finding("public_url", "note", f"{url} answers; its certificate ends {times.wire(ends_at)}.")
        else:
            yield Finding("public_url", "good", f"{url} answers.")


def _ask(url: str, settings: ServiceSettings) -> int | None:
    """Return when the certificate of the address ends, in milliseconds, None for plain HTTP. Raises ValueError with the
    end of a sentence, `_LeadsElsewhere` where the answer is certainly not the service's.
    """
    try:
        return call_within(SECONDS, lambda: _fetch(url, settings))  # a socket's time-out is for each single step
    except TimeoutError:
        raise ValueError(f"does not answer within {SECONDS:g} seconds") from None


class _LeadsElsewhere(ValueError):
    """Raised where the answer can't be the service's; its text is the end of a sentence."""


def _fetch(url: str, settings: ServiceSettings) -> int | None:
    try:
        with closing(_connection(url, settings)) as connection:
            connection.connect()
            ends_at = _certificate_ends_at(connection.sock)
            connection.request("GET", ASKED)
            status = connection.getresponse().status
    except ssl.SSLCertVerificationError as error:
        raise ValueError(f"has a certificate that is not trusted: {error.verify_message}") from None
    except ConnectionRefusedError:
        raise _LeadsElsewhere("is refused: nothing listens there") from None
    except OSError as error:
        raise ValueError(f"does not answer: {error.strerror or error or type(error).__name__}") from None
    except http.client.HTTPException:
        raise _LeadsElsewhere("does not answer in HTTP") from None
    if status != 200:
        raise _LeadsElsewhere(f"answers {status} instead of 200")
    return ends_at


def _connection(url: str, settings: ServiceSettings) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=SECONDS)
    context = ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python's default from 3.13 on; no browser is as strict
    if settings.webhooks.ca_file:
        context.load_verify_locations(cafile=settings.webhooks.ca_file)
    return http.client.HTTPSConnection(host, port, timeout=SECONDS, context=context)


def _certificate_ends_at(connected: socket.socket) -> int | None:
    if not isinstance(connected, ssl.SSLSocket):
        return None
    certificate = connected.getpeercert() or {}
    return int(ssl.cert_time_to_seconds(str(certificate["notAfter"]))) * times.SECOND
