"""For all that hypothesis can think of: no input breaks the service, and what is right is kept as it was sent."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import strategies as some

from rundun.actions.templates.templates import ASSIGNED
from rundun.core import text
from rundun.core.templates.rules import read_template
from tests.helpers.routes import CALLS
from tests.helpers.service import BOOLEAN
from tests.helpers.strategies.hypothesis_service import JSON, Answer, Property, Stage, check, stage_in
from tests.helpers.strategies.malformed_json import any_json, mutated, written
from tests.helpers.strategies.strategies import TYPES, answers_for, positions, steps, steps_of, templates
from tests.helpers.templates import read_later

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # printed where something fails

PROPERTIES: list[Property] = []


def holds_for(examples: int = 60, **strategies: Any) -> Callable[[Any], Any]:
    """A property to be tried below: with few examples in every test run, with many in `make soak`."""

    def kept(function: Any) -> Any:
        PROPERTIES.append(Property(function, strategies, examples))
        return function

    return kept


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One world for all examples here."""
    with stage_in(tmp_path_factory.mktemp("stage")) as one:
        yield one


def bodies(*right: some.SearchStrategy[Any]) -> some.SearchStrategy[bytes]:
    """A request's body: something right with one place changed, any JSON, or any bytes at all."""
    nearly = some.one_of(*right).flatmap(mutated)
    return some.one_of(nearly.map(written), nearly.map(written), any_json.map(written), some.binary(max_size=40))


@holds_for(100, sent=bodies(templates()))
async def whatever_is_sent_as_a_template(stage: Stage, sent: bytes) -> None:
    checked = await stage.call("POST", "/v1/templates/check", sent, (JSON, stage.acme))
    answer = await stage.call("POST", "/v1/templates", sent, (JSON, stage.acme))
    check(answer, sent)
    assert answer.status in (201, 400, 413, 422)
    if answer.status == 201:
        assert checked.json == {"valid": True, "warnings": answer.json["warnings"]}
        assert await stage.v1("GET", f"/templates/{answer.json['id']}") == read_later(answer.json)
    else:
        assert {**checked.json, "request_id": ""} == {**answer.json, "request_id": ""}


@holds_for(50, template=templates(), data=some.data())
async def whatever_is_sent_as_a_revision(stage: Stage, template: Any, data: Any) -> None:
    first = await stage.v1("POST", "/templates", template)
    sent = data.draw(some.one_of(mutated(first), any_json).map(written))
    answer = await stage.call("PUT", f"/v1/templates/{first['id']}", sent, (JSON, stage.acme))
    check(answer, sent)
    now = await stage.v1("GET", f"/templates/{first['id']}")
    assert now == read_later(answer.json if answer.status == 200 else first)


EVERY = templates(every_type=True).map(
    lambda one: {**one, "settings": {"allow_skip": True}, "execution": {}, "translations": {}}
)


@holds_for(20, template=EVERY, data=some.data())
async def whatever_is_sent_as_an_answer(stage: Stage, template: Any, data: Any) -> None:
    path = await stage.started((await stage.v1("POST", "/templates", template))["id"])
    for step in steps_of(template):
        value = some.fixed_dictionaries({"value": any_json}, optional={"answer_id": some.uuids().map(str)})
        others = some.sampled_from([{"skipped": True}, {"unable": {"reason": "x"}}])
        sent = data.draw(some.one_of(value.map(written), bodies(answers_for(step), others)))
        answer = await stage.call("PUT", f"{path}/steps/{step['id']}", sent)
        check(answer, sent)
        assert answer.status in (200, 400, 422)
    state = await stage.call("GET", f"{path}/state")
    assert state.status == 200
    assert set(state.json["answers"]) <= {step["id"] for step in steps_of(template)}
    assert (await stage.v1("GET", path.replace("/r/", "/runs/")))["revision"] == state.json["run"]["revision"]


@holds_for(60, kind=some.sampled_from(TYPES), data=some.data())
async def a_right_answer_is_kept_as_it_is(stage: Stage, kind: str, data: Any) -> None:
    step = data.draw(steps("1", [], kind))
    path = await stage.started((await stage.v1("POST", "/templates", {"name": "x", "steps": [step]}))["id"])
    body = data.draw(answers_for(step))
    answer = await stage.call("PUT", f"{path}/steps/{step['id']}", json.dumps(body).encode())
    assert answer.status == 200, answer
    again = await stage.call("PUT", f"{path}/steps/{step['id']}", json.dumps(body).encode())
    assert again.body == answer.body
    kept = (await stage.v1("GET", path.replace("/r/", "/runs/")))["answers"][step["id"]]
    assert kept["value"] == body["value"]
    assert type(kept["value"]) is type(body["value"]) or body["value"] == int(body["value"])
    geo = body.get("geo")
    assert kept["geo"] == (geo and {"accuracy": None, **geo})
    assert kept["answered_at"] == body.get("answered_at")


WEBHOOKS = some.fixed_dictionaries(
    {
        "url": some.sampled_from(
            ["http://10.0.0.1/x", "https://[fd00::1]:8443/?a=ä", "http://nobody.invalid", "http://127.0.0.1"]
        )
    },
    optional={"secret": some.text("abcé", min_size=12), "events": some.lists(some.sampled_from(["*", "run.started"]))},
)
HOURS = some.one_of(some.none(), some.floats(0, 8760), some.integers(1, 8760))


@holds_for(100, data=some.data())
async def whatever_is_sent_as_a_dispatch(stage: Stage, data: Any) -> None:
    if "dispatched" not in stage.known:
        made = await stage.v1("POST", "/templates", {"name": "Check", "steps": [BOOLEAN]})
        stage.known["dispatched"] = made["id"]
    template_id = stage.known["dispatched"]
    optional = {
        "webhook": WEBHOOKS,
        "expires_in_hours": HOURS,
        "executor_ref": some.text(max_size=5),
        "language": some.sampled_from(["en", "pt-BR"]),
    }
    sent = data.draw(bodies(some.fixed_dictionaries({"template_id": some.just(template_id)}, optional=optional)))
    answer = await stage.call("POST", "/v1/runs", sent, (JSON, stage.acme))
    check(answer, sent)
    if answer.status == 201:
        run = await stage.v1("GET", f"/runs/{answer.json['run_id']}")
        assert run["expires_at"] == answer.json["expires_at"]
        assert (await stage.call("GET", f"/r/{answer.json['run_id']}")).status in (200, 410)


START = some.fixed_dictionaries(
    {},
    optional={
        "name": some.text(),
        "email": some.just("a@b.c"),
        "phone": some.just("+1 23"),
        "language": some.just("en"),
    },
)
BODIES = {
    "start": START,
    "complete": some.just({}),
    "cancel": some.fixed_dictionaries({}, optional={"reason": some.text()}),
    "extend": some.fixed_dictionaries({"expires_in_hours": HOURS}),
    "release": some.just({}),
}


@holds_for(20, data=some.data(), asked=some.sampled_from(["none", "name", "email", "phone"]))
async def whatever_is_sent_to_steer_a_run(stage: Stage, data: Any, asked: str) -> None:
    template = {"name": "x", "steps": [{"type": "text", "label": "?"}], "execution": {"identity_required": asked}}
    order = {"template_id": (await stage.v1("POST", "/templates", template))["id"]}
    run_id = (await stage.v1("POST", "/runs", order))["run_id"]
    for _ in range(6):
        name = data.draw(some.sampled_from(sorted(BODIES)))
        ours = ["/v1/runs"] * (name not in ("start", "complete")) + ["/r"] * (name not in ("extend", "release"))
        sent = data.draw(bodies(BODIES[name]))
        check(
            await stage.call("POST", f"{data.draw(some.sampled_from(ours))}/{run_id}/{name}", sent, (JSON, stage.acme)),
            sent,
        )
    run = await stage.v1("GET", f"/runs/{run_id}")
    times = ("completed_at", "cancelled_at", "expired_at")
    assert sum(run[name] is not None for name in times) == (run["status"] not in ("pending", "in_progress"))


# --- whatever is asked --------------------------------------------------------------------------------------------

ANY_TEXT = some.one_of(
    some.text(max_size=10),
    some.sampled_from(["", "\0", "%", "..", "/", "é", "😀", "x" * 9000, "r-" + "0" * 36, str(uuid.UUID(int=0)), "s-a"]),
)
ESCAPED = ANY_TEXT.map(lambda one: "".join(f"%{byte:02X}" for byte in one.encode("utf-8", "surrogatepass")))
PART = some.one_of(
    ESCAPED, ESCAPED, some.sampled_from(["%", "%zz", "%00", "%ff%fe", "%ed%a0%80", "%2F%2e%2e", ";", "a:b@c"])
)
# fmt: off
PARAMETERS = some.sampled_from([
    "limit", "cursor", "status", "v", "since", "lang", "created_after", "created_before", "executor_ref", "template_id",
    "include_archived", "source", "taken_at", "taken_at_from", "annotated_from", "lat", "lng", "accuracy", "typed_name",
])
# fmt: on
VALUES = some.one_of(
    PART,
    some.sampled_from(
        ["0", "1", "100", "101", "-1", "9" * 30, "9" * 5000, "1e400", "nan", "inf", "true", "%C2%B2", "pending"]
    ),
    some.sampled_from(
        ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "MS4x", "OTk5OTk5OTk5OTk5OTk5OTk5LjE", "en", "x_y"]
    ),
)
QUERY = some.lists(some.tuples(some.one_of(PARAMETERS, PARAMETERS, PART), VALUES).map("=".join), max_size=3).map(
    "&".join
)
HEADERS = {
    b"content-type": [b"application/json", b"application/json; charset=utf-16", b"text/plain", b"image/jpeg", b""],
    b"content-length": [b"0", b"5", b"-1", b"9" * 30, b"9" * 5000, b"\xb2", b"\xd9\xa3", b"1_0", b""],
    b"content-digest": [
        b"sha-256=:x:",
        b"sha-256=:" + b"A" * 43 + b"=:",
        b"sha-512=:AA==:",
        b"sha-256=:" + b"\xe9" * 43 + b"=:",
    ],
    b"if-match": [b"*", b'"', b'W/"x", ', b"\xff"],
    b"if-none-match": [b"*", b'"1"', b"\xff"],
    b"range": [b"bytes=0-", b"bytes=-0", b"bytes=5-1", b"bytes=99999999999999999999-", b"bytes=\xb2-", b"items=1-2"],
    b"cookie": [b"rundun_device=x", b"rundun_device=x.y", b"rundun_device=\xff.\xff", b"=;;=", b'rundun_device="\\400'],
    b"authorization": [
        b"Bearer",
        b"Bearer rdk_live_" + b"x" * 32,
        b"Basic eA==",
        b"Bearer \xff",
        b"bearer  rdk_live_x",
    ],
    b"x-request-id": [b"ok-1", b"x" * 65, b"a\tb", b"\xff", b""],
    b"origin": [b"null", b"http://rundun.test", b"http://[", b"http://[::1", b"//\xff", b"http://x:y", b""],
    b"host": [b"", b"[", b"[::1", b"x:y", b"\xff", b"a/b?c#d", b"rundun.test:99999"],
    b"sec-fetch-site": [b"same-origin", b"cross-site", b"\xff"],
    b"accept-encoding": [b"gzip", b"\xff"],
}
HEADER = some.sampled_from(sorted(HEADERS)).flatmap(
    lambda name: some.tuples(some.just(name), some.one_of(some.sampled_from(HEADERS[name]), some.binary(max_size=8)))
)


@holds_for(250, call=some.sampled_from(CALLS), data=some.data(), query=QUERY, headers=some.lists(HEADER, max_size=3))
async def whatever_is_asked_of_any_route(stage: Stage, call: Any, data: Any, query: str, headers: Any) -> None:
    method, path = call
    known = await known_ids(stage)
    for name in ("run_id", "template_id", "step_id", "photo_id", "code", "token", "digest", "name:path"):
        if f"{{{name}}}" in path:
            part = data.draw(some.one_of(some.just(known.get(name, "x")), PART), label=name)
            path = path.replace(f"{{{name}}}", part)
    method = data.draw(some.sampled_from([method] * 5 + ["HEAD", "PATCH", "OPTIONS", "QUERY"]))
    sent = data.draw(some.sampled_from([b"", b"{}", b"[]", b"\xff", b"GIF89a", b"\xff\xd8\xff\xe0"]))
    ours = [stage.acme] if data.draw(some.booleans()) else []
    answer = await stage.call(method, f"{path}?{query}".rstrip("?"), sent, (JSON, *ours, *headers))
    if answer.status == 416:
        assert answer.headers["content-range"].startswith("bytes */")
    elif method == "HEAD":
        assert answer.status < 500
    else:
        check(answer)


STEP = {"id": "s-a", "type": "boolean", "label": "?", "photo": {}}


async def known_ids(stage: Stage) -> dict[str, str]:
    """Ids that are there, so that not every request ends with 404; the run may end by what is asked."""
    if not stage.known:
        template_id = (await stage.v1("POST", "/templates", {"name": "x", "steps": [STEP]}))["id"]
        run_id = (await stage.started(template_id)).removeprefix("/r/")
        stage.known.update(template_id=template_id, run_id=run_id, step_id="s-a")
        stage.known.update(photo_id=f"ph-{uuid.UUID(int=7)}", code="invalid")
    return stage.known


async def a_step(stage: Stage) -> str:
    """The address of a step of a fresh run."""
    template_id = (await stage.v1("POST", "/templates", {"name": "x", "steps": [STEP]}))["id"]
    return f"{await stage.started(template_id)}/steps/s-a"


# --- what is right ------------------------------------------------------------------------------------------------


@holds_for(80, template=templates())
async def a_right_template_comes_back_as_it_was_sent(stage: Stage, template: Any) -> None:
    made = await stage.v1("POST", "/templates", template)
    assert {name: one for name, one in made.items() if name not in ASSIGNED} == template
    path = f"/templates/{made['id']}"
    kept = read_later(made)
    assert await stage.v1("GET", path) == kept
    assert await stage.v1("PUT", path, made) == made
    assert await stage.v1("PUT", path, kept) == made
    assert await stage.v1("PUT", path, template) == made
    assert (await stage.v1("GET", f"{path}/versions"))["data"] == [kept]
    export = json.dumps({name: one for name, one in made.items() if name not in ASSIGNED}).encode()
    copy = (await stage.call("POST", "/v1/templates", export, (JSON, stage.globex))).json
    assert copy["org_id"] != made["org_id"]
    assert {**copy, "id": made["id"], "org_id": made["org_id"]} == made
    run = await stage.v1("GET", f"/runs/{(await stage.v1('POST', '/runs', {'template_id': made['id']}))['run_id']}")
    assert run["template"] == kept
    assert (await stage.call("GET", f"/r/{run['run_id']}/state")).json["template"] == template


def without_ids(tree: Any) -> Any:
    """A template as somebody writes it who leaves ids to the server (only where nothing refers to them)."""
    if isinstance(tree, list):
        return [without_ids(one) for one in tree]
    if not isinstance(tree, dict):
        return tree
    left_out = {"id", "condition", "translations"}
    if "options" in tree.get("config", {}):
        left_out.add("flag")
    return {name: without_ids(one) for name, one in tree.items() if name not in left_out}


@holds_for(40, template=templates().map(without_ids))
async def ids_that_are_left_out_are_made_once(stage: Stage, template: Any) -> None:
    made = await stage.v1("POST", "/templates", template)
    ours = {name: one for name, one in made.items() if name not in ASSIGNED}
    assert without_ids(ours) == template
    assert read_template(ours, lambda prefix: pytest.fail(f"an id {prefix}… is missing"))
    assert await stage.v1("PUT", f"/templates/{made['id']}", made) == made


@holds_for(
    40,
    raw=some.text(some.characters(exclude_categories=["Cs"]), max_size=20),
    edge=some.sampled_from(" \n\u3000\ufeff"),
)
async def text_is_counted_and_kept_in_one_form_everywhere(stage: Stage, raw: str, edge: str) -> None:
    kept = text.clean(edge + raw)
    sent = json.dumps({"name": f"{edge}{raw}{edge}", "steps": [STEP]}).encode()
    made = await stage.call("POST", "/v1/templates", sent, (JSON, stage.acme))
    unable = json.dumps({"unable": {"reason": raw + edge}}).encode()
    reason = await stage.call("PUT", await a_step(stage), unable)
    assert (made.status, reason.status) == ((201, 200) if kept and "\0" not in kept else (422, 422))
    if made.status == 201:
        assert made.json["name"] == reason.json["step"]["unable"]["reason"] == kept


@holds_for(40, geo=positions)
async def a_position_is_kept_as_it_is(stage: Stage, geo: Any) -> None:
    answer = await stage.call("PUT", await a_step(stage), json.dumps({"value": True, "geo": geo}).encode())
    assert answer.json["step"]["geo"] == {"accuracy": None, **geo}


def test_a_download_ends_for_a_client_who_stays(stage: Stage) -> None:
    async def archive() -> Answer:
        template_id = (await stage.v1("POST", "/templates", {"name": "A", "steps": [STEP]}))["id"]
        run_id = (await stage.started(template_id)).removeprefix("/r/")
        return await stage.call("GET", f"/v1/runs/{run_id}/archive", headers=(stage.acme,))

    answer = stage.run(archive())
    assert answer.status == 200 and answer.body.startswith(b"PK")


@pytest.mark.parametrize("one", PROPERTIES, ids=lambda one: one.function.__name__)
def test_it_holds(stage: Stage, one: Property) -> None:
    one.tried(stage)


@pytest.mark.soak
@pytest.mark.parametrize("one", PROPERTIES, ids=lambda one: one.function.__name__)
def test_it_holds_for_many_more(stage: Stage, one: Property) -> None:
    one.tried_at_length(stage)
