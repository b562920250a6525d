"""Attacks by reading: a member, links and keys of one organization ask for what costs most, many at a time."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any
from urllib.parse import quote, urlencode

from tests.bench.client import Call, Line, Reply
from tests.bench.means import PACE, Attacker, Means, again, answers

STEPS = 500
SENTENCE = "Look behind the door, under the sink and on top of the cupboard, and say what you found there. "
LARGE = [
    {"id": f"s-{number}", "type": "text", "label": f"{number}. {SENTENCE}", "hint": SENTENCE * 5}
    for number in range(STEPS)
]
LONG = SENTENCE * 83  # of 500 answers that make 4 MB
# What a search looks at longest: letters that are nearly everywhere, in an order that is nowhere.
SEARCHES = ("ab" * 90 + "y", "abababz", "zba", "a")


async def _streamed(port: int, path: str, headers: dict[str, str]) -> None:
    """Ask for an answer of any length again and again, and take all of it."""
    lines = [f"GET {path} HTTP/1.1", "host: 127.0.0.1", "connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode())
            answers[int((await reader.readline() or b"HTTP/1.1 000")[9:12])] += 1
            while await reader.read(1 << 20):
                pass
        except OSError:
            answers[0] += 1
        writer.close()
        await asyncio.sleep(PACE)


async def exports(port: int, means: Means) -> list[Any]:
    """Sixteen tables of all runs at a time."""
    return [_streamed(port, "/console/runs.csv?tab=all", means.session) for _ in range(16)]


async def console_searches(port: int, means: Means) -> list[Any]:
    """Sixteen searches of the console at a time."""
    calls = [Call("GET", f"/console/runs?tab=all&q={quote(text)}", None, means.session) for text in SEARCHES]
    return [again(port, 0, *calls) for _ in range(16)]


async def searches(port: int, means: Means) -> list[Any]:
    """Eight searches at a time with each of two keys of the organization."""
    return [
        again(port, 0, *(Call("GET", f"/v1/runs?q={quote(text)}", None, {"authorization": f"Bearer {key}"})
                         for text in SEARCHES))
        for key in (means.keys[0], means.second_key) for _ in range(8)
    ]  # fmt: skip


async def checks(port: int, means: Means) -> list[Any]:
    """Eight checks at a time of a checklist as large as one may be."""
    eve = Attacker(port, means.keys[0])
    page = await eve.call(Call("GET", "/console/templates/new", None, means.session))
    token = re.search(r'name="csrf" value="([^"]+)"', page.ok.body.decode())
    assert token
    steps = ", ".join(
        f'{{"type": "text", "label": "{number}. {SENTENCE}", "hint": "{SENTENCE * 8}"}}' for number in range(STEPS)
    )
    body = json.dumps({"text": f'{{"name": "Large", "steps": [{steps}]}}'}).encode()
    headers = {**means.session, "x-csrf-token": token[1], "content-type": "application/json"}
    return [again(port, 0, Call("POST", "/console/templates/drafts/text?check=true", body, headers)) for _ in range(8)]


async def _large_run(port: int, means: Means, answer: str = SENTENCE) -> str:
    eve = Attacker(port, means.keys[0])
    steps = [{**step, "config": {"max_length": 20_000}} for step in LARGE]
    (link,) = await eve.links(1, *steps)
    await eve.call(*(Call("PUT", f"{link}/steps/{step['id']}", {"value": answer}) for step in steps))
    return link


async def run_pages(port: int, means: Means) -> list[Any]:
    """Six pages at a time of a run with 500 answers."""
    link = await _large_run(port, means)
    return [again(port, 0, Call("GET", f"/console{link.replace('/r/', '/runs/')}", None, means.session))] * 6


async def archives(port: int, means: Means) -> list[Any]:
    """Two hundred archives at a time of that run."""
    link = await _large_run(port, means)
    path = f"/console{link.replace('/r/', '/runs/')}/archive.zip"
    return [_streamed(port, path, means.session) for _ in range(200)]


async def executor_pages(port: int, means: Means) -> list[Any]:
    """A hundred links of a checklist of 500 steps, each at its pace."""
    links = await Attacker(port, means.keys[0]).links(100, *LARGE)
    return [again(port, PACE, Call("GET", link)) for link in links]


async def records(port: int, means: Means) -> list[Any]:
    """Four at a time of a record of 4 MB, with a key."""
    link = await _large_run(port, means, LONG)
    headers = {"authorization": f"Bearer {means.keys[0]}"}
    return [_streamed(port, link.replace("/r/", "/v1/runs/"), headers) for _ in range(4)]


async def answer_tables(port: int, means: Means) -> list[Any]:
    """Two tables at a time of the answers to forty versions, half of whose steps are their own."""
    eve = Attacker(port, means.keys[0])
    made: Reply | None = None
    for number in range(40):
        ids = [f"s-{one}" for one in range(240)] + [f"s-{number}-{one}" for one in range(240)]
        body = {"name": "Many", "steps": [{"id": one, "type": "text", "label": one} for one in ids]}
        path = f"/{made.ok.json['id']}" if made else ""
        made = await eve.call(Call("PUT" if made else "POST", f"/v1/templates{path}", body, eve.headers))
        await eve.call(Call("POST", "/v1/runs", {"template_id": made.ok.json["id"]}, eve.headers))
    assert made
    return [_streamed(port, f"/v1/answers?template_id={made.ok.json['id']}", eve.headers) for _ in range(2)]


async def bodies(port: int, means: Means) -> list[Any]:
    """Eight bodies of 1 MiB at a time, with a key, and as many of 256 KiB by a link."""
    eve = Attacker(port, means.keys[0])
    (link,) = await eve.links(1, *LARGE[:1])
    members = b",".join(b'"%x":1' % number for number in range(95_000))
    lists = b",".join([b"[" * 190 + b"]" * 190] * 500)
    kind = {"content-type": "application/json"}
    calls = [Call("POST", "/v1/runs", body, {**eve.headers, **kind}) for body in (b"{%s}" % members, b"[%s]" % lists)]
    by_link = Call("PUT", f"{link}/steps/s-0", b"{%s}" % members[:250_000].rpartition(b",")[0], kind)
    return [*(again(port, 0, *calls) for _ in range(8)), *(again(port, PACE, by_link) for _ in range(8))]


async def _share(port: int, means: Means) -> str:
    link, eve = await _large_run(port, means, LONG), Attacker(port, means.keys[0])
    made = await eve.call(Call("POST", f"{link.replace('/r/', '/v1/runs/')}/shares", {}, eve.headers))
    return f"/share/{made.ok.json['url'].rpartition('/')[2]}"


async def shared_pdfs(port: int, means: Means) -> list[Any]:
    """Six PDFs at a time of a shared report of 4 MB."""
    path = f"{await _share(port, means)}/report.pdf"
    return [_streamed(port, path, {}) for _ in range(6)]


async def idle_readers(port: int, means: Means) -> list[Any]:
    """A hundred and fifty at a time who ask for a shared report of 4 MB, and take nothing of it."""
    path = await _share(port, means)

    async def idle() -> None:
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
            writer.write(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode())
            try:
                answers[int((await reader.readexactly(12))[9:])] += 1
                await asyncio.sleep(60)
            except (OSError, asyncio.IncompleteReadError):
                answers[0] += 1
            writer.close()
            await asyncio.sleep(PACE)

    return [idle() for _ in range(150)]


async def sign_ins(port: int, means: Means) -> list[Any]:
    """Twenty-four at a time who sign in with wrong passwords, each from an address of its own."""
    page = (await Attacker(port, means.keys[0]).call(Call("GET", "/console/sign-in"))).ok
    token = re.search(r'name="csrf" value="([^"]+)"', page.body.decode())
    cookie = re.search(r"(?i)set-cookie: ([^;\r]+)", page.head.decode())
    assert token and cookie
    headers = {"cookie": cookie[1], "content-type": "application/x-www-form-urlencoded"}
    numbers = count()

    async def sign_in(line: Line) -> Reply:
        number = next(numbers)
        fields = {"email": f"{number}@example.com", "password": "not the password", "csrf": token[1]}
        address = {"x-forwarded-for": f"9.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}
        return await line.call(Call("POST", "/console/sign-in", urlencode(fields).encode(), headers | address))

    return [again(port, 0, sign_in) for _ in range(24)]


ATTACKS: dict[str, Callable[[int, Means], Awaitable[list[Any]]]] = {
    one.__name__: one
    for one in (
        *(exports, console_searches, searches, checks, run_pages, archives, executor_pages, sign_ins),
        *(records, answer_tables, bodies, shared_pdfs, idle_readers),
    )
}
