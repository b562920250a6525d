"""Templates that are being written: kept in memory for a while, so that their author sees them as a phone would."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field

from rundun.core import times
from rundun.errors import NotFound

KEPT = 30 * 60 * times.SECOND
MAX_EACH = 8
MAX_BYTES = 32 * 1024 * 1024


@dataclass(slots=True)
class PreviewCache:
    """The last few stored forms of each operator, under names that only their content and author make. Those looked at
    least lately go first.
    """

    most_bytes: int = MAX_BYTES
    _kept: OrderedDict[tuple[str, str], tuple[int, bytes]] = field(default_factory=OrderedDict)

    def put(self, operator_id: str, body: bytes, now: int) -> str:
        """Keep one; returns its name, the same for the same content."""
        name = hashlib.sha256(body).hexdigest()[:24]
        self._kept[operator_id, name] = (now, body)
        self._kept.move_to_end((operator_id, name))
        for key, (at, _) in list(self._kept.items()):
            if at + KEPT <= now:
                del self._kept[key]
        for key in [key for key in self._kept if key[0] == operator_id][:-MAX_EACH]:
            del self._kept[key]
        while len(self._kept) > 1 and sum(len(one) for _, one in self._kept.values()) > self.most_bytes:
            self._kept.popitem(last=False)
        return name

    def get(self, operator_id: str, name: str, now: int) -> bytes:
        """What this operator keeps under the name, or NotFound."""
        at, body = self._kept.get((operator_id, name), (-KEPT, b""))
        if at + KEPT <= now:
            raise NotFound("draft; the editor makes it anew")
        self._kept.move_to_end((operator_id, name))
        return body
