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
from statistics import median

from tests.bench import beats, loop_world
from tests.bench.loop_requests import Means, Request
from tests.bench.loop_routes import ROUTES
from tests.bench.loop_world import Ids
from tests.bench.processes import Rundun, rundun

ROUNDS, TARGET_MS = 5, 50.0
WARM_UP = 1


def measure(routes: Sequence[str] = ()) -> None:
    """Print the longest lateness of the loop's beat under the requests to each route, the median of the rounds."""
    with tempfile.TemporaryDirectory(prefix="rundun-bench-") as name:
        folder = Path(name)
        began = time.monotonic()
        with rundun(folder) as service:
            made = {"key": service.key, **loop_world.build(service)}
        ids = loop_world.copy(folder / "rundun.db", made)
        print(f"\nThe loop's lateness under the worst of each route, in ms (made in {time.monotonic() - began:.0f} s):")
        measure_in(folder, ids, routes)


def measure_in(folder: Path, ids: Ids, routes: Sequence[str]) -> None:
    """Serve the database in a folder, and measure."""
    with rundun(folder, program="tests.bench.beats") as service:
        csrf = _csrf(service, ids)
        for route in routes or [route for route, how in ROUTES.items() if not isinstance(how, str)]:
            rounds, statuses = [], Counter[int]()
            worst = defaultdict[str, list[float]](list)
            for number in range(ROUNDS + WARM_UP):
                means = Means(ids, csrf, number)
                rounds.append(
                    max(
                        _send(service, route, one, worst, statuses) for one in ROUTES[route](means, route.split(" ")[1])
                    )
                )
            late = median(rounds[WARM_UP:])
            which = max(worst, key=lambda what: median(worst[what]))
            answers = ", ".join(f"{times} × {status}" for status, times in sorted(statuses.items()))
            verdict = "met" if late <= TARGET_MS else "MISSED"
            print(f"  {late:>7.1f}   ≤ {TARGET_MS:g}: {verdict:<6}  {route:<60} {which[:40]:<40} {answers}", flush=True)
            for what, times in worst.items() if len(routes) == 1 else ():
                print(f"             {median(times):>7.1f}  {what}")


def _send(
    service: Rundun, route: str, request: Request, worst: dict[str, list[float]], statuses: Counter[int]
) -> float:
    beats.ask(service.config)
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=300)
    try:
        connection.request(route.split(" ")[0], request.path, request.body, dict(request.headers))
        response = connection.getresponse()
        while response.read1(1 << 16):
            pass
        status = response.status
    except ConnectionError:
        status = 0
    finally:
        connection.close()
    statuses[status] += 1
    late = beats.ask(service.config)
    worst[request.what].append(late)
    return late


def _csrf(service: Rundun, ids: Ids) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    connection.request("GET", "/console/settings/account", headers=dict(ids.session))
    found = re.search(rb'name="csrf" value="([^"]+)"', connection.getresponse().read())
    assert found
    return found[1].decode()


if __name__ == "__main__":
    measure(sys.argv[1:])
