"""Stored digests of secret tokens: API keys, sessions, invitations, recovery codes."""

import hashlib


def digest(token: str) -> bytes:
    """Return a token's SHA-256. A token has at least 80 random bits, too many to try, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()
