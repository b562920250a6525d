"""The service as a process that is forked from one which has read all code already, so that a life begins in a tenth of
the time. From the first line of its command on, it is `python -m rundun serve`.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from tests.helpers.processes.service_process import Serving, environment


def fork_context() -> ForkServerContext:
    """Return what forks processes from one that has read all code."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["rundun.cli.main", "rundun.cli.serve", "uvloop", __name__])
    return context


def _serve(folder: Path, variables: dict[str, str], output: Connection) -> None:
    """Become the service; whatever it prints goes to `output`."""
    from rundun.cli.main import main

    for stream in (1, 2):
        os.dup2(output.fileno(), stream)
    output.close()
    sys.stdout.reconfigure(line_buffering=True, write_through=True)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    main(["serve", "--port", "0"])


class _Process:
    """A forked process, in the words of `subprocess.Popen`."""

    def __init__(self, process: ForkServerProcess) -> None:
        self.process = process

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self, timeout: float) -> int:
        self.process.join(timeout)
        assert self.process.exitcode is not None, "it does not end"
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        assert self.process.pid
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Forked(Serving):
    """`python -m rundun serve` in `folder`, forked."""

    def __init__(self, folder: Path, **settings: str) -> None:
        context = fork_context()
        reading, writing = context.Pipe(duplex=False)
        process = context.Process(target=_serve, args=(folder, environment(**settings), writing))
        process.start()
        writing.close()
        stream = os.fdopen(os.dup(reading.fileno()), encoding="utf-8")
        reading.close()
        self._watch(_Process(process), stream)


@contextmanager
def forked(folder: Path, **settings: str) -> Iterator[Forked]:
    """A forked service on a free port with `rundun.db` in `folder`; it ends with the context at the latest."""
    with closing(Forked(folder, **settings)) as one:
        yield one
