"""URLs of the service: links of runs, operators' links, and signed, unguessable media URLs."""

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
    """The maker of URLs below `public_url` (no final slash). `key` is the database's signing key, rotated `rotations`
    times; an earlier key signed the media URLs in events up to number `last_former_event`.
    """

    public_url: str
    key: bytes
    rotations: int = 0
    last_former_event: int = 0

    @property
    def reach(self) -> Literal["machine", "network", "everywhere"]:
        """Tell where links can be opened, by the host's name alone: on this machine, in its network, or everywhere."""
        host = urlsplit(self.public_url).hostname or ""
        return "machine" if is_loopback(host) else "network" if is_local(host) else "everywhere"

    def run(self, run_id: str) -> str:
        """Return a run's link, for its executor."""
        return f"{self.public_url}/r/{run_id}"

    def share(self, token: str) -> str:
        """Return the link of a share, by the share's token."""
        return f"{self.public_url}/share/{token}"

    def join(self, token: str) -> str:
        """Return the link of an invitation, by which a person becomes an operator."""
        return f"{self.public_url}/console/join/{token}"

    def reset(self, token: str) -> str:
        """Return the link by which an operator sets a new password."""
        return f"{self.public_url}/console/reset/{token}"

    def media(self, file: int, content_type: str) -> str:
        """Return the URL of a stored file: the same at every call, without run or step id."""
        return f"{self.public_url}{self.media_path(file, content_type)}"

    def media_path(self, file: int, content_type: str, folder: str = "media") -> str:
        """Return the path of a stored file's URL, for pages that may be opened under any host. `folder` is
        without outer slashes, as in `share/<token>`; the signature holds for this folder alone.
        """
        return f"/{folder}/{self._signer(folder).sign(str(file)).decode()}.{EXTENSIONS[content_type]}"

    def renew(self, url: str) -> str:
        """Return a media URL with a signature by the current key; any other text unchanged. The old signature is not
        verified, so pass only texts that the service itself wrote.
        """
        made = _MEDIA.search(url)
        return f"{url[: made.start()]}/media/{self._signer('media').sign(made[1]).decode()}.{made[2]}" if made else url

    def file_number(self, name: str, folder: str = "media") -> int | None:
        """Return the file number in `name`, the last part of a media path; None unless the current key signed it for
        the folder.
        """
        signed, _, extension = name.rpartition(".")
        if extension not in EXTENSIONS.values():
            return None
        try:
            return int(self._signer(folder).unsign(signed))
        except (BadSignature, ValueError):
            return None

    def _signer(self, folder: str) -> Signer:
        return Signer(self.key, salt=folder, digest_method=hashlib.sha256)
