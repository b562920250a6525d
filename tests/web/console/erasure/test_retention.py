"""How long things are kept, in the console: set for all or for one template, told, and asked once more."""

import json
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest

from rundun.actions.erasure import retention
from rundun.core.erasure.retention import Retention, TemplateRetention
from rundun.store.erasure import retention_days
from tests.helpers.console.console import PASSWORD, operator, text_of
from tests.helpers.pictures.images import jpeg
from tests.helpers.retention import done, keep, swept, template
from tests.helpers.service import World

FOREVER = {f"{name}_how": "forever" for name in ("photos_days", "runs_days", "attempts_days")}


async def of_acme(w: World) -> Retention:
    return await w.database.read(retention_days.get, w.acme_id)


async def test_an_owner_sets_how_long_all_is_kept(w: World) -> None:
    ann = await operator(w)
    page = text_of((await ann.get("/settings/retention")).text)
    assert "For ever" in page
    new = {**FOREVER, "photos_days_how": "days", "photos_days": "30", "attempts_days_how": "days", "attempts_days": "7"}
    saved = await ann.post("/settings/retention", **new, old=PASSWORD)
    assert saved.headers["location"].endswith("retention_changed")
    assert await of_acme(w) == Retention(30, None, 7, tells=False)
    page_again = (await ann.get("/settings/retention")).text
    assert 'name="photos_days" value="30"' in page_again and 'name="runs_days" value=""' in page_again
    assert "Photos are deleted with their job" not in page_again
    await ann.post("/settings/retention", **{**new, "runs_days_how": "days", "runs_days": "10"}, old=PASSWORD)
    assert "Photos are deleted with their job" in (await ann.get("/settings/retention")).text
    await ann.post("/settings/retention", **new)
    wrong = await ann.post("/settings/retention", **{**new, "runs_days_how": "days", "runs_days": "0"})
    assert wrong.status_code == 422 and "Write a whole number from 1 to 36,500." in text_of(wrong.text)
    assert await of_acme(w) == Retention(30, None, 7, tells=False)


async def test_what_would_delete_something_asks_for_the_password(w: World) -> None:
    ann, template_id = await operator(w), await template(w)
    for _ in range(2):
        await done(w, template_id, jpeg())
    w.clock.forward(hours=48)
    await done(w, template_id, jpeg())
    await ann.get("/settings/retention")
    new = {**FOREVER, "photos_days_how": "days", "photos_days": "2", "tells": "yes"}
    asked = await ann.post("/settings/retention", **new)
    assert asked.status_code == 200 and "The photos of 2 jobs are deleted within ten minutes." in text_of(asked.text)
    for said in ("Photos: 2 days", "answered: For ever", "Delete the photos of 2 jobs"):
        assert said in text_of(asked.text), said
    whole = {**FOREVER, "runs_days_how": "days", "runs_days": "2"}
    assert "Delete 2 jobs" in (await ann.post("/settings/retention", **whole)).text
    guessed = await ann.post("/settings/retention", **new, old="a guess at it")
    assert guessed.status_code == 422 and "That is not your password." in text_of(guessed.text)
    assert await of_acme(w) == Retention()
    assert (await ann.post("/settings/retention", **new, old=PASSWORD)).status_code == 303
    assert await of_acme(w) == Retention(2, None, None)
    longer = {**new, "photos_days": "3"}
    assert (await ann.post("/settings/retention", **longer)).status_code == 303, "this deletes nothing"


async def test_what_would_delete_something_later_asks_for_the_password(w: World) -> None:
    ann, template_id = await operator(w), await template(w)
    await ann.get("/settings/retention")
    for name in ("photos_days", "runs_days", "attempts_days"):
        asked = await ann.post("/settings/retention", **{**FOREVER, f"{name}_how": "days", name: "1"})
        assert asked.status_code == 200 and "as soon as it has been kept for that long" in text_of(asked.text), name
        assert await of_acme(w) == Retention()
    place = f"/templates/{template_id}/retention"
    assert (await ann.post("/settings/retention", **FOREVER)).status_code == 303, "longer than 90 days of attempts"
    for name, other in (("photos_days", "runs_days"), ("runs_days", "photos_days")):
        form = {f"{name}_how": "days", name: "1", f"{other}_how": "organization"}
        guessed = await ann.post(place, **form, old="a guess at it")
        assert guessed.status_code == 422 and "That is not your password." in text_of(guessed.text)
        assert await w.database.read(retention_days.get_of_template, template_id) == TemplateRetention()


@pytest.mark.parametrize(
    ("of_all", "own", "sentence"),
    [
        ({}, {}, "Jobs and their photos are kept for ever."),
        ({"photos_days": 1}, {}, "Photos are deleted 1 day after their job has ended. All else is kept for ever."),
        ({"runs_days": 90}, {}, "Jobs are deleted 90 days after they have ended."),
        (
            {"runs_days": 90},
            {"photos_days": 7},
            "Photos are deleted 7 days after their job has ended. Jobs are deleted 90 days after they have ended.",
        ),
        ({"photos_days": 7, "runs_days": 9}, {"photos_days": 0, "runs_days": 0}, "Jobs and their photos are kept for"),
    ],
)
async def test_a_template_says_what_holds_for_its_runs(
    w: World, of_all: dict[str, Any], own: dict[str, Any], sentence: str
) -> None:
    ann, template_id = await operator(w, "member"), await template(w)
    await keep(w, **of_all)
    await w.database.write(retention.put_of_template, w.acme_id, template_id, TemplateRetention(**own))
    page = (await ann.get(f"/templates/{template_id}")).text
    assert sentence in text_of(page)
    assert "/retention" not in page, "only owners change it"
    assert (await ann.get(f"/templates/{template_id}/retention")).status_code == 403


async def test_a_template_has_days_of_its_own(w: World) -> None:
    ann, template_id = await operator(w), await template(w)
    await keep(w, photos_days=5)
    await done(w, template_id, jpeg())
    w.clock.forward(hours=24)
    page = text_of((await ann.get(f"/templates/{template_id}/retention")).text)
    assert "As the organization has it: 5 days" in page and "As the organization has it: For ever" in page
    own = {"photos_days_how": "organization", "runs_days_how": "days", "runs_days": "1"}
    path = f"/templates/{template_id}/retention"
    asked = await ann.post(path, **own)
    assert "1 job is deleted within ten minutes, with all that was answered." in text_of(asked.text)
    saved = await ann.post(path, **own, old=PASSWORD)
    assert saved.headers["location"].endswith("retention_changed")
    assert await w.database.read(retention_days.get_of_template, template_id) == TemplateRetention(None, 1)
    stranger = await operator(w, org_id=(await w.globex.get("/v1/organization")).json()["id"])
    assert (await stranger.get(path)).status_code == 404


async def test_the_page_of_a_run_says_what_was_deleted_when(w: World) -> None:
    ann = await operator(w)
    ed = await done(w, await template(w), jpeg(), jpeg(320, 240))
    await keep(w, photos_days=1)
    w.clock.forward(hours=24)
    await swept(w)
    page = (await ann.get(f"/runs/{ed.run_id}")).text
    said = text_of(page)
    assert "2 photos were deleted when the time they are kept was over" in said
    assert "1 photo was deleted when the time it is kept was over" in said
    assert "3 photos deleted: the time they are kept was over" in said
    assert said.count("Photo received:") == 3
    assert "/media/" not in page and "still on the phone" not in said
    with ZipFile(BytesIO((await ann.get(f"/runs/{ed.run_id}/archive.zip")).content)) as archive:
        assert sorted(archive.namelist()) == ["report.html", "run.json"]
        assert json.loads(archive.read("run.json"))["answers"]["s-pic"]["photos_removed"] == 2
        assert "2 photos were deleted" in text_of(archive.read("report.html").decode())
