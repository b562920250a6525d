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
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue

HOOK, SECRET = os.environ["HOOK"], os.environ["SECRET"].encode()  # HOOK is `webhook.url` exactly as it was dispatched
COVERED = re.compile(r'\("content-digest" "@method" "@target-uri"\);created=(\d+);keyid="rundun-key"', re.ASCII)
ENDS = {"run.completed": "is done", "run.cancelled": "was cancelled", "run.expired": "has run out of time"}
CARD = "application/vnd.microsoft.card.adaptive"
CHATS = {
    # With mrkdwn off only &, < and > mean something, as in <!channel> and <https://…|here>.
    "SLACK": lambda text: {"text": escape(text, quote=False), "mrkdwn": False, "unfurl_links": False},
    # A TextRun, unlike a TextBlock, knows no Markdown.
    "TEAMS": lambda text: {"type": "message", "attachments": [{"contentType": CARD, "content": {"type": "AdaptiveCard",
        "version": "1.4", "body": [{"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text}]}]}}]},
    # Nobody is mentioned whatever it says, no link passes for another, and none is previewed (flag 4).
    "DISCORD": lambda text: {
        "content": re.sub(r"([\\*_~`|>\[\]()<#-])", r"\\\1", text), "allowed_mentions": {"parse": []}, "flags": 4},
}  # fmt: skip
waiting: SimpleQueue[tuple[str, str]] = SimpleQueue()


def is_signed(headers, body: bytes) -> bool:
    """Whether it was signed with our secret, for our address, within five minutes."""
    digest = f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"
    parameters = headers.get("signature-input", "").removeprefix("sig1=")
    base = f'"content-digest": {digest}\n"@method": POST\n"@target-uri": {HOOK}\n"@signature-params": {parameters}'
    signature = f"sig1=:{b64encode(hmac.digest(SECRET, base.encode(), 'sha256')).decode()}:"
    covered = COVERED.fullmatch(parameters)
    is_now = covered is not None and abs(time.time() - int(covered[1])) <= 300
    return is_now and hmac.compare_digest(signature.encode(), headers.get("signature", "").encode())


class Hook(BaseHTTPRequestHandler):
    timeout = 10

    def do_POST(self) -> None:
        """Verify first, and answer at once: chats take their time."""
        body = self.rfile.read(max(0, min(int(self.headers.get("content-length", 0)), 2**24)))
        is_ours = is_signed(self.headers, body)
        if is_ours and (event := json.loads(body))["event"] in ENDS:
            waiting.put((event["event_id"], line(event)))
        self.send_response(204 if is_ours else 401)
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
            except OSError as error:
                print(f"{event_id} is not in {name}: {error}", flush=True)
        seen.append(event_id)
