"""Remarks and answers, in any order and repeated at will: neither ever replaces the other, nor takes its photos."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import strategies as some

from tests.helpers.pictures.images import jpeg
from tests.helpers.strategies.hypothesis_service import JSON, Property, Stage, stage_in

TEXT = {"type": "text", "label": "How is it?", "required": False, "photo": {"min": 0, "max": 9}}
STEPS = [{"id": "s-a", **TEXT}, {"id": "s-b", **TEXT}]
PICTURE = jpeg(16, 16)
LENGTH = (b"content-length", str(len(PICTURE)).encode())


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One world for all examples here."""
    with stage_in(tmp_path_factory.mktemp("stage")) as one:
        yield one


async def neither_replaces_the_other(stage: Stage, writes: list[tuple[str, str, int, str]]) -> None:
    if "t" not in stage.known:
        stage.known["t"] = (await stage.v1("POST", "/templates", {"name": "Check", "steps": STEPS}))["id"]
    path = await stage.started(stage.known["t"])
    answers: dict[str, str] = {}
    remarks: dict[str, str] = {}
    photos: dict[tuple[str, str], list[str]] = {}
    applied = set()
    for what, step, number, text in writes:
        key, name = (what, step, number), f"00000000-0000-4000-8000-{number:012}"
        if what == "answer":
            target, body = f"/steps/{step}", {"answer_id": name, "value": text}
            answers |= {} if key in applied else {step: text}
        elif what == "remark":
            noted = photos.get(("remark photo", step), [])
            target, body = f"/steps/{step}/remark", {"remark_id": name, "text": text, "photos": noted}
            remarks |= {} if key in applied else {step: text}
        else:
            photo_id = f"ph-{'1' if what == 'photo' else '2'}{name[1:]}"
            target = f"/steps/{step}/photos/{photo_id}{'' if what == 'photo' else '?remark=1'}"
            sent = await stage.call("PUT", path + target, PICTURE, (LENGTH,))
            assert sent.status in (200, 201), sent
            if sent.status == 201:
                photos.setdefault((what, step), []).append(photo_id)
            continue
        sent = await stage.call("PUT", path + target, json.dumps(body).encode(), (JSON,))
        assert sent.status == 200, sent
        applied.add(key)
    record: Any = await stage.v1("GET", f"/runs/{path[3:]}")
    assert {step: answer["value"] for step, answer in record["answers"].items()} == answers
    assert {step: remark["text"] for step, remark in record["remarks"].items()} == remarks
    for step, answer in record["answers"].items():
        assert [photo["photo_id"] for photo in answer["photos"]] == photos.get(("photo", step), [])
    for step, remark in record["remarks"].items():
        stored = photos.get(("remark photo", step), [])
        assert [photo["photo_id"] for photo in remark["photos"]] == stored[: len(remark["photos"])]


KEPT_APART = Property(
    neither_replaces_the_other,
    {
        "writes": some.lists(
            some.tuples(
                some.sampled_from(["answer", "remark", "photo", "remark photo"]),
                some.sampled_from(["s-a", "s-b"]),
                some.integers(0, 4),
                some.sampled_from(["Wet", "Dry", "Mould"]),
            ),
            max_size=14,
        )
    },
    examples=12,
)


def test_neither_replaces_the_other(stage: Stage) -> None:
    KEPT_APART.tried(stage)


@pytest.mark.soak
def test_neither_replaces_the_other_at_length(stage: Stage) -> None:
    KEPT_APART.tried_at_length(stage)
