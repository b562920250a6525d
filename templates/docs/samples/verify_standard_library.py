import base64
import hashlib
import hmac
import json
import re
import time

SECRET = "at least 12 characters"  # what you sent as webhook.secret
URL = "https://hooks.example.com/rundun"  # webhook.url, as `GET /v1/runs/{run_id}` shows it

COVERED = re.compile(r'\("content-digest" "@method" "@target-uri"\);created=(\d+);keyid="rundun-key"', re.ASCII)


def receive(headers: dict[str, str], body: bytes) -> dict:
    """The event in this request, if it was signed with your secret within five minutes; ValueError otherwise."""
    given = {name.lower(): value for name, value in headers.items()}
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    parameters = given.get("signature-input", "").removeprefix("sig1=")
    covered = COVERED.fullmatch(parameters)
    if not covered or abs(time.time() - int(covered[1])) > 300:
        raise ValueError("not signed as it should be, or not just now")
    lines = [f'"content-digest": {digest}', '"@method": POST', f'"@target-uri": {URL}']
    base = "\n".join([*lines, f'"@signature-params": {parameters}'])
    signature = base64.b64encode(hmac.digest(SECRET.encode(), base.encode(), "sha256")).decode()
    if not hmac.compare_digest(f"sig1=:{signature}:".encode(), given.get("signature", "").encode()):
        raise ValueError("not signed with this secret, or not this body")
    return json.loads(body)
