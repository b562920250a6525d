"""Deleting at the console: by owners who give their password once more, and by nobody else."""

import io
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from rundun.store.backups import copies
from rundun.store.sqlite.transaction import Tx
from rundun.web.console.erasure import person as person_pages
from tests.helpers.console.console import PASSWORD, PASSWORD_HASH, Browser, field, operator, shown, text_of
from tests.helpers.console.markup import NASTY_NAMES, is_text_only
from tests.helpers.persons import BY_EMAIL, EMAIL, many_runs, run_of
from tests.helpers.pictures.images import jpeg
from tests.helpers.service import BOOLEAN, TEXT, Ed, World, world

PICTURE = {"id": "s-pic", "type": "photo", "label": "The door", "required": False}
WRONG = "correct horse batteries"


async def owner(w: World) -> Browser:
    """An owner with a password."""
    ann = await operator(w)

    def put(tx: Tx) -> None:
        tx.db.execute("UPDATE operators SET password = ?", (PASSWORD_HASH,))

    await w.database.write(put)
    return ann


async def person_run(w: World, **more: Any) -> Ed:
    return await run_of(w, await w.template(TEXT, PICTURE, execution=BY_EMAIL), EMAIL, **more)


async def is_there(w: World, ed: Ed) -> bool:
    return (await w.acme.get(f"/v1/runs/{ed.run_id}")).status_code == 200


async def test_an_owner_deletes_a_run_with_the_password(w: World) -> None:
    ann, ed = await owner(w), await person_run(w, title="Beach house 3")
    await ed.photo("s-pic", jpeg())
    path = f"/runs/{ed.run_id}"
    assert f'href="/console{path}/erase"' in await shown(ann, path)
    says = text_of(await shown(ann, f"{path}/erase"))
    for words in ("Beach house 3", "still open", "Answers: 1.", "Photos: 1.", "No backup", "who deleted it"):
        assert words in says, words
    for typed in ({}, {"password": ""}, {"password": WRONG}):
        refused = await ann.post(f"{path}/erase", **typed)
        assert (refused.status_code, "That is not your password." in refused.text) == (422, True)
    assert await is_there(w, ed)
    done = await ann.post(f"{path}/erase", password=PASSWORD)
    assert (done.status_code, done.headers["location"]) == (303, "/console/runs?flash=run_erased")
    assert "The job is deleted." in await shown(ann, "/runs?flash=run_erased")
    left = await ann.get(path)
    assert left.status_code == 410
    assert "This job was deleted" in left.text and "Beach house" not in left.text
    assert re.search(r"Deleted by\s+Ann", text_of(left.text)), "the stub says by whom"
    for again in (await ann.get(f"{path}/erase"), await ann.post(f"{path}/erase", password=PASSWORD)):
        assert again.status_code == 410


async def test_a_run_erased_by_a_key_names_the_key(w: World) -> None:
    ann, ed = await owner(w), await person_run(w)
    assert (await w.acme.delete(f"/v1/runs/{ed.run_id}")).status_code == 204
    assert re.search(r"Deleted by\s+test", text_of((await ann.get(f"/runs/{ed.run_id}")).text))


async def test_members_do_not_see_it_and_may_not(w: World) -> None:
    await owner(w)
    bob, ed = await operator(w, "member"), await person_run(w)
    page = await shown(bob, f"/runs/{ed.run_id}")
    assert "/erase" not in page and "Delete a person" not in await shown(bob, "/settings/account")
    for path in (
        f"/runs/{ed.run_id}/erase",
        "/settings/person/erase",
        "/settings/person",
        "/settings/person/archive.zip",
    ):
        refused = await bob.post(path, password=PASSWORD, field="email", value=EMAIL)
        assert refused.status_code == 403
    assert await is_there(w, ed)


async def test_who_guesses_the_password_has_to_wait(w: World) -> None:
    ann, ed = await owner(w), await person_run(w)
    path = f"/runs/{ed.run_id}/erase"
    for _ in range(10):
        assert (await ann.post(path, password=WRONG)).status_code == 422
    waits = await ann.post(path, password=PASSWORD)
    assert waits.status_code == 429 and int(waits.headers["retry-after"]) > 0
    also = await ann.post("/settings/person/erase", field="email", value=EMAIL, password=PASSWORD)
    assert also.status_code == 429, "it is one password"
    assert await is_there(w, ed)


async def test_a_person_is_listed_copied_and_erased(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person_pages, "MAX_SHOWN", 2)
    ann = await owner(w)
    ed = await person_run(w, title="Beach house 3")
    await many_runs(w, (await w.run(ed))["template_id"], EMAIL, 3)
    assert 'action="/console/settings/person"' in await shown(ann, "/settings/person")
    who = {"field": "email", "value": "ED@example.com"}
    listed = await ann.post("/settings/person", **who)
    says = text_of(listed.text)
    user = (await w.run(ed))["assigned_to"]
    for words in (
        "4 jobs",
        "What goes",
        "What stays",
        EMAIL,
        "Beach house 3",
        "And 2 more jobs",
        "Delete 4 jobs for good",
    ):
        assert words in says, words
    assert user in listed.text and user not in says
    nameless = await w.dispatch(await w.template(BOOLEAN))
    await nameless.start()
    user = (await w.run(nameless))["assigned_to"]
    says = text_of((await ann.post("/settings/person", field="assigned_to", value=user)).text)
    assert f"Anonymous {user}" in says, "whom nothing else tells from others"
    digest = field(listed.text, "digest")
    copy = await ann.post("/settings/person/archive.zip", **who)
    names = zipfile.ZipFile(io.BytesIO(copy.content)).namelist()
    assert len(names) == 1 + 4 * 4 and f"{ed.run_id}/run.json" in names
    wrong = await ann.post("/settings/person/erase", **who, digest=digest, password=WRONG)
    assert (wrong.status_code, "That is not your password." in wrong.text) == (422, True)
    await ed.answer(TEXT["id"], "another")
    changed = await ann.post("/settings/person/erase", **who, digest=digest, password=PASSWORD)
    assert (changed.status_code, "nothing was deleted" in changed.text) == (409, True)
    assert await is_there(w, ed)
    digest = field(changed.text, "digest")
    done = await ann.post("/settings/person/erase", **who, digest=digest, password=PASSWORD)
    assert done.status_code == 303
    told = done.headers["location"].removeprefix("/console")
    assert "4 jobs are deleted." in await shown(ann, told) and "example" not in told
    assert "0 jobs are deleted." in await shown(ann, "/settings/person/erased?count=%3Cb%3E&since=-1")
    assert not await is_there(w, ed)
    nobody = text_of((await ann.post("/settings/person", **who)).text)
    assert "No job says that, whatever its capital letters and accents. Somebody written otherwise" in nobody


async def test_who_is_written_otherwise_is_offered_and_goes_only_when_ticked(
    w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await owner(w)
    template_id = await w.template(TEXT, execution={"identity_required": "name"})
    made = {}
    for name in ("Lucía Fernández", "lucia fernandez", "LUCÍA FERNÁNDEZ", "Lucía Fernandes"):
        made[name] = await w.dispatch(template_id, title=f"Flat of {name}")
        await made[name].start(name=name)
    none = await ann.post("/settings/person", field="name", value="lucia  fernández")
    assert "No job says just that." in none.text and "There are no jobs" not in none.text
    assert "3 jobs that are written otherwise" in text_of(none.text)
    who = {"field": "name", "value": "Lucía Fernández"}
    listed = await ann.post("/settings/person", **who)
    says = text_of(listed.text)
    assert "1 job " in says and "2 jobs that are written otherwise" in says and "Fernandes" not in says
    ticks = dict(re.findall(r'type="checkbox" form="erase" name="(r-[^"]+)" value="(\d+)"[^>]*>', listed.text))
    assert ticks.keys() == {made[name].run_id for name in ("lucia fernandez", "LUCÍA FERNÁNDEZ")}
    assert "checked" not in listed.text and "Delete 1 job and those ticked for good" in says
    small = made["lucia fernandez"]
    form = {**who, "digest": field(listed.text, "digest"), small.run_id: ticks[small.run_id], "password": PASSWORD}
    copy = await ann.post("/settings/person/archive.zip", **form)
    names = zipfile.ZipFile(io.BytesIO(copy.content)).namelist()
    assert {name.partition("/")[0] for name in names} == {"runs.json", small.run_id, made["Lucía Fernández"].run_id}
    wrong = await ann.post("/settings/person/erase", **{**form, "password": WRONG})
    assert (wrong.status_code, wrong.text.count(" checked")) == (422, 1), "ticked it stays"
    await small.answer(TEXT["id"], "another")
    changed = await ann.post("/settings/person/erase", **form)
    assert (changed.status_code, "nothing was deleted" in changed.text) == (409, True)
    stranger = {**form, made["Lucía Fernandes"].run_id: "2"}
    assert (await ann.post("/settings/person/erase", **stranger)).status_code == 409, "what was not offered"
    assert all([await is_there(w, ed) for ed in made.values()])
    revision = str((await w.run(small))["revision"])
    done = await ann.post("/settings/person/erase", **{**form, small.run_id: revision})
    assert "2 jobs are deleted." in await shown(ann, done.headers["location"].removeprefix("/console"))
    left = [name for name, ed in made.items() if await is_there(w, ed)]
    assert left == ["LUCÍA FERNÁNDEZ", "Lucía Fernandes"]
    monkeypatch.setattr(person_pages, "MAX_ALIKE", 0)
    await made["LUCÍA FERNÁNDEZ"].answer(TEXT["id"], "another")
    assert "No job says that" not in (await ann.post("/settings/person", **who)).text


@pytest.mark.parametrize(
    "typed", [{}, {"field": "email", "value": "ed"}, {"field": "name"}, {"field": "x", "value": "y"}]
)
async def test_nobody_is_found_by_what_names_nobody(w: World, typed: dict[str, str]) -> None:
    ann = await owner(w)
    refused = await ann.post("/settings/person", **typed)
    assert refused.status_code == 422
    assert 'class="wrong"' in refused.text
    assert (await ann.post("/settings/person/erase", **typed, password=PASSWORD)).status_code == 422


def put_aside(w: World) -> Path:
    """A file as a restore would leave it now."""
    path = Path(f"{w.settings.database.path}{copies.BEFORE_RESTORE}{copies.stamp(w.clock.now)}")
    path.write_bytes(b"what there was before")
    os.utime(path, ns=(w.clock.now * 1_000_000, w.clock.now * 1_000_000))
    return path


async def test_what_still_holds_it_is_named_without_its_place(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    async with world(tmp_path, backup__folder=folder, backup__every_hours=12, backup__keep=3) as w:
        await is_named_without_its_place(w, folder)


async def is_named_without_its_place(w: World, folder: Path) -> None:
    ann = await owner(w)
    older = put_aside(w)
    w.clock.forward(hours=1)
    ed = await person_run(w)
    assert "No backup" in await shown(ann, f"/runs/{ed.run_id}/erase"), "older than the run"
    newer = put_aside(w)
    page = await shown(ann, f"/runs/{ed.run_id}/erase")
    assert newer.name in page and older.name not in page and str(newer.parent) not in page
    found = (await w.acme.post("/v1/erasures", json={"person": {"email": EMAIL}})).json()
    after = {"name": newer.name, "kind": "before_restore", "until": "2026-01-31T01:00:00Z"}
    before = {"name": older.name, "kind": "before_restore", "until": "2026-01-31T00:00:00Z"}
    assert found["copies"] == [before, after], "which may hold runs of hers that are not here"
    nobody = {"field": "email", "value": "eve@example.com"}
    for listed in (await ann.post("/settings/person", **nobody), await ann.get("/settings/person")):
        assert (older.name in listed.text) == (listed.request.method == "POST")
    w.clock.forward(hours=1)
    backup = copies.backup_path(folder, w.settings.database.path, w.clock.now)
    backup.write_bytes(b"some")
    gone = (await w.acme.post("/v1/erasures", json={"person": {"email": EMAIL}, "digest": found["digest"]})).json()
    assert gone["copies"] == [before, after, {"name": backup.name, "kind": "backup", "until": "2026-01-02T14:00:00Z"}]


@pytest.mark.parametrize("nasty", NASTY_NAMES)
async def test_what_was_typed_is_never_markup(w: World, nasty: str) -> None:
    ann = await owner(w)
    template_id = await w.template(TEXT, name=nasty, execution={"identity_required": "name"})
    ed = await w.dispatch(template_id, title=nasty, executor_ref=nasty)
    await ed.start(name=nasty)
    assert is_text_only(await shown(ann, f"/runs/{ed.run_id}/erase"), nasty)
    who = {"field": "name", "value": nasty}
    listed = await ann.post("/settings/person", **who)
    assert "1 job" in text_of(listed.text) and is_text_only(listed.text, nasty)
    assert is_text_only((await ann.post("/settings/person", field="email", value=nasty)).text, nasty)
    digest = field(listed.text, "digest")
    assert (await ann.post("/settings/person/erase", **who, digest=digest, password=PASSWORD)).status_code == 303

    def rename(tx: Tx) -> None:
        tx.db.execute("UPDATE operators SET name = ?", (nasty,))

    await w.database.write(rename)
    assert is_text_only((await ann.get(f"/runs/{ed.run_id}")).text, nasty)
