"""requirements.lock is whole and within pyproject.toml: each version, and all that each needs."""

import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
WANTED = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]

# Where it must serve: what a marker can tell apart there.
MACHINES = [
    {**default_environment(), "python_version": python, "python_full_version": f"{python}.1", **system}
    for python in ("3.11", "3.12", "3.13", "3.14")
    for system in (
        {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64", "os_name": "posix"},
        {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "aarch64", "os_name": "posix"},
        {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64", "os_name": "posix"},
    )
]


def locked(text):
    """What a lock has, by name: the requirement, which is pinned, and how many hashes go with it."""
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line and line[0] not in " #"]
    pinned = {Requirement(line.split(" --hash")[0]): line.count("--hash=sha256:") for line in lines}
    return {canonicalize_name(requirement.name): (requirement, hashes) for requirement, hashes in pinned.items()}


def version(requirement):
    (pin,) = requirement.specifier
    assert pin.operator == "==", requirement
    return pin.version


def holds(requirement, machine, extras=()):
    """Whether a requirement is one on this machine, for whoever asked for these extras."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**machine, "extra": extra}) for extra in ("", *extras))


def needs(name, pinned):
    """What a package says it needs, as far as the one installed here is the one that is locked."""
    try:
        there = distribution(name)
    except PackageNotFoundError:
        return []
    return [Requirement(one) for one in there.requires or []] if there.version == pinned else []


def unmet(wanted, lock, needs=needs):
    """What a lock lacks, or has in a version that somebody does not take, as sentences."""
    for machine in MACHINES:
        seen, open_ = set(), [("rundun", Requirement(one), ()) for one in wanted]
        while open_:
            who, requirement, extras = open_.pop()
            name = canonicalize_name(requirement.name)
            if not holds(requirement, machine, extras) or (name, frozenset(requirement.extras), who) in seen:
                continue
            seen.add((name, frozenset(requirement.extras), who))
            entry = lock.get(name, (None, 0))[0]
            if entry is None or not holds(entry, machine):
                yield f"{who} needs {name}"
            elif not requirement.specifier.contains(version(entry), prereleases=True):
                yield f"{who} needs {name}{requirement.specifier}, not {version(entry)}"
            else:
                open_ += [(name, one, requirement.extras) for one in needs(name, version(entry))]


def test_the_lock_has_all_that_is_needed_in_versions_that_fit():
    assert set(unmet(WANTED, locked(LOCK))) == set(), "make lock"


def test_each_is_known_by_its_hash_and_by_no_address():
    assert locked(LOCK) and [name for name, (_, hashes) in locked(LOCK).items() if not hashes] == []
    assert "://" not in LOCK and "--index" not in LOCK and "--find-links" not in LOCK


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        ("b==2\nc==1", {"rundun needs a"}),
        ("a==2\nb==2\nc==1", {"rundun needs a<2, not 2"}),
        ("a==1\nc==1", {"a needs b"}),
        ("a==1\nb==1\nc==1", {"a needs b>=2, not 1"}),
        ("a==1\nb==2", {"b needs c"}),
        ("a==1\nb==2\nc==1 ; sys_platform == 'linux'", {"b needs c"}),
        ("a==1\nb==2\nc==1", set()),
    ],
)
def test_a_lock_that_lacks_something_is_noticed(lock, said):
    told = {"a": ["b[fast]>=2"], "b": ["c; extra == 'fast'", "d; extra == 'slow'", "e; sys_platform == 'win32'"]}
    assert set(unmet(["a<2"], locked(lock), lambda name, _: map(Requirement, told.get(name, [])))) == said
