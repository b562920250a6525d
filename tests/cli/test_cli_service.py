"""The command line and the service together: the first start, the socket between them, and who else may serve."""

import json
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rundun.control_socket import MAX_LINE, send_command
from rundun.errors import Problem
from rundun.store.sqlite import database_file
from tests.helpers.cli import CHECK, FIRST, HANDED_OVER, KEY, ORG
from tests.helpers.processes.service_process import (
    PATIENCE,
    Serving,
    dispatched,
    done,
    environment,
    looking,
    rows,
    rundun,
    serving,
)

# ---- beside a running service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path, webhooks_allow="127.0.0.0/8") as one:
        assert one.url
        yield one


def test_a_revoked_key_is_dead_at_once(tmp_path: Path, service: Serving) -> None:
    with httpx2.Client(base_url=service.url, timeout=PATIENCE) as client:
        for _ in range(5):
            key = done(rundun(tmp_path, "keys", "create", "--org", FIRST, "--name", "short"))
            headers = {"authorization": f"Bearer {key}"}
            assert client.get("/v1/organization", headers=headers).status_code == 200, "and alive at once"
            assert client.get("/v1/organization", headers=headers).status_code == 200, "from memory"
            (key_id,) = [
                line.split()[0]
                for line in done(rundun(tmp_path, "keys", "list")).splitlines()
                if line.endswith("  short") and "revoked" not in line
            ]
            done(rundun(tmp_path, "keys", "revoke", key_id))
            assert client.get("/v1/organization", headers=headers).status_code == 401


def test_a_link_dispatched_beside_the_service_opens_in_it(tmp_path: Path, service: Serving) -> None:
    file = tmp_path / "check.json"
    file.write_text(json.dumps(CHECK))
    template_id = done(rundun(tmp_path, "templates", "import", str(file), "--org", FIRST))
    link = dispatched(rundun(tmp_path, "runs", "dispatch", template_id))
    assert link.startswith(f"{service.url}/r/r-"), "the service knows where it is reached"
    assert httpx2.get(link, timeout=PATIENCE).status_code == 200


def test_commands_go_by_the_settings_of_the_service(tmp_path: Path) -> None:
    given = {"webhooks_allow": "127.0.0.0/8", "alerts_secret": "never seen anywhere"}
    dispatch = ("runs", "dispatch", "Tool-box talk", "--webhook-url", "http://127.0.0.1:9/hook")
    (tmp_path / "check.json").write_text(json.dumps({**CHECK, "name": "Tool-box talk"}))
    with serving(tmp_path, **given) as service:
        url = service.url
        done(rundun(tmp_path, "templates", "import", str(tmp_path / "check.json")))
        made = rundun(tmp_path, *dispatch, webhooks_allow_private="false", server_port="1")
        link = dispatched(made)
        assert link.startswith(f"{url}/r/") and "No service" not in made.stderr
        assert "phones will refuse to share" in made.stderr and "only opens on this machine" in made.stderr
        run_id = link.rpartition("/")[2]
        assert f"link         {link}\n" in done(rundun(tmp_path, "runs", "show", run_id))
        assert json.loads(done(rundun(tmp_path, "runs", "list", "--json")))["data"][0]["link"] == link
        checked = done(rundun(tmp_path, "check"))
        assert checked.startswith("# Settings of the running service:\n")
        port = url.rpartition(":")[2]
        for line in (f"port = {port}", f'public_url = "{url}"', 'allow = ["127.0.0.0/8"]', 'secret = "********"'):
            assert line.replace('"***', "***").replace('***"', "***") in checked, line
        (tmp_path / "own.toml").write_text('[webhooks]\nallow = []\n[server]\npublic_url = "https://own.example"\n')
        typed = ("check", "--json", "--config", str(tmp_path / "own.toml"))
        settings = json.loads(rundun(tmp_path, *typed, logs_level="debug").stdout)["settings"]
        assert settings["webhooks.allow"] == {"value": [], "source": "file"}
        assert settings["alerts.secret"] == {"value": "********", "source": "service"}
        assert settings["logs.level"] == {"value": "info", "source": "service"}, "whatever is set here"
        refused = rundun(tmp_path, *dispatch, "--config", str(tmp_path / "own.toml"))
        assert (refused.exit_code, "is a loopback address" in refused.stderr) == (1, True), "as was asked for"
        assert "https://own.example/r/" in done(
            rundun(tmp_path, "runs", "show", run_id, "--config", str(tmp_path / "own.toml"))
        )
    assert "never seen" not in service.text
    assert done(rundun(tmp_path, "check")).startswith("# Settings of this command; no ")
    assert "No service is running" in rundun(tmp_path, "runs", "dispatch", "Tool-box talk").stderr


def test_beside_a_service_that_tells_nothing_a_command_goes_by_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that hangs, or is of an older version."""

    def refuse(path: Path) -> None:
        raise Problem("invalid", "The running service knows no command “settings”.")

    done(rundun(tmp_path, "orgs", "create", FIRST))
    monkeypatch.setattr("rundun.cli.context.ask_settings", refuse)
    said = rundun(tmp_path, "check", server_port="7")
    assert said.stderr == "The running service did not send its settings: this command uses its own.\n"
    assert said.stdout.startswith("# Settings of this command; no ") and "\nserver.port = 7\n" in said.stdout


def test_many_commands_at_once(tmp_path: Path, service: Serving) -> None:
    several(tmp_path, 4)
    service.terminate()
    assert service.ended() == 0
    assert service.text.count('command="keys create"') == 4


def test_many_commands_at_once_without_a_service(tmp_path: Path) -> None:
    done(rundun(tmp_path, "orgs", "create", FIRST))
    several(tmp_path, 4)


def test_a_command_waits_for_whoever_holds_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done(rundun(tmp_path, "orgs", "create", FIRST))
    lock = database_file.Lock(tmp_path / "rundun.db")
    monkeypatch.setattr("rundun.cli.context.time.sleep", lambda seconds: lock.close())
    assert ORG.fullmatch(done(rundun(tmp_path, "orgs", "create", "Acme")))


def test_a_command_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done(rundun(tmp_path, "orgs", "create", FIRST))
    lock = database_file.Lock(tmp_path / "rundun.db")
    monkeypatch.setattr("rundun.cli.context.LOCK_SECONDS", 0)
    refused = rundun(tmp_path, "orgs", "create", "Acme")
    said = f"Error: Another process holds the database, but does not listen on {tmp_path}/rundun.db.sock.\n"
    assert (refused.exit_code, refused.stderr) == (1, said)
    assert FIRST in done(rundun(tmp_path, "orgs", "list")), "reading needs no lock"
    lock.close()


def several(folder: Path, count: int) -> None:
    """That many processes at the same time: each waits for its turn."""
    command = [sys.executable, "-m", "rundun", "keys", "create", "--org", FIRST, "--name"]
    processes = [
        subprocess.Popen(
            [*command, f"number {number}"],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for number in range(count)
    ]
    keys = set()
    for process in processes:
        out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, err) == (0, "")
        assert KEY.fullmatch(out.rstrip("\n")), "the key alone, one line"
        keys.add(out)
    assert len(keys) == count
    assert done(rundun(folder, "keys", "list")).count("number ") == count


def test_only_the_owner_may_ask_the_service(tmp_path: Path, service: Serving) -> None:
    found = (tmp_path / "rundun.db.sock").stat()
    assert stat.S_ISSOCK(found.st_mode)
    assert stat.S_IMODE(found.st_mode) == 0o600


NONSENSE = [
    b"",
    b"\n",
    b"{\n",
    b"[]\n",
    b'{"command": "keys create"}\n',
    b'{"command": "keys create", "arguments": {"colour": "red"}}\n',
    b'{"command": "DROP TABLE", "arguments": {}}\n',
    b'{"command": ["keys create"], "arguments": {}}\n',
    b"x" * (MAX_LINE + 10),
]


def test_nonsense_at_the_socket_troubles_nobody(tmp_path: Path, service: Serving) -> None:
    for number, line in enumerate(NONSENSE):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
            peer.settimeout(PATIENCE)
            peer.connect(str(tmp_path / "rundun.db.sock"))
            try:
                peer.sendall(line)
                peer.shutdown(socket.SHUT_WR)
                while piece := peer.recv(65536):
                    assert b'"result"' not in piece
            except ConnectionError:
                pass
        assert ORG.fullmatch(done(rundun(tmp_path, "orgs", "create", f"Acme {number}")))
    assert "Traceback" not in service.text


def test_whoever_says_nothing_at_the_socket_troubles_no_stop(tmp_path: Path, service: Serving) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent:
        silent.connect(str(tmp_path / "rundun.db.sock"))
        done(rundun(tmp_path, "orgs", "list"))  # which came later, so the silent one is being heard
        service.terminate()
        assert service.ended() == 0
    assert "service.stopped" in service.text and "Traceback" not in service.text


def test_a_command_of_another_version_is_named(tmp_path: Path, service: Serving) -> None:
    with pytest.raises(Problem, match="The running service knows no command “dance”"):
        send_command(tmp_path / "rundun.db.sock", "dance", {})


def test_a_socket_left_behind_is_replaced(tmp_path: Path) -> None:
    done(rundun(tmp_path, "orgs", "create", FIRST))
    with serving(tmp_path) as first:
        assert first.url
        first.kill()
    assert (tmp_path / "rundun.db.sock").exists()
    assert KEY.fullmatch(done(rundun(tmp_path, "keys", "create", "--org", FIRST, "--name", "between")))
    with serving(tmp_path) as second:
        assert second.url
        done(rundun(tmp_path, "orgs", "create", "Acme"))
        second.wait_for(HANDED_OVER)
        second.terminate()
        assert second.ended() == 0
    assert not (tmp_path / "rundun.db.sock").exists()


def test_a_deep_folder_is_no_obstacle(tmp_path: Path) -> None:
    """The address of a socket holds about a hundred bytes."""
    folder = tmp_path / ("deep" * 40)
    folder.mkdir()
    with serving(folder) as service:
        assert service.url
        done(rundun(folder, "orgs", "create", "Acme"))
        service.wait_for(HANDED_OVER)


# ---- the first start


def test_the_first_start_shows_the_key_once(tmp_path: Path, shell: Any) -> None:
    with serving(tmp_path) as first:
        url = first.url
        first.wait_for("and open the link")
        shown = "".join(first.out)
        keys = KEY.findall(shown)
        assert len(keys) == 2, "alone, and in the line to paste"
        assert len(set(keys)) == 1
        assert not KEY.search("".join(first.err))
        line = shown[shown.index("curl ") : shown.index("and open")].strip()
        link = shell(line)["link"]
        assert link.startswith(f"{url}/r/")
        page = httpx2.get(link, timeout=PATIENCE)
        assert page.status_code == 200
        assert "text/html" in page.headers["content-type"]
        first.terminate()
        assert first.ended() == 0
    with serving(tmp_path) as second:
        headers = {"authorization": f"Bearer {keys[0]}"}
        about = httpx2.get(f"{second.url}/v1/organization", headers=headers, timeout=PATIENCE)
        assert about.json()["runs_this_month"] == 1, "the key stays valid"
        assert second.out == []
    with looking(tmp_path) as db:
        assert rows(db, "SELECT count(*) FROM keys") == [(1,)]
        assert rows(db, "SELECT count(*) FROM templates") == [(2,)]


def test_what_stops_a_start_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("Dear Ed")
    (tmp_path / "no.pem").write_text("no certificate")
    (tmp_path / "sock.db.sock").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for arguments, settings, said in (
            (["--database", "letter.db"], {}, "letter.db is no Rundun database."),
            (["--database", "no/where.db"], {}, "no/where.db can't be opened: No such file or directory."),
            (["--port", str(port)], {}, f"Port {port} on 127.0.0.1 is taken by another program; choose another"),
            ([], {"webhooks_ca_file": "no.pem"}, "webhooks.ca_file: no.pem has no usable certificates"),
            (["--database", "sock.db"], {}, f"The socket {tmp_path}/sock.db.sock can't be made: Is a directory."),
        ):
            with serving(tmp_path, *arguments, **settings) as service:
                assert service.ended() == 1
            last = service.text.splitlines()[-1]
            assert last.startswith(f"Error: {said}")
            assert "Traceback" not in service.text
