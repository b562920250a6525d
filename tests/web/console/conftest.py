"""What all tests of the console share."""

import pytest

from rundun import passwords
from tests.helpers.console import PASSWORD_HASH


@pytest.fixture(autouse=True)
def nobodys_password_is_checked_in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of the tests' operators are."""
    monkeypatch.setattr(passwords, "_nobody", PASSWORD_HASH)
