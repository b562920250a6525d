"""What is stored of a secret token: an API key, a session, an invitation, a recovery code."""

import hashlib


def digest(token: str) -> bytes:
    """Hash a token of at least 80 random bits: nobody can search so many, and a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).digest()
