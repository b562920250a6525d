"""`python -m tests.bench.names …`: `python -m rundun …` on a machine whose resolver finds `ok.test` here, and hangs for
what ends in `.slow.test`, as glibc does with a name server that never answers.
"""

import runpy
import socket
import sys
import time
from typing import Any

SECONDS = 12

_found = socket.getaddrinfo


def _look_up(host: Any, *args: Any, **more: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    if str(name).endswith(".slow.test"):
        time.sleep(SECONDS)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    return _found("127.0.0.1" if name == "ok.test" else host, *args, **more)


if __name__ == "__main__":
    socket.getaddrinfo = _look_up
    sys.argv[0] = "rundun"
    runpy.run_module("rundun", run_name="__main__")
