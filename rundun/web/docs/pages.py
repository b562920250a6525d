"""The pages of /docs, rendered once: guides from Markdown, the reference from the OpenAPI document."""

import asyncio
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from rundun import __version__, paths
from rundun.core.json_types.base import MissingCode
from rundun.errors import FieldErrorCode, NotFound
from rundun.web.context import context_of
from rundun.web.docs.inserts import README_SITE, render_insert
from rundun.web.docs.markdown import mark_code, to_html
from rundun.web.docs.openapi.parts import TAGS
from rundun.web.pages.pages import Pages
from rundun.web.pages.static import Asset, pack
from rundun.wording.problem_codes import PROBLEMS


@dataclass(frozen=True, slots=True)
class DocsPage:
    """One page of /docs; `path` follows /docs/, `template` is a file in templates/docs/, Markdown or Jinja."""

    path: str
    title: str
    template: str
    summary: str
    subject: str = ""


# By reader, in the order of the menu.
GUIDES = {
    "Begin here": (
        DocsPage("", "Quick start", "quick-start.md", "From a key to a finished run in five minutes."),
        DocsPage("concepts", "Concepts", "concepts.md", "Template, run, executor, event, delivery, attempt."),
    ),
    "For your backend": (
        DocsPage("api", "The API at a glance", "api.md", "Every operation in a line."),
        DocsPage("requests", "Requests", "requests.md", "Keys, repeating safely, limits, lists."),
        DocsPage("errors", "Errors", "errors.html", "Every problem, what it means and what to do."),
        DocsPage("runs", "Dispatching runs", "runs.md", "The details of a run, its time, and changing both."),
        DocsPage("templates", "The template language", "template-language.md", "What a checklist may ask, by example."),
        DocsPage("webhooks", "Webhooks", "webhooks.md", "What arrives, and how to verify its sender."),
        DocsPage("deliveries", "Retries and replay", "deliveries.md", "What happens when you are not there."),
        DocsPage("feed", "The event feed", "feed.md", "The same events, fetched instead of received."),
        DocsPage("example", "A whole integration", "example.md", "A booking backend to begin with."),
        DocsPage("limits", "Limits", "limits.md", "Every limit, and the response beyond it."),
        DocsPage("relay", "A relay to chats", "relay.md", "Slack, Teams and Discord, told when a run ends."),
        DocsPage("clients", "Clients", "clients.md", "Written by a generator: Python, TypeScript."),
        DocsPage("assistants", "Assistants", "assistants.md", "Tools that an assistant drafts and reads with."),
        DocsPage("front-end", "Your own front end", "front-end.md", "Build another page for the executor."),
        DocsPage("versioning", "Versioning policy", "versioning.md", "What stays as it is, and what may change."),
    ),
    "For operators": (
        DocsPage("console", "The console", "console.md", "Dispatch by hand, follow runs, settle disputes."),
        DocsPage("browsers", "Browsers", "browsers.md", "The phones and browsers that are supported."),
    ),
    "For the administrator": (
        DocsPage("install", "Install and run", "install.md", "A clone, a wheel, one file, a container, a unit."),
        DocsPage("https", "Behind HTTPS", "https.md", "A name, a certificate, a proxy in front."),
        DocsPage("service", "Settings", "service.md", "Every setting, and where it is read from."),
        DocsPage("commands", "Commands", "commands.md", "The command line."),
        DocsPage("organizations", "Several organizations", "organizations.md", "Credits, quotas, contacts."),
        DocsPage("health", "Health and alerts", "health.md", "What to watch, and alerts when something fails."),
        DocsPage("keep-and-forget", "Keep and forget", "keep-and-forget.md", "Backup, restore, erasure, retention."),
        DocsPage("upgrading", "Upgrading", "upgrading.md", "Back up, replace, start; and the way back."),
        DocsPage("secrets", "Rotating secrets", "rotating-secrets.md", "What to do in which order, and what breaks."),
        DocsPage("faults", "Faults", "faults.md", "What breaks, what clients get, and what to do."),
        DocsPage("languages", "Languages", "languages.md", "The languages of the page, and adding one."),
        DocsPage("design", "How it is built", "design.md", "The parts of the service, and their reasons."),
    ),
}
REFERENCE = (
    *(DocsPage(f"reference/{name.lower()}", name, "reference.html", words, name) for name, words in TAGS.items()),
    DocsPage("reference/events-sent", "Events sent", "sent.html", "The body of each webhook."),
    DocsPage("reference/schemas", "Schemas", "schemas.html", "Every object of the API, field by field."),
)
PAGES = {page.path: page for page in (*(page for pages in GUIDES.values() for page in pages), *REFERENCE)}
# The other address of a guide, which redirects: the name of its file.
_BY_FILE = {page.template.removesuffix(".md"): page for page in PAGES.values() if page.template.endswith(".md")}
# Addresses for links between files of templates/docs/: by file, pages of the reference also by subject.
ADDRESSES = {
    **{f"{page.template}#{page.subject.lower()}": f"/docs/{page.path}" for page in REFERENCE if page.subject},
    **{page.template: f"/docs/{page.path}".rstrip("/") for page in reversed(PAGES.values())},
    "../../rundun/web/docs/openapi/document.py": "/v1/openapi.json",
}


@cache
def _render(pages: Pages, site: str, path: str) -> Asset:
    """Return the page at `path` as an `Asset`; it never changes in a process."""
    page = PAGES[path]
    values: dict[str, Any] = {
        "page": page,
        "guides": GUIDES,
        "reference": REFERENCE,
        "site": site,
        "version": __version__,
    }
    template = f"docs/{page.template}"
    if template.endswith(".md"):
        text = (paths.templates() / template).read_text("utf-8").replace(README_SITE, site)
        values["guide"] = to_html(text, ADDRESSES, lambda target, words: render_insert(pages, site, target, words))
        template = "docs/guide.html"
    else:
        values |= {**_reference_values(page, site), "marked": mark_code}
    return pack("text/html; charset=utf-8", bytes(pages.render(template, **values).body))


def _reference_values(page: DocsPage, site: str) -> dict[str, Any]:
    """Return the template values of a page that is no guide."""
    # Imported when called, since making the document takes a moment.
    from rundun.web.docs.openapi import reference
    from rundun.web.docs.openapi.document import document, problem_example

    if page.template == "errors.html":
        codes = {"field_codes": get_args(FieldErrorCode), "missing": get_args(MissingCode)}
        return {
            "problem": reference.format_json(problem_example(PROBLEMS["invalid"].status, "invalid")),
            "problems": PROBLEMS,
            **codes,
        }
    return {
        "operations": [operation for operation in reference.operations(site) if operation.subject == page.subject],
        "models": reference.models(),
        "schemas": document()["components"]["schemas"],
        "fields": reference.fields,
        "pretty": reference.format_json,
        "webhooks": document()["webhooks"],
    }


async def show_page(request: Request) -> Response:
    """Serve a page of the documentation, compressed if the client accepts gzip, or 304: GET /docs and /docs/{path}. The
    name of a guide's file redirects to the guide. Raises NotFound.
    """
    ctx, path = context_of(request), request.path_params.get("path", "")
    if path not in PAGES:
        if page := _BY_FILE.get(path.removesuffix(".md")):
            return RedirectResponse(f"/docs/{page.path}".rstrip("/"), 308)
        raise NotFound("page")
    asset = await asyncio.to_thread(_render, ctx.pages, ctx.settings.public_url, path)
    return asset.tagged_response(request, ctx.pages.headers)


ROUTES = [Route("/docs", show_page, methods=["GET"]), Route("/docs/{path:path}", show_page, methods=["GET"])]
