"""Stored state of scheduled backups: the time of the last one, and since when they are missed. It is stored so that a
restart does not alert the administrator twice.
"""

from rundun.store.sqlite import service_state
from rundun.store.sqlite.transaction import Tx

_MISSED, _LAST, _ALERTED = "backup_missed_at", "backup_last_at", "backup_alerted"


def missed_at(tx: Tx) -> int | None:
    """Return when it was noticed that backups fail or are overdue, in milliseconds; None while they are not missed."""
    return service_state.find(tx, _MISSED)


def last_at(tx: Tx) -> int | None:
    """Return the stored time of the newest backup seen in the folder, in milliseconds; None without one."""
    return service_state.find(tx, _LAST)


def note_last(tx: Tx, last: int | None) -> None:
    """Store the time of the last good backup in the folder, in milliseconds; None deletes it."""
    if last is None:
        service_state.remove(tx, _LAST)
    else:
        service_state.put(tx, _LAST, last)


def note_missed(tx: Tx) -> None:
    """Store now as the time since which backups fail or are overdue."""
    service_state.put(tx, _MISSED, tx.now)


def clear_missed(tx: Tx) -> None:
    """Delete the state of missed backups, as there is a new one: the next missed backup is alerted again."""
    for name in (_MISSED, _ALERTED):
        service_state.remove(tx, name)


def awaits_alert(tx: Tx) -> bool:
    """Tell whether backups are missed and the alert about it has not been sent yet."""
    return missed_at(tx) is not None and service_state.find(tx, _ALERTED) is None


def mark_alerted(tx: Tx) -> None:
    """Store that the alert about missed backups was sent."""
    if missed_at(tx) is not None:  # else one was made while the alert was under way
        service_state.put(tx, _ALERTED, tx.now)
