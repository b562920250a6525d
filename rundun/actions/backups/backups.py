"""Backups on schedule: when the last was made, and since when they are missed, so that the administrator is told once,
also after a restart.
"""

from rundun.store.sqlite import service_state
from rundun.store.sqlite.transaction import Tx

_MISSED, _LAST, _ALERTED = "backup_missed_at", "backup_last_at", "backup_alerted"


def missed_at(tx: Tx) -> int | None:
    """Return since when backups fail or are overdue, in milliseconds, None while all is well."""
    return service_state.find(tx, _MISSED)


def last_at(tx: Tx) -> int | None:
    """Return when the last good backup was made, as far as the folder was ever seen, in milliseconds; None if there was
    none.
    """
    return service_state.find(tx, _LAST)


def note_last(tx: Tx, last: int | None) -> None:
    """Note when the last good backup in the folder was made, in milliseconds, None where there is none."""
    if last is None:
        service_state.remove(tx, _LAST)
    else:
        service_state.put(tx, _LAST, last)


def note_missed(tx: Tx) -> None:
    """Note that a backup has failed or is overdue."""
    service_state.put(tx, _MISSED, tx.now)


def forget_missed(tx: Tx) -> None:
    """Forget that backups were missed, now that there is one that is new enough: the next time is news."""
    for name in (_MISSED, _ALERTED):
        service_state.remove(tx, name)


def awaits_alert(tx: Tx) -> bool:
    """Tell whether the administrator is still to be told that backups are missed."""
    return missed_at(tx) is not None and service_state.find(tx, _ALERTED) is None


def mark_alerted(tx: Tx) -> None:
    """Note that the administrator knows that backups are missed."""
    if missed_at(tx) is not None:  # else one was made while the alert was under way
        service_state.put(tx, _ALERTED, tx.now)
