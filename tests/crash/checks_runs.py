"""What was told of templates, runs, answers, keys and credits, and what the database says of them."""

import json
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from tests.crash.auditor import Look, check
from tests.crash.ledger import OPEN, Answer, Run
from tests.helpers.processes.service_process import rows as tuples

PLAIN = ("s-ok", "s-why", "s-num")  # steps on which each change is one event


@check
def the_file_is_sound(look: Look) -> Iterator[str]:
    if look.is_end and (found := tuples(look.db, "PRAGMA integrity_check")) != [("ok",)]:
        yield f"integrity_check: {found}"
    if found := tuples(look.db, "PRAGMA foreign_key_check"):
        yield f"foreign_key_check: {found}"


@check
def each_dispatch_made_its_runs(look: Look) -> Iterator[str]:
    made: dict[str, list[sqlite3.Row]] = defaultdict(list)
    query = "SELECT id, executor_ref, org_id, template_id, webhook_url FROM runs WHERE erased_at IS NULL"
    for row in look.rows(query):
        made[row["executor_ref"]].append(row)
    erased = {row["id"] for row in look.rows("SELECT id FROM runs WHERE erased_at IS NOT NULL")}
    for organization in look.ledger.organizations:
        for ref, asked in organization.dispatches.items():
            found, write = made.pop(ref, []), asked.write
            most = 1 if asked.has_key else len(write.answers) + write.unheard
            gone = asked.run_ids & erased
            if len(found) + len(gone) > most or not asked.run_ids - gone <= {row["id"] for row in found}:
                told = f"{sorted(asked.run_ids)} told, {write.unheard} unheard, key {asked.has_key}"
                yield f"{ref} made {[row['id'] for row in found]}; {told}"
            for row in found:
                known = {**organization.runs, **{run_id: one[0] for run_id, one in organization.erased.items()}}
                run = known.get(row["id"]) or Run(row["id"], asked)
                if row["template_id"] != asked.template.template_id or not run.may_have(row["webhook_url"]):
                    yield f"{row['id']} was dispatched otherwise: {tuple(row)}"
    for ref, found in made.items():
        yield f"nobody dispatched {ref}: {[row['id'] for row in found]}"


@check
def what_was_erased_stays_so(look: Look) -> Iterator[str]:
    asked = look.ledger.erasures()
    erased = {row["id"] for row in look.rows("SELECT id FROM runs WHERE erased_at IS NOT NULL")}
    for run_id, (_, write) in asked.items():
        if write.is_told and run_id not in erased:
            yield f"{run_id} was erased, and is there"
    for run_id in erased:
        if run_id not in asked or not asked[run_id][1].may_be_done:
            yield f"{run_id} is erased, and nobody asked for that"
    stub = "SELECT id FROM runs WHERE erased_at IS NOT NULL"
    for table in ("answers", "remarks", "photos", "signatures", "changes", "deliveries", "idempotency_keys"):
        if found := look.rows(f"SELECT run_id FROM {table} WHERE run_id IN ({stub})"):
            yield f"{table} has {[row[0] for row in found]}, which are erased"
    events = look.rows(f"SELECT run_id, group_concat(event) FROM events WHERE run_id IN ({stub}) GROUP BY run_id")
    if wrong := [tuple(row) for row in events if row[1] != "run.erased"] or len(events) - len(erased):
        yield f"of {len(erased)} erased runs there are events {wrong}"


@check
def each_run_cost_one_credit(look: Look) -> Iterator[str]:
    for organization in look.ledger.organizations:
        ((credits, runs),) = look.rows(
            "SELECT credits, (SELECT count(*) FROM runs WHERE org_id = o.id) FROM organizations AS o WHERE name = ?",
            organization.name,
        )
        extra = credits + runs - organization.given
        if extra and extra == sum(organization.asked):
            organization.given += extra
        elif extra:
            told = f"given {organization.given}, perhaps {organization.asked}"
            yield f"{organization.name} has {credits} credits after {runs} runs; {told}"
        organization.asked.clear()


@check
def what_is_stored_is_counted(look: Look) -> Iterator[str]:
    for row in look.rows(
        "SELECT name, bytes_used, (SELECT sum(bytes) FROM uses WHERE org_id = o.id) AS stored FROM organizations AS o"
    ):
        if row["bytes_used"] != (row["stored"] or 0):
            yield f"{row['name']} stores {row['stored']} bytes, and is said to store {row['bytes_used']}"


@check
def secrets_end_with_their_runs(look: Look) -> Iterator[str]:
    for row in look.rows(
        "SELECT r.id, r.status, r.secrets, s.number FROM runs AS r LEFT JOIN run_secrets AS s ON s.number = r.number "
        "WHERE (r.secrets IS NULL) != (s.number IS NULL) OR (r.closed_at IS NOT NULL AND s.number IS NOT NULL)"
    ):
        yield f"{row['id']} is {row['status']} with secrets {row['secrets']}, kept: {row['number'] is not None}"


@check
def runs_are_where_they_were_told_to_be(look: Look) -> Iterator[str]:
    found = {row["id"]: row for row in look.of_runs("SELECT * FROM runs WHERE id IN run_ids")}
    for run_id, run in look.runs.items():
        row = found.get(run_id)
        if row is None:
            yield f"{run_id} is gone"
            continue
        if row["revision"] < run.revision:
            yield f"{run_id} is at revision {row['revision']}, and was at {run.revision}"
        has_moved = row["status"] != run.status and (not run.is_open or row["status"] == "pending")
        if has_moved or (run.person and row["assigned_to"] != run.person):
            yield f"{run_id} is {row['status']} by {row['assigned_to']}, and was {run.status} by {run.person}"
        if (row["closed_at"] is None) != (row["status"] in OPEN):
            yield f"{run_id} is {row['status']}, closed at {row['closed_at']}"
        yield from _expiry(run, row)


def _expiry(run: Run, row: sqlite3.Row) -> Iterator[str]:
    until = row["expires_at"]
    if run.expires_at != "" and (run.expires_at is None) != (until is None):
        yield f"{run.run_id} expires at {until}, and was extended until {run.expires_at}"
    if row["status"] == "expired" and (until is None or row["closed_at"] < until):
        yield f"{run.run_id} has expired at {row['closed_at']}, before {until}"


@check
def answers_are_those_that_were_sent(look: Look) -> Iterator[str]:
    kept: dict[tuple[str, str], list[sqlite3.Row]] = defaultdict(list)
    for row in look.of_runs("SELECT * FROM answers WHERE run_id IN run_ids ORDER BY number"):
        kept[row["run_id"], row["step_id"]].append(row)
    now = time.time() * 1000
    for row in look.of_runs("SELECT id, status, expires_at FROM runs WHERE id IN run_ids"):
        run_id, is_over = row["id"], row["status"] not in OPEN or (row["expires_at"] or now) < now
        for step_id, sent in look.runs[run_id].answers.items():
            for wrong in _answers(sent, kept.pop((run_id, step_id), []), is_over):
                yield f"{run_id} {step_id}: {wrong}"
    for place in kept:
        yield f"nobody answered {place}"


def _answers(sent: list[Answer], found: list[sqlite3.Row], is_over: bool) -> Iterator[str]:
    by_id = {answer.answer_id: answer for answer in sent}
    order = [by_id[row["answer_id"]] for row in found if row["answer_id"] in by_id]
    if len(order) != len(found):
        yield "there is an answer that nobody gave"
    for row, answer in zip(found, order, strict=False):
        if _content(row) != answer.content:
            yield f"{_content(row)} is kept of {answer.content}"
        if not answer.write.may_be_done:
            yield f"{answer.content} was refused and is kept"
    current = [_content(row) for row in found if row["is_current"]]
    if len(current) != bool(found) or (found and current[0] != _content(found[-1])):
        yield f"in force is {current}, and the last is {found and _content(found[-1])}"
    for answer in sent:
        # On a run that is over, what is in force may be said again, which is not kept.
        if answer.write.is_told and answer not in order and not (is_over and [answer.content] == current):
            yield f"{answer.content} ({answer.answer_id}) is lost; in force is {current}"
    yield from _disorder([(answer.write.sent_at, answer.write.told_at, answer.content) for answer in order])


@check
def remarks_are_those_that_were_sent(look: Look) -> Iterator[str]:
    kept: dict[str, list[sqlite3.Row]] = defaultdict(list)
    for row in look.of_runs("SELECT * FROM remarks WHERE run_id IN run_ids ORDER BY number"):
        kept[row["run_id"]].append(row)
    for run_id, run in look.runs.items():
        order = [run.remarks.get(row["remark_id"], ("", "", run.dispatch.write)) for row in kept[run_id]]
        for row, (step_id, text, write) in zip(kept[run_id], order, strict=True):
            if (row["step_id"], row["text"]) != (step_id, text) or not write.may_be_done:
                yield f"{run_id} has {tuple(row)}, which nobody noted"
        for remark in run.remarks.values():
            if remark[2].is_told and remark not in order:
                yield f"{run_id} has lost {remark[:2]}"
        last = {row["step_id"]: row["number"] for row in kept[run_id]}
        if {row["step_id"]: row["number"] for row in kept[run_id] if row["is_current"]} != last:
            yield f"{run_id} has in force what is not the last of {last}"
        yield from _disorder([(write.sent_at, write.told_at, text) for _, text, write in order])


def _content(row: sqlite3.Row) -> tuple[Any, bool, str | None]:
    return json.loads(row["value"]), bool(row["skipped"]), row["unable"]


def _disorder(order: list[tuple[int, int, Any]]) -> Iterator[str]:
    """Tell of what stands behind something that was sent only after it had been told."""
    for index, (sent_at, _, content) in enumerate(order):
        for _, told_at, later in order[index + 1 :]:
            if told_at and told_at < sent_at:
                yield f"{later} was told before {content} was sent, and counts as later"


@check
def each_answer_has_its_event(look: Look) -> Iterator[str]:
    told = Counter(
        (row["run_id"], row["step_id"])
        for row in look.of_runs(
            "SELECT run_id, body ->> '$.data.step_id' AS step_id FROM events "
            "WHERE run_id IN run_ids AND event IN ('step.completed', 'step.skipped')"
        )
    )
    changes: Counter[tuple[str, str]] = Counter()
    before: dict[tuple[str, str], Any] = {}
    for row in look.of_runs("SELECT * FROM answers WHERE run_id IN run_ids ORDER BY number"):
        place = row["run_id"], row["step_id"]
        changes[place] += before.get(place) != _content(row)
        before[place] = _content(row)
    for place in {*told, *changes}:
        if place[1] in PLAIN and told[place] != changes[place]:
            yield f"{place} was changed {changes[place]} times, and has {told[place]} events"
        if not changes[place]:
            yield f"{place} has {told[place]} events and no answer"


@check
def templates_are_those_that_were_put(look: Look) -> Iterator[str]:
    kept: dict[str, dict[int, str]] = defaultdict(dict)
    for row in look.rows("SELECT template_id, v, body ->> '$.name' AS name FROM template_versions"):
        kept[row["template_id"]][row["v"]] = row["name"]
    heads = {row["id"]: row for row in look.rows("SELECT * FROM templates")}
    known = {template.template_id: template for one in look.ledger.organizations for template in one.templates}
    for template_id, names in kept.items():
        template = known.get(template_id)
        if sorted(names) != list(range(1, heads[template_id]["v"] + 1)):
            yield f"{template_id} is at version {heads[template_id]['v']} and has {sorted(names)}"
        if template is None:
            write = look.ledger.new_templates.get(names[1])
            if write is None or not write.unheard:
                yield f"{template_id} {names} was told to nobody"
            continue
        asked = {name for name, write in template.asked.items() if write.may_be_done}
        if not template.names.items() <= names.items() or not set(names.values()) - {template.names[1]} <= asked:
            yield f"{template_id} has versions {names}, and was told {template.names}"
    for template_id, template in known.items():
        if template_id not in kept:
            yield f"{template_id} is gone"
        elif template.is_archived and heads[template_id]["archived_at"] is None:
            yield f"{template_id} is not archived"


@check
def keys_are_those_that_were_made(look: Look) -> Iterator[str]:
    found = {row["name"]: row for row in look.rows("SELECT * FROM keys")}
    if len(found) != len(look.rows("SELECT id FROM keys")):
        yield "a key was made twice"
    for organization in look.ledger.organizations:
        for key in organization.keys:
            row = found.get(key.name)
            if key.secret and row is None:
                yield f"{key.name} is lost"
            if row is not None and row["revoked_at"] is not None and not key.may_be_revoked:
                yield f"{key.name} is revoked, and nobody did it"
            if key.is_revoked and (row is None or row["revoked_at"] is None):
                yield f"{key.name} is not revoked"


@check
def repeated_requests_are_known(look: Look) -> Iterator[str]:
    stored = {
        (row["path"], row["key"]): (row["status"], row["body"])
        for row in look.rows("SELECT path, key, status, body FROM idempotency_keys")
    }
    erased = look.ledger.erasures()
    for write in look.ledger.keyed:
        place = write.path, write.arguments["headers"]["idempotency-key"]
        is_gone = place not in stored and write.answers and write.answers[0].json().get("run_id") in erased
        if (
            not is_gone
            and write.answers
            and stored.get(place) != (write.answers[0].status_code, write.answers[0].content)
        ):
            yield f"{place} was answered {write.answers[0].text}, and kept is {stored.get(place)}"
        if place in stored and not write.may_be_done:
            yield f"{place} was refused, and is kept as done: {stored[place]}"
