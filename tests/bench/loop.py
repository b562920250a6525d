"""How long one request holds the event loop: the worst that limits allow, stored and sent, to each route.

`python -m tests.bench.loop` measures all; `python -m tests.bench.loop "GET /v1/runs/{run_id}"` this one, with a line
for each request.
"""

import http.client
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from tests.bench import beats, loop_world
from tests.bench.loop_requests import Means, Request
from tests.bench.loop_routes import ROUTES
from tests.bench.loop_world import Ids
from tests.bench.processes import Rundun, rundun

ROUNDS, TARGET_MS = 5, 50.0
READING_SECONDS = 2.0  # of a response: a report of 2.4 GB, or an archive of thousands of runs, is alike in each part


def measure(routes: Sequence[str] = ()) -> None:
    """Print the longest lateness of the loop's beat under the requests to each route: the middle one of the rounds.
    They repeat the request that held it longest when all were sent once.
    """
    with tempfile.TemporaryDirectory(prefix="rundun-bench-") as name:
        folder = Path(name)
        began = time.monotonic()
        with rundun(folder) as service:
            made = {"key": service.key, **loop_world.build(service)}
        ids = loop_world.copy(folder / "rundun.db", made)
        print("\nThe loop's lateness under the worst of each route, and the longest collection of garbage, in ms")
        print(f"(the organization was made in {time.monotonic() - began:.0f} s):")
        measure_in(folder, ids, routes)
        print(f"  ({time.monotonic() - began:.0f} s in all)")


def measure_in(folder: Path, ids: Ids, routes: Sequence[str]) -> None:
    """Serve the database in a folder, and measure."""
    with rundun(folder, program="tests.bench.beats") as service:
        csrf = _csrf(service, ids)
        for route in routes or [route for route, how in ROUTES.items() if not isinstance(how, str)]:
            _measure_route(service, Means(ids, csrf), route, is_one=len(routes) == 1)


def _measure_route(service: Rundun, means: Means, route: str, *, is_one: bool) -> None:
    statuses = Counter[int]()
    first = {one.what: _send(service, route, one, statuses) for one in _requests(means, route, 0)}
    repeated = first if is_one else [max(first, key=lambda what: first[what])]
    late = defaultdict[str, list[tuple[float, float]]](list)
    for number in range(1, ROUNDS + 1):
        for one in _requests(means, route, number):
            if one.what in repeated:
                late[one.what].append(_send(service, route, one, statuses))
    longest, collection = _middle([max(times) for times in zip(*late.values(), strict=True)])
    which = max(late, key=lambda what: _middle(late[what]))
    answers = ", ".join(f"{times} × {status}" for status, times in sorted(statuses.items()))
    verdict = "met" if longest <= TARGET_MS else "MISSED"
    print(
        f"  {longest:>7.1f} {collection:>7.1f}   ≤ {TARGET_MS:g}: {verdict:<6}  {route:<60} {which[:40]:<40} {answers}",
        flush=True,
    )
    for what, times in late.items() if is_one else ():
        print("  {:>7.1f} {:>7.1f}   {}".format(*_middle(times), what))


def _middle(times: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return sorted(times)[len(times) // 2]


def _requests(means: Means, route: str, number: int) -> Sequence[Request]:
    how = ROUTES[route]
    assert not isinstance(how, str), f"{route}: {how}"
    return list(how(means.in_round(number), route.split(" ")[1]))


def _send(service: Rundun, route: str, request: Request, statuses: Counter[int]) -> tuple[float, float]:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=300)
    try:
        connection.request(route.split(" ")[0], request.path, request.body, dict(request.headers))
        response = connection.getresponse()
        enough = time.monotonic() + READING_SECONDS
        while response.read1(1 << 16) and time.monotonic() < enough:
            pass
        status = response.status
    except ConnectionError:
        status = 0
    finally:
        connection.close()
    statuses[status] += 1
    return beats.ask(service.config)


def _csrf(service: Rundun, ids: Ids) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    connection.request("GET", "/console/settings/account", headers=dict(ids.session))
    found = re.search(rb'name="csrf" value="([^"]+)"', connection.getresponse().read())
    assert found
    return found[1].decode()


if __name__ == "__main__":
    measure(sys.argv[1:])
