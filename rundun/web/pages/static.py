"""Scripts and styles, read and compressed once at start, cached by browsers for ever under their digest: /static."""

import gzip
import hashlib
import mimetypes
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rcssmin import cssmin
from rjsmin import jsmin
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rundun.errors import NotFound
from rundun.web.http.query_params import is_current

# A line that includes another file: replaced by that file's text, since every request costs a phone a round trip. The
# modules named here belong to one other.
_PARTS = rb"session|run_job|outbox|store|chosen|lazy_geo|status|told"
_INCLUDE = re.compile(
    rb'^(?:@import|export \* from|import \{[^}]*\} from(?= "[./\w]+/(?:%b)\.js")) "([^"]+)";$' % _PARTS, re.MULTILINE
)
_IMPORT = re.compile(rb'^import (\{[^}]*\}|\* as \w+) from "([^"]+)";$', re.MULTILINE)
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
_TYPES |= {".webp": "image/webp", ".ico": "image/x-icon", ".png": "image/png"}  # as not every system's table has them
# What browsers and phones ask for without being told.
_ICONS = ("favicon.ico", "apple-touch-icon.png")


@dataclass(frozen=True, slots=True)
class Asset:
    """What stays as it is while the process lives: its bytes plain and packed with gzip, and their entity tag."""

    content_type: str
    plain: bytes
    packed: bytes
    tag: str

    def response(self, request: Request, headers: Mapping[str, str]) -> Response:
        """Respond with the bytes, compressed for whoever takes gzip."""
        headers = {**headers, "vary": "accept-encoding", "content-type": self.content_type}
        if "gzip" not in request.headers.get("accept-encoding", "") or len(self.packed) >= len(self.plain):
            return Response(self.plain, headers=headers)
        return Response(self.packed, headers={**headers, "content-encoding": "gzip"})

    def tagged_response(self, request: Request, headers: Mapping[str, str]) -> Response:
        """Respond with the bytes and their entity tag, or 304 to whoever has them."""
        headers = {**headers, "etag": self.tag, "cache-control": "no-cache"}
        if is_current(request, self.tag):
            return Response(status_code=304, headers={**headers, "vary": "accept-encoding"})
        return self.response(request, headers)


def pack(content_type: str, plain: bytes) -> Asset:
    """Make an asset of its bytes."""
    tag = f'"{hashlib.sha256(plain).hexdigest()[:32]}"'
    return Asset(content_type, plain, gzip.compress(plain, 9, mtime=0), tag)


class Assets:
    """All files below a folder. Their addresses carry one digest of all files, so modules import each other by relative
    addresses and still never mix two versions.
    """

    def __init__(self, folder: Path) -> None:
        texts = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        whole = {name: _with_includes(name, texts) for name in texts}
        whole = {name: text if text == texts[name] else _with_imports_once(text) for name, text in whole.items()}
        self._assets = {name: pack(_content_type(name), _minified(name, text)) for name, text in whole.items()}
        digest = hashlib.sha256()
        for name, asset in self._assets.items():
            digest.update(f"{name}\0{len(asset.plain)}\0".encode() + asset.plain)
        self.digest = digest.hexdigest()[:12]

    def url(self, name: str) -> str:
        """Return the address of a file; KeyError where there is none, so that a page with a dead link never starts."""
        self._assets[name]
        return f"/static/{self.digest}/{name}"

    def text(self, name: str) -> str:
        """Return a file as it is served, as text; KeyError where there is none."""
        return self._assets[name].plain.decode()

    async def get(self, request: Request) -> Response:
        """Serve a file, compressed for whoever takes gzip: GET /static/{digest}/{name}."""
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            raise NotFound("file")
        current = request.path_params["digest"] == self.digest
        cache_control = "public, max-age=31536000, immutable" if current else "no-cache"
        return asset.response(request, {"cache-control": cache_control})

    async def worker(self, request: Request) -> Response:
        """Serve the service worker, which controls only what lies below its own address: GET /r/sw.js."""
        asset = self._assets["executor/offline/sw.js"]
        return Response(asset.plain, headers={"cache-control": "no-cache", "content-type": asset.content_type})

    async def icon(self, request: Request) -> Response:
        """Serve the service's icon where browsers look for it unasked: GET /favicon.ico, /apple-touch-icon.png."""
        name = request.url.path.removeprefix("/")
        return self._assets[name].response(request, {"cache-control": "public, max-age=86400"})

    def routes(self) -> list[Route]:
        """Return the routes of all files, which must come before those of /r/{run_id}."""
        return [
            Route("/static/{digest}/{name:path}", self.get, methods=["GET"]),
            Route("/r/sw.js", self.worker, methods=["GET"]),
            *(Route(f"/{name}", self.icon, methods=["GET"]) for name in _ICONS),
        ]


def _with_includes(name: str, texts: Mapping[str, bytes], included: set[str] | None = None) -> bytes:
    """Return a file's text, with the files that it includes, each once."""
    folder, included = posixpath.dirname(name), set() if included is None else included

    def text(line: re.Match[bytes]) -> bytes:
        part = posixpath.normpath(posixpath.join(folder, line[1].decode()))
        if part in included:
            return b""
        included.add(part)
        return _seen_from(folder, posixpath.dirname(part), _with_includes(part, texts, included))

    return _INCLUDE.sub(text, texts[name])


def _seen_from(folder: str, other: str, text: bytes) -> bytes:
    """Return a script of the `other` folder with what it imports named as from `folder`."""

    def line(match: re.Match[bytes]) -> bytes:
        source = posixpath.relpath(posixpath.join(other, match[2].decode()), folder)
        return b'import %b from "%b";' % (match[1], (source if source.startswith("../") else f"./{source}").encode())

    return text if folder == other else _IMPORT.sub(line, text)


def _with_imports_once(text: bytes) -> bytes:
    """Return a script that files were put into with all its imports first, each name imported once."""
    imported: dict[bytes, dict[bytes, None]] = {}
    for names, source in _IMPORT.findall(text):
        for name in names.strip(b"{}").split(b","):
            if name.strip():
                imported.setdefault(source, {})[name.strip()] = None
    lines = [
        b'import %s from "%s";' % (name if name.startswith(b"*") else b"{ %s }" % name, source)
        for source, names in imported.items()
        for name in _joined(names)
    ]
    return b"\n".join([*lines, _IMPORT.sub(b"", text)])


def _joined(names: Iterable[bytes]) -> list[bytes]:
    """Return what one source is imported as: its whole, if that is named, and all single names in one."""
    single = [name for name in names if not name.startswith(b"*")]
    return [name for name in names if name.startswith(b"*")] + ([b", ".join(single)] if single else [])


def _minified(name: str, plain: bytes) -> bytes:
    """Return a script or style without comments and needless white space: 28 % of what phones would load."""
    if name.endswith(".js"):
        return bytes(jsmin(plain))
    return bytes(cssmin(plain)) if name.endswith(".css") else plain


def _content_type(name: str) -> str:
    return _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
