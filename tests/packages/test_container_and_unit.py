"""The container's steps and the unit's ExecStart: made by `init`, served by what each says, no key in what it logs."""

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.helpers.processes.packages import clone, printed_curl
from tests.packages.conftest import DEBIANS
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


COPIED = """
COPY requirements.lock /
COPY --from=libraries /opt/rundun /opt/rundun
COPY rundun /opt/rundun/code/rundun
COPY templates /opt/rundun/code/rundun/_pages/templates
COPY static /opt/rundun/code/rundun/_pages/static
"""


def test_the_container(room, figure):
    """The Dockerfile's steps for a clean clone, both stages in one root. Debian 13 has the same Python as its base."""
    context, root = room / "context", bare(DEBIANS["Debian 13"], room / "container")
    clone(context)
    text = (context / "Dockerfile").read_text("utf-8")
    assert re.findall("^COPY .*", text, re.MULTILINE) == COPIED.split("\n")[1:-1]
    assert set(re.findall("^FROM ([^ \n]+)", text, re.MULTILINE)) == {"python:3.13-slim"}
    libraries, program = re.findall(r"^RUN (.+?[^\\])$", text, re.MULTILINE | re.DOTALL)

    root.run("ln -s /usr/bin/python3 /usr/local/bin/python")
    shutil.copy(context / "requirements.lock", root.path("/"))
    root.run(libraries)
    code = root.path("/opt/rundun/code/rundun")
    shutil.copytree(context / "rundun", code)
    for name in ("templates", "static"):
        shutil.copytree(context / name, code / "_pages" / name)
    root.run(program)

    said = dict(re.findall("^(USER|WORKDIR|VOLUME|ENTRYPOINT|CMD) (.+)$", text, re.MULTILINE))
    (health,) = re.findall(r"^  CMD (\[.+\])$", text, re.MULTILINE)
    entry, health = json.loads(said["ENTRYPOINT"]), shlex.join(json.loads(health))
    command = shlex.join([*entry, *json.loads(said["CMD"])])
    how = {"user": said["USER"], "folder": said["WORKDIR"], "HOME": "/", "PYTHONUNBUFFERED": "1"}
    assert "ENV PYTHONUNBUFFERED=1\n" in text

    refused = root.run(command, status=2, **how)
    assert "rundun init" in refused and "rdk_live_" not in refused
    with served_as_printed(root, command, root.run(shlex.join([*entry, "init"]), **how), **how) as service:
        root.run(health, beside=service, **how)
    root.run(health, status=1, **how)  # nobody listens any more

    size = int(root.run("du -s --apparent-size --block-size=1 /opt/rundun").split()[0])
    figure("Container: all files beside those of its base", f"{size / 1e6:.0f} MB")
    assert "rundun.db" in {path.name for path in root.path(said["VOLUME"]).iterdir()}


def test_the_units_command(debian):
    """As the guide has it: a clone in /opt/rundun, `make install`, `rundun init`, and then systemd runs ExecStart."""
    _, root = debian
    root.run("git clone --quiet /src /opt/rundun")
    unit = (root.path("/opt/rundun/rundun/deploy/rundun.service")).read_text("utf-8")
    (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    (user,) = re.findall(r"^User=(.*)$", unit, re.MULTILINE)
    (state,) = re.findall(r"^StateDirectory=(.*)$", unit, re.MULTILINE)
    folder = f"/var/lib/{state}"
    _, _, guide = root.path("/opt/rundun/templates/docs/install.md").read_text("utf-8").partition("## A systemd unit")
    (steps,) = re.findall(r"^```sh\n(make -C .*?)^cp ", guide, re.MULTILINE | re.DOTALL)
    assert steps.endswith(f"cd {folder} && runuser -u {user} -- {command.split()[0]} init\n")
    root.path("/root/rundun.toml").write_text('[server]\npublic_url = "http://127.0.0.1:8000"\n')
    printed = root.run(f"set -e\n{steps}", folder="/root")
    assert root.run(f"stat -c '%a %U %G' {folder}/rundun.toml").split() == ["640", "root", user]
    with served_as_printed(root, command, printed, user=f"{user}:{user}", folder=folder):
        assert root.path(f"{folder}/rundun.db").is_file()
