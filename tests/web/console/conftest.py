"""What all tests of the console share."""

import pytest

from rundun import passwords
from tests.helpers.console.console import HASHER, PASSWORD_HASH


@pytest.fixture(autouse=True)
def passwords_are_hashed_in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """With parameters that no service has."""
    monkeypatch.setattr(passwords, "_hasher", HASHER)
    monkeypatch.setattr(passwords, "_dummy_hash", PASSWORD_HASH)
