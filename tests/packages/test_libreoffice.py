"""Tables as LibreOffice opens them: no cell is a formula, whichever separator it is told."""

import subprocess
from pathlib import Path

import pytest

from rundun.wording.job_tables.csv_cells import csv_lines
from tests.helpers.console.console import operator
from tests.helpers.processes.debian import needs
from tests.helpers.service import World
from tests.web.archives.test_answers import TEXTS, random_runs

pytestmark = pytest.mark.packages

SIGNS = ["=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1", '"=1', "'=1", "%=1", "=\u200b1"]
SPLIT = [
    f"a{split}{sign}" for split in (",", ";", "\t", "\n", "\r\n", ' "', '";"') for sign in ("=1+1", "+1", "-1", "@A1")
]
CODES = {",": 44, ";": 59, "\t": 9}


def opened(file: Path, separator: str | None = None) -> str:
    """A table as LibreOffice understands it, as XML in which a formula says so."""
    needs(soffice="libreoffice-calc-nogui")
    read_as = [f"--infilter=CSV:{CODES[separator]},34,76"] if separator else []
    home = f"-env:UserInstallation=file://{file.parent}/office"
    command = ["soffice", home, "--headless", *read_as, "--convert-to", "fods", "--outdir", file.parent, file]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return file.with_suffix(".fods").read_text("utf-8")


def test_a_formula_would_be_seen(tmp_path: Path) -> None:
    (file := tmp_path / "table.csv").write_text('"=1+1"\n')
    assert "table:formula" in opened(file, ",")


@pytest.mark.parametrize("read_as", CODES)
@pytest.mark.parametrize("separator", CODES)
def test_no_text_becomes_a_formula(tmp_path: Path, separator: str, read_as: str) -> None:
    texts = [*TEXTS, *SIGNS, *SPLIT]
    (file := tmp_path / "table.csv").write_text("\ufeff" + csv_lines([["x", text, text] for text in texts], separator))
    understood = opened(file, read_as)
    assert "table:formula" not in understood and understood.count("<table:table-row") >= len(texts)


async def test_a_spreadsheet_has_none_either(w: World, tmp_path: Path) -> None:
    template_id, _ = await random_runs(w, 60)
    answer = await (await operator(w)).get(f"/answers.xlsx?template={template_id}")
    (file := tmp_path / "table.xlsx").write_bytes(answer.content)
    understood = opened(file)
    assert "table:formula" not in understood and "=1+1" in understood
