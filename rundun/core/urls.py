"""URLs that we hand out: a run's link, and signed media paths that nobody can guess."""

import hashlib
from dataclasses import dataclass

from itsdangerous import BadSignature, Signer

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/heic": "heic"}


@dataclass(frozen=True, slots=True)
class Urls:
    """The maker of URLs below `public_url` (no slash at its end); `key` is the database's signing key."""

    public_url: str
    key: bytes

    def run(self, run_id: str) -> str:
        """Return a run's link, for its executor."""
        return f"{self.public_url}/r/{run_id}"

    def join(self, token: str) -> str:
        """Return the link that makes an operator."""
        return f"{self.public_url}/console/join/{token}"

    def media(self, file: int, content_type: str) -> str:
        """Return the URL of a stored file: equal every time, without run or step id."""
        return f"{self.public_url}{self.media_path(file, content_type)}"

    def media_path(self, file: int, content_type: str) -> str:
        """Return the path of a stored file's URL: what the executor's page uses, whatever host it was opened under."""
        return f"/media/{self._signer().sign(str(file)).decode()}.{EXTENSIONS[content_type]}"

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
