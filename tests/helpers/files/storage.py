"""What organizations use of the file, as it was counted and as its rows say."""

from rundun.store.organizations import quotas as quota_rows
from rundun.store.sqlite.transaction import Tx
from tests.helpers.service import World


def assert_counted(tx: Tx) -> None:
    """What is counted of each organization is what all its rows add up to."""
    rows = tx.db.execute("SELECT org_id, sum(bytes) FROM uses GROUP BY org_id").fetchall()
    assert {use.org_id: use.used for use in quota_rows.list_all(tx) if use.used} == {row[0]: row[1] for row in rows}


async def used(w: World) -> int:
    """Bytes that Acme has used; what is counted of everybody is right."""
    await w.database.read(assert_counted)
    return int((await w.acme.get("/v1/organization")).json()["bytes_used"])


async def fill(w: World, share: float) -> None:
    """Give Acme a quota of which it has used that much."""
    use = await w.database.read(quota_rows.get, w.acme_id)
    await w.database.write(quota_rows.put, w.acme_id, int(use.used / share))
