"""Signatures of deliveries: HTTP message signatures (RFC 9421) over a digest of the body (RFC 9530).

A secret in the form of Standard Webhooks gets the headers of that convention as well.
"""

import base64
import binascii
import hashlib
import hmac

COVERED = '("content-digest" "@method" "@target-uri")'
KEY_ID = "rundun-key"
LABEL = "sig1"


def content_digest(body: bytes) -> str:
    """Return the `Content-Digest` (RFC 9530, section 2) of a body: its SHA-256 in base64, as `sha-256=:…:`."""
    return f"sha-256=:{_base64(hashlib.sha256(body).digest())}:"


def signature_base(components: list[tuple[str, str]], parameters: str) -> str:
    """Return the text to sign (RFC 9421, section 2.5): a line for each of the (name, value) pairs `components`, in the
    given order, and a last one with `parameters`.

    `parameters` is the member of `Signature-Input` after its label: the list of component names with `;created=…`.
    """
    lines = [f'"{name}": {value}' for name, value in components]
    return "\n".join([*lines, f'"@signature-params": {parameters}'])


def hmac_sha256(key: bytes, text: str) -> str:
    """Return the `hmac-sha256` of a text (RFC 9421, section 3.3.3), in base64."""
    return _base64(hmac.digest(key, text.encode(), "sha256"))


def sign(secret: str | None, url: str, body: bytes, created: int) -> dict[str, str]:
    """Return the headers of a POST of `body` to `url` at `created` (Unix seconds), by name: `Content-Digest`,
    `Signature-Input` and `Signature`.

    `url` is the `@target-uri`, so it must be the normalised URL of the request. The key is the UTF-8 of the whole
    secret; without a secret there is only the digest.
    """
    digest = content_digest(body)
    if secret is None:
        return {"Content-Digest": digest}
    parameters = f'{COVERED};created={created};keyid="{KEY_ID}"'
    base = signature_base([("content-digest", digest), ("@method", "POST"), ("@target-uri", url)], parameters)
    return {
        "Content-Digest": digest,
        "Signature-Input": f"{LABEL}={parameters}",
        "Signature": f"{LABEL}=:{hmac_sha256(secret.encode(), base)}:",
    }


def standard_webhooks(secret: str | None, event_id: str, created: int, body: bytes) -> dict[str, str]:
    """Return the headers of Standard Webhooks 1.0.0 by name: `webhook-id`, `webhook-timestamp` and `webhook-signature`;
    {} unless the secret is `whsec_` + base64 of 24–64 bytes.

    Receivers' libraries decode the secret, so a secret that they cannot decode must not promise them a signature.
    """
    key = _standard_key(secret)
    if key is None:
        return {}
    signed = b".".join([event_id.encode(), str(created).encode(), body])
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(created),
        "webhook-signature": f"v1,{_base64(hmac.digest(key, signed, 'sha256'))}",
    }


def _standard_key(secret: str | None) -> bytes | None:
    """Return the decoded key of a Standard Webhooks secret. None for other secrets, for keys of other lengths than
    24–64 bytes, and for base64 that is not canonical, on which libraries differ.
    """
    if secret is None or not secret.startswith("whsec_"):
        return None
    text = secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if 24 <= len(key) <= 64 and _base64(key) == text else None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
