"""Warnings about a dispatched run: its link, and its webhook's address."""

from functools import cache
from urllib.parse import urlsplit

from rundun.core.deliveries.forbidden_addresses import is_loopback
from rundun.core.deliveries.webhook_url import Destination
from rundun.core.json_types.runs import WarnedJson
from rundun.errors import FieldError, Problem
from rundun.web.context import CheckDestination


@cache  # the public URL never changes in a process
def link_warnings(public_url: str) -> list[WarnedJson]:
    """Return a warning each if `public_url` is not https, and if its host is `localhost`, a name in `.localhost`, or a
    loopback address. The list is cached and must not be changed.
    """
    url = urlsplit(public_url)
    warnings: list[WarnedJson] = []
    if url.scheme != "https":
        detail = "The link is not https: phones will refuse to share their position."
        warnings.append({"code": "link_not_https", "detail": detail})
    if is_loopback(url.hostname or ""):
        detail = "The link only opens on this machine: let server.public_url name what phones reach."
        warnings.append({"code": "link_loopback", "detail": detail})
    return warnings


async def destination_warnings(
    check: CheckDestination, destination: Destination | None, org_id: str, pointer: str = "/webhook/url"
) -> list[WarnedJson]:
    """Return a list with a warning if the look-up of `destination` failed; an empty one if it found an address, did not
    get its turn, or there is no `destination`. Raises `address_not_allowed`, with an error at `pointer`, if the
    organization may not send to it.
    """
    verdict = await check(destination, org_id) if destination else None
    if verdict is None:
        return []
    kind, detail = verdict
    if kind == "forbidden":
        raise Problem("address_not_allowed", detail, [FieldError(pointer, "address_not_allowed", detail)])
    return [{"code": "webhook_unresolved", "detail": detail}]
