"""An operator's authenticator app."""

import re
from dataclasses import dataclass
from html import unescape

import pyotp

from rundun.store.sqlite.transaction import Clock
from tests.helpers.console.console import PASSWORD, Browser, field
from tests.helpers.service import World


@dataclass
class App:
    """An authenticator app that has scanned a secret, by the clock of the test."""

    secret: str
    clock: Clock

    def code(self, steps: int = 0) -> str:
        """The code that is shown now, or so many steps of 30 s later."""
        return pyotp.TOTP(self.secret).at(self.clock() // 1000 + 30 * steps)

    def wrong(self) -> str:
        """Six digits that are none of those that count now."""
        good = {self.code(steps) for steps in (-1, 0, 1)}
        return next(code for code in ("000000", "111111", "222222", "333333") if code not in good)


def secret_of(page: str) -> str:
    """The secret as a page shows it for typing."""
    found = re.search(r'<textarea id="secret"[^>]*>\n([A-Z2-7 ]+)<', page)
    assert found, page
    return found[1].replace(" ", "")


def recovery_codes_of(page: str) -> list[str]:
    """The recovery codes that a page shows."""
    found = re.search(r'<textarea id="codes"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    return unescape(found[1]).split("\n") if found else []


async def switched_on(w: World, ann: Browser, password: str = PASSWORD) -> tuple[App, list[str]]:
    """Switch the second factor of somebody who is signed in on; returns the app and the recovery codes."""
    await ann.get("/settings/account")
    page = await ann.post("/settings/account/second-factor", password=password)
    assert page.status_code == 200, page.text
    app = App(secret_of(page.text), w.clock)
    done = await ann.post("/settings/account/second-factor/on", setup=field(page.text, "setup"), code=app.code())
    assert done.status_code == 200, done.text
    return app, recovery_codes_of(done.text)
