"""The signature, against the contract's vector, the RFC's vector and two libraries written by others."""

import base64
import time
from dataclasses import dataclass, field

import pytest
from http_message_signatures import HTTPMessageVerifier, InvalidSignature, MappingKeyResolver, algorithms
from hypothesis import given, strategies as some
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from rundun.core.deliveries.signature import content_digest, hmac_sha256, sign, signature_base, standard_webhooks

URL = "https://hooks.example.com/rundun?team=a%20b"
SECRET = "whsec_0123456789abcdef"
BODY = b'{"event_id":"evt-00000000-0000-4000-8000-000000000001","delivery_attempt":1,"event":"run.completed"}'


@dataclass
class Message:
    """What a receiver has in hand, in the shape that `http_message_signatures` reads."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"


def verify(secret: str, message: Message, body: bytes) -> None:
    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.HMAC_SHA256,
        key_resolver=MappingKeyResolver(public_keys={"rundun-key": secret.encode()}, private_keys={}),
    )
    (result,) = verifier.verify(
        message, body=body, max_age=None, require_components=("content-digest", "@method", "@target-uri")
    )
    assert result.body == body
    assert result.label == "sig1"


def test_the_fixed_vector_of_the_contract() -> None:
    assert sign(SECRET, URL, BODY, 1767225600) == {
        "Content-Digest": "sha-256=:tB26qTBUu0xbh8aAeRMeZSSkHD8eBgjjmNCJNeMA+uw=:",
        "Signature-Input": ('sig1=("content-digest" "@method" "@target-uri");created=1767225600;keyid="rundun-key"'),
        "Signature": "sig1=:cVZAXPwwwtc5OZuQpLcAbmGxUuGGt0nNbg18HWFoX6Y=:",
    }


def test_rfc_9421_b_2_5_through_the_same_builder() -> None:
    key = base64.b64decode("uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==")
    base = signature_base(
        [
            ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
            ("@authority", "example.com"),
            ("content-type", "application/json"),
        ],
        '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
    )
    assert hmac_sha256(key, base) == "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8="


def test_rfc_9530_b_1_digest() -> None:
    assert content_digest(b'{"hello": "world"}\n') == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"


def test_without_a_secret_there_is_only_a_digest() -> None:
    assert sign(None, URL, BODY, 1767225600) == {"Content-Digest": content_digest(BODY)}
    assert standard_webhooks(None, "evt-1", 1767225600, BODY) == {}


@given(secret=some.text(min_size=12, max_size=256), body=some.binary(max_size=300))
def test_an_independent_library_agrees(secret: str, body: bytes) -> None:
    created = int(time.time())
    message = Message(URL, sign(secret, URL, body, created))
    verify(secret, message, body)


@pytest.mark.parametrize(
    ("url", "method", "secret", "body"),
    [
        (URL + "x", "POST", SECRET, BODY),
        (URL, "PUT", SECRET, BODY),
        (URL, "POST", SECRET + "x", BODY),
        (URL, "POST", SECRET, BODY + b" "),
    ],
)
def test_and_it_rejects_what_was_changed(url: str, method: str, secret: str, body: bytes) -> None:
    headers = sign(SECRET, URL, BODY, 1767225600)
    with pytest.raises(InvalidSignature):
        verify(secret, Message(url, headers, method), body)


@given(key=some.binary(min_size=24, max_size=64), text=some.text())
def test_standard_webhooks_libraries_accept_it(key: bytes, text: str) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    body = text.encode()
    headers = standard_webhooks(secret, "evt-1", int(time.time()), body)
    assert headers["webhook-id"] == "evt-1"
    Webhook(secret).verify(body, headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b"x", headers, json_parse=False)


@pytest.mark.parametrize(
    "secret",
    [
        SECRET,  # 12 bytes only
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_" + base64.b64encode(bytes(25)).decode().rstrip("="),
        "whsec_" + base64.urlsafe_b64encode(b"\xff" * 24).decode(),
        "whsec_" + base64.b64encode(bytes(24)).decode() + "\n",
        "whsec_" + base64.b64encode(bytes(25)).decode().replace("A==", "B=="),  # stray bits
        "whsec_" + "ä" * 32,
        base64.b64encode(bytes(32)).decode(),
        "WHSEC_" + base64.b64encode(bytes(32)).decode(),
    ],
)
def test_other_secrets_promise_no_standard_webhooks(secret: str) -> None:
    assert standard_webhooks(secret, "evt-1", 1767225600, BODY) == {}
    assert "Signature" in sign(secret, URL, BODY, 1767225600)
