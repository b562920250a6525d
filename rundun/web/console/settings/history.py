"""/console/settings/history: the organization's change history."""

from starlette.responses import Response

from rundun.core.actor import ADMINISTRATOR
from rundun.core.organizations.change import KINDS, OrganizationChange
from rundun.store.organizations import changes as organization_changes, operators as operator_rows
from rundun.web.console.session import ConsoleCall
from rundun.wording import change_text, relative_time

LIMIT = 50
MAX_ID = 100  # characters of an actor's id


async def history(call: ConsoleCall) -> Response:
    """GET /console/settings/history: list up to `LIMIT` changes, newest first, filtered by `?kind=` and `?by=`."""
    kind, by = call.request.query_params.get("kind", ""), call.request.query_params.get("by", "")[:MAX_ID]
    page = await call.read(organization_changes.page, call.page_request(LIMIT), KINDS.get(kind), by)
    people = [(one.operator_id, one.name) for one in await call.read(operator_rows.list_of_org)]
    people += [(ADMINISTRATOR.by, call.language.gettext("Administrator"))]
    if by not in ("", *(actor_id for actor_id, _ in people)):  # an API key, or a removed operator
        people += [(by, next((_actor_name(call, one) for one in page.items), by))]
    return await call.render(
        "settings/history",
        changes=page.items,
        when=lambda change: relative_time.time_text(call.language, call.zone, call.now, change.at),
        actor_name=lambda change: _actor_name(call, change),
        text=lambda change: change_text.change_text(call.language, change),
        kinds=[(name, call.language.gettext(text)) for name, text in change_text.KINDS.items()],
        people=people,
        kind=kind if kind in KINDS else "",
        by=by,
        older=".".join(map(str, page.next_before)) if page.next_before else "",
        is_first="before" not in call.request.query_params,
    )


def _actor_name(call: ConsoleCall, change: OrganizationChange) -> str:
    return change.actor.name or call.language.gettext("Administrator")
