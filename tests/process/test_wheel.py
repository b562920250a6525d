"""The wheel has all that serving needs, wherever it is installed, and nothing else; an archive of the sources too."""

import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from contextlib import closing

import httpx2
import pytest

from tests.helpers.patience import PATIENCE
from tests.helpers.processes.packages import Installed, build, expected_in_a_wheel, printed_curl


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build("wheel", tmp_path_factory.mktemp("dist"))


def contents(wheel):
    with zipfile.ZipFile(wheel) as packed:
        return {info.filename: info.CRC for info in packed.infolist() if not info.is_dir()}


def test_it_has_the_package_its_pages_and_nothing_else(wheel):
    files = {name for name in contents(wheel) if ".dist-info/" not in name}
    assert files == expected_in_a_wheel()
    assert {name.split("/")[0] for name in contents(wheel)} == {
        "rundun",
        f"{'-'.join(wheel.name.split('-')[:2])}.dist-info",
    }


@pytest.mark.long
def test_the_archive_of_the_sources_makes_the_same_wheel(wheel, tmp_path):
    with tarfile.open(build("sdist", tmp_path / "sdist")) as packed:
        packed.extraction_filter = getattr(tarfile, "data_filter", None)  # which Debian 12's Python 3.11.2 lacks
        packed.extractall(tmp_path)
    (root,) = [path for path in tmp_path.iterdir() if path.name != "sdist"]
    assert contents(build("wheel", tmp_path / "dist", root)) == contents(wheel)


def test_installed_it_serves_the_first_dispatch_as_printed_from_any_folder(wheel, tmp_path, shell):
    """Its libraries are this environment's: their installation is pip's business, and `make packages`'."""
    home, folder = tmp_path / "environment", tmp_path / "elsewhere"
    folder.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True, timeout=PATIENCE)
    pip = [sys.executable, "-m", "pip", "--python", home / "bin" / "python", "install", "--quiet"]
    subprocess.run([*pip, "--no-index", "--no-deps", wheel], check=True, timeout=PATIENCE)
    (site,) = home.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))

    with closing(Installed([home / "bin" / "rundun", "serve", "--port", "0"], folder)) as service:
        service.wait_for("open the link it answers with")
        run = shell(printed_curl(service.text))
        for address in (run["link"], f"{service.url}/docs", f"{service.url}/console", f"{service.url}/readyz"):
            assert httpx2.get(address, timeout=PATIENCE, follow_redirects=True).status_code == 200, address
        service.terminate()
        assert service.ended() == 0
    assert (folder / "rundun.db").is_file()
