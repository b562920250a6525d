"""Bare Debians in folders, and programs in them that know of this machine only how it reaches registries.

Each program has mounts and process numbers of its own: with it end all that it has started and all that was mounted
for it, also where the tests are killed.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.helpers.processes.service_process import Serving

INCLUDED = "ca-certificates,curl,git,make,python3,python3-venv"
PATIENCE = 900  # an installation without a cache, on a busy machine

# How the registry of packages is reached from here, whatever that is: the variables, and the files that they name.
PASSED_ON = ("PIP_", "UV_", "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
FILES = ("/etc/resolv.conf", "/etc/pip.conf", "/etc/xdg/pip/pip.conf", "/etc/xdg/pip/constraints.txt")

# In namespaces of their own, which `unshare` has made: $1 is the root, $2 the cache that outlives it. The shell stays,
# as the first process there: the kernel ends it with `unshare`, and with the first all others. It forgets that of a
# process that becomes another user's.
ENTER = """
ip link set lo up
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mkdir -p "$1/var/cache/packages"
mount --bind "$2" "$1/var/cache/packages"
root=$1 user=$3 folder=$4 script=$5
shift 5
env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@" \\
  chroot --userspec="$user" "$root" /bin/sh -euc 'cd "$0"; eval "$1"' "$folder" "$script" || exit "$?"
exit 0
"""


def cache() -> Path:
    """Where bare roots and what registries gave stay from one `make packages` to the next."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rundun-packages"


def bare(suite: str, folder: Path) -> "Root":
    """A copy of a bare Debian in `folder`; the first time it is made by debootstrap."""
    kept = cache() / suite
    if not kept.is_dir():
        unfinished = cache() / f"{suite}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        # Likewise in a namespace: it mounts too, and may be killed.
        command = ["unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={INCLUDED}", suite, unfinished]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE)
        unfinished.rename(kept)
    subprocess.run(["cp", "-a", "--reflink=auto", kept, folder], check=True, timeout=PATIENCE)
    return Root(folder)


class Root:
    """A bare Debian in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        passed = {
            name: value
            for name, value in os.environ.items()
            if name.upper().startswith(PASSED_ON) and not Path(value).is_dir()
        }
        named = [Path(value) for value in passed.values() if value.startswith("/")]
        for file in {*map(Path, FILES), *named}:
            if file.is_file():
                there = self.path(file)
                there.parent.mkdir(parents=True, exist_ok=True)
                there.unlink(missing_ok=True)
                shutil.copy(file, there)
        hosts = self.path("/etc/hosts")  # which every installation has, and debootstrap leaves out
        if not hosts.exists():
            hosts.write_text("127.0.0.1 localhost\n::1 localhost\n")
        (cache() / "registry").mkdir(parents=True, exist_ok=True)
        passed |= {"PIP_CACHE_DIR": "/var/cache/packages/pip", "UV_CACHE_DIR": "/var/cache/packages/uv"}
        self.environment = {
            **passed,
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_LINK_MODE": "copy",
            "PIP_ROOT_USER_ACTION": "ignore",
        }

    def path(self, inside: str | Path) -> Path:
        """What is called `inside` in the root, by its name outside."""
        return self.folder / str(inside).lstrip("/")

    def command(
        self, script: str, user: str, folder: str, variables: Mapping[str, str], network: Path | None
    ) -> list[str]:
        """Return the command that runs lines of a shell in the root, in a `network` of somebody's (/proc/…/ns/net)."""
        given = [f"{name}={value}" for name, value in {**self.environment, **variables}.items()]
        joined = ["nsenter", f"--net={network}"] if network else []
        alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", ENTER, "sh"]
        return [*joined, *alone, str(self.folder), str(cache() / "registry"), user, folder, script, *given]

    def run(
        self,
        script: str,
        *,
        user: str = "root:root",
        folder: str = "/",
        status: int = 0,
        beside: "ServingInRoot | None" = None,
        patience: float = PATIENCE,
        **variables: str,
    ) -> str:
        """Run lines of a shell to their end, `beside` a service in its network, and return what they printed."""
        done = subprocess.run(
            self.command(script, user, folder, variables, beside.network if beside else None),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=patience,
        )
        assert done.returncode == status, f"{script}\nended with {done.returncode}:\n{done.stdout}"
        return done.stdout


class ServingInRoot(Serving):
    """A program in a root that serves, its output read as it comes; if `is_alone`, in a network of its own, where all
    ports are free and there is no way out.
    """

    def __init__(
        self,
        root: Root,
        script: str,
        *,
        user: str = "root:root",
        folder: str = "/",
        is_alone: bool = False,
        **variables: str,
    ) -> None:
        self.root = root
        alone = ["unshare", "--net"] if is_alone else []
        self._start([*alone, *root.command(f"exec {script}", user, folder, variables, None)])
        self.network = Path(f"/proc/{self.process.pid}/ns/net")

    def get(self, url: str) -> str:
        """What a page says to somebody beside the service."""
        return self.root.run(f"curl --silent --show-error --fail '{url}'", beside=self)

    def busy(self) -> float:
        """How many seconds of a processor the program has had: what a start takes where nobody else works."""
        fields = Path(f"/proc/{self._program()}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def terminate(self) -> None:
        """Ask it to stop."""
        os.kill(self._program(), signal.SIGTERM)

    def _program(self) -> int:
        """The last that was started: below the first of its namespace, and make or uvx if that is how it is served."""
        process = self.process.pid
        while children := Path(f"/proc/{process}/task/{process}/children").read_text().split():
            process = int(children[-1])
        return process
