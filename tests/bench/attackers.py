"""`python -m tests.bench.attackers PORT ATTACK MEANS`: what a security audit found to hold up all others, done by one
organization, or by one for each key of MEANS, which is JSON, until SIGTERM. What it was answered, and how often, is
printed then.
"""

import asyncio
import base64
import hashlib
import io
import json
import signal
import struct
import sys
import uuid
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from PIL import Image

from tests.bench import reading_attackers
from tests.bench.client import Call, Line, Reply
from tests.bench.means import PACE, Attacker, Means, again, answers


async def conditions(port: int, means: Means) -> list[Any]:
    """Links of a checklist that searches texts: the audit's where it is taken, else as much as is allowed."""
    eve = Attacker(port, means.keys[0])
    for length, needles in ((20_000, _needles(2000)), (2_000, _needles(114))):
        steps: list[Any] = [{"id": "s-0", "type": "text", "label": "t", "config": {"max_length": length}}]
        for start in range(0, len(needles), 50):
            rules = [{"when": {"step": "s-0", "op": "contains", "value": one}} for one in needles[start : start + 50]]
            shown = {"op": "or", "rules": rules}
            steps.append({"type": "text", "label": "l", "required": False, "condition": shown})
        if (await eve.template(*steps)).status == 201:
            break
    texts = ["a" * (length - 1) + last for last in "ab"]
    works = []
    for link in await eve.links(4, *steps):
        puts = [Call("PUT", f"{link}/steps/s-0", {"value": text}) for text in texts]
        works += [again(port, 2 * PACE, Call("GET", f"{link}/state")), again(port, 2 * PACE, *puts)]
    return works


def _needles(count: int) -> list[str]:
    """Different values that cost most: nearly all of each is nearly everywhere."""
    return [f"{n:b}".replace("0", "a").replace("1", "c").rjust(50, "a").ljust(99, "a") for n in range(1, count + 1)]


async def names(port: int, means: Means) -> list[Any]:
    """Runs whose receivers have names that nobody answers for."""
    attackers = [Attacker(port, key) for key in means.keys]
    step = {"id": "s-a", "type": "boolean", "label": "?"}
    templates = [(await one.template(step)).ok.json["id"] for one in attackers]

    def dispatch(attacker: Attacker, template_id: str) -> Callable[[Line], Awaitable[Reply]]:
        async def dispatch(line: Line) -> Reply:
            order = {"template_id": template_id, "webhook": {"url": f"http://{uuid.uuid4()}.slow.test/"}}
            run = await line.call(Call("POST", "/v1/runs", order, attacker.headers))
            return await line.call(Call("POST", f"/r/{run.ok.json['run_id']}/start", {}))

        return dispatch

    works = [dispatch(*pair) for pair in zip(attackers, templates, strict=True)]
    return [again(port, 0, work) for work in works for _ in range(90 // len(works))]


PHOTO = {"id": "s-p", "type": "photo", "label": "p", "config": {"max": 10}}


async def uploads(port: int, means: Means) -> list[Any]:
    """Links that send a byte of a picture now and then: 16 of the first organization, and 8 of each other."""
    paths = [
        f"{link}/steps/s-p/photos/ph-{uuid.uuid4()}"
        for number, key in enumerate(means.keys)
        for link in await Attacker(port, key).links(8 if number else 16, PHOTO)
        for _ in range(4)
    ]

    async def trickle(path: str) -> None:
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"PUT {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 15000000\r\n\r\nx".encode())
            try:
                head = b""
                while not head:
                    try:
                        async with asyncio.timeout(10):
                            head = await reader.readexactly(12)
                    except TimeoutError:
                        writer.write(b"x")
                answers[int(head[9:12])] += 1
            except (OSError, asyncio.IncompleteReadError):
                answers[0] += 1
            writer.close()
            await asyncio.sleep(1)

    return [trickle(path) for path in paths]


async def pictures(port: int, means: Means) -> list[Any]:
    """Three links, each with three pictures of 49 megapixels of nothing at a time."""
    bomb = _nothing(7000)
    headers = {"content-digest": f"sha-256=:{base64.b64encode(hashlib.sha256(bomb).digest()).decode()}:"}
    works = []
    for link in await Attacker(port, means.keys[0]).links(3, PHOTO):
        for _ in range(3):
            path = f"{link}/steps/s-p/photos/ph-{uuid.uuid4()}"
            works.append(again(port, PACE, Call("PUT", path, bomb, headers), Call("DELETE", path)))
    return works


async def barcodes(port: int, means: Means) -> list[Any]:
    """Five links with a picture full of what looks like the corners of a code."""
    corner = Image.new("L", (9, 9), 255)
    for colour, edge in ((0, 1), (255, 2), (0, 3)):
        corner.paste(colour, (edge, edge, 9 - edge, 9 - edge))
    corner, picture = corner.resize((18, 18), Image.Resampling.NEAREST), Image.new("L", (4896, 4896), 255)
    for x in range(0, 4896, 18):
        picture.paste(corner, (x, 0))
    row = picture.crop((0, 0, 4896, 18))
    for y in range(18, 4896, 18):
        picture.paste(row, (0, y))
    picture.save(out := io.BytesIO(), "PNG")
    links = await Attacker(port, means.keys[0]).links(5, {"id": "s-c", "type": "barcode", "label": "c"})
    return [again(port, PACE, Call("POST", f"{link}/decode", out.getvalue())) for link in links]


def _nothing(side: int) -> bytes:
    """A PNG of so many black pixels squared."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(bytes(side * 3 + 1) * side, 9)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


ATTACKS: dict[str, Callable[[int, Means], Awaitable[list[Any]]]] = {
    **{one.__name__: one for one in (conditions, names, uploads, pictures, barcodes)},
    **reading_attackers.ATTACKS,
}


async def main(port: int, attack: str, means: Means) -> None:
    """Attack until SIGTERM; a line on standard output says that it has begun."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    tasks = [asyncio.ensure_future(work) for work in await ATTACKS[attack](port, means)]
    answers.clear()
    print("begun", flush=True)
    await stop.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps(answers), flush=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], Means(**json.loads(sys.argv[3]))))
