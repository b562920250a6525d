"""/console: where the operator lives. Every route is made by `desk.page`, which asks who is there."""

from __future__ import annotations

from rundun.web.console import (
    dispatching,
    export,
    health,
    keys,
    live,
    nowhere,
    organization,
    overview,
    people,
    run,
    runs,
    settings,
    signing_in,
    templates,
    templates_edit,
    templates_preview,
    webhooks,
)

ROUTES = [
    *signing_in.ROUTES,
    *overview.ROUTES,
    *live.ROUTES,
    *runs.ROUTES,
    *export.ROUTES,
    *run.ROUTES,
    *settings.ROUTES,
    *keys.ROUTES,
    *people.ROUTES,
    *organization.ROUTES,
    *webhooks.ROUTES,
    *health.ROUTES,
    *dispatching.ROUTES,
    *templates_edit.ROUTES,
    *templates_preview.ROUTES,
    *templates.ROUTES,
    *nowhere.ROUTES,
]
