"""/console: the pages of operators. Every route is made by `session.route`, which finds who is signed in."""

from rundun.web.console import (
    dashboard,
    dispatch,
    export,
    live,
    not_found,
    run_page,
    runs,
    sign_in,
    template_editor,
    template_preview,
    templates,
)
from rundun.web.console.settings import account, health, keys, organization, people, webhooks

ROUTES = [
    *sign_in.ROUTES,
    *dashboard.ROUTES,
    *live.ROUTES,
    *runs.ROUTES,
    *export.ROUTES,
    *run_page.ROUTES,
    *account.ROUTES,
    *keys.ROUTES,
    *people.ROUTES,
    *organization.ROUTES,
    *webhooks.ROUTES,
    *health.ROUTES,
    *dispatch.ROUTES,
    *template_editor.ROUTES,
    *template_preview.ROUTES,
    *templates.ROUTES,
    *not_found.ROUTES,
]
