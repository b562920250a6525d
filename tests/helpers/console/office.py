"""The command line as an operator has it, with or without a service beside."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.helpers.cli import FIRST, HANDED_OVER, KEY
from tests.helpers.files.database import make_empty
from tests.helpers.processes.service_process import Serving, done, rundun, serving


class Office:
    """An operator at the command line, in one folder, with or without a service beside."""

    def __init__(self, folder: Path, service: Serving | None) -> None:
        self.folder, self.service = folder, service

    def run(self, *arguments: str, typed: str = "") -> Result:
        return rundun(self.folder, *arguments, typed=typed)

    def __call__(self, *arguments: str, typed: str = "") -> str:
        """What a command prints that goes well."""
        return done(self.run(*arguments, typed=typed))

    def refused(self, *arguments: str, typed: str = "") -> str:
        """What a command says that is refused: on standard error, with exit code 1."""
        result = self.run(*arguments, typed=typed)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("Error: ")
        return result.stderr.removeprefix("Error: ").rstrip("\n")

    def json(self, *arguments: str, typed: str = "") -> Any:
        """The document that a command prints."""
        return json.loads(self(*arguments, "--json", typed=typed))

    def file(self, content: Any, name: str = "check.json") -> str:
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def lines(self, *arguments: str) -> list[list[str]]:
        """The columns of a list, without those of the first start."""
        return [re.split(" {2,}", line) for line in self(*arguments).splitlines()]


@pytest.fixture(params=["alone", "beside"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """The command line on a database that a service has opened before, and, `beside`, still serves."""
    make_empty(tmp_path / "rundun.db")
    done(rundun(tmp_path, "orgs", "create", FIRST))
    if request.param == "alone":
        yield Office(tmp_path, None)
        return
    with serving(tmp_path) as service:
        assert service.url
        yield Office(tmp_path, service)
        service.wait_for(HANDED_OVER)
    assert "Traceback" not in service.text
    assert not KEY.search(service.text), "no key in a log"
