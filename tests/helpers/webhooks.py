"""A receiver of signed webhooks: what it verifies with, and runs that report to it."""

from typing import Any

from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms

from tests.helpers.service import BOOLEAN, Ed, Received, World

SECRET = "a secret of sixteen"
DELAYS = (30, 120, 600, 3600)


class Keys(HTTPSignatureKeyResolver):
    """The receiver's side of the shared secret."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def resolve_public_key(self, key_id: str) -> bytes:
        """The HMAC key."""
        assert key_id == "rundun-key"
        return self.secret.encode()


class Message:
    """What the independent library wants to see of a request."""

    def __init__(self, url: str, received: Received) -> None:
        self.method = "POST"
        self.url = url
        self.headers = received.headers


def verify(url: str, received: Received, secret: str = SECRET) -> None:
    """Raises unless an independent implementation of RFC 9421 and RFC 9530 accepts the request."""
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=Keys(secret))
    covered = ("content-digest", "@method", "@target-uri")
    results = verifier.verify(Message(url, received), max_age=None, body=received.body, require_components=covered)
    assert results[0].body == received.body


async def hooked(w: World, url: str, *steps: Any, **more: Any) -> Ed:
    """A started run whose events go to `url`."""
    ed = await w.dispatch(await w.template(*(steps or (BOOLEAN,))), webhook={"url": url, **more})
    await ed.start()
    return ed
