"""`make test` in a clean clone in a home, in a bare Debian with its own Python; who lacks a package is told which."""

import re

import pytest

from tests.packages.roots import PATIENCE

pytestmark = pytest.mark.packages

HOMES = {"root": "/root", "ed": "/home/ed"}
TEST = """make test ARGS="-q -rs -m 'not browser'" """
# What may be skipped: what takes root, what such a Debian has not got, and what its SQLite can't do.
SKIPPED = re.compile(
    "root|unshare and ip are needed|this SQLite lets no pages be read|takes its own JSON functions for harmful"
)


@pytest.fixture(params=HOMES)
def who(request: pytest.FixtureRequest) -> dict[str, str]:
    name = request.param
    home = HOMES[name]
    return {"user": f"{name}:{name}", "HOME": home, "PIP_CACHE_DIR": f"/var/cache/packages/{name}/pip"}


def test_who_may_not_install_what_tests_need_is_told_in_one_line(debian):
    _, root = debian
    ed = {"user": "ed:ed", "HOME": HOMES["ed"]}
    root.run("install -d -m 777 /var/cache/packages/ed; rm -rf told; git clone --quiet /src told", folder="/tmp")
    root.run("chown -R ed:ed /tmp/told")
    told = root.run("make test", folder="/tmp/told", status=2, **ed).splitlines()
    assert told[0].startswith("Making .venv with python3 ")
    libraries = "libatomic1 libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig fonts-noto-core"
    assert f"apt-get install chromium-headless-shell fonts-liberation fonts-dejavu-core {libraries};" in told[1]
    assert told[2].startswith("make: *** ") and len(told) == 3


def test_make_test_passes_but_for_the_browsers_part(debian, figure, who):
    name, root = debian
    clone, user = f"{who['HOME']}/rundun", who["user"]
    root.run(f"git clone --quiet /src {clone}; chown -R {user} {clone}; install -d -m 777 /var/cache/packages/ed")
    told = root.run(TEST, folder=clone, patience=3 * PATIENCE, **who)
    skipped = re.findall(r"^SKIPPED \[\d+\] [^ ]+ (.*)$", told, re.MULTILINE)
    assert [reason for reason in skipped if not SKIPPED.search(reason)] == []
    figure(f"{name}: make test without a browser, as {user.partition(':')[0]}", told.splitlines()[-1])
    root.run(f"rm -rf {clone}")
