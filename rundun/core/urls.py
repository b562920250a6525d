"""URLs that we hand out: a run's link, and signed media paths that nobody can guess."""

import hashlib
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from itsdangerous import BadSignature, Signer

from rundun.core.deliveries.forbidden_addresses import is_local, is_loopback

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/heic": "heic"}
_MEDIA = re.compile(r"/media/(\d+)\.[\w-]+\.(\w+)$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Urls:
    """The maker of URLs below `public_url` (no slash at its end); `key` is the database's signing key, rotated so many
    times, and the media URLs in events up to the one numbered `last_former_event` are of a former key.
    """

    public_url: str
    key: bytes
    rotations: int = 0
    last_former_event: int = 0

    @property
    def reach(self) -> Literal["machine", "network", "everywhere"]:
        """Return where links can be opened: on this machine alone, in its network, or everywhere."""
        host = urlsplit(self.public_url).hostname or ""
        return "machine" if is_loopback(host) else "network" if is_local(host) else "everywhere"

    def run(self, run_id: str) -> str:
        """Return a run's link, for its executor."""
        return f"{self.public_url}/r/{run_id}"

    def join(self, token: str) -> str:
        """Return the link that makes an operator."""
        return f"{self.public_url}/console/join/{token}"

    def reset(self, token: str) -> str:
        """Return the link by which an operator sets a new password."""
        return f"{self.public_url}/console/reset/{token}"

    def media(self, file: int, content_type: str) -> str:
        """Return the URL of a stored file: equal every time, without run or step id."""
        return f"{self.public_url}{self.media_path(file, content_type)}"

    def media_path(self, file: int, content_type: str) -> str:
        """Return the path of a stored file's URL: what the executor's page uses, whatever host it was opened under."""
        return f"/media/{self._signer().sign(str(file)).decode()}.{EXTENSIONS[content_type]}"

    def renew(self, url: str) -> str:
        """Return a media URL that we have made, signed with the key now in force; only for what nobody else can have
        written: nothing is verified.
        """
        made = _MEDIA.search(url)
        return f"{url[: made.start()]}/media/{self._signer().sign(made[1]).decode()}.{made[2]}" if made else url

    def file_of(self, token: str) -> int | None:
        """Return the file number in a media path's last part, or None when we did not sign it."""
        signed, _, extension = token.rpartition(".")
        if extension not in EXTENSIONS.values():
            return None
        try:
            return int(self._signer().unsign(signed))
        except (BadSignature, ValueError):
            return None

    def _signer(self) -> Signer:
        return Signer(self.key, salt="media", digest_method=hashlib.sha256)
