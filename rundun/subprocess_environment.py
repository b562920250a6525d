"""The environment and limits of the processes that the service starts for work on files."""

import os
import resource
import sys
from collections.abc import Mapping


def subprocess_environment() -> dict[str, str]:
    """Return the environment with which a process finds Python and its modules, without settings and secrets."""
    found = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**found, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def set_limits(limits: Mapping[int, int]) -> None:
    """Set limits of this process: values of `resource.RLIMIT_…` in their units, or lower ones where it has these."""
    for name, limit in limits.items():
        hard = resource.getrlimit(name)[1]
        lower = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        try:
            resource.setrlimit(name, (lower, lower))
        except (OSError, ValueError):
            if sys.platform == "linux":  # macOS has some of them, but refuses to set them
                raise
