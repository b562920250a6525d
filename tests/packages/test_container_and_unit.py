"""The container's steps and the unit's ExecStart: made by `init`, served by what each says, no key in what it logs."""

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.helpers.packages import clone, printed_curl
from tests.packages.conftest import DEBIANS
from tests.packages.dockerfile import build
from tests.packages.roots import Root, ServingInRoot, bare

pytestmark = pytest.mark.packages


@contextmanager
def served_as_printed(root: Root, command: str, printed: str, **how: str) -> Iterator[ServingInRoot]:
    """Serve what `init` has made and dispatch as it has printed; nothing of its key is logged."""
    with closing(ServingInRoot(root, command, is_alone=True, **how)) as service:
        assert service.url
        assert service.get("http://127.0.0.1:8000/readyz") == "ready\n"
        run = json.loads(root.run(printed_curl(printed), beside=service))
        assert "Short-term rental turnover" in service.get(run["link"])
        yield service
        service.terminate()
        assert service.ended() == 0, service.text
        (key,) = set(re.findall(r"rdk_live_\w+", printed))
        assert key not in service.text and "setup" not in service.text


@pytest.fixture
def container(room):
    """What the Dockerfile makes of a clean clone. Debian 13 has the same Python as its base."""
    roots = []

    def base(origin):
        assert re.fullmatch(r"python:3\.13-slim", origin)
        roots.append(bare(DEBIANS["Debian 13"], room / f"stage {len(roots)}"))
        roots[-1].run("ln -s /usr/bin/python3 /usr/local/bin/python")
        return roots[-1]

    context = room / "context"
    clone(context)
    return build((context / "Dockerfile").read_text("utf-8"), context, base)


def test_the_container(container, figure):
    how = {"user": container.user, "folder": container.folder, "HOME": "/", **container.variables}
    refused = container.root.run(shlex.join([*container.entrypoint, *container.command]), status=2, **how)
    assert "rundun init" in refused and "rdk_live_" not in refused

    printed = container.root.run(shlex.join([*container.entrypoint, "init"]), **how)
    command = shlex.join([*container.entrypoint, *container.command])
    with served_as_printed(container.root, command, printed, **how) as service:
        container.root.run(shlex.join(container.health), beside=service, **how)
    # Nobody listens any more: the check of its health says so.
    container.root.run(shlex.join(container.health), status=1, **how)

    size = int(container.root.run("du -s --apparent-size --block-size=1 /opt/rundun").split()[0])
    figure("Container: all files beside those of its base", f"{size / 1e6:.0f} MB")
    (volume,) = container.volumes
    made = container.root.path(volume).iterdir()
    assert "rundun.db" in {path.name for path in made}


def test_the_units_command(debian):
    """As the guide has it: a clone in /opt/rundun, `make install`, `rundun init`, and then systemd runs ExecStart."""
    _, root = debian
    root.run("git clone --quiet /src /opt/rundun; make -C /opt/rundun install")
    unit = (root.path("/opt/rundun/rundun/deploy/rundun.service")).read_text("utf-8")
    (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    (user,) = re.findall(r"^User=(.*)$", unit, re.MULTILINE)
    (state,) = re.findall(r"^StateDirectory=(.*)$", unit, re.MULTILINE)
    folder = f"/var/lib/{state}"
    root.run(f"useradd --system {user}; install -d -m 700 -o {user} -g {user} {folder}")
    printed = root.run(f"{command.split()[0]} init", folder=folder)
    with served_as_printed(root, command, printed, user=f"{user}:{user}", folder=folder):
        assert root.path(f"{folder}/rundun.db").is_file()
