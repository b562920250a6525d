"""The documentation for integrators: /docs. Pages are rendered once; the reference comes from the OpenAPI document."""

import asyncio
import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rundun import __version__, paths
from rundun.config.loader import SETTINGS, Setting
from rundun.core import event
from rundun.errors import NotFound
from rundun.web.advice import ADVICE
from rundun.web.context import context_of
from rundun.web.docs.markdown import LANGUAGES, code_figure, to_html
from rundun.web.docs.openapi.parts import TAGS
from rundun.web.pages import Pages
from rundun.web.problems import TABLE
from rundun.web.static import Asset, pack

README_SITE = "http://127.0.0.1:8000"  # what the samples call this service; on the pages it has its own name


@dataclass(frozen=True, slots=True)
class DocsPage:
    """One page of /docs; `path` is what follows /docs/, and `template` a file in templates/docs/, Markdown or Jinja."""

    path: str
    title: str
    template: str
    summary: str
    subject: str = ""


GUIDES = (
    DocsPage("", "Quick start", "quick_start.html", "From a key to a finished run in five minutes."),
    DocsPage("concepts", "Concepts", "concepts.html", "Template, run, executor, event, delivery, attempt."),
    DocsPage("templates", "The template language", "language.html", "What a checklist may ask, by example."),
    DocsPage("webhooks", "Webhooks", "webhooks.html", "What arrives, and how you know that it is from here."),
    DocsPage("deliveries", "Retries and replay", "deliveries.html", "What happens when you are not there."),
    DocsPage("feed", "The event feed", "feed.html", "The same events, fetched instead of received."),
    DocsPage("example", "A whole integration", "example.html", "A booking backend to begin with."),
    DocsPage("requests", "Requests", "requests.html", "Keys, repeating safely, limits, lists."),
    DocsPage("errors", "Errors", "errors.html", "Every problem, what it means and what to do."),
    DocsPage("front-end", "Your own front end", "front_end.html", "Build another page for the executor."),
    DocsPage("service", "Running the service", "service.md", "Settings, commands, health."),
    DocsPage("commands", "Commands", "commands.md", "The command line."),
    DocsPage("keep-and-forget", "Keep and forget", "keep_and_forget.html", "Backup, restore, erasure, retention."),
    DocsPage("faults", "Faults", "faults.html", "What breaks, what clients get, and what to do."),
)
REFERENCE = (
    *(DocsPage(f"reference/{name.lower()}", name, "reference.html", words, name) for name, words in TAGS.items()),
    DocsPage("reference/events-sent", "Events sent", "sent.html", "The body of each webhook."),
    DocsPage("reference/schemas", "Schemas", "schemas.html", "Every object of the API, field by field."),
)
PAGES = {page.path: page for page in (*GUIDES, *REFERENCE)}
# By its file, where each page in Markdown is.
_ADDRESSES = {page.template: f"/docs/{page.path}".rstrip("/") for page in GUIDES}
# What the code knows, as HTML in templates/docs/parts/: a guide links to the module that has it, alone in a paragraph.
_PARTS = {"../../rundun/config/settings.py": "settings.html"}


def sample(name: str, site: str) -> str:
    """Read a file of templates/docs/samples/, which tests run; addresses become those of this service."""
    text = (paths.templates() / "docs" / "samples" / name).read_text("utf-8")
    return text.rstrip("\n").replace(README_SITE, site)


_CODE = re.compile("`([^`]+)`")


def with_code(text: str) -> Markup:
    """Return text as markup, escaped, with `code` in it marked."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 (escaped first)


def default(setting: Setting) -> str:
    """Return a setting's default as it would be written."""
    value = setting.default
    if isinstance(value, tuple):
        value = [item if isinstance(item, int | float) else str(item) for item in value]
    return json.dumps(value if isinstance(value, int | float | list) else str(value))


@cache
def _render(pages: Pages, site: str, path: str) -> Asset:
    """Render a page, on which nothing changes while the process lives."""
    page = PAGES[path]
    values = _values(page, site)
    template = f"docs/{page.template}"
    if template.endswith(".md"):
        text = (paths.templates() / template).read_text("utf-8").replace(README_SITE, site)
        values["guide"] = to_html(text, _ADDRESSES, lambda target: _inserted(pages, values, target, site))
        template = "docs/guide.html"
    return pack("text/html; charset=utf-8", bytes(pages.render(template, **values).body))


def _inserted(pages: Pages, values: dict[str, Any], target: str, site: str) -> str | None:
    """Return the HTML that a guide has in the place of a link: what the code knows, or the text of a file."""
    if target in _PARTS:
        return bytes(pages.render(f"docs/parts/{_PARTS[target]}", **values).body).decode()
    folder, _, name = target.rpartition("/")
    if folder == "samples":
        return code_figure(sample(name, site), LANGUAGES[name.rpartition(".")[2]])
    if folder == "../../rundun/deploy":
        return code_figure((paths.deploy() / name).read_text("utf-8").rstrip("\n"), name)
    return None


def _values(page: DocsPage, site: str) -> dict[str, Any]:
    # Not before somebody reads: the document takes a moment to make.
    from rundun.web.docs.openapi import reference
    from rundun.web.docs.openapi.document import EXAMPLES, document, problem_example

    return {
        "page": page,
        "guides": GUIDES,
        "reference": REFERENCE,
        "site": site,
        "version": __version__,
        "sample": lambda name: sample(name, site),
        "booking": sample("booking.py", README_SITE),
        "operations": [operation for operation in reference.operations(site) if operation.subject == page.subject],
        "models": reference.models(),
        "schemas": document()["components"]["schemas"],
        "fields": reference.fields,
        "common_fields": reference.common_fields,
        "pretty": reference.pretty,
        "webhooks": document()["webhooks"],
        "step_types": reference.step_types(sample("types.json", "")),
        "problems": TABLE,
        "advice": ADVICE,
        "settings": SETTINGS,
        "default": default,
        "marked": with_code,
        "events": (*event.EVENTS, *event.ON_REQUEST),
        "field_codes": reference.codes("Place"),
        "missing": reference.codes("Missing"),
        "delivery": EXAMPLES["retryDelivery"]["202"],
        "problem": problem_example(TABLE["invalid"][0], "invalid"),
    }


async def show(request: Request) -> Response:
    """Serve a page of the documentation, compressed for whoever takes gzip: GET /docs and /docs/{path}."""
    ctx, path = context_of(request), request.path_params.get("path", "")
    if path not in PAGES:
        raise NotFound("page")
    asset = await asyncio.to_thread(_render, ctx.pages, ctx.settings.public_url, path)
    return asset.tagged_response(request, ctx.pages.headers)


ROUTES = [Route("/docs", show, methods=["GET"]), Route("/docs/{path:path}", show, methods=["GET"])]
