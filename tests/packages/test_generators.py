"""Generators take the document as it is, by the commands of the guide: each client does a whole run, and those of
openapi-generator read runs of all kinds and every event. (openapi-python-client: tests/process/test_clients.py.)
"""

import shutil
from pathlib import Path

import pytest

from rundun.core.runs import event
from tests.helpers.every_type import TEMPLATE
from tests.helpers.openapi.generated_clients import DONE, commands, run, run_done
from tests.helpers.pictures import images
from tests.helpers.processes.debian import needs
from tests.helpers.processes.served import served
from tests.helpers.service import World

pytestmark = pytest.mark.packages

PROGRAMS = Path(__file__).with_name("clients")
REST = f"{' '.join(sorted((*event.EVENTS, *event.ON_REQUEST)))}\n404 not_found\n"
GOCODE = "/usr/share/gocode"  # where Debian keeps sources of Go
MODULE = "github.com/GIT_USER_ID/GIT_REPO_ID"  # as the generator calls it


@pytest.fixture(scope="module")
async def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment of the generator that the guide makes."""
    folder = tmp_path_factory.mktemp("generator")
    for line in commands("## openapi-generator"):
        await run(line, folder)
    return folder / "generator"


@pytest.fixture
async def every(w: World) -> World:
    """A world with runs that ended in each way, an erased and an open one, answers of all types, and every event."""
    steps = [step for section in TEMPLATE["sections"] for step in section["steps"]]
    either = {"op": "or", "rules": [{"when": {"step": "s-in", "op": "eq", "value": False}}] * 2}
    flag = {"when": {"op": "gt", "value": 8.5}, "tell": "Close the door."}
    warm = {"id": "s-warm", "type": "number", "label": "Warm?", "flag": flag, "condition": either}
    fields = [{"id": "f-door", "label": "Door", "kind": "text"}]
    loose = [{**step, "required": False} for step in (*steps, warm)]
    every = await w.template(*loose, name="Every", fields=fields, settings={"allow_skip": True})
    eds = []
    for name in ("done", "cancelled", "expired", "erased"):
        ed = await w.dispatch(every, title=name, executor_ref=name, fields={"f-door": "12"}, prefill={"s-tip": "None"})
        await ed.start()
        for step, value in {"s-in": False, "s-did": ["o-clean", "o-fill"], "s-meter": 4.5, "s-grade": 3}.items():
            assert (await ed.answer(step, value, geo={"lat": 1.5, "lng": 2.5})).status_code == 200
        assert (await ed.answer("s-warm", 9)).status_code == 200
        assert (await ed.put("s-tip", {"skipped": True})).status_code == 200
        assert (await ed.put("s-way", {"unable": {"reason": "no door"}})).status_code == 200
        assert (await w.acme.patch(f"/v1/runs/{ed.run_id}", json={"note": "Ring twice."})).status_code == 200
        eds.append(ed)
    done, cancelled, _, erased = eds
    assert (await done.photo("s-pic", images.jpeg())).status_code == 201
    assert (await done.complete()).status_code == 200
    assert (await cancelled.call("POST", "/cancel", json={"reason": "rain"})).status_code == 200
    assert (await w.acme.delete(f"/v1/runs/{erased.run_id}")).status_code == 204
    w.clock.forward(hours=100)
    await w.sweep()
    await w.dispatch(every)
    return w


async def did_all(line: str, folder: Path, w: World) -> None:
    """Run a client's program; it did a whole run and read all else."""
    (folder / "kitchen.jpg").write_bytes(images.jpeg())
    async with served(w) as site:
        printed = await run(line, folder, site, w)
    assert printed.endswith(REST), printed
    assert DONE.fullmatch(printed.removesuffix(REST)), printed
    assert (await w.acme.get("/v1/runs")).json()["data"][0]["executor_ref"] == "booking_12345"


async def generated(below: str, generator: Path, folder: Path, w: World) -> None:
    """Run the guide's commands below a line, which generate a client into `folder`."""
    (folder / "generator").symlink_to(generator)
    async with served(w) as site:
        for line in commands(below):
            await run(line, folder, site)


async def test_python(every: World, generator: Path, tmp_path: Path) -> None:
    await generated("Three of its languages are tried. In Python, a package with pydantic:", generator, tmp_path, every)
    program = PROGRAMS / "openapi_generator.py"
    await did_all(f"generator/bin/python {program} kitchen.jpg", tmp_path, every)


async def test_typescript(every: World, generator: Path, tmp_path: Path) -> None:
    needs(node="nodejs", npm="npm")
    await generated("In TypeScript, classes around `fetch`:", generator, tmp_path, every)
    shutil.copy(PROGRAMS / "openapi_generator.ts", tmp_path)
    await run("npm install typescript@5 @types/node@20", tmp_path)
    await run("npx tsc --strict --target es2022 --module nodenext openapi_generator.ts", tmp_path)
    await did_all("node openapi_generator.js kitchen.jpg", tmp_path, every)


async def test_go(every: World, generator: Path, tmp_path: Path) -> None:
    """As Debian builds: sources below GOPATH, without modules, so nothing is fetched."""
    needs(go="golang-go")
    if not Path(GOCODE, "src/gopkg.in/validator.v2").is_dir():
        needs(validator_v2="golang-gopkg-validator.v2-dev")
    option = "In Go, where the option says that `type` of a step and `event` of an event tell which kind it is:"
    await generated(option, generator, tmp_path, every)
    source, program = tmp_path / "src" / MODULE, tmp_path / "src" / "program"
    shutil.copytree(tmp_path / "rundun", source, ignore=lambda *_: ["test"])
    program.mkdir()
    shutil.copy(PROGRAMS / "openapi_generator.go", program)
    variables = f"GO111MODULE=off GOPATH={tmp_path}:{GOCODE} GOCACHE={tmp_path}/cache"
    await run(f"cd src/program && {variables} go build -o {tmp_path}/client .", tmp_path)
    await did_all("./client kitchen.jpg", tmp_path, every)


async def test_types_in_typescript(w: World, tmp_path: Path) -> None:
    needs(node="nodejs", npm="npm")
    assert DONE.fullmatch(await run_done(tmp_path, commands("## TypeScript"), w))
