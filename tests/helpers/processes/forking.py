"""Processes forked from one that has imported all code: a service begins in a tenth of the time. From the first line of
its command on, such a process is `python -m rundun …`.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import IO


def fork_context() -> ForkServerContext:
    """Return the context of `multiprocessing` whose processes have imported all code."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["rundun.cli.main", "rundun.cli.serve", "uvloop", __name__])
    return context


def _run(command: Sequence[str], folder: Path, variables: Mapping[str, str], *outputs: Connection) -> None:
    """Run a command in `folder`, with standard output and standard error to the `outputs`."""
    from rundun.cli.main import main

    for stream, output in enumerate(outputs, 1):
        os.dup2(output.fileno(), stream)
        output.close()
    sys.stdout.reconfigure(line_buffering=True, write_through=True)
    warnings.simplefilter("error")  # as PYTHONWARNINGS says, which only the interpreter's start reads
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    main(command)


class ForkedProcess:
    """A forked process with the methods of `subprocess.Popen` that tests use."""

    def __init__(self, process: ForkServerProcess) -> None:
        assert process.pid
        self.pid = process.pid
        self._process = process

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("rundun", timeout)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def fork(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> tuple[ForkedProcess, IO[str], IO[str]]:
    """Fork a process that runs `rundun` with these arguments in `folder`; return it, its output and its errors."""
    context = fork_context()
    pipes = [context.Pipe(duplex=False) for _ in ("output", "errors")]
    process = context.Process(target=_run, args=(command, folder, variables, *(writing for _, writing in pipes)))
    process.start()
    streams = []
    for reading, writing in pipes:
        writing.close()
        streams.append(os.fdopen(os.dup(reading.fileno()), encoding="utf-8"))
        reading.close()
    return ForkedProcess(process), streams[0], streams[1]
