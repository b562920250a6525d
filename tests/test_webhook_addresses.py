"""Which addresses are this machine's own, and that nothing is sent there: asked of Linux itself, in a network of the
test's own where root makes one.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from rundun.core.deliveries.forbidden_addresses import forbidden_reason
from rundun.core.deliveries.webhook_url import normalise
from rundun.webhook_addresses import is_own_address
from tests.helpers.network.addresses import own_address
from tests.helpers.network.webhook_line import letter, webhook_client

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = """
import sys
from ipaddress import ip_address
from rundun.webhook_addresses import is_own_address
for text in sys.argv[1:]:
    if is_own_address(ip_address(text)):
        print(text)
"""


def in_network(*commands: str, ask: str = "", script: str = SCRIPT) -> list[str]:
    """The lines that a script prints on a machine whose network the commands of ip(8) have made: without `script` those
    addresses in `ask` that are its own.
    """
    if not shutil.which("unshare") or not shutil.which("ip"):
        pytest.skip("unshare and ip are needed")
    lines = " && ".join(["ip link set lo up", *commands, 'exec "$@"'])
    made = ["unshare", "--net", "--map-root-user", "sh", "-c", lines, "sh", sys.executable, "-c", script, *ask.split()]
    done = subprocess.run(made, capture_output=True, text=True, cwd=ROOT, check=False)
    if "unshare" in done.stderr:
        pytest.skip("no network of one's own may be made here")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(params=[0, 1], ids=["", "nonlocal_bind"])
def sysctl(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """The commands that let a socket be bound to any address, as on a machine that balances load; or none."""
    files = [f"/proc/sys/net/ipv{version}/ip_nonlocal_bind" for version in (4, 6)]
    yield [f"echo {request.param} > {file}" for file in files]


def test_all_addresses_of_all_interfaces_are_own(sysctl: list[str]) -> None:
    commands = [
        *("ip link add v0 type veth peer name v1", "ip link set v0 up", "ip link set v1 up"),
        *("ip addr add 10.0.0.4/24 dev v0", "ip addr add 10.0.0.5/24 dev v0", "ip addr add 8.8.4.4/32 dev v0"),
        *("ip addr add fd11::7/64 dev v0 nodad", "ip addr add 2a00:1450::7/64 dev v0 nodad"),
        *("ip route add local 203.0.112.0/24 dev lo", "ip route add default via 10.0.0.1"),
        *sysctl,
    ]
    own = "127.0.0.1 127.9.9.9 ::1 10.0.0.4 10.0.0.5 8.8.4.4 fd11::7 2a00:1450::7 203.0.112.9"
    others = "10.0.0.1 10.0.0.6 8.8.8.8 fd11::8 2a00:1450::8 203.0.113.9 192.168.0.1"
    assert in_network(*commands, ask=f"{own} {others}") == own.split()


def test_a_machine_without_ipv6_has_no_such_address() -> None:
    commands = ["echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6"]
    assert in_network(*commands, ask="127.0.0.1 fd11::7 ::1") == ["127.0.0.1"]


def test_an_own_address_is_refused_in_each_of_its_forms() -> None:
    own = {ip_address("8.8.4.4"), ip_address("10.0.0.4"), ip_address("2a00:1450::7"), ip_address("fd11::7")}

    def refused(address: str, *allow: str, allow_private: bool = True) -> str | None:
        networks = tuple(ip_network(one) for one in allow)
        return forbidden_reason(address, allow=networks, allow_private=allow_private, is_own=own.__contains__)

    for address in map(str, own):
        length = 128 if ":" in address else 32
        for private in (True, False):
            assert refused(address, allow_private=private) == (
                f'{address} is an address of this machine. To allow it, set allow = ["{address}/{length}"] '
                "under [webhooks] in rundun.toml, then restart."
            )
        assert refused(address, f"{address}/{length}") is None
    assert refused("::ffff:8.8.4.4") == refused("8.8.4.4")
    for form in ("64:ff9b::8.8.4.4", "2002:808:404::1"):
        assert "form of 8.8.4.4" in (refused(form) or "")
    for other in ("8.8.8.8", "10.0.0.5", "2a00:1450::8", "64:ff9b::8.8.8.8"):
        assert refused(other) is None


async def test_a_receiver_on_this_machine_is_refused_and_not_dialled() -> None:
    address = own_address()
    host = f"[{address}]" if ":" in address else address
    url = f"http://{host}:9/hook"
    async with webhook_client(allow=(), resolver=lambda name: [address]) as it:
        for one, says in ((url, ""), ("http://self.example:9/", "self.example leads to a forbidden address: ")):
            verdict = await it.check(normalise(one), "")
            assert verdict is not None
            assert verdict[0] == "forbidden"
            assert verdict[1].startswith(f"{says}{address} is an address of this machine. To allow it, set allow = [")
            result = await it.post(letter(one))
            assert (result.ok, result.unreachable, result.error) == (False, False, verdict[1])


LATER = """
import subprocess
from rundun import webhook_addresses as addresses
addresses.VERDICT_SECONDS = 1e-6
judge = addresses.make_judge((), True)
print(judge("10.0.0.4"))
subprocess.run(["ip", "addr", "add", "10.0.0.4/24", "dev", "v0"], check=True)
print(judge("10.0.0.4"))
subprocess.run(["ip", "addr", "del", "10.0.0.4/24", "dev", "v0"], check=True)
print(judge("10.0.0.4"))
"""


def test_interfaces_that_come_and_go_are_noticed() -> None:
    commands = ["ip link add v0 type veth peer name v1", "ip link set v0 up"]
    first, second, third = in_network(*commands, script=LATER)
    assert (first, third) == ("None", "None")
    assert second.startswith("10.0.0.4 is an address of this machine. ")


def test_this_machine_knows_itself() -> None:
    assert is_own_address(ip_address("127.0.0.1"))
    assert not is_own_address(ip_address("8.8.8.8"))
    assert not is_own_address(ip_address("2001:4860:4860::8888"))
