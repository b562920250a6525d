"""Media URLs in stored JSON: signed anew with the current key, in the members that only Rundun writes."""

from collections.abc import Collection, Mapping
from typing import Any

from rundun.core.urls import Urls


def renew(content: Mapping[str, Any], signature_steps: Collection[str], links: Urls) -> dict[str, Any]:
    """Return a copy of `content`, an event's data or a run as a dict, with its media URLs signed by the current key.
    `signature_steps` are the ids of the steps whose values are media URLs: a text that a person typed is never changed.
    """
    renewed = dict(content)
    if content.get("step_type") == "signature" and "answer" in content:
        renewed["answer"] = _renew_url(content["answer"], links)
    if "photos" in content:
        renewed["photos"] = [_renew_photo(photo, links) for photo in content["photos"]]
    if "answers" in content:
        renewed["answers"] = {
            step_id: _renew_answer(answer, links, is_signature=step_id in signature_steps)
            for step_id, answer in content["answers"].items()
        }
    if "remarks" in content:
        renewed["remarks"] = {
            step_id: _renew_answer(remark, links, is_signature=False) for step_id, remark in content["remarks"].items()
        }
    if content.get("signature"):
        renewed["signature"] = _renew_photo(content["signature"], links)
    return renewed


def _renew_answer(answer: Mapping[str, Any], links: Urls, *, is_signature: bool) -> dict[str, Any]:
    renewed = {**answer, "photos": [_renew_photo(photo, links) for photo in answer["photos"]]}
    if is_signature:
        renewed["value"] = _renew_url(answer["value"], links)
    return renewed


def _renew_photo(photo: Mapping[str, Any], links: Urls) -> dict[str, Any]:
    renewed = dict(photo)
    for name in ("url", "thumbnail_url"):
        if name in photo:
            renewed[name] = _renew_url(photo[name], links)
    if "original" in photo:
        renewed["original"] = _renew_photo(photo["original"], links)
    return renewed


def _renew_url(url: str | None, links: Urls) -> str | None:
    return None if url is None else links.renew(url)
