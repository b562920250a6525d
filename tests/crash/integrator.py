"""Work of an integrator: templates, runs, deliveries, the feed."""

import asyncio
import json
from typing import Any

import httpx2

from tests.crash.clients import Client, kind, until_broken
from tests.crash.ledger import FEW, Dispatch, Organization, Run, Template, Write, WrongAnswer
from tests.crash.receivers import SECRETS, TEMPERS

MOMENT = 0.00003  # hours: a tenth of a second
EVENTS = (["*"], ["*", "run.started"], ["run.completed", "run.cancelled", "run.expired"], ["step.completed"])


def checklist(name: str, facts: dict[str, Any]) -> dict[str, Any]:
    """A checklist of plain steps, of one that depends on another, and of pictures."""
    not_fine = {"when": {"step": "s-ok", "op": "eq", "value": False}}
    return {
        "name": name,
        "settings": {"allow_skip": True, "signature_on_complete": facts["is_signed"]},
        "execution": {"scope": facts["scope"]},
        "fields": [
            {"id": "f-unit", "label": "Unit", "kind": "text"},
            {"id": "f-door", "label": "Door code", "kind": "secret"},
        ],
        "steps": [
            {"id": "s-ok", "type": "boolean", "label": "All fine?"},
            {"id": "s-why", "type": "text", "label": "Why?", "required": False},
            {"id": "s-num", "type": "number", "label": "How many?", "required": False},
            {"id": "s-if", "type": "text", "label": "What is not?", "required": False, "condition": not_fine},
            {"id": "s-pic", "type": "photo", "label": "The door", "required": False},
            {"id": "s-sign", "type": "signature", "label": "The neighbour", "required": False},
        ],
    }


def once(client: Client, write: Write) -> Write:
    """Give two of three POSTs an `Idempotency-Key`; the others must not be sent twice."""
    if client.rng.random() < 2 / 3:
        write.arguments["headers"] = {"idempotency-key": client.ledger.name("key")}
        write.is_replayed = True
        client.ledger.keyed.append(write)
    else:
        write.is_repeatable = False
    return write


@kind(1)
async def make_template(client: Client) -> None:
    """Make a template."""
    rng, organization, name = client.rng, client.organization, client.ledger.name("Check")
    facts = {"is_signed": rng.random() < 0.3, "scope": rng.choice(["any", "any", "first_device"])}

    def told(response: httpx2.Response) -> None:
        made = response.json()
        if made["id"] not in {template.template_id for template in organization.templates}:
            organization.templates.append(Template(made["id"], 1, {1: name}, facts))

    write = once(client, Write("POST", "/v1/templates", (201,), told=told, arguments={"json": checklist(name, facts)}))
    client.ledger.new_templates[name] = write
    await client.write(write)


def pick_template(client: Client) -> Template | None:
    """Pick a template that is not archived, or None."""
    templates = [one for one in client.organization.templates if one.archived is None]
    return client.rng.choice(templates) if templates else None


@kind(2)
async def revise_template(client: Client) -> None:
    """Put a new version in place of the one that was seen. Where two do so at once, one of them is refused."""
    template = pick_template(client)
    if template is None:
        return
    rivals = [_revise(client, template) for _ in range(client.rng.choice([1, 2]))]
    done = await asyncio.gather(*(client.write(write) for write in rivals), return_exceptions=True)
    for failed in done:
        if isinstance(failed, BaseException):
            raise failed
    if not any(done):  # somebody else was first, perhaps one of us whom nobody heard
        read = (await client.get(f"/v1/templates/{template.template_id}")).json()
        is_known = read["name"] in template.asked or read["name"] == template.names[1]
        _require(is_known, f"{template.template_id} is {read['name']}, which nobody asked for")
        template.v = max(template.v, read["v"])


def _revise(client: Client, template: Template) -> Write:
    name, seen = client.ledger.name("Check"), template.v

    def told(response: httpx2.Response) -> None:
        v = response.json()["v"]
        _require(v == seen + 1, f"{template.template_id} {name} is version {v}, made of {seen}")
        _require(template.names.setdefault(v, name) == name, f"{name} is {template.template_id} v{v}: {template.names}")
        template.v = max(template.v, v)

    write = Write("PUT", f"/v1/templates/{template.template_id}", (200,), ("version_mismatch",), told)
    etag = f'"{template.template_id}.{seen}"'
    write.arguments = {"json": checklist(name, template.facts), "headers": {"if-match": etag}}
    write.is_repeatable = False  # done, it would be refused
    template.asked[name] = write
    return write


def _require(is_true: bool, text: str) -> None:
    if not is_true:
        raise WrongAnswer(f"It isn't so that {text}")


@kind(1)
async def archive_template(client: Client) -> None:
    """Archive a template, if there are enough of them."""
    template = pick_template(client)
    if template is None or sum(one.archived is None for one in client.organization.templates) < 4:
        return
    template.archived = Write("DELETE", f"/v1/templates/{template.template_id}", (204,))
    await client.write(template.archived)


@kind(1)
async def dispatch_archived(client: Client) -> None:
    """Try to dispatch a run of an archived template: refused, and for nothing."""
    archived = [one for one in client.organization.templates if one.is_archived]
    if archived:
        body = {"template_id": client.rng.choice(archived).template_id, "executor_ref": client.ledger.name("job")}
        await client.write(Write("POST", "/v1/runs", (), ("template_archived",), arguments={"json": body}))


@kind(8)
async def dispatch(client: Client) -> None:
    """Dispatch a run, to a webhook of any temper or to none: exactly one run and one credit."""
    template, rng = pick_template(client), client.rng
    if template is None:
        return await make_template(client)
    if len(client.organization.still_open()) >= FEW:
        return None
    body: dict[str, Any] = {"template_id": template.template_id, "executor_ref": client.ledger.name("job")}
    temper = rng.choice([None, *TEMPERS])
    if temper:
        secret = rng.choice(SECRETS)
        url = client.life.receivers.url(temper, body["executor_ref"].replace(" ", "/"))
        body["webhook"] = {"url": url, "events": rng.choice(EVENTS), **({"secret": secret} if secret else {})}
    if rng.random() < 0.5:
        body |= {"title": body["executor_ref"], "fields": {"f-unit": "3", "f-door": "4711"}, "prefill": {"s-num": 3}}
    if rng.random() < 0.3:
        body["expires_in_hours"] = rng.choice([None, MOMENT, 3 * MOMENT, 10 * MOMENT])
    await client.write(_dispatch(client, template, body))
    return None


def _dispatch(client: Client, template: Template, body: dict[str, Any]) -> Write:
    organization = client.organization

    def told(response: httpx2.Response) -> None:
        dispatched(organization, asked, response.json()["run_id"])

    # The template may have been archived by another of us meanwhile.
    write = Write("POST", "/v1/runs", (201,), ("template_archived",), told, arguments={"json": body})
    has_key = once(client, write).is_replayed
    asked = Dispatch(body["executor_ref"], template, has_key, body.get("webhook"), write)
    organization.dispatches[asked.ref] = asked
    return write


def dispatched(organization: Organization, asked: Dispatch, run_id: str) -> None:
    """Note that a run was dispatched; it is worked on from now on."""
    asked.run_ids.add(run_id)
    if run_id not in organization.runs:
        organization.runs[run_id] = Run(run_id, asked)
        organization.open_runs.append(organization.runs[run_id])


def _steer(client: Client, run: Run, what: str, body: Any, *refused: str) -> Write:
    write = Write("POST", f"/v1/runs/{run.run_id}/{what}", (200,), ("wrong_status", *refused), run=run)
    write.arguments = {"json": body}
    return once(client, write)


@kind(1)
async def cancel(client: Client) -> None:
    """Cancel a run, whoever is at work on it."""
    if runs := client.organization.still_open():
        await client.write(_steer(client, client.rng.choice(runs), "cancel", {"reason": "no more"}))


@kind(2)
async def extend(client: Client) -> None:
    """Let a run be open for longer."""
    if not (runs := client.organization.still_open()):
        return
    run = client.rng.choice(runs)

    def told(response: httpx2.Response) -> None:
        until = response.json()["expires_at"]
        run.expires_at = None if until is None or run.expires_at is None else max(until, run.expires_at)

    hours = client.rng.choice([MOMENT, 10 * MOMENT, 73.0, 74.0])
    write = _steer(client, run, "extend", {"expires_in_hours": hours}, "would_shorten")
    write.told = told
    await client.write(write)


@kind(1)
async def release(client: Client) -> None:
    """Free a run of its one device."""
    if runs := client.organization.still_open():
        await client.write(_steer(client, client.rng.choice(runs), "release", {}))


@kind(2)
async def erase(client: Client) -> None:
    """Erase a run that somebody has begun, whoever still wants something of it: it is gone for good."""
    organization = client.organization
    runs = [run for run in organization.runs.values() if not run.phone.locked() and (run.is_started or not run.is_open)]
    if len(runs) < FEW:
        return
    run = client.rng.choice(runs)
    async with run.phone:
        write = Write("DELETE", f"/v1/runs/{run.run_id}", (204,))
        organization.erased[run.run_id] = run, write
        del organization.runs[run.run_id]
        await client.write(write)


@kind(2)
async def change_webhook(client: Client) -> None:
    """Send all that is still to come of a run elsewhere, signed otherwise."""
    run = client.pick_run()
    if run is None or run.dispatch.webhook is None:
        return
    async with run.phone:  # one after the other
        url = client.life.receivers.url(client.rng.choice(list(TEMPERS)), client.ledger.name("patch").replace(" ", "/"))
        webhook = {"url": url, "secret": client.rng.choice(SECRETS)}
        write = Write("PATCH", f"/v1/runs/{run.run_id}", (200,), ("wrong_status", "request_in_progress"), run=run)
        write.arguments = {"json": {"webhook": webhook}}
        run.patches.append((write, webhook))
        await client.write(write)


@kind(2)
async def change_job(client: Client) -> None:
    """Say something else of what a run is about; the same again changes nothing."""
    if not (runs := client.organization.still_open()):
        return
    run, rng = client.rng.choice(runs), client.rng
    write = Write("PATCH", f"/v1/runs/{run.run_id}", (200,), ("wrong_status", "request_in_progress"), run=run)
    fields = {"f-unit": client.ledger.name("unit"), "f-door": rng.choice([None, "0815", "4711"])}
    write.arguments = {"json": {"title": rng.choice([None, client.ledger.name("title")]), "fields": fields}}
    await client.write(write)


@kind(1)
async def retry_one(client: Client) -> None:
    """Send any delivery again by hand, also one that has arrived."""
    listed = (await client.get("/v1/deliveries?limit=10")).json()["data"]
    if listed:
        path = f"/v1/deliveries/{client.rng.choice(listed)['delivery_id']}/retry"
        gone = ("not_found",)  # with its run, which another of us has erased
        await client.write(once(client, Write("POST", path, (202,), gone, arguments={"json": {}})))


@kind(1)
async def retry_all(client: Client) -> None:
    """Send all that have failed again."""
    body = {"status": "failed"}
    await client.write(once(client, Write("POST", "/v1/deliveries/retry", (202,), arguments={"json": body})))


@kind(1)
async def try_webhook(client: Client) -> None:
    """Try a receiver out; what came of it is what the receiver answered."""
    temper = client.rng.choice(["healthy", "failing", "gone", "flapping", "refusing"])
    told = client.ledger.tests.append
    write = Write("POST", "/v1/webhooks/test", (200,), ("rate_limited",), lambda response: told(response.json()))
    write.arguments = {"json": {"url": client.life.receivers.url(temper, "test"), "secret": SECRETS[1]}}
    await client.write(once(client, write))


@kind(3)
async def read_run(client: Client) -> None:
    """Read a run and its own feed: nothing of it goes back, no event is left out."""
    if not client.organization.runs:
        return
    run = client.organization.runs[client.rng.choice(list(client.organization.runs)[-50:])]
    await client.get(f"/v1/runs/{run.run_id}", run=run)
    events = (await client.get(f"/v1/runs/{run.run_id}/events?limit=100")).json()["data"]
    seqs = [event["seq"] for event in events]
    _require(seqs == list(range(1, len(seqs) + 1)), f"{run.run_id} has events {seqs}")


@until_broken
async def follow_feed(client: Client) -> None:
    """Follow the feed by long poll from where it was left, until the service is gone."""
    while True:
        await _read_feed(client, wait=1)
        await asyncio.sleep(0.02)  # so that pages grow, and commits fall between them


async def catch_up(client: Client) -> None:
    """Read the feed to its end."""
    while await _read_feed(client, wait=0):
        pass


async def _read_feed(client: Client, wait: int) -> int:
    organization = client.organization
    after = f"&after={organization.cursor}" if organization.cursor else ""
    page = json.loads((await client.get(f"/v1/events?limit=100&wait={wait}{after}")).content)
    organization.feed.extend(page["data"])
    organization.cursor = page["next_cursor"]
    return len(page["data"])
