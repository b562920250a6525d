import json
import time
import urllib.error
import urllib.request
from pathlib import Path

SITE = "http://127.0.0.1:8000"
KEY = "rdk_live_…"
# How far you have come; better: in your database, in the transaction that keeps the events.
CURSOR = Path("cursor.txt")


def follow(handle) -> None:
    """Give every event to `handle`, once each, for as long as this runs."""
    while True:
        after = f"&after={CURSOR.read_text()}" if CURSOR.exists() else ""
        request = urllib.request.Request(
            f"{SITE}/v1/events?wait=30&limit=100{after}", headers={"Authorization": f"Bearer {KEY}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=40) as response:
                page = json.load(response)
        except urllib.error.HTTPError as problem:
            if problem.code not in (429, 503):
                raise  # 401, or 410: the cursor leads nowhere any more
            time.sleep(int(problem.headers["Retry-After"]))
            continue
        except OSError:  # away for a moment
            time.sleep(1)
            continue
        for event in page["data"]:
            handle(event)
        CURSOR.write_text(page["next_cursor"])
