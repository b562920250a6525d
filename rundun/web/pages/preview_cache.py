"""Template drafts, cached in memory for half an hour, for the editor's preview."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field

from rundun.core import times
from rundun.errors import NotFound

LIFETIME = 30 * 60 * times.SECOND
MAX_EACH = 8
MAX_BYTES = 32 * 1024 * 1024


@dataclass(slots=True)
class PreviewCache:
    """The last drafts of each operator, by operator and content digest. The least recently used are dropped first."""

    max_bytes: int = MAX_BYTES
    _drafts: OrderedDict[tuple[str, str], tuple[int, bytes]] = field(default_factory=OrderedDict)

    def put(self, operator_id: str, body: bytes, now: int) -> str:
        """Store a draft's `body` and return its name, a digest of it; `now` in milliseconds."""
        name = hashlib.sha256(body).hexdigest()[:24]
        self._drafts[operator_id, name] = (now, body)
        self._drafts.move_to_end((operator_id, name))
        for key, (at, _) in list(self._drafts.items()):
            if at + LIFETIME <= now:
                del self._drafts[key]
        for key in [key for key in self._drafts if key[0] == operator_id][:-MAX_EACH]:
            del self._drafts[key]
        while len(self._drafts) > 1 and sum(len(stored) for _, stored in self._drafts.values()) > self.max_bytes:
            self._drafts.popitem(last=False)
        return name

    def get(self, operator_id: str, name: str, now: int) -> bytes:
        """Return the draft stored by `operator_id` under `name`; raises NotFound, also for a draft older than
        `LIFETIME`.
        """
        at, body = self._drafts.get((operator_id, name), (-LIFETIME, b""))
        if at + LIFETIME <= now:
            raise NotFound("draft; the editor makes it anew")
        self._drafts.move_to_end((operator_id, name))
        return body
