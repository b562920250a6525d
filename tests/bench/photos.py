"""Photos as the page sends them, against a bare Starlette that does what cannot be done without."""

import base64
import hashlib
import io
import tempfile
import time
import uuid
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import uvloop
from PIL import Image, ImageChops

from tests.bench.client import Call, all_of
from tests.bench.processes import Rundun, module, rundun

ROUNDS = 3
PHOTOS = 160  # of one round
AT_ONCE = 16
BYTES = 400_000
TARGET_RATIO, TARGET_MS = 0.6, 15.0
STEP = {"id": "s-pic", "type": "photo", "label": "The kitchen", "config": {"min": 1, "max": 10}}


def photo() -> bytes:
    """A picture of about 400 KB as the page makes them: 2048 x 1536, with large shapes and some fine detail."""
    image = Image.new("RGB", (2048, 1536), "grey")
    for width, contrast in ((8, 90), (32, 60), (128, 40), (512, 9), (1024, 2)):
        layer = [Image.effect_noise((width, width * 3 // 4), contrast).resize(image.size) for _ in "RGB"]
        image = ImageChops.add(image, Image.merge("RGB", layer), 1, -128)
    found = b""
    for quality in range(50, 96):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality)
        found = out.getvalue()
        if len(found) >= BYTES:
            break
    return found


def measure() -> None:
    """Print photos a second, the service's CPU of each, and the ratio to the bare one, measured around each round."""
    data = photo()
    with tempfile.TemporaryDirectory(prefix="rundun-bench-") as name:
        folder = Path(name)
        with rundun(folder) as service, module("tests.bench.bare_photos", str(folder)) as bare:
            paths, bare_paths = _paths(service), [f"/{uuid.uuid4()}" for _ in range(PHOTOS)]
            _rate(bare, bare_paths, data)
            _rate(service.port, paths(), data)
            around, rates, cpu = [_rate(bare, bare_paths, data)], [], []
            for _ in range(ROUNDS):
                asked, before = paths(), service.cpu_seconds()
                rates.append(_rate(service.port, asked, data))
                cpu.append((service.cpu_seconds() - before) / PHOTOS * 1000)
                around.append(_rate(bare, bare_paths, data))
    ratio = median(2 * one / (a + b) for one, (a, b) in zip(rates, pairwise(around), strict=True))
    print(f"\nPhotos of {len(data) / 1000:.0f} kB, {AT_ONCE} at once:")
    print(f"  {median(rates):.0f}/s, {ratio:.2f} × a bare Starlette with {median(around):.0f}/s", end="")
    print(f"   ≥ {TARGET_RATIO}: {'met' if ratio >= TARGET_RATIO else 'MISSED'}")
    used = median(cpu)
    print(f"  {used:.1f} ms of CPU each   ≤ {TARGET_MS:g}: {'met' if used <= TARGET_MS else 'MISSED'}")


def _paths(service: Rundun) -> Any:
    key = {"authorization": f"Bearer {service.key}"}

    def call(*calls: Call) -> list[Any]:
        return [reply.ok.json for reply in uvloop.run(all_of(service.port, calls))]

    template = call(Call("POST", "/v1/templates", {"name": "Photos", "steps": [STEP]}, key))[0]["id"]

    def paths() -> list[str]:
        order = Call("POST", "/v1/runs", {"template_id": template}, key)
        runs = [one["run_id"] for one in call(*[order] * (PHOTOS // 10))]
        call(*[Call("POST", f"/r/{run}/start", {}) for run in runs])
        return [f"/r/{runs[n % len(runs)]}/steps/s-pic/photos/ph-{uuid.uuid4()}" for n in range(PHOTOS)]

    return paths


def _rate(port: int, paths: list[str], data: bytes) -> float:
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    headers = {"content-digest": f"sha-256=:{digest}:", "content-type": "image/jpeg"}
    calls = [Call("PUT", path, data, headers) for path in paths]
    began = time.monotonic()
    for reply in uvloop.run(all_of(port, calls, AT_ONCE)):
        assert reply.ok.status == 201
    return len(calls) / (time.monotonic() - began)


if __name__ == "__main__":
    measure()
