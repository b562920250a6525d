"""/console/settings/people: operators of the organization, and their invitations."""

from dataclasses import dataclass

from starlette.responses import Response

from rundun.actions.organizations import operators, password_resets
from rundun.core.token_bucket import Policy
from rundun.errors import Problem
from rundun.store.organizations.operators import Role
from rundun.web.console.session import ConsoleCall
from rundun.web.console.settings.account import ask_for_password, is_confirmed
from rundun.wording.problem_codes import PROBLEMS

INVITED = Policy("invited", 200, 3600)  # invitations and password links of one organization


@dataclass(frozen=True, slots=True)
class PasswordLink:
    """A new link for setting a password, and the name of its operator."""

    name: str
    link: str


async def invite(call: ConsoleCall) -> Response:
    """POST /console/settings/people/invitations: invite an operator, and show the list with the link, this once, or
    with the refusal. Inviting an owner, with the right to erase, needs the password: show the page that asks for it.
    """
    if _role(call) == "owner" and not await is_confirmed(call):
        return await ask_for_password(
            call,
            call.language.gettext("Invite somebody"),
            _owner_text(call),
            "/settings/people",
            call.form.get("email", ""),
        )
    call.ctx.rate_limiter.count(call.request, INVITED, call.operator.org_id)
    email = call.form.get("email", "")
    try:
        token = await call.write(operators.invite, email, _role(call), call.actor)
    except Problem as problem:
        return await _show_refusal(call, problem, email)
    return await list_people(call, link=call.ctx.links.join(token), email=email)


async def withdraw_invitation(call: ConsoleCall) -> Response:
    """POST /console/settings/people/invitations/{invitation_id}/remove: withdraw it, and redirect to the list."""
    await call.write(operators.withdraw_invitation, call.path("invitation_id"), call.actor)
    return call.redirect("/settings/people", "invitation_taken_back")


async def put_role(call: ConsoleCall) -> Response:
    """POST /console/settings/people/{operator_id}/role: change a role, and redirect to the list, or to the account if
    it is one's own; a refusal is shown in the list. Making an owner needs the password: show the page that asks for it.
    """
    if _role(call) == "owner" and not await is_confirmed(call):
        members, _ = await call.read(operators.list_team)
        named = "".join(one.name for one in members if one.operator_id == call.path("operator_id"))
        return await ask_for_password(
            call, call.language.gettext("Make owner"), _owner_text(call), "/settings/people", named
        )
    try:
        await call.write(operators.put_role, call.path("operator_id"), _role(call), call.actor)
    except Problem as problem:
        return await _show_refusal(call, problem)
    return call.redirect(_return_path(call), "role_changed")


async def make_password_link(call: ConsoleCall) -> Response:
    """POST /console/settings/people/{operator_id}/password-link: make a link by which a colleague sets a new password,
    and show it in the list, this once. Before, show the page that asks for one's own password.
    """
    operator = await call.read(operators.get_of_org, call.path("operator_id"))
    if not await is_confirmed(call):
        text = call.language.gettext(
            "You get a link by which they set a new password. Whoever has it can do so, so send it to them alone."
        )
        heading = call.language.gettext("A new password for a colleague")
        return await ask_for_password(call, heading, text, "/settings/people", operator.name)
    call.ctx.rate_limiter.count(call.request, INVITED, call.operator.org_id)
    operator, token = await call.write(password_resets.create, operator.operator_id, call.actor)
    return await list_people(call, reset=PasswordLink(operator.name, call.ctx.links.reset(token)))


async def remove(call: ConsoleCall) -> Response:
    """POST /console/settings/people/{operator_id}/remove: remove an operator, end the operator's sessions, and redirect
    to the list, or after removing oneself to the account; a refusal is shown in the list.
    """
    try:
        await call.write(operators.remove, call.path("operator_id"), call.actor)
    except Problem as problem:
        return await _show_refusal(call, problem)
    return call.redirect(_return_path(call), "person_removed")


def _owner_text(call: ConsoleCall) -> str:
    return call.language.gettext(
        "An owner may do everything. That includes deleting jobs for good, which destroys evidence."
    )


def _role(call: ConsoleCall) -> Role:
    return "owner" if call.form.get("role") == "owner" else "member"


def _return_path(call: ConsoleCall) -> str:
    """Return the path below /console to redirect to: the account if the path's operator is oneself, else the list."""
    return "/settings/account" if call.path("operator_id") == call.operator.operator_id else "/settings/people"


async def _show_refusal(call: ConsoleCall, problem: Problem, email: str = "") -> Response:
    """Show the list with the reason of an `invalid` or `wrong_status`; raise other problems again."""
    if problem.code not in ("invalid", "wrong_status"):
        raise problem
    said = call.reason(problem)
    if problem.code == "wrong_status":
        said = call.language.gettext("A team keeps at least one owner: make somebody else one first.")
    return await list_people(call, PROBLEMS[problem.code].status, wrong=said, email=email)


async def list_people(
    call: ConsoleCall,
    status: int = 200,
    link: str = "",
    email: str = "",
    wrong: str = "",
    reset: PasswordLink | None = None,
) -> Response:
    """GET /console/settings/people: list operators and open invitations. `link` is that of a new invitation to `email`,
    `reset` a new password link.
    """
    members, invitations = await call.read(operators.list_team)
    shown = {"link": link, "email": email, "wrong": wrong, "reset": reset}
    return await call.render("settings/people", status, people=members, invitations=invitations, **shown)
