"""`python -m tests.bench.beats …`: `python -m rundun …`, which tells whoever connects to the socket `beats`, beside its
configuration, by how many milliseconds its loop's beat was late at most since it was last asked.
"""

import runpy
import socket
import sys
import threading
import time
from pathlib import Path

from rundun import counters
from rundun.loop_beat import BEAT_SECONDS


class Longest:
    """The longest lateness, in seconds."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._observe = counters.loop_lateness.observe
        counters.loop_lateness.observe = self._note  # type: ignore[method-assign]

    def _note(self, seconds: float) -> None:
        self._seconds = max(self._seconds, seconds)
        self._observe(seconds)

    def tell(self, listener: socket.socket) -> None:
        """Tell each who connects, once the beat has had its time."""
        while True:
            asked, _ = listener.accept()
            with asked:
                time.sleep(4 * BEAT_SECONDS)
                seconds, self._seconds = self._seconds, 0.0
                asked.sendall(f"{seconds * 1000}".encode())


def ask(config: Path) -> float:
    """Return the longest lateness since the last time, in milliseconds."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(config.with_name("beats")))
        return float(asking.recv(100))


if __name__ == "__main__":
    path = Path(sys.argv[sys.argv.index("--config") + 1]).with_name("beats")
    path.unlink(missing_ok=True)
    telling = socket.socket(socket.AF_UNIX)
    telling.bind(str(path))
    telling.listen()
    threading.Thread(target=Longest().tell, args=(telling,), daemon=True).start()
    sys.argv[0] = "rundun"
    runpy.run_module("rundun", run_name="__main__")
