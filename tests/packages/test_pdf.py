"""A PDF by its text, and the process that makes it by its system calls: it asks no network, writes no file, and reads
nobody's data.
"""

import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from rundun.pdf import writer
from tests.helpers.processes.debian import needs
from tests.helpers.processes.service_process import ROOT
from tests.helpers.sample_runs import flat
from tests.helpers.service import World
from tests.pdf.test_pdf import SAME, letters, pdf_and_words

pytestmark = pytest.mark.packages

PAGE = """<!doctype html><link rel="stylesheet" href="http://127.0.0.1:9/x.css">
<link rel="attachment" href="/etc/passwd"><img src="file:///etc/passwd"><img src="http://127.0.0.1:9/x.png">
<img src="/etc/hostname"><p>Hello, مرحبا, 你好</p>"""
LIBRARIES = ("/etc/ld.so.", "/lib/", "/lib64/", "/usr/lib/", "/usr/local/lib/")
FONTS = ("/etc/fonts/", "/usr/share/fonts", "/usr/share/fontconfig", "/usr/local/share/fonts", "/var/cache/fontconfig")
SYSTEM = ("/dev/null", "/dev/urandom", "/etc/localtime", "/usr/share/locale", "/usr/share/zoneinfo", "/proc/", "/sys/")
MIME = ("/etc/mime.types", "/usr/share/mime")


def test_it_reads_its_code_and_fonts_and_asks_nobody(tmp_path: Path) -> None:
    needs(strace="strace")
    calls = tmp_path / "calls"
    asked = ("-e", "trace=network,open,openat,creat,unlink,rename,execve,fork,vfork", "-e", "signal=none")
    made = subprocess.run(
        ["strace", "-f", "-qq", "-s", "400", *asked, "-o", calls, *writer.COMMAND],
        input=PAGE.encode(),
        capture_output=True,
        env=writer.environment(),
        timeout=300,
        check=True,
    )
    assert made.stdout.startswith(b"%PDF") and b"root:" not in made.stdout
    lines = calls.read_text().splitlines()
    assert [line for line in lines if re.search(r" (socket|connect|sendto|bind)\(", line)] == []
    written = [line for line in lines if re.search(r"O_WRONLY|O_RDWR|O_CREAT|creat\(|unlink|rename", line)]
    assert [line for line in written if '"/dev/null"' not in line] == []
    assert [line for line in lines if re.search(r" (execve|v?fork)\(", line)][1:] == [], "it starts nothing"
    code = (str(ROOT), sys.prefix, sys.base_prefix, *set(sysconfig.get_paths().values()), *sys.path[1:])
    allowed = (*code, *LIBRARIES, *FONTS, *SYSTEM, *MIME)
    opened = {found[1] for line in lines if (found := re.search(r'open(?:at)?\((?:AT_FDCWD, )?"([^"]+)".* = \d', line))}
    assert len(opened) > 100 and [path for path in sorted(opened) if not path.startswith(allowed)] == []
    assert not {path for path in opened if path.startswith(("/etc/passwd", "/etc/hostname")) or ".db" in path}


@pytest.mark.parametrize("language", ["en", "ar", *SAME])
async def test_pdftotext_finds_every_word(w: World, language: str) -> None:
    needs(pdftotext="poppler-utils")
    pdf, words = await pdf_and_words(w, await flat(w), language)
    told = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True).stdout
    written = letters(told.decode())
    assert [word for word in words if word not in written] == []
