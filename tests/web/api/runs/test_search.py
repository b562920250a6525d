"""Search: what a plain scan of the runs would find, whatever was edited or erased, and however far the index is."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from rundun.scheduler import index_runs
from rundun.store.runs import lists as run_lists
from rundun.store.runs import search as run_search
from rundun.store.runs import search_index
from rundun.store.runs.lists import RunFilter
from rundun.store.runs.search import FoundCounts
from rundun.store.sqlite.transaction import Tx
from tests.helpers.service import BOOLEAN, Ed, World

# What people write, and what it is without case and accents, as a person would say.
WORDS = {
    "Málaga": "malaga",
    "MÁLAGA": "malaga",
    "Ma\u0301laga": "malaga",
    "Straße": "strasse",
    "STRASSE": "strasse",
    "Łódź": "lodz",
    "Ørsted": "orsted",
    "İstanbul": "istanbul",
    "Calle  Larios": "calle larios",
    "O’Brien": "o'brien",
    "7412 KLM": "7412 klm",
    "7412-KLM": "7412-klm",
    'the "red" one': 'the "red" one',
    "100%_*": "100%_*",
    "مُحَمَّد": "محمد",
    "東京タワー": "東京タワー",
    "ガス": "ガス",
    "カス": "カス",
    "हिन्दी": "हिन्दी",
    "🧹 mop": "🧹 mop",
    "AND": "and",
    "a": "a",
    "la": "la",
    "malaga malaga": "malaga malaga",
}
FIELDS = [{"id": "f-unit", "label": "Unit", "kind": "text"}, {"id": "f-door", "label": "Door", "kind": "secret"}]


@dataclass
class Written:
    """What is written on a run, in the plain words of a person: one text after the other."""

    ed: Ed
    template_id: str
    texts: dict[str, str] = field(default_factory=dict)
    before: list[str] = field(default_factory=list)

    def says(self, search: str) -> bool:
        """The plain scan; all texts are shorter than what is looked through of them."""
        lines = [plain(text) for text in self.texts.values()] + [self.ed.run_id[:10]]
        if "phone" in self.texts:
            lines.append(re.sub(r"\D", "", self.texts["phone"]))
        if len(search) < 3:
            return any(word.startswith(search) for line in lines for word in line.split())
        grouped = re.sub(r"\D", "", search) if re.fullmatch(r"[\d ()+./-]+", search) else ""
        return any(search in line or (len(grouped) > 2 and grouped in line) for line in lines)


def plain(text: str) -> str:
    """A text of `WORDS`, folded by looking each word up."""
    return " ".join(WORDS.get(part, part) for part in text.split("|"))


def texts(chance: random.Random) -> str:
    return "|".join(chance.choice(list(WORDS)) for _ in range(chance.randrange(1, 4)))


def sent(text: str) -> str:
    return text.replace("|", " ")


async def everything(w: World, search: str, limit: int, **more: Any) -> list[str]:
    """The ids of all pages."""
    found, params = list[str](), {"q": search, "limit": str(limit), **more}
    while True:
        answer = await w.acme.get("/v1/runs", params=params)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["data"]) <= limit
        found += [run["run_id"] for run in page["data"]]
        if not page["has_more"]:
            return found
        params["cursor"] = page["next_cursor"]


def searches(chance: random.Random, runs: list[Written]) -> Iterator[str]:
    """Parts of what is written, and of what was."""
    for run in chance.sample(runs, min(len(runs), 12)):
        for text in (*run.texts.values(), *run.before[-2:]):
            words = plain(text)
            begin = chance.randrange(len(words))
            if part := words[begin : begin + chance.choice([2, 5, 12, 40])].strip():
                yield part
    for word in ("malaga", "strasse", "nowhere", "محمد", "7412 klm", "612 345", "612345"):
        yield word
    for _ in range(8):
        word = chance.choice(list(WORDS.values()))
        begin = chance.randrange(len(word))
        if part := word[begin : begin + chance.randrange(1, 9)].strip():
            yield part
    yield chance.choice(runs).ed.run_id[2:10]


@pytest.mark.parametrize("seed", range(3))
async def test_a_search_finds_what_a_plain_scan_finds(w: World, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(run_search, "MAX_LOOKED_AT", chance.choice([4, 9, 1000]))
    monkeypatch.setattr(run_search, "FEW", chance.choice([1, 3]))
    monkeypatch.setattr(run_search, "CHUNK", 3)
    templates = [
        await w.template(BOOLEAN, fields=FIELDS, execution={"identity_required": kind})
        for kind in ("name", "email", "phone")
    ]
    stranger = (await w.globex.post("/v1/templates", json={"name": "Theirs", "steps": [BOOLEAN]})).json()["id"]
    runs: list[Written] = []
    for _ in range(60):
        match chance.choices(["dispatch", "edit", "start", "erase", "index", "theirs"], [6, 3, 3, 1, 2, 1])[0]:
            case "dispatch":
                runs.append(await dispatched(w, chance, chance.choice(templates)))
            case "edit" if runs:
                await edited(w, chance, chance.choice(runs))
            case "start" if runs:
                await started(chance, chance.choice(runs), templates)
            case "erase" if runs:
                gone = runs.pop(chance.randrange(len(runs)))
                assert (await w.acme.delete(f"/v1/runs/{gone.ed.run_id}")).status_code == 204
            case "index":
                await w.database.write(search_index.index_some, chance.choice([1, 3, 50]))
            case "theirs":
                order = {"template_id": stranger, "title": sent(texts(chance))}
                assert (await w.globex.post("/v1/runs", json=order)).status_code == 201
        w.clock.forward(seconds=chance.choice([0, 1, 100]))
    for state in ("as it is", "whole", "edited", "begun anew"):
        if state == "whole":
            while await w.database.read(search_index.is_behind, await w.database.read(search_index.newest)):
                await w.database.write(search_index.index_some, 7)
        elif state == "edited":
            for run in chance.sample(runs, 6):
                await edited(w, chance, run)
        elif state == "begun anew":  # as after an upgrade, and a bit of the way
            await w.database.write(forget_index)
            await w.database.write(search_index.index_some, 5)
        for search in searches(chance, runs):
            limit = chance.choice([1, 2, 100])
            expected = [run.ed.run_id for run in reversed(runs) if run.says(search)]
            assert await everything(w, search, limit) == expected, (state, search)
            of_one = [one for one in expected if one in {r.ed.run_id for r in runs if r.template_id == templates[0]}]
            assert await everything(w, search, limit, template_id=templates[0]) == of_one, (state, search)
            assert await counted(w, search, templates[0]) == [len(expected), len(of_one)], (state, search)


async def counted(w: World, search: str, template_id: str) -> list[int]:
    """How many runs a search finds, of all and of one template, look by look; of short lists at once, too."""
    lists = {"all": RunFilter(q=search), "one": RunFilter(template_id=template_id, q=search)}
    so_far, limit = FoundCounts(dict.fromkeys(lists, 0)), 3
    while so_far.before is not None:
        so_far = await w.database.read(run_search.count_some, w.acme_id, lists, search, so_far, limit)
        limit = min(so_far.numbers.values()) + 3
    for name, filters in lists.items():
        short = await w.database.read(run_search.count_short, w.acme_id, filters)
        assert short in (None, so_far.numbers[name]), (search, name)
    return [so_far.numbers[name] for name in lists]


def forget_index(tx: Tx) -> None:
    tx.db.execute("INSERT INTO run_search (run_search) VALUES ('delete-all')")
    tx.db.execute("DELETE FROM run_texts")
    last = tx.number("SELECT max(number) FROM runs")
    tx.db.execute("UPDATE indexed_runs SET first = ?, last = ?", (last + 1, last))


async def dispatched(w: World, chance: random.Random, template_id: str) -> Written:
    says = {name: texts(chance) for name in ("title", "executor_ref", "f-unit") if chance.random() < 0.7}
    order: dict[str, Any] = {name: sent(says[name]) for name in ("title", "executor_ref") if name in says}
    order["fields"] = {"f-door": "malaga 612345", **({"f-unit": sent(says["f-unit"])} if "f-unit" in says else {})}
    return Written(await w.dispatch(template_id, **order), template_id, says)


async def edited(w: World, chance: random.Random, run: Written) -> None:
    name = chance.choice(["title", "executor_ref", "f-unit"])
    run.before += [run.texts.pop(name)] if name in run.texts else []
    value = None
    if chance.random() < 0.8:
        run.texts[name] = texts(chance)
        value = sent(run.texts[name])
    patch = {"fields": {"f-unit": value}} if name == "f-unit" else {name: value}
    headers = {"content-type": "application/merge-patch+json"}
    answer = await w.acme.patch(f"/v1/runs/{run.ed.run_id}", json=patch, headers=headers)
    assert answer.status_code == 200, answer.text


async def started(chance: random.Random, run: Written, templates: list[str]) -> None:
    kind = ("name", "email", "phone")[templates.index(run.template_id)]
    if kind in run.texts:
        return
    words = {"name": texts(chance), "email": "Anna.Müller@example.com", "phone": "+34 612-345 678"}
    WORDS.setdefault("Anna.Müller@example.com", "anna.muller@example.com")
    assert (await run.ed.start(**{kind: sent(words[kind])})).status_code == 200
    run.texts[kind] = words[kind]


async def test_what_can_be_searched_and_what_is_said_of_the_rest(w: World) -> None:
    template_id = await w.template(BOOLEAN, fields=FIELDS)
    ed = await w.dispatch(template_id, title="Calle Larios 5", fields={"f-door": "4711 sesame"})
    theirs = (await w.globex.post("/v1/templates", json={"name": "Theirs", "steps": [BOOLEAN]})).json()["id"]
    assert (await w.globex.post("/v1/runs", json={"template_id": theirs, "title": "Calle Larios"})).status_code == 201
    number = ed.run_id[2:10]
    for search in ("LARIOS", " larios  5 ", "ca", "5", number.upper(), ed.run_id, f"http://rundun.test/r/{ed.run_id}"):
        assert await everything(w, search, 25) == [ed.run_id], search
    other = ed.run_id[:-1] + ("1" if ed.run_id[-1] == "0" else "0")
    for search in ("sesame", "4711 sesame", "io", "arios6", "\u0301", other, "%", "_", '"', "*", "NOT x", "OR"):
        assert await everything(w, search, 25) == [], search
    for search, code in (("", "too_short"), (" \u3000", "too_short"), ("x" * 201, "too_long"), ("a\0b", "bad_format")):
        refused = await w.acme.get("/v1/runs", params={"q": search})
        assert refused.status_code == 422
        assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [("/q", code)], search
    assert await everything(w, "x" * 200, 25) == []


async def test_a_search_looks_at_so_many_runs_at_a_time(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_search, "MAX_LOOKED_AT", 10)
    monkeypatch.setattr(run_search, "FEW", 3)
    many, few = await w.template(BOOLEAN), await w.template(BOOLEAN)
    wanted = await w.dispatch(few, title="common")
    for number in range(35):
        await w.dispatch(many, title=f"common {number}")
        await w.dispatch(few, title="something else") if number % 3 else None
    looked: list[int] = []
    judging, placing = search_index.judge, run_lists.places_of

    def judge(tx: Tx, numbers: Any, texts: Any, characters: int) -> tuple[set[int], int, int]:
        looked.append(len(numbers))
        return judging(tx, numbers, texts, characters)

    def place(tx: Tx, org_id: str, filters: Any, before: Any, numbers: Any) -> Any:
        looked.append(len(numbers))
        return placing(tx, org_id, filters, before, numbers)

    monkeypatch.setattr(search_index, "judge", judge)
    monkeypatch.setattr(run_lists, "places_of", place)
    for is_indexed in (False, True):
        if is_indexed:
            await index_runs(w.database)
            assert not await w.database.read(search_index.is_behind, await w.database.read(search_index.newest))
        params, pages = {"q": "common", "template_id": few}, 0
        while True:
            looked.clear()
            page = (await w.acme.get("/v1/runs", params=params)).json()
            pages += 1
            assert max(looked, default=0) <= 10, "and no more than a few before that"
            if not page["has_more"]:
                break
            assert page["data"] == []
            params["cursor"] = page["next_cursor"]
        assert [run["run_id"] for run in page["data"]] == [wanted.run_id]
        assert pages == (4 if is_indexed else 6), "what is not indexed is all looked at"


async def test_a_search_looks_at_so_many_characters_at_a_time(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    template_id = await w.template(BOOLEAN, fields=FIELDS)
    runs = [await w.dispatch(template_id, fields={"f-unit": "\ufdfa" * 400 if at else "wanted"}) for at in range(8)]
    folded, made = list[int](), search_index._text

    def make(*said: Any) -> str:
        folded.append(1)
        return made(*said)

    monkeypatch.setattr(search_index, "_text", make)
    for few, is_indexed in ((1000, False), (1, False), (1000, True), (1, True)):
        monkeypatch.setattr(run_search, "FEW", few)
        monkeypatch.setattr(run_search, "MAX_LOOKED_AT", max(few, 5))
        monkeypatch.setattr(run_search, "CHUNK", 2)
        monkeypatch.setattr(run_search, "MAX_CHARACTERS", 7000 if is_indexed else 30_000)
        if is_indexed:
            await index_runs(w.database)
        for search in ("wanted", "an", "nowhere"):
            params, pages, found = {"q": search}, 0, list[str]()
            while True:
                folded.clear()
                page = (await w.acme.get("/v1/runs", params=params)).json()
                pages, found = pages + 1, found + [run["run_id"] for run in page["data"]]
                assert len(folded) <= (0 if is_indexed else 2), "and no more than one too many"
                if not page["has_more"]:
                    break
                params["cursor"] = page["next_cursor"]
            assert found == ([runs[0].run_id] if search == "wanted" else []), (search, few, is_indexed)
            assert pages > 2 or (is_indexed and few == 1), "the index leaves nothing to look at"
