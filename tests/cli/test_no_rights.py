"""Whoever may not enter a folder is told so in one sentence that names it, whatever they ask for."""

import getpass
import os
import pwd
from pathlib import Path

import pytest

from rundun.config.loader import ConfigError, load
from rundun.errors import Problem
from rundun.server import bind, serve
from tests.helpers.files.rights import NOBODY, as_nobody, closed_to_us, root_again
from tests.helpers.processes.service_process import done, rundun


@pytest.fixture(autouse=True, scope="module")
def all_is_loaded(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Load what only root can read here: an interpreter below /root, say."""
    folder = tmp_path_factory.mktemp("loaded")
    done(rundun(folder, "init"))
    done(rundun(folder, "backup", str(folder / "backup.db")))
    rundun(folder, "check")
    getpass.getuser(), pwd.getpwuid(0)


def us() -> str:
    return f"the user {pwd.getpwuid(NOBODY if os.getuid() == 0 else os.getuid()).pw_name}"


@pytest.mark.parametrize(
    "command",
    ["check", "serve", "serve --existing", "init", "keys list", "keys create --org y --name x", "backup x.db"],
)
def test_a_database_out_of_reach(command: str) -> None:
    with closed_to_us() as (closed, _):
        refused = rundun(closed, *command.split())
    assert (refused.exit_code, refused.stdout, refused.stderr) == (
        1,
        "",
        f"Error: {closed}/rundun.db can't be reached: {us()} has no right to enter {closed}.\n",
    )


def test_a_database_that_may_not_be_read() -> None:
    with closed_to_us() as (_, own):
        done(rundun(own, "init"))
        os.chmod(own / "rundun.db", 0)
        for command in ("check", "serve", "init"):
            refused = rundun(own, command)
            said = f"Error: {own}/rundun.db can't be opened: {us()} has no right to read it.\n"
            assert (refused.exit_code, refused.stderr) == (1, said)


@pytest.mark.skipif(os.geteuid() != 0, reason="nobody but root may what others can't undo")
def test_root_leaves_nothing_beside_the_file_of_another_user() -> None:
    with closed_to_us() as (_, own):
        done(rundun(own, "init"))
        (own / "rundun.db.lock").unlink()
        with root_again():
            before = sorted(own.iterdir())
            for command in (["serve", "--port", "0"], ["orgs", "create", "Globex"], ["live"]):
                refused = rundun(own, *command)
                said = f"Error: {own}/rundun.db belongs to nobody, who could not open what root leaves beside it: "
                assert (refused.exit_code, refused.stdout) == (1, "")
                assert refused.stderr == f"{said}call this as that user, by runuser -u nobody -- …\n"
            assert sorted(own.iterdir()) == before
            done(rundun(own, "orgs", "list"))
            done(rundun(own, "backup", str(own / "copy.db")))
        done(rundun(own, "orgs", "create", "Globex"))


def test_a_backup_out_of_reach() -> None:
    with closed_to_us() as (closed, own):
        done(rundun(own, "init"))
        refused = rundun(own, "backup", str(closed / "x.db"))
    said = f"Error: {closed}/x.db can't be reached: {us()} has no right to enter {closed}.\n"
    assert (refused.exit_code, refused.stderr) == (1, said)


def test_settings_out_of_reach() -> None:
    with closed_to_us() as (closed, _):
        for key in ("server.tls_certificate", "webhooks.ca_file"):
            with pytest.raises(ConfigError, match=f"{closed}/chain.pem can't be reached: Permission denied"):
                load(environment={}, flags={key: str(closed / "chain.pem")})
        with pytest.raises(ConfigError, match=r"closed/rundun\.toml cannot be read: Permission denied"):
            load(closed / "rundun.toml", {})
    before = os.getcwd()
    with closed_to_us() as (closed, own):
        os.seteuid(os.getuid())
        os.chmod(closed, 0o700)
        os.chdir(closed)
        os.chmod(closed, 0o700 if os.getuid() == 0 else 0)
        try:
            with as_nobody():
                refused = rundun(own, "check")
        finally:
            os.chdir(before)
    said = f"Error: rundun.toml in the folder {closed} cannot be read: Permission denied.\n"
    assert (refused.exit_code, refused.stderr) == (2, said)


def test_a_certificate_that_may_not_be_read_is_named() -> None:
    sockets = bind("127.0.0.1", 0)
    with closed_to_us() as (_, own):
        key = own / "key.pem"
        key.touch(0)
        settings = load(environment={}, flags={"server.tls_certificate": str(key)})
        with pytest.raises(Problem, match=f"{key} can't be read: Permission denied"):
            serve(None, settings, sockets)  # type: ignore[arg-type]


def test_an_init_that_fails_leaves_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(tx: object) -> None:
        raise Problem("unavailable", "There is no room.")

    def broken(*arguments: object, **more: object) -> None:
        raise Problem("unavailable", "It can't be made.")

    empty = tmp_path / "empty"
    empty.mkdir()
    for name, instead in (("cli.init.bootstrap", fail), ("store.sqlite.connection._connect", broken)):
        with monkeypatch.context() as patched:
            patched.setattr(f"rundun.{name}", instead)
            assert rundun(empty, "init").exit_code == 1
        assert [path.name for path in empty.iterdir()] == ["rundun.db.lock"]
    done(rundun(empty, "init"))
