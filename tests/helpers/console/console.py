"""An operator signed in to the console, and what the pages say."""

import re
import uuid
from dataclasses import dataclass
from html import unescape
from typing import Any

import httpx2
from argon2 import PasswordHasher

from rundun.actions.organizations import operators
from rundun.store.sqlite.transaction import Tx
from rundun.web.console import cookies
from tests.helpers.service import World

PASSWORD = "correct horse battery"
HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD_HASH = HASHER.hash(PASSWORD)  # checked in no time


def hashed(password: str) -> str:
    """The hash of a password, checked in no time."""
    return HASHER.hash(password)


@dataclass
class Browser:
    """Somebody's browser at the console."""

    client: httpx2.AsyncClient
    csrf: str = ""

    async def get(self, path: str, **more: Any) -> httpx2.Response:
        """A page; its form's token is remembered."""
        answer = await self.client.get(f"/console{path}", **more)
        if found := re.search(r'name="csrf" value="([^"]+)"', answer.text):
            self.csrf = found[1]
        return answer

    async def post(self, path: str, **fields: str) -> httpx2.Response:
        """A form, with its token."""
        return await self.client.post(f"/console{path}", data={"csrf": self.csrf, **fields})


async def operator(w: World, role: Any = "owner", org_id: str | None = None) -> Browser:
    """Somebody who has signed in."""
    email = f"{role}-{uuid.uuid4().hex[:8]}@example.com"

    def make(tx: Any) -> str:
        made = operators.add(tx, org_id or w.acme_id, email, "Ann", role, PASSWORD_HASH)
        return operators.begin_session(tx, made.operator_id)

    browser = Browser(w.browser())
    browser.client.cookies.set(cookies.SESSION, await w.database.write(make), domain="rundun.test", path="/console")
    assert (await browser.get("")).status_code == 200
    return browser


async def left_alone(w: World) -> None:
    """Take all organizations but Acme away, as on a Rundun that serves one."""

    def remove(tx: Any) -> None:
        templates = "SELECT id FROM templates WHERE org_id <> ?"
        tx.db.execute(f"DELETE FROM template_versions WHERE template_id IN ({templates})", (w.acme_id,))
        for table in ("templates", "pictures", "keys", "invitations", "organization_changes"):
            tx.db.execute(f"DELETE FROM {table} WHERE org_id <> ?", (w.acme_id,))
        tx.db.execute("DELETE FROM organizations WHERE id <> ?", (w.acme_id,))

    await w.database.write(remove)


def field(html: str, name: str) -> str:
    """The value of an input on a page."""
    found = re.search(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', html)
    assert found, name
    return unescape(found[1])


async def shown(who: Browser, path: str, **more: Any) -> str:
    """A page that is there."""
    answer = await who.get(path, **more)
    assert answer.status_code == 200, answer.text
    return answer.text


def text_of(html: str) -> str:
    """What a page says, without markup and with single spaces."""
    whole = re.sub(r'<span class="exact">([^<]*)</span>', r"\1", html)  # the end of a word
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", whole)).split())


async def table(ann: Browser) -> dict[str, list[int]]:
    """The chart's table on the overview: what each day has brought."""
    rows = re.findall(r'<th scope="row">([^<]+)</th>(.*?)</tr>', (await ann.get("")).text)
    return {day: [int(one) for one in re.findall(r">(\d+)<", cells)] for day, cells in rows}


async def put_zone(w: World, name: str) -> None:
    """Acme's time zone."""

    def put(tx: Tx) -> None:
        tx.db.execute("UPDATE organizations SET time_zone = ? WHERE id = ?", (name, w.acme_id))

    await w.database.write(put)
