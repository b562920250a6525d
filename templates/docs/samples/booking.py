"""A small booking backend: every stay that is booked sends a checklist to the cleaner, and knows when it is done.

It shows all that an integration of Rundun needs: dispatch that may be repeated, webhooks that are verified and may
arrive twice or out of order, and the event feed, which brings what was missed while this backend was away.

    RUNDUN_URL=http://127.0.0.1:8000 RUNDUN_KEY=rdk_live_… TEMPLATE=t-… OWN_URL=http://127.0.0.1:9000 \\
      SECRET=… DATABASE=bookings.db python booking.py

It needs starlette, uvicorn, httpx2 and http-message-signatures.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx2
import uvicorn
from http_message_signatures import HTTPMessageVerifier, InvalidSignature, MappingKeyResolver, algorithms
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

OWN_URL = os.environ["OWN_URL"]
HOOK = f"{OWN_URL}/hooks/rundun"  # exactly what is dispatched, since the signature covers it
SECRET = os.environ["SECRET"]
TEMPLATE = os.environ["TEMPLATE"]
DATABASE = os.environ["DATABASE"]

rundun = httpx2.AsyncClient(
    base_url=os.environ["RUNDUN_URL"],
    headers={"authorization": f"Bearer {os.environ['RUNDUN_KEY']}"},
    timeout=40,  # longer than the longest wait for an event
)


@contextmanager
def database() -> Iterator[sqlite3.Connection]:
    """One transaction."""
    db = sqlite3.connect(DATABASE)
    try:
        with db:
            yield db
    finally:
        db.close()


def prepare() -> None:
    """Bookings, the events of their runs, and how far the feed was read."""
    with database() as db:
        db.execute("CREATE TABLE IF NOT EXISTS bookings (reference PRIMARY KEY, run_id UNIQUE, link)")
        db.execute("CREATE TABLE IF NOT EXISTS events (event_id PRIMARY KEY, run_id, seq, body)")
        db.execute("CREATE TABLE IF NOT EXISTS feed (cursor)")


# --- dispatch -----------------------------------------------------------------------------------------------------


async def book(request: Request) -> Response:
    """POST /bookings {"reference"}: dispatch the checklist. However often this is asked, there is one run."""
    reference = (await request.json())["reference"]
    answer = await rundun.post(
        "/v1/runs",
        headers={"idempotency-key": f"booking-{reference}"},
        json={"template_id": TEMPLATE, "executor_ref": reference, "webhook": {"url": HOOK, "secret": SECRET}},
    )
    if answer.status_code != 201:
        return JSONResponse({"problem": answer.json()}, 502)
    run = answer.json()

    await run_in_threadpool(keep_booking, reference, run["run_id"], run["link"])
    return JSONResponse({"reference": reference, "link": run["link"]}, 201)


def keep_booking(reference: str, run_id: str, link: str) -> None:
    """Which run a booking has; its events may be here already."""
    with database() as db:
        db.execute("INSERT OR IGNORE INTO bookings VALUES (?, ?, ?)", (reference, run_id, link))


# --- webhooks -----------------------------------------------------------------------------------------------------


verifier = HTTPMessageVerifier(
    signature_algorithm=algorithms.HMAC_SHA256,
    key_resolver=MappingKeyResolver(public_keys={"rundun-key": SECRET.encode()}, private_keys={}),
)


async def receive(request: Request) -> Response:
    """POST /hooks/rundun: anything but 2xx, and Rundun tries again."""
    body = await request.body()
    try:
        verifier.verify(
            SimpleNamespace(method="POST", url=HOOK, headers=request.headers),
            body=body,
            max_age=timedelta(minutes=5),
            require_components=("content-digest", "@method", "@target-uri"),
        )
    except InvalidSignature:
        return Response(status_code=401)
    await run_in_threadpool(keep, [json.loads(body)])
    return Response(status_code=204)


def keep(events: list[dict[str, Any]], cursor: str | None = None) -> None:
    """Keep events, each once, by whichever way it came first; with them how far the feed was read."""
    with database() as db:
        db.executemany(
            "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?)",
            [(one["event_id"], one["run_id"], one["seq"], json.dumps(one)) for one in events],
        )
        # Of a run that was erased nothing is kept but this event, whatever else of it comes late.
        erased = "SELECT run_id FROM events WHERE body ->> '$.event' = 'run.erased'"
        db.execute(f"DELETE FROM events WHERE run_id IN ({erased}) AND body ->> '$.event' <> 'run.erased'")
        db.execute(f"UPDATE bookings SET link = NULL WHERE run_id IN ({erased})")
        if cursor is not None:
            db.execute("DELETE FROM feed")
            db.execute("INSERT INTO feed VALUES (?)", (cursor,))


# --- the feed -----------------------------------------------------------------------------------------------------


async def follow() -> None:
    """Read the feed from where it was left, for as long as this backend runs. With it alone, without webhooks, an
    integration works just as well, behind any firewall.
    """
    while True:
        try:
            await read_feed()
        except httpx2.HTTPError as error:  # Rundun is away, or says “not so fast”
            response = getattr(error, "response", None)
            await asyncio.sleep(float(response.headers.get("retry-after", 1)) if response else 1)


async def read_feed() -> None:
    """One page of the feed, or half a minute's wait for the next event."""
    after = await run_in_threadpool(cursor)
    page = await rundun.get("/v1/events", params={"limit": 100, "wait": 30} | ({"after": after} if after else {}))
    if page.status_code == 410:  # the cursor leads nowhere: Rundun has an older copy of its database now
        await run_in_threadpool(begin_anew)
        return
    page.raise_for_status()
    told = page.json()
    await run_in_threadpool(keep, told["data"], told["next_cursor"])


def begin_anew() -> None:
    """Forget how far the feed was read. It is read from its beginning then, and events that are here already stay."""
    with database() as db:
        db.execute("DELETE FROM feed")


def cursor() -> str | None:
    """How far the feed was read."""
    with database() as db:
        row = db.execute("SELECT cursor FROM feed").fetchone()
    return row and str(row[0])


# --- what it is all for -------------------------------------------------------------------------------------------


async def show(request: Request) -> Response:
    """GET /bookings/{reference}: how far the cleaner is."""
    told = await run_in_threadpool(step_state, request.path_params["reference"])
    return JSONResponse(told or {"detail": "no such booking"}, 200 if told else 404)


def step_state(reference: str) -> dict[str, Any] | None:
    """Made of the run's events in the order of their `seq`, in whatever order they arrived."""
    with database() as db:
        booking = db.execute("SELECT run_id, link FROM bookings WHERE reference = ?", (reference,)).fetchone()
        if booking is None:
            return None
        rows = db.execute("SELECT body FROM events WHERE run_id = ? ORDER BY seq", (booking[0],)).fetchall()
    told: dict[str, Any] = {"reference": reference, "link": booking[1], "status": "sent", "answers": {}}
    for event in (json.loads(body) for (body,) in rows):
        data = event["data"]
        if event["event"] == "step.completed":
            told["answers"][data["step_label"]] = data["answer"]
            told["status"] = "under way"
        elif event["event"] == "step.skipped":
            told["answers"].pop(data["step_label"], None)
            told["status"] = "under way"
        elif event["event"] == "run.started":
            told["status"] = "under way"
        elif event["event"] != "run.changed":  # run.completed, run.cancelled, run.expired or run.erased: the last one
            told["status"] = event["event"].removeprefix("run.")
    return told


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """Follow the feed while this backend runs."""
    prepare()
    following = asyncio.create_task(follow())
    yield
    following.cancel()
    await rundun.aclose()


app = Starlette(
    routes=[
        Route("/bookings", book, methods=["POST"]),
        Route("/bookings/{reference}", show, methods=["GET"]),
        Route("/hooks/rundun", receive, methods=["POST"]),
    ],
    lifespan=lifespan,
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=urlsplit(OWN_URL).port or 80, log_level="warning")
