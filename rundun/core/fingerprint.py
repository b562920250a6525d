"""Fingerprints of requests: whether a POST that comes again under its `Idempotency-Key` is the one that came before."""

import hashlib
import hmac
import json
from typing import Any

_MAY_HAVE_SECRETS = ("fields", "person", "secret", "webhook")  # members of bodies: door codes, whoever was erased
_DIGEST, _NAME = 32, 8


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


def is_same(stored: bytes, given: bytes) -> bool:
    """Tell whether two fingerprints are of the same body. Where they came with different API keys only what is no
    secret can tell; of a fingerprint that was erased (migrations/0017_fingerprints.sql) nothing can.
    """
    if not stored or stored == given:
        return True
    end = _DIGEST + _NAME
    is_of_other_key = len(stored) == len(given) > end and stored[_DIGEST:end] != given[_DIGEST:end]
    return is_of_other_key and stored[:_DIGEST] == given[:_DIGEST]


def _canonical(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True).encode()
