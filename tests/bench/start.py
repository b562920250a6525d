"""How long until a service is ready, and how much memory it takes while nobody asks for anything."""

import tempfile
import time
from pathlib import Path
from statistics import median

from tests.bench.processes import rundun

ROUNDS = 5
REST_SECONDS = 2.0  # for what a start leaves to be done after it
TARGET_SECONDS, TARGET_MEBIBYTES = 1.0, 62.0


def measure() -> None:
    """Print both, of starts on a database that is there already, with compiled bytecode."""
    took, memory = [], []
    with tempfile.TemporaryDirectory(prefix="rundun-bench-") as name:
        with rundun(Path(name)):
            pass
        for _ in range(ROUNDS):
            began = time.monotonic()
            with rundun(Path(name)) as service:
                took.append(time.monotonic() - began)
                time.sleep(REST_SECONDS)
                memory.append(service.mebibytes())
    print("\nA service that starts, and then has nothing to do:")
    for name, value, unit, target in (
        ("until /readyz answers", median(took), "s", TARGET_SECONDS),
        ("memory (PSS)", median(memory), "MiB", TARGET_MEBIBYTES),
    ):
        print(f"  {name:<22} {value:6.2f} {unit:<3}   ≤ {target:g}: {'met' if value <= target else 'MISSED'}")


if __name__ == "__main__":
    measure()
