"""Fingerprints of requests: whether a POST that comes again under its `Idempotency-Key` is the one that came before."""

import hashlib
import hmac
import json
from typing import Any, Literal

_MAY_HAVE_SECRETS = ("fields", "person", "secret", "webhook")  # members of bodies: door codes, whoever was erased
_DIGEST, _NAME = 32, 8
Comparison = Literal["same", "other_body", "other_key"]


def fingerprint(content: Any, key_id: str, api_key: str) -> bytes:
    """Return what equal JSON bodies have in common, however they are spaced and ordered: a digest of what is no secret
    and, where there is more, the name of the API key and a digest of the rest that is keyed with it.

    A door code has four digits. From a plain digest whoever holds the file finds it by trying all, a day after the run
    erased it; the API key, 190 random bits of which the file has a hash, can't be tried.
    """
    secret: dict[str, Any] = {}
    if isinstance(content, dict):
        secret = {name: content[name] for name in _MAY_HAVE_SECRETS if name in content}
        content = {name: value for name, value in content.items() if name not in secret}
    plain = hashlib.sha256(_canonical(content)).digest()
    if not secret:
        return plain
    name = hashlib.sha256(key_id.encode()).digest()[:_NAME]
    return plain + name + hmac.digest(api_key.encode(), _canonical(secret), "sha256")


def compare(stored: bytes, given: bytes) -> Comparison:
    """Compare the fingerprint of an earlier request with that of another one. A body with secrets can't be compared
    with one that came with another API key. An erased fingerprint (migrations/0017_fingerprints.sql) is like any.
    """
    if not stored or stored == given:
        return "same"
    end = _DIGEST + _NAME
    may_be_same = len(stored) == len(given) > end and stored[:_DIGEST] == given[:_DIGEST]
    return "other_key" if may_be_same and stored[_DIGEST:end] != given[_DIGEST:end] else "other_body"


def _canonical(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True).encode()
