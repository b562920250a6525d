"""Steps that take photos and signatures, and runs of them."""

import base64
import hashlib
from typing import Any

from tests.helpers.service import BOOLEAN, Ed, World

OVERLAY = {**BOOLEAN, "photo": {"min": 1, "max": 2}}
SIGN = {"id": "s-sign", "type": "signature", "label": "Sign here"}


def digest(data: bytes) -> dict[str, str]:
    """The Content-Digest header (RFC 9530)."""
    return {"content-digest": f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"}


async def started(w: World, *steps: Any, **more: Any) -> Ed:
    """A started run of these steps."""
    ed = await w.dispatch(await w.template(*steps), **more)
    await ed.start()
    return ed


async def count(w: World, table: str) -> int:
    """Rows of a table."""
    return await w.database.read(lambda tx: int(tx.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]))
