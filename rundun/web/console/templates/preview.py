"""/console/templates/preview: the executor's page with a template draft. It stores nothing, neither here nor in the
browser: an import map replaces its database, HTTP client and page store by modules that work in memory.
"""

import json
from dataclasses import replace

from markupsafe import Markup
from pydantic_core import from_json
from starlette.responses import Response

from rundun.actions.runs.state import RunState
from rundun.core import languages as translation
from rundun.core.runs import progress
from rundun.core.runs.evidence import Evidence
from rundun.core.runs.run import DispatchRequest, new_run
from rundun.core.templates import pictures as template_pictures
from rundun.core.templates.template import Template
from rundun.store.sqlite.transaction import TemplateVersion
from rundun.store.templates import pictures as picture_rows
from rundun.web.console.session import ConsoleCall
from rundun.web.executor.state import state_json
from rundun.web.pages.branding import branding_of
from rundun.web.pages.pages import policy_with
from rundun.web.pages.static import Assets

# The replaced scripts of the executor's page, and the names of their replacements in static/console/templates/.
REPLACED = {"http": "preview_http", "offline/db": "preview_db", "offline/keep_page": "preview_keep_page"}


async def preview(call: ConsoleCall) -> Response:
    """GET /console/templates/preview/{name}: show the draft in the language `?lang=`; `?at=start`: before Start. Raises
    NotFound for a draft that is no longer in the cache.
    """
    body = call.ctx.preview_cache.get(call.operator.operator_id, call.path("name"), call.now)
    is_started = call.request.query_params.get("at") != "start"
    version = await call.turns.run(_version, body, call.organization.org_id, call.now)
    named = template_pictures.picture_ids(version.steps)
    version = replace(version, pictures=await call.read(picture_rows.list_by_id, named))
    return await call.turns.run(_render, call, version, is_started)


def _render(call: ConsoleCall, version: TemplateVersion, is_started: bool) -> Response:
    links = call.ctx.links
    state = state_json(_run_state(version, is_started), call.organization, links, call.now, 0, in_page=True)
    lang = call.request.query_params.get("lang", "")
    chosen = [lang] if translation.is_tag(lang) else []
    languages = [*chosen, *translation.accepted_tags(call.request.headers.get("accept-language", ""))]
    imports = _imports(call.ctx.pages.assets)
    branding = branding_of(call.organization, call.ctx.pages.assets, links)
    scripts = Markup(imports)  # noqa: S704  made of Rundun's own URLs
    photo_bytes = call.ctx.settings.limits.photo_bytes
    page = "console/templates/preview.html"
    response = call.ctx.pages.render_run(
        state, languages, branding, photo_bytes, page, is_stored=False, imports=scripts
    )
    response.headers["content-security-policy"] = _policy(response.headers["content-security-policy"], imports)
    return response


def _version(body: bytes, org_id: str, now: int) -> TemplateVersion:
    template = Template.model_validate(from_json(body))
    steps = tuple(template.all_steps())
    untouched = progress.count_progress(progress.evaluate(steps, {}, {}))
    return TemplateVersion("t-preview", 1, org_id, now, now, body, template, steps, untouched)


def _run_state(version: TemplateVersion, is_started: bool) -> RunState:
    """Return the `RunState` of a run of the template, started or not, that is stored nowhere."""
    now = version.created_at
    order = DispatchRequest(version.template_id, expires_in_hours=None)
    run = new_run(order, "r-preview", version.org_id, version.v, now, version.untouched)
    if is_started:
        run = replace(run, status="in_progress", started_at=now, assigned_to="u-preview")
    return RunState(run, version, {}, Evidence({}, {}), progress.evaluate(version.steps, {}, {}))


def _imports(assets: Assets) -> str:
    """Return the import map (HTML 8.1.6.2) as JSON text. It applies to the executor's scripts only, so replacements may
    import the originals.
    """
    replacements = {
        assets.url(f"executor/{name}.js"): assets.url(f"console/templates/{other}.js")
        for name, other in REPLACED.items()
    }
    scope = assets.url("executor/main.js").rpartition("/")[0] + "/"
    return json.dumps({"scopes": {scope: replacements}})


def _policy(policy: str, imports: str) -> str:
    """Return `policy` with the import map's digest, and with frames of the console allowed."""
    return policy_with(policy, imports).replace("frame-ancestors 'none'", "frame-ancestors 'self'")
