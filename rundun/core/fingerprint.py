"""Fingerprints of requests, by which a repeated POST with the same `Idempotency-Key` is compared with the first one."""

import hashlib
import hmac
import json
from typing import Any, Literal

_MAY_HAVE_SECRETS = ("fields", "person", "secret", "webhook")  # members with door codes, or names of erased persons
_DIGEST, _NAME = 32, 8
Comparison = Literal["same", "other_body", "other_key"]


def fingerprint(content: Any, key_id: str, api_key: str) -> bytes:
    """Return the fingerprint of a JSON body, independent of white space and the order of members: a digest of the
    members without secrets, followed, if there are others, by a digest of the API key's id and a digest of those
    others, keyed with `api_key`.

    A door code has four digits: with the database file and a plain digest it could be found by trying all, even after
    the run erased it. The API key has 190 random bits, and the file has only its hash.
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
    """Return how a request's fingerprint, `given`, compares with the `stored` one of an earlier request: `same`, also
    for an erased one (migrations/0017_fingerprints.sql); `other_key` where the members without secrets are equal and
    those with secrets can't be compared, since they came with different API keys; else `other_body`.
    """
    if not stored or stored == given:
        return "same"
    end = _DIGEST + _NAME
    may_be_same = len(stored) == len(given) > end and stored[:_DIGEST] == given[:_DIGEST]
    return "other_key" if may_be_same and stored[_DIGEST:end] != given[_DIGEST:end] else "other_body"


def _canonical(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True).encode()
