"""Shell completion, as the shells ask for it."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from rundun.cli.main import main
from rundun.store.sqlite import connection
from tests.helpers.cli import CHECK
from tests.helpers.files.database import make_empty
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.service_process import dispatched, done, environment, rundun


def offered(folder: Path, *typed: str, shell: str = "bash", **settings: str) -> list[str]:
    """What a shell is told, in `folder`, about the last of these words; nothing is said to anybody else."""
    line = {"COMP_WORDS": " ".join(["rundun", *typed]), "COMP_CWORD": str(len(typed)), **settings}
    before = Path.cwd()
    os.chdir(folder)
    try:
        others = {name: None for name in os.environ if name.startswith("RUNDUN_")}
        asking = {**others, **line, "_RUNDUN_COMPLETE": f"{shell}_complete"}
        asked = CliRunner().invoke(main, env=asking, prog_name="rundun")
    finally:
        os.chdir(before)
    assert (asked.exit_code, asked.stderr) == (0, "")
    return asked.stdout.strip().splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "check.json").write_text(json.dumps({**CHECK, "name": "Beach house"}))
    make_empty(tmp_path / "rundun.db")
    done(rundun(tmp_path, "orgs", "create", "Acme"))
    done(rundun(tmp_path, "orgs", "create", "$(touch owned) *"))
    done(rundun(tmp_path, "operators", "add", "ann@example.com", "--org", "Acme", typed="correct horse battery\n"))
    done(rundun(tmp_path, "keys", "create", "--org", "Acme", "--name", "backend"))
    return tmp_path


def test_commands_options_and_what_the_database_knows(folder: Path) -> None:
    assert offered(folder, "ke") == ["plain,keys"]
    assert "plain,--json" in offered(folder, "keys", "list", "--")
    assert offered(folder, "keys", "create", "--org", "Ac") == ["plain,Acme"]
    other = [line for line in offered(folder, "orgs", "quota", "") if line != "plain,Acme"]
    assert len(other) == 1 and other[0].startswith("plain,org-"), "a name that a shell would read goes by its id"
    template_id = done(rundun(folder, "templates", "import", str(folder / "check.json"), "--org", "Acme"))
    assert offered(folder, "runs", "dispatch", "Be") == [f"plain,{template_id}"]
    assert offered(folder, "runs", "dispatch", "Be", shell="zsh") == ["plain", template_id, "Beach house"]
    assert offered(folder, "runs", "list", "--template", template_id[:9]) == [f"plain,{template_id}"]
    run_id = dispatched(rundun(folder, "runs", "dispatch", template_id)).rpartition("/")[2]
    assert offered(folder, "runs", "show", run_id[:6]) == [f"plain,{run_id}"]
    assert offered(folder, "operators", "remove", "a") == ["plain,ann@example.com"]
    (key,) = offered(folder, "keys", "revoke", "ba")
    assert key.startswith("plain,key-"), "which goes by its id alone"
    assert offered(folder, "templates", "check", "ch") == ["file,ch"]
    assert offered(folder, "templates", "check", "check.json", "--config", "x") == ["file,x"]


@pytest.mark.parametrize("typed", [("operators", "password", "zo"), ("operators", "remove", "")])
def test_an_address_that_a_shell_would_run_is_not_offered(folder: Path, typed: tuple[str, ...]) -> None:
    with closing(connection.open_writer(folder / "rundun.db")) as db:  # as it was taken before
        db.execute("UPDATE operators SET email = 'zoe$(id>owned)@example.com'")
        db.commit()
    for shell in ("bash", "zsh", "fish"):
        assert offered(folder, *typed, shell=shell) == []
    done(rundun(folder, "operators", "remove", "Zoe$(id>owned)@example.com"))


def test_a_word_is_completed_without_all_of_the_service(folder: Path) -> None:
    """Somebody waits for it at each press of the key."""
    script = "import sys; from rundun.cli.main import main; main.commands['keys']; print(*sys.modules)"
    script += "; main.commands['runs']; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    asked = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=True)
    loaded, with_runs = (set(line.split()) for line in asked.stdout.splitlines())
    assert "rundun.cli.runs.runs" in with_runs and "rundun.web.console" not in with_runs
    assert "rundun.cli.organizations.keys" in loaded
    assert loaded.isdisjoint({"rundun.app", "rundun.web", "rundun.webhooks", "rundun.actions.commands", "starlette"})


def test_nothing_is_offered_and_nothing_said_where_anything_is_wrong(folder: Path) -> None:
    asked = ("keys", "create", "--org", "Ac")
    assert offered(folder, "keys", "create", "--database", "none.db", "--org", "Ac") == []
    assert offered(folder, "keys", "create", "--config", "none.toml", "--org", "Ac") == []
    assert offered(folder, *asked, RUNDUN_NOPE="x") == []
    (folder / "rundun.db").write_text("Dear Ed")
    assert offered(folder, *asked) == []
    assert not (folder / "none.db").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str) -> None:
    script = done(CliRunner().invoke(main, ["completion", shell]))
    assert f"_RUNDUN_COMPLETE={shell}_complete" in script
    found = shutil.which(shell)
    if found:
        subprocess.run([found, "-n"], input=script, text=True, check=True, timeout=PATIENCE)


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash here")
def test_bash_completes_as_the_guide_says(folder: Path) -> None:
    script = Path(sys.executable).with_name("rundun")
    lines = """
    eval "$(rundun completion bash)"
    COMP_WORDS=(rundun orgs quota A); COMP_CWORD=3
    _rundun_completion rundun; echo "${COMPREPLY[@]}"
    """
    path = f"{script.parent}:{os.environ['PATH']}"
    command = ["bash", "--norc", "-euc", lines]
    shown = subprocess.run(
        command, cwd=folder, env={**environment(), "PATH": path}, capture_output=True, text=True, timeout=PATIENCE
    )
    assert (shown.stdout, shown.stderr) == ("Acme\n", "")
