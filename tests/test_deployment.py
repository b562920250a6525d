"""What containers and installations are made of, as far as it can be told here; `make packages` does the steps."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml

from rundun import __version__, paths
from rundun.config.loader import load
from tests.helpers.patience import PATIENCE

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
HADOLINT = shutil.which("hadolint", path=str(Path(sys.executable).parent))


@pytest.mark.skipif(not HADOLINT, reason="there is no hadolint for this machine")
def test_nothing_in_the_dockerfile_is_known_to_go_wrong():
    told = subprocess.run([HADOLINT, "-"], input=DOCKERFILE, capture_output=True, text=True, timeout=PATIENCE)
    assert (told.returncode, told.stdout) == (0, "")


def test_the_container_serves_what_was_made_before_as_somebody_without_rights():
    last = dict(re.findall(r"^([A-Z]+) (.*)$", DOCKERFILE, re.MULTILINE))
    assert [*json.loads(last["ENTRYPOINT"]), *json.loads(last["CMD"])][:3] == ["rundun", "serve", "--existing"]
    assert last["USER"] == "8000:8000" and last["WORKDIR"] == last["VOLUME"] == "/data"
    assert f"127.0.0.1:{last['EXPOSE']}/readyz" in DOCKERFILE


def test_only_the_proxy_is_published_and_believed():
    rundun, caddy = COMPOSE["services"]["rundun"], COMPOSE["services"]["caddy"]
    assert "ports" not in rundun and caddy["ports"] == ["80:80", "443:443", "443:443/udp"]
    assert not any("network" in word for word in rundun)
    address = ip_address(caddy["networks"]["default"]["ipv4_address"])
    (network,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    assert address == [*ip_network(network["subnet"]).hosts()][-1], "who comes first gets the first"
    set_here = {
        name: re.sub(r"\$\{DOMAIN:\?.*\}", "check.example.com", value) for name, value in rundun["environment"].items()
    }
    settings = load(environment=set_here)
    assert settings.server.trusted_proxies == (ip_network(address),)
    assert settings.public_url == "https://check.example.com"
    assert caddy["environment"]["UPSTREAM"] == "rundun:8000"


def test_no_proxy_of_ours_passes_on_the_numbers():
    proxies = {file.name: file.read_text("utf-8") for file in paths.deploy().iterdir() if file.suffix != ".service"}
    assert set(proxies) == {"Caddyfile"}, "what closes it in another kind of proxy has to be told here"
    assert re.search(r"^\{\$SITE:.*\{\n\trespond /metrics 404\n\treverse_proxy ", proxies["Caddyfile"], re.MULTILINE)
    (configuration,) = [
        one for one in COMPOSE["services"]["caddy"]["volumes"] if one.endswith("/etc/caddy/Caddyfile:ro")
    ]
    assert (ROOT / configuration.split(":")[0]).samefile(paths.deploy() / "Caddyfile")


def test_whatever_a_container_writes_lies_in_a_volume():
    rundun, caddy = COMPOSE["services"]["rundun"], COMPOSE["services"]["caddy"]
    assert rundun["volumes"] == ["data:/data"] and set(COMPOSE["volumes"]) == {"data", "caddy"}
    assert "caddy:/data" in caddy["volumes"] and "/config" in caddy["tmpfs"]
    for service in (rundun, caddy):
        assert service["read_only"] and service["cap_drop"] == ["ALL"] and service["mem_limit"] == "1g"
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    (configuration,) = [volume for volume in caddy["volumes"] if volume.startswith("./")]
    assert (ROOT / configuration.split(":")[0]).parent == ROOT / "rundun" / "deploy"


def test_what_the_guide_adds_to_the_containers_fits(tmp_path):
    guide = (ROOT / "templates/docs/keep-and-forget.md").read_text("utf-8")
    (added,) = re.findall(r"^```yaml compose\.override\.yaml\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    service = yaml.safe_load(added)["services"]["rundun"]
    (folder,) = [volume.partition(":")[2] for volume in service["volumes"]]
    assert service["environment"] == {"RUNDUN_BACKUP_FOLDER": folder}
    assert load(environment={"RUNDUN_BACKUP_FOLDER": str(tmp_path)}).backup.folder == tmp_path
    assert f"install -d -o {re.search('USER ([0-9]+)', DOCKERFILE)[1]} " in guide


def test_numbers_are_asked_for_on_the_machine_itself():
    guide = (ROOT / "templates/docs/health.md").read_text("utf-8")
    (added,) = re.findall(r"^```yaml compose\.override\.yaml\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    port = re.search("EXPOSE ([0-9]+)", DOCKERFILE)[1]
    assert yaml.safe_load(added) == {"services": {"rundun": {"ports": [f"127.0.0.1:{port}:{port}"]}}}


def test_what_the_guide_adds_to_the_unit_fits():
    guide = (ROOT / "templates/docs/keep-and-forget.md").read_text("utf-8")
    unit = (ROOT / "rundun/deploy/rundun.service").read_text("utf-8")
    (section,) = re.findall(r"^### Under systemd\n(.*?)^### ", guide, re.MULTILINE | re.DOTALL)
    said = dict(re.findall(r"^(\w+)=(\S+)$", unit, re.MULTILINE))
    folder = re.search("^ReadWritePaths=-(.*)$", section, re.MULTILINE)[1]
    assert f"install -d -o {said['User']} -g {said['Group']} -m 700 {folder}\n" in section
    assert said["ProtectSystem"] == "strict" and f"ReadWritePaths=-{folder}\n" in unit, "as its comment has it"
    assert f"After={folder[1:].replace('/', '-')}.mount\n" in section


def test_tools_to_build_leave_the_services_copy_of_the_code_alone(tmp_path):
    shown = subprocess.run(
        ["make", "-n", "wheel", f"VENV={tmp_path}"], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE
    )
    assert shown.returncode == 0 and "hatchling build" in shown.stdout, shown.stderr
    assert "--editable" not in shown.stdout


@pytest.mark.parametrize(("arguments", "asks"), [("", True), ("-m 'not browser'", False)])
def test_only_tests_with_a_browser_ask_for_one(tmp_path, arguments, asks):
    shown = subprocess.run(
        ["make", "-n", "test", f"VENV={tmp_path}", f"ARGS={arguments}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert shown.returncode == 0 and "-m pytest" in shown.stdout, shown.stderr
    assert ("chromium" in shown.stdout) == asks


def test_an_installation_that_the_unit_can_not_run_is_told():
    """Of an interpreter below a home folder, and of a folder that the unit's user can't enter."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to others
        clone = Path(name, "rundun")
        for folder in (clone, clone / ".venv", clone / ".venv" / "bin"):
            folder.mkdir(mode=0o755)
        python, real = clone / ".venv" / "bin" / "python", Path("/bin/sh").resolve()
        python.symlink_to("/home/python3.12")
        notes = installed(clone)
        assert [line.partition(" no other user can enter ")[2] for line in notes[2:]] == [
            f"{name}, which is on the way to {clone}/.venv: chmod o+x {name}"
        ]
        assert notes[:2] == [
            "It runs with /home/python3.12; for another Python: rm -rf .venv, and make install PYTHON=/usr/bin/python3",
            "NOTE: that Python lies below a home folder, which the unit in rundun/deploy does not let it see.",
        ]
        os.chmod(name, 0o711)
        python.unlink()
        python.symlink_to(real)
        assert installed(clone) == [
            f"It runs with {real}; for another Python: rm -rf .venv, and make install PYTHON=/usr/bin/python3"
        ]


def installed(clone):
    command = ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), "-C", str(clone), "install-notes"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
    assert done.returncode == 0
    return done.stdout.splitlines()


def test_the_changelog_tells_this_version_first():
    versions = re.findall(r"^## \[?([^\s\]]+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert next(one for one in versions if one != "Unreleased") == __version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_the_archive_of_the_sources_has_all_that_lies_on_top():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packed = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert [name for name in packed if not (ROOT / name.lstrip("/")).exists()] == []
