"""Search: what a plain scan of the runs would find, whatever was edited or erased, and however far the index is."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from rundun.scheduler import index_runs
from rundun.store.runs import search as run_search, search_index
from rundun.store.runs.lists import RunFilter
from rundun.store.runs.search import FoundCount
from rundun.store.sqlite.transaction import Tx
from rundun.web.http.query_params import list_cursor
from tests.helpers.service import BOOLEAN, Ed, World

NO_TIME, HOURS = 0, 10**7  # milliseconds
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


@pytest.mark.parametrize("seed", range(2))
async def test_a_search_finds_what_a_plain_scan_finds(w: World, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(run_search, "SHORT_LIST", 4 + 5 * seed)
    monkeypatch.setattr(run_search, "FIRST_WINDOW", chance.choice([1, 3]))
    monkeypatch.setattr(run_search, "LOOK_MS", NO_TIME if seed else HOURS)
    monkeypatch.setattr(run_search, "COUNT_MS", NO_TIME if seed else HOURS)
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
                await w.database.write(search_index.index_next, chance.choice([1, 3, 50]))
            case "theirs":
                order = {"template_id": stranger, "title": sent(texts(chance))}
                assert (await w.globex.post("/v1/runs", json=order)).status_code == 201
        w.clock.forward(seconds=chance.choice([0, 1, 100]))
    for state in ("as it is", "whole", "edited", "begun anew"):
        if state == "whole":
            while await w.database.read(search_index.is_behind, await w.database.read(search_index.read_newest)):
                await w.database.write(search_index.index_next, 7)
        elif state == "edited":
            for run in chance.sample(runs, 6):
                await edited(w, chance, run)
        elif state == "begun anew":  # as after an upgrade, and a bit of the way
            await w.database.write(forget_index)
            await w.database.write(search_index.index_next, 5)
        for search in searches(chance, runs):
            limit = chance.choice([1, 2, 100])
            of_one = [run for run in runs if run.template_id == templates[0]]
            expected, expected_of_one = ids_found(runs, search), ids_found(of_one, search)
            assert await everything(w, search, limit) == expected, (state, search)
            assert await everything(w, search, limit, template_id=templates[0]) == expected_of_one, (state, search)
            counts = await counted(w, search, templates[0])
            is_whole = [len(search) > 1 or len(of) <= run_search.SHORT_LIST for of in (runs, of_one)]
            for count, whole, found in zip(counts, is_whole, (expected, expected_of_one), strict=True):
                assert count.number == len(found) if count.is_all else count.number <= len(found), (state, search)
                assert count.is_all is whole or (whole and run_search.LOOK_MS == NO_TIME), (state, search)


def ids_found(runs: list[Written], search: str) -> list[str]:
    """The ids that a search finds, the newest first; of one character in the newest runs only."""
    looked_at = runs[-run_search.SHORT_LIST :] if len(search) == 1 else runs
    return [run.ed.run_id for run in reversed(looked_at) if run.says(search)]


async def counted(w: World, search: str, template_id: str) -> list[FoundCount]:
    """How many runs a search finds, of all and of one template."""
    lists = {"all": RunFilter(q=search), "one": RunFilter(template_id=template_id, q=search)}
    together = await w.database.read(run_search.count_together, w.acme_id, lists, search, 100)
    alone = [await w.database.read(run_search.count, w.acme_id, filters) for filters in lists.values()]
    return [one or another for one, another in zip(alone, together.values(), strict=True)]


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


async def look_by_look(w: World, search: str, **more: Any) -> tuple[list[str], int]:
    """The ids of all pages, and how many pages these are."""
    found, params, pages = list[str](), {"q": search, **more}, 0
    while True:
        page = (await w.acme.get("/v1/runs", params=params)).json()
        found, pages = found + [run["run_id"] for run in page["data"]], pages + 1
        if not page["has_more"]:
            return found, pages
        assert page["next_cursor"] != params.get("cursor"), "it always moves on"
        params["cursor"] = page["next_cursor"]


@pytest.mark.parametrize("is_indexed", [False, True])
async def test_a_search_goes_on_where_its_time_was_over(
    w: World, monkeypatch: pytest.MonkeyPatch, is_indexed: bool
) -> None:
    many, few = await w.template(BOOLEAN), await w.template(BOOLEAN)
    wanted = await w.dispatch(few, title="common")
    for number in range(35):
        await w.dispatch(many, title=f"common {number}")
    for number in range(20):
        await w.dispatch(few, title=f"something else {number}")
    if is_indexed:
        await index_runs(w.database)
    monkeypatch.setattr(run_search, "FIRST_WINDOW", 4)
    monkeypatch.setattr(run_search, "LOOK_MS", NO_TIME)
    for short_list, looked_at in ((10, 36 if is_indexed else 56), (100, 21)):
        monkeypatch.setattr(run_search, "SHORT_LIST", short_list)
        found, pages = await look_by_look(w, "common", template_id=few)
        assert found == [wanted.run_id]
        assert pages == looked_at // 4 + 1, "a window a page, of what the index names or the list has"


@pytest.mark.parametrize("is_indexed", [False, True])
async def test_a_window_that_takes_too_long_is_left_to_the_next_page(
    w: World, monkeypatch: pytest.MonkeyPatch, is_indexed: bool
) -> None:
    template_id = await w.template(BOOLEAN)
    runs = [await w.dispatch(template_id, title=f"common {number}") for number in range(30)]
    if is_indexed:
        await index_runs(w.database)
    monkeypatch.setattr(run_search, "SHORT_LIST", 10)
    monkeypatch.setattr(run_search, "FIRST_WINDOW", 2)
    if is_indexed:
        monkeypatch.setattr(run_search, "STEPS", 1)
    windows, found, clock = list[int](), search_index.list_found, Clock()
    monkeypatch.setattr(run_search, "monotonic", clock.read)

    def find(tx: Tx, numbers: Any, *more: Any) -> Any:
        clock.is_running = bool(windows)
        windows.append(len(numbers))
        return found(tx, numbers, *more)

    monkeypatch.setattr(search_index, "list_found", find)
    seen, cursor = list[str](), ""
    while cursor is not None:
        windows.clear()
        clock.is_running = False
        page = (await w.acme.get("/v1/runs", params={"q": "common", **({"cursor": cursor} if cursor else {})})).json()
        seen, cursor = seen + [run["run_id"] for run in page["data"]], page["next_cursor"]
        assert windows[0] == len(page["data"]) and (len(windows) == 2 or cursor is None), "the second ends early"
    assert seen == [run.run_id for run in reversed(runs)]
    monkeypatch.setattr(run_search, "monotonic", lambda: 1e9)
    assert await everything(w, "common", 100) == seen, "nothing goes on ending statements"


@dataclass
class Clock:
    """It stands, or goes on by a second at each look."""

    is_running: bool = False
    at: float = 0

    def read(self) -> float:
        self.at += self.is_running
        return self.at


async def test_a_cursor_of_before_leads_to_all_that_is_left(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    template_id = await w.template(BOOLEAN)
    runs = []
    for number in range(9):
        runs.append(
            await w.dispatch(template_id, title="common", due_at=f"2026-06-{(number * 4) % 9 + 1:02}T09:00:00Z")
        )
        w.clock.forward(seconds=number % 3)
    numbers = await w.database.read(lambda tx: tx.db.execute("SELECT number, created_at, due_at FROM runs").fetchall())
    ids, middle = [run.run_id for run in reversed(runs)], numbers[4]
    for at, more, expected in (
        (middle["created_at"], {}, ids[5:]),
        (0, {}, ids[5:]),
        (0, {"due_before": "2026-07-01T00:00:00Z"}, ids[5:]),
        (middle["due_at"], {"due_before": "2026-07-01T00:00:00Z"}, ids),
    ):
        found = await everything(w, "common", 2, cursor=list_cursor(at, middle["number"]), **more)
        assert found == expected, "what had another order begins anew"
