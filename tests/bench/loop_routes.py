"""All routes: what is sent to those that read, render or take more than 64 KiB, and why the others don't."""

import json
import uuid
from typing import Any
from urllib.parse import quote

from rundun.web.console.templates import editor
from tests.bench import loop_world
from tests.bench.loop_requests import (
    ANSWER,
    BODY,
    PHONE,
    SPARE,
    Making,
    Means,
    bodies,
    both,
    deleting,
    file,
    form,
    reading,
    upload,
)
from tests.bench.loop_world import EMAIL, SENTENCE, STEPS
from tests.bench.reading_attackers import SEARCHES

# ---- good bodies


def dispatch(means: Means) -> Any:
    """A job with values to confirm for each step."""
    texts = {f"s-{number}": SENTENCE * 20 for number in range(STEPS)}
    return {"template_id": means.ids.texts, "prefill": texts}


def answer(means: Means) -> Any:
    """A long text."""
    return {"value": (SENTENCE * 300)[:19_000] + str(means.round)}


def photographed(means: Means) -> Any:
    """All photos that an answer may name."""
    ids = [f"ph-{uuid.uuid4()}" for _ in range(1100)]
    return {"value": f"x{means.round}", "photos": ids[:100], "seen_photos": ids[100:]}


def remark(means: Means) -> Any:
    """A long remark."""
    return {"remark_id": str(uuid.uuid4()), "text": (SENTENCE * 20)[:1900] + str(means.round)}


def texts(means: Means) -> Any:
    """The largest template."""
    return {**loop_world.largest_texts(), "name": f"{means.round}"}


def options(means: Means) -> Any:
    """The one with most parts."""
    return {**loop_world.largest_options(), "name": f"{means.round}"}


def wrong(means: Means) -> Any:
    """The one with most wrong steps."""
    return {"name": f"{means.round}", "steps": [{"type": "x", "label": 1, "a": 1, "b": 2}] * 9000}


def wrong_inside(means: Means) -> Any:
    """The one with most mistakes inside of steps."""
    choice = {"type": "choice", "label": "x", "config": {"options": [{"a": 0, "b": 0}] * 200}}
    members = {"type": "text", "label": "x", **{f"{number}": 0 for number in range(190)}}
    return {"name": f"{means.round}", "steps": [choice, members] * 150}


def erasing(means: Means) -> Any:
    """As many ids as an erasure may name."""
    ids = [f"r-{uuid.UUID(int=number, version=4)}" for number in range(2500)]
    return {"person": {"email": EMAIL}, "run_ids": ids}


def found(means: Means) -> Any:
    """A person of very many runs."""
    return {"person": {"email": EMAIL}}


def extension(means: Means) -> Any:
    """A later end."""
    return {"expires_in_hours": 100 + means.round}


def patch(means: Means) -> Any:
    """Another title."""
    return {"title": f"{means.round}"}


def draft(means: Means) -> Any:
    """The largest text of the editor."""
    return _DRAFT


def empty(means: Means) -> Any:
    """Nothing."""
    return {}


_TABLE = "Title\tNote\n" + "\n".join(f"{number}\t{(SENTENCE * 21)[:1900]}" for number in range(1000))
_COLUMNS = "\n".join(["\t".join(f"{n:x}" for n in range(200))] + ["\t".join(["1.12.2026"] * 200)] * 1000)
_MANY = {f"r-{number}": "on" for number in range(50)}
_DRAFT = {"text": json.dumps({**loop_world.largest_texts(), "name": "x"})}
_SEARCHED = [f"?tab=all&q={quote(one)}" for one in SEARCHES]


FIELDS = "a form of at most 64 KiB, and rows of one key, operator, organization or delivery"
ROWS = "a page of rows without long texts, at most 100"
FIXED = "made when the service starts"
ONE = "one row"
NOTHING = "nothing but a redirect or a constant"

ROUTES: dict[str, str | Making] = {
    # ---- /v1
    "POST /v1/runs": bodies(BODY, dispatch),
    "POST /v1/runs/{run_id}/again": bodies(BODY, empty, run_id="{closed}"),
    "GET /v1/runs/{run_id}": reading(),
    "GET /v1/runs/{run_id}/archive": reading(),
    "GET /v1/runs/{run_id}/report": reading("", "?depth=full"),
    "GET /v1/runs/{run_id}/report.pdf": both(reading("", "?depth=full"), reading(run_id="{printable}")),
    "GET /v1/runs": reading("?limit=100", *(f"?limit=100&q={quote(one)}" for one in SEARCHES)),
    "POST /v1/runs/{run_id}/cancel": bodies(BODY, empty, run_id=SPARE),
    "POST /v1/runs/{run_id}/extend": bodies(BODY, extension),
    "POST /v1/runs/{run_id}/release": bodies(BODY, empty, run_id=SPARE),
    "PATCH /v1/runs/{run_id}": bodies(BODY, patch),
    "DELETE /v1/runs/{run_id}": deleting(run_id=SPARE),
    "GET /v1/organization": ONE,
    "POST /v1/runs/{run_id}/shares": bodies(BODY, empty),
    "GET /v1/runs/{run_id}/shares": reading("?limit=100"),
    "DELETE /v1/runs/{run_id}/shares/{share_id}": ONE,
    "GET /v1/answers": reading(
        *(f"?template_id={{versions}}&format={kind}" for kind in ("csv", "jsonl")),
        *(f"?template_id={{texts}}&status=completed&format={kind}" for kind in ("csv", "jsonl")),
    ),
    "POST /v1/erasures": bodies(BODY, erasing, found),
    "POST /v1/erasures/archive": bodies(BODY, found),
    "GET /v1/deliveries": reading("?limit=100"),
    "GET /v1/runs/{run_id}/deliveries": reading("?limit=100"),
    "POST /v1/deliveries/{delivery_id}/retry": bodies(),
    "POST /v1/deliveries/retry": bodies(),
    "POST /v1/webhooks/test": bodies(),
    "GET /v1/events": reading("?limit=100"),
    "GET /v1/runs/{run_id}/events": reading("?limit=100"),
    "POST /v1/templates/drafts": bodies(BODY, texts, options, wrong, wrong_inside),
    "GET /v1/templates/drafts/{draft_id}": reading("", draft_id="{draft}"),
    "PUT /v1/templates/drafts/{draft_id}": bodies(BODY, texts, options, wrong, wrong_inside, draft_id="{draft}"),
    "DELETE /v1/templates/drafts/{draft_id}": ONE,
    "POST /v1/templates": bodies(BODY, texts, options, wrong, wrong_inside),
    "GET /v1/templates": reading("?limit=100"),
    "GET /v1/templates/{template_id}": reading(),
    "PUT /v1/templates/{template_id}": bodies(BODY, texts, options, wrong, wrong_inside),
    "DELETE /v1/templates/{template_id}": ONE,
    "GET /v1/templates/{template_id}/versions": reading("?limit=100", template_id="{options}"),
    "POST /v1/templates/check": bodies(BODY, texts, options, wrong, wrong_inside),
    "POST /v1/pictures": upload(loop_world.photo),
    "GET /v1/pictures/{picture_id}": ONE,
    "GET /v1/openapi.json": reading(),
    # ---- /r
    "GET /r/{run_id}": both(reading("", "?lang=ar"), reading(run_id="{closed}")),
    "GET /r/{run_id}/state": reading(),
    "POST /r/{run_id}/start": bodies(PHONE, empty),
    "PUT /r/{run_id}/steps/{step_id}": bodies(ANSWER, answer, photographed),
    "PUT /r/{run_id}/steps/{step_id}/remark": bodies(PHONE, remark),
    "POST /r/{run_id}/complete": bodies(PHONE, empty, run_id=SPARE),
    "POST /r/{run_id}/cancel": bodies(PHONE, empty, run_id=SPARE),
    "PUT /r/{run_id}/steps/{step_id}/photos/{photo_id}": upload(loop_world.photo, step_id="s-photo"),
    "DELETE /r/{run_id}/steps/{step_id}/photos/{photo_id}": deleting(),
    "PUT /r/{run_id}/steps/{step_id}/signature": upload(loop_world.signature, "image/png", step_id="s-signature"),
    "PUT /r/{run_id}/signature": upload(loop_world.signature, "image/png"),
    "POST /r/{run_id}/decode": upload(loop_world.photo),
    "GET /r/{run_id}/report.pdf": reading(run_id="{closed}"),
    # ---- links
    "GET /media/{token}": reading("", token="{media}"),
    "GET /share/{token}": reading("", token="{share}"),
    "POST /share/{token}/opened": ONE,
    "GET /share/{token}/report.pdf": reading("", token="{share}"),
    "GET /share/{token}/{picture}": "as /media",
    # ---- console: signing in
    "GET /console/sign-in": NOTHING,
    "POST /console/sign-in": form({"email": EMAIL, "password": "wrong password"}, size=3 * 64 * 1024),
    "GET /console/join/{token}": ONE,
    "POST /console/join/{token}": FIELDS,
    "GET /console/reset/{token}": ONE,
    "POST /console/reset/{token}": FIELDS,
    "POST /console/sign-out": NOTHING,
    "POST /console/sign-out-everywhere": ONE,
    # ---- console: jobs
    "GET /console": reading(),
    "GET /console/runs/live": "a stream of small pieces, each as the list's rows",
    "GET /console/runs": reading(*(f"?tab={tab}" for tab in ("open", "all", "flagged")), *_SEARCHED),
    "POST /console/runs/several": form({"do": "csv", **_MANY}, {"do": "due", **_MANY}, {"do": "extend", **_MANY}),
    "POST /console/runs/{run_id}/cancel": form({"reason": "R" * 2000}, run_id=SPARE),
    "POST /console/runs/{run_id}/extend": form({"hours": "72"}),
    "POST /console/runs/{run_id}/due": form({"due": "2026-12-24T10:00"}),
    "POST /console/runs/{run_id}/release": form({}, run_id=SPARE),
    "POST /console/runs/{run_id}/handled": form({"note": "N" * 2000}, run_id="{closed}"),
    "POST /console/runs/{run_id}/handled/undo": form({}, run_id="{closed}"),
    "POST /console/failed/handled": form({"destination": loop_world.DEAD}),
    "POST /console/failed/retry": form({"destination": loop_world.DEAD}),
    "POST /console/runs/{run_id}/deliveries/{delivery_id}/retry": FIELDS,
    "GET /console/runs.csv": reading("?tab=all"),
    "GET /console/answers": reading(),
    "GET /console/answers.csv": reading(
        "?template={versions}", "?template={texts}&status=completed&remarks=on&times=on"
    ),
    "GET /console/answers.xlsx": reading(
        "?template={versions}", "?template={texts}&status=completed&remarks=on&times=on"
    ),
    "GET /console/runs/{run_id}/archive.zip": reading(),
    "GET /console/runs/{run_id}/compare": reading("?with={closed}"),
    "GET /console/runs/{run_id}/report": reading("", "?depth=full"),
    "GET /console/runs/{run_id}/report.pdf": reading("", "?depth=full"),
    "GET /console/runs/{run_id}/shares": reading(),
    "POST /console/runs/{run_id}/shares": form({"depth": "customer", "days": "30"}),
    "POST /console/runs/{run_id}/shares/{share_id}/revoke": ONE,
    "GET /console/runs/{run_id}": reading(),
    "GET /console/runs/{run_id}/edit": reading(),
    "POST /console/runs/{run_id}/edit": form({"title": "T"}, size=512 * 1024),
    "GET /console/runs/{run_id}/link.svg": "one address, as a picture",
    "GET /console/runs/{run_id}/erase": ONE,
    "POST /console/runs/{run_id}/erase": form({"password": "wrong"}),
    # ---- console: settings
    "GET /console/settings": NOTHING,
    "GET /console/settings/account": ONE,
    "POST /console/settings/account/password": FIELDS,
    "POST /console/settings/account/language": FIELDS,
    "POST /console/settings/account/second-factor": FIELDS,
    "POST /console/settings/account/second-factor/on": FIELDS,
    "POST /console/settings/account/second-factor/off": FIELDS,
    "POST /console/settings/account/second-factor/recovery-codes": FIELDS,
    "GET /console/settings/keys": reading(),
    "POST /console/settings/keys": FIELDS,
    "POST /console/settings/keys/{key_id}/revoke": FIELDS,
    "GET /console/settings/people": reading(),
    "POST /console/settings/people/invitations": FIELDS,
    "POST /console/settings/people/invitations/{invitation_id}/remove": FIELDS,
    "POST /console/settings/people/{operator_id}/role": FIELDS,
    "POST /console/settings/people/{operator_id}/password-link": FIELDS,
    "POST /console/settings/people/{operator_id}/remove": FIELDS,
    "GET /console/settings/organization": ONE,
    "POST /console/settings/organization": FIELDS,
    "POST /console/settings/organization/logo": file(lambda: loop_world.picture(300), "image/jpeg"),
    "POST /console/settings/organization/logo/remove": ONE,
    "GET /console/settings/retention": reading(),
    "POST /console/settings/retention": form({"keep_photos_days": "1000", "keep_runs_days": "1000"}),
    "GET /console/settings/usage": ROWS,
    "POST /console/settings/usage/credits": FIELDS,
    "GET /console/settings/webhooks": reading(),
    "POST /console/settings/webhooks/test": FIELDS,
    "POST /console/settings/webhooks/retry": form({}),
    "GET /console/settings/webhooks/default": ONE,
    "POST /console/settings/webhooks/default": FIELDS,
    "POST /console/settings/webhooks/default/remove": FIELDS,
    "POST /console/settings/webhooks/{delivery_id}/retry": FIELDS,
    "GET /console/settings/person": ONE,
    "POST /console/settings/person": form({"field": "email", "value": EMAIL}, {"field": "name", "value": "Ed"}),
    "POST /console/settings/person/archive.zip": form({"field": "email", "value": EMAIL}),
    "POST /console/settings/person/erase": form({"field": "email", "value": EMAIL, "password": "wrong"}),
    "GET /console/settings/person/erased": NOTHING,
    "GET /console/settings/history": ROWS,
    "GET /console/settings/health": reading(),
    "POST /console/settings/health": "one row; the check itself runs in a process of its own",
    # ---- console: sending
    "GET /console/dispatch": reading("?template_id={texts}", "?template_id={options}", "?again={closed}"),
    "POST /console/dispatch": form({"template_id": "{texts}"}, size=512 * 1024),
    "GET /console/dispatch/table": reading("?template_id={texts}"),
    "POST /console/dispatch/table": form(
        {"template_id": "{texts}", "table": _TABLE}, {"template_id": "{texts}", "table": _COLUMNS}, size=6 * 1024 * 1024
    ),
    "POST /console/dispatch/table/text": both(
        file(_TABLE.encode, "text/csv"), file(lambda: _COLUMNS.encode()[: 2 * 1024 * 1024], "text/csv")
    ),
    "GET /console/dispatch/table.csv": reading("?template_id={texts}"),
    "GET /console/dispatch/tables/{number}": reading(),
    "GET /console/dispatch/tables/{number}/links.csv": reading(),
    "GET /console/dispatch/{run_id}": reading(),
    # ---- console: checklists
    "GET /console/templates/new": reading("", "?sample=hotel-room"),
    "POST /console/templates/drafts": form({**_DRAFT, "do": "check"}, size=editor.MAX_FORM),
    "POST /console/templates/drafts/text": bodies(editor.MAX_FORM, draft),
    "GET /console/templates/drafts/{draft_id}": reading(draft_id="{draft}"),
    "GET /console/templates/drafts/{draft_id}/publish": reading(draft_id="{draft}"),
    "POST /console/templates/drafts/{draft_id}/publish": form({"revision": "1"}, draft_id="{draft}"),
    "POST /console/templates/drafts/{draft_id}/discard": ONE,
    "POST /console/pictures": upload(loop_world.photo),
    "GET /console/templates/preview/{name}": "as the executor's page of a run, in the same turns",
    "GET /console/templates/samples/{name}/picture": FIXED,
    "GET /console/templates": reading(),
    "GET /console/templates/{template_id}": both(reading("", "?v=1"), reading("", "?v=1", template_id="{options}")),
    "GET /console/templates/{template_id}/changes": both(
        reading(template_id="{versions}"), reading(template_id="{options}")
    ),
    "GET /console/templates/{template_id}/export": reading(),
    "GET /console/templates/{template_id}/retention": reading(),
    "POST /console/templates/{template_id}/retention": form({"keep_photos_days": "1000"}),
    "GET /console/templates/{template_id}/webhook": reading(),
    "POST /console/templates/{template_id}/webhook": FIELDS,
    "POST /console/templates/{template_id}/webhook/remove": FIELDS,
    "POST /console/templates/{template_id}/duplicate": form({}),
    "POST /console/templates/{template_id}/archive": ONE,
    "POST /console/templates/{template_id}/bring-back": ONE,
    "GET /console/{path:path}": NOTHING,
    # ---- docs and the rest
    "GET /docs": FIXED,
    "GET /docs/{path:path}": reading("", **{"path:path": "reference/schemas"}),
    "GET /": FIXED,
    "GET /problems/{code}": FIXED,
    "GET /healthz": NOTHING,
    "GET /readyz": ONE,
    "GET /metrics": "numbers of fixed names",
    "GET /static/{digest}/brand/{colour}.css": "one colour",
    "GET /static/{digest}/{name:path}": FIXED,
    "GET /r/sw.js": FIXED,
    "GET /favicon.ico": FIXED,
    "GET /apple-touch-icon.png": FIXED,
}
