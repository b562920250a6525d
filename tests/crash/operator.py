"""Work of an operator at the console, whose session outlives the process."""

import re

import httpx2

from tests.crash.clients import Client, kind
from tests.crash.integrator import dispatched, pick_template
from tests.crash.ledger import FEW, Dispatch, Run, Write, WrongAnswer

PASSWORD = "correct horse battery"
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_ONCE = re.compile(r'name="once" value="([^"]+)"')


def email(name: str) -> str:
    """The address of an organization's operator."""
    return f"ann@{name.lower()}.example"


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    if found is None:
        raise WrongAnswer(f"no {pattern.pattern} in {text[:500]}")
    return found[1]


@kind(1)
async def sign_in(client: Client) -> None:
    """Sign in, once; from then on only the session counts."""
    organization = client.organization
    if organization.session or organization.signing_in.locked():
        return
    async with organization.signing_in:
        form = await client.http.get("/console/sign-in")
        client.unless_ending(form)
        fields = {"email": email(organization.name), "password": PASSWORD, "csrf": _found(_CSRF, form.text)}
        cookie = form.headers["set-cookie"].partition(";")[0]

        def told(response: httpx2.Response) -> None:
            cookies = response.headers.get_list("set-cookie")
            organization.session = next(one.partition(";")[0] for one in cookies if one.startswith("rundun_session"))

        write = Write("POST", "/console/sign-in", (303,), ("429",), told, is_repeatable=False)
        write.arguments = {"data": fields, "headers": {"cookie": cookie}}
        await client.write(write)


@kind(2)
async def dispatch_by_hand(client: Client) -> None:
    """Dispatch a run with the form, once for each form that was shown."""
    template, organization = pick_template(client), client.organization
    if template is None or not organization.session or len(organization.still_open()) >= FEW:
        return
    page = (await client.get("/console/dispatch")).text
    ref = client.ledger.name("job")
    fields = {"csrf": _found(_CSRF, page), "once": _found(_ONCE, page), "template_id": template.template_id}

    def told(response: httpx2.Response) -> None:
        location = response.headers["location"]
        dispatched(organization, asked, location.removeprefix("/console/dispatch/"))

    write = Write("POST", "/console/dispatch", (303,), ("409", "422"), told)
    write.arguments = {"data": fields | {"executor_ref": ref, "expires_in_hours": "72"}}
    asked = organization.dispatches[ref] = Dispatch(ref, template, True, None, write)
    await client.write(write)


@kind(1)
async def cancel_by_hand(client: Client) -> None:
    """Cancel a run on its page."""
    organization = client.organization
    runs: list[Run] = organization.still_open()
    if not organization.session or not runs or client.rng.random() < 0.5:
        return
    run = client.rng.choice(runs)
    page = (await client.get("/console/settings/account")).text
    write = Write("POST", f"/console/runs/{run.run_id}/cancel", (303,), ("409",), run=run)
    write.arguments = {"data": {"csrf": _found(_CSRF, page), "reason": "By hand"}}
    await client.write(write)
