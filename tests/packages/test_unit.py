"""The systemd unit: systemd's own judgement of it, and what it starts, as its user, in its folder, with its limits."""

import ctypes
import json
import os
import re
import shutil
import stat
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import httpx2
import pytest

from rundun import paths
from tests.bench.processes import free_port
from tests.helpers.cli import KEY
from tests.helpers.patience import PATIENCE
from tests.helpers.pictures import images
from tests.helpers.processes.debian import needs
from tests.helpers.processes.service_process import ROOT, Serving

pytestmark = pytest.mark.packages

UNIT = (paths.deploy() / "rundun.service").read_text("utf-8")
CLONE = "/opt/rundun"  # where the unit has it
NOBODY = 65534
NO_NEW_PRIVILEGES, REFUSE_EXECUTABLE = (38, 1), (65, 1)  # prctl(2), as systemd calls it for two of the unit's lines
BARE = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}  # Debian's own Python, which everybody may read
STEP = {"id": "s-ok", "type": "boolean", "label": "Clean?", "photo": {"min": 1}}
PHOTO = "ph-00000000-0000-4000-8000-000000000001"


def line(name: str) -> str:
    """What the unit says of something, the last word counts."""
    return re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)[-1]


@pytest.fixture(scope="module")
def clone() -> Iterator[Path]:
    """A clone in which root has run `make install`, whatever the umask."""
    if os.geteuid() != 0:
        pytest.skip("only root can start something as another user")
    needs(make="make", systemd_analyze="systemd", strace="strace")
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to others
        folder = Path(name)
        folder.chmod(0o755)
        left = shutil.ignore_patterns(".venv*", ".git", "dist", "screenshots", ".*_cache", "__pycache__", "*.db*")
        shutil.copytree(ROOT, folder / "rundun", ignore=left)
        subprocess.run(["make", "install"], cwd=folder / "rundun", env=BARE | {"HOME": name}, umask=0o077, check=True)
        yield folder / "rundun"


def analyze(clone: Path, *words: str) -> str:
    unit = clone.parent / "rundun.service"
    unit.write_text(UNIT.replace(CLONE, str(clone)))
    done = subprocess.run(["systemd-analyze", *words, str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_systemd_understands_it_and_finds_it_safe(clone: Path) -> None:
    assert analyze(clone, "verify", "--man=no") == ""
    judged = analyze(clone, "security", "--offline=true", "--no-pager")
    (exposure,) = re.findall(r"Overall exposure level for rundun\.service: ([\d.]+)", judged)
    assert float(exposure) <= 3.0, judged


def test_only_what_serving_needs_is_installed(clone: Path) -> None:
    listed = subprocess.run(
        [clone / ".venv/bin/python", "-m", "pip", "list", "--format", "json"], capture_output=True, check=True
    )
    names = {one["name"] for one in json.loads(listed.stdout)}
    assert {"starlette", "pip"} <= names
    assert (clone / ".venv/code/rundun/_pages/templates").is_dir(), "the code itself is copied, as in the container"
    assert not {"pytest", "playwright", "ruff", "mypy", "hypothesis"} & names


class AsTheUnit(Serving):
    """What the unit starts, with its user, folder, mask, limits and seals; its system calls are written down."""

    def __init__(self, clone: Path, state: Path, calls: Path, *arguments: str) -> None:
        libc = ctypes.CDLL(None, use_errno=True)

        def seal() -> None:
            for option, value in (NO_NEW_PRIVILEGES, REFUSE_EXECUTABLE):
                libc.prctl(option, value, 0, 0, 0)  # the second from Linux 6.3 on

        calls.touch()
        os.chown(calls, NOBODY, NOBODY)
        # -D: the process is the service, and not its watcher, whose end all output waits for.
        watched = ["strace", "-D", "-f", "-qq", "-o", str(calls)]
        self._start(
            [*watched, *line("ExecStart").replace(CLONE, str(clone)).split(), *arguments],
            cwd=state,
            env=BARE,
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            umask=int(line("UMask"), 8),
            preexec_fn=seal,
        )


@contextmanager
def receiver() -> Iterator[tuple[str, "Queue[Any]"]]:
    """Somebody who takes webhooks: the address, and what has arrived."""
    arrived: Queue[Any] = Queue()

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrived.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Taking) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook", arrived
        finally:
            server.shutdown()


def test_what_it_starts_serves_a_whole_run(clone: Path) -> None:
    state, calls, port = clone.parent / "state", clone.parent / "calls", free_port()
    state.mkdir(0o700)
    (state / "rundun.toml").write_text(f'[server]\nport = {port}\n[webhooks]\nallow = ["127.0.0.0/8"]\n')
    for path in (state, state / "rundun.toml"):
        os.chown(path, NOBODY, NOBODY)
    program = str(clone / ".venv/bin/rundun")

    def command(*words: str, **more: Any) -> str:
        told = subprocess.run(
            [program, *words], cwd=state, env=BARE, check=True, capture_output=True, text=True, **more
        )
        return told.stdout

    with closing(AsTheUnit(clone, state, calls)) as early:
        assert early.ended() == int(line("RestartPreventExitStatus")), "starting it again would not help"
        assert f"There is no database {state}/rundun.db yet" in early.text
    printed = command("init", user=NOBODY, group=NOBODY, extra_groups=[])
    (key,) = set(KEY.findall(printed))
    with closing(AsTheUnit(clone, state, calls)) as service, receiver() as (hook, arrived):
        url = service.url
        assert url == f"http://127.0.0.1:{port}"
        with httpx2.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=PATIENCE) as acme:
            template = acme.post("/v1/templates", json={"name": "Check", "steps": [STEP]}).json()
            asked = {"template_id": template["id"], "webhook": {"url": hook, "secret": "a secret of ours"}}
            run = acme.post("/v1/runs", json=asked).json()
        with httpx2.Client(base_url=run["link"], timeout=PATIENCE) as ed:
            assert httpx2.get(run["link"], timeout=PATIENCE).status_code == 200
            assert ed.post("/start", json={}).status_code == 200
            photo = images.heic()
            put = ed.put(f"/steps/s-ok/photos/{PHOTO}", content=photo)
            assert put.status_code == 201, put.text
            assert ed.put("/steps/s-ok", json={"value": True, "photos": [PHOTO]}).status_code == 200
            assert ed.post("/complete", json={}).status_code == 200
        sent = [arrived.get(timeout=PATIENCE)["event"] for _ in range(2)]
        assert sorted(sent) == ["run.completed", "step.completed"]
        assert KEY.search(command("keys", "create", "--org", "My organization", "--name", "two", user=NOBODY))
        command("operators", "add", "ann@example.com", user=NOBODY, input="correct horse battery\n")
        command("backup", "copy.db", user=NOBODY)
        for path in state.iterdir():
            if path.name != "rundun.toml":
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        service.terminate()
        assert service.ended() == 0
    assert "service.stopped" in service.text
    assert not KEY.search(service.text)
    assert asked_for(calls) - allowed() == set(), "what the kernel would refuse"


def asked_for(calls: Path) -> set[str]:
    """The system calls that were made."""
    text = calls.read_text("utf-8", "replace")
    return set(re.findall(r"^\d+ +(\w+)\(", text, re.MULTILINE))


def allowed() -> set[str]:
    """The system calls that the unit's filter lets through."""
    told = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager"], capture_output=True, text=True, check=True
    )
    groups: dict[str, set[str]] = {}
    for row in told.stdout.splitlines():
        if found := re.match(r"\x1b?\S*(@[\w-]+)", row):
            members = groups.setdefault(found[1], set())
        elif groups and (name := re.fullmatch(r"\s+(@?[\w-]+)\s*", row)):
            members.add(name[1])

    def expanded(name: str) -> set[str]:
        return {one for member in groups[name] for one in (expanded(member) if member in groups else {member})}

    given = re.findall(r"^SystemCallFilter=(.*)$", UNIT, re.MULTILINE)
    taken: set[str] = set()
    for words in given:
        named = {one for name in words.lstrip("~").split() for one in expanded(name)}
        taken = taken - named if words.startswith("~") else taken | named
    return taken | expanded("@default")
