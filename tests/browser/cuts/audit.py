"""What the database has of a run, compared with all that was given."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from tests.browser.cuts.deeds import SLOTS, STEPS, Choice, Deed, Held, Photo, Remark, Typed, number_of
from tests.helpers.network.faulty_network import Depot


def stored(acme: Depot, run_id: str) -> Iterator[tuple[str, str, str | None, bytes]]:
    """(photo id, step or key of a remark, slot, bytes) of each photo."""
    query = (
        "SELECT photo_id, step_id, is_remark, slot, bytes FROM photos JOIN chunks ON file = original"
        " WHERE run_id = ? ORDER BY photos.rowid, part"
    )
    rows = acme.rows(query, run_id)  # in one query, since the file may be replaced between two
    for (photo_id, step, is_remark, slot), chunks in groupby(rows, lambda row: row[:4]):
        yield photo_id, f"remark {step}" if is_remark else step, slot, b"".join(row[4] for row in chunks)


def remarks(acme: Depot, run_id: str) -> dict[str, str]:
    """Step → text of the remarks in force."""
    return dict(acme.rows("SELECT step_id, text FROM remarks WHERE run_id = ? AND is_current", run_id))


def signed(acme: Depot, run_id: str) -> list[str]:
    """The step of each signature."""
    return [row[0] for row in acme.rows("SELECT step_id FROM signatures WHERE run_id = ?", run_id)]


def server_has(acme: Depot, run_id: str) -> Held:
    """What lies in the database at this moment."""
    held = Held(signed=set(signed(acme, run_id)))
    for photo_id, key, _, data in stored(acme, run_id):
        held.photo_ids.add(photo_id)
        held.numbers[photo_id] = number_of(data)
        held.pictures.add((key, held.numbers[photo_id]))
    for step, value in acme.answers(run_id).items():
        held.values.setdefault(step, []).append(value)
    for step, text in remarks(acme, run_id).items():
        held.values.setdefault(f"remark {step}", []).append(text)
    return held


class Audit:
    """Finds what is lost of what was given, or there once more than it was given: `wrong` says it line by line."""

    def __init__(self, acme: Depot, run_id: str, given: Iterable[Deed], kept: Mapping[str, list[bytes]]) -> None:
        self.acme, self.run_id = acme, run_id
        self.wrong: list[str] = []
        self._pictures(list(given), kept)
        self._answers(list(given))
        self._events()

    def _compare(self, what: str, expected: Iterable[Any], there: Iterable[Any]) -> None:
        wanted, found = Counter(map(str, expected)), Counter(map(str, there))
        for kind, ones in (("lost", wanted - found), ("doubled", found - wanted)):
            self.wrong += [f"{kind}: {what} {one}" for one in ones.elements()]

    def _pictures(self, given: list[Deed], kept: Mapping[str, list[bytes]]) -> None:
        there = list(stored(self.acme, self.run_id))
        photos = [one for one in given if isinstance(one, Photo)]
        expected = [(one.step, SLOTS[one.slot] if one.slot else None, one.number) for one in photos]
        expected += [(one.key, None, one.number) for one in given if isinstance(one, Remark) and one.number]
        self._compare("picture", expected, [(key, slot, number_of(data)) for _, key, slot, data in there])
        for photo_id, key, _, data in there:
            versions = [hashlib.sha256(one).digest() for one in kept.get(photo_id, ())]
            if versions and hashlib.sha256(data).digest() not in versions:
                self._compare("bytes of", [(key, photo_id)], [])
        self._compare("photo that counts", [photo_id for photo_id, *_ in there], self._counted(there))
        self._compare("half a file", [], self.acme.rows("SELECT number FROM files WHERE NOT is_whole"))

    def _counted(self, there: list[tuple[str, str, str | None, bytes]]) -> Iterator[str]:
        """Photos that answers and remarks list, and of answers also those that came beside the list."""
        for (photos,) in self._rows("SELECT photos FROM remarks WHERE run_id = ? AND is_current"):
            yield from json.loads(photos)
        query = "SELECT step_id, photos, left_out FROM answers WHERE run_id = ? AND is_current"
        for step, photos, left_out in self._rows(query):
            listed = json.loads(photos or "[]")
            yield from listed
            known = [*listed, *json.loads(left_out or "[]")]
            yield from (one for one, key, *_ in there if key == step and left_out and one not in known)

    def _answers(self, given: list[Deed]) -> None:
        expected: dict[str, Any] = dict.fromkeys(("s-sides", "s-pic", "s-sign"))
        for one in given:
            if isinstance(one, Typed):
                expected[one.step] = json.loads(one.text) if one.step == "s-count" else one.text
            elif isinstance(one, Choice):
                expected[one.step] = one.value
        self._compare("answer", expected.items(), self.acme.answers(self.run_id).items())
        noted = [(one.step, one.text) for one in given if isinstance(one, Remark)]
        self._compare("remark", noted, remarks(self.acme, self.run_id).items())
        self._compare("signature", ["s-sign"], signed(self.acme, self.run_id))

    def _events(self) -> None:
        """Start and end once, the end last; of each step no two in a row that tell the same."""
        names = self.acme.events(self.run_id)
        self._compare("event", ["run.started", "run.completed"], [one for one in names if one != "step.completed"])
        self._compare("last event", ["run.completed"], names[-1:])
        last: dict[str, Any] = {}
        for (body,) in self._rows("SELECT body FROM events WHERE run_id = ? ORDER BY seq"):
            data = json.loads(body)["data"]
            if step_id := data.get("step_id"):
                told = (data["answer"], [photo["photo_id"] for photo in data["photos"]], data["unable"])
                self._compare(f"event of {step_id}", [], [told] if last.get(step_id) == told else [])
                last[step_id] = told
        self._compare("step that is told", [step["id"] for step in STEPS], last)

    def _rows(self, query: str) -> list[Any]:
        return self.acme.rows(query, self.run_id)
