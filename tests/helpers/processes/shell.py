"""A shell into which lines are pasted, with a `curl` of its own where the system has none."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.helpers.patience import PATIENCE

CURL = """#!{python}
# Just enough of curl for the README's and the guides' lines, where the machine has none.
import sys, urllib.request
url, method, headers, data, rest = None, None, {{}}, None, sys.argv[1:]
while rest:
    word = rest.pop(0)
    if word == "-H":
        name, _, value = rest.pop(0).partition(": ")
        headers[name] = value
    elif word == "-d":
        data = rest.pop(0).encode()
    elif word == "-X":
        method = rest.pop(0)
    elif word != "-s":
        url = word
print(urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)).read().decode())
"""


@pytest.fixture
def shell(tmp_path):
    """A function that runs lines as pasted into a shell, and reads the JSON they print last."""
    path = os.environ["PATH"]
    if not shutil.which("curl"):
        own = tmp_path / "bin" / "curl"
        own.parent.mkdir()
        own.write_text(CURL.format(python=sys.executable))
        own.chmod(0o755)
        path = f"{own.parent}:{path}"

    def run(lines):
        done = subprocess.run(
            ["sh", "-euc", lines], env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=PATIENCE
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
