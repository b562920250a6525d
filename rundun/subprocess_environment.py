"""The environment of the processes that the service starts for work on files."""

import os
import sys


def subprocess_environment() -> dict[str, str]:
    """Return the environment with which a process finds Python and its modules, without settings and secrets."""
    found = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**found, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
