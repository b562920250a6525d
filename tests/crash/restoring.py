"""A backup of what a kill has left, and the database put back from it: all that was told has to be in it."""

from pathlib import Path
from random import Random

from tests.helpers.processes.service_process import done, rundun


def go_back(folder: Path, rng: Random) -> None:
    """Back the database up, and restore that backup; what goes out may be held until it is told to go on."""
    backup = folder / "backup.db"
    done(rundun(folder, "backup", str(backup)))
    if rng.random() < 0.5:
        done(rundun(folder, "restore", str(backup), "--live"))
    else:
        done(rundun(folder, "restore", str(backup)))
        done(rundun(folder, "live"))
    for no_longer_needed in (backup, *folder.glob("rundun.db.before-restore-*")):
        no_longer_needed.unlink()
