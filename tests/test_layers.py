"""The shape of the house: who may import whom, who owns which library, and how long a file may grow.

Read from the syntax tree, so imports inside functions count and imports for type checkers do as well.
"""

import ast
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "rundun"

# Top level names of the package, outermost first. A module may import from lines below its own only, and from its own
# package; names that share a line are siblings and do not know each other.
LAYERS = (
    {"__main__"},
    {"cli"},
    {"app"},
    {"scheduler", "loop_beat"},
    {"web", "webhooks", "imaging", "spreadsheets", "pdf", "server", "mcp"},
    {"maintenance", "wording"},
    {"control_socket", "read_only"},
    {"actions", "webhook_addresses"},
    {"store"},
    {"core"},
    {"errors"},
)

# Beside the layers: settings, logs, bounded work and where files lie. Everybody outside the actions may use them. Of
# the layers they may use the core, which is pure.
BESIDE = {"config", "counters", "logs", "passwords", "paths", "pool", "subprocess_environment"}
MAY_USE_BESIDE = set().union(*LAYERS[:7]) | BESIDE

# From so many lines on a file is asked whether it has two subjects. What has one is named, with what it is.
MAX_LENGTH = 500
LONG: dict[str, str] = {}

# The entry points of the web do not know each other, and nobody knows them but the routes, which the app alone knows.
ENTRY_POINTS = {"web.api", "web.executor", "web.console", "web.docs", "web.routes"}
MAY_KNOW = {
    "web.routes": {"web.api", "web.executor", "web.console", "web.docs"},
    "app": {"web.routes"},
    "web.console": {"web.executor"},  # whose page it shows as a preview
    "web.docs": {"web.api", "web.executor"},  # whose routes it describes
    "web.unavailable_page": {"web.executor"},  # in the place of whose page it is shown
    "cli.runs": {"web.api"},  # whose lists it prints
}
# What folders say in their first lines that they do not import.
KNOW_NOTHING_OF = {
    "core.templates": {"core.runs"},
    "core.deliveries": {"core.runs"},
    "core.organizations": {"core.runs"},
    "store.sqlite": {"store.runs", "store.templates", "store.deliveries", "store.organizations", "store.erasure"},
    "store.templates": {"store.runs"},
    "store.organizations": {"store.runs"},
    "actions.templates": {"actions.runs"},
    "actions.organizations": {"actions.runs"},
    "actions.deliveries": {"actions.runs"},
}
# One makes the other when somebody first asks for it, and is described by it.
LAZY = {("route", "document")}

# Who alone may touch a library.
OWNERS = {
    "starlette": {"web"},
    "jinja2": {"web"},
    "babel": {"wording", "web"},
    "apscheduler": {"scheduler"},
    "httpx2": {"webhooks", "mcp"},
    "mcp": {"mcp"},
    "mcp_types": {"mcp"},
    "httpcore2": {"webhooks"},
    "PIL": {"imaging"},
    "pillow_heif": {"imaging"},
    "zxingcpp": {"imaging"},
    "sqlite3": {"store"},
    "aiosqlite": {"store"},
    "uvicorn": {"server"},
    "httptools": {"server"},
    "uvloop": {"server"},
    "click": {"cli"},
    "segno": {"cli", "web"},
    "python_calamine": {"spreadsheets"},
    "xlsxwriter": {"spreadsheets"},
    "weasyprint": {"pdf"},
    "argon2": {"passwords"},
    "pyotp": {"core"},
    # The store and the imaging know no settings; their lines go through logs.py all the same.
    "logging": {"logs", "store", "imaging"},
}

# What would make the core depend on the moment, on chance, or on anything outside itself.
IMPURE = {
    *("time", "random", "secrets", "asyncio", "threading", "os", "pathlib", "io", "socket", "ssl"),
    *("subprocess", "logging", "sqlite3", "tempfile", "shutil", "selectors", "concurrent", "contextvars", "sys"),
}
CORE_LIBRARIES = {"pydantic", "pydantic_core", "itsdangerous", "annotated_types", "typing_extensions", "idna", "pyotp"}

SQL = (
    "select ",
    "insert ",
    "replace into ",
    "update ",
    "delete from ",
    "create table ",
    "pragma ",
    "begin immediate",
    "savepoint ",
    "with recursive ",
    "vacuum ",
)
EXECUTE = ("execute", "executemany", "executescript")


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def own_name(path):
    """The name in LAYERS a file belongs to: `rundun/web/http/auth.py` → web."""
    inner = path.relative_to(PACKAGE).parts
    return inner[0].removesuffix(".py")


def dotted(path):
    """The name of the module in a file."""
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def imports(tree, path):
    """Absolute dotted names of the modules and packages that a module imports, as far as they are known to be such:
    `from rundun.web import console` imports rundun.web.console, `from rundun.core.text import clean` rundun.core.text.
    """
    package = ["rundun", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield inner if module == "rundun" or is_module(inner) else module, node.lineno


@cache
def is_module(name):
    """Whether a dotted name stands for a module or a package of ours."""
    path = PACKAGE.parent.joinpath(*name.split("."))
    return name.startswith("rundun.") and (path.is_dir() or path.with_suffix(".py").is_file())


def allowed(user, used):
    """Whether the module or package `user` of rundun may import `used`."""
    if user == used or used == "__version__":
        return True
    if used in BESIDE:
        return user in MAY_USE_BESIDE
    if user in BESIDE:
        return used == "core"
    level = {name: depth for depth, names in enumerate(LAYERS) for name in names}
    return level[user] < level[used]


def folder_of(name):
    """Two parts of a module's name below the package: `rundun.web.console.session` → web.console."""
    return ".".join(name.removeprefix("rundun.").split(".")[:2])


def trespasses(path, source):
    """What this file does that the layers forbid, as sentences."""
    tree = ast.parse(source)
    user = own_name(path)
    for name, line in imports(tree, path):
        top, *inner = name.split(".")
        where = f"{path.relative_to(ROOT)}:{line}"
        if top == "rundun":
            folder, other = folder_of(dotted(path)), folder_of(name)
            if inner and not allowed(user, inner[0]):
                yield f"{where} {user} must not know {inner[0]}"
            elif other in KNOW_NOTHING_OF.get(folder, ENTRY_POINTS - {folder}) - MAY_KNOW.get(folder, set()):
                yield f"{where} {folder} must not know {other}"
            continue
        if top in OWNERS and user not in OWNERS[top]:
            yield f"{where} only {' and '.join(sorted(OWNERS[top]))} may use {top}"
        if user == "core":
            if top in IMPURE:
                yield f"{where} the core is pure, {top} is not"
            elif top not in sys.stdlib_module_names | CORE_LIBRARIES | {"__future__"}:
                yield f"{where} the core does without {top}"
    yield from words(path, tree, user)


def words(path, tree, user):
    docs = {id(node.body[0].value) for node in ast.walk(tree) if has_docstring(node)}
    for node in ast.walk(tree):
        where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.arg) and user == "web" and has_type(node, "Tx"):
            yield f"{where} what takes a Tx is an action or a function of the store"
        if isinstance(node, ast.Await | ast.AsyncFunctionDef) and user in ("core", "actions"):
            yield f"{where} {user} never awaits"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            said = " ".join(node.value.lower().split()) + " "
            is_english = path.name == "page_words.py"  # such as “Delete from this phone”
            if said.startswith(SQL) and user != "store" and not is_english:
                yield f"{where} SQL stands in the store only"
        if isinstance(node, ast.Attribute) and node.attr in EXECUTE and user != "store":
            yield f"{where} SQL stands in the store only"
        if (
            user == "core"
            and isinstance(node, ast.Attribute)
            and node.attr in ("now", "utcnow", "today", "uuid4", "uuid1")
        ):
            yield f"{where} the core asks for no time and no chance"


def has_type(argument, name):
    return isinstance(argument.annotation, ast.Name) and argument.annotation.id == name


def has_docstring(node):
    return isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
        ast.get_docstring(node, clean=False) is not None
    )


# ---- the guard


def test_imports_point_inwards_and_every_library_has_one_owner():
    assert [one for path in modules() for one in trespasses(path, path.read_text("utf-8"))] == []


@cache
def known_to_each():
    """What each module imports of ours."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in modules()}
    return {dotted(path): {name for name, _ in imports(tree, path)} for path, tree in trees.items()}


def circles(known):
    """Folders and files of one folder that know each other, by that folder; `known` are the modules each imports."""
    for folder in sorted(
        {".".join(user.split(".")[:depth]) for user in known for depth in range(1, user.count(".") + 1)}
    ):
        parts = {}
        for user, used in known.items():
            if user.startswith(f"{folder}."):
                inner = [other for other in used if other.startswith(f"{folder}.")]
                part, *others = (one.removeprefix(f"{folder}.").partition(".")[0] for one in (user, *inner))
                parts.setdefault(part, set()).update({one for one in others if one != part and (part, one) not in LAZY})
        try:
            TopologicalSorter(parts).prepare()
        except CycleError as circle:
            yield folder, circle.args[1]


def test_no_folder_or_file_knows_one_that_knows_it():
    known = known_to_each()
    assert list(circles(known)) == []
    assert len(known) > 300


def test_a_circle_is_noticed():
    assert list(circles({"a.b.c": {"a.d.e"}, "a.d.f": {"a.b.g"}})) == [("a", ["b", "d", "b"])]
    assert list(circles({"a.b.c": {"a.d"}, "a.d": {"a.e"}})) == []


def test_every_allowance_is_used():
    known = {(folder_of(user), folder_of(used)) for user, names in known_to_each().items() for used in names}
    assert {(user, used) for user, others in MAY_KNOW.items() for used in others} - known == set()


def test_every_module_has_a_place_in_the_layers():
    known = set().union(*LAYERS) | BESIDE | {"__init__"}
    assert {own_name(path) for path in modules()} <= known


@pytest.mark.parametrize("folder", ["rundun", "static", "templates", "tests"])
def test_files_have_one_subject(folder):
    long = set()
    for path in (ROOT / folder).rglob("*"):
        if path.suffix in (".py", ".js", ".css", ".html", ".sql"):
            name = path.relative_to(ROOT).as_posix()
            if len(path.read_text("utf-8").splitlines()) >= MAX_LENGTH and name not in LONG:
                long.add(name)
    assert long == set(), "one subject, or two?"


def test_the_top_level_stays_as_it_is():
    tracked = {
        *("rundun", "templates", "static", "tests", ".ci"),
        *("rundun.toml.example", "pyproject.toml", "requirements.lock", "Makefile", "Dockerfile", "compose.yaml"),
        *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", ".gitignore"),
    }
    assert tracked <= {path.name for path in ROOT.iterdir()}


# ---- the guard itself


@pytest.mark.parametrize(
    ("file", "source", "said"),
    [
        ("core/runs/run.py", "import time", "the core is pure"),
        ("core/runs/run.py", "def f():\n    from os import urandom", "the core is pure"),
        ("core/runs/run.py", "import yaml", "the core does without"),
        ("core/runs/run.py", "from datetime import datetime\nx = datetime.now()", "no time and no chance"),
        ("core/runs/run.py", "from rundun.store import runs", "core must not know store"),
        ("core/runs/run.py", "from ...store import runs", "core must not know store"),
        ("core/runs/run.py", "from rundun import logs", "core must not know logs"),
        ("core/runs/run.py", "async def f(): pass", "core never awaits"),
        ("store/runs/runs.py", "from rundun.actions import execution", "store must not know actions"),
        ("actions/runs/execution.py", "from rundun.web.http.auth import key", "actions must not know web"),
        ("actions/runs/execution.py", "x = 'SELECT 1'", "SQL stands in the store only"),
        ("actions/runs/execution.py", "x = f'''\n  update runs set a = {1}'''", "SQL stands in the store only"),
        ("web/public.py", "x = 'INSERT OR REPLACE INTO secrets VALUES (1)'", "SQL stands in the store only"),
        ("web/public.py", "def f(tx, sql): tx.db.execute(sql)", "SQL stands in the store only"),
        ("web/api/runs.py", "import rundun.webhooks.client", "web must not know webhooks"),
        ("web/api/runs.py", "import sqlite3", "only store may use sqlite3"),
        ("web/api/runs.py", "def dispatched(tx: Tx): pass", "what takes a Tx is an action"),
        ("webhooks/client.py", "from rundun import imaging", "webhooks must not know imaging"),
        ("scheduler.py", "from starlette.applications import Starlette", "only web may use starlette"),
        ("web/media.py", "import PIL.Image", "only imaging may use PIL"),
        ("config/loader.py", "from rundun import app", "config must not know app"),
        ("pool.py", "from rundun.store import runs", "pool must not know store"),
        ("errors.py", "from rundun.core import text", "errors must not know core"),
        ("cli/runs/runs.py", "from rundun.web.console import session", "cli.runs must not know web.console"),
        ("cli/serve.py", "from rundun.web import console", "cli.serve must not know web.console"),
        ("cli/serve.py", "from rundun.web import routes", "cli.serve must not know web.routes"),
        ("web/http/body.py", "from rundun.web import api, executor", "web.http must not know web.api"),
        ("web/http/body.py", "from .. import console", "web.http must not know web.console"),
        ("store/templates/pictures.py", "from rundun.store import runs", "store.templates must not know store.runs"),
        ("core/templates/steps.py", "from rundun.core import runs", "core.templates must not know core.runs"),
        ("web/api/runs.py", "from rundun.web.console.runs import page", "web.api must not know web.console"),
        ("web/http/query_params.py", "from rundun.web.executor.bodies import A", "web.http must not know web.executor"),
        ("wording/run_view.py", "from rundun.web.http import body", "wording must not know web"),
    ],
)
def test_the_guard_notices(file, source, said):
    told = list(trespasses(PACKAGE / file, source))
    assert len(told) >= 1 and said in told[0]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        (
            "web/api/runs.py",
            "from rundun.actions import execution\nfrom rundun import logs\nfrom rundun.web import auth",
        ),
        ("store/runs/runs.py", '"""Select what waits."""\nfrom rundun.core import run\nx = "select 1"'),
        ("core/runs/run.py", "from datetime import UTC\nfrom rundun.errors import Problem"),
        ("app.py", "from rundun import imaging, scheduler, server, web, webhooks"),
        ("imaging/derivatives.py", "from rundun.imaging.formats import sniff\nfrom rundun.errors import Problem"),
    ],
)
def test_the_guard_lets_pass_what_is_right(file, source):
    assert list(trespasses(PACKAGE / file, source)) == []


# What these change is their own: a parser's place, a bucket's tokens, jobs that wait, connections.
MUTABLE = {"json_positions", "token_bucket", "batches", "connection", "database", "worker"}


def test_nobody_changes_a_value():
    """Run, Answer, StepState and others are not frozen, which would take six times as long: nobody may change one."""
    changed = []
    for folder in ("core", "actions", "store"):
        for path in (ROOT / "rundun" / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
                    is_own = isinstance(node.value, ast.Name) and node.value.id == "self"
                    if not is_own and path.stem not in MUTABLE:
                        changed.append(f"{path.name}:{node.lineno} {ast.unparse(node)}")
    assert changed == []
