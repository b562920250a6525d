"""What organizations use of the file, as it was counted and as its rows say."""

from rundun.store import quotas
from rundun.store.transaction import Tx


def assert_counted(tx: Tx) -> None:
    """What is counted of each organization is what all its rows add up to."""
    rows = tx.db.execute("SELECT org_id, sum(bytes) FROM uses GROUP BY org_id").fetchall()
    assert {use.org_id: use.used for use in quotas.list_all(tx) if use.used} == {row[0]: row[1] for row in rows}
