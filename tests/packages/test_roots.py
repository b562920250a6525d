"""Installed in each of the ways there are, in a bare Debian, Rundun serves the first dispatch as it is printed."""

import json
import re
import shutil
import time
from contextlib import closing

import httpx2
import pytest

from tests.helpers.processes.packages import printed_curl
from tests.packages.roots import ServingInRoot

pytestmark = pytest.mark.packages

CACHES = {"PIP_CACHE_DIR": "/var/cache/packages/ed/pip", "UV_CACHE_DIR": "/var/cache/packages/ed/uv"}
ED = {"user": "ed:ed", "HOME": "/home/ed", **CACHES}
MEGABYTES = 150
WARM = (
    "/opt/wheel/bin/pip download --quiet --no-deps --require-hashes -d /tmp/warm -r requirements.lock; rm -r /tmp/warm"
)
LIBRARIES = "/opt/wheel/bin/pip install --quiet --require-hashes -r requirements.lock"
RUNDUN = "/opt/wheel/bin/pip install --quiet --no-deps *.whl"
# The bytes of all files but those that every environment begins with.
WEIGH = """
cd /opt/wheel/lib/python3*/site-packages
rm -r pip pip-*.dist-info
rm -rf setuptools setuptools-*.dist-info pkg_resources _distutils_hack distutils-precedence.pth
du -s --apparent-size --block-size=1 /opt/wheel
"""


def first_dispatch(root, text):
    """Paste what is printed into a shell of the root, and open the link that it answers with."""
    run = json.loads(root.run(printed_curl(text), user="ed:ed"))
    page = root.run(f"curl --silent --show-error --fail '{run['link']}'", user="ed:ed")
    assert "Short-term rental turnover" in page


def serve_twice(name, root, command, figure, folder, **who):
    """Serve as for the first time, dispatch, stop, and serve again; tell how long each took to be ready."""
    root.run(f"install -d -o ed -g ed {folder}")
    for start in ("first", "second"):
        begun = time.monotonic()
        with closing(ServingInRoot(root, command, folder=folder, **who)) as service:
            assert httpx2.get(f"{service.url}/readyz", timeout=60).text == "ready\n"
            taken = f"{time.monotonic() - begun:.1f} s, busy {service.busy():.1f} s"
            figure(f"{name}: {start} start until ready", taken)
            if start == "first":
                first_dispatch(root, service.text)
            service.terminate()
            assert service.ended() == 0, service.text


def test_by_pip_with_the_locks_hashes(debian, figure):
    name, root = debian
    root.run(f"python3 -m venv /opt/wheel; {WARM}", folder="/dist")
    begun = time.monotonic()
    told = root.run(f"{LIBRARIES}; {RUNDUN}; times", folder="/dist")
    figure(f"{name}: installed by pip, its cache warm", f"{time.monotonic() - begun:.1f} s")
    minutes, seconds = re.findall(r"(\d+)m([\d.]+)s", told)[2]
    figure(f"{name}: the same, time of a processor", f"{60 * int(minutes) + float(seconds):.1f} s")
    size = int(root.run(WEIGH).split()[0]) / 1e6
    figure(f"{name}: all files, pip left out", f"{size:.0f} MB")
    assert size <= MEGABYTES
    serve_twice(f"{name}, wheel", root, "/opt/wheel/bin/rundun serve --port 0", figure, "/srv/wheel", **ED)


def test_by_pipx_and_uvx(debian, figure):
    name, root = debian
    root.run("python3 -m venv /tools; /tools/bin/pip install --quiet pipx uv; install -d -m 777 /var/cache/packages/ed")
    root.run("/tools/bin/pipx install --quiet /dist/*.whl", **ED)
    serve_twice(f"{name}, pipx", root, "/home/ed/.local/bin/rundun serve --port 0", figure, "/srv/pipx", **ED)
    uvx = "/tools/bin/uvx --quiet --python /usr/bin/python3 --from /dist/*.whl rundun serve --port 0"
    serve_twice(f"{name}, uvx", root, uvx, figure, "/srv/uvx", **ED)


def test_as_one_file_which_says_where_it_fits(debian, room, figure):
    name, root = debian
    root.run("make pyz", folder="/src")
    (file,) = root.path("src/dist").glob("*.pyz")
    python = root.run("python3 -c 'import sys; print(\"%d.%d\" % sys.version_info[:2])'").strip()
    assert file.name.endswith(f"-python{python}.pyz") and "-linux-" in file.name
    figure(f"{name}: rundun.pyz", f"{file.stat().st_size / 1e6:.1f} MB")
    root.run("install -m 755 dist/*.pyz /usr/local/bin/rundun.pyz", folder="/src")
    serve_twice(f"{name}, pyz", root, "/usr/local/bin/rundun.pyz serve --port 0", figure, "/srv/pyz", **ED)
    (room / "pyz").mkdir(exist_ok=True)
    for other in (room / "pyz").iterdir():  # of the Debian before, where Python was another
        shutil.copy(other, root.path("/usr/local/bin"))
        told = root.run(f"/usr/local/bin/{other.name} --version", status=1, **ED)
        assert f"CPython=={re.search('python(.*).pyz', other.name)[1]}.*" in told
    shutil.copy(file, room / "pyz")


def test_by_make_serve_in_a_clean_clone(debian, figure):
    name, root = debian
    # The first half of `make serve` by itself: it may take longer than a service is waited for.
    root.run("git clone --quiet /src /srv/clone; make -C /srv/clone .venv/.service")
    serve_twice(f"{name}, make serve", root, "make serve ARGS='--port 0'", figure, "/srv/clone")
