"""The HTTP server as a process of its own, and raw sockets to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from rundun.config.connection_limits import ConnectionLimits
from tests.helpers.patience import PATIENCE

ROOT = Path(__file__).resolve().parent.parent.parent.parent
PROGRAM = Path(__file__).with_name("small_app.py")
QUICK = ConnectionLimits(header=0.4, body=0.4, reading=0.4, idle=20, stopping=1, header_bytes=8192)
SLOW = ConnectionLimits(header=60, body=60, reading=60, idle=60, stopping=1)


class Context:
    """The process, and what it says."""

    def __init__(self, patience=QUICK, **given):
        flags = {"server.port": 0, **given.pop("flags", {})}
        given = {"flags": flags, "patience": asdict(patience), **given}
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), json.dumps(given)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.port = self.next()["port"]

    def next(self):
        return json.loads(self.process.stdout.readline())

    def connect(self, host="127.0.0.1"):
        return closing(socket.create_connection(("127.0.0.1", self.port), PATIENCE, (host, 0)))

    def ask(self, request):
        """The whole answer to `request`, which asks for the connection to be closed."""
        with self.connect() as wire:
            wire.sendall(request)
            return everything(wire)

    def stop(self):
        """Ends it if it still runs; (exit code, what it said, its log lines)."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        # Not communicate(): it knows nothing of what a readline has read ahead.
        out, err = self.process.stdout.read(), self.process.stderr.read()
        return self.process.returncode, [json.loads(line) for line in out.splitlines()], err


def everything(wire):
    parts = []
    while part := wire.recv(65536):
        parts.append(part)
    return b"".join(parts)


def until(wire, end):
    """Read on until what came ends with `end`."""
    got = b""
    while not got.endswith(end):
        part = wire.recv(65536)
        assert part, f"closed after {got!r}"
        got += part
    return got


def request(path="/", *headers, body=b"", method="GET"):
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def seconds_until_closed(wire):
    start = time.monotonic()
    try:
        got = everything(wire)
    except ConnectionResetError:
        got = b""
    return time.monotonic() - start, got
