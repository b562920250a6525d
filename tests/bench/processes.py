"""Rundun as an operator starts it, and the two programs beside it, each a process of its own that ends with us."""

import contextlib
import http.client
import json
import os
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PATIENCE_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Rundun:
    """A running service on an empty database of its own; `key` is what its first start has shown."""

    port: int
    key: str
    config: Path
    database: Path
    pid: int

    def cpu_seconds(self) -> float:
        """What the service's process has used of all processors."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def mebibytes(self) -> float:
        """Its memory, with its part of what it shares (PSS)."""
        found = re.search(r"^Pss: +(\d+) kB", Path(f"/proc/{self.pid}/smaps_rollup").read_text(), re.MULTILINE)
        assert found
        return int(found[1]) / 1024

    def command(self, *arguments: str) -> str:
        """What the operator types beside it; returns what was printed."""
        command = [sys.executable, "-m", "rundun", *arguments, "--config", str(self.config)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def free_port() -> int:
    """Find a port on which nobody listens, below those that the system gives to whoever asks for any: so nobody else is
    given it before it is used.
    """
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port := random.randrange(20_000, 32_000)))
            except OSError:
                continue
            return port


@contextlib.contextmanager
def rundun(folder: Path, *settings: str, program: str = "rundun") -> Iterator[Rundun]:
    """Serve with everything at its default, but that deliveries may go to this machine, that nobody may ask too often,
    and `settings`, which are lines of TOML. `program` is the module that runs.
    """
    port, config, database = free_port(), folder / "rundun.toml", folder / "rundun.db"
    config.write_text(
        f"server.port = {port}\n"
        f"database.path = {json.dumps(str(database))}\n"
        'webhooks.allow = ["127.0.0.0/8"]\n'
        "limits.requests_per_minute = 0\n" + "".join(f"{line}\n" for line in settings)
    )
    command = [sys.executable, "-m", program, "serve", "--config", str(config)]
    with (folder / "log").open("w") as log, (folder / "first-start").open("a") as shown:
        process = subprocess.Popen(command, stdout=shown, stderr=log)
        with _ending(process):
            _wait_for(port, process, "/readyz")
            key = re.search(r"rdk_live_\w+", (folder / "first-start").read_text())
            assert key, "the first start shows a key"
            yield Rundun(port, key[0], config, database, process.pid)


@contextlib.contextmanager
def module(name: str, *arguments: str) -> Iterator[int]:
    """`python -m name PORT arguments…`; the port comes out."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", name, str(port), *arguments])
    with _ending(process):
        _wait_for(port, process)
        yield port


@contextlib.contextmanager
def _ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], path: str = "/") -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        try:
            asked.request("GET", path)
            asked.getresponse()
            return
        except OSError:
            time.sleep(0.005)
        finally:
            asked.close()
    raise SystemExit(f"{process.args} does not answer on port {port}.")
