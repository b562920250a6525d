import json
from datetime import timedelta
from types import SimpleNamespace

from http_message_signatures import HTTPMessageVerifier, MappingKeyResolver, algorithms

SECRET = "at least 12 characters"  # what you sent as webhook.secret
URL = "https://hooks.example.com/rundun"  # webhook.url, as `GET /v1/runs/{run_id}` shows it

verifier = HTTPMessageVerifier(
    signature_algorithm=algorithms.HMAC_SHA256,
    key_resolver=MappingKeyResolver(public_keys={"rundun-key": SECRET.encode()}, private_keys={}),
)


def receive(headers: dict[str, str], body: bytes) -> dict:
    """The event in this request, if it was signed with your secret within the last five minutes; raises otherwise."""
    verifier.verify(
        SimpleNamespace(method="POST", url=URL, headers=headers),
        body=body,
        max_age=timedelta(minutes=5),
        require_components=("content-digest", "@method", "@target-uri"),
    )
    return json.loads(body)
