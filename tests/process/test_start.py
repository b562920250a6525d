"""What a service that nobody has asked for anything has not loaded."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import asyncio, sys
from rundun.cli import main as _
from rundun.config import loader
from rundun.app import make_app

async def main():
    settings = loader.load(environment={}, flags={"database.path": sys.argv[1]})
    app = make_app(settings)
    async with app.router.lifespan_context(app) as state:
        print(sorted({"PIL", "pillow_heif", "zxingcpp", "httpx2", "segno"} & sys.modules.keys()))
        print(list(state["context"].pages.words.entries._read))

asyncio.run(main())
"""


def test_what_only_some_processes_need_is_loaded_when_first_needed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "rundun.db")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines() == ["[]", "[]"], done.stdout
