"""HTML pages, rendered with the one Jinja2 environment. The only inline script is the executor page's guard, which the
Content-Security-Policy names by its digest; nothing is loaded from elsewhere.
"""

import base64
import gzip
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from rundun import paths
from rundun.core import languages
from rundun.core.erasure.retention import NO_DAYS_SHOWN
from rundun.core.json_types.execution import StateJson
from rundun.core.text import encode
from rundun.web.pages.branding import PLAIN, Branding
from rundun.web.pages.shown_template import ShownTemplates, shown_template
from rundun.web.pages.static import Assets
from rundun.wording.console_words import ConsoleCatalogs
from rundun.wording.i18n import Catalogs, Language
from rundun.wording.page_words import WORDS

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex",
    "permissions-policy": "camera=(self), geolocation=(self), microphone=()",
}
_UNESCAPED = " /:='()-.,"  # in a data URL in an attribute; `#`, `%`, `<`, `>` and double quotes are escaped
OVER_HTTPS = {"cross-origin-opener-policy": "same-origin"}  # browsers warn about it on plain HTTP
# The oldest browsers that run the executor's page: tests/web/pages/test_browsers.py checks scripts and styles.
BROWSERS = {"safari": "15.4", "chrome": "98", "firefox": "98"}
CLOSED_STATUS = {"completed": 410, "cancelled": 410, "expired": 410, "erased": 410}
CLOSED_STATUS |= {"other_device": 403, "unknown": 404, "throttled": 429, "unavailable": 503, "internal": 500}


Handler = Callable[[Request], Awaitable[Response]]


def compress(request: Request, page: Response) -> Response:
    """Compress a page in place if `Accept-Encoding` names gzip, and return it. It saves time on weak mobile networks.

    These pages repeat nothing that a stranger sends beside anything secret, so their length reveals nothing.
    """
    page.headers["vary"] = "accept-encoding"
    if "gzip" in request.headers.get("accept-encoding", ""):
        page.body = gzip.compress(bytes(page.body), 6, mtime=0)
        page.headers["content-encoding"] = "gzip"
        page.headers["content-length"] = str(len(page.body))
    return page


def policy_with(policy: str, script: str) -> str:
    """Return the Content-Security-Policy that also allows the inline `script`, by its digest (CSP 3, 6.7.3.2)."""
    return policy.replace("script-src 'self'", f"script-src 'self' 'sha256-{_sha256(script.encode())}'")


def _sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


class Pages:
    """The renderer of `templates/`."""

    def __init__(self, folder: Path, assets: Assets, *, is_https: bool = False) -> None:
        self.assets = assets
        self.headers = HEADERS | (OVER_HTTPS if is_https else {})
        self.words = Catalogs(paths.locales(), WORDS)
        self.console_words = ConsoleCatalogs(paths.locales())
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["static"] = assets.url
        # Inline, since a request would cost a phone a round trip.
        icon = assets.text("icon.svg").strip()
        address = f"data:image/svg+xml,{quote(icon, safe=_UNESCAPED)}"
        self._environment.globals["icon"] = Markup(address)  # noqa: S704  Rundun's own picture
        self._shown_templates = ShownTemplates()
        self._guard = Markup(assets.text("executor/guard.js"))  # noqa: S704  Rundun's own script
        self._guarded = {"content-security-policy": policy_with(CONTENT_SECURITY_POLICY, self._guard)}
        # In UTF-8: an escaped Arabic letter takes three times as many bytes.
        self._environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}

    @cached_property
    def _script_words(self) -> dict[str, frozenset[str]]:
        """Return the names of the words used by the scripts of each page: `start`, `under_way`, `after`, `receipt`."""
        folder = paths.static() / "executor"
        scripts = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.js")}
        closed = ("end/closed.js", "offline/unsent.js", "dialog.js")
        ours = {name: text for name, text in scripts.items() if name != "end/closed.js"}
        return {
            "start": self.words.words_in(ours.values()),
            "under_way": self.words.words_in(text for name, text in ours.items() if name != "start.js"),
            "after": self.words.words_in(scripts[name] for name in closed),
            "receipt": self.words.words_in(scripts[name] for name in (*closed, "end/receipt.js", "dom.js")),
        }

    def render(self, name: str, /, status: int = 200, headers: dict[str, str] | None = None, **values: Any) -> Response:
        """Return the page of the template `name`, rendered with `values`; `headers` override those of all pages."""
        html = encode(self._environment.get_template(name).render(**values))
        return Response(html, status, self.headers | (headers or {}), media_type="text/html")

    def render_run(
        self,
        state: StateJson,
        preferred: Sequence[str],
        branding: Branding,
        photo_bytes: int,
        page: str = "executor/run.html",
        days_shown: Mapping[str, int | None] = NO_DAYS_SHOWN,
        is_stored: bool = True,
        has_report: bool = False,
        **more: Any,
    ) -> Response:
        """Render the executor's page of an open run. `state` is the response of `GET /r/{run_id}/state`; `preferred`
        are language tags, the most preferred first. The page has the template's texts in the reader's language only, as
        the other languages would be most of its weight, and the size in bytes of the largest photo allowed.
        `days_shown` is that of `core.erasure.retention`. `page` is a template that extends the executor's and gets the
        values in `more`. If the template `is_stored`, it is translated and serialized once per version and language.
        `has_report`: the end offers the PDF.
        """
        template, job = state["template"], state["job"]
        language = self.words.language(preferred, list(template.get("translations") or ()))
        is_new = state["run"]["status"] == "pending"
        if is_stored:
            version = (state["template_id"], state["template_v"], is_new)
            shown = self._shown_templates.get(version, template, language.texts)
        else:
            shown = shown_template(template, language.texts)
        # The labels of the job's fields are translated like the template, to which they belong.
        of_job = {"fields": job["fields"], "translations": template.get("translations")}
        fields = languages.translate(of_job, language.texts)["fields"]
        of_fields = languages.untranslated(of_job, {"fields": fields}, language.texts)
        unknown = True if shown.unknown is True or of_fields is True else [*shown.unknown, *of_fields]
        shown_state = {**state, "template": shown.head, "job": {**job, "fields": fields}}
        return self._render_in(
            page,
            language,
            state=shown_state,
            state_json=shown.embed_in(
                {**shown_state, "limits": {"photo_bytes": photo_bytes}, "has_report": has_report}
            ),
            headers=self._guarded,
            guard=self._guard,
            browsers=BROWSERS,
            is_new=is_new,
            words=self._script_words["start" if is_new else "under_way"],
            unknown=unknown,
            branding=branding,
            days_shown=days_shown,
            **more,
        )

    def render_closed(
        self,
        kind: str,
        preferred: Sequence[str],
        organization: dict[str, Any] | None = None,
        run: dict[str, Any] | None = None,
        branding: Branding = PLAIN,
        receipt: Mapping[str, Any] | None = None,
        reason: str | None = None,
        generation: int | None = None,
    ) -> Response:
        """Render the page that tells why there is nothing to do. `kind` is a key of CLOSED_STATUS, which has the page's
        status; `run` has the name of its template. A phone that did the run gets a `receipt` of its answers
        (static/executor/end/closed.js), or the `reason` of the cancellation. `generation` is that of the database, in
        which the run is closed or another phone's.
        """
        original = run["template"] if run else {}
        language = self.words.language(preferred, list(original.get("translations") or ()))
        template = languages.translate(original, language.texts)
        return self._render_in(
            "executor/closed.html",
            language,
            CLOSED_STATUS[kind],
            kind=kind,
            is_new=False,
            organization=organization,
            run=run,
            checklist=template.get("name"),
            unknown=languages.untranslated(original, template, language.texts),
            words=self._script_words["receipt" if receipt else "after"],
            receipt={**receipt, "template": languages.translate(receipt["template"], language.texts)}
            if receipt
            else None,
            reason=reason,
            generation=generation,
            branding=branding,
        )

    def _render_in(self, name: str, language: Language, status: int = 200, **values: Any) -> Response:
        """Render a page of /r. By its `Unencoded-Digest` (draft-ietf-httpbis-unencoded-digest) the service worker tells
        it from half of it and from a portal's page (static/executor/offline/sw.js).
        """
        page = self.render(name, status, language=language, t=language.say, **values)
        page.headers["unencoded-digest"] = f"sha-256=:{_sha256(bytes(page.body))}:"
        return page
