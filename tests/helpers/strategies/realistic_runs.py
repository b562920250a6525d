"""A month of a small firm's jobs, for looking at pages: flats turned over, vehicles handed over, boilers checked.

Sixty jobs in all states, with names, plates and streets as people write them; some went wrong.
"""

import random
from dataclasses import dataclass, field
from typing import Any

from PIL import Image, ImageDraw

from rundun.core import times
from rundun.core.times import HOUR
from tests.helpers.pictures.images import encoded
from tests.helpers.service import Ed, World, new_photo_id

IF_SO: dict[str, Any] = {"when": {"op": "eq", "value": True}}
TURNOVER: dict[str, Any] = {
    "name": "Turnover of a flat",
    "description": "After each stay, before the next guests.",
    "execution": {"identity_required": "name"},
    "settings": {"allow_unable": True, "allow_skip": True},
    "fields": [
        {"id": "f-address", "label": "Address", "kind": "address", "show": "start"},
        {"id": "f-door", "label": "Door code", "kind": "secret"},
        {"id": "f-booking", "label": "Booking", "kind": "text", "show": "office"},
    ],
    "sections": [
        {"id": "g-in", "title": "Inside", "steps": [
            {"id": "s-clean", "type": "rating", "label": "How was it left?",
             "config": {"min_label": "Filthy", "max_label": "Spotless"}},
            {"id": "s-dishes", "type": "boolean", "label": "Dishes clean and put away?"},
            {"id": "s-beds", "type": "photo", "label": "Made beds", "config": {"min": 1, "max": 4}},
            {"id": "s-meter", "type": "number", "label": "Electricity meter", "config": {"unit": "kWh"}},
            {"id": "s-broken", "type": "boolean", "label": "Is anything broken?", "flag": IF_SO},
            {"id": "s-what", "type": "text", "label": "What is broken?",
             "condition": {"when": {"step": "s-broken", "op": "eq", "value": True}}},
            {"id": "s-cellar", "type": "boolean", "label": "Heating in the cellar off?", "required": False},
        ]},
        {"id": "g-out", "title": "On the way out", "steps": [
            {"id": "s-keys", "type": "choice", "label": "Where are the keys?", "config": {"options": [
                {"id": "o-box", "label": "In the key box"}, {"id": "o-desk", "label": "At the front desk"}]}},
            {"id": "s-low", "type": "multi_choice", "label": "What runs low?", "config": {"options": [
                {"id": "o-soap", "label": "Soap"}, {"id": "o-paper", "label": "Paper"},
                {"id": "o-coffee", "label": "Coffee"}]}},
        ]},
    ],
}  # fmt: skip
HAND_OVER: dict[str, Any] = {
    "name": "Vehicle hand-over",
    "execution": {"identity_required": "phone"},
    "fields": [{"id": "f-plate", "label": "Plate", "kind": "text", "show": "start"}],
    "steps": [
        {"id": "s-odo", "type": "number", "label": "Odometer reading", "config": {"unit": "km"}},
        {"id": "s-fuel", "type": "rating", "label": "Fuel level in eighths", "config": {"min": 0, "max": 8}},
        {"id": "s-sides", "type": "photo", "label": "The four sides", "config": {"min": 1, "max": 6}},
        {"id": "s-damage", "type": "boolean", "label": "Is there any damage?", "flag": IF_SO},
        {"id": "s-close", "type": "photo", "label": "The damage, close up", "config": {"min": 1, "max": 6},
         "condition": {"when": {"step": "s-damage", "op": "eq", "value": True}}},
    ],
}  # fmt: skip
BOILER: dict[str, Any] = {
    "name": "Boiler check",
    "steps": [
        {"id": "s-bar", "type": "number", "label": "Pressure", "config": {"unit": "bar", "decimals": 1}},
        {"id": "s-leaks", "type": "boolean", "label": "Dry all around?"},
    ],
}
STREETS = (
    "Calle Larios 12",
    "Calle Málaga 3, 2º B",
    "Beach house 4",
    "Prinzenstraße 9",
    "Plaza de la Merced 1",
    "Soho loft",
)
PLATES = ("7412 KLM", "3309 JBD", "0815 GTX", "5521 MNP")
PEOPLE = ("Rosa Méndez", "Tomasz Wójcik", "Aïcha Benali", "Ed Miller", "Jürgen Groß")
WEEKS = 4


@dataclass
class Firm:
    """What there is, by the id of the run: one of each kind that somebody may look for."""

    turnover: str
    hand_over: str
    boiler: str
    runs: dict[str, str] = field(default_factory=dict)


def photo(chance: random.Random) -> bytes:
    """A picture that is not all of one colour."""
    image = Image.new("RGB", (800, 600), tuple(chance.randint(90, 220) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(9):
        x, y, colour = chance.randint(0, 700), chance.randint(0, 500), tuple(chance.randint(40, 240) for _ in range(3))
        draw.rectangle((x, y, x + chance.randint(40, 300), y + chance.randint(30, 240)), fill=colour)
    return encoded(image, quality=80)


async def sunny_rentals(w: World, webhook: dict[str, str] | None = None) -> Firm:
    """Sunny Rentals Málaga after a month, at noon of its last day; `webhook` is that of all its runs."""
    firm = await _opened(w)
    chance, more = random.Random(13), {"webhook": webhook} if webhook else {}
    for day in range(WEEKS * 7):
        for number in range(2):
            await _turned_over(w, firm, chance, day * 2 + number, more)
        w.clock.forward(hours=24)
    await w.sweep()
    await _today(w, firm, chance, more)
    await w.sweep()
    return firm


async def _opened(w: World) -> Firm:
    ids = [(await w.acme.post("/v1/templates", json=body)).json()["id"] for body in (TURNOVER, HAND_OVER, BOILER)]
    name = "UPDATE organizations SET name = 'Sunny Rentals Málaga', time_zone = 'Europe/Madrid' WHERE id = ?"
    await w.database.write(lambda tx: tx.db.execute(name, (w.acme_id,)).close())
    return Firm(*ids)


def _due(w: World, hours: float) -> str:
    return times.wire(w.clock.now + int(hours * HOUR))


async def _turned_over(w: World, firm: Firm, chance: random.Random, number: int, more: dict[str, Any]) -> None:
    """One job of a past day: most were done, some never begun or called off."""
    plate, street = PLATES[number % 4], STREETS[number % 6]
    if number % 3 == 2:
        job = {"title": f"Van {plate}", "fields": {"f-plate": plate}}
        ed = await w.dispatch(firm.hand_over, executor_ref=f"BK-{1000 + number}", due_at=_due(w, 6), **job, **more)
    else:
        job = {
            "title": street,
            "fields": {"f-address": f"{street}, Málaga", "f-door": "4711", "f-booking": f"stay {number}"},
        }
        ed = await w.dispatch(firm.turnover, executor_ref=f"BK-{1000 + number}", due_at=_due(w, 6), **job, **more)
    if number % 11 == 7:
        return  # missed
    if number % 13 == 5:
        await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={"reason": "The guests stay longer"})
        return
    is_bad = number % 9 == 4
    await (_hand_over if number % 3 == 2 else _clean)(ed, chance, number, is_bad)
    await ed.complete()
    firm.runs["flagged" if is_bad else "done"] = ed.run_id


async def _clean(ed: Ed, chance: random.Random, number: int, is_bad: bool) -> None:
    await ed.start(name=PEOPLE[number % 5])
    await ed.answer("s-clean", 2 if is_bad else 4)
    await ed.answer("s-dishes", not is_bad)
    await _photos(ed, chance, "s-beds", 1 + number % 3)
    await ed.answer("s-meter", 28111 + 37 * number)
    await ed.answer("s-broken", is_bad)
    if is_bad:
        await ed.answer("s-what", "The left lamp in the hall")
        await ed.put("s-cellar", {"unable": {"reason": "The cellar is locked"}})
    else:
        await ed.put("s-cellar", {"skipped": True})
    await ed.answer("s-keys", "o-box")
    await ed.answer("s-low", ["o-soap", "o-coffee"] if number % 2 else [])


async def _hand_over(ed: Ed, chance: random.Random, number: int, is_bad: bool) -> None:
    await ed.start(phone=f"+34 600 11 22 {10 + number}")
    await ed.answer("s-odo", 84120 + 213 * number)
    await ed.answer("s-fuel", 6)
    await _photos(ed, chance, "s-sides", 4)
    await ed.answer("s-damage", is_bad)
    if is_bad:
        await _photos(ed, chance, "s-close", 3)


async def _photos(ed: Ed, chance: random.Random, step: str, count: int) -> None:
    ids = [new_photo_id() for _ in range(count)]
    for photo_id in ids:
        answer = await ed.photo(step, photo(chance), photo_id)
        assert answer.status_code == 201, answer.text
    await ed.answer(step, photos=ids)


async def _today(w: World, firm: Firm, chance: random.Random, more: dict[str, Any]) -> None:
    """What is due today: one late and begun, one late and not, one under way, and some to come."""
    missed = {"title": "Boiler of Calle Larios 12", "due_at": _due(w, 1), "expires_in_hours": 2}
    firm.runs["missed"] = (await w.dispatch(firm.boiler, **missed, **more)).run_id
    late = {"title": "Beach house 2", "fields": {"f-address": "Paseo Marítimo 2, Málaga"}, "due_at": _due(w, 3)}
    firm.runs["late"] = (await w.dispatch(firm.turnover, executor_ref="BK-1061", **late, **more)).run_id
    begun = {"title": "Prinzenstraße 9", "fields": {"f-address": "Prinzenstraße 9, Berlin", "f-door": "0815"}}
    ed = await w.dispatch(firm.turnover, executor_ref="BK-1062", due_at=_due(w, 8), **begun, **more)
    w.clock.forward(hours=4)
    await ed.start(name="Tomasz Wójcik")
    await ed.answer("s-clean", 4)
    await ed.answer("s-broken", True)
    firm.runs["in_progress"] = ed.run_id
    damaged = {"title": "Van 3309 JBD", "fields": {"f-plate": "3309 JBD"}, "due_at": _due(w, 5)}
    ed = await w.dispatch(firm.hand_over, executor_ref="BK-1063", **damaged, **more)
    await _hand_over(ed, chance, 63, is_bad=True)
    await ed.complete()
    firm.runs["damaged"] = ed.run_id
    for number, hours in enumerate((2, 5, 27)):
        job = {"title": STREETS[number], "fields": {"f-address": STREETS[number]}, "due_at": _due(w, hours)}
        firm.runs["pending"] = (
            await w.dispatch(firm.turnover, executor_ref=f"BK-{1070 + number}", **job, **more)
        ).run_id
