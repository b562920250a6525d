"""Static files below /static: read and compressed at the start, cached by browsers for ever under their digest."""

import gzip
import hashlib
import mimetypes
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rcssmin import cssmin
from rjsmin import jsmin
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rundun.errors import NotFound
from rundun.web.http.query_params import is_current

# Files served as one, since each request costs a phone a round trip: the requested file, and the parts before it.
PARTS = {
    "console/console.css": ("tokens.css",),
    "executor/styles/page.css": ("tokens.css",),
    "executor/styles/run.css": (
        "tokens.css",
        "executor/styles/page.css",
        "executor/styles/steps.css",
        "executor/styles/outbox.css",
        "executor/styles/job.css",
    ),
    # All that the first screens need, so that the list opens without network once the page is there.
    "executor/main.js": (
        "executor/offline/outbox.js",
        "executor/steps/lazy_geo.js",
        "executor/photos/chosen.js",
        "executor/photos/store.js",
        "executor/run_job.js",
        "executor/offline/drafts.js",
        "executor/offline/other_phones.js",
        "executor/session.js",
        "executor/start.js",
        "executor/job.js",
        "executor/steps/status.js",
        "executor/steps/told.js",
        "executor/steps/step.js",
        "executor/steps/form.js",
        "executor/steps/fields.js",
        "executor/photos/fields.js",
    ),
    "executor/rules.js": (
        "executor/rules/checklist.js",
        "executor/rules/values.js",
        "executor/rules/answers.js",
        "executor/rules/clock.js",
        "executor/rules/marks.js",
    ),
    "executor/photos/prepare.js": (
        "executor/photos/formats.js",
        "executor/photos/exif.js",
        "executor/photos/shrink.js",
    ),
    "executor/end/closing.js": ("executor/offline/unsent.js", "executor/end/receipt.js", "executor/end/reopening.js"),
    "executor/end/closed.js": ("executor/offline/unsent.js", "executor/end/receipt.js", "executor/end/reopening.js"),
}
# The end of each script and style, by which pages know that a file is whole: some browsers take one that was cut short
# for it.
ENDS = {".js": b"//end", ".css": b"end{}"}
_IMPORT = re.compile(r'^(?:@import|export \* from|import (\{[^}]*\}|\* as \w+) from) "([^"]+)";$', re.MULTILINE)
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
_TYPES |= {".webp": "image/webp", ".ico": "image/x-icon", ".png": "image/png"}  # not every system's table has these
# Icons that browsers and phones request on their own.
_ICONS = ("favicon.ico", "apple-touch-icon.png")


@dataclass(frozen=True, slots=True)
class Asset:
    """Content that does not change while the process runs: its bytes, the same gzipped, and their entity tag."""

    content_type: str
    plain: bytes
    packed: bytes
    tag: str

    def response(self, request: Request, headers: Mapping[str, str]) -> Response:
        """Return a response with the bytes, gzipped if `Accept-Encoding` names gzip and that is smaller."""
        headers = {**headers, "vary": "accept-encoding", "content-type": self.content_type}
        if "gzip" not in request.headers.get("accept-encoding", "") or len(self.packed) >= len(self.plain):
            return Response(self.plain, headers=headers)
        return Response(self.packed, headers={**headers, "content-encoding": "gzip"})

    def tagged_response(self, request: Request, headers: Mapping[str, str]) -> Response:
        """Return a response with the bytes and their entity tag, or 304 if the client has them."""
        headers = {**headers, "etag": self.tag, "cache-control": "no-cache"}
        if is_current(request, self.tag):
            return Response(status_code=304, headers={**headers, "vary": "accept-encoding"})
        return self.response(request, headers)


def pack(content_type: str, plain: bytes) -> Asset:
    """Return the `Asset` of these bytes, with their gzipped form and their entity tag."""
    tag = f'"{hashlib.sha256(plain).hexdigest()[:32]}"'
    return Asset(content_type, plain, gzip.compress(plain, 9, mtime=0), tag)


class Assets:
    """All files below a folder. Their URLs have one digest of all files, so that modules can import each other by
    relative URLs and never mix two versions.
    """

    def __init__(self, folder: Path) -> None:
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        files |= {name: _join(name, files) for name in PARTS}
        self._assets = {name: pack(_content_type(name), _minified(name, text)) for name, text in files.items()}
        digest = hashlib.sha256()
        for name, asset in self._assets.items():
            digest.update(f"{name}\0{len(asset.plain)}\0".encode() + asset.plain)
        self.digest = digest.hexdigest()[:12]

    def url(self, name: str) -> str:
        """Return the URL of a file, a path; raises KeyError for an unknown one, so that no page with a dead link is
        served.
        """
        self._assets[name]
        return f"/static/{self.digest}/{name}"

    def text(self, name: str) -> str:
        """Return the text of a file as it is served; raises KeyError for an unknown one."""
        return self._assets[name].plain.decode()

    async def get(self, request: Request) -> Response:
        """GET /static/{digest}/{name}: serve a file, under an older digest without caching; raises NotFound.

        A page that loads its files again adds the number of its attempt to the digest (static/executor/guard.js).
        """
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            raise NotFound("file")
        current = request.path_params["digest"].partition("~")[0] == self.digest
        cache_control = "public, max-age=31536000, immutable" if current else "no-cache"
        return asset.response(request, {"cache-control": cache_control})

    async def worker(self, request: Request) -> Response:
        """GET /r/sw.js: serve the service worker, which controls only pages below its own address."""
        asset = self._assets["executor/offline/sw.js"]
        return Response(asset.plain, headers={"cache-control": "no-cache", "content-type": asset.content_type})

    async def icon(self, request: Request) -> Response:
        """GET /favicon.ico and /apple-touch-icon.png: serve an icon that browsers request on their own."""
        name = request.url.path.removeprefix("/")
        return self._assets[name].response(request, {"cache-control": "public, max-age=86400"})

    def routes(self) -> list[Route]:
        """Return the routes of all files; they must precede those of /r/{run_id}."""
        return [
            Route("/static/{digest}/{name:path}", self.get, methods=["GET"]),
            Route("/r/sw.js", self.worker, methods=["GET"]),
            *(Route(f"/{name}", self.icon, methods=["GET"]) for name in _ICONS),
        ]


def _join(name: str, files: Mapping[str, bytes]) -> bytes:
    """Return a served file: the imports from other files, each name once, then the other lines of its parts and it."""
    texts = {part: files[part].decode() for part in (*PARTS[name], name)}
    imports: dict[tuple[str, bool], dict[str, None]] = {}  # names by their module, and whether it is named as a whole
    for part, text in texts.items():
        for names, address in _IMPORT.findall(text):
            source = posixpath.normpath(posixpath.join(posixpath.dirname(part), address))
            if source not in texts:
                module = posixpath.relpath(source, posixpath.dirname(name))
                module = module if module.startswith("../") else f"./{module}"
                found = dict.fromkeys(re.findall(r"\* as \w+|\w+(?: as \w+)?", names))
                imports.setdefault((module, "*" in names), {}).update(found)
    lines = [
        f'import {", ".join(names) if is_whole else "{ " + ", ".join(names) + " }"} from "{module}";'
        for (module, is_whole), names in imports.items()
    ]
    return "\n".join([*lines, *(_IMPORT.sub("", text) for text in texts.values())]).encode()


def _minified(name: str, plain: bytes) -> bytes:
    """Return a script or style without comments and needless white space, which saves phones 28 % of the bytes, and
    with its end from `ENDS`; other files unchanged.
    """
    suffix = Path(name).suffix
    if suffix not in ENDS:
        return plain
    short = jsmin(plain) if suffix == ".js" else cssmin(plain)
    return bytes(short.rstrip()) + b"\n" + ENDS[suffix]


def _content_type(name: str) -> str:
    return _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
