"""What was told of events: by webhooks, and by the feed."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from http_message_signatures import InvalidSignature

from rundun.core.runs.event import without_thumbnails
from tests.crash.auditor import Look, check
from tests.crash.ledger import Run
from tests.crash.receivers import Arrived
from tests.helpers.webhooks import verify

ENDS = {"completed": "run.completed", "cancelled": "run.cancelled", "expired": "run.expired"}


@check
def events_are_numbered_without_gaps(look: Look) -> Iterator[str]:
    events: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for row in look.of_runs("SELECT run_id, seq, event FROM events WHERE run_id IN run_ids ORDER BY number"):
        events[row["run_id"]].append((row["seq"], row["event"]))
    for row in look.of_runs("SELECT id, status, seq, started_at FROM runs WHERE id IN run_ids"):
        told = events[row["id"]]
        if [seq for seq, _ in told] != list(range(1, row["seq"] + 1)):
            yield f"{row['id']} is at {row['seq']} and has events {told}"
        names = [name for _, name in told]
        ends = [name for name in names if name in ENDS.values()]
        end = ENDS.get(row["status"])
        if ends != [end] * bool(end) or (end and names[-1] != end):
            yield f"{row['id']} is {row['status']} and has events {names}"
        if names.count("run.started") != (row["started_at"] is not None):
            yield f"{row['id']} was started at {row['started_at']} and has events {names}"


@check
def each_event_has_its_delivery(look: Look) -> Iterator[str]:
    for row in look.of_runs(
        "SELECT e.id, e.event, r.webhook_events, count(d.number) AS deliveries FROM events AS e "
        "JOIN runs AS r ON r.id = e.run_id LEFT JOIN deliveries AS d ON d.event = e.number "
        "WHERE e.run_id IN run_ids GROUP BY e.number"
    ):
        wanted = row["event"] in json.loads(row["webhook_events"] or "[]")
        if row["deliveries"] != wanted:
            yield f"{row['id']} {row['event']} has {row['deliveries']} deliveries, wanted: {wanted}"


@check
def deliveries_are_what_their_receivers_know(look: Look) -> Iterator[str]:
    answered: dict[tuple[str, int], set[int | None]] = defaultdict(set)
    for one in look.receivers.arrived:
        answered[one.attempt].add(one.status)
    made: dict[int, list[sqlite3.Row]] = defaultdict(list)
    for row in look.of_runs(
        "SELECT a.* FROM attempts AS a JOIN deliveries AS d ON d.number = a.delivery "
        "WHERE d.run_id IN run_ids ORDER BY a.delivery, a.number"
    ):
        made[row["delivery"]].append(row)
    for row in look.of_runs(
        "SELECT d.*, e.id AS event_id FROM deliveries AS d JOIN events AS e ON e.number = d.event "
        "WHERE d.run_id IN run_ids"
    ):
        attempts, event_id = made[row["number"]], row["event_id"]
        for wrong in _delivery(row, attempts):
            yield f"{event_id}: {wrong}"
        for attempt in attempts:
            known = answered[event_id, attempt["number"]]
            if attempt["status"] is not None and attempt["status"] not in known:
                yield f"{event_id} attempt {attempt['number']} got {attempt['status']}, the receiver said {known}"


def _delivery(row: sqlite3.Row, attempts: list[sqlite3.Row]) -> Iterator[str]:
    if [attempt["number"] for attempt in attempts] != list(range(1, row["attempts"] + 1)):
        yield f"{row['attempts']} attempts, and kept are {[attempt['number'] for attempt in attempts]}"
    is_pending = row["status"] == "pending"
    if (row["next_attempt_at"] is not None) != is_pending or (row["settled_at"] is None) != is_pending:
        yield f"{row['status']}, next at {row['next_attempt_at']}, settled at {row['settled_at']}"
    was_taken = bool(attempts) and attempts[-1]["status"] is not None and attempts[-1]["status"] // 100 == 2
    if not is_pending and (row["status"] == "delivered") != was_taken:
        yield f"{row['status']} after {[(one['status'], one['error']) for one in attempts]}"
    if any(one["error"] is None and one["status"] is None for one in attempts):
        yield "an attempt failed without a word"


@check
def what_arrived_is_what_happened(look: Look) -> Iterator[str]:
    new = look.receivers.arrived[0 if look.is_end else look.receivers.audited :]
    ids = json.dumps(list({one.json["event_id"] for one in new}))
    query = "SELECT id, run_id, body FROM events WHERE id IN (SELECT value FROM json_each(?))"
    events = {row["id"]: row for row in look.rows(query, ids)}
    runs, erased = {run.run_id: run for run in look.ledger.runs()}, look.ledger.erasures()
    for one in new:
        event = events.get(one.json["event_id"])
        if event is None and one.json["run_id"] in erased:
            continue
        if one.json["event"] == "webhook.test":
            continue
        if event is None:
            yield f"{one.json['event_id']} arrived and is no event: {one.json}"
            continue
        run = runs.get(event["run_id"])
        if run is not None and one.url not in run.webhooks():
            yield f"{one.json['event_id']} of {event['run_id']} arrived at {one.url}"
        else:
            for wrong in _arrival(one, json.loads(event["body"]), run):
                yield f"{one.json['event_id']}: {wrong}"
    # One that met no HTTP on a connection that was used before is sent once more in the same attempt.
    answered = Counter((one.life, *one.attempt) for one in new if one.status is not None)
    for (life, event_id, attempt), count in answered.items():
        if count > 1:
            yield f"{event_id} attempt {attempt} was sent {count} times in life {life}"


def _arrival(one: Arrived, event: dict[str, Any], run: Run | None) -> Iterator[str]:
    told = without_thumbnails({**one.json, "data": {**one.json["data"]}})
    del told["delivery_attempt"]
    told["data"].pop("thumbnails_omitted", None)
    if told != without_thumbnails(event):
        yield f"{told} arrived of {without_thumbnails(event)}"
    if run is None:
        return
    secret = run.webhooks()[one.url].get("secret")
    if (secret is not None) != ("signature" in one.received.headers):
        yield f"its signature: {one.received.headers}"
    elif secret is not None:
        try:
            verify(one.url, one.received, secret)
        except InvalidSignature as error:
            yield f"its signature: {error}"


@check
def the_feed_tells_all_in_order(look: Look) -> Iterator[str]:
    for organization in look.ledger.organizations:
        events = look.rows(
            "SELECT e.number, e.body FROM events AS e JOIN organizations AS o ON o.id = e.org_id WHERE o.name = ? "
            "AND e.number > ? AND e.run_id NOT IN (SELECT value FROM json_each(?)) ORDER BY e.number",
            organization.name,
            organization.audited_number,
            json.dumps(list(organization.erased)),
        )
        new = [one for one in organization.feed[organization.audited :] if one["run_id"] not in organization.erased]
        if len(new) > len(events) or (look.is_end and len(new) != len(events)):
            yield f"{organization.name} read {len(new)} events of {len(events)} behind number {organization.audited}"
        for told, row in zip(new, events, strict=False):
            cursor = told.pop("cursor", None)
            if told != without_thumbnails(json.loads(row["body"])):
                yield f"{organization.name} read {told} at {cursor}, and should have read {row['body']}"
        organization.audited = len(organization.feed)
        organization.audited_number = max([organization.audited_number, *(row["number"] for row in events[: len(new)])])


@check
def tests_of_webhooks_told_the_truth(look: Look) -> Iterator[str]:
    answered = {one.json["event_id"]: one.status for one in look.receivers.arrived}
    for told in look.ledger.tests:
        if told["status"] != answered.get(told["event_id"]) and told["status"] is not None:
            yield f"{told} was answered {answered.get(told['event_id'])}"
    look.ledger.tests.clear()


@check
def in_the_end_each_event_arrived(look: Look) -> Iterator[str]:
    if not look.is_end:
        return
    arrived = {one.json["event_id"] for one in look.receivers.arrived if one.status is not None}
    for row in look.rows("SELECT e.id, d.status FROM deliveries AS d JOIN events AS e ON e.number = d.event"):
        if row["status"] != "delivered" or row["id"] not in arrived:
            yield f"{row['id']} is {row['status']} in the end, and arrived: {row['id'] in arrived}"
