"""What the README shows works as it stands."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import httpx2
import pytest
from PIL import Image

from rundun import __version__
from rundun.cli.main import main
from rundun.core.request_bodies import DispatchBody
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.packages import INSTALLATIONS
from tests.helpers.processes.service_process import serving

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text("utf-8")
MAX_LINES, MAX_PICTURE_BYTES = 130, 120_000


def snippets(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def commands():
    """Every command of its shell snippets, without comments, and with the lines that go on in one."""
    lines = "".join(snippets("sh")).replace("\\\n", " ").splitlines()
    return [re.sub(r" {2,}#.*", "", line).strip() for line in lines if line.strip()]


def masked(text):
    """A text with what differs from one first start to another as the README writes it."""
    text = re.sub(r"\b(rdk_live_|[rt]-)[\w-]{32,}", r"\1…", text)
    return re.sub(r"(127\.0\.0\.1:)\d+", r"\g<1>8000", text)


def test_it_is_short_and_says_which_version_it_is_about():
    assert len(TEXT.splitlines()) <= MAX_LINES
    assert re.findall(r"\bversion (\d[\w.]*\d)", TEXT) == [__version__]


def test_what_it_links_to_exists():
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", TEXT) if "://" not in target]
    assert len(targets) > 20
    assert [target for target in targets if not (ROOT / target.partition("#")[0]).is_file()] == []
    for name, _, anchor in (target.partition("#") for target in targets):
        headings = re.findall(r"^#+ (.*)$", (ROOT / name).read_text("utf-8"), re.MULTILINE) if anchor else []
        assert not anchor or anchor in [re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings]


@pytest.mark.parametrize("name", re.findall(r"!\[[^\]]+\]\(([^)]+)\)", TEXT))
def test_its_pictures_are_small_and_can_be_seen(name):
    with Image.open(ROOT / name) as picture:
        picture.load()
        assert (picture.format, picture.width) == ("WEBP", 1660)
    assert (ROOT / name).stat().st_size <= MAX_PICTURE_BYTES


def test_every_command_of_it_is_tried():
    made = [command for command in commands() if command.startswith("make ")]
    assert {"make serve", "make test"} <= set(made)
    for command in made:
        done = subprocess.run(
            ["make", "-n", *command.split()[1:]], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE
        )
        assert done.returncode == 0, done.stderr
    others = set(commands()) - set(made)
    # The test below does these.
    tried = {command for command in others if command.startswith(("curl ", "KEY="))}
    assert others - tried == set(INSTALLATIONS), "which tests/packages/test_readme_lines.py does"
    assert set(re.findall(r"`rundun ([a-z-]+)", TEXT)) <= set(main.commands)
    (packages,) = re.findall(r"`apt-get install ([^`]+)`", TEXT)
    assert set(packages.split()) <= set((ROOT / ".ci/run").read_text("utf-8").split())


def test_a_webhook_is_named_as_it_says():
    (line,) = [lines for lines in snippets("sh") if "webhook" in lines]
    named = DispatchBody.model_validate_json(shlex.split(line)[-1])
    assert named.webhook
    webhook = named.webhook.webhook()
    assert (webhook.url, webhook.secret) == ("https://hooks.example.com/rundun", "at least 12 characters")


def test_the_first_dispatch_is_as_it_says(tmp_path, shell):
    first, second, third = [lines for lines in snippets("sh") if "curl" in lines]
    with serving(tmp_path) as service:
        service.wait_for("open the link it answers with")
        printed = re.search(r"^ +curl .*?(?=\n *\n)", service.text, re.MULTILINE | re.DOTALL)[0]
        assert masked(printed).split() == first.split()
        answer = shell(printed)
        shown = json.loads(snippets("json")[0])
        assert json.loads(masked(json.dumps(answer))) == shown | {"expires_at": answer["expires_at"]}
        page = httpx2.get(answer["link"], timeout=PATIENCE)
        assert page.status_code == 200 and "Short-term rental turnover" in page.text
        key = re.search(r"rdk_live_\w+", service.text)[0]
        lines = second.replace("rdk_live_…", key).replace("r-…", answer["run_id"])
        record = shell(lines.replace("http://127.0.0.1:8000", service.url))
        assert (record["run_id"], record["status"]) == (answer["run_id"], "pending")
        lines = third.replace("t-…", record["template"]["id"]).replace("http://127.0.0.1:8000", service.url)
        assert shell(f"KEY={key}\n{lines}")["run_id"] != answer["run_id"]
