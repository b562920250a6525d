"""A relay to chats: when a run ends, one line in Slack, Teams and Discord, whichever are named."""

import hashlib
import hmac
import json
import os
import re
import threading
import time
import urllib.request
from base64 import b64encode
from collections import deque
from contextlib import suppress
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from socket import SHUT_RDWR

HOOK, SECRET = os.environ["HOOK"], os.environ["SECRET"].encode()  # HOOK is `webhook.url` exactly as it was dispatched
if len(SECRET) < 12:
    raise SystemExit("SECRET has at least 12 characters, as `webhook.secret` has.")
COVERED = re.compile(r'sig1=(\("content-digest" "@method" "@target-uri"\);created=([0-9]{1,12});keyid="rundun-key")')
MAX_BODY, SECONDS = 2**21, 10  # of one request, from whomever
ENDS = {"run.completed": "is done", "run.cancelled": "was cancelled", "run.expired": "has run out of time"}
CARD = "application/vnd.microsoft.card.adaptive"
CHATS = {
    # With mrkdwn off only &, < and > mean something, as in <!channel> and <https://…|here>.
    "SLACK": lambda text: {"text": escape(text, False), "mrkdwn": False, "unfurl_links": False, "unfurl_media": False},
    # A TextRun, unlike a TextBlock, knows no Markdown.
    "TEAMS": lambda text: {"type": "message", "attachments": [{"contentType": CARD, "content": {"type": "AdaptiveCard",
        "version": "1.4", "body": [{"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text}]}]}}]},
    # Nobody is mentioned whatever it says, no link passes for another, and none is previewed (flag 4).
    "DISCORD": lambda text: {
        "content": re.sub(r"([\\*_~`|>\[\]()<#-])", r"\\\1", text), "allowed_mentions": {"parse": []}, "flags": 4},
}  # fmt: skip
waiting: SimpleQueue[tuple[str, str]] = SimpleQueue()


def verified(headers, read) -> bytes:
    """Return the body if it was signed with our secret for our address; it is read if it is new and not too long."""
    covered, length = COVERED.fullmatch(headers.get("signature-input", "")), int(headers.get("content-length", 0))
    if covered is None or abs(time.time() - int(covered[2])) > 300 or not 0 < length <= MAX_BODY:
        return b""
    digest = f"sha-256=:{b64encode(hashlib.sha256(body := read(length)).digest()).decode()}:"
    base = f'"content-digest": {digest}\n"@method": POST\n"@target-uri": {HOOK}\n"@signature-params": {covered[1]}'
    signature = f"sig1=:{b64encode(hmac.digest(SECRET, base.encode(), 'sha256')).decode()}:"
    return body if hmac.compare_digest(signature.encode(), headers.get("signature", "").encode()) else b""


class Hook(BaseHTTPRequestHandler):
    def handle(self) -> None:
        """Hang up when the time is over, however slowly something still comes."""
        hang_up = threading.Timer(SECONDS, self.connection.shutdown, [SHUT_RDWR])
        hang_up.start()
        with suppress(OSError, ValueError):
            super().handle()
        hang_up.cancel()

    def do_POST(self) -> None:
        """Verify first, and answer at once: chats take their time."""
        body = verified(self.headers, self.rfile.read)
        if body and (event := json.loads(body))["event"] in ENDS:
            waiting.put((event["event_id"], line(event)))
        self.send_response(204 if body else 401)
        self.end_headers()


def line(event: dict) -> str:
    """What happened, in one short line. Titles, names and reasons are other people's words: plain text, cut."""
    data = event["data"]
    words = [data["job"]["title"] or data["executor_ref"] or f"Run {event['run_id'][2:10]}", ENDS[event["event"]]]
    words += [f"({event['identity']['name']})"] if "name" in event["identity"] else []
    words += [f"· {data['flagged']} flagged"] if data["flagged"] else []
    words += [f"· {data['reason']}"] if data.get("reason") else []
    return "".join(char for char in " ".join(" ".join(words).split()) if char.isprintable())[:300]


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    seen: deque[str] = deque(maxlen=10_000)  # an event may arrive twice
    while True:
        event_id, text = waiting.get()
        for name in () if event_id in seen else CHATS.keys() & os.environ.keys():
            body, headers = json.dumps(CHATS[name](text)).encode(), {"Content-Type": "application/json"}
            try:
                urllib.request.urlopen(urllib.request.Request(os.environ[name], body, headers), timeout=5).close()
            except Exception as error:  # a chat may answer anything
                print(f"{event_id} is not in {name}: {error}", flush=True)
        seen.append(event_id)
