"""Steps that take photos and signatures, and runs of them."""

import base64
import hashlib
import io
from typing import Any

from rundun.store import files
from rundun.store.files import Piece, StoredFile
from tests.helpers.service import BOOLEAN, Ed, World

OVERLAY = {**BOOLEAN, "photo": {"min": 1, "max": 2}}
OF_PICTURES = "SELECT file FROM pictures UNION ALL SELECT thumbnail FROM pictures"
OF_RUNS = {"files": f"WHERE number NOT IN ({OF_PICTURES})", "chunks": f"WHERE file NOT IN ({OF_PICTURES})"}
SIGN = {"id": "s-sign", "type": "signature", "label": "Sign here"}


def digest(data: bytes) -> dict[str, str]:
    """The Content-Digest header (RFC 9530)."""
    return {"content-digest": f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"}


def zeros(size: int) -> list[Piece]:
    """The pieces of a new file of so many bytes, all of them zero."""
    file = StoredFile(files.new_number(), "image/jpeg", size, "0" * 64)
    return list(files.split_pieces(file, io.BytesIO(bytes(size))))


async def started(w: World, *steps: Any, **more: Any) -> Ed:
    """A started run of these steps."""
    ed = await w.dispatch(await w.template(*steps), **more)
    await ed.start()
    return ed


async def count(w: World, table: str) -> int:
    """Rows of a table; of files and chunks those that belong to runs, since a first start has the samples' pictures."""
    where = OF_RUNS.get(table, "")
    return await w.database.read(lambda tx: int(tx.db.execute(f"SELECT count(*) FROM {table} {where}").fetchone()[0]))
