"""The inserts of guides: file texts and generated tables in place of links that are alone in their paragraph."""

import json
from collections.abc import Callable
from typing import Any

from rundun import paths
from rundun.config.loader import SETTINGS, Setting
from rundun.web.docs.markdown import code_figure, mark_code
from rundun.web.pages.pages import Pages

README_SITE = "http://127.0.0.1:8000"  # the service's URL in the samples; pages show the real one


def read_sample(name: str, site: str) -> str:
    """Return the text of a file of templates/docs/samples/, which tests run, with the service's URL set to `site`."""
    text = (paths.templates() / "docs" / "samples" / name).read_text("utf-8")
    return text.rstrip("\n").replace(README_SITE, site)


def render_insert(pages: Pages, site: str, target: str, words: str) -> str | None:
    """Return the HTML for a link to `target` with these `words`; None if it stays a link."""
    folder, _, name = target.rpartition("/")
    if folder == "samples":
        return code_figure(read_sample(name, README_SITE if name == "booking.py" else site), words)
    if folder == "../../rundun/deploy":
        return code_figure((paths.deploy() / name).read_text("utf-8").rstrip("\n"), words)
    module, _, part = target.removeprefix("../../rundun/").partition("#")
    if module == "web/docs/openapi/examples.json":
        return code_figure(_example(part), words)
    if module in _PARTS:
        template, values = _PARTS[module]
        return _render_part(pages, template, values(site))
    if module in ("core/templates/template.py", "core/templates/steps.py"):
        return _render_part(pages, "fields.html", {"rows": _fields(part)})
    return None


def _render_part(pages: Pages, template: str, values: dict[str, Any]) -> str:
    return bytes(pages.render(f"docs/parts/{template}", marked=mark_code, **values).body).decode()


def default_text(setting: Setting) -> str:
    """Return a setting's default as a text in TOML."""
    value = setting.default
    if isinstance(value, tuple):
        value = [item if isinstance(item, int | float) else str(item) for item in value]
    return json.dumps(value if isinstance(value, int | float | list) else str(value))


# The following functions import the OpenAPI document when called, since making it takes a moment.


def _settings(_: str) -> dict[str, Any]:
    return {"settings": SETTINGS, "default": default_text}


def _events(_: str) -> dict[str, Any]:
    from rundun.web.docs.openapi.document import document
    from rundun.web.docs.openapi.events import ALERTS

    sent = document()["webhooks"].items()
    texts = {name: one["post"]["description"].partition(" Posted to ")[0] for name, one in sent if name not in ALERTS}
    return {"events": texts}


def _operations(site: str) -> dict[str, Any]:
    from rundun.web.docs.openapi import reference

    return {"operations": [one for one in reference.operations(site) if one.path.startswith("/v1/")]}


def _step_types(_: str) -> dict[str, Any]:
    from rundun.web.docs.openapi import reference

    return {"step_types": reference.step_types(read_sample("types.json", ""))}


def _fields(name: str) -> list[Any]:
    from rundun.web.docs.openapi import reference
    from rundun.web.docs.openapi.document import document

    return (
        reference.common_fields() if name == "StepBase" else reference.fields(document()["components"]["schemas"][name])
    )


def _example(name: str) -> str:
    """Return an example of the OpenAPI document as JSON text: the body of an event, or an operation's response."""
    from rundun.web.docs.openapi.document import EXAMPLES, document
    from rundun.web.docs.openapi.reference import format_json

    if name in EXAMPLES["webhooks"]:
        content = document()["webhooks"][name]["post"]["requestBody"]["content"]["application/json"]
        return format_json(content["examples"]["example"]["value"])
    return format_json(next(value for status, value in EXAMPLES[name].items() if status.startswith("2")))


# By module: a file of templates/docs/parts/, and the function that returns its values.
_PARTS: dict[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    "config/settings.py": ("settings.html", _settings),
    "core/runs/event.py": ("events.html", _events),
    "web/routes.py": ("operations.html", _operations),
    "core/runs/answer.py": ("step_types.html", _step_types),
}
