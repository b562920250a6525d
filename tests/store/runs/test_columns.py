"""Each column of `runs`: erasing, repeating, searching, the archive, CSV and JSON use it, or it is named here as not
theirs, with the reason. A new column is in none of them until somebody has thought of all six.
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from rundun.core import times
from rundun.scheduler import index_runs
from rundun.store.sqlite.transaction import Tx
from tests.helpers.canaries import signature
from tests.helpers.console.console import operator
from tests.helpers.service import BOOLEAN, HOUR, NOON, Ed, Receiver, World
from tests.web.console.runs.test_export import archive, table

FIELDS = [{"id": "f-door", "label": "Door code", "kind": "secret"}, {"id": "f-unit", "label": "Unit", "kind": "text"}]
TEMPLATE: dict[str, Any] = {
    "fields": FIELDS,
    "execution": {"identity_required": "name"},
    "settings": {"signature_on_complete": True},
}
JOB = {
    "executor_ref": "canaryreference",
    "language": "fr",
    "title": "canarytitle",
    "note": "canarynote",
    "due_at": times.wire(NOON + HOUR),
    "fields": {"f-unit": "canaryunit", "f-door": "canarydoor"},
    "prefill": {"s-ok": True},
}
# What no request sets is written into the row. A column that is not named here gets a word, or a number, of its own:
# where the schema allows fewer values, one of them has to stand here.
WRITTEN: Mapping[str, Any] = {
    "revision": 4711,
    "seq": 4712,
    "device": "canarydevice",
    "webhook_gone": 1,
    "cancelled_by": "integrator",
    "cancel_reason": "canaryreason",
    "last_step_id": "s-canary",
    "progress": '{"total": 71, "answered": 31, "skipped": 1, "unable": 1}',
    "flagged": 33,
    "clock_skew_seconds": 4713,
    "has_remarks": 1,
    "has_photos": 1,
    "kept_from": NOON + 3 * HOUR,
    "closed_at": NOON + 4 * HOUR,
    "handled_at": NOON + 5 * HOUR,
    "updated_at": NOON + 6 * HOUR,
    "webhook_forgotten": 1,
}
# What the requests of a run have set, and what says that a run is erased.
SET = {
    *("number", "id", "org_id", "template_id", "template_v", "status", "created_at", "expires_at", "started_at"),
    *("assigned_to", "identity", "webhook_url", "webhook_secret", "webhook_events", "webhook_destination"),
    *("signature", "secrets", "previous_run_id", "erased_at", "erased_by", *JOB),
}
IDS = ("number", "org_id")
OF_WEBHOOK = ("webhook_gone", "webhook_destination", "webhook_forgotten")
OURS = ("device", "seq", "secrets", "has_remarks", "has_photos", "kept_from", "erased_at", "erased_by")
END = ("cancelled_by", "cancel_reason", "last_step_id", "signature", "closed_at", "kept_from")

# What is not theirs, and why.
STAYS = {
    **dict.fromkeys(("number", "id", "org_id", "template_id", "template_v", "status", "revision", "seq"), "a stub"),
    **dict.fromkeys(("created_at", "updated_at", "expires_at", "started_at", "closed_at", "kept_from"), "its times"),
    **dict.fromkeys(("erased_at", "erased_by"), "that it is erased"),
}
NOT_REPEATED = {
    **dict.fromkeys(("number", "id", "created_at", "updated_at", "revision", "seq", "status"), "a run of its own"),
    **dict.fromkeys(("started_at", "assigned_to", "identity", "device", "progress", "flagged"), "what was done"),
    **dict.fromkeys(("clock_skew_seconds", "has_remarks", "has_photos", "handled_at", "handled_note"), "what was done"),
    **dict.fromkeys(END, "its end"),
    **dict.fromkeys(("due_at", "expires_at", "prefill"), "of that day"),
    **dict.fromkeys(("webhook_gone", "webhook_forgotten"), "a new webhook"),
    **dict.fromkeys(("erased_at", "erased_by"), "nothing erased is repeated"),
    "secrets": "ended with the run",
    "previous_run_id": "the run that is repeated",
}
NOT_SEARCHED = {
    **dict.fromkeys(("number", "org_id", "template_id", "template_v", "signature"), "numbers and ids"),
    **dict.fromkeys(("status", "created_at", "updated_at", "expires_at", "started_at", "closed_at"), "filters"),
    **dict.fromkeys(
        ("due_at", "handled_at", "flagged", "language", "assigned_to", "previous_run_id"), "filters, lists"
    ),
    **dict.fromkeys(("progress", "clock_skew_seconds", "revision", "cancelled_by", "last_step_id"), "counts and words"),
    **dict.fromkeys(("note", "prefill", "cancel_reason", "handled_note"), "long texts"),
    **dict.fromkeys(("webhook_url", "webhook_secret", "webhook_events", *OF_WEBHOOK, *OURS), "ours"),
}
NOT_IN_JSON = {
    **dict.fromkeys(IDS, "ids of ours"),
    **dict.fromkeys(OURS, "ours; events have `seq`"),
    **dict.fromkeys(OF_WEBHOOK, "of deliveries"),
    "webhook_secret": "never comes back",
}
NOT_IN_CSV = {
    **dict.fromkeys((*IDS, *OURS, *OF_WEBHOOK, "webhook_secret"), "as in JSON"),
    **dict.fromkeys(("webhook_url", "webhook_events", "revision", "updated_at", "last_step_id"), "for integrators"),
    **dict.fromkeys(("note", "prefill", "language", "previous_run_id", "signature"), "on the run's page"),
}
# Where a column is found that has another name there.
IN_JSON = {
    "id": "run_id",
    "closed_at": "cancelled_at",
    "identity": "identity.name",
    "cancelled_by": "cancellation.by",
    "cancel_reason": "cancellation.reason",
    "last_step_id": "cancellation.last_step_id",
    "webhook_url": "webhook.url",
    "webhook_events": "webhook.events",
    "signature": "signature.typed_name",
}
IN_CSV = {
    "id": "run_id",
    "executor_ref": "reference",
    "assigned_to": "executor_id",
    "identity": "executor",
    "progress": "steps",
}
# And how it is said there, where not as it is stored.
SAID: dict[str, Any] = {"identity": "canaryname", "signature": "Typed canary"}
SAID_IN_CSV = {"progress": "71", "fields": "Unit: canaryunit"}
SEARCHED_BY = {"identity": "canaryname", "fields": "canaryunit"}


def columns(tx: Tx) -> dict[str, str]:
    """List the columns with their types, but for those that are computed of others."""
    return {row["name"]: row["type"] for row in tx.db.execute("PRAGMA table_info(runs)")}


def row(tx: Tx, run_id: str) -> dict[str, Any]:
    return dict(tx.get_row("run", f"SELECT {', '.join(columns(tx))} FROM runs WHERE id = ?", run_id))


async def full_run(
    w: World, *, is_closed: bool, url: str = "http://127.0.0.1:1/", **written: Any
) -> tuple[Ed, dict[str, Any]]:
    """Make a run with something in every column; returns it with its row."""
    template_id = await w.template({**BOOLEAN, "required": False}, **TEMPLATE)
    webhook = {"url": f"{url}?canary", "secret": "canary of a webhook", "events": ["run.erased"]}
    previous, ed = await w.dispatch(template_id), await w.dispatch(template_id, **JOB, webhook=webhook)
    assert (await ed.start(name="canaryname")).status_code == 200
    params = {"typed_name": "Typed canary"}
    signed = await ed.call("PUT", "/signature", content=signature("canary"), params=params)
    assert signed.status_code == 201, signed.text
    if is_closed:
        assert (await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})).status_code == 200

    def write(tx: Tx) -> dict[str, Any]:
        number = tx.number("SELECT number FROM signatures WHERE run_id = ?", ed.run_id)
        values = {"signature": number, "previous_run_id": previous.run_id, **WRITTEN, **written}
        for place, (name, kind) in enumerate(columns(tx).items()):
            if name not in SET:
                values.setdefault(name, f"canary{name}" if kind == "TEXT" else 9000 + place)
        tx.update("runs", tx.number("SELECT number FROM runs WHERE id = ?", ed.run_id), **values)
        return row(tx, ed.run_id)

    return ed, await w.database.write(write)


def found(record: Any, path: str) -> Any:
    for name in path.split("."):
        record = (record or {}).get(name)
    return record


def said(stored: Any) -> list[Any]:
    """List how a stored value is said on the wire, and in a table."""
    if isinstance(stored, str):
        return [stored, json.loads(stored)] if stored.startswith(("{", "[")) else [stored]
    is_time = stored is not None and stored >= NOON
    return [stored, str(stored), *([times.wire(stored), times.wire(stored).replace("Z", "+00:00")] if is_time else [])]


@pytest.mark.parametrize(
    "reasons", [STAYS, NOT_REPEATED, NOT_SEARCHED, NOT_IN_JSON, NOT_IN_CSV, IN_JSON, IN_CSV, WRITTEN]
)
async def test_what_is_named_is_a_column(shared: World, reasons: Mapping[str, Any]) -> None:
    assert reasons.keys() <= (await shared.database.read(columns)).keys()


async def test_erasing_leaves_nothing_of_a_column(w: World, receiver: Receiver) -> None:
    ed, before = await full_run(w, is_closed=False, url=receiver.url)
    empty = {name for name, value in before.items() if value is None and name not in ("erased_at", "erased_by")}
    assert empty == set(), "with nothing in it nothing is tried"
    assert (await w.acme.delete(f"/v1/runs/{ed.run_id}")).status_code == 204
    await w.deliver()
    left = await w.database.read(row, ed.run_id)
    assert {name for name, value in left.items() if name not in STAYS and value not in (None, 0, "{}")} == set()


async def test_repeating_copies_each_column(w: World) -> None:
    ed, before = await full_run(w, is_closed=True, webhook_forgotten=0, webhook_gone=1)
    again = await w.acme.post(f"/v1/runs/{ed.run_id}/again", json={"fields": {"f-door": "canaryother"}})
    assert again.status_code == 201, again.text
    after = await w.database.read(row, again.json()["run_id"])
    assert {name for name in before if name not in NOT_REPEATED and after[name] != before[name]} == set()


async def test_a_search_finds_by_each_column(w: World) -> None:
    ed, before = await full_run(w, is_closed=True)
    await index_runs(w.database)
    for name, value in before.items():
        if name not in NOT_SEARCHED:
            answer = await w.acme.get("/v1/runs", params={"q": SEARCHED_BY.get(name, str(value))})
            assert [run["run_id"] for run in answer.json()["data"]] == [ed.run_id], f"{name} is not searched"


async def test_json_says_each_column(w: World) -> None:
    ed, before = await full_run(w, is_closed=True)
    assert columns_missing(await w.run(ed), before, NOT_IN_JSON, IN_JSON, SAID) == set()


async def test_an_archive_says_each_column(w: World) -> None:
    ann = await operator(w)
    ed, before = await full_run(w, is_closed=True)
    record = json.loads((await archive(ann, ed)).read("run.json"))
    assert columns_missing(record, before, NOT_IN_JSON, IN_JSON, SAID) == set()


async def test_a_table_says_each_column(w: World) -> None:
    ann = await operator(w)
    ed, before = await full_run(w, is_closed=True)
    (line,) = [line for line in await table(ann) if line["run_id"] == ed.run_id]
    assert columns_missing(line, before, NOT_IN_CSV, IN_CSV, {**SAID, **SAID_IN_CSV}) == set()


def columns_missing(
    record: Any,
    stored: Mapping[str, Any],
    not_theirs: Mapping[str, str],
    names: Mapping[str, str],
    said_as: Mapping[str, Any],
) -> set[str]:
    """Return the columns that a record does not say, although they are not named as not its own."""
    return {
        name
        for name, value in stored.items()
        if name not in not_theirs
        and found(record, names.get(name, name)) not in ([said_as[name]] if name in said_as else said(value))
    }
