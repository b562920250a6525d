"""Operators at the command line: those with a second factor."""

from contextlib import closing
from pathlib import Path

from rundun.actions.organizations import second_factor
from rundun.core.urls import Urls
from rundun.store.batches import write_once
from rundun.store.organizations import operators as operator_rows
from rundun.store.sqlite import connection
from rundun.store.sqlite.transaction import Env, wall_clock
from tests.helpers.cli import FIRST
from tests.helpers.console.second_factor import App
from tests.helpers.processes.service_process import done, rundun


def test_a_second_factor_is_switched_off_for_who_lost_everything(tmp_path: Path) -> None:
    done(rundun(tmp_path, "orgs", "create", FIRST))
    done(rundun(tmp_path, "operators", "add", "ann@example.com", "--name", "Ann", typed="correct horse battery\n"))
    off = ("operators", "second-factor", "ann@example.com", "--off")
    refused = rundun(tmp_path, *off)
    assert (refused.exit_code, refused.stderr) == (1, "Error: ann@example.com has no second factor.\n")
    assert "Missing option '--off'" in rundun(tmp_path, *off[:3]).stderr
    nobody = rundun(tmp_path, "operators", "second-factor", "eve@example.com", "--off")
    assert nobody.stderr == "Error: There is no operator eve@example.com. There are: ann@example.com.\n"
    with closing(connection.open_writer(tmp_path / "rundun.db")) as db:
        env = Env(wall_clock, Urls("", b""), 0)
        (ann,) = write_once(db, env, operator_rows.list_all)
        secret = second_factor.new_secret()
        app = App(secret, wall_clock)
        assert write_once(db, env, second_factor.switch_on, ann.operator_id, secret, app.code(), "")
    assert done(rundun(tmp_path, "operators", "list")).endswith("  Ann  second factor")
    said = done(rundun(tmp_path, *off))
    assert said == "ann@example.com has no second factor any more and is signed out everywhere."
    assert done(rundun(tmp_path, "operators", "list")).endswith("  Ann")


def test_an_address_of_several_organizations_needs_the_organization(tmp_path: Path) -> None:
    ids = []
    for org in (FIRST, "Globex"):
        ids.append(done(rundun(tmp_path, "orgs", "create", org)))
        ann = ("operators", "add", "ann@example.com", "--org", org)
        done(rundun(tmp_path, *ann, typed="correct horse battery\n"))
    there = f"There are: {FIRST} ({ids[0]}), Globex ({ids[1]}).\n"
    said = f"Error: Several organizations have an operator with that address; say which with --org. {there}"
    for typed in (("password", "ann@example.com"), ("remove", "ann@example.com")):
        assert rundun(tmp_path, "operators", *typed, typed="another good one\n").stderr == said
    off = ("operators", "second-factor", "ann@example.com", "--off")
    assert rundun(tmp_path, *off).stderr == said
    assert "has no second factor" in rundun(tmp_path, *off, "--org", "Globex").stderr
    password = ("operators", "password", "ann@example.com", "--org", "Globex")
    assert done(rundun(tmp_path, *password, typed="another good one\n")).endswith("signed out everywhere.")
    nowhere = rundun(tmp_path, "operators", "remove", "ann@example.com", "--org", "Nowhere")
    assert nowhere.stderr == f"Error: There is no organization Nowhere. {there}"
    removed = "ann@example.com is removed and signed out everywhere."
    assert done(rundun(tmp_path, "operators", "remove", "ann@example.com", "--org", FIRST)) == removed
    assert done(rundun(tmp_path, "operators", "remove", "ann@example.com")) == removed, "it is the only one by now"
