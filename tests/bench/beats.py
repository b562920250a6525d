"""`python -m tests.bench.beats …`: `python -m rundun …`, which tells whoever connects to the socket `beats`, beside its
configuration, by how many milliseconds its loop's beat was late at most since it was last asked, and how long the
longest collection of garbage took meanwhile.
"""

import gc
import runpy
import socket
import sys
import threading
import time
from pathlib import Path

from rundun import counters, loop_beat


class Longest:
    """The longest lateness and the longest collection, in seconds."""

    def __init__(self) -> None:
        self._seconds = self._collection = self._began = 0.0
        self._observe = counters.loop_lateness.observe
        counters.loop_lateness.observe = self._note  # type: ignore[method-assign]
        gc.callbacks.append(self._note_collection)

    def _note(self, seconds: float) -> None:
        self._seconds = max(self._seconds, seconds)
        self._observe(seconds)

    def _note_collection(self, phase: str, _: object) -> None:
        if phase == "start":
            self._began = time.monotonic()
        else:
            self._collection = max(self._collection, time.monotonic() - self._began)

    def tell(self, listener: socket.socket) -> None:
        """Tell each who connects, once the beat has had its time."""
        while True:
            asked, _ = listener.accept()
            with asked:
                time.sleep(4 * loop_beat.BEAT_SECONDS)
                both = self._seconds * 1000, self._collection * 1000
                self._seconds = self._collection = 0.0
                asked.sendall("{} {}".format(*both).encode())


def ask(config: Path) -> tuple[float, float]:
    """Return the longest lateness since the last time, and the longest collection, both in milliseconds."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(config.with_name("beats")))
        late, collection = asking.recv(100).split()
        return float(late), float(collection)


if __name__ == "__main__":
    path = Path(sys.argv[sys.argv.index("--config") + 1]).with_name("beats")
    path.unlink(missing_ok=True)
    telling = socket.socket(socket.AF_UNIX)
    telling.bind(str(path))
    telling.listen()
    threading.Thread(target=Longest().tell, args=(telling,), daemon=True).start()
    loop_beat.UNHURRIED_SECONDS = loop_beat.BEAT_SECONDS  # what is measured begins with the loop at rest
    sys.argv[0] = "rundun"
    runpy.run_module("rundun", run_name="__main__")
