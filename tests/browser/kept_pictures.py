"""`make screenshots`: what is kept of them in static/, the icons and two pictures for the README.

`phone-and-console.webp` is a job half done on a phone, beside the console's page of it; `webhook.webp` is an event of
that job as its receiver got it. All of it is real; only the frames around it are drawn.
"""

import asyncio
import base64
import html
import io
import json
import os
import random
import re
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from PIL import Image, ImageDraw, ImageFilter
from playwright.async_api import Browser, Page, expect

from rundun import paths
from rundun.core import times
from rundun.web.console import cookies
from tests.browser.phone import chromium, phone
from tests.browser.pictures import file
from tests.helpers.console.console import operator
from tests.helpers.processes.served import served
from tests.helpers.service import Clock, Received, Receiver, World, world

NAME = "kept"  # on the command line of `make screenshots`, to make only these
WIDTH, FINE, MAX_BYTES = 830, 2, 120_000  # CSS pixels of a README's column, drawn twice as fine
# The same letters wherever one of these families is installed, or lies in the folder that RUNDUN_FONTS names.
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
<include ignore_missing="yes">/etc/fonts/fonts.conf</include><dir>{fonts}</dir><cachedir>{cache}</cachedir>
<match target="pattern"><test name="family" compare="not_eq"><string>DejaVu Sans Mono</string></test>
<edit name="family" mode="prepend" binding="strong"><string>Inter</string><string>Noto Sans</string>
<string>Liberation Sans</string></edit></match></fontconfig>
"""
CHECK: dict[str, Any] = {
    "name": "Pre-trip check",
    "description": "Before a van leaves the yard.",
    "execution": {"identity_required": "name"},
    "fields": [{"id": "f-van", "label": "Vehicle", "kind": "text", "show": "start"}],
    "steps": [
        {"id": "s-odo", "type": "number", "label": "Odometer reading", "config": {"unit": "km", "min": 0}},
        {"id": "s-lights", "type": "boolean", "label": "Do all lights work?"},
        {"id": "s-damage", "type": "boolean", "label": "Is there any damage?",
         "flag": {"when": {"op": "eq", "value": True}, "tell": "Please call the fleet desk before you drive on."}},
        {"id": "s-pic", "type": "photo", "label": "The damage, close up", "config": {"min": 1, "max": 4}},
        {"id": "s-clean", "type": "rating", "label": "How clean is it inside?",
         "config": {"min_label": "Dirty", "max_label": "Spotless"}},
        {"id": "s-sign", "type": "signature", "label": "Your signature"},
    ],
}  # fmt: skip
HOOK = "https://hooks.example.com/rundun"  # as the README names a receiver
MORNING = "2026-03-02T07:20:00Z"
JOB: dict[str, Any] = {
    "executor_ref": "trip_2107",
    "title": "Van 12 · Leeds, 08:30",
    "due_at": "2026-03-02T08:30:00Z",
    "fields": {"f-van": "Van 12, YK24 RDN"},
}


def photo_of_a_scratch() -> bytes:
    """A door with a scratch, as near to a photo as a few lines come; the same each time."""
    chance, size = random.Random(7), (1200, 1600)
    picture = Image.new("RGB", size)
    draw = ImageDraw.Draw(picture)
    for y in range(size[1]):
        light = 1.15 - 0.55 * y / size[1] + (0.22 if 560 < y < 590 else 0) - (0.18 if 590 <= y < 640 else 0)
        draw.line([(0, y), (size[0], y)], tuple(min(255, round(one * light)) for one in (52, 104, 158)))
    draw.line([(250, 0), (205, size[1])], (22, 44, 70), 14)
    draw.line([(266, 0), (221, size[1])], (96, 146, 196), 5)
    draw.rounded_rectangle((330, 330, 700, 420), 44, (36, 72, 112))
    draw.rounded_rectangle((345, 335, 690, 385), 26, (120, 166, 210))
    picture = picture.filter(ImageFilter.GaussianBlur(5))
    draw = ImageDraw.Draw(picture)
    for number in range(7):
        x, y, points = 330 + chance.randint(0, 60), 1040 - number * 17, []
        for _ in range(34):
            points.append((x, y))
            x, y = x + chance.randint(14, 26), y - chance.randint(2, 13)
        draw.line(points, (214, 220, 226) if number % 3 else (28, 40, 54), chance.choice((3, 5, 9)))
    grain = Image.effect_noise(size, 22).convert("RGB")
    out = io.BytesIO()
    Image.blend(picture.filter(ImageFilter.GaussianBlur(1.2)), grain, 0.07).save(out, "JPEG", quality=88)
    return out.getvalue()


async def photographed(w: World, base: str, browser: Browser) -> tuple[bytes, bytes, Received]:
    """The phone and the console in the middle of a job, and the event of its flagged answer as it arrived."""
    ann = await operator(w)
    name = "UPDATE organizations SET name = 'Northgate Vans' WHERE id = ?"
    await w.database.write(lambda tx: tx.db.execute(name, (w.acme_id,)).close())
    async with Receiver().listening() as receiver, phone(browser, base, viewport={"width": 360, "height": 720}) as ed:
        template = (await w.acme.post("/v1/templates", json=CHECK)).json()
        webhook = {"url": urljoin(receiver.url, urlsplit(HOOK).path), "secret": "at least 12 characters"}
        job = await w.dispatch(template["id"], **JOB, webhook=webhook)
        w.clock.forward(hours=0.5)
        await ed.page.goto(f"{base}/r/{job.run_id}")
        await ed.page.locator("#identity").fill("Sam Okafor")
        await ed.start()
        await ed.fill("s-odo", "84120")
        await ed.pick("s-lights", "Yes")
        await ed.pick("s-damage", "Yes")
        await ed.photograph("s-pic", file("a.jpg", "image/jpeg", photo_of_a_scratch()))
        await ed.is_done("s-odo", "s-lights", "s-damage", "s-pic")
        await ed.unfold("s-damage")
        await ed.unfold("s-pic")
        await ed.step("s-damage").evaluate("(step) => scrollTo(0, step.offsetTop - 110)")
        on_phone = await ed.page.screenshot(animations="disabled")
        await w.deliver()
        (event,) = [one for one in receiver.received if one.json["data"].get("step_id") == "s-damage"]
        moved = json.dumps({"webhook": {"url": HOOK}})  # the console shows no port of today
        patch = {"content": moved, "headers": {"content-type": "application/merge-patch+json"}}
        assert (await w.acme.patch(f"/v1/runs/{job.run_id}", **patch)).status_code == 200
    context = await browser.new_context(
        viewport={"width": 800, "height": 770}, device_scale_factor=FINE, locale="en-GB", reduced_motion="reduce"
    )
    session = ann.client.cookies.get(cookies.SESSION) or ""
    await context.add_cookies([{"name": cookies.SESSION, "value": session, "url": f"{base}/console"}])
    page = await context.new_page()
    await page.goto(f"{base}/console/runs/{job.run_id}")
    await expect(page.locator(".strip img").first).to_be_visible()
    await page.wait_for_load_state("networkidle")
    on_desk = await page.screenshot(animations="disabled")
    await context.close()
    return on_phone, on_desk, event


STYLE = """
body { margin: 0; width: 830px; background: #fff; font: 13px/1.5 system-ui, sans-serif; color: #191c21; }
figure { position: relative; margin: 0; padding: 18px 14px 44px; }
.desk, .sheet { border: 1px solid #d3d9e2; border-radius: 10px; overflow: hidden; box-shadow: 0 6px 22px #1c243022; }
.desk { width: 590px; }
.bar { display: flex; gap: 6px; padding: 9px 12px; background: #eef0f4; border-bottom: 1px solid #d3d9e2; }
.bar i { width: 9px; height: 9px; border-radius: 50%; background: #c3cad5; }
img { display: block; width: 100%; }
.phone { position: absolute; right: 20px; top: 100px; width: 256px; border: 7px solid #1c2430; border-radius: 30px;
  overflow: hidden; box-shadow: 0 4px 18px #1c243044; }
.sheet pre { margin: 0; padding: 14px 18px; font: 12px/1.6 "DejaVu Sans Mono", monospace; white-space: pre-wrap;
  overflow-wrap: anywhere; background: #fbfbfc; }
.sheet b { font-weight: 400; color: #2b4fc7; } .sheet em { font-style: normal; color: #11693a; }
.sheet .bar { color: #555d6b; align-items: center; } .sheet mark { background: #ffe9a8; color: inherit; }
"""


def framed(on_phone: bytes, on_desk: bytes) -> str:
    """The phone in front of the console."""
    desk, hand = (f"data:image/png;base64,{base64.b64encode(one).decode()}" for one in (on_desk, on_phone))
    return (
        f'<figure><div class="desk"><div class="bar"><i></i><i></i><i></i></div><img src="{desk}"></div>'
        f'<div class="phone"><img src="{hand}"></div></figure>'
    )


def laid_out(value: Any, indent: str = "") -> str:
    """JSON in which what fits a line stands in one."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict) or len(indent + line) <= 88:
        return line
    deeper = indent + "  "
    parts = [f'{deeper}"{name}": {laid_out(part, deeper)}' for name, part in value.items()]
    return "\n".join(["{", ",\n".join(parts), f"{indent}}}"])


def printed(event: Received) -> str:
    """The request, as a receiver may print it."""
    names = [name for name in event.headers if name not in ("host", "accept", "accept-encoding", "connection")]
    lines = [f"<b>POST</b> {html.escape(event.path)}"]
    lines += [f"<b>{html.escape(name)}:</b> {html.escape(event.headers[name])}" for name in names]
    body = html.escape(laid_out(event.json), quote=False)
    body = re.sub(r'("[^"]+")(?=: )', r"<b>\1</b>", body)
    body = body.replace('<b>"flagged"</b>: true', '<mark><b>"flagged"</b>: true</mark>')
    text = "\n".join([*lines, "", body])
    return f'<figure><div class="sheet"><div class="bar"><i></i><i></i><i></i></div><pre>{text}</pre></div></figure>'


async def keep(page: Page, body: str, name: str) -> None:
    """One picture, as small as it can be read well."""
    await page.set_content(f"<style>{STYLE}</style>{body}")
    await page.evaluate("Promise.all([...document.images].map((one) => one.decode()))")
    picture = Image.open(io.BytesIO(await page.locator("figure").screenshot()))
    path = paths.static() / "docs" / name
    picture.convert("RGB").save(path, "WEBP", quality=82, method=6)
    assert path.stat().st_size <= MAX_BYTES, f"{name}: {path.stat().st_size} bytes"
    print(f"{name}: {picture.size[0]}x{picture.size[1]}, {path.stat().st_size} bytes", flush=True)


async def icons(page: Page) -> None:
    """The icon as pixels, for what takes no SVG."""
    drawing = (paths.static() / "icon.svg").read_text("utf-8")
    sizes = {}
    for size in (16, 32, 48, 180):
        await page.set_viewport_size({"width": size, "height": size})
        await page.set_content(
            f"<style>body {{ margin: 0 }} svg {{ display: block; width: {size}px }}</style>{drawing}"
        )
        sizes[size] = Image.open(io.BytesIO(await page.screenshot(omit_background=True)))
    large = Image.new("RGB", sizes[180].size, "#2b4fc7")  # phones cut the corners themselves
    large.paste(sizes[180], mask=sizes[180].getchannel("A"))
    large.quantize(32).save(paths.static() / "apple-touch-icon.png", optimize=True)
    small = [sizes[size] for size in (16, 32)]
    sizes[48].save(paths.static() / "favicon.ico", sizes=[(16, 16), (32, 32), (48, 48)], append_images=small)


async def main() -> None:
    """All of them, unless the command line names series of others."""
    if sys.argv[1:] and NAME not in sys.argv[1:]:
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fonts = folder / "fonts.conf"
        fonts.write_text(FONTS.format(fonts=os.environ.get("RUNDUN_FONTS", folder), cache=folder / "fonts"))
        os.environ["FONTCONFIG_FILE"] = str(fonts)  # the browser inherits it
        morning = times.parse(MORNING)
        assert morning
        async with world(folder, Clock(morning)) as w, served(w) as base, chromium() as browser:
            on_phone, on_desk, event = await photographed(w, base, browser)
            page = await browser.new_page(viewport={"width": WIDTH, "height": 600}, device_scale_factor=FINE)
            await keep(page, framed(on_phone, on_desk), "phone-and-console.webp")
            await keep(page, printed(event), "webhook.webp")
            await icons(await browser.new_page())
            w.service.notifier.end()


if __name__ == "__main__":
    asyncio.run(main())
