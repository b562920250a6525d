"""Running wrk with a script of ours, and reading what it measured."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONNECTIONS = 64

_DONE = """
function done(summary, latency, requests)
  local bad = summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.status + summary.errors.timeout
  io.write(string.format('{"rate": %f, "p99": %f, "count": %d, "bad": %d}\\n',
    summary.requests / summary.duration * 1e6, latency:percentile(99) / 1000, summary.requests, bad))
end
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of wrk: answers a second, the 99th percentile in milliseconds, how many there were."""

    rate: float
    p99: float
    count: int


def run(port: int, script: Path, seconds: int) -> Measured:
    """Load 127.0.0.1:`port` for that long; an answer of 400 or above, or none, fails the bench."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}/"]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 30).stdout
    told = json.loads(output.splitlines()[-1])
    if told["bad"]:
        raise SystemExit(f"{told['bad']} of {told['count']} requests failed: {script.read_text()}")
    return Measured(told["rate"], told["p99"], told["count"])


def same(method: str, path: str, headers: dict[str, str], body: str) -> str:
    """A script that sends one request again and again."""
    return f"""
request_bytes = nil
function init(args)
  request_bytes = wrk.format({_lua(method)}, {_lua(path)}, {_table(headers)}, {_lua(body)})
end
function request() return request_bytes end
{_DONE}"""


def each(method: str, paths: list[str], headers: dict[str, str]) -> str:
    """A script that goes through the paths."""
    return f"""
local paths = {{{", ".join(map(_lua, paths))}}}
local requests, turn = {{}}, 0
function init(args)
  for index, path in ipairs(paths) do requests[index] = wrk.format({_lua(method)}, path, {_table(headers)}) end
end
function request()
  turn = turn + 1
  return requests[(turn - 1) % #requests + 1]
end
{_DONE}"""


def answering(runs: list[str], values: dict[str, tuple[Any, Any]]) -> str:
    """A script that answers the first step of one run after the other, then the next step of each, then all of them
    again with the other value, so that each request changes something. `values` are two for each step.
    """
    texts = [f"{{{_lua(json.dumps(one))}, {_lua(json.dumps(other))}}}" for one, other in values.values()]
    return f"""
local runs = {{{", ".join(map(_lua, runs))}}}
local steps = {{{", ".join(map(_lua, values))}}}
local values = {{{", ".join(texts)}}}
local headers = {{["content-type"] = "application/json"}}
local turn = -1
function request()
  turn = turn + 1
  local step = math.floor(turn / #runs) % #steps + 1
  local which = math.floor(turn / #runs / #steps) % 2 + 1
  local body = string.format('{{"answer_id": "00000000-0000-4000-8000-%012x", "value": %s}}', turn, values[step][which])
  return wrk.format("PUT", "/r/" .. runs[turn % #runs + 1] .. "/steps/" .. steps[step], headers, body)
end
{_DONE}"""


def _lua(text: str) -> str:
    return json.dumps(text)


def _table(fields: dict[str, str]) -> str:
    return "{" + ", ".join(f"[{_lua(name)}] = {_lua(value)}" for name, value in fields.items()) + "}"
